//! Gates: whether a customer means to leave, and whether safety or the law is concerned.
//!
//! A gate has two witnesses: the phrase tables of the cues and a small linear model over the n-grams that the
//! sentiment model sees. The model alone opens a gate where its score passes the threshold that its trainer
//! chose; a phrase lowers that threshold, so that it opens the gate by itself unless the rest of the text
//! speaks clearly against it. What must stay true: an open gate has evidence, a shut one has none; without a
//! model the phrases decide alone.

mod evidence;
mod model;

use std::ops::Range;
use std::sync::LazyLock;

pub(super) use model::{BUCKETS, GATES, Gates, felt, joined, place, worth, write};

use crate::sentiment::cues::Cues;
use crate::sentiment::linear;
use crate::sentiment::model::Language;
use crate::sentiment::read::{Sentence, Text};

/// How much a phrase of the tables adds to the log-odds.
pub(super) const CUE: f32 = 2.0;

/// What a gate asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// Whether the customer means to leave.
    Leaving,
    /// Whether safety or the law is concerned.
    SafetyOrLegal,
}

impl Gate {
    /// All gates, in the order of the model's weights.
    pub const ALL: [Self; GATES] = [Self::Leaving, Self::SafetyOrLegal];

    /// Where the phrases of a sentence that speak for the gate lie, in bytes of the sentence.
    pub(super) fn phrases(self, cues: &Cues) -> impl Iterator<Item = Range<usize>> {
        let found = match self {
            Self::Leaving => &cues.leaving,
            Self::SafetyOrLegal => &cues.safety_or_legal,
        };
        found.iter().map(|one| one.start..one.end)
    }

    /// Whether a phrase in the text speaks for the gate.
    pub(super) fn has_phrase(self, text: &Text) -> bool {
        let mut sentences = text.sentences.iter();
        sentences.any(|sentence| self.phrases(&sentence.cues).next().is_some())
    }
}

static ENGLISH: LazyLock<Option<Gates<'static>>> =
    LazyLock::new(|| Gates::parse(include_bytes!("../models/gates_en.bin")));
static JAPANESE: LazyLock<Option<Gates<'static>>> =
    LazyLock::new(|| Gates::parse(include_bytes!("../models/gates_ja.bin")));

fn gates(language: Language) -> Option<&'static Gates<'static>> {
    match language {
        Language::English => ENGLISH.as_ref(),
        Language::Japanese => JAPANESE.as_ref(),
        Language::Unknown => None,
    }
}

/// An open gate.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    /// Which.
    pub gate: Gate,
    /// How likely it is, thousandths: 500 at the threshold.
    pub confidence: u16,
    /// The words that show it, in bytes of the prepared text; at least one range.
    pub words: Vec<Range<usize>>,
}

/// The gates that a text opens; `odds` are its log-odds of positive against negative, 0 where none are known.
pub(super) fn open(text: &Text, odds: f32) -> Vec<Open> {
    let gates = gates(text.language);
    let read: Vec<(&Sentence, [i32; GATES], usize)> = text
        .sentences
        .iter()
        .filter(|sentence| sentence.language == text.language)
        .filter_map(|sentence| {
            let buckets = &sentence.read.as_ref()?.features.buckets;
            let sums = gates.map_or([0; GATES], |gates| gates.sums(buckets));
            Some((sentence, sums, buckets.len()))
        })
        .collect();
    let each = Gate::ALL.into_iter().enumerate();
    each.filter_map(|(at, gate)| {
        let phrase = gate.has_phrase(text);
        let score = match gates {
            Some(gates) => score(gates, at, &read, odds) + if phrase { CUE } else { 0.0 },
            None if phrase => CUE,
            None => return None,
        };
        if score < 0.0 {
            return None;
        }
        let words = if phrase {
            let sentences = text.sentences.iter();
            let words = sentences.flat_map(|sentence| {
                let shift = sentence.range.start;
                gate.phrases(&sentence.cues)
                    .map(move |words| words.start + shift..words.end + shift)
            });
            words.collect()
        } else {
            vec![strongest(gates?, at, &read, text)?]
        };
        Some(Open {
            gate,
            confidence: thousandths(1.0 / (1.0 + (-score).exp())),
            words,
        })
    })
    .collect()
}

/// The log-odds of a gate above its threshold.
fn score(
    gates: &Gates<'_>,
    gate: usize,
    read: &[(&Sentence, [i32; GATES], usize)],
    odds: f32,
) -> f32 {
    let head = gates.head(gate);
    let of = |sum: i32, count: usize| linear::real(sum) * head.scale * worth(count);
    let mut all = (0, 0);
    for (_, sums, count) in read {
        all.0 += sums.get(gate).copied().unwrap_or(0);
        all.1 += count;
    }
    let sentences = read
        .iter()
        .map(|(_, sums, count)| of(sums.get(gate).copied().unwrap_or(0), *count));
    head.bias + joined(of(all.0, all.1), sentences) + head.feeling * felt(odds)
}

/// The words that speak most for a gate, in the sentence that does.
fn strongest(
    gates: &Gates<'_>,
    gate: usize,
    read: &[(&Sentence, [i32; GATES], usize)],
    text: &Text,
) -> Option<Range<usize>> {
    let strength = |(_, sums, count): &(&Sentence, [i32; GATES], usize)| {
        linear::real(sums.get(gate).copied().unwrap_or(0)) * worth(*count)
    };
    let (sentence, ..) = read
        .iter()
        .max_by(|one, other| strength(one).total_cmp(&strength(other)))?;
    let features = &sentence.read.as_ref()?.features;
    let counts: Vec<i32> = features
        .buckets
        .iter()
        .map(|bucket| gates.steps(*bucket).get(gate).copied().unwrap_or(0))
        .collect();
    let piece = text.prepared.text().get(sentence.range.clone())?;
    let japanese = sentence.language == Language::Japanese;
    let words = evidence::run(piece, japanese, features.places(), &counts);
    let shift = sentence.range.start;
    Some(words.start + shift..words.end + shift)
}

fn thousandths(probability: f32) -> u16 {
    u16::try_from(crate::sentiment::analyze::thousandths(probability)).unwrap_or(0)
}

#[cfg(test)]
mod tests;
