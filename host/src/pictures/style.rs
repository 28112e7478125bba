//! What the pictures have in common: colours, and how numbers are written.

use plotters::coord::Shift;
use plotters::prelude::*;

/// A whole picture, in pixels, before any coordinate system.
pub(super) type Area<DB> = DrawingArea<DB, Shift>;

// Blue, vermilion and bluish green of the palette by Okabe and Ito (2008, "Color universal design"),
// chosen to be told apart by people with any of the common kinds of colour blindness.

/// What is right, or negative, or belongs to training.
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
/// What is wrong, or positive, or belongs to validation.
pub(super) const VERMILION: RGBColor = RGBColor(213, 94, 0);
/// The best epoch.
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
// Two more of that palette, darker, so that lines of them stand out from white (3 : 1 and more).
/// A curve among several.
pub(super) const PURPLE: RGBColor = RGBColor(168, 75, 130);
/// A curve among several.
pub(super) const OCHRE: RGBColor = RGBColor(150, 110, 0);
/// Letters.
pub(super) const INK: RGBColor = RGBColor(34, 34, 34);
/// Letters that should not be read first.
pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);
/// Lines of a grid.
pub(super) const FAINT: RGBColor = RGBColor(222, 222, 222);
/// Behind points that have no value.
pub(super) const SHADE: RGBColor = RGBColor(236, 232, 240);
/// The sheet.
pub(super) const PAPER: RGBColor = WHITE;

/// Every colour of a diagram as SVG spells it, and the name under which a page's style sheet can put
/// another one in its place, when the page is dark.
pub(crate) fn named_colors() -> [(String, &'static str); 10] {
    [
        (PAPER, "paper"),
        (INK, "ink"),
        (GREY, "grey"),
        (FAINT, "faint"),
        (SHADE, "shade"),
        (BLUE, "blue"),
        (VERMILION, "vermilion"),
        (GREEN, "green"),
        (PURPLE, "purple"),
        (OCHRE, "ochre"),
    ]
    .map(|(RGBColor(red, green, blue), name)| (format!("#{red:02X}{green:02X}{blue:02X}"), name))
}

/// The colour a `share` (0 to 1) of the way from `from` to `to`.
pub(super) fn blend(from: RGBColor, to: RGBColor, share: f64) -> RGBColor {
    let share = share.clamp(0.0, 1.0);
    let mix = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round() as u8;
    RGBColor(mix(from.0, to.0), mix(from.1, to.1), mix(from.2, to.2))
}

/// Of black and white letters, those that are easier to read on `background`.
pub(super) fn legible_on(background: RGBColor) -> RGBColor {
    // Contrast as the Web Content Accessibility Guidelines 2.1 define it, from relative luminance.
    let luminance = |color: RGBColor| {
        let linear = |channel: u8| {
            let channel = f64::from(channel) / 255.0;
            if channel <= 0.03928 {
                channel / 12.92
            } else {
                ((channel + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * linear(color.0) + 0.7152 * linear(color.1) + 0.0722 * linear(color.2)
    };
    let behind = luminance(background) + 0.05;
    if 1.05 / behind > behind / (luminance(INK) + 0.05) {
        WHITE
    } else {
        INK
    }
}

/// A whole number with a comma after each group of three digits: `12,345`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share (0 to 1) in percent, `98.21 %`, with `decimals` digits after the point.
///
/// Never rounded up to 100 nor down to 0: those two are claims.
pub(super) fn percent(share: f64, decimals: usize) -> String {
    let smallest = 10f64.powi(-(decimals as i32));
    let mut value = share * 100.0;
    if share < 1.0 && share > 0.0 {
        value = value.clamp(smallest, 100.0 - smallest);
    }
    format!("{value:.decimals$} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }

    #[test]
    fn only_all_is_a_hundred_percent_and_only_none_is_zero() {
        assert_eq!(percent(0.98214, 2), "98.21 %");
        assert_eq!(percent(1.0, 2), "100.00 %");
        assert_eq!(percent(0.999_999, 2), "99.99 %");
        assert_eq!(percent(0.000_001, 1), "0.1 %");
        assert_eq!(percent(0.0, 1), "0.0 %");
    }

    #[test]
    fn letters_stand_out() {
        assert_eq!(legible_on(PAPER), INK);
        assert_eq!(legible_on(BLUE), WHITE);
        assert_eq!(legible_on(blend(PAPER, BLUE, 0.5)), INK);
        assert_eq!(legible_on(blend(PAPER, VERMILION, 0.7)), INK);
    }

    #[test]
    fn a_blend_starts_and_ends_at_its_colours() {
        assert_eq!(blend(PAPER, BLUE, 0.0), PAPER);
        assert_eq!(blend(PAPER, BLUE, 7.0), BLUE);
        assert_eq!(
            blend(RGBColor(0, 100, 200), RGBColor(100, 0, 200), 0.5),
            RGBColor(50, 50, 200)
        );
    }
}
