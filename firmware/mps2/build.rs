//! Chooses the weights file that the program `evaluate` carries in flash.

use std::{env, path::PathBuf};

/// Names another file than the repository's own; a path from the root of the file system, since
/// nobody can tell here where a relative one was meant to start.
const VARIABLE: &str = "THUMBNET_MODEL";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");

    let model = match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(chosen) => PathBuf::from(chosen),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join("../models/784-32-10.thumbnet"),
    };
    let path = model.display();
    println!("cargo::rerun-if-changed={path}");
    if model.is_relative() {
        println!(
            "cargo::error={VARIABLE}={path} is a relative path: give an absolute one, as in \
             {VARIABLE}=$PWD/{path}"
        );
    } else if !model.is_file() {
        println!(
            "cargo::error={VARIABLE}={path} is not a file: write one with `thumbnet export MODEL \
             --format device --out FILE`"
        );
    } else {
        println!("cargo::rustc-env=THUMBNET_MPS2_MODEL={path}");
    }
}
