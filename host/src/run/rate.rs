//! The learning rate of every step of a run.

use thumbnet::schedule::Schedule;

use crate::recipe::Recipe;
use crate::recipe::values;

/// How the learning rate goes over a run, before any plateau lowers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    schedule: Schedule,
    /// Steps of the whole run.
    steps: u32,
    learning_rate: f32,
}

impl Rate {
    /// What `recipe` says about epochs of so many steps.
    pub fn new(recipe: &Recipe, steps_of_epoch: usize) -> Self {
        let saturated = |steps: f64| steps.round() as u32;
        let steps = saturated(steps_of_epoch as f64 * recipe.epochs as f64);
        let schedule = match recipe.schedule {
            values::Schedule::Constant => Schedule::CONSTANT,
            values::Schedule::Cosine => Schedule::cosine(recipe.final_rate as f32),
            values::Schedule::OneCycle => Schedule::one_cycle(steps),
        };
        let warm_up = saturated(recipe.warm_up * steps_of_epoch as f64);
        Self {
            schedule: match warm_up {
                0 => schedule,
                steps => schedule.with_warm_up(steps),
            },
            steps,
            learning_rate: recipe.learning_rate as f32,
        }
    }

    /// The rate of a step, numbered from 0 over all epochs, `scale` being what plateaus have left.
    pub fn of(&self, step: u32, scale: f32) -> f32 {
        self.learning_rate * self.schedule.factor(step, self.steps) * scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(recipe: Recipe) -> impl Fn(u32) -> f32 {
        let rate = Rate::new(&recipe, 10);
        move |step| rate.of(step, 1.0)
    }

    #[test]
    fn schedules_go_over_the_whole_run() {
        let recipe = Recipe {
            epochs: 20,
            learning_rate: 0.5,
            ..Recipe::default()
        };
        let constant = rate(recipe.clone());
        assert_eq!((constant(0), constant(199)), (0.5, 0.5));
        let cosine = rate(Recipe {
            schedule: values::Schedule::Cosine,
            final_rate: 0.125,
            warm_up: 2.0,
            ..recipe.clone()
        });
        // Two epochs of ten steps rise, and the last step has the last rate.
        assert_eq!(cosine(0), 0.5 / 21.0);
        assert_eq!(cosine(20), 0.5);
        assert!((cosine(199) - 0.0625).abs() < 1e-7);
        let cycle = rate(Recipe {
            schedule: values::Schedule::OneCycle,
            ..recipe
        });
        assert_eq!((cycle(0), cycle(59)), (0.02, 0.5));
    }
}
