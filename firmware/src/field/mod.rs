//! Learning in the field: a board goes on learning from what it meets, alone and in idle time.
//!
//! ```text
//! Source --> Memory: recent, old (a reservoir), held out (another)
//!                |              |                     |
//!                +-- one step on each in turn         |
//!                        |                            |
//!                 trained weights -- better on these? --> kept weights, which predict
//!                        ^                                    |
//!                        +---------- if not, back to them ----+
//! ```
//!
//! Samples with labels arrive from a [`Source`] and go into a [`Memory`] of fixed size: the most recent
//! ones; a reservoir of all there ever were, with as many of each class, so that old ones are
//! not forgotten; and some that are never trained on. A [`Learner`] trains whenever it is given time,
//! one sample a step, as often on an old one as on a recent one. After a round of steps it
//! compares, on the samples held out, the weights that it trains with those that were kept; the
//! better ones are kept, and training goes on from there. A program predicts with the kept ones.
//!
//! The copy that a rejected round goes back to is in RAM: a copy from flash would cost an erase for
//! every round that is kept. It takes as much as what is trained; of a network whose
//! [head](thumbnet::Headed) alone trains that is little, and its body can stay in flash. The learner
//! does not know the difference: a head is a network, and what it sees of a sample are
//! [features](thumbnet::Headed::features) instead of pixels.
//!
//! [`Learner::step_for`] can be stopped between stretches of work, of which the longest is one step,
//! two predictions, or one copy of the weights: see [`Budget`].
//!
//! ```
//! use thumbnet::prelude::*;
//! use thumbnet_firmware::field::{Learner, Memory, Room, Stretches};
//!
//! type Toy = Mlp<2, 4, 2>;
//! // 2 classes, 8 old samples of each, the 8 most recent ones, 4 of each class held out.
//! type ToyMemory = Memory<[f32; 2], 2, 8, 8, 4>;
//! const CONFIG: TrainConfig = TrainConfig::new(1.0);
//! const ROUND: u32 = 50; // steps
//!
//! let mut rng = XorShiftRng::seed_from_u64(7);
//! let mut network = Toy::ZEROED;
//! network.init_weights(&mut rng);
//! let mut room = Room::<Toy, Sgd, ToyMemory>::ZEROED; // a static, on a board
//! let mut learner = Learner::new(CONFIG, ROUND, &network, &mut room, rng)?;
//!
//! for index in 0..40 {
//!     let label = index % 2;
//!     let sample = if label == 0 { [1.0, 0.0] } else { [0.0, 1.0] };
//!     learner.meet(&sample, label)?;
//!     // In idle time: twenty stretches of work.
//!     learner.step_for(&mut Stretches(20))?;
//! }
//! assert_eq!(learner.kept().predict(&[1.0, 0.0]).class, 0);
//! assert_eq!(learner.kept().predict(&[0.0, 1.0]).class, 1);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod budget;
mod learner;
mod memory;
mod reservoir;
mod source;

pub use budget::{Budget, Deadline, Stretches};
pub use learner::{Learner, Room, Round};
pub use memory::{Memory, Remember};
pub use reservoir::Reservoir;
pub use source::{Held, HeldError, Sensor, Source};
