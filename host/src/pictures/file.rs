//! Drawings as text, and into files: an SVG or a PNG that is either complete or not there.

use std::path::Path;

use anyhow::Result;
use plotters::prelude::*;

use super::style::Area;
use crate::files::write_atomically;

/// Draws an SVG of `size` units, shown at `size` divided by `units_per_pixel` pixels.
///
/// Plotters rounds every coordinate to a whole unit: several units to a pixel keep curves smooth.
pub(super) fn svg(
    size: (u32, u32),
    units_per_pixel: u32,
    draw: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<()>,
) -> Result<String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let (width, height) = (size.0 / units_per_pixel, size.1 / units_per_pixel);
    let drawn = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    let shown = format!("<svg width=\"{width}\" height=\"{height}\"");
    Ok(text.replacen(&drawn, &shown, 1))
}

/// Draws an [`svg`] into a file.
pub(super) fn write_svg(
    path: &Path,
    size: (u32, u32),
    units_per_pixel: u32,
    draw: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<()>,
) -> Result<()> {
    write_atomically(path, svg(size, units_per_pixel, draw)?.as_bytes())
}

/// Draws a PNG of `size` pixels.
pub(super) fn write_png(
    path: &Path,
    size: (u32, u32),
    draw: impl FnOnce(&Area<BitMapBackend<'_>>) -> Result<()>,
) -> Result<()> {
    let (width, height) = size;
    // A hundred million pixels are 300 MB: no viewer's friend, and far from overflowing anything.
    let count = u64::from(width) * u64::from(height);
    anyhow::ensure!(
        count <= 100_000_000,
        "a picture of {width} x {height} pixels would be too large to look at"
    );
    let mut pixels = vec![0; 3 * count as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    write_atomically(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_that_fails_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        std::fs::write(&path, "old").unwrap();
        assert!(write_png(&path, (10, 10), |_| anyhow::bail!("no ink")).is_err());
        assert!(write_svg(&path, (10, 10), 1, |_| anyhow::bail!("no ink")).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_drawing_replaces_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "old").unwrap();
        write_png(&path, (10, 10), |area| Ok(area.fill(&WHITE)?)).unwrap();
        assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"));
        write_svg(&path, (10, 20), 2, |area| Ok(area.fill(&WHITE)?)).unwrap();
        let svg = std::fs::read_to_string(&path).unwrap();
        assert!(
            svg.starts_with("<svg width=\"5\" height=\"10\" viewBox=\"0 0 10 20\""),
            "{svg}"
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_is_taken_by_a_folder_is_an_error_that_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        // This shows only when the complete file is to be renamed.
        let path = folder.path().join("a.svg");
        std::fs::create_dir(&path).unwrap();
        let error = write_svg(&path, (10, 10), 1, |_| Ok(())).unwrap_err();
        assert!(format!("{error:#}").contains("a.svg"), "{error:#}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("nowhere").join("a.svg");
        let error = write_svg(&path, (10, 10), 1, |_| Ok(())).unwrap_err();
        assert!(format!("{error:#}").contains("a.svg"), "{error:#}");
    }

    #[test]
    fn an_absurd_size_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        assert!(write_png(&path, (70_000, 70_000), |_| Ok(())).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
