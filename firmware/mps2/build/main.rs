//! Chooses the board and the network that programs are built for.

mod board;
#[path = "../../models/build.rs"]
mod model;

use std::path::{Path, PathBuf};
use std::{env, fs};

use model::Room;

/// The stack's share of RAM, at least.
const STACK: usize = 64 << 10;

fn main() {
    println!("cargo::rerun-if-changed=build");
    board::choose();
    let room = Room {
        flash: board::FLASH,
        ram: board::RAM - STACK,
    };
    model::choose(Path::new("../models"), room);
}

/// Writes a file where the crate's sources, or the linker, look for it.
fn write(name: &str, text: &str) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join(name), text).expect("OUT_DIR can be written");
}
