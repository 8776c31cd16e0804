//! The trainer: labelled texts in, a model file and its report out.
//!
//! What must stay true: the same rows give the same bytes. Rows are taken in the order of their
//! files, shuffled by a fixed seed, and no thread, clock or hash secret takes part. A document is held
//! out as a whole or not at all, and a text that stands twice counts once.

mod card;
mod fit;
mod gates;
mod report;
mod rows;
#[cfg(test)]
mod tests;
mod vader;

pub use card::card;
pub use gates::{GateFigures, GateTexts, Rates, TrainedGates, train_gates};
pub use report::{Figures, Report};
pub use rows::{Row, Source, rows_of_corpus, rows_of_public};

use crate::sentiment::judge;
use crate::sentiment::linear::Model;
use crate::sentiment::model::Language;

/// A trained model.
#[derive(Debug, Clone)]
pub struct Trained {
    /// The model file.
    pub file: Vec<u8>,
    /// How it does on the documents held out.
    pub report: Report,
}

/// Trains the model of one language; `rows` hold public and own texts in the order of their files.
#[must_use]
pub fn train(language: Language, rows: &[Row]) -> Trained {
    let rows = rows::without_repeats(rows);
    let file = fit::fit(language, &rows);
    let report = report::report(language, &rows, Model::parse(&file).as_ref());
    Trained { file, report }
}

/// Tries the embedded model of a language on the documents that training leaves out.
#[must_use]
pub fn evaluate(language: Language, rows: &[Row]) -> Report {
    let rows = rows::without_repeats(rows);
    report::report(language, &rows, judge::model(language))
}
