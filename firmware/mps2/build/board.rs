//! Which board it is: the target says so, and the feature `cortex-m7`. Tells the linker where its
//! memory is, and refuses to build for anything else.

use std::env;

use crate::write;

/// One of the MPS2 boards, as QEMU emulates it. All have two blocks of static RAM of 4 MB each, of
/// which the first is where code and constants are loaded, and so plays the part of flash.
struct Board {
    /// QEMU's name of it.
    machine: &'static str,
    flash: u32,
    ram: u32,
    /// The register of its two lights.
    lights: u32,
    /// The registers of the first serial line.
    uart: u32,
    /// The interrupt that comes with a byte on it.
    uart_interrupt: u16,
    /// What `SysTick` counts.
    clock_mhz: u32,
}

/// What programs have of the first block.
pub(crate) const FLASH: usize = 4 << 20;

/// What programs have of the second block; the rest is for `thumbnet bench`.
pub(crate) const RAM: usize = 3 << 20;

/// With the processors that have no security extension.
const PLAIN: Board = Board {
    machine: "",
    flash: 0x0000_0000,
    ram: 0x2000_0000,
    lights: 0x4002_8000,
    uart: 0x4000_4000,
    uart_interrupt: 0,
    clock_mhz: 25,
};

const M3: Board = Board {
    machine: "mps2-an385",
    ..PLAIN
};

const M4: Board = Board {
    machine: "mps2-an386",
    ..PLAIN
};

const M7: Board = Board {
    machine: "mps2-an500",
    ..PLAIN
};

/// Everything at its secure addresses: the processor starts in its secure state, and stays there.
const M33: Board = Board {
    machine: "mps2-an505",
    flash: 0x1000_0000,
    ram: 0x3800_0000,
    lights: 0x5030_2000,
    uart: 0x5020_0000,
    uart_interrupt: 32,
    clock_mhz: 20,
};

/// The board for a target. QEMU has no board of this kind with a Cortex-M0: its programs, which use
/// a part of the Cortex-M3's instructions, run on the Cortex-M3.
fn of_target(target: &str, cortex_m7: bool) -> Option<Board> {
    match (target, cortex_m7) {
        ("thumbv6m-none-eabi" | "thumbv7m-none-eabi", false) => Some(M3),
        ("thumbv7em-none-eabihf", false) => Some(M4),
        ("thumbv7em-none-eabihf", true) => Some(M7),
        ("thumbv8m.main-none-eabihf", false) => Some(M33),
        _ => None,
    }
}

/// Writes what the linker and the crate have to know about the board.
pub(crate) fn choose() {
    let target = env::var("TARGET").expect("cargo sets it");
    let cortex_m7 = env::var_os("CARGO_FEATURE_CORTEX_M7").is_some();
    let Some(board) = of_target(&target, cortex_m7) else {
        println!(
            "cargo::error=there is no board for {target}{}: type `cargo m4f`, or m0, m3, m7 or m33, \
             in the root of the repository",
            if cortex_m7 { " with a Cortex-M7" } else { "" }
        );
        return;
    };
    let Board {
        machine,
        flash,
        ram,
        lights,
        uart,
        uart_interrupt,
        clock_mhz,
    } = board;

    // cortex-m-rt's link.x includes memory.x by name, so it has to lie in a folder that the linker
    // searches, wherever cargo was started.
    write(
        "memory.x",
        &format!(
            "MEMORY
{{
  FLASH : ORIGIN = {flash:#010x}, LENGTH = {FLASH}
  RAM   : ORIGIN = {ram:#010x}, LENGTH = {RAM}
}}

/* What `thumbnet bench` puts into memory before a program starts is behind the program's own. */
_thumbnet_samples = ORIGIN(RAM) + LENGTH(RAM);

/* Read by `thumbnet emulate`, so that nobody has to name the machine; takes no memory. */
\"_thumbnet_machine_ = {machine}\" = 1;
"
        ),
    );
    let out = env::var("OUT_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-search={out}");

    // Sections keep the addresses of memory.x instead of being aligned to pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
    }

    write(
        "board.rs",
        &format!(
            "/// The FPGA's register of user lights, one bit a light.
pub(crate) const LIGHTS: usize = {lights:#010x};

/// The registers of the first serial line.
pub(crate) const UART: usize = {uart:#010x};

/// The interrupt that comes with a byte on it.
pub(crate) const UART_INTERRUPT: u16 = {uart_interrupt};

/// QEMU's name of the board.
pub(crate) const NAME: &str = \"{machine}\";

/// What `SysTick` counts, in millions a second.
pub(crate) const CLOCK_MHZ: u64 = {clock_mhz};
"
        ),
    );
}
