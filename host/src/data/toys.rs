//! Points in the plane, made in code from a fixed seed: `xor` and `two-moons`.
//!
//! A point is an image of 2 x 1 pixels: byte `v` of a coordinate means `v / 255`, as in every
//! image, so that coordinates are multiples of 1/255 in 0 ..= 1. That is far finer than the
//! clusters are wide.

use std::f64::consts::PI;

use rand_core::SeedableRng;
use thumbnet::random::{XorShiftRng, fill_normal, uniform};

use super::{Dataset, Samples};

/// Points that train, validate and test.
const COUNTS: [usize; 3] = [400, 200, 200];

/// Where all points follow from: part of the data, not of a run.
const SEED: u64 = 1;

/// A set of points with a name.
#[derive(Debug)]
pub(crate) struct Toy {
    pub(crate) name: &'static str,
    /// How its points come about.
    source: &'static str,
    /// Point number `index`, with its class.
    draw: fn(index: usize, rng: &mut XorShiftRng) -> ([f64; 2], u8),
}

/// Exclusive or, with four clusters in place of four points: a network of one layer gets at most
/// three of them right.
pub(crate) const XOR: Toy = Toy {
    name: "xor",
    source: "made by the program: four normal clusters, opposite corners alike",
    draw: |index, rng| {
        let corner = [index % 2, index / 2 % 2];
        let [dx, dy] = normal_pair(rng, 0.06);
        let [x, y] = corner.map(|bit| if bit == 0 { 0.25 } else { 0.75 });
        ([x + dx, y + dy], (corner[0] ^ corner[1]) as u8)
    },
};

/// Two half circles of radius 1 that reach into each other, blurred by 0.1: no straight line, and
/// no single hidden unit, parts them.
pub(crate) const TWO_MOONS: Toy = Toy {
    name: "two-moons",
    source: "made by the program: two half circles with noise, one inside the other",
    draw: |index, rng| {
        let angle = PI * f64::from(uniform(rng));
        let (cos, sin) = (libm::cos(angle), libm::sin(angle));
        let [dx, dy] = normal_pair(rng, 0.1);
        let (x, y, class) = match index % 2 {
            0 => (cos, sin, 0),
            _ => (1.0 - cos, 0.5 - sin, 1),
        };
        // All of -1.4 ..= 2.4 by -0.9 ..= 1.4, the blur with it, fills the square.
        ([(x + dx + 1.4) / 3.8, (y + dy + 0.9) / 2.3], class)
    },
};

/// Two independent normal deviates.
fn normal_pair(rng: &mut XorShiftRng, standard_deviation: f32) -> [f64; 2] {
    let mut pair = [0.0; 2];
    fill_normal(rng, standard_deviation, &mut pair);
    pair.map(f64::from)
}

impl Toy {
    /// Draws its points, the same ones every time and on every machine.
    pub(crate) fn load(&self) -> Dataset {
        let mut rng = XorShiftRng::seed_from_u64(SEED);
        let [train, validation, test] = COUNTS.map(|count| {
            let (images, labels): (Vec<[u8; 2]>, Vec<u8>) = (0..count)
                .map(|index| {
                    let (point, class) = (self.draw)(index, &mut rng);
                    // A cast keeps to 0 ..= 255.
                    (point.map(|x| (255.0 * x + 0.5) as u8), class)
                })
                .unzip();
            Samples {
                width: 2,
                height: 1,
                images: images.into_flattened(),
                labels,
            }
        });
        Dataset {
            name: self.name.to_owned(),
            source: self.source.to_owned(),
            classes: 2,
            train,
            validation,
            test,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::known::sha256;

    /// Results on these points are compared from machine to machine and from version to version.
    #[test]
    fn the_points_never_change() {
        for (toy, pinned) in [
            (
                XOR,
                "927f7fa6e434ae9b3fcc3f5d541343caed1cc513e48927e4a1a802084069e9fa",
            ),
            (
                TWO_MOONS,
                "c5c8619ef9d43d6ab58b6fb5731b25772cd7ea08f6f4efa540f313d8ead6f2f3",
            ),
        ] {
            let set = toy.load();
            let parts = [&set.train, &set.validation, &set.test];
            assert_eq!(parts.map(|part| part.len()), COUNTS);
            let bytes = parts.map(|part| [&part.images[..], &part.labels].concat());
            assert_eq!(sha256(&bytes.concat()), pinned, "{}", toy.name);
        }
    }

    #[test]
    fn classes_are_of_one_size_and_no_point_is_at_the_edge() {
        for toy in [XOR, TWO_MOONS] {
            let set = toy.load();
            for part in [&set.train, &set.validation, &set.test] {
                let ones = part.labels.iter().filter(|&&label| label == 1).count();
                assert_eq!(2 * ones, part.len(), "{}", toy.name);
                let inside = |byte: &u8| (1..255).contains(byte);
                assert!(part.images.iter().all(inside), "{}", toy.name);
            }
        }
    }

    #[test]
    fn xor_is_which_side_of_both_middles() {
        let set = XOR.load();
        for part in [&set.train, &set.validation, &set.test] {
            for (point, &label) in part.images.chunks(2).zip(&part.labels) {
                assert_eq!(u8::from((point[0] > 127) != (point[1] > 127)), label);
            }
        }
    }

    /// The best straight line, of all that a fine grid of directions and offsets has.
    #[test]
    fn no_line_parts_them() {
        for (toy, most) in [(XOR, 0.80), (TWO_MOONS, 0.92)] {
            let test = toy.load().test;
            let mut best: f64 = 0.0;
            for direction in 0..180 {
                let (sin, cos) = (PI * f64::from(direction) / 90.0).sin_cos();
                for offset in -360..=360 {
                    let right = test.images.chunks(2).zip(&test.labels);
                    let right = right.filter(|(point, label)| {
                        let side = f64::from(point[0]) * cos + f64::from(point[1]) * sin;
                        u8::from(side > f64::from(offset)) == **label
                    });
                    best = best.max(right.count() as f64 / test.len() as f64);
                }
            }
            assert!(best < most, "{}: a line gets {best}", toy.name);
        }
    }
}
