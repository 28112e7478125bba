//! Augmentation: what is exact, what is kept, what is refused, and its bits.

#[path = "support/images.rs"]
mod images;

use images::{STRONG, apply, digit, large_digit, noise};
use thumbnet::augment::{Augment, AugmentError, CONTROLS, Distortion};
use thumbnet::prelude::*;
use thumbnet::random::below;

#[test]
fn none_leaves_every_bit() {
    let mut rng = XorShiftRng::seed_from_u64(1);
    for (width, height) in [(28, 28), (8, 8), (1, 1), (1, 13), (13, 1), (7, 5), (100, 3)] {
        let image = noise(&mut rng, width * height);
        let mut output = vec![0; image.len()];
        Augment::NONE
            .apply(&mut rng, width, height, &image, &mut output)
            .unwrap();
        assert_eq!(output, image, "{width} x {height}");
    }
}

#[test]
fn whole_pixels_are_exact() {
    let mut rng = XorShiftRng::seed_from_u64(2);
    for (width, height) in [(28, 28), (9, 4), (1, 6), (33, 50)] {
        let image = noise(&mut rng, width * height);
        for (right, down) in [(1, 0), (0, -1), (-3, 2), (40, 1), (-60, -60), (4096, 0)] {
            let moved = apply(
                &Distortion::shifted([right as f32, down as f32]),
                width,
                height,
                &image,
            );
            for (place, &found) in moved.iter().enumerate() {
                let x = (place % width) as i64 - right;
                let y = (place / width) as i64 - down;
                let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
                let expected = if inside {
                    image[y as usize * width + x as usize]
                } else {
                    0
                };
                assert_eq!(
                    found, expected,
                    "{right}, {down} of {width} x {height}: {place}"
                );
            }
        }
    }
}

#[test]
fn the_book_s_four_translations() {
    let image = [1, 2, 3, 4];
    let moved = Distortion::ONE_PIXEL.map(|one| apply(&one, 2, 2, &image));
    assert_eq!(
        moved,
        [[3, 4, 0, 0], [0, 0, 1, 2], [2, 0, 4, 0], [0, 1, 0, 3]]
    );
}

#[test]
fn quarter_and_half_turns_are_exact() {
    let mut rng = XorShiftRng::seed_from_u64(3);
    for side in [1, 2, 5, 8, 28, 51] {
        let image = noise(&mut rng, side * side);
        let turned = |rotation| {
            let turn = Distortion {
                rotation,
                ..Distortion::NONE
            };
            apply(&turn, side, side, &image)
        };
        let expect = |from: fn(usize, usize, usize) -> (usize, usize)| -> Vec<u8> {
            let all = (0..side * side).map(|place| from(side - 1, place % side, place / side));
            all.map(|(x, y)| image[y * side + x]).collect()
        };
        let quarter = core::f32::consts::FRAC_PI_2;
        // Clockwise, what was in the lower left corner comes to the upper left.
        assert_eq!(turned(quarter), expect(|last, x, y| (y, last - x)));
        assert_eq!(turned(-quarter), expect(|last, x, y| (last - y, x)));
        assert_eq!(
            turned(2.0 * quarter),
            expect(|last, x, y| (last - x, last - y))
        );
    }
}

#[test]
fn shear_and_scale_go_the_way_the_documentation_says() {
    let mut image = [0; 25];
    image[3 * 5 + 2] = 200;
    let shear = Distortion {
        shear: 1.0,
        ..Distortion::NONE
    };
    let mut expected = [0; 25];
    expected[3 * 5 + 3] = 200;
    assert_eq!(apply(&shear, 5, 5, &image), expected);
    // Half as wide and half as high: the pixel two away comes to be one away.
    let mut image = [0; 49];
    image[3 * 7 + 5] = 200;
    let half = Distortion {
        scale: [-0.5; 2],
        ..Distortion::NONE
    };
    let mut expected = [0; 49];
    expected[3 * 7 + 4] = 200;
    assert_eq!(apply(&half, 7, 7, &image), expected);
}

/// Turning, moving and bending keep the ink; scaling changes it as it changes areas.
#[test]
fn ink_is_kept() {
    let mut rng = XorShiftRng::seed_from_u64(9);
    let ink = |image: &[u8]| image.iter().map(|&pixel| f64::from(pixel)).sum::<f64>();
    let rigid = Augment {
        shift: 1.0,
        rotation: 0.2,
        ..Augment::NONE
    };
    let (mut before, mut after) = (0.0, 0.0);
    for index in 0..100 {
        let mut image = large_digit(index);
        // Smoother strokes, well inside.
        image = apply(
            &Distortion {
                scale: [-0.3; 2],
                ..Distortion::NONE
            },
            28,
            28,
            &image,
        );
        let turned = apply(&rigid.draw(&mut rng).unwrap(), 28, 28, &image);
        let ratio = ink(&turned) / ink(&image);
        assert!((0.97..1.03).contains(&ratio), "{index}: {ratio}");
        let scaled = Distortion {
            scale: [0.2, -0.2],
            ..Distortion::NONE
        };
        let ratio = ink(&apply(&scaled, 28, 28, &image)) / ink(&image) / (1.2 * 0.8);
        assert!((0.95..1.05).contains(&ratio), "{index}: {ratio}");
        let bent = Augment {
            elastic: 0.7,
            ..Augment::NONE
        }
        .draw(&mut rng)
        .unwrap();
        before += ink(&image);
        after += ink(&apply(&bent, 28, 28, &image));
    }
    assert!(
        (0.98..1.04).contains(&(after / before)),
        "{}",
        after / before
    );
}

#[test]
fn bits_are_pinned() {
    let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
    let mut rng = XorShiftRng::seed_from_u64(7);
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for index in 0..20 {
        small.extend(apply(&STRONG.draw(&mut rng).unwrap(), 8, 8, digit(index)));
        large.extend(apply(
            &STRONG.draw(&mut rng).unwrap(),
            28,
            28,
            &large_digit(index),
        ));
    }
    let found = [crc.checksum(&small), crc.checksum(&large)];
    assert_eq!(found, PINNED, "{found:08x?}");
}

/// CRC-32 of 20 distorted digits of 8 x 8 and of 28 x 28: the same on every target.
const PINNED: [u32; 2] = [0xCC72_F070, 0xFD7F_31E6];

#[test]
fn what_is_drawn_stays_in_its_range() {
    let mut rng = XorShiftRng::seed_from_u64(10);
    let mut largest = [0.0_f32; 6];
    for _ in 0..1000 {
        let Distortion {
            shift,
            rotation,
            scale,
            shear,
            ..
        } = STRONG.draw(&mut rng).unwrap();
        let drawn = [shift[0], shift[1], rotation, scale[0], scale[1], shear];
        for (largest, value) in largest.iter_mut().zip(drawn) {
            *largest = largest.max(value.abs());
        }
    }
    for (largest, most) in largest.into_iter().zip([2.0, 2.0, 0.3, 0.2, 0.2, 0.2]) {
        assert!(
            largest <= most && largest > 0.98 * most,
            "{largest} of {most}"
        );
    }
}

#[test]
fn any_numbers_are_refused_or_applied() {
    let numbers = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        1e-45,
        4096.0,
        1e30,
        f32::INFINITY,
        f32::NAN,
    ];
    let mut rng = XorShiftRng::seed_from_u64(11);
    let mut pick = |count: usize| below(&mut rng, count as u32) as usize;
    let mut applied = 0;
    for _ in 0..20_000 {
        let (width, height) = (pick(40), pick(40));
        let image = vec![255; width * height];
        let mut number = || numbers[pick(numbers.len())];
        let augment = Augment {
            shift: number(),
            rotation: number(),
            scale: number(),
            shear: number(),
            elastic: number(),
        };
        let mut distortion = Distortion {
            shift: [number(), number()],
            rotation: number(),
            scale: [number(), number()],
            shear: number(),
            elastic: number(),
            field: [[[i16::MIN, i16::MAX]; CONTROLS]; CONTROLS],
        };
        let mut output = vec![7; image.len()];
        let drawn = augment.apply(
            &mut XorShiftRng::seed_from_u64(1),
            width,
            height,
            &image,
            &mut output,
        );
        assert_eq!(drawn.is_ok(), augment.check().is_ok());
        if drawn.is_err() {
            assert!(output.iter().all(|&pixel| pixel == 7));
        }
        applied += usize::from(distortion.apply(width, height, &image, &mut output).is_ok());
        distortion.shift = [4096.0, -4096.0];
        distortion.scale = [-0.5; 2];
        distortion.shear = -1.0;
        distortion.elastic = 128.0;
        distortion.rotation = 0.7;
        assert_eq!(distortion.apply(width, height, &image, &mut output), Ok(()));
    }
    assert!(applied > 100, "{applied}");
    let image = vec![255; 4096 * 4096];
    let mut output = image.clone();
    for sign in [-1.0, 1.0] {
        let largest = Distortion {
            shift: [4096.0 * sign; 2],
            rotation: 2.4,
            scale: [-0.5; 2],
            shear: sign,
            elastic: 128.0,
            field: [[[i16::MIN; 2]; CONTROLS]; CONTROLS],
        };
        assert_eq!(largest.apply(4096, 4096, &image, &mut output), Ok(()));
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let message = |result: Result<(), AugmentError>| result.unwrap_err().to_string();
    let with = |augment: Augment| message(augment.check());
    assert_eq!(
        with(Augment {
            rotation: 4.0,
            ..Augment::NONE
        }),
        "rotation must be from 0 to 3.1415927 radians, found 4"
    );
    assert_eq!(
        with(Augment {
            shift: f32::NAN,
            ..Augment::NONE
        }),
        "shift must be from 0 to 4096 pixels, found NaN"
    );
    assert_eq!(
        with(Augment {
            scale: -0.1,
            ..Augment::NONE
        }),
        "scale must be from 0 to 0.5 as a fraction, found -0.1"
    );
    assert_eq!(
        message(Distortion::shifted([0.0, f32::INFINITY]).apply(1, 1, &[0], &mut [0])),
        "shift must be from -4096 to 4096 pixels, found inf"
    );
    let apply = |width, height, input: &[u8], output: &mut [u8]| {
        message(Distortion::NONE.apply(width, height, input, output))
    };
    assert_eq!(
        apply(3, 2, &[0; 5], &mut [0; 6]),
        "an image to augment must have width x height = 6 pixels, found 5"
    );
    assert_eq!(
        apply(3, 2, &[0; 6], &mut [0; 7]),
        "an image to augment must have width x height = 6 pixels, found 7"
    );
    assert_eq!(
        apply(usize::MAX, 2, &[], &mut []),
        format!(
            "an image to augment must have at most 4096 x 4096 pixels, found {} x 2",
            usize::MAX
        )
    );
}
