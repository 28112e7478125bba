//! The part of the flash that a board's `memory.x` keeps for what programs write.

use core::ops::Range;

// What memory.x defines: where the part begins and ends, counted from the start of the flash. Only
// their addresses mean anything.
unsafe extern "C" {
    safe static _store_start: u8;
    safe static _store_end: u8;
}

/// Offsets of that part, from the start of the flash.
pub fn region() -> Range<u32> {
    let offset = |symbol: *const u8| symbol.addr() as u32;
    offset(&raw const _store_start)..offset(&raw const _store_end)
}
