//! The customer as level 2 of learning sees them: the same figures that rules see, cut into a few values.

use super::{Customer, feelings::last_intent};
use crate::{
    calendar::Day,
    clock::Micros,
    criteria::Facts as _,
    next_best_action::{hashing, learning::features::Situation},
    proto::v1::{SentimentTrend, TrendDirection},
};

impl Customer<'_> {
    /// The situation, with hashes of the names of their segments and the hour where they are. Of a customer of whom nothing is
    /// known, nothing but the hour is known.
    #[must_use]
    pub fn situation<'s>(&self, segments: &'s [u64], hour: Option<u8>) -> Situation<'s> {
        if !self.known {
            return Situation {
                segments,
                hour,
                ..Situation::default()
            };
        }
        let core = self.core();
        let felt = self.feelings_of_today();
        let trend = felt.trend.as_ref().map(SentimentTrend::direction);
        let contacted = core.contacts.iter().map(|contact| contact.last_at).max();
        let open = core.totals.as_ref().map_or(0, |totals| totals.tickets_open);
        let scores = self.scores();
        Situation {
            segments,
            tenure_days: core.first_at.map(|at| self.days_since(at)),
            rfm: scores.and_then(|of| Some((of.recency, of.frequency, of.money?))),
            sentiment_level: felt.level,
            trend: trend.and_then(sign),
            last_intent: last_intent(core).map(|name| hashing::text(&[name])),
            days_since_contact: contacted.map(|at| self.days_since(at)),
            open_cases: Some(u32::try_from(open).unwrap_or(u32::MAX)),
            hour,
        }
    }

    /// Days of the tenant's calendar from an instant to today, 0 from one that is yet to come.
    fn days_since(&self, at: i64) -> u32 {
        let Day(then) = self.moment().zone.day(Micros(at));
        u32::try_from(self.today().0.saturating_sub(then)).unwrap_or(0)
    }
}

/// Which way feelings went; none where too little is known.
fn sign(direction: TrendDirection) -> Option<f64> {
    match direction {
        TrendDirection::Unspecified | TrendDirection::Insufficient => None,
        TrendDirection::Stable => Some(0.0),
        TrendDirection::Improving => Some(1.0),
        TrendDirection::Declining => Some(-1.0),
    }
}
