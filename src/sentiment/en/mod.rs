//! The English lexicon scorer, after VADER (Hutto and Gilbert 2014).
//!
//! A sentence becomes words, words become pieces (the longest phrase of the lexica at each place), and
//! one walk over the pieces applies what stands around each clue: negation, intensity, wishes,
//! conditions, irony and the weight of clauses. What must stay true: a clue's range holds exactly the
//! words it was made from, and the valence of the score is the sum of the clues plus emphasis.

mod clauses;
mod force;
mod lexicon;
mod rules;
#[cfg(test)]
mod tests;
mod words;

use crate::sentiment::model::Score;

use words::Gap;
pub(in crate::sentiment) use words::Words;

/// Scores one prepared English sentence.
#[must_use]
pub fn score(sentence: &str) -> Score {
    read(sentence).score
}

/// A sentence with its words, for the linear model, and its score.
#[derive(Debug)]
pub(in crate::sentiment) struct Reading<'a> {
    /// The words.
    pub words: Words<'a>,
    /// By word: it only makes others stronger or weaker.
    pub boosters: Vec<bool>,
    /// By word: it stands under an odd number of negators.
    pub negated: Vec<bool>,
    /// The lexicon's score.
    pub score: Score,
}

/// Reads one prepared English sentence.
#[must_use]
pub(in crate::sentiment) fn read(sentence: &str) -> Reading<'_> {
    let lexicon = lexicon::lexicon();
    let words = Words::new(sentence, lexicon);
    let pieces = lexicon.pieces(&words);
    rules::apply(words, &pieces)
}
