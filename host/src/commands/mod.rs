//! The commands of the `thumbnet` program that train, evaluate, export and report on networks.

pub mod bench;
pub mod board;
pub mod chapter3;
pub mod evaluate;
pub mod export;
pub mod find_learning_rate;
pub(crate) mod output;
pub mod recipes;
pub mod report;
pub mod train;
pub mod tune;

/// What `--data` takes.
pub(crate) const DATA_HELP: &str = "mnist, fashion-mnist, digits, xor, two-moons, or a folder with \
    MNIST's four files [default: the folder $THUMBNET_DATA, or else MNIST, fetched if need be]";
