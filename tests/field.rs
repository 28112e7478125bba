//! Learning in the field on a board: digits that come to lie on their side are learnt, and those that
//! stand are forgotten far less with old samples in memory than without.
#![cfg(unix)]

use thumbnet_tests::{Board, Desk};

/// A row of the program's table.
#[derive(Debug, PartialEq)]
struct Row {
    name: String,
    /// % of the turned and of the standing test images.
    turned: f32,
    standing: f32,
    /// Rounds kept and undone.
    rounds: Option<[u32; 2]>,
    /// Instructions of the longest stretch of work.
    longest: u64,
}

/// Runs the program on a board: with so many samples met, and so many tested with.
fn table(board: Board, desk: &Desk, samples: &str, tests: &str) -> [Row; 5] {
    let program = board.program("field", None, desk);
    let run = desk.emulate(&program, &[samples, tests]).successful();
    let log = run.log();
    println!("measured: {board:?}, {samples} samples met, {tests} tested with:");
    log.iter().for_each(|line| println!("measured: {line}"));
    let row = |line: &String| {
        let (name, rest) = line.split_at(28);
        let numbers: Vec<f32> = rest
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        Row {
            name: name.trim().to_owned(),
            turned: numbers[0],
            standing: numbers[1],
            rounds: numbers
                .get(2..4)
                .map(|rounds| [rounds[0] as u32, rounds[1] as u32]),
            longest: numbers.get(4).map_or(0, |&longest| longest as u64),
        }
    };
    let rows: Vec<Row> = log.iter().skip(1).map(row).collect();
    rows.try_into().expect("five rows")
}

#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn old_samples_keep_old_digits() {
    let desk = Desk::with_mnist();
    let [before, whole, whole_without, head, head_without] = table(Board::M4F, &desk, "300", "500");
    assert!(before.turned < 20.0 && before.standing > 95.0, "{before:?}");
    for (with, without, turned, longest) in [
        (&whole, &whole_without, 50.0, 100_000),
        (&head, &head_without, 28.0, 15_000),
    ] {
        assert!(
            with.turned > turned && without.turned > turned,
            "{with:?}, {without:?}"
        );
        assert!(with.standing > 88.0, "{with:?}");
        assert!(
            with.standing - without.standing > 25.0,
            "{with:?}, {without:?}"
        );
        for row in [with, without] {
            assert!(row.rounds.unwrap()[0] > 0, "{row:?}");
            assert!((1_000..longest).contains(&row.longest), "{row:?}");
        }
    }
    assert!(whole.turned > head.turned + 10.0, "{whole:?}, {head:?}");
}

/// What is learnt does not depend on the board; only what it costs does.
#[test]
#[ignore = "needs QEMU and MNIST: tests/run"]
fn boards_learn_the_same() {
    let desk = Desk::with_mnist();
    let [first, second] = Board::PAIR
        .map(|board| table(board, &desk, "60", "100").map(|row| Row { longest: 0, ..row }));
    assert_eq!(first, second);
}
