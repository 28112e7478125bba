//! Diagrams for pages: any curves, small enough for a telephone, with the key apart from them.

use std::fmt;

use anyhow::Result;
use plotters::prelude::*;

use super::axis::{Scale, bounds};
use super::file::svg;
use super::key::Sample;
use super::letters::Letters;
use super::plot::{Plot, UNITS};
use super::series::{Series, Shape, drawable};
use super::style::{Area, BLUE, GREEN, GREY, INK, OCHRE, PAPER, PURPLE, VERMILION};

/// Size in pixels.
const SIZE: (u32, u32) = (520, 350);
const HEADING: u32 = 40;

/// A curve of many points has about so many markers.
const MARKERS: usize = 15;

/// Colours and shapes differ in number, so that their pairs repeat only after twenty.
const COLORS: [RGBColor; 5] = [BLUE, VERMILION, PURPLE, OCHRE, INK];
const SHAPES: [Shape; 4] = [
    Shape::Circle,
    Shape::Triangle,
    Shape::Square,
    Shape::Diamond,
];

/// An SVG that this program drew, and that is therefore safe to have inside a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Svg(String);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an axis measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Whole numbers, none left out: epochs, layers.
    Counts,
    /// Logarithmic where the values are positive and span more than a factor of eight: costs,
    /// learning rates.
    Magnitudes,
    /// Percent, 0 to 100.
    Percent,
    /// Anything else.
    Plain,
}

/// A curve.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Curve {
    /// What the key calls it; nothing for no place in the key.
    pub name: String,
    /// Horizontal and vertical values, from left to right. A vertical value that is not finite leaves
    /// a gap.
    pub points: Vec<(f64, f64)>,
    /// Lowest and highest value beside each point, as over several seeds; or nothing.
    pub band: Vec<(f64, f64)>,
    /// The horizontal value of the point that gets a ring.
    pub best: Option<f64>,
    /// Which colour and shape: equal numbers look alike.
    pub look: usize,
    /// Thin and dashed: what is there for comparison.
    pub aside: bool,
}

/// A diagram of curves.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagram<'a> {
    /// What the horizontal axis measures, and its name.
    pub x: (Axis, &'a str),
    /// What the vertical axis measures, and its name.
    pub y: (Axis, &'a str),
    /// The curves; the first is drawn first.
    pub curves: Vec<Curve>,
}

/// A diagram as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// The diagram itself.
    pub svg: Svg,
    /// What stands for each curve that has a name, and that name.
    pub key: Vec<(Svg, String)>,
}

impl Diagram<'_> {
    /// Draws it: an SVG of 520 x 350 pixels, whose colours are those of
    /// `pictures::style::named_colors` alone.
    ///
    /// # Errors
    ///
    /// When plotters fails, which no numbers give reason for.
    pub fn draw(&self) -> Result<Drawn> {
        let plot = self.plot();
        let key = plot
            .series
            .iter()
            .filter(|series| !series.name.is_empty() && series.exists())
            .map(|series| Ok((sample(series)?, series.name.clone())))
            .collect::<Result<_>>()?;
        let size = (SIZE.0 * UNITS, SIZE.1 * UNITS);
        let svg = svg(size, UNITS, |area| {
            area.fill(&PAPER)?;
            let (heading, rest) = area.split_vertically(HEADING * UNITS);
            self.draw_heading(&heading, &plot)?;
            plot.draw(&rest, 20, Some(self.x.1))
        })?;
        Ok(Drawn { svg: Svg(svg), key })
    }

    /// Its axes and curves.
    pub(super) fn plot(&self) -> Plot {
        let series: Vec<Series> = self.curves.iter().map(series).collect();
        let along = series.iter().flat_map(|series| &series.points);
        let along = along.map(|point| point.0).filter(|x| drawable(*x));
        let beside = self.curves.iter().flat_map(|curve| &curve.band);
        let beside = beside.flat_map(|(low, high)| [*low, *high]);
        let values = series.iter().flat_map(Series::values);
        Plot {
            x: scale(self.x.0, along),
            y: scale(self.y.0, values.chain(beside.filter(|y| drawable(*y)))),
            gaps: Vec::new(),
            best: None,
            series,
        }
    }

    /// What the vertical axis measures.
    pub(super) fn draw_heading(&self, area: &Area<SVGBackend<'_>>, plot: &Plot) -> Result<()> {
        let unit = UNITS as i32;
        let (left, middle) = (10 * unit, 22 * unit);
        let letters = Letters::new(21 * UNITS, INK).bold();
        letters.write(area, self.y.1, (left, middle))?;
        if plot.y.logarithmic {
            let after = left + letters.width(self.y.1) + 12 * unit;
            let words = "logarithmic scale";
            Letters::new(18 * UNITS, GREY).write(area, words, (after, middle))?;
        }
        Ok(())
    }
}

fn series(curve: &Curve) -> Series {
    let marked = match curve.aside {
        true => 0,
        false => curve.points.len().div_ceil(MARKERS),
    };
    Series {
        name: curve.name.clone(),
        shape: SHAPES[curve.look % SHAPES.len()],
        color: COLORS[curve.look % COLORS.len()],
        points: curve.points.clone(),
        marked,
        dashed: curve.aside,
        band: curve.band.clone(),
        best: curve.best,
    }
}

fn scale(axis: Axis, values: impl Iterator<Item = f64> + Clone) -> Scale {
    match axis {
        Axis::Counts => Scale::of_epochs(values),
        Axis::Magnitudes => Scale::of_cost(values),
        Axis::Percent => Scale::of_accuracy(values),
        Axis::Plain => {
            let (low, high) = bounds(values);
            Scale::linear(low, high, "")
        }
    }
}

/// What stands for a curve in the key.
fn sample(series: &Series) -> Result<Svg> {
    let (wide, high) = (36 * UNITS, 16 * UNITS);
    let at = (4 * UNITS as i32, high as i32 / 2);
    Ok(Svg(svg((wide, high), UNITS, |area| {
        Sample::Curve(series).draw(area, at)
    })?))
}

/// What stands for the best point in the key.
///
/// # Errors
///
/// As [`Diagram::draw`].
pub fn best_sample() -> Result<Svg> {
    let (wide, high) = (36 * UNITS, 20 * UNITS);
    Ok(Svg(svg((wide, high), UNITS, |area| {
        let at = (wide as i32 / 2, high as i32 / 2);
        let ring = GREEN.stroke_width(2 * UNITS);
        Ok(area.draw(&Circle::new(at, 8 * UNITS as i32, ring))?)
    })?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagram(axes: (Axis, Axis), curves: Vec<Curve>) -> Drawn {
        let (x, y) = ((axes.0, "across"), (axes.1, "up"));
        Diagram { x, y, curves }.draw().unwrap()
    }

    fn curve(name: &str, look: usize, points: &[(f64, f64)]) -> Curve {
        Curve {
            name: name.to_owned(),
            points: points.to_vec(),
            look,
            ..Curve::default()
        }
    }

    const AXES: [Axis; 4] = [Axis::Counts, Axis::Magnitudes, Axis::Percent, Axis::Plain];

    #[test]
    fn no_number_is_too_strange() {
        let strange = [
            f64::NAN,
            f64::INFINITY,
            f64::MAX,
            -f64::MAX,
            5e-324,
            0.0,
            -1.0,
            1e30,
        ];
        for across in AXES {
            for up in AXES {
                for a in strange {
                    for b in strange {
                        let band = vec![(b, a), (a, b)];
                        let best = Some(a);
                        let points = [(a, b), (b, a)];
                        let drawn = diagram(
                            (across, up),
                            vec![Curve {
                                band,
                                best,
                                ..curve("any", 0, &points)
                            }],
                        );
                        let svg = drawn.svg.to_string();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{a} {b}");
                    }
                }
            }
        }
        let nothing = diagram((Axis::Counts, Axis::Plain), Vec::new());
        assert!(nothing.svg.to_string().contains("not measured"));
    }

    #[test]
    fn looks_and_names_are_told_in_the_key() {
        let points = [(1.0, 1.0), (2.0, 3.0)];
        let curves = vec![
            curve("one", 0, &points),
            curve("", 1, &points),
            curve("again", 0, &points),
            curve("nowhere", 2, &[(1.0, f64::NAN)]),
            curve("other", 5, &points),
        ];
        let key = diagram((Axis::Counts, Axis::Plain), curves).key;
        let names: Vec<&str> = key.iter().map(|entry| entry.1.as_str()).collect();
        assert_eq!(names, ["one", "again", "other"]);
        assert_eq!(key[0].0, key[1].0);
        // The same colour, another shape.
        assert_ne!(key[0].0, key[2].0);
        for look in 1..COLORS.len() * SHAPES.len() {
            let other = diagram((Axis::Counts, Axis::Plain), vec![curve("", look, &points)]);
            let first = diagram((Axis::Counts, Axis::Plain), vec![curve("", 0, &points)]);
            assert_ne!(first.svg, other.svg, "{look}");
        }
    }

    #[test]
    fn learning_rates_lie_evenly() {
        let points = [0.01, 0.1, 1.0, 10.0].map(|x| (x, 1.0));
        let svg = diagram((Axis::Magnitudes, Axis::Plain), vec![curve("", 0, &points)]).svg;
        let at: Vec<i32> = svg
            .to_string()
            .lines()
            .filter_map(|line| line.strip_prefix("<circle cx=\""))
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect();
        let steps: Vec<i32> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(steps.len(), 3);
        assert!(
            steps[0] > 200 && steps.iter().all(|step| (step - steps[0]).abs() <= 1),
            "{at:?}"
        );
    }

    #[test]
    fn a_band_is_drawn_behind_its_curve() {
        let with = Curve {
            band: vec![(0.5, 2.0), (0.25, 5.0)],
            ..curve("", 1, &[(1.0, 1.0), (2.0, 3.0)])
        };
        let svg = diagram((Axis::Counts, Axis::Plain), vec![with])
            .svg
            .to_string();
        let band = svg
            .find("<polygon opacity=\"0.2\" fill=\"#D55E00\"")
            .unwrap();
        let line = svg.find("stroke=\"#D55E00\"").unwrap();
        assert!(band < line);
    }
}
