//! Learning in the field: what is remembered, what is kept, and when it stops for others.

use std::convert::Infallible;

use embedded_hal::digital::{ErrorType, InputPin};
use thumbnet::optimizer::{Optimizer, Zeroed};
use thumbnet::prelude::*;
use thumbnet::trainer::BatchError;
use thumbnet_firmware::Meter;
use thumbnet_firmware::field::{
    Deadline, Held, Learner, Memory, Remember, Reservoir, Room, Round, Sensor, Source, Stretches,
};

/// A sample that is nothing but its number.
type Number = u32;

/// Every sample of a class is in the reservoir as often as any other, and rare classes are in it.
#[test]
fn a_reservoir_holds_every_sample_with_the_same_probability() {
    const TRIALS: usize = 2_000;
    const OFFERED: u32 = 50;
    #[derive(Clone, Copy)]
    struct Numbered(u32);
    impl Zeroed for Numbered {
        const ZEROED: Self = Self(0);
    }
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut held = [0_usize; OFFERED as usize];
    for _ in 0..TRIALS {
        let mut reservoir = Reservoir::<Numbered, 3, 5>::ZEROED;
        for number in 0..OFFERED {
            reservoir.offer(&Numbered(number), 2, &mut rng);
        }
        reservoir.offer(&Numbered(1_000), 0, &mut rng);
        reservoir.offer(&Numbered(2_000), 9, &mut rng);
        assert_eq!(reservoir.len(), 6);
        assert_eq!(
            reservoir.get(0).map(|(sample, label)| (sample.0, label)),
            Some((1_000, 0))
        );
        let mut drawn = 0;
        for index in 1..6 {
            let (sample, label) = reservoir.get(index).unwrap();
            assert_eq!(label, 2);
            held[sample.0 as usize] += 1;
            drawn += usize::from(reservoir.draw(&mut rng).unwrap().1 == 0);
        }
        assert!(reservoir.get(6).is_none() && drawn <= 5);
    }
    // A count with probability 0.1; five standard deviations.
    let mean = TRIALS as f64 / 10.0;
    let bound = 5.0 * (mean * 0.9).sqrt();
    for (number, &count) in held.iter().enumerate() {
        assert!((count as f64 - mean).abs() < bound, "{number}: {count}");
    }
}

/// What is held out is not trained on; half of what is trained on are recent samples.
#[test]
fn a_memory_keeps_what_is_held_out_apart() {
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut memory = Memory::<[u8; 2], 2, 16, 16, 4>::ZEROED;
    assert!(memory.draw(&mut rng).is_none() && memory.held_out(0).is_none());
    assert!(memory.draw(&mut rng).is_none());
    for number in 0..200 {
        memory.meet(&[number, 0], number % 2, &mut rng);
    }
    memory.meet(&[250, 0], 2, &mut rng);
    let held_out: Vec<u8> = (0..)
        .map_while(|index| memory.held_out(index))
        .map(|(sample, _)| sample[0])
        .collect();
    assert_eq!(
        held_out.len(),
        8 + 8,
        "recent ones, and four of each class of all"
    );
    assert!(
        held_out[..8].iter().all(|&number| number >= 150),
        "{held_out:?}"
    );
    assert!(
        held_out[8..].iter().any(|&number| number < 150),
        "{held_out:?}"
    );
    let mut recent = 0;
    for draw in 0..1_000 {
        let (sample, label) = memory.draw(&mut rng).unwrap();
        let [number, _] = *sample;
        assert_eq!(label, number % 2);
        // Of each class the second of every four: 2 and 3, 10 and 11 ..
        assert!(!matches!(number % 8, 2 | 3), "{number} is held out");
        recent += usize::from(draw % 2 == 0 && number >= 176);
    }
    assert_eq!(recent, 500);
}

type Toy = Mlp<2, 6, 2>;
type ToyMemory = Memory<[f32; 2], 2, 16, 16, 8>;

/// Points whose class is the greater coordinate.
fn point(rng: &mut XorShiftRng) -> ([f32; 2], u8) {
    let point = [0, 1].map(|_| thumbnet::random::uniform(rng));
    (point, u8::from(point[1] > point[0]))
}

fn fresh() -> Toy {
    let mut network = Toy::ZEROED;
    network.init_weights(&mut XorShiftRng::seed_from_u64(3));
    network
}

fn right(network: &Toy) -> usize {
    let mut rng = XorShiftRng::seed_from_u64(99);
    let points = (0..500).map(|_| point(&mut rng));
    points
        .filter(|(point, label)| network.predict(point).class == usize::from(*label))
        .count()
}

/// Meets a hundred points, works `slices` times for `stretches` after each; returns the weights that
/// were kept, and what came of the rounds.
fn learn<O: Optimizer>(config: TrainConfig<O>, slices: u32, stretches: u32) -> (Toy, Vec<Round>) {
    let mut room = Box::new(Room::<Toy, O, ToyMemory>::ZEROED);
    let rng = XorShiftRng::seed_from_u64(5);
    let mut learner = Learner::new(config, 40, &fresh(), &mut room, rng).unwrap();
    let mut points = XorShiftRng::seed_from_u64(1);
    let mut rounds = Vec::new();
    for _ in 0..100 {
        let (point, label) = point(&mut points);
        learner.meet(&point, label).unwrap();
        for _ in 0..slices {
            // A round's end ends a slice, too.
            let mut budget = Stretches(stretches);
            while let Some(round) = learner.step_for(&mut budget).unwrap() {
                rounds.push(round);
            }
        }
    }
    (learner.kept().clone(), rounds)
}

#[test]
fn it_learns_and_keeps_what_is_better() {
    let (network, rounds) = learn(TrainConfig::new(1.0), 1, 100);
    assert!(right(&fresh()) < 300, "{}", right(&fresh()));
    assert!(right(&network) > 450, "{}", right(&network));
    assert!(rounds.iter().any(|round| round.kept) && rounds.iter().any(|round| !round.kept));
    let last = rounds.last().unwrap();
    assert_eq!(last.samples, 32);
    assert!(last.right_before >= 28, "{last}");
}

#[test]
fn slices_of_any_length_come_to_the_same() {
    let (whole, rounds) = learn(TrainConfig::new(0.5).with_momentum(0.9), 1, 60);
    let (sliced, same) = learn(TrainConfig::new(0.5).with_momentum(0.9), 60, 1);
    assert_eq!(sliced.weights_crc32(), whole.weights_crc32());
    assert_eq!(same, rounds);
}

/// Steps that only do harm: the weights stay those that it began with, to the bit.
#[test]
fn what_makes_nothing_better_is_undone() {
    for rate in [1.0e4, f32::MAX] {
        let (network, rounds) = learn(TrainConfig::new(rate).with_momentum(0.9), 1, 100);
        assert!(right(&network) >= right(&fresh()));
        let undone = rounds.iter().filter(|round| !round.kept).count();
        assert!(undone + 2 >= rounds.len(), "{undone} of {}", rounds.len());
    }
    let (network, rounds) = learn(TrainConfig::new(f32::MAX), 1, 100);
    assert!(rounds.len() > 10 && rounds.iter().all(|round| !round.kept));
    assert_eq!(network.weights_crc32(), fresh().weights_crc32());
}

/// One sample to train on, and the same with another label held out.
struct Contradiction;

impl Zeroed for Contradiction {
    const ZEROED: Self = Self;
}

impl Remember<[f32; 2]> for Contradiction {
    fn meet(&mut self, _: &[f32; 2], _: u8, _: &mut XorShiftRng) {}

    fn draw(&mut self, _: &mut XorShiftRng) -> Option<(&[f32; 2], u8)> {
        Some((&[1.0, 0.5], 0))
    }

    fn held_out(&self, index: usize) -> Option<(&[f32; 2], u8)> {
        (index == 0).then_some((&[1.0, 0.5], 1))
    }
}

/// After a round that was undone everything is as before it: the next one comes to the same bits.
fn rounds_repeat<O: Optimizer>(optimizer: O) {
    let config = TrainConfig::new(0.1).with_optimizer(optimizer);
    let mut room = Box::new(Room::<Toy, O, Contradiction>::ZEROED);
    let rng = XorShiftRng::seed_from_u64(5);
    let mut learner = Learner::new(config, 10, &fresh(), &mut room, rng).unwrap();
    let mut round = || loop {
        if let Some(round) = learner.step_for(&mut Stretches(7)).unwrap() {
            return round;
        }
    };
    let first = round();
    assert!(
        !first.kept && first.cost_after > first.cost_before,
        "{first}"
    );
    for _ in 0..3 {
        assert_eq!(round(), first);
    }
}

#[test]
fn an_undone_round_leaves_nothing() {
    rounds_repeat(Sgd);
    rounds_repeat(Momentum(0.9));
    rounds_repeat(RmsProp::DEFAULT);
    rounds_repeat(Adam::DEFAULT);
}

#[test]
fn labels_and_configurations_that_cannot_be_are_refused() {
    let mut room = Box::new(Room::<Toy, Sgd, ToyMemory>::ZEROED);
    let mut learner = |rate| {
        let rng = XorShiftRng::seed_from_u64(5);
        let mut learner = Learner::<_, _, _, _, [f32; 2]>::new(
            TrainConfig::new(rate),
            1,
            &fresh(),
            &mut room,
            rng,
        )
        .map_err(|error| error.to_string())?;
        let wrong = BatchError::Label {
            label: 2,
            classes: 2,
        };
        assert_eq!(learner.meet(&[0.0; 2], 2), Err(wrong));
        // Nothing to learn from, and nothing to do.
        let mut budget = Stretches(5);
        assert_eq!(learner.step_for(&mut budget), Ok(None));
        assert_eq!(budget, Stretches(5));
        Ok::<(), String>(())
    };
    assert_eq!(learner(1.0), Ok(()));
    let refused = "the learning rate is -1: it must be finite and above 0";
    assert_eq!(learner(-1.0), Err(refused.to_owned()));
}

/// A clock that a test moves on.
struct Clock<'c>(&'c std::cell::Cell<u64>);

impl Meter for Clock<'_> {
    const UNIT: &'static str = "ticks";

    fn now(&mut self) -> u64 {
        self.0.get()
    }
}

/// Stretches of up to 7 ticks: once the longest was seen, no deadline is missed.
#[test]
fn deadlines_are_kept() {
    use thumbnet_firmware::field::Budget;
    let time = std::cell::Cell::new(100);
    let mut deadline = Deadline::new(Clock(&time));
    assert!(!deadline.begin(), "no time was allowed");
    let mut lengths = [3, 7, 2, 5, 1].into_iter().cycle();
    let mut late = Vec::new();
    for _ in 0..50 {
        deadline.allow(20);
        let end = time.get() + 20;
        let mut stretches = 0;
        while deadline.begin() {
            time.set(time.get() + lengths.next().unwrap());
            stretches += 1;
        }
        assert!(stretches >= 2);
        late.push(time.get().saturating_sub(end));
        // Others have the processor.
        time.set(time.get() + 1_000);
    }
    assert_eq!(deadline.longest(), 7);
    assert!(late[1..].iter().all(|&ticks| ticks == 0), "{late:?}");
}

/// Sees something every second time.
struct Every2nd(bool);

impl Sensor<Number> for Every2nd {
    type Error = Infallible;

    fn sense(&mut self, sample: &mut Number) -> Result<bool, Infallible> {
        *sample = 5;
        self.0 = !self.0;
        Ok(self.0)
    }
}

struct Pin(bool);

impl ErrorType for Pin {
    type Error = Infallible;
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        Ok(self.0)
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        Ok(!self.0)
    }
}

#[test]
fn a_button_gives_the_label() {
    let mut source = Held {
        sensor: Every2nd(false),
        button: Pin(true),
    };
    let mut sample = 0;
    assert_eq!(source.poll(&mut sample), Ok(Some(0)));
    assert_eq!(sample, 5);
    source.button.0 = false;
    assert_eq!(source.poll(&mut sample), Ok(None));
    assert_eq!(source.poll(&mut sample), Ok(Some(1)));
}
