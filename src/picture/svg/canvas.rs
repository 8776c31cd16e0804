//! What is drawn on: shapes and texts, escaped.

use std::fmt::Write as _;

use super::style;
use crate::visible::{cut, visible, width};

/// A place that a card or a label takes; nothing else may lie there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::picture) struct Area {
    pub(in crate::picture) x: usize,
    pub(in crate::picture) y: usize,
    pub(in crate::picture) width: usize,
    pub(in crate::picture) height: usize,
}

/// Where a text begins and how much room it has.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) x: usize,
    /// Of the line that letters stand on.
    pub(super) y: usize,
    pub(super) room: usize,
}

/// A picture under way.
#[derive(Default)]
pub(super) struct Canvas {
    body: String,
    areas: Vec<Area>,
}

/// How much of a text's size a column takes at most.
const COLUMN: usize = 61;

/// How many columns of text have room.
pub(in crate::picture) fn columns(room: usize, size: usize) -> usize {
    room * 100 / (size * COLUMN)
}

/// How much room a text takes at most.
pub(in crate::picture) fn room(text: &str, size: usize) -> usize {
    (width(&visible(text)) * size * COLUMN).div_ceil(100)
}

/// A text as the text of an element, or as an attribute in quotation marks.
pub(in crate::picture) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No characters of XML.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

impl Canvas {
    /// Adds a shape, as it is written. Nothing of a customer may be in it.
    pub(super) fn shape(&mut self, written: &str) {
        self.body.push_str(written);
        self.body.push('\n');
    }

    /// Says that nothing else may lie in an area.
    pub(super) fn claim(&mut self, area: Area) {
        self.areas.push(area);
    }

    /// Begins what belongs together, with the text that is shown when one points at it.
    pub(super) fn group(&mut self, told: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(told));
    }

    /// Ends it.
    pub(super) fn end(&mut self) {
        self.shape("</g>");
    }

    /// Adds a text of a size, cut to its room.
    pub(super) fn text(&mut self, at: At, size: usize, class: &str, text: &str) {
        let text = visible(text);
        let shown = cut(&text, columns(at.room, size));
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-size=\"{size}\" class=\"{class}\">{}</text>",
            at.x,
            at.y,
            escaped(&shown)
        );
    }

    /// Adds a text that stands by itself: nothing else may lie where it is.
    pub(super) fn label(&mut self, at: At, size: usize, class: &str, text: &str) {
        let shown = visible(text);
        let shown = cut(&shown, columns(at.room, size));
        self.claim(Area {
            x: at.x,
            y: at.y - size * 85 / 100,
            width: room(&shown, size).min(at.room),
            height: size * 110 / 100,
        });
        self.text(at, size, class, text);
    }

    /// The whole picture of a width and height.
    pub(super) fn finish(
        self,
        (width, height): (usize, usize),
        title: &str,
        told: &str,
    ) -> (String, Vec<Area>, Area) {
        let mut out = String::with_capacity(self.body.len() + 4_096);
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" font-family=\"{}\">",
            escaped(title),
            style::FONTS
        );
        let _ = writeln!(out, "<title>{}</title>", escaped(title));
        let _ = writeln!(out, "<desc>{}</desc>", escaped(told));
        let _ = writeln!(out, "<style>{}</style>", style::SHEET);
        let _ = writeln!(
            out,
            "<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>"
        );
        out.push_str(&self.body);
        out.push_str("</svg>\n");
        let whole = Area {
            x: 0,
            y: 0,
            width,
            height,
        };
        (out, self.areas, whole)
    }
}
