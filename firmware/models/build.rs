//! For build scripts of boards: which weights file programs carry in flash, and how much of the
//! board's RAM its training may take; writes down in Rust what follows.

use std::path::{Path, PathBuf};
use std::{env, fs};

use thumbnet::format;

use crate::write;

/// Names another file than the repository's own; a path from the root of the file system, since
/// nobody can tell here where a relative one was meant to start.
const VARIABLE: &str = "THUMBNET_MODEL";

/// What a board has for programs, in bytes.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    /// For code and constants.
    pub(crate) flash: usize,
    /// For variables, beside the stack.
    pub(crate) ram: usize,
}

/// Writes the types that go with the weights file, and names it to the crate. `folder` is this one.
pub(crate) fn choose(folder: &Path, room: Room) {
    println!("cargo::rerun-if-env-changed={VARIABLE}");

    let model = match env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(chosen) => PathBuf::from(chosen),
        None => PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"))
            .join(folder)
            .join("784-32-10.thumbnet"),
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
        match network(&model, room) {
            Ok(network) => {
                write("network.rs", &network);
                println!("cargo::rustc-env=THUMBNET_CHOSEN_MODEL={path}");
            }
            Err(error) => println!("cargo::error={VARIABLE}={path} cannot be used: {error}"),
        }
    }
}

/// The type of a file's network, the room for an image that it needs, and how a board trains it.
fn network(path: &Path, board: Room) -> Result<String, Box<dyn std::error::Error>> {
    let file = fs::read(path)?;
    let (header, _) = format::read(&file)?;
    let architecture = header.architecture;
    let mut layers = architecture.inputs().to_string();
    for layer in architecture.layers() {
        // Activations are called after the types that compute them.
        layers += &format!(" => {} {:?}", layer.fan_out, layer.activation);
    }
    let inputs = architecture.inputs();
    let units = architecture
        .layers()
        .iter()
        .map(|layer| layer.fan_out)
        .sum();
    let (methods, batch) = training(architecture.parameters(), inputs, units, board);
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

/// Most samples of a mini-batch that a desktop may ask for.
pub const BATCH: usize = {batch};

/// Longest frame that a desktop may send.
pub const FRAME: usize = {FRAME};

/// What a board keeps that a desktop trains, with the optimisers that there is memory for.
pub type ServeMemory = thumbnet_firmware::serve::Memory<
    Model,
    thumbnet_firmware::serve::methods::{methods}<Model, BATCH>,
    INPUTS,
    BATCH,
    FRAME,
>;

/// Room for an image, and for what the network sees of it.
pub fn room() -> {room} {{
    {new}
}}
",
        cost = header.cost,
        classes = architecture.classes(),
    ))
}

/// Longest frame that a desktop may send; what is being sent, received and decoded is three of them.
const FRAME: usize = 1_024;

/// What else a program keeps: what arrives while it computes, and things of a few bytes.
const REST: usize = 4_096 + 3_072;

/// More samples than a mini-batch usually has.
const LARGEST_BATCH: usize = 128;

/// Fewer are not worth the memory of an optimiser.
const SMALLEST_BATCH: usize = 10;

/// Sets of optimisers, the floats that they take for each weight, its own included, and more than
/// their code takes of flash.
const SETS: [(&str, usize, usize); 3] = [
    ("Every", 4, 480 << 10),
    ("WithVelocity", 2, 180 << 10),
    ("GradientDescent", 1, 0),
];

/// The largest set of optimisers that a board has room for beside the network, and the most samples
/// of a mini-batch.
fn training(
    parameters: usize,
    inputs: usize,
    units: usize,
    Room { flash, ram }: Room,
) -> (&'static str, usize) {
    let float = size_of::<f32>();
    // What each sample of a mini-batch takes: its inputs, what comes of them, and its label.
    let sample = inputs + float * (units + 1) + 1;
    let least = parameters * float + 3 * FRAME + REST + sample;
    if least > ram {
        println!(
            "cargo::warning=training this network takes {least} bytes of RAM, and the board has \
             {ram}: what does not train may fit"
        );
    }
    for (methods, floats, code) in SETS {
        let fixed = floats * parameters * float + 3 * FRAME + REST;
        let batch = (ram.saturating_sub(fixed) / sample).min(LARGEST_BATCH);
        if batch >= SMALLEST_BATCH && code + parameters * float <= flash {
            return (methods, batch);
        }
    }
    (
        "GradientDescent",
        (ram.saturating_sub(least) / sample + 1).min(LARGEST_BATCH),
    )
}
