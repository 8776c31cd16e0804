//! What the built-in analyzer makes of an interaction's text, counted.

use std::time::Instant;

use crate::{
    proto::v1::{Analysis, Feeling, Interaction, SentimentLabel},
    sentiment::Listening,
    telemetry::names,
};

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
