//! Power cuts: at every single write and erase of a run, and at random ones, again and again.
//!
//! After each the board must start from the last checkpoint of which saving returned, or from the
//! one that was being saved; what it holds must be, to the bit, what an uninterrupted run holds there
//! (`support::board::run` asserts both). In the end its weights must be those of that run.

mod support;

use support::board::{Progress, run};
use support::flash::{SimulatedFlash, Tear};
use thumbnet::prelude::*;
use thumbnet::random::below;

/// Checkpoints of a run that is cut everywhere: each slot is written more than once.
const CHECKPOINTS: usize = 7;

/// Operations of a run without a cut.
fn operations<const WRITE: usize, const PAGE: usize>(pages: usize) -> u64 {
    let mut flash = SimulatedFlash::<WRITE, PAGE>::new(pages, 0);
    run(&mut flash, CHECKPOINTS, &mut Progress::default()).unwrap();
    flash.operations
}

/// Cuts a run at each of its operations, in each way; returns how many cuts that were.
fn everywhere<const WRITE: usize, const PAGE: usize>(pages: usize) -> u64 {
    let operations = operations::<WRITE, PAGE>(pages);
    for operation in 0..operations {
        for tear in Tear::ALL {
            let mut flash = SimulatedFlash::<WRITE, PAGE>::new(pages, operation);
            let mut progress = Progress::default();
            flash.cut = Some((operation, tear));
            run(&mut flash, CHECKPOINTS, &mut progress).unwrap_err();
            flash.power_up();
            run(&mut flash, CHECKPOINTS, &mut progress).unwrap();
            assert_eq!(progress.safe, CHECKPOINTS);
        }
    }
    let cuts = operations * Tear::ALL.len() as u64;
    println!("measured: {cuts} cuts, words of {WRITE} bytes, {pages} pages of {PAGE}");
    cuts
}

#[test]
fn at_every_write_and_erase() {
    // Two slots, and three; the last page belongs to none.
    everywhere::<1, 256>(4);
    everywhere::<4, 128>(13);
    everywhere::<8, 512>(3);
    everywhere::<256, 256>(14);
    everywhere::<256, 4096>(2);
}

/// How many random cuts: `THUMBNET_POWER_CUTS`.
fn cuts() -> u64 {
    let given = std::env::var("THUMBNET_POWER_CUTS").ok();
    given.map_or(10_000, |cuts| cuts.parse().expect("a number"))
}

/// One flash, cut again and again at random operations; returns checkpoints saved.
fn again_and_again<const WRITE: usize, const PAGE: usize>(pages: usize, marginal: bool) {
    let each = operations::<WRITE, PAGE>(pages) / CHECKPOINTS as u64;
    let mut rng = XorShiftRng::seed_from_u64(WRITE as u64);
    let mut flash = SimulatedFlash::<WRITE, PAGE>::new(pages, 3);
    flash.marginal = marginal;
    let mut progress = Progress {
        marginal,
        ..Progress::default()
    };
    for cut in 0..cuts() {
        // Where bits are marginal, every second cut is in the record or the mark of the first save.
        let operation = if marginal && cut % 2 == 0 {
            each - 1 - u64::from(below(&mut rng, 4))
        } else {
            u64::from(below(&mut rng, 2 * each as u32))
        };
        let tear = Tear::ALL[below(&mut rng, 5) as usize];
        flash.cut = Some((operation, tear));
        run(&mut flash, usize::MAX, &mut progress).unwrap_err();
        flash.power_up();
    }
    let last = progress.begun + 2;
    run(&mut flash, last, &mut progress).unwrap();
    println!(
        "measured: {} random cuts{}, words of {WRITE} bytes, {pages} pages of {PAGE}: {last} checkpoints",
        cuts(),
        if marginal { " with marginal bits" } else { "" }
    );
}

#[test]
fn at_random_operations() {
    again_and_again::<1, 256>(4, false);
    again_and_again::<4, 128>(13, false);
    again_and_again::<8, 512>(3, false);
    again_and_again::<256, 4096>(2, false);
}

/// The bits of a torn word read differently after each power-up.
#[test]
fn with_marginal_bits() {
    again_and_again::<1, 256>(4, true);
    again_and_again::<4, 128>(13, true);
    again_and_again::<8, 512>(3, true);
    again_and_again::<256, 4096>(2, true);
}
