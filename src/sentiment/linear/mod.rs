//! A linear model over hashed n-grams, three classes, eight bits a weight.
//!
//! What must stay true: features are a pure function of the sentence and the lexica, so a model file
//! belongs to the lexica it was trained with; a file of another shape is refused, never half read.

mod features;
mod intensifiers;
mod model;

pub(in crate::sentiment) use features::{DENSE, Features, Shown};
pub(in crate::sentiment) use model::{BITS, BUCKETS, CLASSES, Model, index, norm, real, write};
