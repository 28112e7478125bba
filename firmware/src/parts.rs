//! What a board brings to the generic firmware.

/// A board's parts, each behind a trait that others implement, too.
///
/// A board's crate fills it in once, at start-up; programs take it apart.
#[derive(Debug)]
pub struct Parts<Time, Light, Button, Reader, Writer, Store> {
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
    /// The part of flash that programs may write: an `embedded_storage::nor_flash::NorFlash`.
    pub store: Store,
}
