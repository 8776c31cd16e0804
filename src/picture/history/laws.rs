//! What holds for the picture of any history.

use proptest::prelude::*;
use prost_types::Timestamp;

use super::*;
use crate::{
    picture::laws::{HOSTILE, assert_is_svg, unescaped},
    proto::v1::{
        Analysis, ChangePoint, EvidenceKind, EvidenceSpan, GetSentimentHistoryResponse,
        SentimentBucket, SentimentCounts, SentimentItem, SentimentSummary, SurveyMoment,
    },
};

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        "[a-z]{0,12}",
        "[山田花子ﾔﾏﾀﾞ最悪です👩🏽\u{200d}\u{fe0f}\u{301}\u{202e}\u{1b}<>&\"']{0,60}",
        Just("長".repeat(400)),
    ]
}

fn times() -> impl Strategy<Value = Option<Timestamp>> {
    let near = |within: i64| {
        (0..within).prop_map(|seconds| Timestamp {
            seconds: 1_700_000_000 + seconds,
            nanos: 0,
        })
    };
    let wild =
        (any::<i64>(), any::<i32>()).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos });
    let ends = prop::sample::select(vec![-62_135_596_800_i64, 253_402_300_799, 0])
        .prop_map(|seconds| Timestamp { seconds, nanos: 0 });
    prop_oneof![
        12 => near(86_400 * 300).prop_map(Some),
        4 => near(7_200).prop_map(Some),
        1 => ends.prop_map(Some),
        1 => wild.prop_map(Some),
        1 => Just(None),
    ]
}

fn numbers() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -1.0..1.0, 1 => any::<f64>(), 1 => Just(f64::NAN)]
}

fn items() -> impl Strategy<Value = SentimentItem> {
    let span = (0..60_u32, 0..60_u32, 0..9).prop_map(|(start, end, kind)| EvidenceSpan {
        start,
        end,
        kind,
        ..EvidenceSpan::default()
    });
    let spans = prop::collection::vec(span, 0..4);
    (
        times(),
        texts(),
        texts(),
        prop::option::of(numbers()),
        0..5,
        spans,
    )
        .prop_map(
            |(occurred_at, department, text, polarity, label, spans)| SentimentItem {
                occurred_at,
                department,
                channel: "phone".into(),
                text,
                polarity,
                label,
                analyses: vec![Analysis {
                    spans,
                    ..Analysis::default()
                }],
                ..SentimentItem::default()
            },
        )
}

fn answers() -> impl Strategy<Value = GetSentimentHistoryResponse> {
    let number = || prop::option::of(numbers());
    let bucket = (times(), times(), any::<i64>(), number(), number()).prop_map(
        |(begin, end, count, mean, level)| SentimentBucket {
            begin,
            end,
            counts: Some(SentimentCounts {
                count: count % 50,
                mean,
                ..SentimentCounts::default()
            }),
            level,
        },
    );
    let turn =
        (times(), any::<bool>(), numbers(), numbers()).prop_map(|(at, worse, before, after)| {
            ChangePoint {
                at,
                worse,
                before,
                after,
            }
        });
    let survey =
        (times(), 0..9, any::<i32>(), -2..12).prop_map(|(occurred_at, scale, wild, value)| {
            SurveyMoment {
                occurred_at,
                scale,
                value: if wild % 7 == 0 { wild } else { value },
                ..SurveyMoment::default()
            }
        });
    let summary = (prop::option::of(numbers()), any::<i64>(), times()).prop_map(
        |(level, count, computed_at)| SentimentSummary {
            level,
            count,
            computed_at,
            ..SentimentSummary::default()
        },
    );
    (
        texts(),
        prop::option::of(summary),
        prop::collection::vec(bucket, 0..12),
        prop::collection::vec(turn, 0..6),
        prop::collection::vec(survey, 0..30),
    )
        .prop_map(|(profile_id, summary, buckets, change_points, surveys)| {
            GetSentimentHistoryResponse {
                profile_id,
                summary,
                buckets,
                change_points,
                surveys,
                ..GetSentimentHistoryResponse::default()
            }
        })
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (times(), texts()).prop_map(|(at, what)| Event { at, what });
    prop::collection::vec(event, 0..20)
}

/// The numbers of an attribute that says where something is.
fn places<'a>(svg: &'a str, name: &'a str) -> impl Iterator<Item = i32> + 'a {
    let begin = format!(" {name}=\"");
    let values: Vec<i32> = svg
        .split(begin.as_str())
        .skip(1)
        .filter_map(|rest| rest.split('"').next()?.parse().ok())
        .collect();
    values.into_iter()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn any_history_is_a_picture_in_which_texts_are_texts_and_lie_side_by_side(
        answer in answers(),
        feelings in prop::collection::vec(items(), 0..40),
        events in events(),
        about in texts(),
        half_life_days in any::<i32>(),
        offset in -14_i64..15,
    ) {
        let story = Story { answer: &answer, feelings: &feelings, events: &events, half_life_days, about: &about };
        let east = move |_| offset * 3_600;
        let (svg, areas, height) = drawn(&story, &east).unwrap();
        assert_is_svg(&svg);
        prop_assert_eq!(&svg, &history(&story, &east).unwrap());
        for (n, area) in areas.iter().enumerate() {
            prop_assert!(
                0 <= area.left && area.right <= WIDTH && 0 <= area.top && area.bottom <= height,
                "{area:?} is outside of {WIDTH} x {height}"
            );
            for other in &areas[n + 1..] {
                prop_assert!(!area.meets(other), "{area:?} {other:?}");
            }
        }
        for (name, most) in [("x", WIDTH), ("cx", WIDTH), ("x1", WIDTH), ("x2", WIDTH), ("y", height), ("cy", height),
            ("y1", height), ("y2", height)] {
            for place in places(&svg, name) {
                prop_assert!((0..=most).contains(&place), "{name} {place}");
            }
        }
        let plain = unescaped(&svg);
        prop_assert!(!plain.chars().any(|c| c != '\n' && crate::visible::is_hidden(c)));
    }

    #[test]
    fn the_line_stands_at_the_levels_of_the_answer(levels in prop::collection::vec(-1.0..1.0, 1..20)) {
        let at = |week: i64| Some(Micros(week * 7 * 86_400 * Micros::SECOND).to_proto());
        let bucket = |(week, level): (i64, &f64)| SentimentBucket {
            begin: at(week),
            end: at(week + 1),
            counts: Some(SentimentCounts { count: 1, mean: Some(-level), ..SentimentCounts::default() }),
            level: Some(*level),
        };
        let answer = GetSentimentHistoryResponse {
            buckets: (0..).zip(&levels).map(bucket).collect(),
            ..GetSentimentHistoryResponse::default()
        };
        let story = Story { answer: &answer, feelings: &[], events: &[], half_life_days: 30, about: "" };
        let drawn: Vec<f64> = History::of(&story).buckets.iter().map(|bucket| bucket.level).collect();
        prop_assert_eq!(drawn, levels.clone());
        let svg = unescaped(&history(&story, &|_| 0).unwrap());
        for level in levels {
            let told = format!("level {level:+.2}; 1 feeling with a mean of {:+.2}", -level);
            prop_assert!(svg.contains(&told), "{}", told);
        }
    }

    #[test]
    fn ticks_are_few_in_order_and_at_round_times_of_the_clocks(
        from in -60_000_000_000_i64..200_000_000_000,
        wide in 86_400_i64..20_000_000_000,
        offset in -56_i64..57,
    ) {
        let span = Span { from: Micros(from * Micros::SECOND), to: Micros((from + wide) * Micros::SECOND) };
        let east = move |_| offset * 900;
        let ticks = axis::ticks(span, &east);
        prop_assert!(ticks.len() <= 12, "{}", ticks.len());
        prop_assert!(ticks.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 != two[1].1));
        for (at, _) in ticks {
            let clock = axis::minute(at, &east);
            prop_assert!(clock.ends_with(":00"), "{clock}");
        }
    }
}

#[test]
fn words_are_those_that_show_the_feeling() {
    let text = "電話が全然つながらない。受付の方は親切でした。";
    let span = |words: &str, kind: EvidenceKind| {
        let start = text.find(words).unwrap();
        EvidenceSpan {
            start: u32::try_from(start).unwrap(),
            end: u32::try_from(start + words.len()).unwrap(),
            kind: kind.into(),
            ..EvidenceSpan::default()
        }
    };
    let broken = EvidenceSpan {
        start: 1,
        end: 4,
        kind: EvidenceKind::Negative.into(),
        ..EvidenceSpan::default()
    };
    let mut item = SentimentItem {
        polarity: Some(-0.6),
        text: text.into(),
        analyses: vec![Analysis {
            spans: vec![
                broken,
                span("つながらない", EvidenceKind::Negative),
                span("親切", EvidenceKind::Positive),
            ],
            ..Analysis::default()
        }],
        ..SentimentItem::default()
    };
    assert_eq!(words(&item), ["つながらない"]);
    item.polarity = Some(0.6);
    assert_eq!(words(&item), ["親切"]);
    item.analyses.clear();
    assert_eq!(words(&item), [text]);
    item.text = "長".repeat(500);
    assert_eq!(words(&item)[0].chars().count(), 80);
    item.text = " ".into();
    assert!(words(&item).is_empty());
}

#[test]
fn nothing_is_drawn_as_nothing() {
    let answer = GetSentimentHistoryResponse::default();
    let story = Story {
        answer: &answer,
        feelings: &[],
        events: &[],
        half_life_days: 0,
        about: "",
    };
    let svg = history(&story, &|_| 0).unwrap();
    assert_is_svg(&svg);
    assert!(svg.contains("no feeling is known"));
}
