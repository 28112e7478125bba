//! How much of the board's memory the program occupies: flash, RAM, and stack at its deepest.

use core::ptr;
use cortex_m_rt::STACK_PAINT_VALUE;
use thumbnet_firmware::Memory;

// What cortex-m-rt's linker script defines. Only their addresses mean anything.
unsafe extern "C" {
    safe static __vector_table: u32;
    safe static __sidata: u32;
    safe static __sdata: u32;
    safe static __edata: u32;
    safe static __sheap: u32;
    safe static _ram_start: u32;
    safe static _ram_end: u32;
    safe static _stack_end: u32;
    safe static _stack_start: u32;
}

/// Bytes of RAM that are in no use, and have not been since start-up.
pub fn free_ram() -> u32 {
    let (statics_end, ram_end) = ((&raw const __sheap).addr(), (&raw const _ram_end).addr());
    let behind = (ram_end - statics_end) as u32;
    let stack_start = (&raw const _stack_start).addr();
    if stack_start < statics_end {
        // The stack is below, in a part of RAM of its own.
        behind
    } else {
        behind - memory().stack_bytes
    }
}

/// The program's memory, with the stack as deep as it has been since start-up.
pub fn memory() -> Memory {
    let address = |symbol: *const u32| symbol.addr();

    let constants_end = address(&raw const __sidata);
    let initial_values = address(&raw const __edata) - address(&raw const __sdata);
    let flash = constants_end + initial_values - address(&raw const __vector_table);

    // The stack grows down from its start; between its end and the deepest point that it has ever
    // reached there is still the paint that cortex-m-rt left there before the program ran.
    let (stack_end, stack_start) = (
        address(&raw const _stack_end),
        address(&raw const _stack_start),
    );
    let deepest = (stack_end..stack_start)
        .step_by(size_of::<u32>())
        .find(|&word| {
            // SAFETY: the linker script keeps these words for the stack alone, so each is readable,
            // aligned memory; no Rust reference points there, and the read is volatile.
            let value = unsafe { ptr::with_exposed_provenance::<u32>(word).read_volatile() };
            value != STACK_PAINT_VALUE
        })
        .unwrap_or(stack_start);

    Memory {
        flash_bytes: flash as u32,
        static_ram_bytes: (address(&raw const __sheap) - address(&raw const _ram_start)) as u32,
        stack_bytes: (stack_start - deepest) as u32,
    }
}
