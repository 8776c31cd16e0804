//! What an action was shown for and what came of it, by day and channel.
//!
//! What must stay true:
//!
//! - Everything is a count, so order does not matter and tallies unite exactly. A slot counts once, with the latest outcome that
//!   is known of it: a late yes is counted by counting that day again.
//! - An outcome counts in every step that it implies: who accepted or rejected was delivered to and saw it. It implies no click (a
//!   yes may come by phone), so clicks are told apart. What was never delivered, or of which nothing was heard, is in no
//!   rate; what was delivered lately is, and may still be answered: rates of the last days are lower than they will be.
//! - Days and channels are bounded: at most [`DAYS`] days are kept, the latest.

use std::collections::BTreeMap;

use super::number::{ONE, parts, real, sum};
use crate::{
    calendar::Day,
    experience::measure::{Z_95, wilson},
    next_best_action::{keys::ChannelIndex, outcome::Outcome},
};

/// The most days that are kept.
pub const DAYS: usize = 400;

/// Counts of an action on a day in a channel, or over several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Slots for which it was a candidate that survived the gates.
    pub candidates: u64,
    /// Sum of its logged propensities as a candidate, in 2^-30.
    propensities: u128,
    /// Slots it won.
    pub shown: u64,
    /// Sum of its logged propensities where it won, in 2^-30.
    won_propensities: u128,
    /// Of those shown: known not to have been delivered.
    pub not_delivered: u64,
    /// Of those shown: nothing was reported yet.
    pub unreported: u64,
    /// Of those shown: delivered, whatever came after.
    pub delivered: u64,
    /// Of those delivered: seen, whatever came after.
    pub seen: u64,
    /// Of those delivered: a click was reported.
    pub clicked: u64,
    /// Of those delivered: accepted.
    pub accepted: u64,
    /// Of those delivered: rejected.
    pub rejected: u64,
}

/// What came of a slot that the action won.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Won {
    /// The furthest outcome; `None` when nothing was reported.
    pub outcome: Option<Outcome>,
    /// Whether a click was ever reported.
    pub clicked: bool,
}

/// A share with what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The share, 0 to 1.
    pub value: f64,
    /// Wilson's 95% interval.
    pub interval: (f64, f64),
    /// What it is a share of.
    pub n: u64,
}

impl Rate {
    /// A part of so many; `None` of nothing.
    #[must_use]
    pub fn of(part: u64, n: u64) -> Option<Self> {
        let value = real(part.min(n)) / real(n.max(1));
        let interval = wilson(value, real(n), Z_95)?;
        Some(Self { value, interval, n })
    }
}

impl Counts {
    /// Adds a slot for which the action was a candidate with this logged propensity (0 to 1); where it won, with what came of
    /// it.
    pub fn add(&mut self, propensity: f64, won: Option<Won>) {
        let propensity = u128::from(parts(propensity));
        self.candidates += 1;
        self.propensities += propensity;
        let Some(won) = won else { return };
        self.shown += 1;
        self.won_propensities += propensity;
        let Some(outcome) = won.outcome else {
            self.unreported += 1;
            return;
        };
        if outcome == Outcome::NotDelivered {
            self.not_delivered += 1;
            return;
        }
        self.delivered += 1;
        self.seen += u64::from(outcome != Outcome::Pending);
        self.clicked += u64::from(won.clicked || outcome == Outcome::Clicked);
        self.accepted += u64::from(outcome == Outcome::Accepted);
        self.rejected += u64::from(outcome == Outcome::Rejected);
    }

    /// Adds another's.
    pub fn unite(&mut self, other: &Self) {
        for (to, from) in [
            (&mut self.candidates, other.candidates),
            (&mut self.shown, other.shown),
            (&mut self.not_delivered, other.not_delivered),
            (&mut self.unreported, other.unreported),
            (&mut self.delivered, other.delivered),
            (&mut self.seen, other.seen),
            (&mut self.clicked, other.clicked),
            (&mut self.accepted, other.accepted),
            (&mut self.rejected, other.rejected),
        ] {
            *to = to.saturating_add(from);
        }
        self.propensities += other.propensities;
        self.won_propensities += other.won_propensities;
    }

    /// Delivered, of what is known to have been delivered or not.
    #[must_use]
    pub fn delivery(&self) -> Option<Rate> {
        Rate::of(
            self.delivered,
            self.delivered.saturating_add(self.not_delivered),
        )
    }

    /// Seen, of those delivered.
    #[must_use]
    pub fn view(&self) -> Option<Rate> {
        Rate::of(self.seen, self.delivered)
    }

    /// Clicked, of those delivered.
    #[must_use]
    pub fn click(&self) -> Option<Rate> {
        Rate::of(self.clicked, self.delivered)
    }

    /// Accepted, of those delivered.
    #[must_use]
    pub fn acceptance(&self) -> Option<Rate> {
        Rate::of(self.accepted, self.delivered)
    }

    /// Rejected, of those delivered.
    #[must_use]
    pub fn rejection(&self) -> Option<Rate> {
        Rate::of(self.rejected, self.delivered)
    }

    /// Slots it won, of those for which it was a candidate.
    #[must_use]
    pub fn win(&self) -> Option<Rate> {
        Rate::of(self.shown, self.candidates)
    }

    /// Its mean logged propensity as a candidate: what its share of wins must come to.
    #[must_use]
    pub fn mean_propensity(&self) -> Option<f64> {
        mean(self.propensities, self.candidates)
    }

    /// Its mean logged propensity where it won.
    #[must_use]
    pub fn mean_propensity_won(&self) -> Option<f64> {
        mean(self.won_propensities, self.shown)
    }
}

fn mean(parts: u128, n: u64) -> Option<f64> {
    let parts = sum(i128::try_from(parts).unwrap_or(i128::MAX));
    (n > 0).then(|| parts / f64::from(ONE) / real(n))
}

/// Counts of one action by day and channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    cells: BTreeMap<(Day, ChannelIndex), Counts>,
}

impl Stats {
    /// Adds counts of a day and channel.
    pub fn add(&mut self, day: Day, channel: ChannelIndex, counts: &Counts) {
        self.cells.entry((day, channel)).or_default().unite(counts);
        self.keep();
    }

    /// Adds another's.
    pub fn unite(&mut self, other: &Self) {
        for (cell, counts) in &other.cells {
            self.cells.entry(*cell).or_default().unite(counts);
        }
        self.keep();
    }

    /// Lets the oldest days go.
    fn keep(&mut self) {
        let days = i32::try_from(DAYS).unwrap_or(i32::MAX);
        while let (Some(((first, _), _)), Some(((last, _), _))) =
            (self.cells.first_key_value(), self.cells.last_key_value())
            && last.0.saturating_sub(first.0) >= days
        {
            self.cells.pop_first();
        }
    }

    /// By day and channel, in that order.
    pub fn cells(&self) -> impl Iterator<Item = (Day, ChannelIndex, &Counts)> {
        self.cells
            .iter()
            .map(|((day, channel), of)| (*day, *channel, of))
    }

    /// By day, over all channels, in order.
    #[must_use]
    pub fn days(&self) -> Vec<(Day, Counts)> {
        self.by(|(day, _)| day)
    }

    /// By channel, over all days, in order.
    #[must_use]
    pub fn channels(&self) -> Vec<(ChannelIndex, Counts)> {
        self.by(|(_, channel)| channel)
    }

    /// Over all days and channels.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for counts in self.cells.values() {
            total.unite(counts);
        }
        total
    }

    fn by<K: Ord>(&self, key: impl Fn((Day, ChannelIndex)) -> K) -> Vec<(K, Counts)> {
        let mut by: BTreeMap<K, Counts> = BTreeMap::new();
        for (cell, counts) in &self.cells {
            by.entry(key(*cell)).or_default().unite(counts);
        }
        by.into_iter().collect()
    }
}

#[cfg(test)]
#[path = "stats/tests.rs"]
mod tests;
