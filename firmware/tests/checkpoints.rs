//! Checkpoints without power cuts: that training goes on with the same bits whatever the optimiser,
//! and what the store makes of flipped bits, worn pages, failing flash and other programs' data.

mod support;

use support::board::{Board, Progress, expected, run};
use support::flash::SimulatedFlash;
use thumbnet::cost::{CostFunction, TrainsWith};
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::prelude::*;
use thumbnet::random::fill_normal;
use thumbnet_firmware::checkpoint::Content;
use thumbnet_firmware::{Checkpoint, Loaded, Store, StoreError};

type Deep = mlp![6 => 5 Relu => 4 Sigmoid => 3 Softmax];

/// Trains `count` steps on mini-batches of four with dropout.
fn train<O: Optimizer, C: CostFunction>(
    config: TrainConfig<O, C>,
    network: &mut Deep,
    state: &mut TrainState<Deep, O, 4>,
    generators: &mut [XorShiftRng; 2],
    count: usize,
) where
    Softmax: TrainsWith<C>,
{
    let [samples, dropout] = generators;
    let mut trainer = Trainer::new(config, network, state)
        .unwrap()
        .with_dropout(DropoutRates::hidden(0.25), dropout)
        .unwrap();
    for _ in 0..count {
        let mut inputs = [[0.0; 6]; 4];
        fill_normal(samples, 1.0, inputs.as_flattened_mut());
        trainer.batch(&inputs, &[0, 1, 2, 1]).unwrap();
    }
}

/// Ten steps, a checkpoint, ten more; and the same ten from the checkpoint, by a board that knows
/// nothing but its configuration.
fn goes_on<O: Optimizer>(optimizer: O) {
    let config = TrainConfig::new(0.01)
        .with_cost(SoftmaxCrossEntropy)
        .with_weight_decay(WeightDecay::L2(1.0e-3))
        .with_optimizer(optimizer);
    let mut flash = SimulatedFlash::<8, 1024>::new(4, 0);
    let mut store = Store::new(&mut flash, 0..4096).unwrap();

    let mut generators = [1, 2].map(XorShiftRng::seed_from_u64);
    let mut network = Deep::ZEROED;
    network.init_weights(&mut generators[0]);
    let mut state = TrainState::ZEROED;
    train(config, &mut network, &mut state, &mut generators, 10);
    let before = network.weights_crc32();
    let saved = store.save(&mut Checkpoint {
        network: &mut network,
        state: &mut state,
        generators: &mut generators,
        notes: &mut [7],
    });
    assert_eq!(saved, Ok(1));
    assert_eq!(network.weights_crc32(), before);
    train(config, &mut network, &mut state, &mut generators, 10);

    let mut other = Deep::ZEROED;
    let mut other_state = TrainState::ZEROED;
    let mut other_generators = [8, 9].map(XorShiftRng::seed_from_u64);
    let mut notes = [0];
    let loaded = store.load(&mut Checkpoint {
        network: &mut other,
        state: &mut other_state,
        generators: &mut other_generators,
        notes: &mut notes,
    });
    assert_eq!(loaded.map(|loaded| loaded.sequence), Ok(Some(1)));
    assert_eq!((other.weights_crc32(), notes), (before, [7]));
    train(
        config,
        &mut other,
        &mut other_state,
        &mut other_generators,
        10,
    );
    assert_eq!(other.weights_crc32(), network.weights_crc32());
    assert!(other_generators == generators);
    assert_eq!(other_state.steps(), 20);
    assert_ne!(other.weights_crc32(), before);
}

#[test]
fn training_goes_on_with_the_same_bits() {
    goes_on(Sgd);
    goes_on(Momentum(0.9));
    goes_on(Nesterov(0.9));
    goes_on(RmsProp::DEFAULT);
    goes_on(Adam::DEFAULT);
    goes_on(Clipped {
        optimizer: Momentum(0.9),
        norm: 0.1,
    });
    goes_on(Clipped {
        optimizer: Nesterov(0.9),
        norm: 0.1,
    });
}

/// What a board finds after `change` was done to a flash with checkpoints up to 5.
fn found<const WRITE: usize, const PAGE: usize>(
    flash: &SimulatedFlash<WRITE, PAGE>,
    change: impl FnOnce(&mut SimulatedFlash<WRITE, PAGE>),
) -> (Result<Loaded, StoreError>, Board) {
    let mut flash = flash.clone();
    change(&mut flash);
    let end = flash.bytes.len() as u32;
    let mut board = Board::new();
    let mut store = Store::new(&mut flash, 0..end).unwrap();
    (store.load(&mut board.checkpoint()), board)
}

/// Each bit of all slots is flipped in turn: what is loaded is whole, and if it is not the newest
/// checkpoint, then the one before, and the damage was noticed.
fn flip_every_bit<const WRITE: usize, const PAGE: usize>(pages: usize) {
    let mut flash = SimulatedFlash::<WRITE, PAGE>::erased(pages, 0);
    run(&mut flash, 5, &mut Progress::default()).unwrap();
    let mut older = 0;
    for bit in 0..8 * flash.bytes.len() {
        let (loaded, mut board) = found(&flash, |flash| flash.bytes[bit / 8] ^= 1 << (bit % 8));
        let loaded = loaded.unwrap();
        assert_eq!(board.image(), expected(board.checkpoints()), "bit {bit}");
        if board.checkpoints() == 4 {
            older += 1;
            assert_eq!((loaded.sequence, loaded.damaged), (Some(4), 1), "bit {bit}");
        } else {
            assert_eq!(loaded.sequence, Some(5), "bit {bit}");
        }
    }
    let content = 8 * (28 + Board::new().image().len());
    assert_eq!(older, content, "every bit of the record and of the content");
}

#[test]
fn flipped_bits_are_found() {
    flip_every_bit::<4, 512>(2);
    flip_every_bit::<1, 256>(4);
    flip_every_bit::<256, 2048>(2);
}

#[test]
fn a_flash_that_fails_never_leaves_half_a_network() {
    let mut flash = SimulatedFlash::<4, 512>::erased(3, 0);
    run(&mut flash, 5, &mut Progress::default()).unwrap();
    let (loaded, mut board) = found(&flash, |flash| flash.reads_left = Some(0));
    assert!(matches!(loaded, Err(StoreError::Flash(_))));
    assert_eq!(board.image(), expected(0), "nothing was read yet");
    let mut zeroed = 0;
    for reads in 1.. {
        let (loaded, mut board) = found(&flash, |flash| flash.reads_left = Some(reads));
        if loaded.is_ok() {
            assert_eq!(board.image(), expected(5));
            break;
        }
        let zero = board.image().iter().filter(|&&byte| byte != 0).count();
        // Generators are never all zero.
        let is_zero = zero <= 32 && board.checkpoints() == 0 && board.image() != expected(0);
        assert!(is_zero || board.image() == expected(0), "{reads} reads");
        zeroed += usize::from(is_zero);
    }
    assert!(zeroed > 0, "the second reading was interrupted");
}

/// Pages that hold nothing more once they are worn: as many checkpoints as were announced.
#[test]
fn pages_wear_evenly_and_as_long_as_announced() {
    let mut flash = SimulatedFlash::<4, 128>::erased(13, 0);
    flash.endurance = 20;
    let end = flash.bytes.len() as u32;
    let mut board = Board::new();
    let mut store = Store::new(&mut flash, 0..end).unwrap();
    let wear = store.wear(&mut board.checkpoint(), 20).unwrap();
    assert_eq!((wear.slots, wear.checkpoints()), (3, 60));
    for _ in 0..wear.checkpoints() {
        store.save(&mut board.checkpoint()).unwrap();
    }
    // The first page to fail is noticed, and the last checkpoint is still there.
    let worn = store.save(&mut board.checkpoint());
    assert!(
        matches!(worn, Err(StoreError::Worn { address: 0 })),
        "{worn:?}"
    );
    let loaded = store.load(&mut board.checkpoint()).unwrap();
    assert_eq!(loaded.sequence, Some(60));
    let used = wear.pages as usize * wear.slots as usize;
    assert_eq!(flash.erases[wear.pages as usize..used], [20; 8]);
    assert_eq!(flash.erases[used..], [0]);
}

#[test]
fn another_programs_checkpoints_are_left_alone_until_there_are_new_ones() {
    let mut flash = SimulatedFlash::<4, 1024>::erased(3, 0);
    run(&mut flash, 5, &mut Progress::default()).unwrap();
    let mut network = Mlp::<6, 4, 3>::ZEROED;
    let mut store = Store::new(&mut flash, 0..3072).unwrap();
    // As long as what is there, but squares in the place of velocities.
    let mut state = TrainState::<_, RmsProp, 1>::ZEROED;
    let mut other = Checkpoint {
        network: &mut network,
        state: &mut state,
        generators: &mut [1, 2].map(XorShiftRng::seed_from_u64),
        notes: &mut [0; 4],
    };
    let loaded = store.load(&mut other).unwrap();
    assert_eq!(
        loaded.to_string(),
        "no checkpoint is there; 0 slots are damaged, 3 are of another program"
    );
    // Numbers go on, and what was newest so far is the last to be written over.
    assert_eq!(store.save(&mut other), Ok(6));
    let loaded = store.load(&mut other).unwrap();
    assert_eq!((loaded.sequence, loaded.foreign), (Some(6), 2));
    let mut board = Board::new();
    let loaded = store.load(&mut board.checkpoint()).unwrap();
    assert_eq!((loaded.sequence, loaded.foreign), (Some(5), 1));
    assert_eq!(board.image(), expected(5));
    assert_eq!(store.clear(), Ok(()));
    let loaded = store.load(&mut board.checkpoint()).unwrap();
    assert_eq!((loaded.sequence, loaded.foreign), (None, 0));
}

/// The same numbers mean something else behind another activation, or in other layers.
#[test]
fn networks_are_told_apart_by_their_layers() {
    fn signature<N: Network>() -> u32 {
        let (mut network, mut state) = (N::ZEROED, TrainState::<N, Sgd, 1>::ZEROED);
        Checkpoint {
            network: &mut network,
            state: &mut state,
            generators: &mut [],
            notes: &mut [],
        }
        .signature()
    }
    let mut signatures = [
        signature::<mlp![6 => 5 Relu => 3 Sigmoid]>(),
        signature::<mlp![6 => 5 Tanh => 3 Sigmoid]>(),
        signature::<mlp![6 => 5 Relu => 3 Softmax]>(),
        signature::<mlp![6 => 4 Relu => 3 Sigmoid]>(),
        signature::<mlp![6 => 3 Sigmoid]>(),
    ];
    signatures.sort_unstable();
    assert!(
        signatures.windows(2).all(|pair| pair[0] < pair[1]),
        "{signatures:x?}"
    );
}

/// Bytes of a kind.
struct Bytes(u32, Vec<u8>);

impl Content for Bytes {
    fn signature(&mut self) -> u32 {
        self.0
    }

    fn for_each_piece(&mut self, visit: &mut dyn FnMut(&mut [u8])) {
        visit(&mut self.1);
    }
}

/// In slots of the same size the newest checkpoint is known and safe, whatever comes next.
#[test]
fn kinds_of_contents_take_turns() {
    let mut flash = SimulatedFlash::<4, 512>::erased(8, 0);
    let mut store = Store::new(&mut flash, 0..4096)
        .unwrap()
        .with_room_for(1_500);
    assert_eq!(store.newest_signature(), Ok(None));
    for (sequence, length) in (1..).zip([300, 1_500, 20, 20, 900]) {
        let signature = 100 + length;
        let mut bytes = Bytes(signature, vec![sequence as u8; length as usize]);
        assert_eq!(store.save(&mut bytes), Ok(sequence));
        assert_eq!(store.newest_signature(), Ok(Some(signature)));
        bytes.1.fill(0);
        assert_eq!(store.load(&mut bytes).unwrap().sequence, Some(sequence));
        assert!(bytes.1.iter().all(|&byte| byte == sequence as u8));
    }
    let too_large = store.save(&mut Bytes(1, vec![0; 2_100]));
    assert!(matches!(too_large, Err(StoreError::TooSmall { .. })));
}

#[test]
fn regions_that_do_not_fit_are_refused() {
    let mut board = Board::new();
    for (region, sentence) in [
        (
            100..2048,
            "the region 100..2048 for checkpoints should begin and end at multiples of 1024, and \
             end by 4096",
        ),
        (
            0..5120,
            "the region 0..5120 for checkpoints should begin and end at multiples of 1024, and end \
             by 4096",
        ),
        (
            3072..4096,
            "the region for checkpoints has 1024 bytes, two of them need 2048: give it more pages",
        ),
        (
            1024..1024,
            "the region for checkpoints has 0 bytes, two of them need 2048: give it more pages",
        ),
    ] {
        let mut flash = SimulatedFlash::<4, 1024>::erased(4, 0);
        let saved = Store::new(&mut flash, region)
            .and_then(|mut store| store.save(&mut board.checkpoint()));
        assert_eq!(saved.unwrap_err().to_string(), sentence);
        assert_eq!(flash.operations, 0);
    }
}
