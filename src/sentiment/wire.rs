//! Analyses as the protocol's messages, which are also how they are stored.

use super::{
    MODEL_VERSION,
    model::{Analysis, Emotion, Feeling, Intent, Label, Language, Span, SpanKind, TopicFeeling},
};
use crate::proto::v1;

/// An analysis of the built-in analyzer as a message.
#[must_use]
pub fn message(analysis: &Analysis) -> v1::Analysis {
    v1::Analysis {
        method: v1::AnalysisMethod::BuiltIn.into(),
        model_version: MODEL_VERSION,
        language: match analysis.language {
            Language::Japanese => "ja",
            Language::English => "en",
            Language::Unknown => "und",
        }
        .to_owned(),
        feeling: analysis.feeling.as_ref().map(feeling),
        lowest: analysis.lowest.map(share),
        highest: analysis.highest.map(share),
        effort: analysis.effort.map(share),
        emotions: analysis
            .emotions
            .iter()
            .map(|e| emotion(*e).into())
            .collect(),
        intents: analysis.intents.iter().map(|i| intent(*i).into()).collect(),
        leaving: analysis.leaving,
        safety_or_legal: analysis.safety_or_legal,
        topics: analysis
            .topics
            .iter()
            .map(|topic| v1::TopicFeeling {
                topic: topic.topic.clone(),
                polarity: topic.polarity.map(share),
            })
            .collect(),
        spans: analysis
            .spans
            .iter()
            .map(|one| span(one, &analysis.topics))
            .collect(),
    }
}

/// Thousandths as a number.
fn share(thousandths: impl Into<f64>) -> f64 {
    thousandths.into() / 1000.0
}

fn feeling(feeling: &Feeling) -> v1::Feeling {
    let label = match feeling.label {
        Label::Negative => v1::SentimentLabel::Negative,
        Label::Neutral => v1::SentimentLabel::Neutral,
        Label::Positive => v1::SentimentLabel::Positive,
    };
    let [negative, neutral, positive] = feeling.probabilities.map(share);
    v1::Feeling {
        polarity: share(feeling.polarity),
        label: label.into(),
        confidence: share(feeling.confidence),
        negative,
        neutral,
        positive,
    }
}

fn emotion(emotion: Emotion) -> v1::Emotion {
    match emotion {
        Emotion::Anger => v1::Emotion::Anger,
        Emotion::Frustration => v1::Emotion::Frustration,
        Emotion::Disappointment => v1::Emotion::Disappointment,
        Emotion::Worry => v1::Emotion::Worry,
        Emotion::Confusion => v1::Emotion::Confusion,
        Emotion::Joy => v1::Emotion::Joy,
        Emotion::Gratitude => v1::Emotion::Gratitude,
        Emotion::Relief => v1::Emotion::Relief,
    }
}

fn intent(intent: Intent) -> v1::Intent {
    match intent {
        Intent::Complaint => v1::Intent::Complaint,
        Intent::Cancel => v1::Intent::Cancel,
        Intent::Refund => v1::Intent::Refund,
        Intent::Question => v1::Intent::Question,
        Intent::Purchase => v1::Intent::Purchase,
        Intent::Praise => v1::Intent::Praise,
        Intent::Request => v1::Intent::Request,
        Intent::Escalation => v1::Intent::Escalation,
    }
}

fn span(span: &Span, topics: &[TopicFeeling]) -> v1::EvidenceSpan {
    let mut message = v1::EvidenceSpan {
        start: span.start,
        end: span.end,
        ..v1::EvidenceSpan::default()
    };
    let kind = match span.kind {
        SpanKind::Negative => v1::EvidenceKind::Negative,
        SpanKind::Positive => v1::EvidenceKind::Positive,
        SpanKind::Effort => v1::EvidenceKind::Effort,
        SpanKind::Emotion(which) => {
            message.emotion = emotion(which).into();
            v1::EvidenceKind::Emotion
        }
        SpanKind::Intent(which) => {
            message.intent = intent(which).into();
            v1::EvidenceKind::Intent
        }
        SpanKind::Leaving => v1::EvidenceKind::Leaving,
        SpanKind::SafetyOrLegal => v1::EvidenceKind::SafetyOrLegal,
        SpanKind::Topic(index) => {
            if let Some(topic) = topics.iter().find(|topic| topic.index == index) {
                message.topic.clone_from(&topic.topic);
            }
            v1::EvidenceKind::Topic
        }
    };
    message.kind = kind.into();
    message
}
