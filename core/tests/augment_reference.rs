//! Augmentation against an f64 reference of the map that its documentation describes.

#[path = "support/images.rs"]
mod images;

use images::{STRONG, apply, digit, large_digit, noise};
use thumbnet::augment::{Augment, CONTROLS, Distortion};
use thumbnet::prelude::*;

/// The uniform cubic B-spline's four weights at `t` of a cell.
fn b_spline(t: f64) -> [f64; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0,
        t * t * t / 6.0,
    ]
}

/// The displacement at a node of the 9 x 9, in pixels.
fn displacement(distortion: &Distortion, row: usize, column: usize) -> [f64; 2] {
    // A uniform number's variance is a third; the kernel takes 785 / 1728 of the rest.
    let unit = f64::from(distortion.elastic) * f64::sqrt(3.0) * 1728.0 / 785.0 / 32_768.0;
    let weights = |node: usize| b_spline(if node.is_multiple_of(2) { 0.0 } else { 0.5 });
    let mut sum = [0.0; 2];
    for (i, vertical) in weights(row).into_iter().enumerate() {
        for (j, horizontal) in weights(column).into_iter().enumerate() {
            // Beyond the last control point the weight is zero.
            let (i, j) = (row / 2 + i, column / 2 + j);
            let control = distortion.field[i.min(CONTROLS - 1)][j.min(CONTROLS - 1)];
            for axis in [0, 1] {
                sum[axis] += unit * vertical * horizontal * f64::from(control[axis]);
            }
        }
    }
    sum
}

/// The displacement at a pixel: bilinear between the four nodes around it.
fn field(distortion: &Distortion, width: usize, height: usize, x: usize, y: usize) -> [f64; 2] {
    let around = |place: usize, side: usize| {
        let node = (0..8).find(|node| (node + 1) * side / 8 > place);
        let node = node.expect("the last node stands after the last pixel");
        let (start, end) = (node * side / 8, (node + 1) * side / 8);
        (node, (place - start) as f64 / (end - start) as f64)
    };
    let ((column, u), (row, v)) = (around(x, width), around(y, height));
    core::array::from_fn(|axis| {
        let at = |i, j| displacement(distortion, row + i, column + j)[axis];
        let upper = at(0, 0) * (1.0 - u) + at(0, 1) * u;
        let lower = at(1, 0) * (1.0 - u) + at(1, 1) * u;
        upper * (1.0 - v) + lower * v
    })
}

/// The whole map in f64, pixel by pixel, before rounding to bytes.
fn reference(distortion: &Distortion, width: usize, height: usize, input: &[u8]) -> Vec<f64> {
    let (sin, cos) = f64::from(distortion.rotation).sin_cos();
    let [wider, higher] = distortion.scale.map(|scale| 1.0 + f64::from(scale));
    let centre = [width, height].map(|side| (side as f64 - 1.0) / 2.0);
    let pixel = |x: f64, y: f64| {
        let inside = x >= 0.0 && y >= 0.0 && x < width as f64 && y < height as f64;
        let place = || y as usize * width + x as usize;
        if inside {
            f64::from(input[place()])
        } else {
            0.0
        }
    };
    let mut output = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let x = column as f64 - centre[0] - f64::from(distortion.shift[0]);
            let y = row as f64 - centre[1] - f64::from(distortion.shift[1]);
            let (x, y) = (cos * x + sin * y, cos * y - sin * x);
            let x = x - f64::from(distortion.shear) * y;
            let elastic = if distortion.elastic > 0.0 {
                field(distortion, width, height, column, row)
            } else {
                [0.0; 2]
            };
            let x = x / wider + centre[0] + elastic[0];
            let y = y / higher + centre[1] + elastic[1];
            let (left, top) = (x.floor(), y.floor());
            let (u, v) = (x - left, y - top);
            let upper = pixel(left, top) * (1.0 - u) + pixel(left + 1.0, top) * u;
            let lower = pixel(left, top + 1.0) * (1.0 - u) + pixel(left + 1.0, top + 1.0) * u;
            output.push(upper * (1.0 - v) + lower * v);
        }
    }
    output
}

/// The largest difference between an image and the reference, in grey levels.
fn worst(found: &[u8], exact: &[f64]) -> f64 {
    assert_eq!(found.len(), exact.len());
    let errors = found
        .iter()
        .zip(exact)
        .map(|(&found, exact)| (f64::from(found) - exact).abs());
    errors.fold(0.0, f64::max)
}

#[test]
fn the_reference_agrees_on_noise() {
    let mut rng = XorShiftRng::seed_from_u64(4);
    for (width, height) in [
        (28, 28),
        (8, 8),
        (1, 9),
        (9, 1),
        (2, 3),
        (13, 31),
        (120, 57),
    ] {
        for _ in 0..30 {
            let image = noise(&mut rng, width * height);
            let distortion = STRONG.draw(&mut rng).unwrap();
            let found = apply(&distortion, width, height, &image);
            let error = worst(&found, &reference(&distortion, width, height, &image));
            // Half a level is the rounding to bytes; noise changes by 255 levels in a pixel.
            let limit = 0.51 + 255.0 * 4.0 * (width + height) as f64 / 65_536.0;
            assert!(error < limit, "{width} x {height}: {error}, {distortion:?}");
        }
    }
}

#[test]
fn the_reference_agrees_on_digits_within_a_level() {
    let mut rng = XorShiftRng::seed_from_u64(5);
    for index in 0..50 {
        let distortion = STRONG.draw(&mut rng).unwrap();
        let small = apply(&distortion, 8, 8, digit(index));
        assert!(worst(&small, &reference(&distortion, 8, 8, digit(index))) < 1.0);
        let image = large_digit(index);
        let large = apply(&distortion, 28, 28, &image);
        assert!(worst(&large, &reference(&distortion, 28, 28, &image)) < 1.0);
    }
}

/// Scale, shear and bending at their limits, on the longest side there is: coordinates are largest
/// here, and rounded steps add up over most pixels.
#[test]
fn the_reference_agrees_at_the_limits() {
    let (width, height) = (4096, 64);
    // A wave of 510 pixels, a grey level for each, that ends black above and below.
    let wave = |place: usize| {
        let (x, y) = (place % width % 510, place / width);
        x.min(510 - x).min(8 * y).min(8 * (63 - y)) as u8
    };
    let image: Vec<u8> = (0..width * height).map(wave).collect();
    let mut rng = XorShiftRng::seed_from_u64(6);
    let (mut lit, mut exact_sum, mut errors) = (0, 0.0, 0.0);
    for _ in 0..4 {
        let drawn = Augment::MOST.draw(&mut rng).unwrap();
        let extreme = Distortion {
            shift: drawn.shift.map(|value| 0.01 * value),
            rotation: 0.002 * drawn.rotation,
            scale: drawn.scale.map(|value| 0.5_f32.copysign(value)),
            shear: 1.0_f32.copysign(drawn.shear),
            ..drawn
        };
        let found = apply(&extreme, width, height, &image);
        let exact = reference(&extreme, width, height, &image);
        for (&found, exact) in found.iter().zip(&exact) {
            lit += usize::from(found > 0);
            exact_sum += exact;
            errors += (f64::from(found) - exact).abs();
        }
        let error = worst(&found, &exact);
        // Rows differ by 8 levels: half a level of rounding, and a quarter of a pixel.
        assert!(error < 2.5, "{error}, {extreme:?}");
    }
    assert!(lit > 50_000, "{lit}");
    assert!(errors < 0.01 * exact_sum, "{errors} of {exact_sum}");
}

#[test]
fn a_field_is_as_strong_as_it_says() {
    let augment = Augment {
        elastic: 0.7,
        ..Augment::NONE
    };
    let mut rng = XorShiftRng::seed_from_u64(8);
    let (mut sums, fields) = ([0.0; 2], 400);
    for _ in 0..fields {
        let distortion = augment.draw(&mut rng).unwrap();
        for place in 0..16 * 16 {
            let moved = field(&distortion, 16, 16, place % 16, place / 16);
            for axis in [0, 1] {
                sums[axis] += moved[axis] * moved[axis] / f64::from(fields * 16 * 16);
            }
        }
    }
    for mean in sums {
        let root = mean.sqrt();
        // Each field has about 16 independent displacements: 1.5 standard errors are 2 %. At 16
        // pixels, half of all places are nodes, where the spline is 3 % stronger than between.
        assert!((0.67..0.76).contains(&root), "{root}");
    }
}
