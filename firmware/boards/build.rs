//! Tells the linker of a board where its memory is: its folder's `memory.x`.
//!
//! One script for all boards, which name it in their `Cargo.toml`.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    // cortex-m-rt's link.x includes memory.x by name, so it has to lie in a folder that the linker
    // searches, wherever cargo was started.
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::copy("memory.x", out.join("memory.x")).expect("the folder of a board has a memory.x");
    println!("cargo::rustc-link-search={}", out.display());

    // Sections keep the addresses of memory.x instead of being aligned to pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
