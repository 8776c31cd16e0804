//! What an analyzer says of a text, checked: pure.
//!
//! What must stay true: what comes out is a sound [`v1::Analysis`], whatever came in. One that breaks a rule is dropped whole
//! rather than mended: what is left of it could say something else.

use crate::{
    ids::is_slug,
    profile::feelings::label,
    proto::{
        analyzer::v1::{AnalyzedText, TextAnalysis, analyzed_text::Outcome},
        v1::{self, Emotion, EvidenceKind, EvidenceSpan, Intent, TopicFeeling},
    },
};

/// Topics and spans of a text at most.
const TOPICS: usize = 16;
const SPANS: usize = 32;

/// Bytes of a topic's name.
const NAME_BYTES: usize = 64;

/// How far a sum of probabilities may be from 1.
const TOLERANCE: f64 = 0.01;

/// What an answer about a text comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Checked {
    /// It is to be stored.
    Sound(v1::Analysis),
    /// The analyzer abstained, which is to be stored.
    Abstained(v1::Analysis),
    /// It says nothing, or breaks a rule.
    Dropped,
}

/// The version of the model that an answer names; `None` when there is no such version.
pub(super) fn version(number: u32) -> Option<u32> {
    (1..=i32::MAX.unsigned_abs())
        .contains(&number)
        .then_some(number)
}

/// Checks what is said of a text by a version of a model.
pub(super) fn check(answer: AnalyzedText, text: &str, language: &str, version: u32) -> Checked {
    let said = v1::Analysis {
        method: v1::AnalysisMethod::External.into(),
        model_version: version,
        language: language.to_owned(),
        ..v1::Analysis::default()
    };
    match answer.outcome {
        None => Checked::Dropped,
        Some(Outcome::Abstained(_)) => Checked::Abstained(said),
        Some(Outcome::Analysis(analysis)) => {
            analyzed(analysis, text, said).map_or(Checked::Dropped, Checked::Sound)
        }
    }
}

fn analyzed(given: TextAnalysis, text: &str, said: v1::Analysis) -> Option<v1::Analysis> {
    let (lowest, highest) = (polarity(given.lowest)?, polarity(given.highest)?);
    if lowest.zip(highest).is_some_and(|(low, high)| low > high) {
        return None;
    }
    let feeling = given.feeling.map(|given| feeling(&given));
    if matches!(feeling, Some(None)) {
        return None;
    }
    Some(v1::Analysis {
        feeling: feeling.flatten(),
        lowest,
        highest,
        effort: polarity(given.effort)?,
        emotions: each_once(given.emotions, |n| known_emotion(n).is_some())?,
        intents: each_once(given.intents, |n| known_intent(n).is_some())?,
        leaving: given.leaving,
        safety_or_legal: given.safety_or_legal,
        topics: topics(given.topics)?,
        spans: spans(given.spans, text)?,
        ..said
    })
}

/// A number within a range, in whole thousandths.
fn within(number: f64, least: f64, most: f64) -> Option<f64> {
    let thousandths = (number * 1000.0).round() / 1000.0;
    // Not -0: it would be stored otherwise than 0.
    (least..=most)
        .contains(&number)
        .then_some(thousandths + 0.0)
}

/// A polarity, if there is one; `None` when it is out of its range.
#[expect(
    clippy::option_option,
    reason = "absent is sound, and out of range is not"
)]
fn polarity(number: Option<f64>) -> Option<Option<f64>> {
    match number {
        None => Some(None),
        Some(number) => within(number, -1.0, 1.0).map(Some),
    }
}

fn feeling(given: &v1::Feeling) -> Option<v1::Feeling> {
    let polarity = within(given.polarity, -1.0, 1.0)?;
    let confidence = within(given.confidence, 0.0, 1.0).filter(|_| given.confidence > 0.0)?;
    let share = |number| within(number, 0.0, 1.0);
    let (negative, neutral, positive) = (
        share(given.negative)?,
        share(given.neutral)?,
        share(given.positive)?,
    );
    let sum = given.negative + given.neutral + given.positive;
    if sum > 0.0 && (sum - 1.0).abs() > TOLERANCE {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within -1000 to 1000"
    )]
    let thousandths = (polarity * 1000.0).round() as i16;
    Some(v1::Feeling {
        polarity,
        label: label(thousandths).into(),
        confidence: confidence.max(0.001),
        negative,
        neutral,
        positive,
    })
}

fn known_emotion(number: i32) -> Option<Emotion> {
    let known = Emotion::try_from(number).ok();
    known.filter(|emotion| *emotion != Emotion::Unspecified)
}

fn known_intent(number: i32) -> Option<Intent> {
    let known = Intent::try_from(number).ok();
    known.filter(|intent| *intent != Intent::Unspecified)
}

/// Numbers of a kind in their order; `None` when one is unknown.
fn each_once(mut numbers: Vec<i32>, known: impl Fn(i32) -> bool) -> Option<Vec<i32>> {
    numbers.sort_unstable();
    numbers.dedup();
    numbers.iter().all(|n| known(*n)).then_some(numbers)
}

fn topics(given: Vec<TopicFeeling>) -> Option<Vec<TopicFeeling>> {
    if given.len() > TOPICS {
        return None;
    }
    let mut topics: Vec<TopicFeeling> = Vec::with_capacity(given.len());
    for one in given {
        let new = topics.iter().all(|known| known.topic != one.topic);
        if !new || !is_slug(&one.topic, NAME_BYTES) {
            return None;
        }
        topics.push(TopicFeeling {
            polarity: polarity(one.polarity)?,
            topic: one.topic,
        });
    }
    Some(topics)
}

fn spans(given: Vec<EvidenceSpan>, text: &str) -> Option<Vec<EvidenceSpan>> {
    if given.len() > SPANS {
        return None;
    }
    let spans: Option<Vec<EvidenceSpan>> = given.into_iter().map(|one| span(one, text)).collect();
    let mut spans = spans?;
    spans.sort_by_key(|span| (span.start, span.end, span.kind, span.emotion, span.intent));
    Some(spans)
}

/// A span that lies in a text; what is not of its kind is left out.
fn span(given: EvidenceSpan, text: &str) -> Option<EvidenceSpan> {
    let (start, end) = (
        usize::try_from(given.start).ok()?,
        usize::try_from(given.end).ok()?,
    );
    text.get(start..end).filter(|words| !words.is_empty())?;
    let kind = EvidenceKind::try_from(given.kind).ok()?;
    let mut span = EvidenceSpan {
        start: given.start,
        end: given.end,
        kind: given.kind,
        ..EvidenceSpan::default()
    };
    match kind {
        EvidenceKind::Unspecified => return None,
        EvidenceKind::Emotion => span.emotion = known_emotion(given.emotion)?.into(),
        EvidenceKind::Intent => span.intent = known_intent(given.intent)?.into(),
        EvidenceKind::Topic if !is_slug(&given.topic, NAME_BYTES) => return None,
        EvidenceKind::Topic => span.topic = given.topic,
        EvidenceKind::Negative
        | EvidenceKind::Positive
        | EvidenceKind::Effort
        | EvidenceKind::Leaving
        | EvidenceKind::SafetyOrLegal => (),
    }
    Some(span)
}

#[cfg(test)]
mod tests;
