//! From a sentence to its polarity: the lexicon's score and the linear model in one figure.
//!
//! The model gives probabilities of negative, neutral and positive. Their balance, with neutral shared
//! by both sides, is a log-odds that a curve bends into -1..1: straight to the threshold of a label,
//! then ever flatter, so that strong words still differ. A text that is likelier neutral than on its
//! side stays within the threshold, and any other passes it. Without a model the lexicon's sum is bent
//! as VADER does it.

use std::ops::Range;
use std::sync::LazyLock;

use crate::sentiment::cues::Cues;
use crate::sentiment::en;
use crate::sentiment::ja;
use crate::sentiment::linear::{CLASSES, Features, Model, Shown};
use crate::sentiment::model::{Language, Score};

/// Log-odds at which a text leaves neutral.
const CLEAR: f32 = 0.4;
/// Polarity at that point: the threshold of a label.
pub(super) const THRESHOLD: f32 = 0.25;
/// Log-odds beyond that point over which the rest to 1 shrinks to a share of 1/e.
const SPREAD: f32 = 3.5;

/// How much two weak polarities that are lifted over the threshold still differ.
const LIFT: f32 = 0.2;
/// How steeply the weakest polarities are lifted: a text of two minds has none, whatever its probabilities.
const STEEP: f32 = 5.0;
/// Polarity up to which a neutral text keeps it.
const CALM: f32 = 0.2;
/// Polarity beyond that over which the rest to the threshold shrinks to a share of 1/e.
const CALMING: f32 = 0.3;

static ENGLISH: LazyLock<Option<Model<'static>>> =
    LazyLock::new(|| Model::parse(include_bytes!("models/en.bin")));
static JAPANESE: LazyLock<Option<Model<'static>>> =
    LazyLock::new(|| Model::parse(include_bytes!("models/ja.bin")));

/// The embedded model of a language.
pub(super) fn model(language: Language) -> Option<&'static Model<'static>> {
    match language {
        Language::English => ENGLISH.as_ref(),
        Language::Japanese => JAPANESE.as_ref(),
        Language::Unknown => None,
    }
}

/// A sentence before it is judged.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// What the linear model sees.
    pub features: Features,
    /// What the lexicon says.
    pub score: Score,
}

/// Reads a prepared sentence; none in a language that is not read.
pub(super) fn read(sentence: &str, language: Language, cues: &Cues) -> Option<Read> {
    match language {
        Language::English => {
            let reading = en::read(sentence);
            let features = Features::english(&reading, cues);
            Some(Read {
                features,
                score: reading.score,
            })
        }
        Language::Japanese => {
            let score = ja::score(sentence);
            let features = Features::japanese(sentence, &score, cues);
            Some(Read { features, score })
        }
        Language::Unknown => None,
    }
}

/// What one sentence feels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Judgement {
    /// -1 to 1.
    pub polarity: f32,
    /// Negative, neutral, positive; they sum to 1.
    pub probabilities: [f32; CLASSES],
    /// Of what a model has judged at once: the sums of its weights, so that several can be judged together.
    pub sums: [i32; CLASSES],
}

impl Judgement {
    /// Log-odds of positive against negative, neutral shared by both.
    pub(super) fn odds(&self) -> f32 {
        let [negative, neutral, positive] = self.probabilities;
        let half = neutral / 2.0;
        ((positive + half + 1e-4) / (negative + half + 1e-4)).ln()
    }

    /// A judgement of known log-odds, with the mean of two views' probabilities.
    pub(super) fn of_odds(odds: f32, one: [f32; CLASSES], other: [f32; CLASSES]) -> Self {
        let mut probabilities = one;
        for (mine, theirs) in probabilities.iter_mut().zip(other) {
            *mine = f32::midpoint(*mine, theirs);
        }
        Self {
            polarity: labelled(bend(odds), probabilities),
            probabilities,
            sums: [0; CLASSES],
        }
    }
}

/// Judges what a model is shown of a whole text, by the sums of its sentences.
pub(super) fn of_sums(model: &Model<'_>, sums: [i32; CLASSES], shown: &Shown) -> Judgement {
    let probabilities = softmax(model.logits(sums, shown));
    let mut judgement = Judgement {
        polarity: 0.0,
        probabilities,
        sums,
    };
    judgement.polarity = labelled(bend(judgement.odds()), probabilities);
    judgement
}

/// Judges a sentence.
pub(super) fn judge(read: &Read, model: Option<&Model<'_>>) -> Judgement {
    let Some(model) = model else {
        return lexicon_only(&read.score);
    };
    let sums = model.sums(&read.features.buckets);
    of_sums(model, sums, &read.features.shown())
}

/// Judges a clause of a sentence by what was found in it; none without a model.
pub(super) fn judge_clause(
    read: &Read,
    sentence: &str,
    clause: &Range<usize>,
    cues: &Cues,
    model: Option<&Model<'_>>,
) -> Option<Judgement> {
    let model = model?;
    let (buckets, shown) = read.features.clause(sentence, clause, &read.score, cues);
    Some(of_sums(model, model.sums(buckets), &shown))
}

/// The lexicon alone, VADER's way.
pub(super) fn lexicon_only(score: &Score) -> Judgement {
    let polarity = bounded(score.valence);
    let neutral = 1.0 - polarity.abs();
    let probabilities = [(-polarity).max(0.0), neutral, polarity.max(0.0)];
    Judgement {
        polarity,
        probabilities,
        sums: [0; CLASSES],
    }
}

fn bend(odds: f32) -> f32 {
    let beyond = odds.abs() - CLEAR;
    if beyond <= 0.0 {
        return odds * THRESHOLD / CLEAR;
    }
    let size = THRESHOLD + (1.0 - THRESHOLD) * (1.0 - (-beyond / SPREAD).exp());
    size.copysign(odds)
}

/// Brings a polarity to the side of the threshold that the probabilities speak for, without changing the order of two that
/// they speak for alike.
fn labelled(polarity: f32, [negative, neutral, positive]: [f32; CLASSES]) -> f32 {
    let size = polarity.abs();
    let likely = if polarity < 0.0 { negative } else { positive };
    let fitting = if neutral <= likely {
        size.max((THRESHOLD + LIFT * size).min(STEEP * size))
    } else if size <= CALM {
        size
    } else {
        let room = 0.98 * (THRESHOLD - CALM);
        CALM + room * (1.0 - ((CALM - size) / CALMING).exp())
    };
    fitting.copysign(polarity)
}

/// VADER's curve of a sum of valences.
fn bounded(valence: f32) -> f32 {
    valence / (valence * valence + 15.0).sqrt()
}

/// Probabilities of logits.
pub(super) fn softmax(logits: [f32; CLASSES]) -> [f32; CLASSES] {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers = logits.map(|logit| (logit - top).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_label_is_given_and_stronger_stays_stronger() {
        let (calm, felt) = ([0.2, 0.6, 0.2], [0.45, 0.1, 0.45]);
        for probabilities in [calm, felt] {
            let of = |step: u8| labelled(f32::from(step) / 100.0, probabilities);
            let sizes: Vec<f32> = (0..=100).map(of).collect();
            assert!(sizes.windows(2).all(|pair| pair[0] < pair[1]), "{sizes:?}");
            assert!(sizes[0].abs() < 1e-6 && sizes[100] <= 1.0);
            assert!((1..=100).all(|step| {
                let bad = labelled(-f32::from(step) / 100.0, probabilities);
                (bad + of(step)).abs() < 1e-6
            }));
        }
        assert!((0_u8..=100).all(|step| labelled(f32::from(step) / 100.0, calm) < THRESHOLD));
        assert!((6_u8..=100).all(|step| labelled(f32::from(step) / 100.0, felt) >= THRESHOLD));
    }
}
