//! What of an interaction's feeling a state keeps, and how two states' feelings add up.
//!
//! What must stay true:
//!
//! - Fold reads analyses and never makes one: a rebuild after a model was replaced, or an analyzer timed out, equals what
//!   is stored.
//! - Polarities and weights are integers, in thousandths; sums of them are exact in any order.
//! - Days that lie before the month in which the newest day of the state was a year ago are summed by month. What one part
//!   of a union keeps by month its union does too, so it does not matter when that happens.
//! - The business's own words never count as the customer's feeling.

use std::cmp::Ordering;

use super::{
    fold::Fact,
    merge::earliest,
    sorted,
    stamp::{Stamp, Stamped as _},
};
use crate::{
    calendar::Day,
    proto::{
        state::v1::{Feelings, LastFeeling, Signal, State, Survey, SurveyMonth},
        v1::{Analysis, AnalysisMethod, Direction, EvidenceKind, Interaction, SentimentLabel},
    },
};

/// Pieces of text kept with the last feeling, and bytes of each.
const PIECES: usize = 3;
const PIECE_BYTES: usize = 120;

/// Days that are kept as days, counted back from the newest.
const DAYS_KEPT: i32 = 365;

/// The feeling of an interaction that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// -1000 to 1000.
    pub polarity: i16,
    /// How much it weighs, 1 to 1000: the confidence.
    pub weight: u16,
    /// Who judged.
    pub method: AnalysisMethod,
}

/// What a polarity in thousandths amounts to.
#[must_use]
pub fn label(polarity: i16) -> SentimentLabel {
    match polarity {
        250.. => SentimentLabel::Positive,
        ..=-250 => SentimentLabel::Negative,
        _ => SentimentLabel::Neutral,
    }
}

/// Whether an interaction's words are the customer's: inbound ones, and of those that do not say what surveys and opened
/// tickets say.
#[must_use]
pub fn is_customers(message: &Interaction) -> bool {
    match message.direction() {
        Direction::Inbound => true,
        Direction::Outbound => false,
        Direction::Unspecified => {
            matches!(message.r#type.as_str(), "ticket.opened" | "survey.answered")
        }
    }
}

/// The feeling that counts: the caller's own, else an external analyzer's, else the built-in analyzer's.
#[must_use]
pub fn counted(message: &Interaction, analyses: &[Analysis]) -> Option<Counted> {
    if message.direction() == Direction::Outbound {
        return None;
    }
    if let Some(said) = &message.sentiment {
        return Some(Counted {
            polarity: thousandths(said.polarity, -1000),
            weight: u16::try_from(thousandths(said.confidence.unwrap_or(1.0), 1)).unwrap_or(1),
            method: AnalysisMethod::Caller,
        });
    }
    let first = by_rank(analyses).find_map(|one| one.feeling.as_ref().map(|f| (one, f)));
    first.map(|(analysis, feeling)| Counted {
        polarity: thousandths(feeling.polarity, -1000),
        weight: u16::try_from(thousandths(feeling.confidence, 1)).unwrap_or(1),
        method: analysis.method(),
    })
}

/// Analyses in the order in which they count: by method, of one method the newest model's first.
pub fn by_rank(analyses: &[Analysis]) -> impl Iterator<Item = &Analysis> {
    let mut sorted: Vec<&Analysis> = analyses.iter().collect();
    sorted.sort_by_key(|one| (one.method, std::cmp::Reverse(one.model_version)));
    sorted.into_iter()
}

/// A number of at most 1 in thousandths.
fn thousandths(number: f64, least: i16) -> i16 {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "clamped to what an i16 holds; not a number becomes 0"
    )]
    let rounded = (number * 1000.0).round().clamp(-1000.0, 1000.0) as i16;
    rounded.max(least)
}

/// Adds what an interaction says of feelings to the state of it alone.
pub(super) fn tell(state: &mut State, fact: Fact<'_>, stamp: Stamp) {
    let message = fact.message;
    let day = fact.zone.day(fact.occurred_at);
    state.survey_months = survey_months(message, &state.surveys, day);
    if message.direction() == Direction::Outbound {
        return;
    }
    let counted = counted(message, fact.analyses);
    let heard: Vec<&Analysis> = by_rank(fact.analyses).collect();
    if counted.is_none() && heard.is_empty() {
        return;
    }
    let effort = heard.iter().find_map(|one| one.effort);
    state.feelings = vec![day_of(message, day, counted, effort)];
    state.last_feeling = counted.map(|counted| last(message, stamp, counted, &heard));
    state.signals = signals(&heard, stamp);
}

fn day_of(
    message: &Interaction,
    day: Day,
    counted: Option<Counted>,
    effort: Option<f64>,
) -> Feelings {
    let mut feelings = Feelings {
        day: day.0,
        department: message.department.clone(),
        channel: message.channel.clone(),
        ..Feelings::default()
    };
    match counted {
        None => feelings.abstained = 1,
        Some(counted) => {
            let (weight, polarity) = (u64::from(counted.weight), i64::from(counted.polarity));
            match label(counted.polarity) {
                SentimentLabel::Negative => feelings.negative = 1,
                SentimentLabel::Positive => feelings.positive = 1,
                SentimentLabel::Neutral | SentimentLabel::Unspecified => feelings.neutral = 1,
            }
            feelings.weight = weight;
            feelings.weight_squares = weight * weight;
            feelings.weighted = i64::from(counted.weight) * polarity;
            feelings.weighted_squares = weight * (polarity * polarity).unsigned_abs();
            feelings.lowest = Some(counted.polarity.into());
            feelings.highest = Some(counted.polarity.into());
        }
    }
    if let Some(effort) = effort {
        feelings.efforts = 1;
        feelings.effort = thousandths(effort, -1000).into();
    }
    feelings
}

fn last(message: &Interaction, stamp: Stamp, counted: Counted, heard: &[&Analysis]) -> LastFeeling {
    LastFeeling {
        at: stamp.at,
        id_hi: stamp.id_hi,
        id_lo: stamp.id_lo,
        department: message.department.clone(),
        channel: message.channel.clone(),
        polarity: counted.polarity.into(),
        method: counted.method.into(),
        words: words(message.text(), counted, heard),
    }
}

/// The pieces of a text that speak for a feeling.
fn words(text: &str, counted: Counted, heard: &[&Analysis]) -> Vec<String> {
    let wanted = if counted.polarity < 0 {
        EvidenceKind::Negative
    } else {
        EvidenceKind::Positive
    };
    let spans = heard.iter().flat_map(|one| &one.spans);
    let pieces = spans
        .filter(|span| span.kind() == wanted)
        .filter_map(|span| {
            let range = usize::try_from(span.start).ok()?..usize::try_from(span.end).ok()?;
            let piece = text.get(range)?.trim();
            let end = piece.floor_char_boundary(PIECE_BYTES);
            piece.get(..end).filter(|piece| !piece.is_empty())
        });
    let mut words: Vec<String> = Vec::new();
    for piece in pieces {
        if words.len() < PIECES && words.iter().all(|known| known != piece) {
            words.push(piece.to_owned());
        }
    }
    words
}

fn signals(heard: &[&Analysis], stamp: Stamp) -> Vec<Signal> {
    let mut names: Vec<(String, bool)> = Vec::new();
    for analysis in heard {
        names.extend(
            analysis
                .emotions()
                .map(|e| (name_of(e.as_str_name()), false)),
        );
        names.extend(
            analysis
                .intents()
                .map(|i| (name_of(i.as_str_name()), false)),
        );
        names.extend(analysis.leaving.then(|| ("leaving".to_owned(), false)));
        names.extend(
            analysis
                .safety_or_legal
                .then(|| ("safety_or_legal".to_owned(), false)),
        );
        names.extend(analysis.topics.iter().map(|topic| {
            let bad = topic
                .polarity
                .is_some_and(|p| thousandths(p, -1000) <= -250);
            (format!("topic:{}", topic.topic), bad)
        }));
    }
    // Of one name in two analyses that is kept which says that it is bad.
    names.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    names.dedup_by(|later, first| later.0 == first.0);
    names
        .into_iter()
        .map(|(name, bad)| Signal {
            name,
            count: 1,
            negative: bad.into(),
            at: stamp.at,
            id_hi: stamp.id_hi,
            id_lo: stamp.id_lo,
        })
        .collect()
}

/// The name of an emotion or intent as a signal: `EMOTION_ANGER` is `anger`.
fn name_of(value: &str) -> String {
    let bare = value.split_once('_').map_or(value, |(_, bare)| bare);
    bare.to_ascii_lowercase()
}

/// The answers of an interaction as those of a month.
fn survey_months(message: &Interaction, answers: &[Survey], day: Day) -> Vec<SurveyMonth> {
    let month = |survey: &Survey| SurveyMonth {
        scale: survey.scale,
        month: day.month().0,
        department: message.department.clone(),
        channel: message.channel.clone(),
        histogram: survey.histogram.clone(),
        at: survey.at,
        id_hi: survey.id_hi,
        id_lo: survey.id_lo,
        value: survey.value,
    };
    answers.iter().map(month).collect()
}

/// Adds the feelings of another state.
pub(super) fn merge(mine: &mut State, theirs: &mut State) {
    merge_days(&mut mine.feelings, std::mem::take(&mut theirs.feelings));
    if let Some(last) = theirs.last_feeling.take()
        && mine
            .last_feeling
            .as_ref()
            .is_none_or(|known| known.stamp() < last.stamp())
    {
        mine.last_feeling = Some(last);
    }
    sorted::merge(
        &mut mine.signals,
        std::mem::take(&mut theirs.signals),
        |a, b| a.name.cmp(&b.name),
        |a, b| {
            a.count += b.count;
            a.negative += b.negative;
            if a.stamp() < b.stamp() {
                (a.at, a.id_hi, a.id_lo) = (b.at, b.id_hi, b.id_lo);
            }
        },
    );
    merge_survey_months(
        &mut mine.survey_months,
        std::mem::take(&mut theirs.survey_months),
    );
}

fn merge_survey_months(mine: &mut Vec<SurveyMonth>, theirs: Vec<SurveyMonth>) {
    sorted::merge(
        mine,
        theirs,
        |a, b| {
            (a.scale, a.month, &a.department, &a.channel).cmp(&(
                b.scale,
                b.month,
                &b.department,
                &b.channel,
            ))
        },
        |a, b| {
            if a.histogram.len() < b.histogram.len() {
                a.histogram.resize(b.histogram.len(), 0);
            }
            for (count, more) in a.histogram.iter_mut().zip(&b.histogram) {
                *count += more;
            }
            let (old, new) = (a.stamp(), b.stamp());
            match new.cmp(&old) {
                Ordering::Greater => {
                    (a.at, a.id_hi, a.id_lo) = (new.at, new.id_hi, new.id_lo);
                    a.value = b.value;
                }
                Ordering::Equal => a.value = a.value.min(b.value),
                Ordering::Less => (),
            }
        },
    );
}

fn merge_days(mine: &mut Vec<Feelings>, theirs: Vec<Feelings>) {
    if theirs.is_empty() {
        return;
    }
    sorted::merge(mine, theirs, by_day, combine);
    let Some(newest) = mine.last().map(|last| last.day) else {
        return;
    };
    let first_kept = Day(newest.saturating_sub(DAYS_KEPT)).month().0;
    // Months lie before days; nothing is to do for most.
    let ended = mine.partition_point(|entry| entry.day < first_kept);
    if mine[..ended].iter().all(|entry| entry.month) {
        return;
    }
    let kept = mine.split_off(ended);
    let mut months: Vec<Feelings> = Vec::new();
    for mut entry in std::mem::take(mine) {
        entry.day = Day(entry.day).month().0;
        entry.month = true;
        sorted::merge(&mut months, vec![entry], by_day, combine);
    }
    months.extend(kept);
    *mine = months;
}

fn by_day(a: &Feelings, b: &Feelings) -> Ordering {
    // The first of a month and the whole month are never of one state for long: what lies there is a month.
    (a.day, &a.department, &a.channel).cmp(&(b.day, &b.department, &b.channel))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "called like the other combinations"
)]
fn combine(mine: &mut Feelings, theirs: Feelings) {
    mine.month |= theirs.month;
    mine.negative += theirs.negative;
    mine.neutral += theirs.neutral;
    mine.positive += theirs.positive;
    mine.abstained += theirs.abstained;
    mine.weight += theirs.weight;
    mine.weight_squares += theirs.weight_squares;
    mine.weighted += theirs.weighted;
    mine.weighted_squares += theirs.weighted_squares;
    mine.lowest = earliest(mine.lowest, theirs.lowest);
    mine.highest = mine.highest.max(theirs.highest);
    mine.efforts += theirs.efforts;
    mine.effort += theirs.effort;
}
