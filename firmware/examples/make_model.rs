//! Trains the network that the board's `evaluate` program carries, and writes it as a weights file:
//!
//! ```sh
//! cargo run --release -p thumbnet-firmware --example make_model -- MNIST_FOLDER MODEL_FILE
//! ```
//!
//! It reads the same files with the same code as a board does, so the file has the same bits
//! wherever it is made.

use std::{error::Error, fs, path::Path};

use thumbnet::Cost;
use thumbnet::format::Header;
use thumbnet::network::Layers;
use thumbnet::optimizer::Zeroed;
use thumbnet::prelude::*;
use thumbnet_firmware::{Batch, Samples};

type Digits = Mlp<784, 32, 10>;

const BATCH: usize = 10;
/// One an epoch.
const LEARNING_RATES: [f32; 20] = [
    0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.2, 0.2, 0.2, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.02,
    0.02, 0.01,
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, model] = &arguments[..] else {
        return Err("expected two arguments, MNIST_FOLDER and MODEL_FILE".into());
    };
    let read = |file: &str| fs::read(Path::new(folder).join(file));
    let (images, labels) = (
        read("train-images-idx3-ubyte")?,
        read("train-labels-idx1-ubyte")?,
    );

    static NETWORK: Digits = Digits::ZEROED;
    let mut network = Box::new(NETWORK.clone());
    network.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut state = TrainState::ZEROED;
    let config = TrainConfig::new(1.0).with_weight_decay(WeightDecay::L2(2.0e-5));
    let mut trainer = Trainer::<_, _, _, BATCH>::new(config, &mut *network, &mut state)?;
    let mut batch = Batch::<784, BATCH>::ZEROED;
    for rate in LEARNING_RATES {
        trainer.set_learning_rate(rate)?;
        let mut samples = Samples::<_, _, 784, 10>::new(&images[..], &labels[..])?;
        loop {
            let (pixels, labels) = samples.fill(&mut batch)?;
            if labels.is_empty() {
                break;
            }
            trainer.batch(pixels, labels)?;
        }
    }

    let header = Header {
        architecture: Digits::ARCHITECTURE,
        cost: Cost::CrossEntropy,
        weights_crc32: network.weights_crc32(),
    };
    let mut file = header.to_bytes().to_vec();
    network.for_each_layer(&mut |_, weights, biases| {
        file.extend(
            weights
                .iter()
                .chain(biases)
                .flat_map(|value| value.to_le_bytes()),
        );
    });
    fs::write(model, file)?;

    let (images, labels) = (
        read("t10k-images-idx3-ubyte")?,
        read("t10k-labels-idx1-ubyte")?,
    );
    let mut samples = Samples::<_, _, 784, 10>::new(&images[..], &labels[..])?;
    let mut accuracy = Accuracy::default();
    let mut pixels = [0; 784];
    while let Some(label) = samples.next(&mut pixels)? {
        accuracy.record(label, network.predict(&pixels).class);
    }
    println!(
        "{model}: test accuracy {}, CRC-32 {:08x}",
        accuracy.fraction(),
        header.weights_crc32
    );
    Ok(())
}
