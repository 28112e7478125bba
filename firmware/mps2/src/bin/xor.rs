//! The smallest whole training run, on a board: the network learns the exclusive or of two bits.
#![no_std]
#![no_main]

use thumbnet::prelude::*;

type Xor = Mlp<2, 4, 2>;
const CONFIG: TrainConfig = TrainConfig::new(2.0);
const INPUTS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const LABELS: [u8; 4] = [0, 1, 1, 0];

#[cortex_m_rt::entry]
fn main() -> ! {
    static mut NETWORK: Xor = Xor::ZEROED; // all zero: takes no flash
    static mut STATE: TrainState<Xor, Sgd, 4> = TrainState::ZEROED;
    NETWORK.init_weights(&mut XorShiftRng::seed_from_u64(7));
    let mut trainer = Trainer::new(CONFIG, NETWORK, STATE).expect("the learning rate is positive");
    for _ in 0..2_000 {
        trainer
            .batch(&INPUTS, &LABELS)
            .expect("four samples, two classes");
    }
    for input in &INPUTS {
        defmt::info!("{} -> {}", input, trainer.network().predict(input).class);
    }
    defmt::info!(
        "CRC-32 of weights {:08x}",
        trainer.network().weights_crc32()
    );
    thumbnet_mps2::exit(thumbnet_mps2::SUCCESS)
}
