//! The block of feelings.

use super::*;
use crate::proto::v1::{
    LastFeeling, SentimentSignal, SentimentSummary, SentimentTrend, TrendDirection,
};

fn signal(name: &str, count: i64) -> SentimentSignal {
    SentimentSignal {
        name: name.into(),
        count,
        negative: 0,
        last_at: at("2024-04-05 12:00"),
    }
}

fn felt() -> SentimentSummary {
    SentimentSummary {
        level: Some(-0.42),
        count: 12,
        negative: 6,
        neutral: 2,
        positive: 4,
        effort: Some(0.6),
        trend: Some(SentimentTrend {
            direction: TrendDirection::Declining.into(),
            ..SentimentTrend::default()
        }),
        last: Some(LastFeeling {
            occurred_at: at("2024-04-05 11:15"),
            department: "support".into(),
            channel: "phone".into(),
            polarity: -0.91,
            words: vec!["たらい回し".into(), "最悪".into()],
            ..LastFeeling::default()
        }),
        signals: vec![
            signal("anger", 3),
            signal("complaint", 2),
            signal("safety_or_legal", 1),
            signal("topic:delivery", 9),
            signal("leaving", 1),
        ],
        ..SentimentSummary::default()
    }
}

fn block(felt: SentimentSummary, width: usize) -> Vec<String> {
    let profile = Profile {
        sentiment: Some(felt),
        ..Profile::default()
    };
    let lines = shown(&answer(profile), width);
    let from = lines.iter().position(|line| line.starts_with("feels"));
    let Some(from) = from else { return Vec::new() };
    let block = lines[from..].iter().take_while(|line| !line.is_empty());
    block.cloned().collect()
}

#[test]
fn feelings_are_a_block_whose_signals_that_cannot_wait_stand_first() {
    let expected = "\
feels     -0.42 bad · getting worse · of 12 feelings · 6 bad, 2 neutral, 4 good
          effort +0.60, hard for the customer
          last -0.91 bad  2024-04-05 11:15 (3 days ago)  support by phone  “たらい回し … 最悪”
          means to leave 3 days ago · danger or law 3 days ago · complaint 2× 3 days ago
          anger 3× 3 days ago";
    assert_eq!(block(felt(), 100).join("\n"), expected);
}

#[test]
fn without_feelings_there_is_no_block() {
    assert!(block(SentimentSummary::default(), 100).is_empty());
}
