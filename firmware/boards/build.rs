//! Tells the linker of a board where its memory is, its folder's `memory.x`, and chooses the network
//! that it carries in flash.
//!
//! One script for all boards, which name it in their `Cargo.toml`.

#[path = "../models/build.rs"]
mod model;

use std::path::{Path, PathBuf};
use std::{env, fs};

use model::Room;

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

    let room = Room {
        flash: length(&memory, "FLASH"),
        ram: length(&memory, "RAM"),
    };
    model::choose(Path::new("../../models"), room);
}

/// Writes a file where the crate's sources, or the linker, look for it.
fn write(name: &str, text: &str) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join(name), text).expect("OUT_DIR can be written");
}

/// Bytes of a region, of which `memory.x` says `LENGTH = 128K - 8K`.
fn length(memory: &str, region: &str) -> usize {
    let bytes = |text: &str| -> Option<usize> {
        let text = text.trim();
        match text.split_at_checked(text.len() - 1)? {
            (kilobytes, "K") => Some(kilobytes.parse::<usize>().ok()? << 10),
            (megabytes, "M") => Some(megabytes.parse::<usize>().ok()? << 20),
            _ => text.parse().ok(),
        }
    };
    let mut lines = memory.lines().filter_map(|line| line.split_once(" : "));
    let line = lines.find(|(name, _)| name.trim() == region);
    let length = line.and_then(|(_, line)| line.split_once("LENGTH = "));
    length
        .and_then(|(_, length)| {
            let (all, without) = length.split_once(" - ").unwrap_or((length, "0"));
            bytes(all)?.checked_sub(bytes(without)?)
        })
        .unwrap_or_else(|| panic!("memory.x should say {region} : .. LENGTH = 128K - 8K"))
}
