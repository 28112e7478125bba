//! Random numbers from any generator: uniform, normal, and a shuffled order; and where a generator
//! stands.

use rand_core::Rng;

pub use rand_xorshift::XorShiftRng;

/// Uniform in `0 <= u < 1`, a multiple of 2^-24. Takes one 32-bit word.
pub fn uniform<R: Rng + ?Sized>(rng: &mut R) -> f32 {
    (rng.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
}

/// Uniform in `0 .. bound` (0 when `bound` is 0), by multiplication: the bias is at most
/// `bound / 2^32`.
pub fn below<R: Rng + ?Sized>(rng: &mut R, bound: u32) -> u32 {
    ((u64::from(rng.next_u32()) * u64::from(bound)) >> 32) as u32
}

/// Fills `values` with independent normal deviates of mean 0 and the given standard deviation,
/// by Marsaglia's polar method (Marsaglia and Bray, SIAM Review 6, 1964): for a point `(x, y)`
/// uniform in the unit disc and `s = x^2 + y^2`, both `x sqrt(-2 ln s / s)` and
/// `y sqrt(-2 ln s / s)` are standard normal. A generator that only ever gives one number may keep
/// it drawing for ever.
pub fn fill_normal<R: Rng + ?Sized>(rng: &mut R, standard_deviation: f32, values: &mut [f32]) {
    for pair in values.chunks_mut(2) {
        let (x, y, s) = loop {
            let x = 2.0 * uniform(rng) - 1.0;
            let y = 2.0 * uniform(rng) - 1.0;
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                break (x, y, s);
            }
        };
        let radius = libm::sqrtf(-2.0 * libm::logf(s) / s) * standard_deviation;
        for (value, deviate) in pair.iter_mut().zip([x * radius, y * radius]) {
            *value = deviate;
        }
    }
}

/// Puts `items` in a random order (Fisher and Yates).
pub fn shuffle<R: Rng + ?Sized, T>(rng: &mut R, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let other = below(rng, last as u32 + 1) as usize;
        items.swap(last, other);
    }
}

/// The seed of a generator that goes on where `rng` stands.
///
/// Word `n` of the generator is `w[n] = w[n-1] ^ (w[n-1] >> 19) ^ t ^ (t >> 8)` with
/// `t = w[n-4] ^ (w[n-4] << 11)` (Marsaglia, Xorshift RNGs, 2003), and its seed are the four words
/// before the first. It shows them only by what it draws: a copy draws four words, from which the
/// four before follow, last to first.
///
/// ```
/// use thumbnet::prelude::*;
/// use thumbnet::random::{seed_of, uniform};
/// let mut rng = XorShiftRng::seed_from_u64(7);
/// uniform(&mut rng);
/// let mut copy = XorShiftRng::from_seed(seed_of(&rng));
/// assert_eq!(uniform(&mut copy), uniform(&mut rng));
/// ```
pub fn seed_of(rng: &XorShiftRng) -> [u8; 16] {
    let mut ahead = rng.clone();
    let [w4, w5, w6, w7] = core::array::from_fn(|_| ahead.next_u32());
    // The word four before `word`, which `last` came before.
    let solve = |last: u32, word: u32| {
        let mixed = word ^ last ^ (last >> 19);
        let t = mixed ^ (mixed >> 8) ^ (mixed >> 16) ^ (mixed >> 24);
        t ^ (t << 11) ^ (t << 22)
    };
    let w3 = solve(w6, w7);
    let w2 = solve(w5, w6);
    let w1 = solve(w4, w5);
    let w0 = solve(w3, w4);
    zerocopy::transmute!([w0, w1, w2, w3])
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    /// The streams that every pinned training run starts from: they never change silently.
    #[test]
    fn values_are_stable() {
        let mut rng = XorShiftRng::seed_from_u64(7);
        let mut normal = [0.0; 3];
        fill_normal(&mut rng, 1.0, &mut normal);
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        shuffle(&mut rng, &mut order);
        assert_eq!(normal.map(f32::to_bits), PINNED_NORMAL);
        assert_eq!(order, PINNED_ORDER);
    }

    const PINNED_NORMAL: [u32; 3] = [3_209_400_365, 3_202_592_870, 3_210_693_733];
    const PINNED_ORDER: [u8; 8] = [1, 4, 3, 0, 7, 5, 6, 2];

    #[test]
    fn a_generator_goes_on_from_its_seed() {
        let extremes = [
            [0xFF; 16],
            core::array::from_fn(|byte| u8::from(byte == 15)),
        ];
        let seeded = (0..1_000).map(XorShiftRng::seed_from_u64);
        for mut rng in seeded.chain(extremes.map(XorShiftRng::from_seed)) {
            for _ in 0..3 {
                assert_eq!(XorShiftRng::from_seed(seed_of(&rng)), rng);
                rng.next_u32();
            }
        }
    }

    #[test]
    fn normal_has_the_moments_of_a_normal() {
        let mut rng = XorShiftRng::seed_from_u64(1);
        let mut values = [0.0; 40_000];
        fill_normal(&mut rng, 2.0, &mut values);
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let moment = |power| {
            values
                .iter()
                .map(|&v| libm::pow(f64::from(v) / 2.0, power))
                .sum::<f64>()
                / n
        };
        // Five standard errors: 2 / sqrt n, sqrt(2 / n), sqrt(96 / n).
        assert!(mean.abs() < 0.05, "mean {mean}");
        assert!(
            (moment(2.0) - 1.0).abs() < 0.036,
            "variance {}",
            moment(2.0)
        );
        assert!(
            (moment(4.0) - 3.0).abs() < 0.25,
            "fourth moment {}",
            moment(4.0)
        );
    }

    #[test]
    fn shuffle_keeps_every_item() {
        let mut items = core::array::from_fn::<usize, 100, _>(|index| index);
        shuffle(&mut XorShiftRng::seed_from_u64(3), &mut items);
        assert!(items.iter().enumerate().any(|(place, &item)| place != item));
        items.sort_unstable();
        assert!(items.iter().enumerate().all(|(place, &item)| place == item));
    }
}
