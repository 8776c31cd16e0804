//! How a customer feels now.

use super::{
    Dated, Decayed, Moment, Sums,
    sums::{share, signed},
    trend,
};
use crate::{
    clock::Micros,
    profile::{feelings::label, stamp::Stamped as _},
    proto::{
        state::v1::{self as stored, Signal},
        v1::{LastFeeling, SentimentSignal, SentimentSummary},
    },
};

/// Days back in which the worst is looked for, today among them.
const WORST_DAYS: u32 = 90;

/// Days back over which effort is averaged, today among them.
const EFFORT_DAYS: u32 = 365;

/// What is known of a customer's feelings.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// Feelings by day, in the order of days.
    pub series: &'a [Dated],
    /// The newest feeling.
    pub last: Option<&'a stored::LastFeeling>,
    /// What texts showed, by name.
    pub signals: &'a [Signal],
}

/// The summary at a moment, its level with a half-life in days, at least 1.
#[must_use]
pub fn summary(known: Known<'_>, moment: Moment, half_life: u32) -> SentimentSummary {
    let mut all = Sums::default();
    let mut effort = Sums::default();
    let mut worst: Option<i32> = None;
    for dated in known.series {
        let age = moment.age(dated.reckoned());
        all.add(&dated.sums);
        if age < EFFORT_DAYS {
            effort.add(&dated.sums);
        }
        if age < WORST_DAYS {
            worst = worst.into_iter().chain(dated.sums.lowest).min();
        }
    }
    let decayed = Decayed::of(known.series, moment, half_life.into());
    let counts = all.counts();
    SentimentSummary {
        level: decayed.level(moment.prior),
        effective_n: decayed.effective_n(),
        staleness_days: staleness(known, moment),
        trend: Some(trend(known.series, moment)),
        count: counts.count,
        negative: counts.negative,
        neutral: counts.neutral,
        positive: counts.positive,
        abstained: counts.abstained,
        last: known.last.map(shown_last),
        worst_of_90_days: worst.map(share),
        effort: effort.mean_effort(),
        signals: known.signals.iter().map(shown_signal).collect(),
        computed_at: Some(moment.at().to_proto()),
    }
}

/// Days since the last feeling.
fn staleness(known: Known<'_>, moment: Moment) -> Option<i32> {
    let felt = known.series.iter().filter(|dated| dated.sums.count() > 0);
    let by_sums = felt.map(|dated| moment.age(dated.reckoned())).min();
    let by_last = known
        .last
        .map(|last| moment.age(moment.zone.day(Micros(last.at))));
    i32::try_from(by_last.or(by_sums)?).ok()
}

fn shown_last(last: &stored::LastFeeling) -> LastFeeling {
    let polarity = i16::try_from(last.polarity).unwrap_or_default();
    LastFeeling {
        interaction_id: last.stamp().id().to_string(),
        occurred_at: Some(Micros(last.at).to_proto()),
        department: last.department.clone(),
        channel: last.channel.clone(),
        polarity: share(last.polarity),
        label: label(polarity).into(),
        method: last.method,
        words: last.words.clone(),
    }
}

fn shown_signal(signal: &Signal) -> SentimentSignal {
    SentimentSignal {
        name: signal.name.clone(),
        count: signed(signal.count),
        negative: signed(signal.negative),
        last_at: Some(Micros(signal.at).to_proto()),
    }
}
