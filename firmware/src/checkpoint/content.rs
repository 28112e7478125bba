//! What a checkpoint holds: pieces of memory in a fixed order.

use thumbnet::cost::Cost;
use thumbnet::format::{CRC_32, Header};
use thumbnet::optimizer::Optimizer;
use thumbnet::prelude::*;
use thumbnet::random::seed_of;
use zerocopy::IntoBytes;

/// Memory that is written to flash and read back.
pub trait Content {
    /// Tells contents apart that must not be taken for one another though they are as long.
    fn signature(&mut self) -> u32;

    /// Visits all of it: always the same pieces, of the same length, in the same order. What a
    /// visitor writes there is what the content is from then on.
    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8]));
}

/// All that a training run goes on from, but for its configuration.
pub struct Checkpoint<'a, N: Network, O: Optimizer, const BATCH: usize> {
    /// The parameters.
    pub network: &'a mut N,
    /// What the optimiser keeps, and the steps so far.
    pub state: &'a mut TrainState<N, O, BATCH>,
    /// Whatever draws: dropout, shuffles, augmentation.
    pub generators: &'a mut [XorShiftRng],
    /// Bytes of the program's own, such as how many samples it has seen.
    pub notes: &'a mut [u8],
}

impl<N: Network, O: Optimizer, const BATCH: usize> Content for Checkpoint<'_, N, O, BATCH> {
    /// CRC-32 of the network's layers, of what the optimiser keeps, and of how much of the rest
    /// there is.
    fn signature(&mut self) -> u32 {
        let layers = Header {
            architecture: N::ARCHITECTURE,
            // Of a weights file only its description of the layers is meant.
            cost: Cost::CrossEntropy,
            preparation: Preparation::None,
            weights_crc32: 0,
        };
        let kept = self.state.kept();
        let keeps = [kept.velocity.is_some(), kept.squares.is_some()];
        let rest = [self.generators.len() as u32, self.notes.len() as u32];
        let mut digest = CRC_32.digest();
        digest.update(&layers.to_bytes());
        digest.update(keeps.as_bytes());
        digest.update(rest.as_bytes());
        digest.finalize()
    }

    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        let kept = self.state.kept();
        let networks = [Some(&mut *self.network), kept.velocity, kept.squares];
        for network in networks.into_iter().flatten() {
            network.for_each_layer_mut(&mut |_, weights, biases| {
                visit(weights.as_mut_bytes());
                visit(biases.as_mut_bytes());
            });
        }
        let mut steps = self.state.steps();
        visit(steps.as_mut_bytes());
        self.state.set_steps(steps);
        for generator in &mut *self.generators {
            let mut seed = seed_of(generator);
            visit(&mut seed);
            *generator = XorShiftRng::from_seed(seed);
        }
        visit(self.notes);
    }
}
