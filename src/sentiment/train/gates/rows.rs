//! Texts for the gates and what the trainer sees of them.

use std::collections::HashSet;

use crate::sentiment::gates::{Gate, felt, place};
use crate::sentiment::hashing::bytes;
use crate::sentiment::judge;
use crate::sentiment::linear::Model;
use crate::sentiment::model::Language;
use crate::sentiment::read;
use crate::sentiment::train::rows::normal;

/// Parts that texts are split into, one of which is tried at a time.
pub(super) const FOLDS: usize = 5;
/// Neighbours that stay together.
const TOGETHER: usize = 8;

/// What a text is to the trainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Written and labelled for the gate.
    Labelled(bool),
    /// Of the project's corpus or written for the other gate: as a rule this one is shut.
    Ordinary,
    /// Ordinary by where it comes from, but a gate that had not seen it opened: it may well be right to, so nothing is learnt
    /// from it.
    Doubtful,
}

/// Texts with their kinds and parts.
pub(super) struct Rows<'a>(Vec<(Kind, usize, &'a str)>);

/// A text as the trainer sees it.
#[derive(Debug, Clone)]
pub(super) struct Example {
    /// What it is.
    pub(super) kind: Kind,
    /// Its part, below [`FOLDS`].
    pub(super) fold: usize,
    /// Whether a phrase of the tables speaks for the gate.
    pub(super) phrase: bool,
    /// Places of buckets by sentence.
    pub(super) sentences: Vec<Vec<usize>>,
    /// Its feeling as a feature.
    pub(super) felt: f32,
}

impl<'a> Rows<'a> {
    /// Reads labelled texts and lines of ordinary ones; a text that stands twice counts the first time.
    pub(super) fn new(labelled: &'a str, ordinary: impl Iterator<Item = &'a str>) -> Self {
        let mut seen = HashSet::new();
        let mut rows = Vec::new();
        for (index, line) in labelled.lines().enumerate() {
            let Some((label, text)) = line.split_once('\t') else {
                continue;
            };
            if !seen.insert(normal(text)) {
                continue;
            }
            let kind = match label {
                "1" => Kind::Labelled(true),
                "0" => Kind::Labelled(false),
                _ => continue,
            };
            rows.push((kind, index / TOGETHER % FOLDS, text));
        }
        for line in ordinary {
            let Some((_, text)) = line.split_once('\t') else {
                continue;
            };
            if seen.insert(normal(text)) {
                let hash = bytes(text.len() as u64, text.as_bytes());
                let fold = (0..FOLDS).nth((hash >> 33) as usize % FOLDS).unwrap_or(0);
                rows.push((Kind::Ordinary, fold, text));
            }
        }
        Self(rows)
    }

    /// What the trainer sees of them; ordinary texts with a phrase of the gate may well open it and are left
    /// out.
    pub(super) fn examples(
        &self,
        language: Language,
        gate: Gate,
        sentiment: Option<&Model<'_>>,
    ) -> Vec<Example> {
        let examples = self.0.iter().filter_map(|&(kind, fold, text)| {
            let text = read::read(text, language);
            let phrase = gate.has_phrase(&text);
            if phrase && kind == Kind::Ordinary {
                return None;
            }
            let judged: Vec<_> = text
                .sentences
                .iter()
                .map(|sentence| Some(judge::judge(sentence.read.as_ref()?, sentiment)))
                .collect();
            let document = text.document(&judged, false, sentiment);
            let sentences = text
                .sentences
                .iter()
                .filter(|sentence| sentence.language == text.language)
                .filter_map(|sentence| Some(&sentence.read.as_ref()?.features.buckets))
                .map(|buckets| buckets.iter().map(|bucket| place(*bucket)).collect())
                .collect();
            Some(Example {
                kind,
                fold,
                phrase,
                sentences,
                felt: felt(document.map_or(0.0, |found| found.odds())),
            })
        });
        examples.collect()
    }
}

impl Example {
    /// Whether the gate ought to open.
    pub(super) fn opens(&self) -> bool {
        self.kind == Kind::Labelled(true)
    }
}
