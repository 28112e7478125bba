//! The board's two user lights.

use core::{convert::Infallible, ptr};
use embedded_hal::digital::{ErrorType, OutputPin, StatefulOutputPin};

use crate::board::LIGHTS;

/// One of the lights next to the board's user buttons.
///
/// The two share a register that is read, changed and written back: use them from one context.
#[derive(Debug)]
pub struct UserLed {
    mask: u32,
}

impl UserLed {
    /// The first light.
    pub const LED0: Self = Self { mask: 1 << 0 };
    /// The second light.
    pub const LED1: Self = Self { mask: 1 << 1 };

    fn read() -> u32 {
        // SAFETY: the address is that of a register of this board, is aligned,
        // and is readable without side effects.
        unsafe { ptr::with_exposed_provenance::<u32>(LIGHTS).read_volatile() }
    }

    fn write(lights: u32) {
        // SAFETY: as in `read`; what is written does nothing but switch lights.
        unsafe { ptr::with_exposed_provenance_mut::<u32>(LIGHTS).write_volatile(lights) }
    }
}

impl ErrorType for UserLed {
    type Error = Infallible;
}

impl OutputPin for UserLed {
    fn set_low(&mut self) -> Result<(), Infallible> {
        Self::write(Self::read() & !self.mask);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        Self::write(Self::read() | self.mask);
        Ok(())
    }
}

impl StatefulOutputPin for UserLed {
    fn is_set_high(&mut self) -> Result<bool, Infallible> {
        Ok(Self::read() & self.mask != 0)
    }

    fn is_set_low(&mut self) -> Result<bool, Infallible> {
        Ok(Self::read() & self.mask == 0)
    }
}
