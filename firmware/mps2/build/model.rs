//! Which weights file programs carry in flash: writes down in Rust which network it holds.

use std::path::{Path, PathBuf};
use std::{env, fs};

use thumbnet::format;

use crate::write;

/// Names another file than the repository's own; a path from the root of the file system, since
/// nobody can tell here where a relative one was meant to start.
const VARIABLE: &str = "THUMBNET_MODEL";

/// Writes the types that go with the weights file, and names it to the crate.
pub(crate) fn choose() {
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
        match network(&model) {
            Ok(network) => {
                write("network.rs", &network);
                println!("cargo::rustc-env=THUMBNET_MPS2_MODEL={path}");
            }
            Err(error) => println!("cargo::error={VARIABLE}={path} cannot be used: {error}"),
        }
    }
}

/// The type of a file's network, and the room for an image that it needs.
fn network(path: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let file = fs::read(path)?;
    let (header, _) = format::read(&file)?;
    let architecture = header.architecture;
    let mut layers = architecture.inputs().to_string();
    for layer in architecture.layers() {
        // Activations are called after the types that compute them.
        layers += &format!(" => {} {:?}", layer.fan_out, layer.activation);
    }
    let inputs = architecture.inputs();
    let preparation = header.preparation;
    let (image, room, new) = match preparation.takes() {
        None => (inputs, format!("[u8; {inputs}]"), format!("[0; {inputs}]")),
        Some(size) => (
            size.pixels(),
            format!(
                "thumbnet_firmware::Prepared<{}, {inputs}, {}>",
                size.pixels(),
                preparation.scratch_bytes()
            ),
            "thumbnet_firmware::Prepared::new(PREPARATION).expect(\"these are its sizes\")"
                .to_owned(),
        ),
    };
    Ok(format!(
        "/// The network of the weights file.
pub type Model = mlp![{layers}];

/// The type of what it is trained with.
pub type ModelCost = {cost:?};

/// What it is trained with.
pub const COST: ModelCost = {cost:?};

/// How many inputs it has.
pub const INPUTS: usize = {inputs};

/// Pixels of an image as it comes.
pub const IMAGE: usize = {image};

/// How many classes it tells apart.
pub const CLASSES: usize = {classes};

/// The optimisers that there is memory for, besides the network.
pub type ModelMethods<const BATCH: usize> =
    thumbnet_firmware::serve::methods::{methods}<Model, BATCH>;

/// Room for an image, and for what the network sees of it.
pub fn room() -> {room} {{
    {new}
}}
",
        cost = header.cost,
        classes = architecture.classes(),
        methods = methods(architecture.parameters())
    ))
}

/// The largest set of optimisers that leaves enough of the 3 MB of RAM for everything else.
fn methods(parameters: usize) -> &'static str {
    const MOST: usize = (2 << 20) + (1 << 18);
    let fits = |floats: usize| parameters * size_of::<f32>() * floats <= MOST;
    if fits(4) {
        "Every"
    } else if fits(2) {
        "WithVelocity"
    } else {
        "GradientDescent"
    }
}
