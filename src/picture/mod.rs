//! Pictures. Pure.
//!
//! An explanation of who is one person, for Graphviz and as an SVG that is understood at a glance; and how a customer has
//! felt, as an SVG (`history`).
//!
//! What must stay true:
//!
//! - A picture says nothing that the answer does not say: it is drawn from the answer as its reader gets it, so what was
//!   masked there is in no picture.
//! - The same answer gives the same bytes.
//! - Text of customers is text and nothing else: what cannot be seen is replaced, what has a meaning in the format is
//!   escaped, and no picture refers to anything outside itself.
//! - In an SVG no label lies upon another: every identifier has a row of its own to the right of what joins it, so lines
//!   never run through cards (`plan`). What is too much for one look is drawn together and counted.

mod dot;
pub mod history;
mod plan;
mod svg;
pub(crate) mod tree;
pub(crate) mod words;

#[cfg(test)]
mod example;
#[cfg(test)]
mod laws;

use prost_types::Timestamp;

use crate::{
    clock::Micros,
    proto::v1::{ExplainIdentityResponse, PictureFormat},
};

pub use dot::dot;
pub use svg::svg;

/// How a time is written, as a day.
pub type Day<'a> = &'a dyn Fn(Option<&Timestamp>) -> String;

/// The picture that is asked for, with days in UTC; empty when none is.
#[must_use]
pub fn draw(answer: &ExplainIdentityResponse, format: PictureFormat) -> String {
    match format {
        PictureFormat::Unspecified => String::new(),
        PictureFormat::Dot => dot(answer, &utc_day),
        PictureFormat::Svg => svg(answer, &utc_day),
    }
}

/// A day in UTC, `2024-03-02`.
fn utc_day(at: Option<&Timestamp>) -> String {
    let at = at
        .and_then(Micros::from_proto)
        .and_then(Micros::to_datetime);
    at.map_or_else(String::new, |at| at.format("%Y-%m-%d").to_string())
}
