//! How the customer feels.

use std::{cmp::Reverse, sync::OnceLock};

use rust_decimal::Decimal;

use super::{Customer, count, figure, time};
use crate::{
    criteria::{Attribute, AttributeId, Facts as _, Value, schema::INTENTS},
    profile::{feelings::label, stamp::Stamped as _},
    proto::{
        state::v1::{Signal, State},
        v1::{SentimentLabel, SentimentSummary, SentimentTrend, TrendDirection},
    },
    sentiment::history::{self, Dated, HALF_LIFE_DAYS, Known, Moment},
};

/// The summary as of the day, once it was asked for.
#[derive(Debug, Default)]
pub(super) struct Felt(OnceLock<SentimentSummary>);

impl Customer<'_> {
    /// What follows from the sums of days.
    pub(super) fn felt(&self, id: AttributeId) -> Value<'_> {
        let felt = self.feelings_of_today();
        match id {
            AttributeId::SentimentLevel => figure(felt.level),
            AttributeId::SentimentEvidence => Value::rounded(felt.effective_n),
            AttributeId::SentimentTrend => Value::Text(trend(felt)),
            AttributeId::SentimentWorst => figure(felt.worst_of_90_days),
            AttributeId::Effort => figure(felt.effort),
            _ => Value::Missing,
        }
    }

    /// The level of sentiment, none when nothing was felt, and to how many fresh feelings its evidence amounts.
    #[must_use]
    pub fn level(&self) -> (Option<f64>, f64) {
        let felt = self.feelings_of_today();
        (felt.level, felt.effective_n)
    }

    pub(super) fn feelings_of_today(&self) -> &SentimentSummary {
        self.feelings.0.get_or_init(|| {
            let zone = self.moment().zone;
            self.feelings_of(Moment::on(self.today(), zone, self.around.prior))
        })
    }

    /// The summary at a moment, of the sums of days alone.
    pub(super) fn feelings_of(&self, moment: Moment) -> SentimentSummary {
        let series = history::series(self.core().feelings.iter().map(Dated::from));
        let known = Known {
            series: &series,
            last: None,
            signals: &[],
        };
        history::summary(known, moment, HALF_LIFE_DAYS)
    }
}

fn trend(felt: &SentimentSummary) -> &'static str {
    let direction = felt.trend.as_ref().map(SentimentTrend::direction);
    match direction.unwrap_or_default() {
        TrendDirection::Unspecified | TrendDirection::Insufficient => "insufficient",
        TrendDirection::Stable => "stable",
        TrendDirection::Improving => "improving",
        TrendDirection::Declining => "declining",
    }
}

/// What single texts told.
pub(super) fn told<'c>(core: &'c State, attribute: &Attribute) -> Value<'c> {
    let last = core.last_feeling.as_ref();
    let polarity = last.map(|last| last.polarity);
    match attribute.id() {
        AttributeId::LastFeeling => time(last.map(|last| last.at)),
        AttributeId::LastLabel => polarity.map_or(Value::Missing, |p| Value::Text(label_of(p))),
        AttributeId::LastPolarity => polarity.map_or(Value::Missing, |p| thousandths(p.into())),
        AttributeId::LastIntent => last_intent(core).map_or(Value::Missing, Value::Text),
        AttributeId::TopicLevel => {
            let about =
                |signal: &&Signal| signal.name.strip_prefix("topic:") == Some(attribute.text(0));
            topic_level(core.signals.iter().find(about))
        }
        AttributeId::SignalCount => {
            count(signal(core, attribute.text(0)).map_or(0, |signal| signal.count))
        }
        AttributeId::LastSignal => time(signal(core, attribute.text(0)).map(|signal| signal.at)),
        _ => Value::Missing,
    }
}

fn signal<'c>(core: &'c State, name: &str) -> Option<&'c Signal> {
    core.signals.iter().find(|signal| signal.name == name)
}

fn label_of(polarity: i32) -> &'static str {
    match label(i16::try_from(polarity).unwrap_or_default()) {
        SentimentLabel::Negative => "negative",
        SentimentLabel::Positive => "positive",
        SentimentLabel::Neutral | SentimentLabel::Unspecified => "neutral",
    }
}

fn thousandths(number: i64) -> Value<'static> {
    Value::Number(Decimal::new(number, 3).normalize())
}

/// The intent of the newest text with one; of several in one text that which stands first in the list of them.
pub(super) fn last_intent(core: &State) -> Option<&'static str> {
    let found = INTENTS.iter().enumerate().filter_map(|(place, name)| {
        let signal = signal(core, name)?;
        Some((signal.stamp(), Reverse(place), *name))
    });
    found.max().map(|(_, _, name)| name)
}

/// 1 when no text spoke badly of it, -1 when all did: the mean that figures of topics are made of.
fn topic_level(signal: Option<&Signal>) -> Value<'static> {
    let share = signal.and_then(|signal| {
        let bad = Decimal::from(signal.negative.checked_mul(2)?);
        bad.checked_div(Decimal::from(signal.count))
    });
    share.map_or(Value::Missing, |share| {
        Value::Number((Decimal::ONE - share).round_dp(6).normalize())
    })
}
