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
        let kept = self.state.kept();
        let keeps = [kept.velocity.is_some(), kept.squares.is_some()];
        let rest = [self.generators.len() as u32, self.notes.len() as u32];
        signature::<N>(&[keeps.as_bytes(), rest.as_bytes()])
    }

    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        pieces_of_network(self.network, visit);
        pieces_of_state(self.state, visit);
        for generator in &mut *self.generators {
            let mut seed = seed_of(generator);
            visit(&mut seed);
            *generator = XorShiftRng::from_seed(seed);
        }
        visit(self.notes);
    }
}

/// CRC-32 of a network's layers, as the head of its weights file has them, and of `rest`.
pub(crate) fn signature<N: Network>(rest: &[&[u8]]) -> u32 {
    let layers = Header {
        architecture: N::ARCHITECTURE,
        // Of the head only its description of the layers is meant.
        cost: Cost::CrossEntropy,
        preparation: Preparation::None,
        weights_crc32: 0,
    };
    let mut digest = CRC_32.digest();
    // Without its own checksum: behind that, the digest of any head is the same.
    if let Some((layers, _)) = layers.to_bytes().split_last_chunk::<4>() {
        digest.update(layers);
    }
    for part in rest {
        digest.update(part);
    }
    digest.finalize()
}

/// Visits all parameters.
pub(crate) fn pieces_of_network<N: Network>(network: &mut N, visit: &mut dyn FnMut(&mut [u8])) {
    network.for_each_layer_mut(&mut |_, weights, biases| {
        visit(weights.as_mut_bytes());
        visit(biases.as_mut_bytes());
    });
}

/// Visits what the optimiser keeps, and the number of steps.
pub(crate) fn pieces_of_state<N: Network, O: Optimizer, const BATCH: usize>(
    state: &mut TrainState<N, O, BATCH>,
    visit: &mut dyn FnMut(&mut [u8]),
) {
    let kept = state.kept();
    for network in [kept.velocity, kept.squares].into_iter().flatten() {
        pieces_of_network(network, visit);
    }
    let mut steps = state.steps();
    visit(steps.as_mut_bytes());
    state.set_steps(steps);
}
