//! What is drawn: plain numbers, made of the answer. What is no number, no time or out of its range is left out here, so
//! that nothing behind has to ask.

use std::collections::BTreeMap;

use prost_types::Timestamp;

use crate::{
    clock::Micros,
    proto::v1::{
        EvidenceKind, GetSentimentHistoryResponse, SentimentItem, SentimentLabel, SurveyScale,
    },
};

/// Characters of a text that has no words of its own to show.
const QUOTE: usize = 80;

/// What the picture tells.
#[derive(Clone, Copy)]
pub struct Story<'a> {
    /// The history, but for its items.
    pub answer: &'a GetSentimentHistoryResponse,
    /// The feelings that are drawn one by one.
    pub feelings: &'a [SentimentItem],
    /// What happened meanwhile.
    pub events: &'a [Event],
    /// Half-life of the level in days; 0 means 30.
    pub half_life_days: i32,
    /// What to call the zone, and what was asked for: stands in the second line.
    pub about: &'a str,
}

/// Something that happened: a ticket, a return.
#[derive(Clone, Debug)]
pub struct Event {
    /// When.
    pub at: Option<Timestamp>,
    /// In few words.
    pub what: String,
}

/// What time is shown, first and last; never empty.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) from: Micros,
    pub(super) to: Micros,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            from: Micros(0),
            to: Micros(Micros::SECOND),
        }
    }
}

impl Span {
    /// Where a time lies in so much room; one outside lies at an end.
    pub(super) fn place(self, at: Micros, room: i32) -> i32 {
        let whole = i128::from(self.to.0) - i128::from(self.from.0);
        let part = i128::from(at.0) - i128::from(self.from.0);
        let place = part.clamp(0, whole.max(0)) * i128::from(room) / whole.max(1);
        i32::try_from(place).unwrap_or(room)
    }
}

/// Feelings of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bucket {
    pub(super) begin: Micros,
    pub(super) end: Micros,
    pub(super) count: i64,
    pub(super) mean: f64,
    /// At its end.
    pub(super) level: f64,
}

/// One feeling.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Micros,
    pub(super) polarity: f64,
    pub(super) label: SentimentLabel,
    /// Which department, by its place among `History::departments`.
    pub(super) department: usize,
    /// To whom and through what.
    pub(super) place: String,
    /// The words that show it.
    pub(super) words: Vec<String>,
}

/// An answer to a survey.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) at: Micros,
    pub(super) scale: SurveyScale,
    pub(super) value: i32,
}

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The feeling turned for the worse.
    Worse,
    /// The feeling turned for the better.
    Better,
    /// Something happened.
    Event,
}

/// A vertical mark.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) at: Micros,
    pub(super) meaning: Meaning,
    pub(super) what: String,
}

/// How many feelings are of which label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// All.
    pub(super) count: i64,
    /// Of which bad.
    pub(super) negative: i64,
    /// Of which neither.
    pub(super) neutral: i64,
    /// Of which good.
    pub(super) positive: i64,
}

/// A history in plain numbers.
#[derive(Debug)]
pub(super) struct History {
    pub(super) profile_id: String,
    pub(super) about: String,
    pub(super) half_life_days: i32,
    /// Where the customer stands.
    pub(super) level: Option<f64>,
    pub(super) tally: Tally,
    /// By time, none upon another.
    pub(super) buckets: Vec<Bucket>,
    /// Departments of the moments, the one with most first.
    pub(super) departments: Vec<String>,
    /// By time.
    pub(super) moments: Vec<Moment>,
    pub(super) answers: Vec<Answer>,
    pub(super) marks: Vec<Mark>,
    /// From the first to the last of all these, with room around; `None` when there is nothing.
    pub(super) span: Option<Span>,
}

fn micros(at: Option<&Timestamp>) -> Option<Micros> {
    at.and_then(Micros::from_proto)
}

fn polarity(number: f64) -> Option<f64> {
    number.is_finite().then(|| number.clamp(-1.0, 1.0))
}

impl History {
    /// Of an answer.
    pub(super) fn of(story: &Story<'_>) -> Self {
        let answer = story.answer;
        let summary = answer.summary.as_ref();
        let departments = departments(story.feelings);
        let mut history = Self {
            profile_id: answer.profile_id.clone(),
            about: story.about.to_owned(),
            half_life_days: match story.half_life_days {
                days @ 1..=100_000 => days,
                _ => 30,
            },
            level: summary.and_then(|s| s.level).and_then(polarity),
            tally: summary.map_or_else(Tally::default, |s| Tally {
                count: s.count,
                negative: s.negative,
                neutral: s.neutral,
                positive: s.positive,
            }),
            buckets: buckets(answer),
            moments: moments(story.feelings, &departments),
            departments,
            answers: answers(answer),
            marks: marks(answer, story.events),
            span: None,
        };
        history.span = history.extent();
        history
    }

    /// Whether there is nothing of feelings or surveys to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.span.is_none()
    }

    /// Marks alone make no history.
    fn extent(&self) -> Option<Span> {
        let buckets = self.buckets.iter().flat_map(|b| [b.begin, b.end]);
        let moments = self.moments.iter().map(|m| m.at);
        let answers = self.answers.iter().map(|a| a.at);
        let felt: Vec<Micros> = buckets.chain(moments).chain(answers).collect();
        let (first, last) = (felt.iter().min()?, felt.iter().max()?);
        let marks = self.marks.iter().map(|m| m.at);
        let first = marks.clone().min().map_or(*first, |at| at.min(*first));
        let last = marks.max().map_or(*last, |at| at.max(*last));
        // At least a day, and a fiftieth of it at either end.
        let wide = (last.0 - first.0).max(86_400 * Micros::SECOND);
        Some(Span {
            from: Micros(first.0 - wide / 50),
            to: Micros(last.0.max(first.0 + wide) + wide / 50),
        })
    }
}

/// Buckets by time; of two that overlap the later begins where the earlier ends. One that is not over ends with what is known.
fn buckets(answer: &GetSentimentHistoryResponse) -> Vec<Bucket> {
    let known = micros(answer.summary.as_ref().and_then(|s| s.computed_at.as_ref()));
    let read = answer.buckets.iter().filter_map(|bucket| {
        let counts = bucket.counts.as_ref()?;
        let begin = micros(bucket.begin.as_ref())?;
        let end = micros(bucket.end.as_ref())?;
        let end = known.map_or(end, |known| end.min(known.max(begin)));
        Some(Bucket {
            begin,
            end: end.max(begin),
            count: counts.count.clamp(0, 1_000_000),
            mean: counts.mean.and_then(polarity)?,
            level: bucket.level.and_then(polarity)?,
        })
    });
    let mut read: Vec<Bucket> = read.filter(|bucket| bucket.count > 0).collect();
    read.sort_by_key(|bucket| (bucket.begin, bucket.end));
    let mut from = Micros(i64::MIN);
    for bucket in &mut read {
        bucket.begin = bucket.begin.max(from);
        bucket.end = bucket.end.max(bucket.begin);
        from = bucket.end;
    }
    read
}

fn departments(feelings: &[SentimentItem]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for item in feelings.iter().filter(|item| item.polarity.is_some()) {
        *counts.entry(&item.department).or_default() += 1;
    }
    let mut sorted: Vec<(&str, usize)> = counts.into_iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sorted
        .into_iter()
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn moments(feelings: &[SentimentItem], departments: &[String]) -> Vec<Moment> {
    let read = feelings.iter().filter_map(|item| {
        let polarity = item.polarity.and_then(polarity)?;
        Some(Moment {
            at: micros(item.occurred_at.as_ref())?,
            polarity,
            label: match item.label() {
                SentimentLabel::Unspecified => label(polarity),
                said => said,
            },
            department: departments
                .iter()
                .position(|d| *d == item.department)
                .unwrap_or(usize::MAX),
            place: format!("{} by {}", item.department, item.channel),
            words: words(item).into_iter().map(str::to_owned).collect(),
        })
    });
    let mut read: Vec<Moment> = read.collect();
    read.sort_by_key(|moment| moment.at);
    read
}

fn answers(answer: &GetSentimentHistoryResponse) -> Vec<Answer> {
    let read = answer.surveys.iter().filter_map(|survey| {
        Some(Answer {
            at: micros(survey.occurred_at.as_ref())?,
            scale: survey.scale(),
            value: survey.value,
        })
    });
    let mut read: Vec<Answer> = read
        .filter(|answer| answer.scale != SurveyScale::Unspecified)
        .collect();
    read.sort_by_key(|answer| answer.at);
    read
}

fn marks(answer: &GetSentimentHistoryResponse, events: &[Event]) -> Vec<Mark> {
    let turns = answer.change_points.iter().filter_map(|turn| {
        let (meaning, way) = if turn.worse {
            (Meaning::Worse, "worse")
        } else {
            (Meaning::Better, "better")
        };
        let (before, after) = (polarity(turn.before)?, polarity(turn.after)?);
        Some(Mark {
            at: micros(turn.at.as_ref())?,
            meaning,
            what: format!("{way}: {before:+.2} to {after:+.2}"),
        })
    });
    let events = events.iter().filter_map(|event| {
        Some(Mark {
            at: micros(event.at.as_ref())?,
            meaning: Meaning::Event,
            what: event.what.clone(),
        })
    });
    let mut read: Vec<Mark> = turns.chain(events).collect();
    read.sort_by_key(|mark| mark.at);
    read
}

/// What a polarity amounts to.
pub(crate) fn label(polarity: f64) -> SentimentLabel {
    if polarity >= 0.25 {
        SentimentLabel::Positive
    } else if polarity <= -0.25 {
        SentimentLabel::Negative
    } else {
        SentimentLabel::Neutral
    }
}

/// A label in a word.
pub(crate) fn said(label: SentimentLabel) -> &'static str {
    match label {
        SentimentLabel::Negative => "bad",
        SentimentLabel::Neutral => "neutral",
        SentimentLabel::Positive => "good",
        SentimentLabel::Unspecified => "untold",
    }
}

/// At most three pieces of a text that show its feeling, as the analysis that counts found them; without any, the beginning
/// of the text. A span that lies on no character boundary is left out.
pub(crate) fn words(item: &SentimentItem) -> Vec<&str> {
    let wanted = match item.polarity {
        Some(polarity) if polarity > 0.0 => EvidenceKind::Positive,
        Some(polarity) if polarity < 0.0 => EvidenceKind::Negative,
        _ => EvidenceKind::Unspecified,
    };
    let spans = item.analyses.first().map_or(&[][..], |one| &one.spans);
    let found: Vec<&str> = spans
        .iter()
        .filter(|span| span.kind() == wanted)
        .filter_map(|span| {
            let start = usize::try_from(span.start).ok()?;
            let end = usize::try_from(span.end).ok()?;
            item.text.get(start..end)
        })
        .map(str::trim)
        .filter(|words| !words.is_empty())
        .take(3)
        .collect();
    if !found.is_empty() {
        return found;
    }
    let whole = item.text.trim();
    let mut ends = whole.char_indices().map(|(at, _)| at);
    let end = ends.nth(QUOTE).unwrap_or(whole.len());
    match &whole[..end] {
        "" => Vec::new(),
        begin => vec![begin],
    }
}
