//! A text before it is scored: normalised, masked, cut into sentences, its language known.
//!
//! What must stay true: a [`Prepared`] text maps every range on its character boundaries to a range
//! on character boundaries of the original, and no range of at least one character maps to nothing.

mod language;
mod mask;
mod prepare;
mod sentences;
#[cfg(test)]
mod tests;

pub(in crate::sentiment) use language::spoken_count;
pub use language::{of_sentence, of_text};
pub use prepare::Prepared;
pub use sentences::sentences;
