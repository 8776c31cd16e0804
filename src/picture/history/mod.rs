//! How a customer has felt, as an SVG that tells the story at a glance: the level over time, every feeling, the answers to
//! surveys, and what happened meanwhile.
//!
//! What must stay true, besides what holds for every picture:
//!
//! - Time runs from left to right in all bands alike, in the zone of who looks.
//! - Good is up and bad is down. What a colour says is said by the place or by a word as well.
//! - A text is as wide as its letters may be (`canvas::room`), wide characters counted as wide; what finds no room of its own
//!   is left out of sight and told when one points at its mark.
//! - The line is made of the levels of the answer and of nothing else (`level`).
//!
//! Shapes, scales and texts are drawn by `plotters`, whose SVG needs no fonts; it draws no texts for pointing at, which are
//! laid over its picture.

mod axis;
mod level;
mod marks;
mod model;
mod moments;
mod notes;
mod scales;
mod sheet;

#[cfg(test)]
mod example;
#[cfg(test)]
mod laws;

use crate::clock::Micros;

pub use model::{Event, Story};
pub(crate) use model::{label, said, words};

use model::{History, Span};
use sheet::{Anchor, Area, At, Ink, Sheet};

/// How many seconds clocks are before UTC at an instant.
pub type East<'a> = &'a dyn Fn(Micros) -> i64;

/// Of the whole picture.
const WIDTH: i32 = 1_080;
/// Where time begins.
const LEFT: i32 = 92;
/// Where it ends.
const RIGHT: i32 = WIDTH - 28;
/// Of the band of feelings.
const HEIGHT: i32 = 280;
/// Of a scale's band.
const BAND: i32 = 52;
/// Of a row of labels of marks.
const LANE: i32 = 20;
/// Above everything that is drawn.
const HEAD: i32 = 74;

/// Where the bands are.
#[derive(Clone, Copy, Debug)]
struct Frame {
    /// What time is shown.
    span: Span,
    /// Top of the feelings.
    top: i32,
    /// Their bottom.
    bottom: i32,
    /// Bottom of the last band.
    end: i32,
}

/// A history as an SVG.
///
/// # Errors
/// When the drawing library refuses; it refuses nothing that is written into memory.
pub fn history(story: &Story<'_>, east: East<'_>) -> Result<String, String> {
    drawn(story, east).map(|(svg, _, _)| svg)
}

/// The picture, the areas of its texts, and its height.
fn drawn(story: &Story<'_>, east: East<'_>) -> Result<(String, Vec<Area>, i32), String> {
    let history = History::of(story);
    let lanes = marks::lanes(&history);
    let scales = scales::scales(&history);
    let span = history.span.unwrap_or_default();
    let rows = i32::try_from(lanes.rows).unwrap_or_default();
    let bands = i32::try_from(scales.len()).unwrap_or_default();
    let top = HEAD + rows * LANE + 10;
    let frame = Frame {
        span,
        top,
        bottom: top + HEIGHT,
        end: top + HEIGHT + bands * BAND,
    };
    let legend = notes::Legend::of(&history, &scales);
    let height = frame.end + 30 + legend.height();
    let mut svg = String::new();
    let (areas, over) = {
        let mut sheet = Sheet::new(&mut svg, (WIDTH, height), span, (frame.top, frame.bottom))?;
        notes::head(&mut sheet, &history)?;
        if history.is_empty() {
            let middle = i32::midpoint(frame.top, frame.bottom);
            sheet.frame((LEFT, frame.top, RIGHT, frame.end))?;
            let at = At {
                x: i32::midpoint(LEFT, RIGHT),
                y: middle,
                room: RIGHT - LEFT,
                anchor: Anchor::Middle,
            };
            sheet.text(at, 15, Ink::Faint, "no feeling is known")?;
        } else {
            axis::draw(&mut sheet, frame, east)?;
            marks::draw(&mut sheet, frame, &lanes, east)?;
            level::draw(&mut sheet, &history)?;
            moments::draw(&mut sheet, &history, frame, east)?;
            scales::draw(&mut sheet, frame, &scales, east)?;
        }
        legend.draw(&mut sheet, frame.end + 30)?;
        sheet.finish()?
    };
    let told = notes::told(&history);
    let svg = sheet::complete(&svg, &told, &over);
    Ok((svg, areas, height))
}
