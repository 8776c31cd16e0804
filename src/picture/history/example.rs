//! The picture that the documents show.

use prost_types::Timestamp;

use super::*;
use crate::proto::v1::{
    Analysis, ChangePoint, EvidenceKind, EvidenceSpan, GetSentimentHistoryResponse,
    SentimentBucket, SentimentCounts, SentimentItem, SentimentSummary, SurveyMoment, SurveyScale,
};

#[expect(clippy::unnecessary_wraps, reason = "as messages hold times")]
fn at(day: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_704_067_200 - 9 * 3_600 + day * 86_400 + 14 * 3_600,
        nanos: 0,
    })
}

/// A feeling in a text of which a part shows it.
fn felt(day: i64, polarity: f64, department: &str, text: &str) -> SentimentItem {
    let (before, rest) = text.split_once('[').unwrap_or(("", text));
    let (words, after) = rest.split_once(']').unwrap_or((rest, ""));
    let kind = if polarity < 0.0 {
        EvidenceKind::Negative
    } else {
        EvidenceKind::Positive
    };
    SentimentItem {
        occurred_at: at(day),
        department: department.into(),
        channel: if department == "support" {
            "phone"
        } else {
            "email"
        }
        .into(),
        polarity: Some(polarity),
        label: label(polarity).into(),
        text: format!("{before}{words}{after}"),
        analyses: vec![Analysis {
            spans: vec![EvidenceSpan {
                start: u32::try_from(before.len()).unwrap(),
                end: u32::try_from(before.len() + words.len()).unwrap(),
                kind: kind.into(),
                ..EvidenceSpan::default()
            }],
            ..Analysis::default()
        }],
        ..SentimentItem::default()
    }
}

/// Somebody who liked a shop until a kettle broke, was passed around, and came back.
fn feelings() -> Vec<SentimentItem> {
    vec![
        felt(2, 0.62, "sales", "[とても分かりやすく]、助かりました。"),
        felt(9, 0.41, "store", "[Lovely shop], I will come again."),
        felt(17, 0.78, "sales", "[迅速な対応に感謝]しています。"),
        felt(24, 0.12, "sales", "請求書の宛名を変えられますか。"),
        felt(33, 0.55, "store", "急須の[色がきれい]です。"),
        felt(41, 0.30, "marketing", "The tea tasting was [nice]."),
        felt(52, -0.45, "support", "[急須のふたが欠けて]いました。"),
        felt(
            56,
            -0.66,
            "support",
            "[三回目の電話]です。まだ返事がありません。",
        ),
        felt(58, -0.91, "support", "[たらい回しにされて最悪]です。"),
        felt(63, -0.74, "support", "[Nobody calls back]. I will cancel."),
        felt(
            66,
            -0.30,
            "sales",
            "Please send my money back, [this is tiring].",
        ),
        felt(71, 0.05, "support", "返金の手続きについて教えてください。"),
        felt(80, 0.35, "support", "[無事に届きました]。"),
        felt(94, 0.48, "store", "店長さんの[説明が丁寧]でした。"),
        felt(
            108,
            0.83,
            "support",
            "[最後まで親切に対応していただき]、ありがとうございました。",
        ),
        felt(117, 0.52, "sales", "[Quick and easy] this time."),
    ]
}

/// The last day, of which the picture is.
const TODAY: i64 = 118;

/// The level at the begin of a day, of feelings of one weight.
fn level(feelings: &[SentimentItem], day: i64) -> f64 {
    let mut sums = (0.0, 2.0);
    for item in feelings {
        let age = at(day).unwrap().seconds - item.occurred_at.unwrap().seconds;
        let Some(days) = u32::try_from(age / 86_400).ok().filter(|_| age > 0) else {
            continue;
        };
        let left = (-f64::from(days) / 30.0).exp2();
        sums = (sums.0 + left * item.polarity.unwrap(), sums.1 + left);
    }
    sums.0 / sums.1
}

/// The buckets of a week that the service would count.
fn buckets(feelings: &[SentimentItem]) -> Vec<SentimentBucket> {
    let weeks = 0..18_i64;
    let counted = weeks.filter_map(|week| {
        let (begin, end) = (at(week * 7)?.seconds, at(week * 7 + 7)?.seconds);
        let within: Vec<f64> = feelings
            .iter()
            .filter(|item| (begin..end).contains(&item.occurred_at.unwrap().seconds))
            .filter_map(|item| item.polarity)
            .collect();
        let count = i32::try_from(within.len()).ok().filter(|n| *n > 0)?;
        Some(SentimentBucket {
            begin: at(week * 7),
            end: at(week * 7 + 7),
            counts: Some(SentimentCounts {
                count: i64::from(count),
                mean: Some(within.iter().sum::<f64>() / f64::from(count)),
                ..SentimentCounts::default()
            }),
            level: Some(level(feelings, (week * 7 + 7).min(TODAY))),
        })
    });
    counted.collect()
}

fn survey(day: i64, scale: SurveyScale, value: i32) -> SurveyMoment {
    SurveyMoment {
        occurred_at: at(day),
        scale: scale.into(),
        value,
        ..SurveyMoment::default()
    }
}

fn drawn_example() -> String {
    let feelings = feelings();
    let answer = GetSentimentHistoryResponse {
        profile_id: "01a200b9-d409-713d-b1af-9f79a26b9fdc".into(),
        summary: Some(SentimentSummary {
            level: Some(level(&feelings, TODAY)),
            count: 16,
            negative: 5,
            neutral: 2,
            positive: 9,
            computed_at: at(TODAY),
            ..SentimentSummary::default()
        }),
        buckets: buckets(&feelings),
        change_points: vec![
            ChangePoint {
                at: at(58),
                worse: true,
                before: 0.38,
                after: -0.67,
            },
            ChangePoint {
                at: at(108),
                worse: false,
                before: -0.08,
                after: 0.55,
            },
        ],
        surveys: vec![
            survey(10, SurveyScale::Nps, 9),
            survey(60, SurveyScale::Nps, 2),
            survey(110, SurveyScale::Nps, 8),
            survey(18, SurveyScale::Csat5, 5),
            survey(68, SurveyScale::Csat5, 1),
            survey(81, SurveyScale::Csat5, 3),
            survey(109, SurveyScale::Csat5, 5),
        ],
        ..GetSentimentHistoryResponse::default()
    };
    let event = |day, what: &str| Event {
        at: at(day),
        what: what.into(),
    };
    let events = [
        event(52, "ticket T-201 opened"),
        event(64, "order A-1001 returned"),
        event(73, "ticket T-201 closed"),
        event(92, "茶会に参加"),
    ];
    let story = Story {
        answer: &answer,
        feelings: &feelings,
        events: &events,
        half_life_days: 30,
        about: "a bucket is a week; times in UTC+09:00",
    };
    history(&story, &|_| 9 * 3_600).unwrap()
}

#[test]
fn the_example_of_the_documents_is_what_is_drawn() {
    let drawn = drawn_example();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sentiment.svg");
    if std::env::var_os("CUSTOMER_PROFILE_DRAW_EXAMPLE").is_some() {
        std::fs::write(file, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept == drawn,
        "run again with CUSTOMER_PROFILE_DRAW_EXAMPLE=1, and look at it"
    );
}
