//! What ended a program: it starts again, and says what that was.
//!
//! A panic, a fault of the processor and a stack that has left its part of RAM all leave a text in
//! memory that nothing clears at start-up, and start the board anew.

use core::arch::global_asm;
use core::fmt::{self, Write};
use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr;

use cortex_m::peripheral::SCB;
use heapless::String;
use thumbnet::format::CRC_32;

/// The longest that is kept; the rest is cut off.
const LONGEST: usize = 64;

/// A text, with what tells it from the noise that memory is full of when the power comes.
#[repr(C)]
#[derive(Clone, Copy)]
struct Record {
    length: u32,
    text: [u8; LONGEST],
    crc32: u32,
}

#[unsafe(link_section = ".uninit.FAULT")]
static mut RECORD: MaybeUninit<Record> = MaybeUninit::uninit();

impl Record {
    const NOTHING: Self = Self {
        length: 0,
        text: [0; LONGEST],
        crc32: 0,
    };

    /// What the program before has left.
    fn load() -> Self {
        // SAFETY: any bits make a record; nothing else reads or writes here while this does, since
        // only the main program calls this, and who writes never returns to it.
        unsafe { ptr::read_volatile((&raw const RECORD).cast()) }
    }

    /// Leaves it to the next one.
    fn store(self) {
        // SAFETY: as in `load`.
        unsafe { ptr::write_volatile((&raw mut RECORD).cast(), self) }
    }

    fn checksum(&self) -> u32 {
        let mut digest = CRC_32.digest();
        digest.update(&self.length.to_le_bytes());
        digest.update(&self.text);
        digest.finalize()
    }
}

impl Write for Record {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.text.get_mut(self.length as usize..).unwrap_or_default();
        for (byte, &next) in room.iter_mut().zip(text.as_bytes()) {
            *byte = next;
            self.length += 1;
        }
        Ok(())
    }
}

/// What ended the program that ran before, or nothing. It is told once.
pub fn before() -> String<LONGEST> {
    let record = Record::load();
    Record::NOTHING.store();
    let text = record.text.get(..record.length as usize);
    let mut whole = text.filter(|_| record.checksum() == record.crc32);
    // A character may have been cut in two.
    let text = whole.as_mut().map_or("", |text| {
        let valid = text.utf8_chunks().next();
        valid.map_or("", |chunk| chunk.valid())
    });
    String::try_from(text).unwrap_or_default()
}

/// Leaves a text for the program that runs next, and starts it.
fn end(text: fmt::Arguments<'_>) -> ! {
    let mut record = Record::NOTHING;
    // It does not fail: what has no room is cut off.
    let _ = record.write_fmt(text);
    record.crc32 = record.checksum();
    record.store();
    SCB::sys_reset()
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let (file, line) = info
        .location()
        .map_or(("", 0), |place| (place.file(), place.line()));
    end(format_args!("panic in line {line} of {file}"))
}

// The stack pointer may be anywhere when the processor faults: what was on the stack is not needed
// any more, but for where the program was.
global_asm!(
    ".section .HardFault.thumbnet, \"ax\"",
    ".global HardFault",
    ".type HardFault, %function",
    ".thumb_func",
    "HardFault:",
    "mrs r0, MSP",
    "ldr r1, =_stack_start",
    "msr MSP, r1",
    "bl {fault}",
    fault = sym fault,
);

// What cortex-m-rt's linker script defines. Only their addresses mean anything.
unsafe extern "C" {
    safe static _stack_end: u32;
    safe static _stack_start: u32;
}

/// Where the program counter is in what the processor puts on the stack, in words.
const PROGRAM_COUNTER: usize = 6;

/// How much that is.
const FRAME_BYTES: usize = 32;

extern "C" fn fault(stack: usize) -> ! {
    let lowest = (&raw const _stack_end).addr();
    let highest = (&raw const _stack_start).addr() - FRAME_BYTES;
    if stack < lowest {
        end(format_args!("stack overflow"))
    } else if stack <= highest && stack.is_multiple_of(align_of::<u32>()) {
        let frame = ptr::with_exposed_provenance::<u32>(stack);
        // SAFETY: a frame there is within the stack, whose memory is always readable.
        let counter = unsafe { frame.add(PROGRAM_COUNTER).read_volatile() };
        end(format_args!("processor fault at {counter:#010x}"))
    } else {
        end(format_args!("processor fault"))
    }
}
