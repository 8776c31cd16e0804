//! Tests of the language.

mod examples;
mod generate;
mod hostile;
mod laws;
mod mistakes;
mod naive;
mod reference;
mod segments;
mod speed;
mod texts;
mod world;
