//! The trainer of the gates: texts that open one and texts that only look like it, in; a model file and
//! its figures, out.
//!
//! What must stay true: the same texts give the same bytes; texts that stand side by side in a file, which
//! as a rule differ in a few words, are never on both sides of a split; the threshold is chosen on texts
//! that the weights it is chosen for have not seen.

mod cross;
mod fit;
mod rows;

pub use cross::{GateFigures, Rates};

use self::cross::Chosen;
use self::fit::Weights;
use self::rows::{Example, Rows};
use crate::sentiment::gates::{Gate, write};
use crate::sentiment::linear::Model;
use crate::sentiment::model::Language;

/// Texts of one language for the gates.
#[derive(Debug, Clone, Copy)]
pub struct GateTexts<'a> {
    /// Label, a tab, text; the label is 1 where the customer means to leave, 0 where not, `-` where the text
    /// is to be left out.
    pub leaving: &'a str,
    /// The same for safety and the law.
    pub safety_or_legal: &'a str,
    /// The project's own corpus. A text of it without phrases of a gate counts as ordinary; so does one that
    /// is labelled for the other gate, but for the gate of leaving only one without danger.
    pub ordinary: &'a str,
}

/// Trained gates of one language.
#[derive(Debug, Clone)]
pub struct TrainedGates {
    /// The language.
    pub language: Language,
    /// The model file.
    pub file: Vec<u8>,
    /// By gate, how it does on texts it was not trained on.
    pub figures: [GateFigures; Gate::ALL.len()],
}

/// Trains the gates of one language; `sentiment` is the file of its sentiment model, whose features and
/// whose feeling they use.
#[must_use]
pub fn train_gates(language: Language, texts: &GateTexts<'_>, sentiment: &[u8]) -> TrainedGates {
    let sentiment = Model::parse(sentiment);
    let trained = Gate::ALL.map(|gate| {
        let (labelled, other) = match gate {
            Gate::Leaving => (texts.leaving, texts.safety_or_legal),
            Gate::SafetyOrLegal => (texts.safety_or_legal, texts.leaving),
        };
        // Whom something endangered or wronged may well mean to leave; who means to leave was as a rule not in danger.
        let silent = |line: &&str| gate == Gate::SafetyOrLegal || !line.starts_with("1\t");
        let ordinary = other.lines().filter(silent).chain(texts.ordinary.lines());
        let rows = Rows::new(labelled, ordinary);
        let mut examples: Vec<Example> = rows.examples(language, gate, sentiment.as_ref());
        cross::doubt(&mut examples);
        let chosen = Chosen::new(&examples);
        let all: Vec<&Example> = examples.iter().collect();
        (Weights::fit(&all), chosen)
    });
    let file = write(trained.each_ref().map(|(weights, chosen)| {
        let bias = weights.bias - chosen.threshold;
        (bias, weights.feeling, weights.buckets.as_slice())
    }));
    TrainedGates {
        language,
        file,
        figures: trained.map(|(_, chosen)| chosen.figures),
    }
}
