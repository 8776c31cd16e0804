//! From a customer and a catalogue to what a decision is made from, and back to what its rules and models say.
//!
//! What must stay true:
//!
//! - What rules see of a customer is what is stored with the decision: facts are asked for once ([`questions`]), and every rule
//!   is held against those answers ([`told`]), at the decision and at each replay alike.
//! - What a model says follows from its snapshot and the catalogue's revision alone ([`models`]); both are named in the record.
//! - A name that the catalogue does not know speaks of nothing that it can ask, so leaving it out changes no decision.

pub mod carried;
pub mod models;
pub mod questions;
pub mod seen;
#[cfg(test)]
mod tests;
pub mod told;

pub use models::{Learnt, Models};
pub use questions::Questions;
pub use seen::{Page, Seen, inputs, situation};
pub use told::Told;
