//! Panics and processor faults: logged, if there is a log, and turned into exit codes instead of a
//! silent standstill.

use core::panic::PanicInfo;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::board::UART_INTERRUPT;
use crate::{exit, uart};

/// The program panicked. Rust's own programs end with the same code.
pub const PANICKED: u8 = 101;

/// The processor met something that it could not execute.
pub const FAULTED: u8 = 102;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    log::panic(info);
    exit(PANICKED)
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    log::fault(frame);
    exit(FAULTED)
}

#[exception]
unsafe fn DefaultHandler(number: i16) {
    if number == UART_INTERRUPT as i16 {
        return uart::keep();
    }
    log::exception(number);
    exit(FAULTED)
}

/// What is said about it.
#[cfg(feature = "defmt")]
mod log {
    use core::panic::PanicInfo;
    use core::sync::atomic::{AtomicBool, Ordering};

    use cortex_m_rt::ExceptionFrame;

    pub(super) fn panic(info: &PanicInfo<'_>) {
        static PANICKING: AtomicBool = AtomicBool::new(false);

        // A panic inside this function, or inside the logger, would otherwise come round for ever.
        if !PANICKING.load(Ordering::Relaxed) {
            PANICKING.store(true, Ordering::Relaxed);
            let (file, line) = info
                .location()
                .map_or(("?", 0), |place| (place.file(), place.line()));
            let message = info.message();
            defmt::error!(
                "panicked at {=str}:{=u32}: {}",
                file,
                line,
                defmt::Display2Format(&message)
            );
        }
    }

    pub(super) fn fault(frame: &ExceptionFrame) {
        defmt::error!("the processor faulted at {=u32:#010x}", frame.pc());
    }

    pub(super) fn exception(number: i16) {
        defmt::error!("exception {=i16} came, which nothing here handles", number);
    }
}

/// Nothing is said.
#[cfg(not(feature = "defmt"))]
mod log {
    use core::panic::PanicInfo;

    use cortex_m_rt::ExceptionFrame;

    pub(super) fn panic(_: &PanicInfo<'_>) {}

    pub(super) fn fault(_: &ExceptionFrame) {}

    pub(super) fn exception(_: i16) {}
}
