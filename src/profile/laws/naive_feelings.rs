//! What a state must say of feelings, written from `docs/sentiment.md` and without the code under test.

use std::collections::BTreeMap;

use chrono::{Datelike as _, FixedOffset, NaiveDate};

use super::made_up::Recorded;
use crate::proto::{
    state::v1::{self as stored, Feelings},
    v1::{Analysis, AnalysisMethod, Direction, Intent},
};

/// The date in Japan, where clocks are never changed.
pub(super) fn date(recorded: &Recorded) -> NaiveDate {
    let tokyo = FixedOffset::east_opt(9 * 3600).unwrap();
    let utc = recorded.at.to_datetime().unwrap();
    utc.with_timezone(&tokyo).date_naive()
}

fn first_of_month(date: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(date.year(), date.month(), 1).unwrap()
}

fn in_thousandths(number: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "at most 1000")]
    let rounded = (number * 1000.0).round() as i32;
    rounded
}

/// (polarity, weight, method) of an interaction; `None` where it says nothing that counts.
fn counting(recorded: &Recorded) -> Option<(i32, i32, AnalysisMethod)> {
    if let Some(said) = &recorded.message.sentiment {
        let weight = said.confidence.map_or(1000, in_thousandths);
        return Some((
            in_thousandths(said.polarity),
            weight.max(1),
            AnalysisMethod::Caller,
        ));
    }
    for method in [AnalysisMethod::External, AnalysisMethod::BuiltIn] {
        let of_method = recorded.analyses.iter().filter(|a| a.method() == method);
        let newest = of_method.max_by_key(|a| a.model_version);
        if let Some(feeling) = newest.and_then(|a| a.feeling.as_ref()) {
            let weight = in_thousandths(feeling.confidence).max(1);
            return Some((in_thousandths(feeling.polarity), weight, method));
        }
    }
    None
}

fn speaks(recorded: &Recorded) -> bool {
    let heard = recorded.message.sentiment.is_some() || !recorded.analyses.is_empty();
    recorded.message.direction() != Direction::Outbound && heard
}

/// The sums by day and month.
pub(super) fn feelings(sorted: &[&Recorded]) -> Vec<Feelings> {
    let speaking: Vec<&&Recorded> = sorted.iter().filter(|r| speaks(r)).collect();
    let Some(newest) = speaking.iter().map(|r| date(r)).max() else {
        return Vec::new();
    };
    let year_before = newest - chrono::Duration::days(365);
    let kept_from = first_of_month(year_before);
    let mut cells: BTreeMap<(NaiveDate, String, String), Vec<&Recorded>> = BTreeMap::new();
    for recorded in speaking {
        let date = date(recorded);
        let day = if date < kept_from {
            first_of_month(date)
        } else {
            date
        };
        let message = &recorded.message;
        let key = (day, message.department.clone(), message.channel.clone());
        cells.entry(key).or_default().push(recorded);
    }
    cells
        .into_iter()
        .map(|((day, department, channel), of_cell)| {
            let felt: Vec<(i32, i32)> = of_cell
                .iter()
                .filter_map(|r| counting(r).map(|(p, w, _)| (p, w)))
                .collect();
            let number = |wanted: &dyn Fn(i32) -> bool| {
                u64::try_from(felt.iter().filter(|(p, _)| wanted(*p)).count()).unwrap()
            };
            let sum = |of: &dyn Fn(i64, i64) -> i64| -> i64 {
                felt.iter().map(|(p, w)| of((*p).into(), (*w).into())).sum()
            };
            let efforts: Vec<i32> = of_cell.iter().filter_map(|r| effort(r)).collect();
            Feelings {
                day: day.to_epoch_days(),
                month: day < kept_from,
                department,
                channel,
                negative: number(&|p| p <= -250),
                neutral: number(&|p| p > -250 && p < 250),
                positive: number(&|p| p >= 250),
                abstained: u64::try_from(of_cell.len() - felt.len()).unwrap(),
                weight: sum(&|_, w| w).unsigned_abs(),
                weight_squares: sum(&|_, w| w * w).unsigned_abs(),
                weighted: sum(&|p, w| w * p),
                weighted_squares: sum(&|p, w| w * p * p).unsigned_abs(),
                lowest: felt.iter().map(|(p, _)| *p).min(),
                highest: felt.iter().map(|(p, _)| *p).max(),
                efforts: u64::try_from(efforts.len()).unwrap(),
                effort: efforts.iter().map(|e| i64::from(*e)).sum(),
            }
        })
        .collect()
}

fn effort(recorded: &Recorded) -> Option<i32> {
    let mut analyses: Vec<&Analysis> = recorded.analyses.iter().collect();
    analyses.sort_by_key(|a| a.method);
    analyses.iter().find_map(|a| a.effort).map(in_thousandths)
}

/// The newest feeling.
pub(super) fn last(sorted: &[&Recorded]) -> Option<stored::LastFeeling> {
    let newest = sorted
        .iter()
        .rev()
        .find(|r| speaks(r) && counting(r).is_some())?;
    let (polarity, _, method) = counting(newest)?;
    let (id_hi, id_lo) = super::naive::halves(newest);
    let sign = if polarity < 0 { "bad" } else { "good" };
    let heard = newest.message.text().contains(sign) && !newest.analyses.is_empty();
    Some(stored::LastFeeling {
        at: newest.at.0,
        id_hi,
        id_lo,
        department: newest.message.department.clone(),
        channel: newest.message.channel.clone(),
        polarity,
        method: method.into(),
        words: if heard {
            vec![sign.to_owned()]
        } else {
            Vec::new()
        },
    })
}

/// How often texts showed what.
pub(super) fn signals(sorted: &[&Recorded]) -> Vec<stored::Signal> {
    let mut found: BTreeMap<String, Vec<(&Recorded, bool)>> = BTreeMap::new();
    for recorded in sorted.iter().filter(|r| speaks(r)) {
        let analyses = || recorded.analyses.iter();
        let mut shows = |name: &str, bad: bool| {
            let of_name = found.entry(name.to_owned()).or_default();
            of_name.push((*recorded, bad));
        };
        if analyses().any(|a| a.leaving) {
            shows("leaving", false);
        }
        if analyses().any(|a| !a.emotions.is_empty()) {
            shows("anger", false);
        }
        for (intent, name) in [
            (Intent::Complaint, "complaint"),
            (Intent::Escalation, "escalation"),
        ] {
            if analyses().any(|a| a.intents.contains(&intent.into())) {
                shows(name, false);
            }
        }
        let topics = || analyses().flat_map(|a| &a.topics);
        if topics().next().is_some() {
            let bad = topics().any(|t| t.polarity.is_some_and(|p| p <= -0.25));
            shows("topic:delivery", bad);
        }
    }
    found
        .into_iter()
        .map(|(name, of_name)| {
            let (id_hi, id_lo) = super::naive::halves(of_name[of_name.len() - 1].0);
            stored::Signal {
                name,
                count: u64::try_from(of_name.len()).unwrap(),
                negative: u64::try_from(of_name.iter().filter(|(_, bad)| *bad).count()).unwrap(),
                at: of_name[of_name.len() - 1].0.at.0,
                id_hi,
                id_lo,
            }
        })
        .collect()
}

/// Answers by scale, month, department and channel.
pub(super) fn survey_months(sorted: &[&Recorded]) -> Vec<stored::SurveyMonth> {
    type Answer<'a> = (&'a Recorded, i32);
    let mut found: BTreeMap<(i32, NaiveDate, String, String), Vec<Answer<'_>>> = BTreeMap::new();
    for recorded in sorted {
        let message = &recorded.message;
        for score in &message.survey_scores {
            if score.scale == 0 {
                continue;
            }
            let key = (
                score.scale,
                first_of_month(date(recorded)),
                message.department.clone(),
                message.channel.clone(),
            );
            found.entry(key).or_default().push((recorded, score.value));
        }
    }
    found
        .into_iter()
        .map(|((scale, month, department, channel), answers)| {
            let newest = answers[answers.len() - 1].0;
            let (id_hi, id_lo) = super::naive::halves(newest);
            let of_newest = answers.iter().filter(|(r, _)| r.id == newest.id);
            let (low, high) = super::naive::range(scale);
            let histogram = (low..=high).map(|value| {
                u64::try_from(answers.iter().filter(|(_, v)| *v == value).count()).unwrap()
            });
            stored::SurveyMonth {
                scale,
                month: month.to_epoch_days(),
                department,
                channel,
                histogram: histogram.collect(),
                at: newest.at.0,
                id_hi,
                id_lo,
                value: of_newest.map(|(_, value)| *value).min().unwrap(),
            }
        })
        .collect()
}
