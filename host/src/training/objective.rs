//! The total cost of a network on a set of samples as a function of its parameters, for argmin.

use std::cell::{Cell, RefCell};

use anyhow::{Context, Error, bail};
use argmin::core::CostFunction;

use super::full_batch::FullBatch;
use super::{Progress, SparseImages};

/// Parameters, or a gradient.
pub(super) type Vector = Vec<f64>;

/// Points that one search may try. It usually takes one to four; where rounding hides the slope,
/// it would go on halving for long.
const MOST_POINTS: usize = 30;

/// What is known about some parameters.
pub(super) struct Point {
    pub(super) parameters: Vector,
    /// Without the weight decay term.
    pub(super) cost: f64,
    /// With it: what is made small.
    pub(super) total: f64,
    pub(super) gradient: Vector,
}

/// The total cost as a function, for one iteration.
pub(super) struct Objective<'a> {
    training: &'a FullBatch,
    images: &'a SparseImages<'a>,
    progress: &'a Progress,
    pub(super) here: Point,
    /// The last point looked at: solvers ask for its cost and for its gradient, one by one.
    tried: RefCell<Option<Point>>,
    /// How many more may be looked at.
    left: Cell<usize>,
}

impl<'a> Objective<'a> {
    pub(super) fn new(
        training: &'a FullBatch,
        images: &'a SparseImages<'a>,
        progress: &'a Progress,
        here: Point,
    ) -> Self {
        Self {
            training,
            images,
            progress,
            here,
            tried: RefCell::default(),
            left: Cell::new(usize::MAX),
        }
    }

    /// From now on, only so many points may be tried.
    pub(super) fn limit(&self) {
        self.left.set(MOST_POINTS);
    }

    /// The point that was looked at last.
    pub(super) fn last(&self) -> Option<Point> {
        self.tried.take()
    }

    /// Reads what is known about a point, after looking if need be.
    ///
    /// # Errors
    /// Asked to stop, or too many points tried.
    pub(super) fn at<T>(
        &self,
        parameters: &Vector,
        read: impl FnOnce(&Point) -> T,
    ) -> Result<T, Error> {
        if *parameters == self.here.parameters {
            return Ok(read(&self.here));
        }
        let mut tried = self.tried.borrow_mut();
        if let Some(point) = tried.as_ref()
            && point.parameters == *parameters
        {
            return Ok(read(point));
        }
        if self.left.get() == 0 {
            bail!("{MOST_POINTS} points along a direction, and none good enough");
        }
        self.left.set(self.left.get() - 1);
        let point = self
            .training
            .look(parameters.clone(), self.images, self.progress);
        Ok(read(tried.insert(point.context("asked to stop")?)))
    }
}

impl CostFunction for &Objective<'_> {
    type Param = Vector;
    type Output = f64;

    fn cost(&self, parameters: &Vector) -> Result<f64, Error> {
        self.at(parameters, |point| point.total)
    }
}

impl argmin::core::Gradient for &Objective<'_> {
    type Param = Vector;
    type Gradient = Vector;

    fn gradient(&self, parameters: &Vector) -> Result<Vector, Error> {
        self.at(parameters, |point| point.gradient.clone())
    }
}
