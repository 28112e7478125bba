//! A server's checkpoints in a board's flash.
//!
//! All are of the same length, whatever a network was trained with, so that one takes the place of
//! another: what an optimiser does not keep is zeros there.

use core::marker::PhantomData;

use embedded_storage::nor_flash::NorFlash;
use thumbnet::Network;
use thumbnet::cost::Cost;
use thumbnet::format::{CRC_32, Header};
use thumbnet::preparation::Preparation;
use thumbnet_protocol::{Config, Refusal};
use zerocopy::IntoBytes;

use super::checkpoints::Checkpoints;
use super::methods::Methods;
use crate::checkpoint::{Content, Store};

/// Keeps checkpoints of a network with so many inputs in a [`Store`].
#[derive(Debug)]
pub struct FlashCheckpoints<F, const INPUTS: usize> {
    store: Store<F>,
}

impl<F, const INPUTS: usize> FlashCheckpoints<F, INPUTS> {
    /// Keeps them in this one.
    pub const fn new(store: Store<F>) -> Self {
        Self { store }
    }
}

/// More than what a [`Notes`] takes as postcard writes it.
const NOTES_BYTES: usize = 128;

/// Floats that are written at once where an optimiser keeps nothing.
const ZEROS: usize = 16;

/// What else there is to know: the configuration, the steps since it was set, and the steps that the
/// optimiser has made.
type Notes = (Option<Config>, u32, u32);

/// What a checkpoint holds: notes, parameters, what the optimiser keeps, zeros.
struct Training<'a, N, M, const INPUTS: usize> {
    network: &'a mut N,
    methods: &'a mut M,
    notes: [u8; NOTES_BYTES],
    inputs: PhantomData<[(); INPUTS]>,
}

impl<'a, N: Network, M: Methods<N, INPUTS>, const INPUTS: usize> Training<'a, N, M, INPUTS> {
    fn new(network: &'a mut N, methods: &'a mut M) -> Self {
        Self {
            network,
            methods,
            notes: [0; NOTES_BYTES],
            inputs: PhantomData,
        }
    }

    fn notes(&self) -> Option<Notes> {
        postcard::from_bytes(&self.notes).ok()
    }
}

impl<N: Network, M: Methods<N, INPUTS>, const INPUTS: usize> Content
    for Training<'_, N, M, INPUTS>
{
    fn signature(&mut self) -> u32 {
        let layers = Header {
            architecture: N::ARCHITECTURE,
            // Of a weights file only its description of the layers is meant.
            cost: Cost::CrossEntropy,
            preparation: Preparation::None,
            weights_crc32: 0,
        };
        let mut digest = CRC_32.digest();
        digest.update(b"served");
        digest.update(&layers.to_bytes());
        digest.update(&[M::KEPT as u8]);
        digest.finalize()
    }

    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        let before = self.notes;
        visit(&mut self.notes);
        if self.notes != before
            && let Some((config, _, steps)) = self.notes()
        {
            // It is being loaded: what comes next belongs to the optimiser that it was saved with.
            if let Some(config) = config {
                // If it is none of these, what it kept goes nowhere.
                let _ = self.methods.begin(&config);
            }
            self.methods.set_steps(steps);
        }
        let kept = self.methods.kept();
        let mut zeros = M::KEPT + 1;
        let networks = [Some(&mut *self.network), kept.velocity, kept.squares];
        for network in networks.into_iter().flatten() {
            zeros -= 1;
            network.for_each_layer_mut(&mut |_, weights, biases| {
                visit(weights.as_mut_bytes());
                visit(biases.as_mut_bytes());
            });
        }
        for _ in 0..zeros {
            self.network.for_each_layer(&mut |_, weights, biases| {
                for values in [weights, biases] {
                    for piece in values.chunks(ZEROS) {
                        let mut zeros = [0_f32; ZEROS];
                        let zeros = zeros.get_mut(..piece.len()).unwrap_or_default();
                        visit(zeros.as_mut_bytes());
                    }
                }
            });
        }
    }
}

impl<F: NorFlash, N: Network, M: Methods<N, INPUTS>, const INPUTS: usize> Checkpoints<N, M>
    for FlashCheckpoints<F, INPUTS>
{
    const KEPT: bool = true;

    fn save(
        &mut self,
        network: &mut N,
        methods: &mut M,
        config: Option<&Config>,
        steps: u32,
    ) -> Result<(), Refusal> {
        let notes: Notes = (config.copied(), steps, methods.steps());
        let mut training = Training::<_, _, INPUTS>::new(network, methods);
        postcard::to_slice(&notes, &mut training.notes).map_err(|_| Refusal::Flash)?;
        self.store.save(&mut training).map_err(|_| Refusal::Flash)?;
        Ok(())
    }

    fn restore(
        &mut self,
        network: &mut N,
        methods: &mut M,
    ) -> Result<(Option<Config>, u32), Refusal> {
        let mut training = Training::<_, _, INPUTS>::new(network, methods);
        let loaded = self.store.load(&mut training).map_err(|_| Refusal::Flash)?;
        loaded.sequence.ok_or(Refusal::NoCheckpoint)?;
        let (config, steps, _) = training.notes().ok_or(Refusal::NoCheckpoint)?;
        Ok((config, steps))
    }

    fn erase(&mut self) -> Result<(), Refusal> {
        self.store.clear().map_err(|_| Refusal::Flash)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::checkpoint::RamFlash;
    use crate::serve::methods::{Every, GradientDescent};
    use std::boxed::Box;
    use thumbnet::Mlp;
    use thumbnet::optimizer::Zeroed;
    use thumbnet::prelude::*;
    use thumbnet_protocol::config::{self, Optimizer};
    use thumbnet_protocol::steps::StepHead;

    const INPUTS: usize = 3;
    type Small = Mlp<INPUTS, 4, 2>;
    type Flash = RamFlash<4, 512, 4_096>;

    const IMAGES: [[u8; INPUTS]; 4] = [[9, 0, 200], [80, 255, 0], [0, 31, 7], [255, 1, 90]];
    const LABELS: [u8; 4] = [0, 1, 1, 0];

    fn config(optimizer: Optimizer, clip_norm: Option<f32>) -> Config {
        Config {
            cost: config::Cost::CrossEntropy,
            optimizer,
            clip_norm,
            weight_decay: config::WeightDecay::L2(0.001),
            dropout: None,
        }
    }

    fn train<M: Methods<Small, INPUTS>>(
        network: &mut Small,
        methods: &mut M,
        config: &Config,
        steps: u32,
    ) {
        let head = StepHead {
            samples: 4,
            learning_rate: 0.1,
            key: None,
        };
        for _ in 0..steps {
            methods
                .step(network, config, &head, &IMAGES, &LABELS)
                .unwrap();
        }
    }

    fn fresh() -> Small {
        let mut network = Small::ZEROED;
        network.init_weights(&mut XorShiftRng::seed_from_u64(7));
        network
    }

    #[test]
    fn training_goes_on_with_the_same_bits() {
        let (decay, epsilon) = (0.9, 1.0e-6);
        let (beta1, beta2) = (0.9, 0.999);
        let mut flash = Flash::ZEROED;
        for optimizer in [
            Optimizer::Sgd,
            Optimizer::Momentum(0.9),
            Optimizer::Nesterov(0.9),
            Optimizer::RmsProp { decay, epsilon },
            Optimizer::Adam {
                beta1,
                beta2,
                epsilon,
            },
        ] {
            for clip_norm in [None, Some(0.5)] {
                let config = config(optimizer, clip_norm);
                let mut checkpoints =
                    FlashCheckpoints::<_, INPUTS>::new(Store::new(&mut flash, 0..4_096).unwrap());
                let (mut network, mut methods) = (fresh(), Box::new(Every::<_, 4>::ZEROED));
                methods.begin(&config).unwrap();
                train(&mut network, &mut *methods, &config, 5);
                let saved = network.weights_crc32();
                checkpoints
                    .save(&mut network, &mut *methods, Some(&config), 5)
                    .unwrap();
                assert_eq!(network.weights_crc32(), saved);
                train(&mut network, &mut *methods, &config, 5);

                // Another start: it knows neither the network nor how it was trained.
                let (mut other, mut others) = (Small::ZEROED, Box::new(Every::<_, 4>::ZEROED));
                let restored = checkpoints.restore(&mut other, &mut *others).unwrap();
                assert_eq!(restored, (Some(config), 5));
                assert_eq!(other.weights_crc32(), saved);
                train(&mut other, &mut *others, &config, 5);
                assert_eq!(other.weights_crc32(), network.weights_crc32(), "{config:?}");
            }
        }
    }

    #[test]
    fn nothing_changes_without_a_checkpoint() {
        let mut flash = Flash::ZEROED;
        let store = Store::new(&mut flash, 0..4_096).unwrap();
        let mut checkpoints = FlashCheckpoints::<_, INPUTS>::new(store);
        let config = config(Optimizer::Sgd, None);
        let (mut network, mut methods) = (fresh(), GradientDescent::<_, 4>::ZEROED);
        let before = network.weights_crc32();
        let none = Err(Refusal::NoCheckpoint);
        assert_eq!(checkpoints.restore(&mut network, &mut methods), none);
        assert_eq!(network.weights_crc32(), before);

        checkpoints
            .save(&mut network, &mut methods, Some(&config), 0)
            .unwrap();
        // Of a board with other optimisers.
        let mut others = Box::new(Every::<_, 4>::ZEROED);
        assert_eq!(checkpoints.restore(&mut network, &mut *others), none);
        <FlashCheckpoints<_, INPUTS> as Checkpoints<Small, GradientDescent<Small, 4>>>::erase(
            &mut checkpoints,
        )
        .unwrap();
        assert_eq!(checkpoints.restore(&mut network, &mut methods), none);
        assert_eq!(network.weights_crc32(), before);
    }
}
