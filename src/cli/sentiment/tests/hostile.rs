//! No history, however odd or hostile, breaks a screen.

use proptest::prelude::*;

use super::*;
use crate::cli::terminal::text;

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{0,12}",
        "[\\pC\\pM\\pZ]{0,20}",
        "[山田花子ﾔﾏﾀﾞ👩🏽\u{200d}\u{fe0f}\u{301}\u{202e}\u{1b}\u{9b}\r\n\t]{0,60}",
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}".to_owned()),
        Just("長".repeat(2_000)),
    ]
}

fn times() -> impl Strategy<Value = Option<Timestamp>> {
    let time =
        (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
    let near = (0_i64..4_000_000_000).prop_map(|seconds| Timestamp { seconds, nanos: 0 });
    prop::option::of(prop_oneof![time, near])
}

fn items() -> impl Strategy<Value = Vec<SentimentItem>> {
    let item = (
        times(),
        texts(),
        texts(),
        prop::option::of(any::<f64>()),
        any::<u32>(),
    )
        .prop_map(
            |(occurred_at, department, text, polarity, start)| SentimentItem {
                occurred_at,
                channel: department.clone(),
                department,
                polarity,
                text,
                analyses: vec![Analysis {
                    spans: vec![EvidenceSpan {
                        start: start % 40,
                        end: start % 90,
                        kind: 1,
                        ..EvidenceSpan::default()
                    }],
                    ..Analysis::default()
                }],
                ..SentimentItem::default()
            },
        );
    prop::collection::vec(item, 0..6)
}

fn histories() -> impl Strategy<Value = GetSentimentHistoryResponse> {
    let counts =
        (any::<i64>(), prop::option::of(any::<f64>())).prop_map(|(n, mean)| SentimentCounts {
            count: n,
            mean,
            negative: n,
            neutral: n / 2,
            positive: -n.max(0),
            ..SentimentCounts::default()
        });
    let group = (texts(), counts.clone()).prop_map(|(name, counts)| SentimentGroup {
        name,
        counts: Some(counts),
    });
    let bucket = (times(), times(), counts).prop_map(|(begin, end, counts)| SentimentBucket {
        begin,
        end,
        level: counts.mean,
        counts: Some(counts),
    });
    let summary = (
        prop::option::of(any::<f64>()),
        any::<i64>(),
        texts(),
        any::<i32>(),
        times(),
    );
    let summary = summary.prop_map(|(level, n, name, days, at)| SentimentSummary {
        level,
        count: n,
        negative: n,
        neutral: n,
        positive: n,
        abstained: n,
        effective_n: level.unwrap_or_default(),
        staleness_days: Some(days),
        effort: level,
        worst_of_90_days: level,
        trend: Some(SentimentTrend {
            direction: days % 6,
            fast: level,
            slow: level,
            ..SentimentTrend::default()
        }),
        signals: vec![SentimentSignal {
            name,
            count: n,
            negative: n,
            last_at: at,
        }],
        ..SentimentSummary::default()
    });
    (
        texts(),
        summary,
        prop::collection::vec(bucket, 0..9),
        prop::collection::vec(group, 0..15),
        (items(), times(), any::<i32>()),
    )
        .prop_map(
            |(profile_id, summary, buckets, groups, (items, at, value))| {
                GetSentimentHistoryResponse {
                    profile_id,
                    summary: Some(summary),
                    buckets,
                    departments: groups.clone(),
                    topics: groups,
                    change_points: vec![ChangePoint {
                        at,
                        worse: true,
                        before: f64::NAN,
                        after: 1e300,
                    }],
                    worst: items.clone(),
                    best: items.clone(),
                    items,
                    surveys: vec![SurveyMoment {
                        occurred_at: at,
                        scale: value % 9,
                        value,
                        ..SurveyMoment::default()
                    }],
                    counted_from: at,
                    months_before: at,
                    ..GetSentimentHistoryResponse::default()
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_a_screen(history in histories(), width in 40_usize..130) {
        for line in shown(&history, width) {
            prop_assert!(text::width(&line) <= width, "{} > {width}: {line:?}", text::width(&line));
            prop_assert!(!line.chars().any(text::is_hidden), "{line:?}");
        }
    }
}
