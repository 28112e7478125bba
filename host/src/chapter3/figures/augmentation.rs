//! More images, and images made from those there are.

use anyhow::Result;
use thumbnet::augment::Augment;

use crate::chapter3::Figure;
use crate::chapter3::check::{Check, PERCENT};
use crate::chapter3::draw::{Picture, across, picture};
use crate::chapter3::results::{ACCURACY, Results, Scale};
use crate::chapter3::training::Training;
use crate::pictures::Axis;

pub(super) static FIGURE: Figure = Figure {
    name: "augmentation",
    title: "More data, and augmented data",
    claim: "More images make a better network, and so do images made from those there are.",
    about: "Nielsen, \"Other techniques for regularization\". 30 hidden units, learning rate 0.5, \
            mini-batches of 10, lambda in proportion to the images (5 for 50,000); every network \
            is trained on equally many samples, so that those with fewer images see each more \
            often. Augmented images are shifted at random by up to one pixel along each axis, anew \
            in every epoch.",
    quick: true,
    trainings,
    checks: |results| Ok(checks(results)),
    draw,
    otherwise: None,
};

const SIZES: [usize; 5] = [500, 2_000, 5_000, 20_000, 50_000];

/// Each size that there is, once, plain and augmented.
fn trainings(scale: Scale) -> Vec<(String, Training)> {
    let mut sizes = SIZES.map(|size| scale.images(size)).to_vec();
    sizes.dedup();
    let samples = scale.either(300_000, 60_000).min(6 * scale.available);
    let mut trainings = Vec::new();
    for size in sizes {
        let epochs = (samples / size).max(2);
        let plain = Training {
            every: epochs,
            ..Training::book(scale, size, epochs).l2(5.0 * size as f64 / 50_000.0)
        };
        let augmented = Training {
            augment: Augment {
                shift: 1.0,
                ..Augment::NONE
            },
            ..plain.clone()
        };
        trainings.push((format!("{size} images"), plain));
        trainings.push((format!("{size} images, shifted"), augmented));
    }
    trainings
}

fn checks(results: &Results) -> Vec<Check> {
    let mut checks = Vec::new();
    let pairs = results.runs.as_chunks::<2>().0;
    for [[plain, _], [more, _]] in pairs.array_windows() {
        checks.push(Check::above(
            &format!(
                "Accuracy: higher with {} than with {}",
                more.name, plain.name
            ),
            &more.last(ACCURACY),
            &plain.last(ACCURACY),
            PERCENT,
        ));
    }
    for [plain, augmented] in pairs {
        checks.push(Check::above(
            &format!(
                "Accuracy: higher with {} than without shifts",
                augmented.name
            ),
            &augmented.last(ACCURACY),
            &plain.last(ACCURACY),
            PERCENT,
        ));
    }
    checks
}

fn draw(results: &Results) -> Result<Vec<Picture>> {
    let kind = |name, look| {
        let runs = results.runs.iter().skip(look).step_by(2);
        across(
            name,
            look,
            runs.map(|run| (run.training.images as f64, run)),
            ACCURACY,
        )
    };
    let curves = vec![kind("as they are", 0), kind("shifted", 1)];
    let y = (Axis::Percent, "Accuracy, validation");
    Ok(vec![picture(
        (Axis::Magnitudes, "training images"),
        y,
        curves,
    )?])
}
