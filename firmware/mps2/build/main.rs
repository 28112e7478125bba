//! Chooses the board and the network that programs are built for.

mod board;
mod model;

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=build");
    board::choose();
    model::choose();
}

/// Writes a file where the crate's sources, or the linker, look for it.
fn write(name: &str, text: &str) {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join(name), text).expect("OUT_DIR can be written");
}
