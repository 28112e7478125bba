//! A board that trains a run: the desktop chooses the order of samples, distorts them, and draws
//! what dropout needs; the board takes the steps.

use std::sync::Mutex;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail, ensure};
use thumbnet::format::CRC_32;
use thumbnet_protocol::steps::StepHead;
use thumbnet_protocol::{Refusal, Stream, Taken, runs};

use super::client::Client;
use super::config::{config, drops};
use super::flow::{Source, Traffic, Whole};
use crate::model::Model;
use crate::training::{
    Engine, EngineState, EpochResult, Hyperparameters, Instructions, Progress, SparseImages,
};

/// A network in training on a board.
pub struct BoardTrainer {
    client: Client,
    /// What the board has, as of the last epoch, and where the desktop's part of training stands.
    /// What the optimiser keeps is on the board alone.
    state: EngineState,
    model: Model,
    hyperparameters: Hyperparameters,
    /// The desktop's own training of the same run, to compare.
    twin: Option<Box<Engine>>,
    /// What the epochs so far took.
    traffic: Traffic,
}

impl BoardTrainer {
    /// Sends the network to the board, and says how to train it. If `verified`, the desktop trains
    /// too, and compares after every step.
    ///
    /// # Errors
    ///
    /// The board has another network or cannot train like this, or does not answer.
    pub fn new(
        mut client: Client,
        initial: &Model,
        hyperparameters: Hyperparameters,
        seed: u64,
        shuffle: bool,
        verified: bool,
    ) -> Result<Self> {
        let config = config(&hyperparameters, &client.about)?;
        let found = client.head()?.architecture;
        ensure!(
            found == initial.architecture,
            "--model: {} has the network {}, and was asked to train {}: build its program for that, \
             or train {found}",
            client.about.board,
            crate::commands::output::describe(&found),
            crate::commands::output::describe(&initial.architecture),
        );
        client.push(initial, &mut |_| ())?;
        client.configure(&config)?;
        let state = EngineState::new(initial, &hyperparameters, seed, shuffle);
        let twin = verified.then(|| {
            let (state, instructions) = (state.clone(), Instructions::detect());
            let architecture = initial.architecture;
            Box::new(Engine::new(
                architecture,
                hyperparameters,
                state,
                1,
                instructions,
            ))
        });
        Ok(Self {
            client,
            state,
            model: initial.clone(),
            hyperparameters,
            twin,
            traffic: Traffic::default(),
        })
    }

    /// Trains one epoch, as [`Engine::epoch`].
    ///
    /// # Errors
    ///
    /// The line, or the board, fails, or the board and the desktop part.
    pub fn epoch(
        &mut self,
        images: &SparseImages<'_>,
        learning_rate: &(dyn Fn(u32) -> f32 + Sync),
        progress: &Progress,
    ) -> Result<EpochResult> {
        let first_step = self.state.steps;
        let expected = match &mut self.twin {
            None => None,
            Some(twin) => {
                let own = Progress {
                    costs: Some(Mutex::default()),
                    ..Progress::default()
                };
                twin.epoch(images, learning_rate, &own);
                let costs = own.costs.unwrap_or_default().into_inner();
                Some(costs.unwrap_or_else(std::sync::PoisonError::into_inner))
            }
        };
        let order = self.state.shuffle(images.len()).to_vec();
        let count = self.hyperparameters.mini_batches(order.len());
        let batches = order.chunks(self.hyperparameters.batch_size).take(count);
        let mut source = Samples {
            images,
            learning_rate,
            progress,
            batches,
            state: &mut self.state,
            drops: drops(&self.hyperparameters.dropout),
            inputs: vec![0; self.model.architecture.inputs()],
            sent: Vec::new(),
            expected: expected.map(Expected::new),
            first_step,
        };
        let traffic = self.client.stream(Stream::Train, &mut source);
        let (sent, compared) = (source.sent, source.expected);
        let samples = sent.iter().sum();
        let traffic = match traffic {
            Err(error) if diverged(&error) => {
                return Ok(EpochResult {
                    cost: f64::INFINITY,
                    samples,
                });
            }
            other => other?,
        };
        self.traffic.stream += traffic.stream;
        self.traffic.sent += traffic.sent;
        self.traffic.setbacks += traffic.setbacks;

        let status = self.client.status()?;
        ensure!(
            (status.samples as usize, status.taken.steps) == (samples, self.state.steps),
            "the board has trained {} samples in {} steps, expected {samples} in {}",
            status.samples,
            status.taken.steps,
            self.state.steps
        );
        let model = self.client.pull(&mut |_, _| ())?;
        self.state.snapshot.values = model.parameters;
        let found = CRC_32.checksum(&bytes(&self.state.snapshot.values));
        ensure!(
            found == status.weights_crc32,
            "the board's weights have the CRC-32 {:08x}, and those that came from it {found:08x}",
            status.weights_crc32
        );
        // An epoch that was cut short has been trained whole on the desktop.
        if let (Some(twin), Some(compared)) = (&mut self.twin, compared)
            && compared.costs.len() == sent.len()
        {
            let own = CRC_32.checksum(&bytes(&twin.state().snapshot.values));
            ensure!(
                own == found,
                "--verify: the board and the desktop parted in the last step of the epoch, {}: \
                 weights {found:08x} on the board, {own:08x} on the desktop",
                self.state.steps
            );
        }
        Ok(EpochResult {
            cost: status.cost / samples.max(1) as f64,
            samples,
        })
    }

    /// Copies the network as trained so far, ready to predict.
    pub fn store(&self, model: &mut Model) {
        self.state.store(&self.hyperparameters, model);
    }

    /// The parameters as they are trained.
    pub fn parameters(&self) -> &[f32] {
        &self.state.snapshot.values
    }

    /// Steps so far.
    pub fn steps(&self) -> u32 {
        self.state.steps
    }

    /// What the epochs to come follow from, which the desktop knows if it trains, too.
    pub fn state(&mut self) -> Option<EngineState> {
        self.twin.as_mut().map(|twin| twin.state().clone())
    }

    /// What the epochs so far took.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }
}

impl Client {
    /// Sends a network to the board; `report` gets to know how many bytes are there.
    ///
    /// # Errors
    ///
    /// The board has another network, or does not answer.
    pub fn push(&mut self, model: &Model, report: &mut dyn FnMut(u32)) -> Result<()> {
        let file = model.to_bytes();
        self.stream(Stream::Weights, &mut Whole::new(&file, report))
            .context("the weights cannot be sent to the board")?;
        let status = self.status()?;
        let expected = model.weights_crc32();
        ensure!(
            status.weights && status.weights_crc32 == expected,
            "the board has weights with the CRC-32 {:08x}, and was sent {expected:08x}",
            status.weights_crc32
        );
        Ok(())
    }
}

fn diverged(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Refusal::Diverged { .. }))
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

/// The costs of the desktop's own training.
struct Expected {
    costs: Vec<f32>,
    /// CRC-32 of the first `k` of them.
    crc32: Vec<u32>,
    /// Steps that have been compared.
    compared: usize,
}

impl Expected {
    fn new(costs: Vec<f32>) -> Self {
        let mut digest = CRC_32.digest();
        let mut crc32 = vec![digest.clone().finalize()];
        for cost in &costs {
            digest.update(&cost.to_le_bytes());
            crc32.push(digest.clone().finalize());
        }
        Self {
            costs,
            crc32,
            compared: 0,
        }
    }
}

/// The samples of an epoch, in mini-batches.
struct Samples<'a> {
    images: &'a SparseImages<'a>,
    learning_rate: &'a (dyn Fn(u32) -> f32 + Sync),
    progress: &'a Progress,
    batches: std::iter::Take<std::slice::Chunks<'a, u32>>,
    state: &'a mut EngineState,
    drops: bool,
    /// Room for a sample.
    inputs: Vec<u8>,
    /// How many samples each step has.
    sent: Vec<usize>,
    expected: Option<Expected>,
    first_step: u32,
}

impl Source for Samples<'_> {
    fn next(&mut self, bytes: &mut Vec<u8>) -> Result<bool> {
        // As the engine has it: one mini-batch is trained in any case.
        if !self.sent.is_empty() && self.progress.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let Some(samples) = self.batches.next() else {
            return Ok(false);
        };
        let head = StepHead {
            samples: samples.len() as u16,
            learning_rate: (self.learning_rate)(self.state.steps),
            key: self.drops.then(|| self.state.draw_key()),
        };
        bytes.extend_from_slice(&head.to_bytes()[..StepHead::length(self.drops)]);
        for &sample in samples {
            let sample = sample as usize;
            bytes.push(self.images.label(sample));
            self.inputs.fill(0);
            for (place, value) in self.images.image(sample).bytes() {
                self.inputs[place] = value;
            }
            runs::code(&self.inputs, |piece| bytes.extend_from_slice(piece));
        }
        self.state.steps = self.state.steps.saturating_add(1);
        self.sent.push(samples.len());
        Ok(true)
    }

    fn one_by_one(&self) -> bool {
        self.expected.is_some()
    }

    fn taken(&mut self, taken: &Taken) -> Result<()> {
        let steps = (taken.steps.saturating_sub(self.first_step) as usize).min(self.sent.len());
        let samples = self.sent[..steps].iter().sum();
        self.progress.samples.store(samples, Ordering::Relaxed);
        let Some(expected) = &mut self.expected else {
            return Ok(());
        };
        if expected.crc32.get(steps) == Some(&taken.costs_crc32) {
            expected.compared = steps;
            return Ok(());
        }
        // The cost of a step is that before it moves the weights.
        let (first, last) = (expected.compared, steps.saturating_sub(1));
        let which = match last.saturating_sub(first) {
            0 => format!("step {first}"),
            _ => format!("one of the steps {first} to {last}"),
        };
        bail!(
            "--verify: the board and the desktop parted in {which} of the epoch, counted from 1 (0: \
             before the first): the cost of the step behind it is another"
        )
    }
}
