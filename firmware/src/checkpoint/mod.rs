//! Checkpoints in flash: training goes on with the same bits after the power was cut, at any moment.
//!
//! A [`Store`] has a region of any [`embedded_storage::nor_flash::NorFlash`] and cuts it into as
//! many slots as fit, at least two. Checkpoints go into them in turn, so that all pages wear alike,
//! and the one before stays whole until the next is. Nothing is held twice in RAM: a [`Checkpoint`]
//! is written from the network's and the training state's own memory and read back into it, by way
//! of 256 bytes on the stack.
//!
//! ```
//! use thumbnet::prelude::*;
//! use thumbnet_firmware::checkpoint::{Checkpoint, RamFlash, Store};
//!
//! type Digits = Mlp<64, 16, 10>;
//! let flash = RamFlash::<4, 1024, 65536>::ZEROED; // a board's own, on a board
//! let mut store = Store::new(flash, 0..65536)?; // offsets in that flash
//!
//! let mut network = Digits::ZEROED;
//! let mut state = TrainState::<Digits, Momentum>::ZEROED;
//! let mut generators = [XorShiftRng::seed_from_u64(7)];
//! network.init_weights(&mut generators[0]);
//! let mut samples = [0; 4]; // what the program itself has to know, such as where it is
//!
//! let mut checkpoint = Checkpoint {
//!     network: &mut network,
//!     state: &mut state,
//!     generators: &mut generators,
//!     notes: &mut samples,
//! };
//! // At start-up: nothing changes if there is no checkpoint.
//! assert_eq!(store.load(&mut checkpoint)?.sequence, None);
//! // Now and then while training; returns the number of the checkpoint.
//! assert_eq!(store.save(&mut checkpoint)?, 1);
//! assert_eq!(
//!     store.wear(&mut checkpoint, 10_000)?.to_string(),
//!     "a checkpoint takes 10 pages of 1024 bytes, 6 have room: 60000 checkpoints until each page \
//!      was erased 10000 times"
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # What is in a slot
//!
//! | offset | bytes | what, little-endian |
//! |---|---|---|
//! | 0 | 8 | `TNCHECK` and the version of this layout, 1 |
//! | 8 | 4 | number of the checkpoint, from 1 |
//! | 12 | 4 | signature of what was saved: [`Content::signature`] |
//! | 16 | 4 | length of what was saved |
//! | 20 | 4 | CRC-32 (ISO-HDLC) of it |
//! | 24 | 4 | CRC-32 of the 24 bytes before |
//! | R | `WRITE_SIZE` each | marks: words of zeros |
//! | R + M | length | what was saved |
//!
//! R is 32, or the flash's `WRITE_SIZE` if that is more; M is 32, or four times that size. Pages are
//! erased one by one, the first one first, so that the old record is gone before anything that it
//! speaks for. Then come what is saved, which is read back, the record, and a mark. Before the next
//! checkpoint erases anything, this one gets another mark. No word is written twice, but for a mark
//! over what a cut may have left of one.
//!
//! # What a power cut can do
//!
//! Until the record's last word is written there is no whole record, and the slot counts as empty;
//! after it, the checkpoint is there. A word in which the power went may read as written now and not
//! the next time. If that is the record's last word, the missing mark tells: the newest checkpoint
//! with a mark counts. If it is the mark, the second one makes it certain, before the checkpoint is
//! the only one. Without any mark, as after the very first checkpoint, the newest whole record counts.
//! Pages in which an erase was cut short are found by the checksums, but for one in 2^32.

mod content;
mod outcome;
mod ram;
mod slot;
mod store;
mod stream;

pub use content::{Checkpoint, Content};
pub(crate) use content::{pieces_of_network, pieces_of_state, signature};
pub use outcome::{Loaded, StoreError, Wear};
pub use ram::RamFlash;
pub use store::Store;
