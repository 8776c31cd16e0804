//! Screens, letter by letter, and that no history breaks one.

mod hostile;

use clap::Parser as _;
use prost_types::Timestamp;

use super::*;
use crate::{
    cli::terminal::{Screen, Zone},
    clock::Micros,
    proto::v1::{
        Analysis, ChangePoint, EvidenceKind, EvidenceSpan, LastFeeling, SentimentBucket,
        SentimentCounts, SentimentGroup, SentimentItem, SentimentLabel, SentimentSignal,
        SentimentSummary, SentimentTrend, SurveyMoment, SurveyScale, TrendDirection,
    },
};

fn screen(width: usize) -> Screen {
    let zone = Zone::parse("+09:00").unwrap();
    let now = zone.read("2024-04-08T12:00:00+09:00").unwrap();
    Screen {
        width,
        colour: false,
        zone,
        now: Micros::from_proto(&now).unwrap(),
    }
}

fn at(text: &str) -> Option<Timestamp> {
    let text = format!("{}:00+09:00", text.replace(' ', "T"));
    Zone::parse("UTC").unwrap().read(&text).ok()
}

fn shown(answer: &GetSentimentHistoryResponse, width: usize) -> Vec<String> {
    let lines = screen::lines(answer, "month", &screen(width));
    lines.iter().map(|line| line.render(false)).collect()
}

fn counts(mean: f64, [negative, neutral, positive]: [i64; 3]) -> SentimentCounts {
    SentimentCounts {
        count: negative + neutral + positive,
        mean: Some(mean),
        negative,
        neutral,
        positive,
        ..SentimentCounts::default()
    }
}

fn month(begin: &str, end: &str, mean: f64) -> SentimentBucket {
    SentimentBucket {
        begin: at(&format!("{begin} 00:00")),
        end: at(&format!("{end} 00:00")),
        counts: Some(counts(mean, [1, 0, 1])),
        level: Some(mean / 2.0),
    }
}

fn group(name: &str, mean: f64, of: [i64; 3]) -> SentimentGroup {
    SentimentGroup {
        name: name.into(),
        counts: Some(counts(mean, of)),
    }
}

fn item(when: &str, polarity: f64, text: &str, words: &str) -> SentimentItem {
    let start = text.find(words).unwrap();
    let kind = if polarity < 0.0 {
        EvidenceKind::Negative
    } else {
        EvidenceKind::Positive
    };
    SentimentItem {
        occurred_at: at(when),
        department: "support".into(),
        channel: "phone".into(),
        polarity: Some(polarity),
        label: SentimentLabel::Negative.into(),
        text: text.into(),
        analyses: vec![Analysis {
            spans: vec![EvidenceSpan {
                start: u32::try_from(start).unwrap(),
                end: u32::try_from(start + words.len()).unwrap(),
                kind: kind.into(),
                ..EvidenceSpan::default()
            }],
            ..Analysis::default()
        }],
        ..SentimentItem::default()
    }
}

fn signal(name: &str, count: i64) -> SentimentSignal {
    SentimentSignal {
        name: name.into(),
        count,
        negative: 0,
        last_at: at("2024-04-05 12:00"),
    }
}

fn summary() -> SentimentSummary {
    SentimentSummary {
        level: Some(-0.42),
        effective_n: 4.26,
        staleness_days: Some(3),
        trend: Some(SentimentTrend {
            direction: TrendDirection::Declining.into(),
            fast: Some(-0.61),
            slow: Some(-0.12),
            standard_error: Some(0.18),
            effective_n_fast: 3.4,
            effective_n_slow: 7.9,
        }),
        count: 12,
        negative: 6,
        neutral: 2,
        positive: 4,
        abstained: 1,
        last: Some(LastFeeling {
            occurred_at: at("2024-04-05 12:00"),
            ..LastFeeling::default()
        }),
        worst_of_90_days: Some(-0.91),
        effort: Some(0.6),
        signals: vec![
            signal("anger", 3),
            signal("topic:delivery", 4),
            signal("complaint", 5),
            signal("leaving", 1),
        ],
        ..SentimentSummary::default()
    }
}

fn hanako() -> GetSentimentHistoryResponse {
    let worst = item(
        "2024-04-05 12:00",
        -0.91,
        "たらい回しにされて最悪です。",
        "最悪",
    );
    let best = item(
        "2024-01-20 10:00",
        0.8,
        "迅速な対応に感謝しています。",
        "感謝",
    );
    GetSentimentHistoryResponse {
        profile_id: "p-1".into(),
        summary: Some(summary()),
        buckets: vec![
            month("2023-10-01", "2023-11-01", 0.6),
            month("2024-01-01", "2024-02-01", 0.8),
            month("2024-02-01", "2024-03-01", 0.1),
            month("2024-04-01", "2024-05-01", -0.8),
        ],
        departments: vec![
            group("sales", 0.4, [0, 1, 4]),
            group("support", -0.5, [6, 1, 0]),
        ],
        topics: vec![group("delivery", -0.6, [3, 0, 0])],
        change_points: vec![ChangePoint {
            at: at("2024-04-02 00:00"),
            worse: true,
            before: 0.31,
            after: -0.8,
        }],
        worst: vec![worst.clone()],
        best: vec![best.clone()],
        surveys: vec![SurveyMoment {
            occurred_at: at("2024-04-06 09:00"),
            scale: SurveyScale::Nps.into(),
            value: 3,
            department: "marketing".into(),
            channel: "email".into(),
            ..SurveyMoment::default()
        }],
        items: vec![worst, best],
        next_page_token: "more".into(),
        ..GetSentimentHistoryResponse::default()
    }
}

#[test]
fn a_history_at_100_columns() {
    let expected = "\
profile p-1 · feels bad · getting worse

level        -0.42 bad  bad ──────●───┼────────── good  of 12 feelings, worth 4.3 fresh ones
             the last one 3 days ago  worst of 90 days -0.91
trend        getting worse · last week or so -0.61 (n 3.4) · last months -0.12 (n 7.9)
             difference -0.49, standard error 0.18
feelings     bad      ██████████████████████████████ 6
             neutral  ██████████ 2
             good     ████████████████████ 4
             and 1 text of which no feeling could be told
history      ▇··█▅·▁
             2023-10-01 to 2024-05-01; a month each; · nothing said
effort       effort +0.60, hard for the customer
signals      means to leave 3 days ago · complaint 5× 3 days ago · anger 3× 3 days ago
turns        2024-04-02  for the worse: +0.31 in the 90 days before, -0.80 since
departments  NAME                  MEAN                N     BAD  NEUTRAL    GOOD
             support               -0.50 bad           7       6        1       0
             sales                 +0.40 good          5       0        1       4
topics       NAME                  MEAN                N     BAD  NEUTRAL    GOOD
             delivery              -0.60 bad           3       3        0       0
worst        -0.91 bad  2024-04-05 12:00  support by phone
               “最悪”
best         +0.80 good  2024-01-20 10:00  support by phone
               “感謝”

WHEN (UTC+09:00)  BY          CHANNEL   FEELING        WORDS
2024-04-06 09:00  marketing   email     NPS 0-10       3
2024-04-05 12:00  support     phone     -0.91 bad      “最悪”
2024-01-20 10:00  support     phone     +0.80 good     “感謝”
there are older feelings: --limit shows more";
    assert_eq!(shown(&hanako(), 100).join("\n"), expected);
}

#[test]
fn nothing_is_said_as_nothing() {
    let answer = GetSentimentHistoryResponse {
        profile_id: "p-1".into(),
        summary: Some(SentimentSummary::default()),
        ..GetSentimentHistoryResponse::default()
    };
    assert_eq!(
        shown(&answer, 100),
        ["profile p-1 · no feeling is known", ""]
    );
}

#[test]
fn colours_go_with_the_words() {
    let lines = screen::lines(&hanako(), "month", &screen(100));
    let coloured: Vec<String> = lines.iter().map(|line| line.render(true)).collect();
    let coloured = coloured.join("\n");
    for said in [
        "-0.42 bad",
        "getting worse",
        "means to leave",
        "for the worse",
    ] {
        let bad = format!("\u{1b}[1;31m{said}\u{1b}[0m");
        assert!(coloured.contains(&bad), "{said}: {coloured}");
    }
}

#[test]
fn the_gauge_reaches_both_ends() {
    let gauge = |level| {
        let mut answer = hanako();
        answer.summary.as_mut().unwrap().level = Some(level);
        let lines = shown(&answer, 100);
        lines
            .into_iter()
            .find(|line| line.starts_with("level"))
            .unwrap()
    };
    assert!(gauge(-1.0).contains("bad ●────"));
    assert!(gauge(1.0).contains("────● good"));
    assert!(gauge(0.0).contains("──────────●──────────"));
}

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: SentimentArgs,
}

#[test]
fn what_is_asked_for_is_asked() {
    let parse = |more: &[&str]| {
        let arguments = ["sentiment", "email=a@b.example"].iter().chain(more);
        Line::try_parse_from(arguments).map(|line| line.args)
    };
    let request = parse(&[]).unwrap().request().unwrap();
    assert_eq!(request.bucket(), BucketWidth::Month);
    assert_eq!(request.half_life_days, 0);
    let plot = parse(&["--plot", "x.svg"]).unwrap();
    assert_eq!(plot.request().unwrap().bucket(), BucketWidth::Week);
    let args = parse(&[
        "--bucket",
        "day",
        "--from",
        "2024-04-01",
        "--time-zone",
        "+09:00",
        "--department",
        "a,b",
        "--department",
        "c",
        "--topic",
        "delivery",
        "--half-life",
        "7",
    ])
    .unwrap();
    let request = args.request().unwrap();
    assert_eq!(request.bucket(), BucketWidth::Day);
    assert_eq!(request.departments, ["a", "b", "c"]);
    assert_eq!(request.topics, ["delivery"]);
    assert_eq!(request.half_life_days, 7);
    assert_eq!(request.from, at("2024-04-01 00:00"));
    let about = "a bucket is a day; from 2024-04-01; only with a, b, c; only about delivery";
    assert_eq!(args.about(), about);
    for wrong in [
        ["--half-life", "0"],
        ["--half-life", "731"],
        ["--limit", "0"],
        ["--bucket", "year"],
    ] {
        assert!(parse(&wrong).is_err(), "{wrong:?}");
    }
    assert!(parse(&["--plot", "x.svg", "--json"]).is_err());
    let noon = parse(&["--from", "noon"]).unwrap();
    assert!(noon.request().is_err());
}
