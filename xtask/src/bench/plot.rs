//! A plot of figures of one unit: a bar for each median, a mark for the best, and a line where the limit is.

use super::row::Row;
use anyhow::anyhow;
use plotters::prelude::{
    BLACK, Color, IntoDrawingArea, IntoFont, PathElement, RED, RGBColor, Rectangle, SVGBackend, Text, WHITE,
};
use std::path::Path;

/// In pixels: a bar with its room, what is beside the bars on the left, and the bars.
const ROW: i32 = 26;
const NAMES: i32 = 330;
const BARS: i32 = 420;
/// For the figures behind the bars, and the title above.
const FIGURES: i32 = 150;
const TITLE: i32 = 40;

const BAR: RGBColor = RGBColor(90, 130, 180);

/// Draws `rows` into `file`.
pub(super) fn plot(file: &Path, title: &str, rows: &[&Row]) -> anyhow::Result<()> {
    let most = rows.iter().flat_map(|row| [row.median, row.best, row.limit.unwrap_or(0.0)]).fold(0.0, f64::max);
    let at = |value: f64| NAMES + pixels(value / most);
    let height = TITLE + ROW * i32::try_from(rows.len())? + ROW / 2;
    let size = (u32::try_from(NAMES + BARS + FIGURES)?, u32::try_from(height)?);
    let area = SVGBackend::new(file, size).into_drawing_area();
    // Its errors hold one of the file that is drawn to, which is not `Sync`.
    let failed = |error| anyhow!("cannot draw {}: {error}", file.display());
    area.fill(&WHITE).map_err(|error| failed(error.to_string()))?;
    let text = |words: String, place| Text::new(words, place, ("sans-serif", 14).into_font().color(&BLACK));
    area.draw(&text(title.to_owned(), (10, 12))).map_err(|error| failed(error.to_string()))?;
    let mut top = TITLE;
    for row in rows {
        let (bottom, digits) = (top + ROW - 8, row.digits());
        let bar = Rectangle::new([(NAMES, top), (at(row.median), bottom)], BAR.filled());
        area.draw(&bar).map_err(|error| failed(error.to_string()))?;
        let best = PathElement::new([(at(row.best), top), (at(row.best), bottom)], BLACK.stroke_width(2));
        area.draw(&best).map_err(|error| failed(error.to_string()))?;
        if let Some(limit) = row.limit {
            let line = PathElement::new([(at(limit), top - 3), (at(limit), bottom + 3)], RED.stroke_width(2));
            area.draw(&line).map_err(|error| failed(error.to_string()))?;
        }
        let figures = format!("{:.digits$} ({:.digits$})", row.median, row.best);
        for words in [text(row.what.clone(), (10, top + 2)), text(figures, (NAMES + BARS + 10, top + 2))] {
            area.draw(&words).map_err(|error| failed(error.to_string()))?;
        }
        top += ROW;
    }
    area.present().map_err(|error| failed(error.to_string()))
}

/// How far a part of the longest bar reaches.
fn pixels(part: f64) -> i32 {
    let (mut low, mut high) = (0, BARS);
    // A cast from floating point can lose its sign or more, and is not needed for so few steps.
    while low < high {
        let middle = (low + high + 1) / 2;
        if f64::from(middle) <= part * f64::from(BARS) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_part() {
        let all = [-1.0, 0.0, 0.5, 1.0, 2.0, f64::NAN].map(pixels);
        assert_eq!(all, [0, 0, BARS / 2, BARS, BARS, 0]);
    }
}
