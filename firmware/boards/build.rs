//! Tells the linker of a board where its memory is, its folder's `memory.x`, and chooses the network
//! that it carries in flash.
//!
//! One script for all boards, which name it in their `Cargo.toml`.

#[path = "../models/build.rs"]
mod model;

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=memory.x");
    // cortex-m-rt's link.x includes memory.x by name, so it has to lie in a folder that the linker
    // searches, wherever cargo was started.
    let memory = fs::read_to_string("memory.x").expect("the folder of a board has a memory.x");
    write("memory.x", &memory);
    let out = env::var("OUT_DIR").expect("cargo sets it");
    println!("cargo::rustc-link-search={out}");

    // Sections keep the addresses of memory.x instead of being aligned to pages.
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");

    model::choose(Path::new("../../models"), ram(&memory));
}

/// Writes a file where the crate's sources, or the linker, look for it.
fn write(name: &str, text: &str) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join(name), text).expect("OUT_DIR can be written");
}

/// Bytes of RAM beside the stack: what a `memory.x` writes as `LENGTH = 128K - 8K`.
fn ram(memory: &str) -> usize {
    let line = memory
        .lines()
        .find(|line| line.trim().starts_with("RAM   : "));
    let length = line.and_then(|line| line.split_once("LENGTH = "));
    let kilobytes = |text: &str| text.trim().strip_suffix('K')?.parse::<usize>().ok();
    length
        .and_then(|(_, length)| length.split_once('-'))
        .and_then(|(all, stack)| Some((kilobytes(all)? - kilobytes(stack)?) * 1_024))
        .expect("memory.x has a line such as RAM : ORIGIN = 0x20002000, LENGTH = 128K - 8K")
}
