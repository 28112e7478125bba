//! `first-layer.png`: what each unit of the first hidden layer looks for in an image.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::file::write_png;
use super::letters::Letters;
use super::style::{Area, BLUE, GREY, INK, PAPER, VERMILION, blend, grouped};
use super::tile::Tile;

/// Share of the weights that the scale spans; what lies beyond gets the darkest colour. A single
/// outlier would otherwise turn all the other tiles pale.
const SPANNED: f64 = 0.998;

/// What is not a number, or infinite.
const BROKEN: RGBColor = RGBColor(240, 228, 66);

/// Draws the weights of the first layer, one tile per hidden unit, each as large as an input image.
///
/// A pixel of a tile is the weight from that input pixel: vermilion where ink excites the unit
/// (weight > 0), blue where ink inhibits it (weight < 0), white where it does not matter. **All tiles
/// share one scale**, symmetric about zero and stated in the picture, so a pale tile is a unit that
/// pays little attention. Weights that are not finite come out in yellow and are counted.
///
/// # Shapes
///
/// `weights`: `[width * height][fan_out]`, input-major, so `weights[i * fan_out + j]` leads from input
/// `i` (row-major in the image) to unit `j`.
///
/// # Errors
///
/// When `weights` does not hold `width * height * fan_out` values, when one of the three is 0, when the
/// picture would exceed a hundred million pixels, or when the file cannot be written.
pub fn first_layer(
    weights: &[f32],
    fan_out: usize,
    width: usize,
    height: usize,
    path: impl AsRef<Path>,
) -> Result<()> {
    ensure!(
        fan_out > 0 && width > 0 && height > 0,
        "a first layer needs at least one unit and one input, got {fan_out} units for images of \
         {width} x {height}"
    );
    let expected = width
        .checked_mul(height)
        .and_then(|inputs| inputs.checked_mul(fan_out));
    ensure!(
        expected == Some(weights.len()),
        "{fan_out} units for images of {width} x {height} have {} weights, but {} were given",
        expected.map_or("too many".to_owned(), |count| count.to_string()),
        weights.len()
    );
    let grid = Grid::new(fan_out, width, height)?;
    let scale = Scale::new(weights);
    write_png(path.as_ref(), grid.size, |area| {
        area.fill(&PAPER)?;
        draw_heading(area, fan_out, width, height, &scale)?;
        let number = Letters::new(12, GREY);
        for unit in 0..fan_out {
            let (x, y) = grid.tile_at(unit);
            if grid.numbered {
                number.paint(area, &unit.to_string(), (x, y - 8))?;
            }
            grid.tile.draw(area, (x, y), |pixel| {
                scale.color(weight(weights, fan_out, pixel, unit))
            })?;
        }
        Ok(())
    })
}

/// The weight from input `pixel` to `unit`.
fn weight(weights: &[f32], fan_out: usize, pixel: usize, unit: usize) -> f32 {
    weights[pixel * fan_out + unit]
}

/// The symmetric scale that all tiles share.
struct Scale {
    /// The weight that gets the darkest colour; more than 0.
    limit: f32,
    broken: usize,
    clipped: usize,
}

impl Scale {
    fn new(weights: &[f32]) -> Self {
        let mut magnitudes: Vec<f32> = weights
            .iter()
            .map(|weight| weight.abs())
            .filter(|weight| weight.is_finite())
            .collect();
        let broken = weights.len() - magnitudes.len();
        if magnitudes.is_empty() {
            return Self {
                limit: 1.0,
                broken,
                clipped: 0,
            };
        }
        let rank = ((magnitudes.len() - 1) as f64 * SPANNED).ceil() as usize;
        let (_, limit, beyond) = magnitudes.select_nth_unstable_by(rank, f32::total_cmp);
        let limit = *limit;
        let clipped = beyond.iter().filter(|weight| **weight > limit).count();
        if limit > 0.0 {
            return Self {
                limit,
                broken,
                clipped,
            };
        }
        // Nearly all weights are exactly 0: then the few others set the scale.
        let largest = beyond.iter().copied().fold(0.0, f32::max);
        Self {
            limit: if largest > 0.0 { largest } else { 1.0 },
            broken,
            clipped: 0,
        }
    }

    fn color(&self, weight: f32) -> RGBColor {
        if !weight.is_finite() {
            return BROKEN;
        }
        tone(f64::from(weight) / f64::from(self.limit))
    }
}

/// The colour of `position` on the scale from -1 to 1: dark blue, blue, white, vermilion, dark brown.
fn tone(position: f64) -> RGBColor {
    let (full, dark) = if position < 0.0 {
        (BLUE, RGBColor(0, 38, 66))
    } else {
        (VERMILION, RGBColor(84, 30, 0))
    };
    let depth = position.abs().min(1.0);
    // The full colour at 60 %: the steps from there to dark look as large as those up to there.
    if depth <= 0.6 {
        blend(PAPER, full, depth / 0.6)
    } else {
        blend(full, dark, (depth - 0.6) / 0.4)
    }
}

/// Where the tiles are, in pixels.
struct Grid {
    columns: usize,
    tile: Tile,
    /// Whether there is room for the unit's number above its tile.
    numbered: bool,
    size: (u32, u32),
}

/// Space between tiles, and around them all.
const GAP: i32 = 6;
const MARGIN: i32 = 20;
/// Room for the heading and the scale.
const HEADING: i32 = 74;
/// What a picture should not be wider than, unless one pixel per weight takes more.
const COMFORTABLE: f64 = 1_240.0;

impl Grid {
    fn new(units: usize, width: usize, height: usize) -> Result<Self> {
        ensure!(
            width <= 16_384 && height <= 16_384 && units <= 1_000_000,
            "{units} tiles of {width} x {height} would be too large to look at"
        );
        // A little wider than high, as screens are; near that, whatever fills the last row best.
        let ideal = (units as f64 * 1.4 * height as f64 / width as f64).sqrt();
        let fewest = ((0.75 * ideal).ceil() as usize).clamp(1, units);
        let most = ((1.35 * ideal).ceil() as usize).clamp(fewest, units);
        let columns = (fewest..=most)
            .min_by_key(|columns| {
                let empty = units.div_ceil(*columns) * columns - units;
                (empty, (1_000.0 * (*columns as f64 - ideal).abs()) as usize)
            })
            .unwrap_or(units);
        let rows = units.div_ceil(columns);
        let zoom = (COMFORTABLE / columns as f64 - f64::from(GAP)) / width as f64;
        // No tile needs to be larger than 160 pixels.
        let largest = (160.0 / width.max(height) as f64).max(1.0);
        let zoom = zoom.min(largest).max(1.0) as usize;
        let tile = Tile {
            image: (width, height),
            zoom,
        };
        let numbered = tile.size().0 >= 36;
        let pitch = Self::pitch(tile, numbered);
        let size = (
            (2 * MARGIN + columns as i32 * pitch.0 - GAP).max(820) as u32,
            (HEADING + rows as i32 * pitch.1 + MARGIN) as u32,
        );
        Ok(Self {
            columns,
            tile,
            numbered,
            size,
        })
    }

    /// From one tile to the next.
    fn pitch(tile: Tile, numbered: bool) -> (i32, i32) {
        let (width, height) = tile.size();
        (width + GAP, height + if numbered { 18 } else { GAP })
    }

    /// Upper left corner of the tile of `unit`.
    fn tile_at(&self, unit: usize) -> (i32, i32) {
        let pitch = Self::pitch(self.tile, self.numbered);
        let (column, row) = ((unit % self.columns) as i32, (unit / self.columns) as i32);
        let number = if self.numbered { 14 } else { 0 };
        (MARGIN + column * pitch.0, HEADING + number + row * pitch.1)
    }
}

fn draw_heading(
    area: &Area<BitMapBackend<'_>>,
    fan_out: usize,
    width: usize,
    height: usize,
    scale: &Scale,
) -> Result<()> {
    let units = if fan_out == 1 {
        "1 unit".to_owned()
    } else {
        format!("{fan_out} units")
    };
    let heading =
        format!("What the first layer looks for: {units}, {width} x {height} weights each");
    Letters::new(18, INK)
        .bold()
        .paint(area, &heading, (MARGIN, 20))?;

    let (left, top, wide, high) = (MARGIN, 40, 200, 14);
    for step in 0..wide {
        let position = f64::from(step) / f64::from(wide - 1) * 2.0 - 1.0;
        let column = [(left + step, top), (left + step + 1, top + high)];
        area.draw(&Rectangle::new(column, tone(position).filled()))?;
    }
    area.draw(&Rectangle::new(
        [(left - 1, top - 1), (left + wide, top + high)],
        GREY,
    ))?;
    let mut words = format!(
        "weight -{0} to +{0}, the same scale for all; white is 0",
        short(scale.limit)
    );
    if scale.broken > 0 {
        words.push_str(&format!(
            "; {} not finite (yellow)",
            grouped(scale.broken as u64)
        ));
    } else if scale.clipped > 0 {
        words.push_str(&format!("; {} lie beyond", grouped(scale.clipped as u64)));
    }
    Letters::new(15, GREY).paint(area, &words, (left + wide + 12, top + high / 2))
}

/// Three significant digits, whatever the size.
fn short(value: f32) -> String {
    if (0.01..1_000.0).contains(&value) {
        let decimals = (2 - value.log10().floor() as i32).max(0) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.2e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height from the header that every PNG starts with.
    fn png_size(bytes: &[u8]) -> (u32, u32) {
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        assert_eq!(&bytes[bytes.len() - 8..bytes.len() - 4], b"IEND");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        (number(16), number(20))
    }

    fn draw(weights: &[f32], fan_out: usize, width: usize, height: usize) -> Result<(u32, u32)> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first-layer.png");
        let result = first_layer(weights, fan_out, width, height, &path);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, usize::from(result.is_ok()), "temporary file left");
        result.map(|()| png_size(&std::fs::read(path).unwrap()))
    }

    #[test]
    fn ten_to_a_thousand_units_make_pictures_of_sensible_size() {
        for units in [1, 2, 10, 30, 100, 300, 1_000] {
            let (width, height) = draw(&vec![0.5; units * 784], units, 28, 28).unwrap();
            assert!(
                (640..=1_400).contains(&width),
                "{units} units: {width} x {height}"
            );
            assert!(
                (100..=1_400).contains(&height),
                "{units} units: {width} x {height}"
            );
        }
    }

    #[test]
    fn inputs_that_are_not_a_usual_image_are_drawn_too() {
        draw(&[1.0, -1.0, 0.5, 2.0], 2, 2, 1).unwrap();
        draw(&vec![0.1; 600 * 20], 20, 600, 1).unwrap();
        draw(&vec![0.1; 600 * 20], 20, 1, 600).unwrap();
    }

    #[test]
    fn sizes_that_do_not_match_are_errors() {
        let error = draw(&[0.0; 784 * 10], 10, 28, 27).unwrap_err().to_string();
        assert!(error.contains("7560") && error.contains("7840"), "{error}");
        assert!(draw(&[0.0; 785], 1, 28, 28).is_err());
        assert!(draw(&[], 0, 28, 28).is_err());
        assert!(draw(&[], 10, 0, 28).is_err());
        assert!(draw(&[0.0; 4], usize::MAX, 2, 2).is_err());
    }

    #[test]
    fn weights_that_are_zero_or_not_finite_do_no_harm() {
        draw(&[0.0; 40], 10, 2, 2).unwrap();
        draw(&[f32::NAN; 40], 10, 2, 2).unwrap();
        draw(
            &[f32::INFINITY, f32::MAX, -f32::MAX, f32::MIN_POSITIVE],
            1,
            2,
            2,
        )
        .unwrap();
    }

    #[test]
    fn a_tile_shows_the_weights_of_its_own_unit() {
        // Input-major: the weights of unit 1 of 3 are 10, 11, 12, 13.
        let weights: Vec<f32> = (0..4).flat_map(|i| [0.0, 10.0 + i as f32, 0.0]).collect();
        let of_unit_1: Vec<f32> = (0..4).map(|pixel| weight(&weights, 3, pixel, 1)).collect();
        assert_eq!(of_unit_1, [10.0, 11.0, 12.0, 13.0]);
    }

    #[test]
    fn the_scale_is_symmetric_and_ignores_outliers() {
        let mut weights: Vec<f32> = (0..10_000).map(|i| (i % 101) as f32 / 100.0).collect();
        weights[17] = -1.0e6;
        let scale = Scale::new(&weights);
        assert_eq!((scale.limit, scale.clipped, scale.broken), (1.0, 1, 0));
        assert_eq!(scale.color(0.0), PAPER);
        assert_eq!(scale.color(-5.0), tone(-1.0));
        assert_eq!(scale.color(f32::NAN), BROKEN);
        // One weight in a thousand that is not 0 still sets the scale.
        let mut sparse = vec![0.0; 1_000];
        sparse[3] = -0.25;
        assert_eq!(Scale::new(&sparse).limit, 0.25);
    }

    #[test]
    fn three_digits() {
        assert_eq!(short(0.4321), "0.432");
        assert_eq!(short(12.34), "12.3");
        assert_eq!(short(1.5e-9), "1.50e-9");
    }
}
