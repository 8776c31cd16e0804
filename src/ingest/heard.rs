//! What the built-in analyzer makes of an interaction's text, counted; and which changes tell of feelings.

use std::{collections::HashSet, time::Instant};

use super::model::Prepared;
use crate::{
    ids::ProfileId,
    profile::feelings::counted,
    proto::v1::{Analysis, Feeling, Interaction, SentimentLabel},
    sentiment::Listening,
    storage::outbox::Change,
    telemetry::names,
};

/// Marks the changes of profiles of which an interaction that is placed in them says how the customer feels.
pub(super) fn mark_felt(items: &[&Prepared], placed: &[(ProfileId, i64)], changes: &mut [Change]) {
    let placed = items.iter().zip(placed);
    let felt = placed.filter(|(item, _)| counted(&item.message, &item.analyses).is_some());
    let felt: HashSet<ProfileId> = felt.map(|(_, (profile, _))| *profile).collect();
    for change in changes {
        change.felt |= felt.contains(&change.profile);
    }
}

/// What the customer's words in an interaction say; `None` when there are none.
#[must_use]
pub fn hear(listening: &Listening, message: &Interaction) -> Option<Analysis> {
    let begun = Instant::now();
    let analysis = listening.hear(message)?;
    metrics::histogram!(names::SENTIMENT_TEXT_SECONDS).record(begun.elapsed().as_secs_f64());
    let language = match analysis.language.as_str() {
        "ja" => "ja",
        "en" => "en",
        _ => "und",
    };
    let label = match analysis.feeling.as_ref().map(Feeling::label) {
        Some(SentimentLabel::Negative) => "negative",
        Some(SentimentLabel::Neutral) => "neutral",
        Some(SentimentLabel::Positive) => "positive",
        Some(SentimentLabel::Unspecified) | None => "abstained",
    };
    metrics::counter!(names::SENTIMENT_TEXTS, "language" => language, "label" => label)
        .increment(1);
    Some(analysis)
}
