//! `boundary.png`: which points of the plane a network takes for which class.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::file::write_png;
use super::letters::Letters;
use super::series::Shape;
use super::style::{Area, BLUE, GREEN, GREY, INK, PAPER, VERMILION, blend, grouped, percent};
use super::tile::Tile;
use crate::data::{Dataset, Samples};
use crate::model::Model;
use crate::training::{Evaluation, Instructions, evaluate};

/// Every coordinate that a point can have is drawn: as many as a byte has values.
const SIDE: usize = 256;
/// Pixels of the picture to a coordinate.
const ZOOM: usize = 3;
const MARGIN: i32 = 24;
const HEADING: i32 = 84;
/// Room for the numbers at the axes.
const AXIS: i32 = 34;

/// The classes' colours, by Okabe and Ito as the others; more classes begin again.
const COLORS: [RGBColor; 6] = [
    BLUE,
    VERMILION,
    GREEN,
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

/// Draws what `model` takes every possible point for, with the training points (small) and the
/// test points on top; test points that it misreads have a ring. The colour behind a point is that
/// of the class with the highest score, the paler the nearer the next class comes.
///
/// # Errors
///
/// When images do not have two pixels, or the file cannot be written.
pub fn boundary(model: &Model, data: &Dataset, path: impl AsRef<Path>) -> Result<()> {
    ensure!(
        data.test.are_points() && model.architecture.inputs() == 2,
        "a boundary can be drawn in the plane alone, for images of two pixels; these have {}",
        data.test.pixels()
    );
    let of = |samples: &Samples| evaluate(model, samples, 1, Instructions::detect());
    let everywhere = of(&plane());
    let test = of(&data.test);
    let wrong = wrong(&data.test, &test.predictions);
    let title = match wrong.len() {
        0 => format!(
            "{}: {} reads all {} test points right",
            data.name,
            model.architecture,
            grouped(data.test.len() as u64)
        ),
        _ => format!(
            "{}: {} reads {} of the test points right",
            data.name,
            model.architecture,
            percent(test.accuracy, 1)
        ),
    };
    draw(path.as_ref(), data, &title, &wrong, |cell| {
        background(&everywhere, model.architecture.classes(), cell)
    })
}

/// Draws the points of a data set without any network.
///
/// # Errors
///
/// As [`boundary`].
pub fn points(data: &Dataset, path: impl AsRef<Path>) -> Result<()> {
    ensure!(
        data.test.are_points(),
        "points can be drawn in the plane alone, for images of two pixels; these have {}",
        data.test.pixels()
    );
    draw(path.as_ref(), data, &data.name, &[], |_| PAPER)
}

/// All images of two pixels that there are, as the rows of a picture: second pixel downwards from
/// 255, first pixel from left to right.
fn plane() -> Samples {
    let rows = (0..=255).rev();
    Samples {
        width: 2,
        height: 1,
        images: rows
            .flat_map(|y: u8| (0..=255).flat_map(move |x: u8| [x, y]))
            .collect(),
        labels: vec![0; SIDE * SIDE],
    }
}

/// Where, in the order of the samples, a prediction is not the label.
fn wrong(samples: &Samples, predictions: &[usize]) -> Vec<usize> {
    let pairs = samples.labels.iter().zip(predictions).enumerate();
    pairs
        .filter(|(_, (label, class))| usize::from(**label) != **class)
        .map(|(index, _)| index)
        .collect()
}

/// The colour of a cell, row by row.
fn background(everywhere: &Evaluation, classes: usize, cell: usize) -> RGBColor {
    let class = everywhere.predictions[cell];
    let (x, y) = (cell % SIDE, cell / SIDE);
    let differs = |other: usize| everywhere.predictions[other] != class;
    if (x + 1 < SIDE && differs(cell + 1)) || (y + 1 < SIDE && differs(cell + SIDE)) {
        return INK;
    }
    let scores = &everywhere.scores[cell * classes..][..classes];
    let others = scores
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != class);
    let next = others
        .map(|(_, &score)| score)
        .fold(f32::NEG_INFINITY, f32::max);
    // Probabilities differ by at most 1; so, if not exactly, do most other scores.
    let lead = f64::from(scores[class] - next);
    blend(PAPER, color(class), 0.06 + 0.36 * lead.clamp(0.0, 1.0))
}

fn color(class: usize) -> RGBColor {
    COLORS[class % COLORS.len()]
}

/// Two classes have two shapes, for those who cannot tell the colours apart.
fn shape(class: usize) -> Shape {
    match class {
        1 => Shape::Triangle,
        _ => Shape::Circle,
    }
}

/// Where a point lies in the picture.
fn place(image: &[u8]) -> (i32, i32) {
    let at = |byte: u8| i32::from(byte) * ZOOM as i32 + ZOOM as i32 / 2;
    let bottom = (SIDE * ZOOM) as i32 - 1;
    (
        MARGIN + AXIS + at(image[0]),
        HEADING + bottom - at(image[1]),
    )
}

fn draw(
    path: &Path,
    data: &Dataset,
    title: &str,
    wrong: &[usize],
    background: impl Fn(usize) -> RGBColor,
) -> Result<()> {
    let tile = Tile {
        image: (SIDE, SIDE),
        zoom: ZOOM,
    };
    let (wide, high) = tile.size();
    let size = (2 * MARGIN + AXIS + wide, HEADING + high + AXIS + MARGIN);
    write_png(path, (size.0 as u32, size.1 as u32), |area| {
        area.fill(&PAPER)?;
        let left = MARGIN + AXIS;
        Letters::new(20, INK)
            .bold()
            .paint(area, title, (left, 26))?;
        draw_key(area, data.classes, !wrong.is_empty(), (left, 58))?;
        tile.draw(area, (left, HEADING), background)?;
        let number = Letters::new(14, GREY);
        for (words, share) in [("0", 0.0), ("0.5", 0.5), ("1", 1.0)] {
            let at = |length: i32| (f64::from(length) * share).round() as i32;
            let below = HEADING + high + 14;
            number
                .centered()
                .paint(area, words, (left + at(wide), below))?;
            let beside = (left - 8, HEADING + high - at(high));
            number.right_aligned().paint(area, words, beside)?;
        }
        for (samples, size) in [(&data.train, 2), (&data.test, 5)] {
            for index in 0..samples.len() {
                let class = usize::from(samples.labels[index]);
                let at = place(samples.image(index));
                draw_point(area, at, size, class)?;
                if size == 5 && wrong.contains(&index) {
                    area.draw(&Circle::new(at, 10, INK.stroke_width(2)))?;
                }
            }
        }
        Ok(())
    })
}

fn draw_point(
    area: &Area<BitMapBackend<'_>>,
    at: (i32, i32),
    size: i32,
    class: usize,
) -> Result<()> {
    let (inner, outer) = (color(class).filled(), PAPER.filled());
    match shape(class) {
        Shape::Circle => {
            area.draw(&Circle::new(at, size + 1, outer))?;
            area.draw(&Circle::new(at, size, inner))?;
        }
        shape => {
            for (size, look) in [(size + 3, outer), (size + 1, inner)] {
                let corners = Polygon::new(shape.corners(size), look);
                area.draw(&(EmptyElement::at(at) + corners))?;
            }
        }
    }
    Ok(())
}

/// What the points and the ring mean.
fn draw_key(
    area: &Area<BitMapBackend<'_>>,
    classes: usize,
    misread: bool,
    at: (i32, i32),
) -> Result<()> {
    let letters = Letters::new(15, INK);
    let mut x = at.0 + 6;
    for class in 0..classes.min(COLORS.len()) {
        draw_point(area, (x, at.1), 5, class)?;
        let words = format!("class {class}");
        letters.paint(area, &words, (x + 14, at.1))?;
        x += 14 + letters.width(&words) + 22;
    }
    let words = "small: training points";
    letters.paint(area, words, (x, at.1))?;
    x += letters.width(words) + 22;
    if misread {
        area.draw(&Circle::new((x + 4, at.1), 10, INK.stroke_width(2)))?;
        letters.paint(area, "misread", (x + 22, at.1))?;
        x += 22 + letters.width("misread") + 22;
    }
    Letters::new(15, GREY).paint(area, "→ first input, ↑ second", (x, at.1))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufReader;

    use thumbnet::{Activation, Cost, Initialization};

    use super::*;
    use crate::data::{DataChoice, load};
    use crate::model::parse_architecture;

    /// A network without hidden units that takes points with `slope . x > offset` for class 1.
    fn linear(slope: [f32; 2], offset: f32) -> Model {
        let shape = parse_architecture("2-2", Activation::Relu, Activation::Softmax).unwrap();
        let mut model = Model::fresh(
            shape,
            Cost::SoftmaxCrossEntropy,
            Initialization::default(),
            1,
        );
        model.parameters = vec![0.0, slope[0], 0.0, slope[1], 0.0, -offset];
        model
    }

    /// Width and red, green, blue of every pixel.
    fn read(path: &Path) -> (usize, Vec<u8>) {
        let file = BufReader::new(File::open(path).unwrap());
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width as usize, pixels)
    }

    #[test]
    fn the_plane_is_parted_where_the_network_parts_it() {
        let data = load(&DataChoice::Xor).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boundary.png");
        // (what is class 1, a place of class 0, a place of class 1, a place on the line)
        for (slope, zero, one, line) in [
            ([100.0, 0.0], [20, 128], [235, 128], [127, 5]),
            ([0.0, 100.0], [128, 20], [128, 235], [5, 128]),
        ] {
            boundary(&linear(slope, 50.0), &data, &path).unwrap();
            let (width, pixels) = read(&path);
            let at = |point: [u8; 2]| {
                let (x, y) = place(&point);
                let start = 3 * (y as usize * width + x as usize);
                RGBColor(pixels[start], pixels[start + 1], pixels[start + 2])
            };
            assert_eq!(at(zero), blend(PAPER, BLUE, 0.42));
            assert_eq!(at(one), blend(PAPER, VERMILION, 0.42));
            assert_eq!(at(line), INK);
        }
    }

    #[test]
    fn colours_pale_where_the_network_is_not_sure() {
        let everywhere = Evaluation {
            predictions: vec![1; SIDE * SIDE],
            scores: [0.5, 0.5].repeat(SIDE * SIDE),
            accuracy: 0.0,
            cost: 0.0,
        };
        assert_eq!(background(&everywhere, 2, 0), blend(PAPER, VERMILION, 0.06));
    }

    #[test]
    fn points_alone_are_drawn_on_paper() {
        let data = load(&DataChoice::TwoMoons).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.png");
        points(&data, &path).unwrap();
        let (width, pixels) = read(&path);
        let first = usize::from(data.test.labels[199]);
        let (x, y) = place(data.test.image(199));
        let start = 3 * (y as usize * width + x as usize);
        // The last point is on top of all others.
        let RGBColor(red, green, blue) = color(first);
        assert_eq!(pixels[start..start + 3], [red, green, blue]);
    }

    #[test]
    fn images_are_no_points() {
        let digits = load(&DataChoice::Digits).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boundary.png");
        let error = boundary(&linear([1.0, 0.0], 0.0), &digits, &path).unwrap_err();
        assert!(error.to_string().contains("these have 64"), "{error}");
        assert!(points(&digits, &path).is_err());
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
}
