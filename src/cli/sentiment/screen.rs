//! The screen: where the customer stands, where that is going, what it rests on, and the moments behind it.

use super::{
    super::{
        terminal::{
            Line, Screen, Tone,
            line::flow,
            table::{Column, Table},
        },
        words,
    },
    moments, spark, summary,
};
use crate::{
    picture::history::{label, said},
    proto::v1::{GetSentimentHistoryResponse, SentimentGroup, SentimentLabel, SentimentSummary},
};

/// Columns before the body of a part, where its name stands.
const GUTTER: usize = 13;
/// Columns of the longest bar.
const BAR: usize = 30;
/// Columns of the gauge.
const GAUGE: usize = 21;
/// Groups of a kind that are shown.
const GROUPS: usize = 12;

/// The whole screen.
pub(super) fn lines(
    answer: &GetSentimentHistoryResponse,
    bucket: &str,
    screen: &Screen,
) -> Vec<Line> {
    let unknown = SentimentSummary::default();
    let stands = answer.summary.as_ref().unwrap_or(&unknown);
    let room = screen.width - GUTTER;
    let mut lines = title(answer, stands, screen);
    lines.extend(part("level", level(stands, screen, room)));
    lines.extend(part("trend", trend(stands, room)));
    lines.extend(part("feelings", counts(stands)));
    lines.extend(part("history", history(answer, bucket, screen, room)));
    lines.extend(part(
        "effort",
        summary::effort(stands).into_iter().collect(),
    ));
    let signals = summary::signals(&stands.signals, screen.now);
    lines.extend(part("signals", flow(signals, " · ", room)));
    lines.extend(part("turns", moments::turns(answer, screen)));
    for (name, groups) in [
        ("departments", &answer.departments),
        ("channels", &answer.channels),
        ("topics", &answer.topics),
    ] {
        lines.extend(part(name, grouped(groups, room)));
    }
    lines.extend(part(
        "worst",
        moments::extremes(&answer.worst, screen, room),
    ));
    lines.extend(part("best", moments::extremes(&answer.best, screen, room)));
    let timeline = moments::timeline(answer, screen, screen.width);
    if !timeline.is_empty() {
        lines.push(Line::default());
        lines.extend(timeline);
    }
    if !answer.next_page_token.is_empty() {
        let more = "there are older feelings: --limit shows more";
        lines.push(Line::default().with(Tone::Faint, more));
    }
    lines
        .into_iter()
        .map(|line| line.cut(screen.width))
        .collect()
}

/// A part: its name beside its first line, the others below.
fn part(name: &str, body: Vec<Line>) -> Vec<Line> {
    let mut name = Some(name);
    body.into_iter()
        .map(|line| {
            let label = Line::default().with(Tone::Faint, name.take().unwrap_or_default());
            label.padded(GUTTER).then(line)
        })
        .collect()
}

fn title(
    answer: &GetSentimentHistoryResponse,
    stands: &SentimentSummary,
    screen: &Screen,
) -> Vec<Line> {
    let title = Line::of(&format!("profile {}", answer.profile_id));
    let feels = match stands.level {
        Some(level) => {
            let label = label(level);
            let word = match label {
                SentimentLabel::Negative => "feels bad",
                SentimentLabel::Positive => "feels good",
                SentimentLabel::Neutral | SentimentLabel::Unspecified => {
                    "feels neither good nor bad"
                }
            };
            vec![
                Line::default().with(summary::tone(label), word),
                summary::direction(stands.trend.as_ref()),
            ]
        }
        None => vec![Line::of("no feeling is known")],
    };
    let mut lines = flow([vec![title], feels].concat(), " · ", screen.width);
    lines.push(Line::default());
    lines
}

fn level(stands: &SentimentSummary, screen: &Screen, room: usize) -> Vec<Line> {
    let Some(level) = stands.level else {
        return Vec::new();
    };
    let mut items = vec![summary::polarity(level), gauge(level)];
    items.extend(summary::weight(stands, screen.now));
    if let Some(worst) = stands.worst_of_90_days {
        items.push(Line::of(&format!("worst of 90 days {worst:+.2}")));
    }
    flow(items, "  ", room)
}

/// Where a polarity lies between bad and good.
fn gauge(level: f64) -> Line {
    let last = i32::try_from(GAUGE - 1).unwrap_or_default();
    let steps = f64::from(last);
    let place = (0..=last).rfind(|n| f64::from(*n) <= f64::midpoint(level, 1.0) * steps + 0.5);
    let place = usize::try_from(place.unwrap_or_default()).unwrap_or_default();
    let rule = |from: usize, to: usize| -> String {
        let cell = |n: usize| if n == GAUGE / 2 { '┼' } else { '─' };
        (from..to).map(cell).collect()
    };
    Line::default()
        .with(Tone::Faint, &format!("bad {}", rule(0, place)))
        .with(summary::tone(label(level)), "●")
        .with(Tone::Faint, &format!("{} good", rule(place + 1, GAUGE)))
}

fn trend(stands: &SentimentSummary, room: usize) -> Vec<Line> {
    let Some(trend) = &stands.trend else {
        return Vec::new();
    };
    let mut items = vec![summary::direction(Some(trend))];
    items.extend(summary::evidence(trend));
    flow(items, " · ", room)
}

/// A bar for each label.
fn counts(stands: &SentimentSummary) -> Vec<Line> {
    if stands.count == 0 && stands.abstained == 0 {
        return Vec::new();
    }
    let of = [
        (SentimentLabel::Negative, stands.negative),
        (SentimentLabel::Neutral, stands.neutral),
        (SentimentLabel::Positive, stands.positive),
    ];
    let most = of
        .iter()
        .map(|(_, n)| i128::from(*n))
        .max()
        .unwrap_or_default();
    let bar = |n: i64| {
        let room = i128::try_from(BAR).unwrap_or_default();
        let long = (i128::from(n) * room + most - 1).checked_div(most);
        let long = long.and_then(|n| usize::try_from(n).ok());
        "█".repeat(long.unwrap_or_default().min(BAR))
    };
    let mut lines: Vec<Line> = of
        .into_iter()
        .map(|(label, n)| {
            Line::of(said(label))
                .padded(9)
                .with(summary::tone(label), &bar(n))
                .plain(&format!("{}{n}", if n == 0 { "" } else { " " }))
        })
        .collect();
    if stands.abstained > 0 {
        let untold = format!(
            "and {} of which no feeling could be told",
            words::count(stands.abstained, "text")
        );
        lines.push(Line::default().with(Tone::Faint, &untold));
    }
    lines
}

fn history(
    answer: &GetSentimentHistoryResponse,
    bucket: &str,
    screen: &Screen,
    room: usize,
) -> Vec<Line> {
    let (line, from) = spark::sparkline(&answer.buckets, room);
    let Some((first, last)) = answer.buckets.get(from).zip(answer.buckets.last()) else {
        return Vec::new();
    };
    let day = |at: Option<&prost_types::Timestamp>| screen.zone.day(at);
    let mut notes = vec![
        Line::of(&format!(
            "{} to {}",
            day(first.begin.as_ref()),
            day(last.end.as_ref())
        )),
        Line::of(&format!("a {bucket} each")),
        Line::of("· nothing said"),
    ];
    if from > 0 {
        let older = i64::try_from(from).unwrap_or(i64::MAX);
        notes.push(Line::of(&format!(
            "{} older",
            words::count(older, "bucket")
        )));
    }
    if answer.months_before.is_some() {
        let months = format!("months before {}", day(answer.months_before.as_ref()));
        notes.push(Line::of(&months));
    }
    if answer.counted_from.is_some() {
        let cut = format!(
            "too much to count before {}",
            day(answer.counted_from.as_ref())
        );
        notes.push(Line::default().with(Tone::Notice, &cut));
    }
    let mut lines = vec![line];
    lines.extend(flow(notes, "; ", room));
    lines
}

/// Groups with their means and counts, the most frequent first.
fn grouped(groups: &[SentimentGroup], room: usize) -> Vec<Line> {
    let mut groups: Vec<&SentimentGroup> = groups.iter().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.counts.as_ref().map(|c| c.count)));
    if groups.is_empty() {
        return Vec::new();
    }
    let column = |least, most, right, dispensable| Column {
        least,
        most,
        right,
        dispensable,
    };
    let columns = [
        column(8, 20, false, 0),
        column(13, 13, false, 0),
        column(5, 6, true, 1),
        column(5, 6, true, 2),
        column(7, 7, true, 4),
        column(5, 6, true, 3),
    ];
    let table = Table::new(columns, room);
    let mut lines = vec![table.head(["NAME", "MEAN", "N", "BAD", "NEUTRAL", "GOOD"])];
    lines.extend(groups.iter().take(GROUPS).map(|group| {
        let counts = group.counts.unwrap_or_default();
        let n = |n: i64| Line::of(&n.to_string());
        table.row([
            Line::of(&group.name),
            counts.mean.map_or_else(Line::default, summary::polarity),
            n(counts.count),
            n(counts.negative),
            n(counts.neutral),
            n(counts.positive),
        ])
    }));
    let left = groups.len().saturating_sub(GROUPS);
    if left > 0 {
        lines.push(Line::default().with(Tone::Faint, &format!("and {left} more")));
    }
    lines
}
