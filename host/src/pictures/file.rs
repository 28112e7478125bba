//! Files that are either complete or not there.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use plotters::prelude::*;

use super::style::Area;

/// Writes `bytes` to a temporary file beside `path`, then renames it to `path`.
///
/// A reader of `path` sees the old file or the complete new one, whenever the program or the machine
/// stops.
///
/// # Errors
///
/// When the folder is missing or not writable. What was under `path` is then untouched, and the temporary
/// file is removed.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let attempt = || -> Result<()> {
        path.file_name()
            .context("the path does not end in the name of a file")?;
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        // Temporary files are for their owner alone; a run's files should be as readable as any.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut temporary = builder.tempfile_in(folder)?;
        temporary.write_all(bytes)?;
        // Otherwise the new name may reach the disk before the contents do.
        temporary.as_file().sync_all()?;
        // The whole error would hold on to the temporary file for as long as it is passed around.
        temporary.persist(path).map_err(|failure| failure.error)?;
        Ok(())
    };
    attempt().with_context(|| format!("cannot write {}", path.display()))
}

/// Draws an SVG of `size` units, shown at `size` divided by `units_per_pixel` pixels.
///
/// Plotters rounds every coordinate to a whole unit: several units to a pixel keep curves smooth.
pub(super) fn write_svg(
    path: &Path,
    size: (u32, u32),
    units_per_pixel: u32,
    draw: impl FnOnce(&Area<SVGBackend<'_>>) -> Result<()>,
) -> Result<()> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    let (width, height) = (size.0 / units_per_pixel, size.1 / units_per_pixel);
    let drawn = format!("<svg width=\"{}\" height=\"{}\"", size.0, size.1);
    let shown = format!("<svg width=\"{width}\" height=\"{height}\"");
    replace_file(path, text.replacen(&drawn, &shown, 1).as_bytes())
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
    replace_file(path, &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file, which shows only at the renaming.
        let path = folder.path().join("a.txt");
        std::fs::create_dir(&path).unwrap();
        let error = replace_file(&path, b"new").unwrap_err();
        assert!(format!("{error:#}").contains("a.txt"), "{error:#}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(path.is_dir());
        assert!(replace_file(Path::new("/"), b"new").is_err());
    }

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
    fn a_write_replaces_the_old_file_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        replace_file(&path, b"new").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("a.txt"), folder.path().join("b.txt"));
        replace_file(&ours, b"x").unwrap();
        std::fs::write(&plain, "x").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
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
