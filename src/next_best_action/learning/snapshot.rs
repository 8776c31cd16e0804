//! Level 2 as snapshots: a fold of resolved outcomes, day by day.
//!
//! What must stay true:
//!
//! - A snapshot is a pure function of the outcomes resolved up to its day, taken in the order of (resolved day, decision,
//!   slot). Folding in one go or day by day, from scratch or from any snapshot between, ends in the same bytes.
//! - A yes and a no are resolved on the same day: when the attribution window has passed since the delivery. Were a yes taken
//!   when it comes and a no when time is up, every young action would look like a success.
//! - A correction (a late yes, an outcome taken back) is never patched in: [`newest_before`] finds the snapshot before the
//!   day that changed, and all days after it are folded anew.
//! - Weights that would be forgotten on being touched are not written (`logistic`), so storing changes nothing.

use std::{cmp::Ordering, collections::BTreeMap};

use super::{
    OLDEST_DAYS,
    bytes::{Reader, Unreadable},
    cohorts::age,
    features::{Keys, bias_of},
    logistic::{Logit, Weight, Weights, learn, logit},
};
use crate::calendar::Day;

/// Format of the encoding.
const FORMAT: u16 = 1;
/// What a stored snapshot begins with.
const MARK: [u8; 4] = *b"NBL2";

/// An outcome whose time is up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved {
    /// The day it was delivered plus the days of its attribution window.
    pub day: Day,
    /// The decision.
    pub decision: u128,
    /// The slot within the decision.
    pub slot: u16,
    /// Hash of the action's textual id, without its version.
    pub action_id: u64,
    /// The situation it was decided in.
    pub keys: Keys,
    /// Whether there was a yes within the window.
    pub yes: bool,
}

impl Resolved {
    /// The order in which outcomes are taken.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let place = |of: &Self| (of.day, of.decision, of.slot);
        place(self).cmp(&place(other))
    }
}

/// An outcome that was resolved on a day that the snapshot holds already, or after the day to fold up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an outcome of day {day} lies outside the days after {after} up to {until}")]
pub struct OutsideDays {
    /// Its day.
    pub day: i32,
    /// The day of the snapshot that was folded on.
    pub after: i32,
    /// The day to fold up to.
    pub until: i32,
}

/// Level 2 at the end of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    as_of: Day,
    outcomes: u64,
    weights: Weights,
}

impl Snapshot {
    /// Before anything was resolved, at the end of a day.
    #[must_use]
    pub fn empty(as_of: Day) -> Self {
        Self {
            as_of,
            outcomes: 0,
            weights: Weights::default(),
        }
    }

    /// Folds in the outcomes resolved on the days after this snapshot's up to `until`, given in any order, each once.
    ///
    /// # Errors
    /// An outcome of another day; then nothing was folded.
    pub fn fold(&self, until: Day, outcomes: &[Resolved]) -> Result<Self, OutsideDays> {
        let fits = |outcome: &&Resolved| outcome.day > self.as_of && outcome.day <= until;
        if let Some(other) = outcomes.iter().find(|outcome| !fits(outcome)) {
            return Err(OutsideDays {
                day: other.day.0,
                after: self.as_of.0,
                until: until.0,
            });
        }
        let mut sorted: Vec<&Resolved> = outcomes.iter().collect();
        sorted.sort_by(|a, b| a.order(b));
        let mut next = self.clone();
        for outcome in sorted {
            let (id, yes) = (outcome.action_id, outcome.yes);
            learn(&mut next.weights, id, &outcome.keys, yes, outcome.day);
            next.outcomes = next.outcomes.wrapping_add(1);
        }
        next.as_of = until.max(self.as_of);
        Ok(next)
    }

    /// The last day that was folded.
    #[must_use]
    pub const fn as_of(&self) -> Day {
        self.as_of
    }

    /// How many outcomes were ever folded.
    #[must_use]
    pub const fn outcomes(&self) -> u64 {
        self.outcomes
    }

    /// What is believed of an action in a situation at the end of the snapshot's day. Allocates nothing.
    #[must_use]
    pub fn logit(&self, action_id: u64, keys: &Keys) -> Logit {
        logit(&self.weights, action_id, keys, self.as_of)
    }

    /// Whether anything was learned of an action.
    #[must_use]
    pub fn knows(&self, action_id: u64) -> bool {
        self.weights.contains_key(&bias_of(action_id))
    }

    /// As stored: little endian, weights in the order of their names. Equal snapshots have equal bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let kept = self.weights.iter();
        let kept = kept.filter(|(_, weight)| {
            age(weight.touched, self.as_of).is_none_or(|days| days < OLDEST_DAYS)
        });
        let sorted: BTreeMap<u64, &Weight> = kept.map(|(name, weight)| (*name, weight)).collect();
        let mut out = Vec::with_capacity(26 + sorted.len() * 28);
        out.extend(MARK);
        out.extend(FORMAT.to_le_bytes());
        out.extend(self.as_of.0.to_le_bytes());
        out.extend(self.outcomes.to_le_bytes());
        let count = u64::try_from(sorted.len()).unwrap_or(u64::MAX);
        out.extend(count.to_le_bytes());
        for (name, weight) in sorted {
            out.extend(name.to_le_bytes());
            out.extend(weight.mean.to_le_bytes());
            out.extend(weight.precision.to_le_bytes());
            out.extend(weight.touched.0.to_le_bytes());
        }
        out
    }

    /// From what was stored.
    ///
    /// # Errors
    /// What is no snapshot, one of another format, or a weight that no fold makes.
    pub fn decode(stored: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::open(stored, MARK, FORMAT)?;
        let mut snapshot = Self::empty(Day(i32::from_le_bytes(reader.take()?)));
        snapshot.outcomes = u64::from_le_bytes(reader.take()?);
        for _ in 0..u64::from_le_bytes(reader.take()?) {
            let name = u64::from_le_bytes(reader.take()?);
            let weight = Weight {
                mean: f64::from_le_bytes(reader.take()?),
                precision: f64::from_le_bytes(reader.take()?),
                touched: Day(i32::from_le_bytes(reader.take()?)),
            };
            if !weight.mean.is_finite() || !weight.precision.is_finite() || weight.precision < 1.0 {
                return Err(Unreadable::Malformed);
            }
            snapshot.weights.insert(name, weight);
        }
        reader.close()?;
        Ok(snapshot)
    }
}

/// The newest snapshot that holds nothing of `day` or later: where a correction of an outcome of that day folds from.
#[must_use]
pub fn newest_before(snapshots: &[Snapshot], day: Day) -> Option<&Snapshot> {
    let before = snapshots.iter().filter(|snapshot| snapshot.as_of < day);
    before.max_by_key(|snapshot| snapshot.as_of)
}

#[cfg(test)]
mod tests;
