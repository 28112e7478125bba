//! `growth.svg`: time per sample against what varies, in a diagram for each.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{GrowthRow, THREADS, Varied};
use crate::files::check_replaceable;
use crate::pictures::{Axis, Curve, Diagram, diagrams};

const TIME: &str = "Time per sample, µs";

/// Where the picture will be.
#[derive(Debug)]
pub struct Picture(PathBuf);

impl Picture {
    /// Makes `folder`, if it is not there, for `growth.svg` in it.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or something else than an SVG has that name.
    pub fn claim(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| {
            let folder = folder.display();
            format!("--out {folder}: expected a folder, or where one can be made")
        })?;
        let path = folder.join("growth.svg");
        check_replaceable(&path, "an SVG", |bytes| bytes.starts_with(b"<svg"))?;
        Ok(Self(path))
    }

    /// Draws what was measured, and says where.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn draw(&self, rows: &[GrowthRow]) -> Result<&Path> {
        let all = Varied::ALL.map(|varied| diagram(varied, rows));
        diagrams(&all, &self.0)?;
        Ok(&self.0)
    }
}

fn diagram(varied: Varied, rows: &[GrowthRow]) -> Diagram<'static> {
    let x = match varied {
        Varied::Hidden => (Axis::Magnitudes, "hidden units"),
        Varied::Depth => (Axis::Counts, "hidden layers of 100 units"),
        Varied::Batch => (Axis::Magnitudes, "samples of a mini-batch"),
        Varied::Zeros => (Axis::Percent, "zeros in the input"),
    };
    let curves = THREADS.into_iter().enumerate().map(|(look, threads)| {
        let rows = rows.iter();
        let own = rows.filter(|row| row.varied == varied && row.threads == threads);
        Curve {
            name: match threads {
                1 => "1 thread".to_owned(),
                _ => format!("{threads} threads"),
            },
            points: own
                .map(|row| (row.place(), row.microseconds_per_sample))
                .collect(),
            look,
            ..Curve::default()
        }
    });
    Diagram {
        x,
        y: (Axis::Magnitudes, TIME),
        curves: curves.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(varied: Varied, threads: usize, time: f64) -> GrowthRow {
        GrowthRow {
            varied,
            hidden: 100,
            depth: 1,
            batch: 100,
            zeros: 0.5,
            threads,
            microseconds_per_sample: time,
        }
    }

    #[test]
    fn every_diagram_has_its_own_rows() {
        let rows = [
            row(Varied::Hidden, 1, 1.5),
            row(Varied::Zeros, 1, 2.5),
            row(Varied::Zeros, 2, 3.5),
            GrowthRow {
                hidden: 200,
                ..row(Varied::Hidden, 1, 4.5)
            },
        ];
        let drawn: Vec<Vec<(f64, f64)>> = [Varied::Hidden, Varied::Zeros, Varied::Depth]
            .into_iter()
            .flat_map(|varied| diagram(varied, &rows).curves)
            .map(|curve| curve.points)
            .collect();
        let expected = [
            vec![(100.0, 1.5), (200.0, 4.5)],
            vec![],
            vec![(50.0, 2.5)],
            vec![(50.0, 3.5)],
            vec![],
            vec![],
        ];
        assert_eq!(drawn, expected);
    }

    #[test]
    fn a_picture_replaces_pictures_alone() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("new/folder");
        for _ in 0..2 {
            let path = Picture::claim(&inside).unwrap();
            let path = path.draw(&[row(Varied::Depth, 1, 1.0)]).unwrap();
            assert!(std::fs::read(path).unwrap().starts_with(b"<svg"));
        }
        std::fs::write(inside.join("growth.svg"), "a novel").unwrap();
        let error = Picture::claim(&inside).unwrap_err().to_string();
        assert!(
            error.contains("growth.svg, which is something else"),
            "{error}"
        );
        let error = Picture::claim(&inside.join("growth.svg")).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error:#}");
    }
}
