//! A board that trains a small network with momentum and dropout, a checkpoint every three steps.

use std::cell::RefCell;

use embedded_storage::nor_flash::NorFlash;
use thumbnet::prelude::*;
use thumbnet_firmware::checkpoint::Content;
use thumbnet_firmware::{Checkpoint, Loaded, Store, StoreError};

type Small = Mlp<6, 4, 3>;

const CONFIG: TrainConfig<Momentum> = TrainConfig::new(0.1).with_momentum(0.9);

/// Everything that a board holds in RAM.
pub(crate) struct Board {
    network: Small,
    state: TrainState<Small, Momentum>,
    generators: [XorShiftRng; 2],
    samples: [u8; 4],
}

impl Board {
    /// After a reset.
    pub(crate) fn new() -> Self {
        let mut generators = [1, 2].map(XorShiftRng::seed_from_u64);
        let mut network = Small::ZEROED;
        network.init_weights(&mut generators[0]);
        Self {
            network,
            state: TrainState::ZEROED,
            generators,
            samples: [0; 4],
        }
    }

    pub(crate) fn checkpoint(&mut self) -> Checkpoint<'_, Small, Momentum, 1> {
        Checkpoint {
            network: &mut self.network,
            state: &mut self.state,
            generators: &mut self.generators,
            notes: &mut self.samples,
        }
    }

    /// All that it holds, as one list of bytes.
    pub(crate) fn image(&mut self) -> Vec<u8> {
        let mut image = Vec::new();
        self.checkpoint()
            .for_each_piece(&mut |piece| image.extend_from_slice(piece));
        image
    }

    /// Trains up to the next checkpoint.
    pub(crate) fn train(&mut self) {
        for _ in 0..3 {
            let sample = u32::from_le_bytes(self.samples);
            let [drawn, dropout] = &mut self.generators;
            let mut input = [0.0; 6];
            thumbnet::random::fill_normal(drawn, 1.0, &mut input);
            Trainer::new(CONFIG, &mut self.network, &mut self.state)
                .unwrap()
                .with_dropout(DropoutRates::hidden(0.25), dropout)
                .unwrap()
                .step(&input, (sample % 3) as u8)
                .unwrap();
            self.samples = (sample + 1).to_le_bytes();
        }
    }

    /// How often it has trained up to a checkpoint.
    pub(crate) fn checkpoints(&self) -> usize {
        u32::from_le_bytes(self.samples) as usize / 3
    }
}

/// What the board holds after so many checkpoints of a run that nothing interrupts.
pub(crate) fn expected(checkpoints: usize) -> Vec<u8> {
    thread_local! {
        static RUN: RefCell<(Board, Vec<Vec<u8>>)> = {
            let mut board = Board::new();
            let first = board.image();
            RefCell::new((board, vec![first]))
        };
    }
    RUN.with_borrow_mut(|(board, images)| {
        while images.len() <= checkpoints {
            board.train();
            images.push(board.image());
        }
        images[checkpoints].clone()
    })
}

/// What is known of a board's flash from outside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    /// The last checkpoint of which saving returned, or that was loaded.
    pub(crate) safe: usize,
    /// The last checkpoint of which saving began.
    pub(crate) begun: usize,
    /// What the last start found.
    pub(crate) loaded: Option<Loaded>,
    /// Whether a torn word may read differently each time: being loaded makes nothing safe then.
    pub(crate) marginal: bool,
}

/// From power-up until the power goes, or up to the checkpoint `last`: loads, trains, saves.
pub(crate) fn run<F: NorFlash>(
    flash: F,
    last: usize,
    progress: &mut Progress,
) -> Result<(), StoreError> {
    let end = flash.capacity() as u32;
    let mut store = Store::new(flash, 0..end)?;
    let mut board = Board::new();
    progress.loaded = Some(store.load(&mut board.checkpoint())?);
    let start = board.checkpoints();
    assert!(board.image() == expected(start), "a mixture: {progress:?}");
    assert!(
        (progress.safe..=progress.begun).contains(&start),
        "started from {start}: {progress:?}"
    );
    if !progress.marginal {
        progress.safe = start;
    }
    while board.checkpoints() < last {
        board.train();
        progress.begun = board.checkpoints();
        store.save(&mut board.checkpoint())?;
        progress.safe = progress.begun;
    }
    Ok(())
}
