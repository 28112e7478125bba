//! Tells the linker where the board's memory is, and refuses to build for anything else.

use std::{env, fs, path::PathBuf};

/// The processor of this board.
const TARGET: &str = "thumbv7m-none-eabi";

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    println!("cargo::rerun-if-changed=build.rs");

    let target = env::var("TARGET").expect("cargo sets TARGET");
    if target != TARGET {
        println!(
            "cargo::error=these programs run on {TARGET}, not on {target}: build them in their own \
             folder, or with --target {TARGET}"
        );
        return;
    }

    // cortex-m-rt's link.x includes memory.x by name, so it has to lie in a folder that the linker
    // searches, wherever cargo was started.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::copy("memory.x", out.join("memory.x")).expect("OUT_DIR can be written");
    println!("cargo::rustc-link-search={}", out.display());

    // Sections keep the addresses of memory.x instead of being aligned to pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
    println!("cargo::rustc-link-arg-bins=-Tdefmt.x");
}
