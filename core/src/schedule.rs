//! The learning rate over a run, as a pure function of the step.

/// A rise in a straight line, then a fall along half a cosine, in parts of the learning rate. Either
/// may be missing. With `w` steps of rise in a run of `n` steps, step `k`, counted from 0, has
/// the factor
///
/// ```text
/// first + (1 - first) k / w                          while k < w
/// c + (1 - c) last                                   from there on, with
///     c = (1 + cos(pi (k - w) / (n - 1 - w))) / 2
/// ```
///
/// so that step 0 has exactly `first` if there is a rise, step `w` exactly 1, and step `n - 1`, if
/// it lies behind step `w`, exactly `last`. Steps may be mini-batches or epochs.
///
/// The cosine is that of Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm
/// restarts", 2017, without restarts.
///
/// ```
/// use thumbnet::prelude::*;
/// const CONFIG: TrainConfig = TrainConfig::new(0.5); // the highest rate
/// const SCHEDULE: Schedule = Schedule::cosine(0.01).with_warm_up(4);
/// const STEPS: u32 = 101;
/// let rate = |step| CONFIG.learning_rate * SCHEDULE.factor(step, STEPS);
/// assert_eq!(rate(0), 0.1);
/// assert_eq!(rate(4), 0.5);
/// assert_eq!(rate(100), 0.005);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Schedule {
    /// Steps of the rise. 0: none, the run starts at the peak.
    pub warm_up: u32,
    /// The factor of the rise's first step, 0 ..= 1.
    pub first: f32,
    /// The factor of the run's last step, 0 ..= 1. 1: no fall. 0: the last step adds nothing of its
    /// own, only what momentum is left.
    pub last: f32,
}

impl Schedule {
    /// The same learning rate in every step.
    pub const CONSTANT: Self = Self {
        warm_up: 0,
        first: 1.0,
        last: 1.0,
    };

    /// From the learning rate in the first step down to `last` of it, 0 ..= 1, in the last.
    pub const fn cosine(last: f32) -> Self {
        Self {
            last,
            ..Self::CONSTANT
        }
    }

    /// The same behind `steps` steps of warm-up, of which step `k` has the factor
    /// `(k + 1) / (steps + 1)` (Goyal and others, "Accurate, large minibatch SGD: training
    /// `ImageNet` in 1 hour", 2017). The fall takes what is left of the run.
    pub const fn with_warm_up(self, steps: u32) -> Self {
        Self {
            warm_up: steps,
            first: 1.0 / (steps as f32 + 1.0),
            ..self
        }
    }

    /// One cycle (Smith, "A disciplined approach to neural network hyper-parameters", 2018) for a
    /// run of `total` steps: the first 3/10 of them, rounded down, rise from 1/25 of the learning
    /// rate to all of it, the others fall to 1 / 250,000. Smith's fall is a straight line with a
    /// steeper end; the cosine, and these numbers, are those of `PyTorch`'s `OneCycleLR`, whose rise
    /// is half a cosine too.
    pub const fn one_cycle(total: u32) -> Self {
        Self {
            // The last step of the rise is the peak itself.
            warm_up: (total as u64 * 3 / 10).saturating_sub(1) as u32,
            first: 1.0 / 25.0,
            last: 1.0 / 250_000.0,
        }
    }

    /// What the learning rate is multiplied by in step `step`, from 0, of `total`. Steps behind
    /// the last one have the last one's factor.
    pub fn factor(&self, step: u32, total: u32) -> f32 {
        if step < self.warm_up {
            return self.first + (1.0 - self.first) * (step as f32 / self.warm_up as f32);
        }
        let length = total.saturating_sub(self.warm_up).saturating_sub(1);
        let done = (step - self.warm_up).min(length) as f32 / length.max(1) as f32;
        let c = 0.5 * (1.0 + libm::cosf(core::f32::consts::PI * done));
        c + (1.0 - c) * self.last
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::CONSTANT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The formula of the documentation, in f64.
    fn formula(schedule: &Schedule, step: u32, total: u32) -> f64 {
        let (k, w) = (f64::from(step), f64::from(schedule.warm_up));
        let (first, last) = (f64::from(schedule.first), f64::from(schedule.last));
        if k < w {
            return first + (1.0 - first) * k / w;
        }
        let angle = core::f64::consts::PI * (k - w) / (f64::from(total) - 1.0 - w);
        let c = (1.0 + libm::cos(angle)) / 2.0;
        c + (1.0 - c) * last
    }

    #[test]
    fn every_step_has_the_formulas_factor() {
        for total in [30, 101, 1_000, 40_000] {
            for schedule in [
                Schedule::CONSTANT,
                Schedule::cosine(0.0),
                Schedule::cosine(0.003),
                Schedule::CONSTANT.with_warm_up(7),
                Schedule::cosine(0.1).with_warm_up(25),
                Schedule::one_cycle(total),
            ] {
                for step in 0..total {
                    let found = f64::from(schedule.factor(step, total));
                    let expected = formula(&schedule, step, total);
                    // The angle is below 4 and rounded twice, its cosine and what follows once
                    // each: 2^-22 + a few times 2^-25.
                    assert!(
                        (found - expected).abs() < 4.0e-7,
                        "{schedule:?}, step {step} of {total}: {found}, not {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn ends_are_exact() {
        for total in [30, 101, 1_000, 40_000] {
            for schedule in [
                Schedule::CONSTANT,
                Schedule::cosine(0.0),
                Schedule::cosine(0.003),
                Schedule::cosine(0.1).with_warm_up(25),
                Schedule::one_cycle(total),
            ] {
                let factor = |step| schedule.factor(step, total);
                let start = if schedule.warm_up > 0 {
                    schedule.first
                } else {
                    1.0
                };
                assert_eq!(factor(0), start, "{schedule:?}");
                assert_eq!(factor(schedule.warm_up), 1.0, "{schedule:?}");
                assert_eq!(factor(total - 1), schedule.last, "{schedule:?}");
                assert_eq!(factor(total), schedule.last, "{schedule:?}");
                assert_eq!(factor(u32::MAX), schedule.last, "{schedule:?}");
            }
        }
    }

    #[test]
    fn a_run_of_no_length_is_all_peak_or_all_rise() {
        for total in [0, 1] {
            assert_eq!(Schedule::cosine(0.5).factor(0, total), 1.0);
            assert_eq!(Schedule::one_cycle(total).factor(0, total), 1.0);
        }
        let late = Schedule::cosine(0.5).with_warm_up(9);
        for step in 0..5 {
            assert_eq!(late.factor(step, 5), (step + 1) as f32 / 10.0);
        }
        assert_eq!(Schedule::one_cycle(u32::MAX).warm_up, 1_288_490_187);
    }
}
