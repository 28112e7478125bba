//! The network on a board, and what commands do to it.

use crc::Digest;
use embedded_hal::digital::OutputPin;
use thumbnet::Network;
use thumbnet::cost::Cost;
use thumbnet::format::{CRC_32, HEADER_BYTES, Header, read_head};
use thumbnet::input::Width;
use thumbnet::preparation::Preparation;
use thumbnet_protocol::frame::overhead;
use thumbnet_protocol::message::{Checkpoint, Readable};
use thumbnet_protocol::{Command, Config, Refusal, Reply, Status, Stream, Taken};

use super::checkpoints::Checkpoints;
use super::methods::Methods;
use super::step::{self, Outputs};
use super::streams::{Collected, File, Open, Sample, Step};
use super::{About, parameters};
use crate::board::Board;
use crate::meter::Meter;

/// A checksum that is not at its end yet.
type Checksum = Digest<'static, u32>;

/// What has come of the stream that was opened last.
struct Counts {
    /// Without its checksum.
    taken: Taken,
    costs: Checksum,
    samples: u32,
    right: u32,
    class: u16,
    cost: f64,
    scores: Checksum,
    classes: Checksum,
    work: u64,
}

impl Counts {
    fn new(steps: u32) -> Self {
        Self {
            taken: Taken {
                steps,
                ..Taken::default()
            },
            costs: CRC_32.digest(),
            samples: 0,
            right: 0,
            class: 0,
            cost: 0.0,
            scores: CRC_32.digest(),
            classes: CRC_32.digest(),
            work: 0,
        }
    }
}

/// A network, and all that trains it.
pub(super) struct Learner<'m, N: Network, M, const INPUTS: usize> {
    network: &'m mut N,
    methods: &'m mut M,
    images: &'m mut [[u8; INPUTS]],
    labels: &'m mut [u8],
    config: Option<Config>,
    /// What the network was trained with, and what images it is for.
    cost: Cost,
    preparation: Preparation,
    /// Whether the network is whole.
    weights: bool,
    open: Open,
    /// Of the weights file that is coming.
    file_head: Collected<HEADER_BYTES>,
    counts: Counts,
    /// Of the sample that was predicted last.
    scores: Option<N::Scores>,
}

impl<'m, N, M, const INPUTS: usize> Learner<'m, N, M, INPUTS>
where
    N: Network<Inputs = Width<INPUTS>>,
    N::Output: Outputs,
    M: Methods<N, INPUTS>,
{
    pub(super) fn new(
        network: &'m mut N,
        methods: &'m mut M,
        images: &'m mut [[u8; INPUTS]],
        labels: &'m mut [u8],
        about: &About<'_>,
    ) -> Self {
        Self {
            network,
            methods,
            images,
            labels,
            config: None,
            cost: about.cost,
            preparation: about.preparation,
            weights: true,
            open: Open::Closed(Refusal::NoStream),
            file_head: Collected::NOTHING,
            counts: Counts::new(0),
            scores: None,
        }
    }

    /// CRC-32 of the weights.
    pub(super) fn weights_crc32(&self) -> u32 {
        self.network.weights_crc32()
    }

    /// The head of the network's weights file.
    fn head(&self) -> [u8; HEADER_BYTES] {
        let header = Header {
            architecture: N::ARCHITECTURE,
            cost: self.cost,
            preparation: self.preparation,
            weights_crc32: self.network.weights_crc32(),
        };
        header.to_bytes()
    }

    /// How things are with the network.
    pub(super) fn status(&self) -> Status {
        let counts = &self.counts;
        Status {
            taken: self.taken(),
            weights: self.weights,
            weights_crc32: self.network.weights_crc32(),
            samples: counts.samples,
            right: counts.right,
            class: counts.class,
            cost: counts.cost,
            scores_crc32: counts.scores.clone().finalize(),
            classes_crc32: counts.classes.clone().finalize(),
            work: counts.work,
            ..Status::default()
        }
    }

    fn taken(&self) -> Taken {
        Taken {
            costs_crc32: self.counts.costs.clone().finalize(),
            ..self.counts.taken
        }
    }

    /// Does what is to be done with the network; `scratch` is for what is read.
    ///
    /// # Errors
    ///
    /// Why it cannot be done.
    pub(super) fn command<'s, T: Meter, P: OutputPin>(
        &mut self,
        command: Command<'_>,
        scratch: &'s mut [u8],
        board: &mut Board<T, P>,
        checkpoints: &mut impl Checkpoints<N, M>,
    ) -> Result<Reply<'s>, Refusal> {
        match command {
            Command::Configure(config) => self.configure(&config)?,
            Command::Open(stream) => self.open(stream)?,
            Command::Data { offset, bytes } => {
                self.data(offset, bytes, board, checkpoints)?;
                return Ok(Reply::Taken(self.taken()));
            }
            Command::Read {
                from,
                offset,
                length,
            } => {
                let most = scratch.len().saturating_sub(overhead(scratch.len()));
                let length = usize::from(length).min(most);
                let bytes = scratch.get_mut(..length).unwrap_or_default();
                let length = self.read(from, offset as usize, bytes)?;
                let bytes = scratch.get(..length).unwrap_or_default();
                return Ok(Reply::Bytes { offset, bytes });
            }
            Command::Checkpoint(what) => self.checkpoint(what, checkpoints)?,
            Command::Hello { .. } | Command::Status | Command::Reset => {
                return Err(Refusal::NotSupported);
            }
        }
        Ok(Reply::Done)
    }

    fn configure(&mut self, config: &Config) -> Result<(), Refusal> {
        step::check::<N::Output>(config)?;
        self.methods.begin(config)?;
        self.config = Some(*config);
        self.cost = step::cost(config.cost);
        self.counts = Counts::new(0);
        self.open = Open::Closed(Refusal::NoStream);
        Ok(())
    }

    fn open(&mut self, stream: Stream) -> Result<(), Refusal> {
        if stream != Stream::Weights && !self.weights {
            return Err(Refusal::NoWeights);
        }
        if stream == Stream::Train && self.config.is_none() {
            return Err(Refusal::NotConfigured);
        }
        self.counts = Counts::new(self.counts.taken.steps);
        self.open = stream.into();
        self.file_head = Collected::NOTHING;
        Ok(())
    }

    /// Takes in a piece of the stream, if it is the next one.
    fn data<T: Meter, P: OutputPin>(
        &mut self,
        offset: u32,
        bytes: &[u8],
        board: &mut Board<T, P>,
        checkpoints: &mut impl Checkpoints<N, M>,
    ) -> Result<(), Refusal> {
        let result = match self.open {
            Open::Closed(refusal) => return Err(refusal),
            _ if offset != self.counts.taken.offset => return Ok(()),
            Open::Train(step) => self.train(step, bytes, board),
            Open::Evaluate(sample) => self.evaluate(sample, bytes, board),
            Open::Predict(sample) => self.predict(sample, bytes, board),
            Open::Weights(file) => self.load(file, bytes),
        };
        let end = offset.checked_add(bytes.len() as u32);
        let result = result.and_then(|open| Ok((open, end.ok_or(Refusal::Offset)?)));
        match result {
            Ok((open, end)) => {
                self.open = open;
                self.counts.taken.offset = end;
                Ok(())
            }
            Err(Refusal::Diverged { step, .. }) => {
                self.weights = false;
                let restored = self.checkpoint(Checkpoint::Restore, checkpoints).is_ok();
                let refusal = Refusal::Diverged { step, restored };
                self.open = Open::Closed(refusal);
                Err(refusal)
            }
            Err(refusal) => {
                self.open = Open::Closed(refusal);
                Err(refusal)
            }
        }
    }

    fn train<T: Meter, P: OutputPin>(
        &mut self,
        mut step: Step,
        mut bytes: &[u8],
        board: &mut Board<T, P>,
    ) -> Result<Open, Refusal> {
        let config = self.config.ok_or(Refusal::NotConfigured)?;
        while !bytes.is_empty() {
            bytes = step.take_head(bytes, config.dropout.is_some());
            let Some(head) = step.said else {
                break;
            };
            let wanted = usize::from(head.samples);
            if wanted == 0 || wanted > self.images.len() {
                return Err(Refusal::Batch);
            }
            let places = self
                .images
                .get_mut(step.samples)
                .zip(self.labels.get_mut(step.samples));
            let (image, label) = places.ok_or(Refusal::Batch)?;
            let (found, behind) = step.sample.take(bytes, image)?;
            bytes = behind;
            let Some(found) = found else {
                continue;
            };
            *label = found;
            step.samples += 1;
            if step.samples == wanted {
                let images = self.images.get(..wanted).unwrap_or_default();
                let labels = self.labels.get(..wanted).unwrap_or_default();
                let (network, methods) = (&mut *self.network, &mut *self.methods);
                let (cost, work) =
                    board.work(|| methods.step(network, &config, &head, images, labels));
                self.count_step(cost?, work, wanted)?;
                step = Step::START;
            }
        }
        Ok(Open::Train(step))
    }

    fn count_step(&mut self, cost: f32, work: u64, samples: usize) -> Result<(), Refusal> {
        let counts = &mut self.counts;
        counts.taken.steps = counts.taken.steps.saturating_add(1);
        counts.samples = counts.samples.saturating_add(samples as u32);
        counts.work += work;
        counts.cost += f64::from(cost) * samples as f64;
        counts.costs.update(&cost.to_le_bytes());
        if cost.is_finite() {
            return Ok(());
        }
        Err(Refusal::Diverged {
            step: counts.taken.steps,
            restored: false,
        })
    }

    fn evaluate<T: Meter, P: OutputPin>(
        &mut self,
        mut sample: Sample,
        mut bytes: &[u8],
        board: &mut Board<T, P>,
    ) -> Result<Open, Refusal> {
        while !bytes.is_empty() {
            let image = self.images.first_mut().ok_or(Refusal::Batch)?;
            let (label, behind) = sample.take(bytes, image)?;
            bytes = behind;
            if let Some(label) = label {
                if usize::from(label) >= N::ARCHITECTURE.classes() {
                    return Err(Refusal::Label);
                }
                self.look(label, board);
            }
        }
        Ok(Open::Evaluate(sample))
    }

    fn predict<T: Meter, P: OutputPin>(
        &mut self,
        mut sample: Sample,
        bytes: &[u8],
        board: &mut Board<T, P>,
    ) -> Result<Open, Refusal> {
        let image = self.images.first_mut().ok_or(Refusal::Batch)?;
        if let (Some(label), behind) = sample.take(bytes, image)? {
            self.look(label, board);
            sample = Sample::UNLABELLED;
            if !behind.is_empty() {
                return Err(Refusal::Runs);
            }
        }
        Ok(Open::Predict(sample))
    }

    /// Predicts the first image, and counts what comes of it.
    fn look<T: Meter, P: OutputPin>(&mut self, label: u8, board: &mut Board<T, P>) {
        let Some(image) = self.images.first() else {
            return;
        };
        let (network, cost) = (&*self.network, self.cost);
        let ((prediction, cost), work) =
            board.work(|| step::predict::<N, INPUTS>(network, image, label, cost));
        let counts = &mut self.counts;
        counts.samples = counts.samples.saturating_add(1);
        counts.right += u32::from(prediction.class == usize::from(label));
        counts.class = prediction.class as u16;
        counts.cost += f64::from(cost);
        counts.work += work;
        for score in prediction.scores.as_ref() {
            counts.scores.update(&score.to_le_bytes());
        }
        counts.classes.update(&[prediction.class as u8]);
        self.scores = Some(prediction.scores);
    }

    fn load(&mut self, mut file: File, mut bytes: &[u8]) -> Result<Open, Refusal> {
        let parameters = N::ARCHITECTURE.parameters();
        while !bytes.is_empty() {
            let Some(checksum) = file.checksum else {
                bytes = self.file_head.take(bytes, HEADER_BYTES);
                if let Some(head) = self.file_head.whole(HEADER_BYTES) {
                    let header = read_head(&head).map_err(|_| Refusal::Checksum)?;
                    if header.architecture != N::ARCHITECTURE {
                        return Err(Refusal::OtherNetwork);
                    }
                    file.checksum = Some(header.weights_crc32);
                    self.cost = header.cost;
                    self.preparation = header.preparation;
                    self.weights = false;
                }
                continue;
            };
            if file.parameters == parameters {
                return Err(Refusal::OtherNetwork);
            }
            bytes = file.float.take(bytes, 4);
            if let Some(float) = file.float.whole(4) {
                parameters::write(self.network, file.parameters, &[float]);
                file.parameters += 1;
            }
            if file.parameters == parameters {
                if self.network.weights_crc32() != checksum {
                    return Err(Refusal::Checksum);
                }
                self.weights = true;
            }
        }
        Ok(Open::Weights(file))
    }

    fn read(&self, from: Readable, offset: usize, bytes: &mut [u8]) -> Result<usize, Refusal> {
        if !self.weights {
            return Err(Refusal::NoWeights);
        }
        let copy = |source: &[u8], bytes: &mut [u8]| {
            let source = source.get(offset..).unwrap_or_default();
            let pairs = bytes.iter_mut().zip(source);
            pairs.map(|(byte, source)| *byte = *source).count()
        };
        match from {
            Readable::Weights if offset < HEADER_BYTES => Ok(copy(&self.head(), bytes)),
            Readable::Weights => Ok(parameters::read(self.network, offset - HEADER_BYTES, bytes)),
            Readable::Scores => {
                let scores = self.scores.as_ref().ok_or(Refusal::NoStream)?.as_ref();
                let source = scores.iter().flat_map(|score| score.to_le_bytes());
                let pairs = bytes.iter_mut().zip(source.skip(offset));
                Ok(pairs.map(|(byte, source)| *byte = source).count())
            }
        }
    }

    fn checkpoint(
        &mut self,
        what: Checkpoint,
        checkpoints: &mut impl Checkpoints<N, M>,
    ) -> Result<(), Refusal> {
        match what {
            Checkpoint::Save if !self.weights => Err(Refusal::NoWeights),
            Checkpoint::Save => checkpoints.save(
                self.network,
                self.methods,
                self.config.as_ref(),
                self.counts.taken.steps,
            ),
            Checkpoint::Restore => {
                let (config, steps) = checkpoints
                    .restore(self.network, self.methods)
                    .inspect_err(|refusal| self.weights &= *refusal != Refusal::Flash)?;
                self.config = config;
                if let Some(config) = &config {
                    self.cost = step::cost(config.cost);
                }
                self.counts = Counts::new(steps);
                self.open = Open::Closed(Refusal::NoStream);
                self.weights = true;
                Ok(())
            }
            Checkpoint::Erase => checkpoints.erase(),
        }
    }
}
