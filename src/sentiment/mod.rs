//! How a customer feels, read from the customer's own words.
//!
//! Everything here is a pure function of the text, the options and the embedded lexica and models:
//! no clock, no randomness, no I/O. What must stay true: the same text with the same options and the
//! same [`MODEL_VERSION`] gives the same [`Analysis`], and every span of an analysis lies on
//! character boundaries of the text as it was handed in.

mod analyze;
pub mod cues;
pub mod en;
mod evidence;
mod gates;
mod hashing;
pub mod history;
pub mod ja;
mod judge;
mod linear;
pub mod listening;
pub mod model;
mod read;
#[cfg(test)]
mod tests;
pub mod text;
mod topics;
pub mod train;
pub mod wire;

pub use analyze::{MODEL_VERSION, analyze};
pub use cues::Taxonomy;
pub use gates::Gate;
pub use listening::{Listening, Reader};
pub use model::{
    Analysis, Clue, Emotion, Feeling, Intent, Label, Language, Options, Score, Span, SpanKind,
    TopicFeeling,
};
