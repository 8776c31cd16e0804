//! A text cut into judged sentences, and the document they make.

use std::ops::Range;

use crate::sentiment::cues::{self, Cues, Taxonomy};
use crate::sentiment::judge::{self, Judgement, Read};
use crate::sentiment::linear::{CLASSES, Features, Model, Shown};
use crate::sentiment::model::Language;
use crate::sentiment::text::{Prepared, of_sentence, sentences, spoken_count};

/// The last sentence of a support chat.
const LAST_OF_CHAT: f32 = 1.5;

/// One sentence of a prepared text.
#[derive(Debug, Clone)]
pub(super) struct Sentence {
    /// Bytes of the prepared text.
    pub range: Range<usize>,
    /// The language it is read in.
    pub language: Language,
    /// Its features and its lexicon score; none in a language that is not read or without letters.
    pub read: Option<Read>,
    /// What its words show.
    pub cues: Cues,
    /// Letters and digits.
    pub length: f32,
}

/// A text ready to be judged.
#[derive(Debug, Clone)]
pub(super) struct Text {
    /// The prepared text.
    pub prepared: Prepared,
    /// The language of most of it.
    pub language: Language,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
}

/// Prepares and reads a text of a known language.
pub(super) fn read(text: &str, language: Language) -> Text {
    read_prepared(Prepared::new(text), language, Taxonomy::standard())
}

/// Reads a prepared text of a known language.
pub(super) fn read_prepared(prepared: Prepared, language: Language, taxonomy: &Taxonomy) -> Text {
    let found = sentences(prepared.text())
        .into_iter()
        .map(|range| {
            let piece = prepared.text().get(range.clone()).unwrap_or_default();
            let language = of_sentence(piece, language);
            let letters = spoken_count(piece);
            let cues = cues::find(piece, language, taxonomy);
            let read = if letters > 0 {
                judge::read(piece, language, &cues)
            } else {
                None
            };
            let length = u16::try_from(letters).map_or(f32::from(u16::MAX), f32::from);
            Sentence {
                range,
                language,
                read,
                cues,
                length,
            }
        })
        .collect();
    Text {
        prepared,
        language,
        sentences: found,
    }
}

impl Text {
    /// What the whole text feels, from the judgements of its sentences one by one.
    ///
    /// Log-odds are the mean of two: those of all sentences read as one, and the sentences' weighted
    /// mean, raised by how many count, since the same feeling in many sentences is a surer sign.
    /// Without a model it is the plain mean.
    pub(super) fn document(
        &self,
        judged: &[Option<Judgement>],
        chat: bool,
        model: Option<&Model<'_>>,
    ) -> Option<Judgement> {
        let weighed = self.weighed(judged, chat);
        let mean = mean(&weighed)?;
        let (Some(model), true) = (model, weighed.len() > 1) else {
            return Some(mean);
        };
        let (sums, shown) = self.together(judged)?;
        let joined = judge::of_sums(model, sums, &shown);
        let squares: f32 = weighed.iter().map(|(weight, _)| weight * weight).sum();
        let odds = weighed
            .iter()
            .map(|(weight, judgement)| weight * judgement.odds());
        let together = odds.sum::<f32>() / squares.sqrt();
        Some(Judgement::of_odds(
            f32::midpoint(together, joined.odds()),
            mean.probabilities,
            joined.probabilities,
        ))
    }

    /// The plain mean of judgements that belong to the sentences one by one.
    pub(super) fn mean(&self, judged: &[Option<Judgement>]) -> Option<Judgement> {
        mean(&self.weighed(judged, false))
    }

    /// What a model is shown of all sentences in the text's language, from their judgements by it.
    fn together(&self, judged: &[Option<Judgement>]) -> Option<([i32; CLASSES], Shown)> {
        let read = || {
            self.sentences
                .iter()
                .zip(judged)
                .filter(|(sentence, _)| sentence.language == self.language)
                .filter_map(|(sentence, judgement)| {
                    Some((sentence.length, sentence.read.as_ref()?, (*judgement)?))
                })
        };
        let total: f32 = read().map(|(length, ..)| length).sum();
        let (mut sums, mut shown) = ([0; CLASSES], Shown::default());
        for (length, read, judgement) in read() {
            shown.join(&read.features.shown(), length / total.max(1.0));
            for (sum, own) in sums.iter_mut().zip(judgement.sums) {
                *sum += own;
            }
        }
        (total > 0.0).then_some((sums, shown))
    }

    /// The features of all sentences in the text's language, dense ones by length.
    pub(super) fn joined(&self) -> Option<Features> {
        let read = || {
            self.sentences
                .iter()
                .filter(|sentence| sentence.language == self.language)
                .filter_map(|sentence| Some((sentence.length, sentence.read.as_ref()?)))
        };
        let total: f32 = read().map(|(length, _)| length).sum();
        let mut joined: Option<Features> = None;
        for (length, read) in read() {
            let joined = joined.get_or_insert_default();
            joined.join(&read.features, length / total.max(1.0));
        }
        joined
    }

    /// Judgements with their weights: by length, and a sentence without feeling a quarter of it.
    fn weighed(&self, judged: &[Option<Judgement>], chat: bool) -> Vec<(f32, Judgement)> {
        let mut weighed: Vec<(f32, Judgement)> = self
            .sentences
            .iter()
            .zip(judged)
            .filter_map(|(sentence, judgement)| {
                let judgement = (*judgement)?;
                let [_, neutral, _] = judgement.probabilities;
                Some((sentence.length * (1.0 - neutral).max(0.25), judgement))
            })
            .collect();
        if let (true, Some((weight, _))) = (chat, weighed.last_mut()) {
            *weight *= LAST_OF_CHAT;
        }
        weighed
    }
}

fn mean(weighed: &[(f32, Judgement)]) -> Option<Judgement> {
    let mut mean = Judgement {
        polarity: 0.0,
        probabilities: [0.0; CLASSES],
        sums: [0; CLASSES],
    };
    let total: f32 = weighed.iter().map(|(weight, _)| weight).sum();
    for (weight, judgement) in weighed {
        mean.polarity += weight * judgement.polarity;
        for (sum, probability) in mean.probabilities.iter_mut().zip(judgement.probabilities) {
            *sum += weight * probability;
        }
    }
    mean.polarity /= total;
    mean.probabilities = mean.probabilities.map(|sum| sum / total);
    (total > 0.0).then_some(mean)
}
