//! The same bits everywhere: desktop and boards end with the same weights after the same real
//! samples, and see the same scores in the same network.
//!
//! Everywhere 784-32-10 starts from seed 7 and trains on MNIST's first training images, in order.
//! The CRC-32s are pinned: they change only when an issue asks for other bits.
#![cfg(unix)]

use std::path::Path;
use std::sync::OnceLock;

use serde_json::Value;
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::prelude::*;
use thumbnet::preparation::Size;
use thumbnet::{Activation, Cost};
use thumbnet_host::data::{self, DataChoice, Dataset};
use thumbnet_host::model::{Model, parse_architecture};
use thumbnet_host::training::{
    Engine, EngineState, Hyperparameters, Instructions, OptimizerChoice, Progress, SparseImages,
    evaluate,
};
use thumbnet_tests::{Board, Desk, Run, mnist, root};

type Digits = Mlp<784, 32, 10>;

const SEED: u64 = 7;

/// After how many samples the weights are looked at.
const SAMPLES: [usize; 3] = [1, 200, 1_000];

/// A way to train that boards have a program for, with the same numbers.
struct Way {
    program: &'static str,
    learning_rate: &'static str,
    momentum: &'static str,
    batch_size: usize,
    /// `lambda / n` for 1,000 samples.
    weight_decay: f32,
    /// `lambda`, which the command line takes.
    l2: &'static str,
    /// CRC-32 of all weights after so many [`SAMPLES`].
    weights: [u32; 3],
    /// CRC-32 of the scores of the first 1,000 test images after the last of them.
    scores: u32,
}

const SGD: Way = Way {
    program: "train",
    learning_rate: "0.1",
    momentum: "0",
    batch_size: 1,
    weight_decay: 0.0,
    l2: "0",
    weights: [0xb5e9_9c70, 0x1067_7f2b, 0x68fc_157f],
    scores: 0xd8e1_88c6,
};

const MOMENTUM: Way = Way {
    program: "train-momentum",
    learning_rate: "0.01",
    momentum: "0.9",
    batch_size: 1,
    weight_decay: 0.0,
    l2: "0",
    weights: [0xe35b_f25f, 0x785b_aa13, 0x87ea_e3e4],
    scores: 0xe995_4378,
};

const MINI_BATCHES: Way = Way {
    program: "train-batches",
    learning_rate: "0.05",
    momentum: "0.9",
    batch_size: 10,
    weight_decay: 5.0e-4,
    l2: "0.5",
    weights: [0xaa41_81bd, 0x70bc_863f, 0x38e1_ebda],
    scores: 0xff2e_b56b,
};

const WAYS: [Way; 3] = [SGD, MOMENTUM, MINI_BATCHES];

impl Way {
    fn learning_rate(&self) -> f32 {
        self.learning_rate.parse().expect("it is a number")
    }

    fn momentum(&self) -> f32 {
        self.momentum.parse().expect("it is a number")
    }

    #[track_caller]
    fn assert_weights(&self, who: &str, found: [u32; 3]) {
        assert!(
            found == self.weights,
            "{}, {who}: weights have CRC-32 {found:08x?} after {SAMPLES:?} samples, pinned are \
             {:08x?}",
            self.program,
            self.weights
        );
    }
}

fn dataset() -> &'static Dataset {
    static MNIST: OnceLock<Dataset> = OnceLock::new();
    MNIST.get_or_init(|| {
        let folder = DataChoice::Folder(mnist().to_owned());
        data::load(&folder).unwrap_or_else(|error| panic!("{error:#}"))
    })
}

/// The core crate alone: types of fixed size, as a board has them.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn trainer() {
    fn weights<O: Optimizer, const BATCH: usize>(config: TrainConfig<O>) -> [u32; 3] {
        let train = &dataset().train;
        let (images, _) = train.images.as_chunks::<784>();
        SAMPLES.map(|count| {
            let mut network = Box::new(Digits::ZEROED);
            network.init_weights(&mut XorShiftRng::seed_from_u64(SEED));
            let mut state = Box::new(TrainState::<Digits, O, BATCH>::ZEROED);
            let mut trainer = Trainer::new(config, &mut *network, &mut *state).unwrap();
            let batches = images[..count].chunks(BATCH);
            for (images, labels) in batches.zip(train.labels[..count].chunks(BATCH)) {
                trainer.batch(images, labels).unwrap();
            }
            network.weights_crc32()
        })
    }
    let config = TrainConfig::new;
    SGD.assert_weights("trainer", weights::<_, 1>(config(SGD.learning_rate())));
    let found =
        weights::<_, 1>(config(MOMENTUM.learning_rate()).with_momentum(MOMENTUM.momentum()));
    MOMENTUM.assert_weights("trainer", found);
    let found = weights::<_, 10>(
        config(MINI_BATCHES.learning_rate())
            .with_momentum(MINI_BATCHES.momentum())
            .with_weight_decay(WeightDecay::L2(MINI_BATCHES.weight_decay)),
    );
    MINI_BATCHES.assert_weights("trainer", found);
}

/// The desktop's engine: shapes known at run time, several threads, wide vectors.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn engine() {
    let architecture =
        parse_architecture("784-32-10", Activation::Sigmoid, Activation::Sigmoid).unwrap();
    let fresh = Model::fresh(
        architecture,
        Cost::CrossEntropy,
        Initialization::default(),
        SEED,
    );
    let mut test = dataset().test.clone();
    test.images.truncate(1_000 * test.pixels());
    test.labels.truncate(1_000);

    let mut instructions = vec![Instructions::Baseline];
    match Instructions::detect() {
        Instructions::Baseline => {
            println!("here: this processor has no wider vectors to compare with");
        }
        wider => instructions.push(wider),
    }
    for way in &WAYS {
        for &instructions in &instructions {
            for threads in 1..=3 {
                let mut trained = fresh.clone();
                let found = SAMPLES.map(|count| {
                    let hyperparameters = Hyperparameters {
                        cost: Cost::CrossEntropy,
                        batch_size: way.batch_size,
                        drop_last: false,
                        optimizer: match way.momentum() {
                            0.0 => OptimizerChoice::Sgd,
                            momentum => OptimizerChoice::Momentum(momentum),
                        },
                        weight_decay: WeightDecay::L2(way.weight_decay),
                        clip_norm: None,
                        dropout: DropoutRates::NONE,
                        input_scale: 1.0,
                    };
                    let shuffled = false;
                    let state = EngineState::new(&fresh, &hyperparameters, SEED, shuffled);
                    let mut engine =
                        Engine::new(architecture, hyperparameters, state, threads, instructions);
                    let images = SparseImages::new(&dataset().train, count).unwrap();
                    engine.epoch(&images, &|_| way.learning_rate(), &Progress::default());
                    engine.store(&mut trained);
                    trained.weights_crc32()
                });
                let who = format!("{threads} threads, {instructions:?}");
                way.assert_weights(&who, found);

                let evaluation = evaluate(&trained, &test, threads, instructions);
                let mut digest = thumbnet::format::CRC_32.digest();
                for score in evaluation.scores {
                    digest.update(&score.to_le_bytes());
                }
                let scores = digest.finalize();
                assert!(
                    scores == way.scores,
                    "{}, {who}: scores have CRC-32 {scores:08x}, pinned is {:08x}",
                    way.program,
                    way.scores
                );
            }
        }
    }
}

/// The program that users type.
#[test]
#[ignore = "needs MNIST: tests/run"]
fn command_line() {
    let desk = Desk::with_mnist();
    for way in &WAYS {
        for threads in ["1", "2"] {
            let out = format!("{}-{threads}", way.program);
            let run = desk
                .run(
                    ["train", "--recipe", "book-30", "--model", "784-32-10"]
                        .iter()
                        .chain(&[
                            "--train-samples",
                            "1000",
                            "--no-shuffle",
                            "--epochs",
                            "1",
                            "--seed",
                            "7",
                            "--batch-size",
                            &way.batch_size.to_string(),
                            "--momentum",
                            way.momentum,
                            "--learning-rate",
                            way.learning_rate,
                            "--l2",
                            way.l2,
                            "--threads",
                            threads,
                            "--json",
                            "--out",
                            &out,
                        ]),
                )
                .successful();
            let lines = run.json();
            let last = lines.last().expect("there is a last line");
            let pinned = format!("{:08x}", way.weights[2]);
            assert_eq!(last["last_weights_crc32"], pinned, "{out}: {last}");
            // The only epoch is the best one.
            assert_eq!(last["weights_crc32"], pinned, "{out}: {last}");
        }
    }
}

fn board_trains(board: Board) {
    let desk = Desk::with_mnist();
    for way in &WAYS {
        let program = board.program(way.program, None, &desk);
        let found = SAMPLES.map(|count| {
            let run = desk
                .emulate(&program, &[&count.to_string(), "0"])
                .successful();
            u32::from_str_radix(&run.crc("weights"), 16).expect("it is hexadecimal")
        });
        way.assert_weights(&format!("{board:?}"), found);

        let run = desk.emulate(&program, &["1000", "1000"]).successful();
        assert_eq!(
            run.crc("scores"),
            format!("{:08x}", way.scores),
            "{board:?}"
        );
    }
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn cortex_m4f() {
    board_trains(Board::M4F);
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn cortex_m3() {
    board_trains(Board::M3);
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn cortex_m0() {
    board_trains(Board::M0);
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn cortex_m33() {
    board_trains(Board::M33);
}

/// Accuracy and checksums of what a network says to the first 1,000 test images.
#[derive(Debug, PartialEq)]
struct Evaluated {
    right: u64,
    scores: String,
    predictions: String,
}

impl Evaluated {
    fn on_desktop(desk: &Desk, model: &Path) -> Self {
        let run = desk
            .run(["evaluate", path(model), "--samples", "1000", "--json"])
            .successful();
        let lines = run.json();
        assert_eq!(lines.len(), 1, "{lines:?}");
        let text = |name: &str| lines[0][name].as_str().expect("it is a text").to_owned();
        let accuracy = lines[0]["test_accuracy"].as_f64().expect("it is a number");
        Self {
            right: (accuracy * 1_000.0).round() as u64,
            scores: text("scores_crc32"),
            predictions: text("predictions_crc32"),
        }
    }

    fn on_board(desk: &Desk, board: Board, model: Option<&Path>) -> Self {
        let program = board.program("evaluate", model, desk);
        Self::of(&desk.emulate(&program, &["1000"]).successful())
    }

    /// What a board's program logged.
    fn of(run: &Run) -> Self {
        Self {
            right: run.counted("(", " of 1000)"),
            scores: run.crc("scores"),
            predictions: run.crc("classes"),
        }
    }
}

fn path(path: &Path) -> &str {
    path.to_str().expect("temporary paths are UTF-8")
}

/// A network that was trained and exported on the desktop says the same on boards that have it in
/// flash, bit for bit; and so does the one that the repository has for them.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn exported() {
    let desk = Desk::with_mnist();
    let run = desk
        .run(
            [
                "train",
                "--recipe",
                "book-30",
                "--model",
                "784-32-10",
                "--epochs",
                "1",
            ]
            .iter()
            .chain(&[
                "--train-samples",
                "10000",
                "--seed",
                "3",
                "--json",
                "--out",
                "run",
            ]),
        )
        .successful();
    let accuracy = run.json().last().map(|line| line["test_accuracy"].clone());
    assert!(
        accuracy.as_ref().and_then(Value::as_f64) > Some(0.85),
        "{accuracy:?}"
    );
    let (trained, exported) = (
        desk.path("run/model.thumbnet"),
        desk.path("digits.thumbnet"),
    );
    desk.run([
        "export",
        path(&trained),
        "--format",
        "device",
        "--out",
        path(&exported),
    ])
    .successful();

    let own = root().join("firmware/models/784-32-10.thumbnet");
    let (theirs, ours) = (
        Evaluated::on_desktop(&desk, &trained),
        Evaluated::on_desktop(&desk, &own),
    );
    assert_ne!(theirs, ours, "two networks are needed to tell them apart");
    for board in Board::PAIR {
        let found = Evaluated::on_board(&desk, board, Some(&exported));
        assert_eq!(found, theirs, "{board:?}");
        let found = Evaluated::on_board(&desk, board, None);
        assert_eq!(found, ours, "{board:?}");
    }
}

/// A network that sees deskewed images: boards deskew them, with the desktop's bits, and say what
/// that cost; so does one that sees them in 16 x 16 pixels.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn prepared() {
    let desk = Desk::with_mnist();
    let (from, to) = (Size::of::<28, 28>(), Size::of::<16, 16>());
    for (name, shape, preparation) in [
        ("deskewed", "784-32-10", Preparation::Deskew(from)),
        (
            "scaled",
            "256-24-16-10",
            Preparation::DeskewAndScale { from, to },
        ),
    ] {
        let architecture = parse_architecture(shape, Activation::Relu, Activation::Softmax);
        let fresh = Model {
            preparation,
            ..Model::fresh(
                architecture.unwrap(),
                Cost::SoftmaxCrossEntropy,
                Initialization::default(),
                SEED,
            )
        };
        let (start, trained) = (
            desk.path(&format!("{name}.thumbnet")),
            desk.path(&format!("{name}/model.thumbnet")),
        );
        fresh.save(&start).expect("the desk can be written");
        let train = "train --recipe book-30 --epochs 1 --train-samples 10000 --learning-rate 0.1";
        let files = ["--init", path(&start), "--out", name];
        desk.run(train.split(' ').chain(files)).successful();

        let desktop = Evaluated::on_desktop(&desk, &trained);
        assert!(desktop.right > 850, "{name}: {desktop:?}");
        for board in Board::PAIR {
            let program = board.program("evaluate", Some(&trained), &desk);
            let run = desk.emulate(&program, &["1000"]).successful();
            assert_eq!(Evaluated::of(&run), desktop, "{name}, {board:?}");
            let whole = run.counted("), ", " instructions per prediction");
            let prepared = run.counted("", " instructions of that for preparing");
            println!("measured: {board:?} instructions, {name}: {prepared} of {whole}");
            // Less than one for each pixel would be a broken counter.
            assert!(784 < prepared && prepared < whole, "{name}, {board:?}");
            if (name, board) == ("deskewed", Board::M4F) {
                assert!(prepared < 12_000, "{prepared}");
            }
        }
    }
}
