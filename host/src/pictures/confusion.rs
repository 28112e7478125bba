//! `confusion.svg`: which class is taken for which, as a square of numbers.

use std::path::Path;

use anyhow::{Result, ensure};
use plotters::prelude::*;

use super::file::write_svg;
use super::letters::Letters;
use super::style::{BLUE, FAINT, GREY, INK, PAPER, VERMILION, blend, grouped, legible_on, percent};

/// Draws how often each class was predicted for the samples of each class.
///
/// `counts[label][predicted]`: row = true label, column = prediction, so the diagonal is what was
/// right (blue) and everything else is wrong (vermilion). A blue cell is the darker the larger its
/// share of the row; the wrong cells have a scale of their own, stated under the matrix, for otherwise
/// a few errors in a hundred would not show. At the ends of the rows: recall, the share of a class that is
/// found; under the columns: precision, the share of a prediction that is right.
///
/// # Shapes
///
/// `counts`: `[classes][classes]`, 2 to 20 classes.
///
/// # Errors
///
/// When `counts` is not square or has a number of classes outside 2..=20, or when the file cannot be written.
pub fn confusion(counts: &[Vec<u32>], path: impl AsRef<Path>) -> Result<()> {
    let classes = counts.len();
    ensure!(
        (2..=20).contains(&classes),
        "a confusion matrix is drawn for 2 to 20 classes, not for {classes}"
    );
    for (label, row) in counts.iter().enumerate() {
        ensure!(
            row.len() == classes,
            "row {label} of the confusion matrix has {} columns, but there are {classes} classes",
            row.len()
        );
    }
    let matrix = Matrix::new(counts);
    let layout = Layout::new(classes);
    write_svg(path.as_ref(), layout.size, 1, |area| {
        area.fill(&PAPER)?;
        layout.draw_words(area, &matrix)?;
        for label in 0..classes {
            for predicted in 0..classes {
                layout.draw_cell(area, &matrix, label, predicted)?;
            }
        }
        Ok(())
    })
}

/// The counts and their sums. Sums are `u64`: 400 cells of `u32` do not fit a `u32`.
struct Matrix<'a> {
    counts: &'a [Vec<u32>],
    /// Samples of each class.
    labelled: Vec<u64>,
    /// Predictions of each class.
    predicted: Vec<u64>,
    /// The largest share of a row that went to one wrong class.
    worst_share: f64,
}

impl<'a> Matrix<'a> {
    fn new(counts: &'a [Vec<u32>]) -> Self {
        let sum = |values: &mut dyn Iterator<Item = u32>| values.map(u64::from).sum::<u64>();
        let labelled: Vec<u64> = counts
            .iter()
            .map(|row| sum(&mut row.iter().copied()))
            .collect();
        let predicted = (0..counts.len())
            .map(|column| sum(&mut counts.iter().map(|row| row[column])))
            .collect();
        let mut matrix = Self {
            counts,
            labelled,
            predicted,
            worst_share: 0.0,
        };
        for label in 0..counts.len() {
            for predicted in (0..counts.len()).filter(|predicted| *predicted != label) {
                matrix.worst_share = matrix.worst_share.max(matrix.share(label, predicted));
            }
        }
        matrix
    }

    /// The share of row `label` that is in column `predicted`; 0 in an empty row.
    fn share(&self, label: usize, predicted: usize) -> f64 {
        ratio(
            u64::from(self.counts[label][predicted]),
            self.labelled[label],
        )
        .unwrap_or(0.0)
    }

    fn right(&self) -> u64 {
        (0..self.counts.len())
            .map(|class| u64::from(self.counts[class][class]))
            .sum()
    }

    fn total(&self) -> u64 {
        self.labelled.iter().sum()
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Where things are, in pixels.
struct Layout {
    size: (u32, u32),
    /// Upper left corner of the matrix.
    corner: (i32, i32),
    cell: i32,
    classes: i32,
}

impl Layout {
    fn new(classes: usize) -> Self {
        let cell = match classes {
            2..=4 => 84,
            5..=10 => 58,
            11..=14 => 50,
            _ => 44,
        };
        let side = classes as i32 * cell;
        // Wide enough for the headline whatever the matrix.
        let width = (side + 176).max(500);
        let corner = ((width - side - 80 - 88) / 2 + 80, 104);
        Self {
            size: (width as u32, (corner.1 + side + 96) as u32),
            corner,
            cell,
            classes: classes as i32,
        }
    }

    fn draw_words(
        &self,
        area: &super::style::Area<SVGBackend<'_>>,
        matrix: &Matrix<'_>,
    ) -> Result<()> {
        let (left, top) = self.corner;
        let side = self.classes * self.cell;
        let (middle, end) = (left + side / 2, top + side);
        let center_of = |class: i32| class * self.cell + self.cell / 2;

        let heading = Letters::new(20, INK).bold().centered();
        let headline = match ratio(matrix.right(), matrix.total()) {
            Some(accuracy) => format!(
                "{} of {} right ({})",
                grouped(matrix.right()),
                grouped(matrix.total()),
                percent(accuracy, 2)
            ),
            None => "no samples".to_owned(),
        };
        heading.write(area, &headline, (self.size.0 as i32 / 2, 26))?;

        let axis = Letters::new(17, INK).centered();
        axis.write(area, "predicted", (middle, top - 46))?;
        axis.upright()
            .write(area, "true label", (left - 54, top + side / 2))?;

        let small = Letters::new(15, GREY);
        small.write(area, "recall", (left + side + 14, top - 18))?;
        small
            .right_aligned()
            .write(area, "precision", (left - 12, end + 20))?;
        let class_name = Letters::new(18, INK).bold();
        // Percentages under the columns have to fit the columns.
        let decimals = if self.cell < 50 { 0 } else { 1 };
        for class in 0..self.classes {
            let (index, center) = (class as usize, center_of(class));
            let (name, right) = (class.to_string(), u64::from(matrix.counts[index][index]));
            class_name
                .centered()
                .write(area, &name, (left + center, top - 18))?;
            class_name
                .right_aligned()
                .write(area, &name, (left - 14, top + center))?;
            let recall = ratio(right, matrix.labelled[index]);
            let recall = recall.map_or("-".to_owned(), |share| percent(share, 1));
            small.write(area, &recall, (left + side + 14, top + center))?;
            let precision = ratio(right, matrix.predicted[index]);
            let precision = precision.map_or("-".to_owned(), |share| percent(share, decimals));
            small
                .centered()
                .write(area, &precision, (left + center, end + 20))?;
        }

        // The key: two ramps and what their dark ends stand for.
        let key_top = end + 52;
        let wrong = format!("wrong: 0 to {} of a row", percent(matrix.worst_share, 1));
        let mut key = vec![(BLUE, "right: 0 to 100 % of a row".to_owned())];
        if matrix.worst_share > 0.0 {
            key.push((VERMILION, wrong));
        }
        for (line, (color, words)) in key.into_iter().enumerate() {
            let top = key_top + 20 * line as i32;
            let from = (self.size.0 as i32 - 330) / 2;
            for step in 0..20 {
                let tone = tone(color, f64::from(step) / 19.0);
                let x = from + 4 * step;
                area.draw(&Rectangle::new(
                    [(x, top - 6), (x + 4, top + 6)],
                    tone.filled(),
                ))?;
            }
            Letters::new(15, GREY).write(area, &words, (from + 92, top))?;
        }
        Ok(())
    }

    fn draw_cell(
        &self,
        area: &super::style::Area<SVGBackend<'_>>,
        matrix: &Matrix<'_>,
        label: usize,
        predicted: usize,
    ) -> Result<()> {
        let count = matrix.counts[label][predicted];
        let share = matrix.share(label, predicted);
        let (color, depth) = if label == predicted {
            (BLUE, share)
        } else {
            (
                VERMILION,
                if count == 0 {
                    0.0
                } else {
                    share / matrix.worst_share
                },
            )
        };
        let x = self.corner.0 + predicted as i32 * self.cell;
        let y = self.corner.1 + label as i32 * self.cell;
        let corners = [(x, y), (x + self.cell, y + self.cell)];
        area.draw(&Rectangle::new(corners, tone(color, depth).filled()))?;
        area.draw(&Rectangle::new(corners, FAINT.stroke_width(1)))?;

        let text = count.to_string();
        // A digit is about half as wide as a line is high.
        let fitting = (f64::from(self.cell) * 0.86 / (0.56 * text.len() as f64)) as u32;
        let ink = if count == 0 {
            blend(PAPER, GREY, 0.6)
        } else {
            legible_on(tone(color, depth))
        };
        let letters = Letters::new(fitting.min(20), ink);
        let letters = if label == predicted {
            letters.bold()
        } else {
            letters
        };
        letters
            .centered()
            .write(area, &text, (x + self.cell / 2, y + self.cell / 2))
    }
}

/// The colour of a cell: white at 0 to the full colour at 1, with a visible step off zero.
fn tone(color: RGBColor, depth: f64) -> RGBColor {
    if depth > 0.0 {
        blend(PAPER, color, 0.08 + 0.92 * depth)
    } else {
        PAPER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the picture: everything between `>` and `<` that is not blank.
    fn words(svg: &str) -> Vec<String> {
        svg.split('>')
            .filter_map(|piece| piece.split('<').next())
            .map(|word| word.trim().to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    }

    fn draw(counts: &[Vec<u32>]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("confusion.svg");
        confusion(counts, &path)?;
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "temporary file left"
        );
        Ok(std::fs::read_to_string(path).unwrap())
    }

    #[test]
    fn shows_every_count_and_the_accuracy() {
        let svg = draw(&[vec![90, 7, 3], vec![2, 81, 17], vec![11, 13, 1_076]]).unwrap();
        let words = words(&svg);
        for expected in ["90", "7", "3", "2", "81", "17", "11", "13", "1076"] {
            assert!(
                words.iter().any(|word| word == expected),
                "{expected} in {words:?}"
            );
        }
        assert!(
            words.contains(&"1,247 of 1,300 right (95.92 %)".to_owned()),
            "{words:?}"
        );
        assert!(words.contains(&"true label".to_owned()));
        assert!(words.contains(&"predicted".to_owned()));
        // Recall of class 1 is 81 of 100; precision of class 0 is 90 of 103.
        assert!(words.contains(&"81.0 %".to_owned()));
        assert!(words.contains(&"87.4 %".to_owned()));
    }

    #[test]
    fn rows_are_labels_and_columns_are_predictions() {
        let svg = draw(&[vec![0, 5], vec![0, 0]]).unwrap();
        let five = svg.lines().position(|line| line.trim() == "5").unwrap();
        let layout = Layout::new(2);
        // Second column, first row.
        let x = layout.corner.0 + layout.cell + layout.cell / 2;
        let y = layout.corner.1 + layout.cell / 2;
        let tag = svg.lines().nth(five - 1).unwrap();
        assert!(tag.contains(&format!("x=\"{x}\" y=\"{y}\"")), "{tag}");
    }

    #[test]
    fn the_diagonal_looks_different() {
        let svg = draw(&[vec![10, 10], vec![10, 10]]).unwrap();
        let fill = |color: RGBColor| format!("#{:02X}{:02X}{:02X}", color.0, color.1, color.2);
        assert!(svg.contains(&fill(tone(BLUE, 0.5))));
        assert!(svg.contains(&fill(tone(VERMILION, 1.0))));
    }

    #[test]
    fn any_number_of_classes_from_2_to_20() {
        for classes in [2, 5, 10, 20] {
            draw(&vec![vec![u32::MAX; classes]; classes]).unwrap();
            let svg = draw(&vec![vec![0; classes]; classes]).unwrap();
            assert!(svg.contains("no samples"));
            assert!(!svg.contains("NaN"));
        }
    }

    #[test]
    fn what_is_not_a_matrix_is_an_error() {
        assert!(draw(&[]).is_err());
        assert!(draw(&[vec![1]]).is_err());
        assert!(draw(&vec![vec![1; 21]; 21]).is_err());
        let error = draw(&[vec![1, 2], vec![3]]).unwrap_err();
        assert!(error.to_string().contains("row 1"), "{error}");
    }
}
