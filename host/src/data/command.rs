//! `thumbnet data`: fetches a data set, or shows what is in it and what augmentation makes of it.

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use console::Term;
use thumbnet::augment::Augment;

use crate::commands::output::{grouped, print};
use crate::files::{check_replaceable, write_atomically};
use crate::pictures::points;
use crate::run::augment_flags::AugmentFlags;

use super::picture::{Shades, draw, images_per_row};
use super::places::Places;
use super::scatter::scatter;
use super::sheet::{self, contact_sheet};
use super::variants;
use super::{Checked, DataChoice, Dataset, Loaded, Samples, known, load_from};

/// The widest output: wider terminals do not make rows of images easier to read.
const COLUMNS: usize = 100;

/// Arguments of `thumbnet data`.
#[derive(Clone, Debug, clap::Args)]
pub struct DataArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Clone, Debug, clap::Subcommand)]
enum Action {
    /// Make sure a data set is there, and say where it is
    Fetch {
        /// mnist, fashion-mnist, digits, xor, two-moons, or a folder with MNIST's four files
        name: DataChoice,
    },
    /// Draw images or points, count classes, and write a PNG: examples of every class, or all points
    ///
    /// With flags of augmentation, each image is followed by what the first epochs of a training
    /// with seed 7 would see in its place, in the terminal and in the PNG.
    Show {
        /// mnist, fashion-mnist, digits, xor, two-moons, or a folder with MNIST's four files
        name: DataChoice,
        /// How many training images to draw [default: as many as two rows hold; all points]
        #[arg(long, value_name = "N")]
        count: Option<usize>,
        /// Where the PNG goes [default: NAME-contact-sheet.png, or NAME-points.png, in the current
        /// folder]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        augment: AugmentFlags,
    },
}

/// Runs `thumbnet data`; what it was asked for goes to stdout, everything else to stderr.
///
/// # Errors
///
/// The data cannot be had or is damaged, or the PNG cannot be written.
pub fn run(args: &DataArgs) -> Result<()> {
    let places = Places::from_environment();
    match &args.action {
        Action::Fetch { name } => print(&summary(&load_from(name, &places)?)),
        Action::Show {
            name,
            count,
            out,
            augment,
        } => {
            let loaded = load_from(name, &places)?;
            let (shades, columns) = terminal();
            let mut text = summary(&loaded);
            let augment = augment.over(Augment::NONE);
            ensure!(
                augment.is_none() || !loaded.dataset.train.are_points(),
                "{}: only images can be augmented, and these are points: leave out the flags of \
                 augmentation",
                loaded.dataset.name
            );
            text += &pictures(&loaded.dataset, augment, *count, shades, columns)?;
            text += &class_table(&loaded.dataset);
            text += &write_png(&loaded.dataset, augment, out.as_deref())?;
            print(&text)
        }
    }
}

/// Writes the PNG, and says what it shows.
fn write_png(dataset: &Dataset, augment: Augment, out: Option<&Path>) -> Result<String> {
    let end = match dataset.train.are_points() {
        true => "points",
        false => "contact-sheet",
    };
    let path = match out {
        Some(path) => path.to_owned(),
        None => PathBuf::from(format!("{}-{end}.png", dataset.name)),
    };
    check_replaceable(&path, "a PNG", |bytes| {
        bytes.starts_with(b"\x89PNG\r\n\x1a\n")
    })
    .context("--out")?;
    if dataset.train.are_points() {
        points(dataset, &path)?;
        return Ok(format!(
            "\nwrote {}: training and test points\n",
            path.display()
        ));
    }
    let columns = sheet::images_per_row(dataset.train.width);
    let (sheet, shown) = if augment.is_none() {
        let sheet = contact_sheet(&dataset.train, dataset.classes, columns);
        let shown = format!("its first {} training images", sheet.columns);
        (sheet, shown)
    } else {
        let images = variants::of_each_class(dataset, augment, columns.max(2))?;
        let sheet = contact_sheet(&images, dataset.classes, columns.max(2));
        let shown = format!("its first image, then in epochs 1 to {}", sheet.columns - 1);
        (sheet, shown)
    };
    write_atomically(&path, &sheet.png()?)?;
    Ok(format!(
        "\nwrote {}: {} x {} pixels, one row per class, {shown}\n",
        path.display(),
        sheet.width,
        sheet.height,
    ))
}

/// How stdout takes grey values, and how many columns to use of it.
fn terminal() -> (Shades, usize) {
    let set = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    if !std::io::stdout().is_terminal() {
        return (Shades::Ascii, COLUMNS);
    }
    let columns = match Term::stdout().size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(1, COLUMNS),
        None => 80,
    };
    let plain =
        set("NO_COLOR").is_some() || set("TERM").map_or(!cfg!(windows), |term| term == "dumb");
    let shades = match set("COLORTERM") {
        _ if plain => Shades::Ascii,
        Some(value) if value == "truecolor" || value == "24bit" => Shades::TrueColour,
        _ => Shades::Colours256,
    };
    (shades, columns)
}

/// What a data set is, where it came from, and what it was compared with.
fn summary(loaded: &Loaded) -> String {
    let Dataset {
        name,
        source,
        classes,
        train,
        validation,
        test,
    } = &loaded.dataset;
    let parts = [train, validation, test].map(Samples::len);
    let [train_count, validation_count, test_count] = parts.map(grouped);
    let checked = match loaded.checked {
        Checked::Known => format!("ok, all four files are those of {name}"),
        Checked::Sums => "ok, all four files are those in the folder's SHA256SUMS".to_owned(),
        Checked::Nothing => "none known for this data; the files' format is right".to_owned(),
        Checked::Embedded => "not needed, the data is part of the program".to_owned(),
    };
    let size = format!("{} x {} pixels", train.width, train.height);
    let what = match train.are_points() {
        true => format!("points in the plane, images of {size},"),
        false => format!("grey images of {size}"),
    };
    let mut text = format!(
        "{name}: {} {what} in {classes} classes\n\
         \x20 split    {train_count} train, {validation_count} validation, {test_count} test\n\
         \x20 source   {source}\n",
        grouped(parts.iter().sum()),
    );
    if let Some(folder) = &loaded.folder {
        let folder = folder.display().to_string();
        // Data read from a folder has it as its source already.
        if !source.contains(&folder) {
            let _ = writeln!(text, "  now in   {folder}");
        }
    }
    let _ = writeln!(text, "  SHA-256  {checked}");
    text
}

/// The first training images, or points, drawn; if images are augmented, a row for each.
fn pictures(
    dataset: &Dataset,
    augment: Augment,
    count: Option<usize>,
    shades: Shades,
    columns: usize,
) -> Result<String> {
    let train = &dataset.train;
    let per_row = images_per_row(train.width, columns);
    if !augment.is_none() {
        let images = variants::of_first(dataset, count.unwrap_or(2), augment, per_row.max(2))?;
        return Ok(pictures_of(&images, images.len(), dataset, shades, columns));
    }
    let usual = match train.are_points() {
        true => train.len(),
        false => 2 * per_row,
    };
    let count = count.unwrap_or(usual).min(train.len());
    Ok(pictures_of(train, count, dataset, shades, columns))
}

/// The first of these samples, drawn.
fn pictures_of(
    samples: &Samples,
    count: usize,
    dataset: &Dataset,
    shades: Shades,
    columns: usize,
) -> String {
    let indices: Vec<usize> = (0..count).collect();
    let names = known::class_names(&dataset.name);
    let drawn = match samples.are_points() {
        true => scatter(samples, &indices, columns),
        false => draw(samples, &indices, names, shades, columns),
    };
    if drawn.is_empty() {
        return String::new();
    }
    format!("\n{drawn}")
}

/// How many samples of each class the three parts hold.
fn class_table(dataset: &Dataset) -> String {
    let parts = [&dataset.train, &dataset.validation, &dataset.test];
    let mut counts = vec![[0; 3]; dataset.classes];
    for (part, samples) in parts.into_iter().enumerate() {
        for &label in &samples.labels {
            counts[usize::from(label)][part] += 1;
        }
    }
    let names = known::class_names(&dataset.name);
    let mut text = format!(
        "\n{:<14} {:>10} {:>10} {:>10}\n",
        "class", "train", "validation", "test"
    );
    let mut line = |title: &str, counts: [usize; 3]| {
        let [train, validation, test] = counts.map(grouped);
        let _ = writeln!(text, "{title:<14} {train:>10} {validation:>10} {test:>10}");
    };
    for (class, counts) in counts.into_iter().enumerate() {
        let name = names.get(class).unwrap_or(&"");
        line(format!("{class} {name}").trim_end(), counts);
    }
    line("all", parts.map(Samples::len));
    text
}

#[cfg(test)]
mod tests {
    use super::super::embedded;
    use super::*;

    #[test]
    fn the_digits_are_summed_up_and_counted() {
        let loaded = embedded().unwrap();
        let text = summary(&loaded);
        assert!(
            text.starts_with("digits: 1,797 grey images of 8 x 8 pixels in 10 classes\n"),
            "{text}"
        );
        let table = class_table(&loaded.dataset);
        assert!(
            table.ends_with("all                 1,197        300        300\n"),
            "{table}"
        );
        assert_eq!(table.lines().count(), 13);
        let all = text
            + &table
            + &pictures(&loaded.dataset, Augment::NONE, None, Shades::Ascii, 100).unwrap();
        assert!(all.lines().all(|line| line.len() <= COLUMNS));
    }

    #[test]
    fn points_are_drawn_where_they_are() {
        let loaded = load_from(&DataChoice::Xor, &Places::from_environment()).unwrap();
        let text = summary(&loaded);
        assert!(
            text.starts_with(
                "xor: 800 points in the plane, images of 2 x 1 pixels, in 2 classes\n"
            ),
            "{text}"
        );
        let drawn = pictures(&loaded.dataset, Augment::NONE, None, Shades::Ascii, 100).unwrap();
        let lines: Vec<&str> = drawn.trim_end().lines().collect();
        // Class 1 is the one in the upper left and in the lower right.
        let upper = lines.iter().find(|line| line.contains("11111")).unwrap();
        assert!(upper.find('1') < upper.find('0'), "{drawn}");
        let lower = lines.iter().rfind(|line| line.contains("11111")).unwrap();
        assert!(lower.find('1') > lower.find('0'), "{drawn}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("points.png");
        let text = write_png(&loaded.dataset, Augment::NONE, Some(&path)).unwrap();
        assert!(path.exists() && text.contains("training and test points"));
    }
    #[test]
    fn each_augmented_image_has_a_row() {
        let dataset = embedded().unwrap().dataset;
        let augment = Augment {
            elastic: 0.5,
            ..Augment::NONE
        };
        let text = pictures(&dataset, augment, Some(3), Shades::Ascii, 100).unwrap();
        // A line of labels and four of pixels for each.
        assert_eq!(text.lines().count(), 1 + 3 * 5);
        let folder = tempfile::tempdir().unwrap();
        let [plain, augmented] = [Augment::NONE, augment].map(|augment| {
            let path = folder.path().join("sheet.png");
            let text = write_png(&dataset, augment, Some(&path)).unwrap();
            (text, std::fs::read(path).unwrap())
        });
        assert!(
            plain.0.ends_with("its first 20 training images\n"),
            "{plain:?}"
        );
        assert!(augmented.0.ends_with("epochs 1 to 19\n"), "{augmented:?}");
        assert_ne!(plain.1, augmented.1);
    }
}
