//! Where learning goes on after the power has gone.

use thumbnet_protocol::{Config, Refusal};

/// Keeps a network and all that its training follows from.
pub trait Checkpoints<N, M> {
    /// Whether there are any.
    const KEPT: bool;

    /// Writes one. `steps` were trained since `config` was set.
    ///
    /// # Errors
    ///
    /// The flash does not take it; the one before is still there.
    fn save(
        &mut self,
        network: &mut N,
        methods: &mut M,
        config: Option<&Config>,
        steps: u32,
    ) -> Result<(), Refusal>;

    /// Goes back to the last one, and returns how it was to go on: what [`save`](Self::save) was
    /// given.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoCheckpoint`] if there is none, and nothing has changed; [`Refusal::Flash`] if it
    /// cannot be read, and there are no weights.
    fn restore(
        &mut self,
        network: &mut N,
        methods: &mut M,
    ) -> Result<(Option<Config>, u32), Refusal>;

    /// Forgets all.
    ///
    /// # Errors
    ///
    /// The flash cannot be erased.
    fn erase(&mut self) -> Result<(), Refusal>;
}

/// For boards without.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCheckpoints;

impl<N, M> Checkpoints<N, M> for NoCheckpoints {
    const KEPT: bool = false;

    fn save(&mut self, _: &mut N, _: &mut M, _: Option<&Config>, _: u32) -> Result<(), Refusal> {
        Err(Refusal::NotSupported)
    }

    fn restore(&mut self, _: &mut N, _: &mut M) -> Result<(Option<Config>, u32), Refusal> {
        Err(Refusal::NotSupported)
    }

    fn erase(&mut self) -> Result<(), Refusal> {
        Err(Refusal::NotSupported)
    }
}
