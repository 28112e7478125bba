//! The smallest whole training run: a network learns the exclusive or of two bits.
//!
//! ```text
//! $ cargo run --package thumbnet --example xor
//! step    0: cost 1.4229
//! step  400: cost 0.0372
//! step  800: cost 0.0112
//! step 1200: cost 0.0066
//! step 1600: cost 0.0046
//! [0.0, 0.0] -> 0, scores [1.000, 0.000]
//! [0.0, 1.0] -> 1, scores [0.001, 0.999]
//! [1.0, 0.0] -> 1, scores [0.003, 0.997]
//! [1.0, 1.0] -> 0, scores [0.997, 0.003]
//! weights: CRC-32 2ca45cb4
//! ```
//!
//! The same on every machine, to the last bit: `tests/format.rs` compares the weights.
use thumbnet::prelude::*;

/// Two inputs, four hidden sigmoid units, two sigmoid outputs: one for "equal", one for "different".
type Xor = Mlp<2, 4, 2>;

const CONFIG: TrainConfig = TrainConfig::new(2.0); // learning_rate
const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const LABELS: [u8; 4] = [0, 1, 1, 0];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut network = Xor::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut state = TrainState::ZEROED;
    let mut trainer = Trainer::<_, _, _, 4>::new(CONFIG, &mut network, &mut state)?;
    for step in 0..2_000 {
        let cost = trainer.batch(&INPUTS, &LABELS)?;
        if step % 400 == 0 {
            println!("step {step:4}: cost {cost:.4}");
        }
    }
    for input in &INPUTS {
        let Prediction { class, scores } = network.predict(input);
        println!("{input:?} -> {class}, scores {scores:.3?}");
    }
    println!("weights: CRC-32 {:08x}", network.weights_crc32());
    Ok(())
}
