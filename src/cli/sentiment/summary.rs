//! Where a customer stands, in words: what `sentiment` and `get` both say.

use super::super::{
    terminal::{Line, Tone, time::ago},
    words,
};
use crate::{
    clock::Micros,
    picture::history::{label, said},
    proto::v1::{
        SentimentLabel, SentimentSignal, SentimentSummary, SentimentTrend, TrendDirection,
    },
};

/// Signals that come first, by name, with what they are called; the first two ask for somebody at once.
const FIRST: [(&str, &str); 6] = [
    ("leaving", "means to leave"),
    ("safety_or_legal", "danger or law"),
    ("escalation", "escalation"),
    ("cancel", "cancel"),
    ("refund", "refund"),
    ("complaint", "complaint"),
];
/// What begins the name of a topic's signal.
const TOPIC: &str = "topic:";

/// How a label should look.
pub(in crate::cli) fn tone(label: SentimentLabel) -> Tone {
    match label {
        SentimentLabel::Negative => Tone::Bad,
        SentimentLabel::Positive => Tone::Good,
        SentimentLabel::Neutral | SentimentLabel::Unspecified => Tone::Plain,
    }
}

/// A polarity with its word: "-0.42 bad".
pub(in crate::cli) fn polarity(of: f64) -> Line {
    let label = label(of);
    Line::default().with(tone(label), &format!("{of:+.2} {}", said(label)))
}

/// Where it is going, in a word or two.
pub(in crate::cli) fn direction(trend: Option<&SentimentTrend>) -> Line {
    let direction = trend.map_or(TrendDirection::Unspecified, SentimentTrend::direction);
    let (tone, words) = match direction {
        TrendDirection::Unspecified => (Tone::Faint, "trend unknown"),
        TrendDirection::Insufficient => (Tone::Faint, "too little is known for a trend"),
        TrendDirection::Stable => (Tone::Plain, "steady"),
        TrendDirection::Improving => (Tone::Good, "getting better"),
        TrendDirection::Declining => (Tone::Bad, "getting worse"),
    };
    Line::default().with(tone, words)
}

/// What the verdict on the trend rests on.
pub(in crate::cli) fn evidence(trend: &SentimentTrend) -> Vec<Line> {
    let side = |name: &str, mean: Option<f64>, n: f64| {
        mean.map(|mean| Line::of(&format!("{name} {mean:+.2} (n {n:.1})")))
    };
    let fast = side("last week or so", trend.fast, trend.effective_n_fast);
    let slow = side("last months", trend.slow, trend.effective_n_slow);
    let mut items: Vec<Line> = fast.into_iter().chain(slow).collect();
    if let (Some(fast), Some(slow)) = (trend.fast, trend.slow) {
        let error = trend.standard_error.map_or_else(
            || "of unknown error".to_owned(),
            |error| format!("standard error {error:.2}"),
        );
        items.push(Line::of(&format!(
            "difference {:+.2}, {error}",
            fast - slow
        )));
    }
    items
}

/// How many feelings there are and what they amount to.
pub(in crate::cli) fn weight(summary: &SentimentSummary, now: Micros) -> Vec<Line> {
    let mut items = vec![Line::of(&format!(
        "of {}, worth {:.1} fresh ones",
        words::count(summary.count, "feeling"),
        summary.effective_n
    ))];
    let last = summary.last.as_ref().and_then(|last| last.occurred_at);
    match (last, summary.staleness_days) {
        (Some(last), _) => items.push(Line::of(&format!("the last one {}", ago(Some(&last), now)))),
        (None, Some(days)) => {
            let days = words::count(i64::from(days), "day");
            items.push(Line::of(&format!("the last one {days} ago")));
        }
        (None, None) => (),
    }
    items
}

/// Effort that was spoken of.
pub(in crate::cli) fn effort(summary: &SentimentSummary) -> Option<Line> {
    let effort = summary.effort?;
    let (tone, word) = if effort >= 0.25 {
        (Tone::Bad, "hard for the customer")
    } else if effort <= -0.25 {
        (Tone::Good, "easy for the customer")
    } else {
        (Tone::Plain, "neither easy nor hard")
    };
    let effort = format!("effort {effort:+.2}, {word}");
    Some(Line::default().with(tone, &effort))
}

/// What words showed, but for topics: what asks for somebody first, then the most frequent.
pub(in crate::cli) fn signals(of: &[SentimentSignal], now: Micros) -> Vec<Line> {
    let rank = |name: &str| FIRST.iter().position(|(known, _)| *known == name);
    let mut sorted: Vec<&SentimentSignal> = of
        .iter()
        .filter(|signal| signal.count > 0 && !signal.name.starts_with(TOPIC))
        .collect();
    sorted.sort_by_key(|signal| {
        let rank = rank(&signal.name).unwrap_or(FIRST.len());
        (rank, std::cmp::Reverse(signal.count), signal.name.clone())
    });
    sorted
        .into_iter()
        .map(|signal| {
            let rank = rank(&signal.name);
            let (tone, name) = match rank {
                Some(rank @ 0..=1) => (Tone::Bad, FIRST[rank].1),
                Some(rank) => (Tone::Notice, FIRST[rank].1),
                None => (Tone::Plain, signal.name.as_str()),
            };
            let mut item = Line::default().with(tone, name);
            if signal.count > 1 {
                item = item.plain(&format!(" {}×", signal.count));
            }
            let last = format!(" {}", ago(signal.last_at.as_ref(), now));
            item.with(Tone::Faint, &last)
        })
        .collect()
}

/// The words of a feeling, quoted; nothing when there are none.
pub(in crate::cli) fn quoted<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("“{}”", words.join(" … "))
    }
}
