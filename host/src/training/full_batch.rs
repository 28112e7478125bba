//! Full-batch training: L-BFGS and nonlinear conjugate gradient, an iteration for an epoch.
//!
//! Each iteration chooses a direction from the gradients of all samples so far and searches along
//! it, so there is no learning rate; it looks at all samples several times, once for each point
//! that the search tries. Parameters are kept in f64 and looked at in f32, as every network is.

use std::sync::atomic::Ordering;

use anyhow::{Context, Error};
use argmin::core::{IterState, Problem, Solver, State as _};
use argmin::solver::conjugategradient::NonlinearConjugateGradient;
use argmin::solver::conjugategradient::beta::PolakRibierePlus;
use argmin::solver::linesearch::MoreThuenteLineSearch;
use argmin::solver::quasinewton::LBFGS;

use super::objective::{Objective, Point, Vector};
use super::{EpochResult, Gradient, Instructions, Progress, SparseImages};
use crate::model::Model;

/// Which directions are searched. Steps meet the strong Wolfe conditions (Moré and Thuente, 1994).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FullBatchMethod {
    /// `-H g`, where `H` is made of the last steps and the changes of the gradient along them
    /// (Liu and Nocedal, 1989).
    LBfgs {
        /// How many of them, from 1: two f64 a parameter each; 7 to 20 is usual.
        memory: usize,
    },
    /// `-g + beta d` with the last direction `d`, `beta = max(0, g . (g - g') / g' . g')` by Polak
    /// and Ribière.
    ConjugateGradient,
}

type LineSearch = MoreThuenteLineSearch<Vector, Vector, f64>;
type State = IterState<Vector, Vector, (), (), (), f64>;

/// A network in training.
pub struct FullBatch {
    method: FullBatchMethod,
    /// `None` at the beginning, and when no search along its direction leads down.
    directions: Option<Directions>,
    /// The network's shape and cost; its parameters as trained so far.
    model: Model,
    /// Where it stands; unknown before the first iteration.
    here: Option<Point>,
    /// `lambda / n`.
    weight_decay: f32,
    threads: usize,
    instructions: Instructions,
    converged: bool,
}

impl FullBatch {
    /// Training of `model` on `threads` threads, at least one, with the weight decay term
    /// `weight_decay / 2 sum of w^2`. The result does not depend on the number of threads.
    pub fn new(
        model: &Model,
        method: FullBatchMethod,
        weight_decay: f32,
        threads: usize,
        instructions: Instructions,
    ) -> Self {
        Self {
            method,
            directions: None,
            model: model.clone(),
            here: None,
            weight_decay,
            threads,
            instructions,
            converged: false,
        }
    }

    /// Copies the parameters as trained so far into `model`, which has the shape of the one that
    /// training began with.
    pub fn store(&self, model: &mut Model) {
        model.parameters.clone_from(&self.model.parameters);
    }

    /// Whether the last epoch found no lower point, not even straight against the gradient: more
    /// epochs change nothing.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// One iteration on all `images`, the same ones in every epoch. The cost is the one *after* it,
    /// and never rises. If it is stopped, the parameters stay where they were, and no sample
    /// counts as trained.
    ///
    /// `progress.samples` counts anew for each point that is tried.
    pub fn epoch(&mut self, images: &SparseImages<'_>, progress: &Progress) -> EpochResult {
        let here = self.here.take().unwrap_or_else(|| {
            let parameters = self.model.parameters.iter();
            let start = parameters.map(|&value| f64::from(value)).collect();
            let never = Progress::default();
            self.look(start, images, &never)
                .expect("nobody else can ask it to stop")
        });
        let mut directions = self.directions.take();
        let objective = Objective::new(self, images, progress, here);
        let stopped = || progress.stop.load(Ordering::Relaxed);
        let mut lower = match &mut directions {
            Some(directions) => directions.search(&objective),
            None => None,
        };
        if lower.is_none() && !stopped() && !self.converged {
            let anew = directions.insert(Directions::new(self.method));
            lower = anew.search(&objective);
        }
        let here = objective.here;
        let samples = match lower {
            None if stopped() => 0,
            _ => images.len(),
        };
        self.converged = lower.is_none() && samples > 0;
        self.directions = directions;
        let here = self.here.insert(lower.unwrap_or(here));
        self.model.parameters = in_f32(&here.parameters);
        EpochResult {
            cost: here.cost,
            samples,
        }
    }

    /// Cost and gradient at `parameters`; `None` if asked to stop.
    pub(super) fn look(
        &self,
        parameters: Vector,
        images: &SparseImages<'_>,
        progress: &Progress,
    ) -> Option<Point> {
        let model = Model {
            parameters: in_f32(&parameters),
            ..self.model.clone()
        };
        let (threads, instructions) = (self.threads, self.instructions);
        let mut gradient =
            Gradient::unless_stopped(&model, images, threads, instructions, progress)?;
        let decay = gradient.add_l2(&model, self.weight_decay);
        Some(Point {
            parameters,
            cost: gradient.cost,
            total: gradient.cost + decay,
            gradient: gradient.values,
        })
    }
}

fn in_f32(parameters: &[f64]) -> Vec<f32> {
    parameters.iter().map(|&value| value as f32).collect()
}

/// A solver, and how often it has moved.
struct Directions {
    solver: Either,
    iterations: u64,
}

enum Either {
    LBfgs(LBFGS<LineSearch, Vector, Vector, f64>),
    ConjugateGradient(NonlinearConjugateGradient<Vector, LineSearch, PolakRibierePlus, f64>),
}

impl Directions {
    /// The first direction is straight against the gradient.
    fn new(method: FullBatchMethod) -> Self {
        let solver = match method {
            FullBatchMethod::LBfgs { memory } => {
                Either::LBfgs(LBFGS::new(LineSearch::new(), memory))
            }
            FullBatchMethod::ConjugateGradient => {
                // The next direction is good only if this one is searched more closely (Nocedal and
                // Wright, Numerical Optimization, 2006, section 5.2: 0.1).
                let line_search = LineSearch::new().with_c(1e-4, 0.1);
                let line_search = line_search.expect("0 < 1e-4 < 0.1 < 1");
                let solver = NonlinearConjugateGradient::new(line_search, PolakRibierePlus::new());
                Either::ConjugateGradient(solver)
            }
        };
        Self {
            solver,
            iterations: 0,
        }
    }

    /// The end of one iteration, if it is lower than where it began.
    fn search(&mut self, objective: &Objective<'_>) -> Option<Point> {
        objective.limit();
        let moved = match &mut self.solver {
            Either::LBfgs(solver) => next(solver, objective, self.iterations),
            Either::ConjugateGradient(solver) => next(solver, objective, self.iterations),
        };
        moved.ok()?;
        self.iterations += 1;
        let point = objective.last()?;
        (point.total < objective.here.total).then_some(point)
    }
}

/// One iteration of any solver, which ends at the last point that `objective` has looked at.
fn next<'o, S>(solver: &mut S, objective: &'o Objective<'o>, iterations: u64) -> Result<(), Error>
where
    S: Solver<&'o Objective<'o>, State>,
{
    let here = &objective.here;
    let mut state = State::new()
        .param(here.parameters.clone())
        .cost(here.total)
        .gradient(here.gradient.clone());
    let mut problem = Problem::new(objective);
    if iterations == 0 {
        state = solver.init(&mut problem, state)?.0;
    }
    // L-BFGS forgets its oldest step by this count.
    state.iter = iterations;
    let (mut state, _) = solver.next_iter(&mut problem, state)?;
    let end = state.take_param().context("no point along the direction")?;
    objective.at(&end, |_| ())
}

#[cfg(test)]
mod tests {
    use argmin::core::Executor;
    use thumbnet::{Activation, Cost, Initialization};

    use super::*;
    use crate::data::{DataChoice, Dataset, load};
    use crate::model::parse_architecture;
    use crate::training::evaluate;

    const METHODS: [FullBatchMethod; 2] = [
        FullBatchMethod::LBfgs { memory: 3 },
        FullBatchMethod::ConjugateGradient,
    ];

    fn moons() -> Dataset {
        load(&DataChoice::TwoMoons).unwrap()
    }

    fn model(shape: &str) -> Model {
        let shape = parse_architecture(shape, Activation::Sigmoid, Activation::Softmax).unwrap();
        Model::fresh(
            shape,
            Cost::SoftmaxCrossEntropy,
            Initialization::default(),
            7,
        )
    }

    fn training(model: &Model, method: FullBatchMethod, threads: usize) -> FullBatch {
        FullBatch::new(model, method, 0.01, threads, Instructions::detect())
    }

    /// Trains so many epochs, and returns the network and the last cost.
    fn train(training: &mut FullBatch, images: &SparseImages<'_>, epochs: usize) -> (Model, f64) {
        let mut cost = f64::INFINITY;
        for _ in 0..epochs {
            let result = training.epoch(images, &Progress::default());
            assert_eq!(result.samples, images.len());
            cost = result.cost;
        }
        let mut model = training.model.clone();
        model.parameters.fill(f32::NAN);
        training.store(&mut model);
        (model, cost)
    }

    /// A layer with decay has one minimum, where the gradient is zero.
    #[test]
    fn both_find_the_minimum_of_a_convex_cost() {
        let data = moons();
        let images = SparseImages::new(&data.train, 400).unwrap();
        let start = model("2-2");
        let ends = METHODS.map(|method| {
            let mut training = training(&start, method, 1);
            let (end, cost) = train(&mut training, &images, 60);
            let mut gradient = Gradient::new(&end, &images, 1, Instructions::Baseline);
            gradient.add_l2(&end, 0.01);
            let steepest = gradient
                .values
                .iter()
                .fold(0.0, |most: f64, g| most.max(g.abs()));
            assert!(steepest < 1e-5, "{method:?}: {:?}", gradient.values);
            assert!(training.converged(), "{method:?}");
            // Nothing moves from there.
            assert_eq!(train(&mut training, &images, 2), (end.clone(), cost));
            end
        });
        for (one, other) in ends[0].parameters.iter().zip(&ends[1].parameters) {
            assert!((one - other).abs() < 2e-3, "{ends:?}");
        }
    }

    #[test]
    fn both_learn_the_moons_and_never_go_up() {
        let data = moons();
        let images = SparseImages::new(&data.train, 400).unwrap();
        for method in METHODS {
            let start = model("2-16-2");
            let mut training = FullBatch::new(&start, method, 0.0, 1, Instructions::detect());
            let mut last = f64::INFINITY;
            for epoch in 0..200 {
                let cost = training.epoch(&images, &Progress::default()).cost;
                assert!(
                    cost < last || training.converged(),
                    "{method:?}, epoch {epoch}"
                );
                last = cost;
            }
            let (end, _) = train(&mut training, &images, 0);
            let found = evaluate(&end, &data.test, 1, Instructions::detect());
            assert!(found.accuracy >= 0.99, "{method:?}: {}", found.accuracy);
        }
    }

    /// Driven an iteration at a time, solvers go where argmin's own loop takes them.
    #[test]
    fn an_epoch_is_an_iteration_of_argmin() {
        let data = moons();
        let images = SparseImages::new(&data.train, 400).unwrap();
        let start = model("2-5-2");
        let epochs = 12;
        for method in METHODS {
            let mut ours = training(&start, method, 1);
            let (end, _) = train(&mut ours, &images, epochs);

            let theirs = training(&start, method, 1);
            let parameters: Vector = start.parameters.iter().map(|&p| f64::from(p)).collect();
            let progress = Progress::default();
            let here = theirs.look(parameters.clone(), &images, &progress);
            let objective = Objective::new(&theirs, &images, &progress, here.unwrap());
            let begin = |state: State| state.param(parameters).max_iters(epochs as u64);
            let found = match Directions::new(method).solver {
                Either::LBfgs(solver) => {
                    let executor = Executor::new(&objective, solver).configure(begin);
                    executor.run().unwrap().state.take_param()
                }
                Either::ConjugateGradient(solver) => {
                    let executor = Executor::new(&objective, solver).configure(begin);
                    executor.run().unwrap().state.take_param()
                }
            };
            assert_eq!(end.parameters, in_f32(&found.unwrap()), "{method:?}");
        }
    }

    #[test]
    fn threads_do_not_change_a_bit() {
        let data = load(&DataChoice::Digits).unwrap();
        let images = SparseImages::new(&data.train, 1_197).unwrap();
        let start = model("64-9-10");
        for method in METHODS {
            let ends = [1, 3].map(|threads| {
                let mut training = training(&start, method, threads);
                train(&mut training, &images, 4)
            });
            assert_eq!(ends[0], ends[1]);
        }
    }

    #[test]
    fn a_request_to_stop_changes_nothing() {
        let data = moons();
        let images = SparseImages::new(&data.train, 400).unwrap();
        let start = model("2-5-2");
        let asked = Progress::default();
        asked.stop.store(true, Ordering::Relaxed);
        for method in METHODS {
            let mut interrupted = training(&start, method, 1);
            let result = interrupted.epoch(&images, &asked);
            assert_eq!(result.samples, 0);
            assert!(result.cost.is_finite());
            assert_eq!(train(&mut interrupted, &images, 0).0, start);
            train(&mut interrupted, &images, 3);
            assert_eq!(interrupted.epoch(&images, &asked).samples, 0);
            assert!(!interrupted.converged());
            let mut whole = training(&start, method, 1);
            assert_eq!(
                train(&mut interrupted, &images, 3),
                train(&mut whole, &images, 6)
            );
        }
    }
}
