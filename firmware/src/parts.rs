//! What a board brings to the generic firmware.

use core::ops::Range;

/// A board's parts, each behind a trait that others implement, too.
///
/// A board's crate fills it in once, at start-up; programs take it apart.
#[derive(Debug)]
pub struct Parts<Time, Light, Button, Reader, Writer, Flash> {
    /// What people call the board.
    pub name: &'static str,
    /// A [`Clock`](crate::Clock) that is also a [`DelayNs`](embedded_hal::delay::DelayNs).
    pub clock: Time,
    /// An [`OutputPin`](embedded_hal::digital::OutputPin): lit while it is high.
    pub light: Light,
    /// An [`InputPin`](embedded_hal::digital::InputPin): low while it is pressed.
    pub button: Button,
    /// The receiving end of the serial line: [`embedded_io::Read`] and
    /// [`ReadReady`](embedded_io::ReadReady). It keeps what arrives while the program computes.
    pub reader: Reader,
    /// Its sending end, an [`embedded_io::Write`].
    pub writer: Writer,
    /// An [`embedded_storage::nor_flash::NorFlash`].
    pub flash: Flash,
    /// Which part of it programs may write; offsets from its start.
    pub region: Range<u32>,
}

impl<T, L, B, R, W, F> Parts<T, L, B, R, W, F> {
    /// The same with another flash, and the one that it had.
    pub fn with_flash<G>(self, flash: G, region: Range<u32>) -> (Parts<T, L, B, R, W, G>, F) {
        let Self {
            name,
            clock,
            light,
            button,
            reader,
            writer,
            flash: before,
            ..
        } = self;
        let parts = Parts {
            name,
            clock,
            light,
            button,
            reader,
            writer,
            flash,
            region,
        };
        (parts, before)
    }
}
