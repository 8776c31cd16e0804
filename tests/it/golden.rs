//! The golden set: precision and recall per label.
//!
//! Two fifths of it are unread: of those texts only figures are printed, so that nothing is made to fit them. They were written
//! after the tables and by somebody who had seen neither those nor what the analyzer says.
//! `CUSTOMER_PROFILE_GOLDEN_SHOW=1` prints the mistakes of the read part.

use std::collections::BTreeMap;

use customer_profile::sentiment::{
    Analysis, Emotion, Intent, Label, Language, Options, Taxonomy, analyze,
};
use serde_json::Value;

use crate::harness::say;

#[derive(Default)]
struct Counts(BTreeMap<String, [u32; 3]>);

impl Counts {
    /// Counts a label that is expected, found, or both.
    fn add(&mut self, label: &str, expected: bool, found: bool) -> bool {
        let [hits, wrong, missed] = self.0.entry(label.to_owned()).or_default();
        *hits += u32::from(expected && found);
        *wrong += u32::from(!expected && found);
        *missed += u32::from(expected && !found);
        expected == found
    }

    fn precision(&self, label: &str) -> f64 {
        let [hits, wrong, _] = self.0[label];
        f64::from(hits) / f64::from((hits + wrong).max(1))
    }

    fn recall(&self, label: &str) -> f64 {
        let [hits, _, missed] = self.0[label];
        f64::from(hits) / f64::from((hits + missed).max(1))
    }

    fn print(&self, title: &str) {
        say(format_args!(
            "{title}: label precision recall (right, too much, missed)"
        ));
        for (label, counts) in &self.0 {
            let (precision, recall) = (self.precision(label), self.recall(label));
            say(format_args!(
                "  {label:28} {precision:.2} {recall:.2} {counts:?}"
            ));
        }
        let polarity = ["negative", "neutral", "positive"].map(|name| {
            let label = format!("polarity {name}");
            if !self.0.contains_key(&label) {
                return 0.0;
            }
            let (precision, recall) = (self.precision(&label), self.recall(&label));
            2.0 * precision * recall / (precision + recall).max(1e-9)
        });
        let [negative, neutral, positive] = polarity;
        say(format_args!(
            "  macro-F1 of three {:.3}",
            (negative + neutral + positive) / 3.0
        ));
        say(format_args!(
            "  macro-F1 of negative and positive {:.3}",
            f64::midpoint(negative, positive)
        ));
    }
}

const INTENTS: [(Intent, &str); 8] = [
    (Intent::Complaint, "complaint"),
    (Intent::Cancel, "cancel"),
    (Intent::Refund, "refund"),
    (Intent::Question, "question"),
    (Intent::Purchase, "purchase"),
    (Intent::Praise, "praise"),
    (Intent::Request, "request"),
    (Intent::Escalation, "escalation"),
];

const EMOTIONS: [(Emotion, &str); 8] = [
    (Emotion::Anger, "anger"),
    (Emotion::Frustration, "frustration"),
    (Emotion::Disappointment, "disappointment"),
    (Emotion::Worry, "worry"),
    (Emotion::Confusion, "confusion"),
    (Emotion::Joy, "joy"),
    (Emotion::Gratitude, "gratitude"),
    (Emotion::Relief, "relief"),
];

fn listed(value: &Value, name: &str) -> bool {
    value
        .as_array()
        .is_some_and(|list| list.iter().any(|one| one == name))
}

fn polarity_name(polarity: Option<i16>) -> &'static str {
    match polarity {
        Some(polarity) if polarity >= 250 => "positive",
        Some(polarity) if polarity <= -250 => "negative",
        _ => "neutral",
    }
}

fn compare(case: &Value, found: &Analysis, counts: &mut Counts) -> Vec<String> {
    let mut mistakes = Vec::new();
    let mut check = |label: String, expected: bool, found: bool, counts: &mut Counts| {
        if !counts.add(&label, expected, found) {
            mistakes.push(format!("{}{label}", if found { "+" } else { "-" }));
        }
    };
    let polarity = match found.feeling.map(|feeling| feeling.label) {
        Some(Label::Negative) => "negative",
        Some(Label::Neutral) => "neutral",
        Some(Label::Positive) => "positive",
        None => "abstained",
    };
    let language = match found.language {
        Language::Japanese => "ja",
        Language::English => "en",
        Language::Unknown => "unknown",
    };
    for name in ["ja", "en", "unknown"] {
        check(
            format!("language {name}"),
            case["language"] == name,
            language == name,
            counts,
        );
    }
    for name in ["negative", "neutral", "positive"] {
        let abstained_right =
            polarity == "abstained" && case["language"] == "unknown" && name == "neutral";
        let found = polarity == name || abstained_right;
        check(
            format!("polarity {name}"),
            case["polarity"] == name,
            found,
            counts,
        );
    }
    for (intent, name) in INTENTS {
        check(
            format!("intent {name}"),
            listed(&case["intents"], name),
            found.intents.contains(&intent),
            counts,
        );
    }
    for (emotion, name) in EMOTIONS {
        let expected = listed(&case["emotions"], name);
        check(
            format!("emotion {name}"),
            expected,
            found.emotions.contains(&emotion),
            counts,
        );
    }
    check(
        "effort high".into(),
        case["effort"] == "high",
        found.effort.is_some_and(|effort| effort > 0),
        counts,
    );
    check(
        "effort low".into(),
        case["effort"] == "low",
        found.effort.is_some_and(|effort| effort < 0),
        counts,
    );
    check(
        "leaving".into(),
        case["leaving"] == true,
        found.leaving,
        counts,
    );
    check(
        "safety_or_legal".into(),
        case["safety_or_legal"] == true,
        found.safety_or_legal,
        counts,
    );
    topics(case, found, counts);
    mistakes
}

fn topics(case: &Value, found: &Analysis, counts: &mut Counts) {
    let text = case["text"].as_str().unwrap_or_default();
    let expected = case["topics"].as_array().cloned().unwrap_or_default();
    for name in Taxonomy::standard().names() {
        let golden = expected
            .iter()
            .find(|topic| topic["topic"] == name.as_str());
        let ours = found.topics.iter().find(|topic| topic.topic == *name);
        counts.add("topic (all)", golden.is_some(), ours.is_some());
        counts.add(&format!("topic {name}"), golden.is_some(), ours.is_some());
        if let (Some(golden), Some(ours)) = (golden, ours) {
            let same = golden["polarity"] == polarity_name(ours.polarity);
            counts.add("topic polarity, when found", true, same);
            let span = golden["span"].as_str().unwrap_or_default();
            let start = text.find(span).unwrap_or(usize::MAX);
            let (from, to) = (ours.start as usize, ours.end as usize);
            counts.add(
                "topic span overlaps",
                true,
                from < start.saturating_add(span.len()) && start < to,
            );
        }
    }
}

fn evaluate(title: &str, file: &str, show: bool) -> Counts {
    let mut counts = Counts::default();
    for line in file.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let text = case["text"].as_str().unwrap();
        let options = Options {
            han: Language::Japanese,
            chat: case["channel"] == "chat",
            taxonomy: Taxonomy::standard(),
        };
        let found = analyze(text, &options);
        for span in &found.spans {
            let piece = text.get(span.start as usize..span.end as usize);
            assert!(piece.is_some_and(|piece| !piece.is_empty()));
        }
        let mistakes = compare(&case, &found, &mut counts);
        if show && !mistakes.is_empty() {
            let polarity = found.feeling.map(|feeling| feeling.polarity);
            say(format_args!(
                "{} {polarity:?} {mistakes:?} {text}",
                case["id"]
            ));
        }
    }
    counts.print(title);
    counts
}

fn set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}

#[test]
fn english_customers_are_understood() {
    let show = set("CUSTOMER_PROFILE_GOLDEN_SHOW");
    let counts = evaluate("en", include_str!("data/sentiment/golden/en.jsonl"), show);
    for gate in ["leaving", "safety_or_legal"] {
        assert!(
            counts.recall(gate) >= 0.9 && counts.precision(gate) >= 0.7,
            "{gate}"
        );
    }
}

#[test]
fn japanese_customers_are_understood() {
    let show = set("CUSTOMER_PROFILE_GOLDEN_SHOW");
    let counts = evaluate("ja", include_str!("data/sentiment/golden/ja.jsonl"), show);
    for gate in ["leaving", "safety_or_legal"] {
        assert!(
            counts.recall(gate) >= 0.9 && counts.precision(gate) >= 0.7,
            "{gate}"
        );
    }
}

/// Precision and recall that each gate is to reach on the unread part.
const WANTED: (f64, f64) = (0.70, 0.90);

#[test]
fn the_gates_of_the_unread_part_are_found() {
    let parts = [
        (
            "en, unread",
            include_str!("data/sentiment/golden/en_unread.jsonl"),
        ),
        (
            "ja, unread",
            include_str!("data/sentiment/golden/ja_unread.jsonl"),
        ),
    ];
    let mut short = Vec::new();
    for (title, file) in parts {
        let counts = evaluate(title, file, false);
        for gate in ["leaving", "safety_or_legal"] {
            let (precision, recall) = (counts.precision(gate), counts.recall(gate));
            if precision < WANTED.0 || recall < WANTED.1 {
                short.push(format!("{title} {gate}: {precision:.2} {recall:.2}"));
            }
        }
    }
    assert!(short.is_empty(), "{short:?}");
}
