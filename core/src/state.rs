//! The memory that training needs beside the network, and what of it outlasts a step.

use crate::network::Network;
use crate::optimizer::{Kept, Optimizer, Sgd, Zeroed};

/// The memory that training needs beside the network: what the optimiser keeps for each parameter,
/// and one float for each unit and sample of a mini-batch.
///
/// All zero when new, so a `static` of it takes no flash. Mini-batches may be smaller than
/// `BATCH`; if the optimiser [`STREAMS`](Optimizer::STREAMS) they may also be larger, at the same
/// bits.
///
/// What one step leaves to the next is [`kept`](Self::kept) and [`steps`](Self::steps) alone: a
/// run goes on with the same bits in another state that has both, with the same parameters,
/// configuration and, if units are dropped, generator ([`random::seed_of`](crate::random::seed_of)).
///
/// ```
/// use thumbnet::prelude::*;
/// type Xor = Mlp<2, 4, 2>;
/// const CONFIG: TrainConfig<Momentum> = TrainConfig::new(0.5).with_momentum(0.9);
///
/// let mut network = Xor::ZEROED;
/// network.init_weights(&mut XorShiftRng::seed_from_u64(7));
/// let mut state = TrainState::<Xor, Momentum>::ZEROED;
/// Trainer::new(CONFIG, &mut network, &mut state)?.step(&[1.0, 0.0], 1)?;
///
/// let mut copy = TrainState::<Xor, Momentum>::ZEROED;
/// if let (Some(to), Some(from)) = (copy.kept().velocity, state.kept().velocity) {
///     to.copy_from(from);
/// }
/// copy.set_steps(state.steps());
/// let mut other = network.clone();
/// Trainer::new(CONFIG, &mut network, &mut state)?.step(&[0.0, 1.0], 1)?;
/// Trainer::new(CONFIG, &mut other, &mut copy)?.step(&[0.0, 1.0], 1)?;
/// assert_eq!(other.weights_crc32(), network.weights_crc32());
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
pub struct TrainState<N: Network, O: Optimizer = Sgd, const BATCH: usize = 1> {
    pub(crate) kept: O::Kept<N>,
    pub(crate) units: N::Units<BATCH>,
    pub(crate) scratch: [f32; BATCH],
    pub(crate) steps: u32,
}

impl<N: Network, O: Optimizer, const BATCH: usize> TrainState<N, O, BATCH> {
    /// A state before the first step.
    pub const ZEROED: Self = Self {
        kept: Zeroed::ZEROED,
        units: Zeroed::ZEROED,
        scratch: [0.0; BATCH],
        steps: 0,
    };

    /// Steps so far, which [`Adam`](crate::Adam) counts.
    pub const fn steps(&self) -> u32 {
        self.steps
    }

    /// Goes on as after so many steps.
    pub const fn set_steps(&mut self, steps: u32) {
        self.steps = steps;
    }

    /// The velocity and the mean squares, where the optimiser keeps them. Never a gradient: each
    /// step begins its own.
    pub fn kept(&mut self) -> Kept<'_, N> {
        Kept {
            gradient: None,
            ..O::kept(&mut self.kept)
        }
    }
}

impl<N: Network, O: Optimizer, const BATCH: usize> Zeroed for TrainState<N, O, BATCH> {
    const ZEROED: Self = Self::ZEROED;
}
