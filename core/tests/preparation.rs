//! Images that are prepared for a network, against the formulas in `f64` and by what they are for.

use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use thumbnet::format::CRC_32;
use thumbnet::preparation::{
    MAX_SIDE, Preparation, PreparationError, Size, SizeError, deskew, scale,
};
use thumbnet::random::below;

fn size(width: usize, height: usize) -> Size {
    Size::new(width as u16, height as u16).expect("tests have sides in range")
}

fn deskewed(size: Size, image: &[u8]) -> Vec<u8> {
    // What was there before must not show.
    let mut output = vec![99; size.pixels()];
    deskew(size, image, &mut output);
    output
}

fn scaled(from: Size, image: &[u8], to: Size) -> Vec<u8> {
    let mut output = vec![99; to.pixels()];
    scale(from, image, to, &mut output);
    output
}

/// Centre of mass and shear, from the definitions: two passes, in `f64`.
fn moments(size: Size, image: &[u8]) -> [f64; 3] {
    let mean = |of: &dyn Fn(f64, f64) -> f64| {
        let (mut sum, mut ink) = (0.0, 0.0);
        for (at, &pixel) in image.iter().enumerate() {
            let (x, y) = (at % size.width(), at / size.width());
            sum += f64::from(pixel) * of(x as f64, y as f64);
            ink += f64::from(pixel);
        }
        sum / ink
    };
    let (cx, cy) = (mean(&|x, _| x), mean(&|_, y| y));
    let xy = mean(&|x, y| (x - cx) * (y - cy));
    let yy = mean(&|_, y| (y - cy) * (y - cy));
    [cx, cy, if yy > 1e-9 { xy / yy } else { 0.0 }]
}

/// The formula of `deskew` as it stands there.
fn deskewed_in_f64(size: Size, image: &[u8]) -> Vec<f64> {
    let pixel = |x: f64, y: f64| {
        let inside = x >= 0.0 && y >= 0.0 && x < size.width() as f64 && y < size.height() as f64;
        let at = || y as usize * size.width() + x as usize;
        if inside { f64::from(image[at()]) } else { 0.0 }
    };
    let bilinear = |x: f64, y: f64| {
        let (left, top) = (x.floor(), y.floor());
        let (u, v) = (x - left, y - top);
        let above = pixel(left, top) * (1.0 - u) + pixel(left + 1.0, top) * u;
        let below = pixel(left, top + 1.0) * (1.0 - u) + pixel(left + 1.0, top + 1.0) * u;
        above * (1.0 - v) + below * v
    };
    if image.iter().all(|&pixel| pixel == 0) {
        return vec![0.0; image.len()];
    }
    let [cx, cy, shear] = moments(size, image);
    let middle = |side: usize| (side as f64 - 1.0) / 2.0;
    let (mx, my) = (middle(size.width()), middle(size.height()));
    let at = |at: usize| {
        let (x, y) = ((at % size.width()) as f64, (at / size.width()) as f64);
        bilinear(x + cx - mx + shear * (y - my), y + cy - my)
    };
    (0..image.len()).map(at).collect()
}

/// The mean over the rectangle that each new pixel covers.
fn scaled_in_f64(from: Size, image: &[u8], to: Size) -> Vec<f64> {
    let overlap = |new: usize, old: usize, ratio: f64| {
        let (start, end) = (new as f64 * ratio, (new as f64 + 1.0) * ratio);
        (end.min(old as f64 + 1.0) - start.max(old as f64)).max(0.0)
    };
    let across = from.width() as f64 / to.width() as f64;
    let down = from.height() as f64 / to.height() as f64;
    let at = |at: usize| {
        let (x, y) = (at % to.width(), at / to.width());
        let covered = image.iter().enumerate().map(|(at, &pixel)| {
            let (old_x, old_y) = (at % from.width(), at / from.width());
            f64::from(pixel) * overlap(x, old_x, across) * overlap(y, old_y, down)
        });
        covered.sum::<f64>() / (across * down)
    };
    (0..to.pixels()).map(at).collect()
}

#[track_caller]
fn assert_near(found: &[u8], expected: &[f64], most: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(found) - expected).abs();
        assert!(
            difference <= most,
            "{what}: pixel {at} is {found}, expected {expected}"
        );
    }
}

/// A soft stroke from `(x + slant t, y + t)`, t in -length .. length: what handwriting is made of.
fn stroke(size: Size, [x, y, slant, length]: [f64; 4]) -> Vec<u8> {
    let brightness = |at: usize| {
        let (column, row) = ((at % size.width()) as f64, (at / size.width()) as f64);
        let t = (row - y).clamp(-length, length);
        let distance = ((column - x - slant * t).powi(2) + (row - y - t).powi(2)).sqrt();
        (255.0 * (2.0 - distance).clamp(0.0, 1.0)) as u8
    };
    (0..size.pixels()).map(brightness).collect()
}

/// Images of all kinds: noise, dots, slanted strokes; MNIST's size and others.
fn images() -> Vec<(Size, Vec<u8>)> {
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut images = Vec::new();
    for (width, height) in [
        (28, 28),
        (8, 8),
        (16, 16),
        (13, 29),
        (30, 7),
        (5, 1),
        (1, 5),
        (64, 48),
        (4, 3),
        (2, 2),
    ] {
        let size = size(width, height);
        let mut bytes = |least: u32| -> Vec<u8> {
            let byte = |_| (below(&mut rng, 256).saturating_sub(least) * 255 / (255 - least)) as u8;
            (0..size.pixels()).map(byte).collect()
        };
        images.push((size, bytes(0)));
        images.push((size, bytes(200)));
        for slant in [-1.5, -0.3, 0.0, 0.7] {
            let (x, y) = (width as f64 * 0.4, height as f64 * 0.55);
            images.push((size, stroke(size, [x, y, slant, height as f64 / 4.0])));
        }
    }
    images
}

#[test]
fn deskewing_is_its_formula() {
    for (size, image) in images() {
        // Half a level for each rounding, and for 1/512 pixel in either direction.
        let what = format!("{size}: {image:?}");
        assert_near(
            &deskewed(size, &image),
            &deskewed_in_f64(size, &image),
            2.0,
            &what,
        );
    }
}

#[test]
fn scaling_is_its_formula() {
    let sizes = [(16, 16), (14, 14), (28, 28), (9, 31), (1, 1), (40, 3)];
    for (from, image) in images() {
        for (width, height) in sizes {
            let to = size(width, height);
            let what = format!("{from} to {to}");
            // Rounded once.
            let expected = scaled_in_f64(from, &image, to);
            assert_near(&scaled(from, &image, to), &expected, 0.5 + 1e-9, &what);
        }
    }
}

#[test]
fn slanted_strokes_become_upright_ones_in_the_middle() {
    let size = size(28, 28);
    for slant in [-1.2, -0.5, -0.1, 0.25, 0.8] {
        for (x, y) in [(13.5, 13.5), (12.0, 15.3), (14.8, 12.1)] {
            let image = stroke(size, [x, y, slant, 6.0]);
            let [cx, cy, before] = moments(size, &image);
            assert!((before - slant).abs() < 0.2, "{before}");
            assert!((cx - x).abs() < 0.05 && (cy - y).abs() < 0.05, "{cx} {cy}");
            let [cx, cy, after] = moments(size, &deskewed(size, &image));
            // Interpolating between rows makes strokes longer by a quarter of a squared pixel at most,
            // and the shear that was right before a little too strong.
            assert!(after.abs() < 0.02 * slant.abs(), "slant {slant}: {after}");
            assert!(
                (cx - 13.5).abs() < 0.02 && (cy - 13.5).abs() < 0.02,
                "{cx} {cy}"
            );
        }
    }
}

#[test]
fn deskewing_twice_is_deskewing_once() {
    let size = size(28, 28);
    for slant in [-1.0, -0.4, 0.3, 0.9] {
        let once = deskewed(size, &stroke(size, [12.2, 14.9, slant, 7.0]));
        let again: Vec<f64> = deskewed(size, &once).into_iter().map(f64::from).collect();
        // What is left of the slant moves the ends of a stroke by some hundredths of a pixel.
        assert_near(&once, &again, 16.0, &format!("slant {slant}"));
    }
}

#[test]
fn what_is_upright_and_in_the_middle_stays_as_it_is() {
    let bar = |at: usize| match (at % 28, at / 28) {
        (13 | 14, 4..24) => 255,
        (12 | 15, 4..24) => 37,
        _ => 0,
    };
    let cross = |at: usize| u8::from(at % 9 == 4 || at / 9 == 5) * 200;
    let full = |_| 255;
    for (size, image) in [
        (size(28, 28), (0..784).map(bar).collect::<Vec<u8>>()),
        (size(9, 11), (0..99).map(cross).collect()),
        (size(28, 28), (0..784).map(full).collect()),
        (size(3, 40), (0..120).map(full).collect()),
        (size(28, 28), vec![0; 784]),
    ] {
        assert_eq!(deskewed(size, &image), image, "{size}");
        assert_eq!(scaled(size, &image, size), image, "{size}");
    }
}

#[test]
fn extreme_images() {
    // One pixel goes to the middle, wherever it was: between four pixels if sides are even.
    for at in [0, 27, 783, 400] {
        let mut image = vec![0; 784];
        image[at] = 200;
        let mut expected = vec![0; 784];
        for pixel in [13 * 28 + 13, 13 * 28 + 14, 14 * 28 + 13, 14 * 28 + 14] {
            expected[pixel] = 50;
        }
        assert_eq!(deskewed(size(28, 28), &image), expected, "{at}");
    }
    // One row has no slant; nor has one column.
    assert_eq!(deskewed(size(5, 1), &[0, 0, 0, 10, 20]), [0, 7, 17, 7, 0]);
    assert_eq!(deskewed(size(1, 5), &[8, 0, 0, 0, 0]), [0, 0, 8, 0, 0]);
    assert_eq!(deskewed(size(1, 1), &[77]), [77]);
    // The two ends of a diagonal: as far as a shear can go.
    let largest = size(usize::from(MAX_SIDE), usize::from(MAX_SIDE));
    let mut image = vec![0; largest.pixels()];
    image[0] = 255;
    image[largest.pixels() - 1] = 255;
    let ends = deskewed(largest, &image);
    let lit = |at: usize| ends[at * 1024 + 511] == 128 && ends[at * 1024 + 512] == 128;
    assert!(lit(0) && lit(1023));
    assert_eq!(ends.iter().map(|&pixel| u32::from(pixel)).sum::<u32>(), 512);
    // Two rows whose slant is the width: what is moved out is lost, and nothing goes wrong.
    let mut image = vec![0; 2048];
    image[0] = 255;
    image[2047] = 255;
    let expected = deskewed_in_f64(size(1024, 2), &image);
    assert_near(&deskewed(size(1024, 2), &image), &expected, 1.5, "flat");
    // The most that sums have to hold.
    let full = vec![255; largest.pixels()];
    assert_eq!(deskewed(largest, &full), full);
    assert_eq!(scaled(largest, &full, size(1, 1)), [255]);
    assert_eq!(scaled(size(1, 1), &[255], largest), full);
}

#[test]
fn buffers_of_other_lengths_are_no_reason_to_stop() {
    let size = size(3, 3);
    for length in 0..12 {
        let image = vec![200; length];
        for room in 0..12 {
            deskew(size, &image, &mut vec![0; room]);
            scale(size, &image, size, &mut vec![0; room]);
        }
    }
}

/// What a board must find, too: `tests/parity.rs` has real images.
#[test]
fn bits_are_pinned() {
    let mut digest = [CRC_32.digest(), CRC_32.digest()];
    for (from, image) in images() {
        digest[0].update(&deskewed(from, &image));
        digest[1].update(&scaled(from, &image, size(16, 16)));
    }
    let found = digest.map(|digest| digest.finalize());
    assert!(found == [0x7a3a_733c, 0x42df_f907], "{found:08x?}");
}

#[test]
fn a_preparation_does_its_steps() {
    let (from, to) = (Size::of::<28, 28>(), Size::of::<16, 16>());
    let image = stroke(from, [12.0, 14.0, 0.6, 7.0]);
    let prepared = |preparation: Preparation| {
        let mut prepared = vec![99; preparation.gives().map_or(784, Size::pixels)];
        let mut scratch = vec![99; preparation.scratch_bytes()];
        preparation
            .apply(&image, &mut prepared, &mut scratch)
            .expect("lengths are right");
        prepared
    };
    let straight = deskewed(from, &image);
    for (deskew, scale_to, text, expected) in [
        (false, None, "as they are", image.clone()),
        (false, Some(from), "as they are", image.clone()),
        (true, None, "28x28, deskewed", straight.clone()),
        (true, Some(from), "28x28, deskewed", straight.clone()),
        (
            false,
            Some(to),
            "28x28, scaled to 16x16",
            scaled(from, &image, to),
        ),
        (
            true,
            Some(to),
            "28x28, deskewed, scaled to 16x16",
            scaled(from, &straight, to),
        ),
    ] {
        let preparation = Preparation::new(from, deskew, scale_to);
        assert_eq!(preparation.to_string(), text);
        assert_eq!(prepared(preparation), expected, "{text}");
    }
}

#[test]
fn wrong_lengths_are_refused_and_change_nothing() {
    let (from, to) = (Size::of::<4, 2>(), Size::of::<3, 1>());
    let both = Preparation::DeskewAndScale { from, to };
    let image = |expected, found| PreparationError::Image { expected, found };
    let room = |expected, found| PreparationError::Prepared { expected, found };
    let scratch = |expected, found| PreparationError::Scratch { expected, found };
    for (preparation, lengths, error) in [
        (Preparation::None, [4, 3, 0], room(4, 3)),
        (Preparation::Deskew(from), [7, 8, 0], image(8, 7)),
        (Preparation::Deskew(from), [8, 3, 0], room(8, 3)),
        (Preparation::Scale { from, to }, [8, 8, 9], room(3, 8)),
        (both, [9, 3, 8], image(8, 9)),
        (both, [8, 3, 7], scratch(8, 7)),
    ] {
        let mut prepared = vec![99; lengths[1]];
        let found = preparation.apply(
            &vec![1; lengths[0]],
            &mut prepared,
            &mut vec![0; lengths[2]],
        );
        assert_eq!(found, Err(error), "{preparation}");
        assert!(prepared.iter().all(|&pixel| pixel == 99), "{preparation}");
    }
    // More scratch than needed is none the worse.
    assert_eq!(both.apply(&[1; 8], &mut [0; 3], &mut [0; 20]), Ok(()));
}

#[test]
fn sizes_are_read_and_refused() {
    assert_eq!("16x9".parse(), Ok(size(16, 9)));
    assert_eq!(
        "1024x1".parse::<Size>().map(|size| size.to_string()),
        Ok("1024x1".to_owned())
    );
    for bad in [
        "", "16", "x", "16x", "x16", "0x4", "4x0", "1025x4", "4x99999", "-4x4", "4x4x4",
    ] {
        assert_eq!(bad.parse::<Size>(), Err(SizeError), "{bad:?}");
    }
}
