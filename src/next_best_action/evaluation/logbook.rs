//! How rows get into a log: checked, bounded and sorted.
//!
//! What must stay true:
//!
//! - What a log holds does not depend on the order in which rows came: they are sorted by (day, decision, slot), one that
//!   came twice counts once, and which profiles stay is a hash of the profile.
//! - It holds at most [`CAP`] rows with at most [`CANDIDATES`] candidates each, whatever comes. When more come, the share
//!   of profiles that stay is halved until the rest fits, so a profile stays with all of its rows or goes with all of
//!   them: intervals are clustered by profile, and half of a cluster would understate how alike its rows are. A row of n
//!   candidates takes about 80 + 12 n bytes, and the same for the look-up of cells at worst.
//! - A row is stored only when its propensities are sound. A log with wrong propensities answers with confidence and
//!   wrongly, which is worse than no answer.

use std::collections::HashMap;

use super::{log::Log, random, reward::FOLDS};
use crate::{calendar::Day, next_best_action::keys::ActionKey};

/// The most rows a log holds.
pub const CAP: usize = 100_000;
/// The most candidates of a row.
pub const CANDIDATES: usize = 32;
/// The most groups of profiles that are drawn again for an interval. More profiles are put together: a group is as independent
/// of the next as a profile is, has the sum of their means and variances, and the cost of an interval stays the same.
pub const GROUPS: usize = 1_000;
/// How far logged propensities of a row may sum from 1.
pub(super) const SUM_WITHIN: f64 = 1e-9;

/// Salt of the sample, and no other hash's: who stays in a sample says nothing about the fold or the group one is in.
const SAMPLE: u64 = 0x6f70_655f_7361_6d70;
/// Salt of the folds of the cross-fit.
const FOLD: u64 = 0x6f70_655f_666f_6c64;
/// Salt of the order in which profiles are dealt into groups.
const GROUP: u64 = 0x6f70_655f_6772_6f75;

/// The propensities that were logged with a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Logged<'a> {
    /// Those of all candidates, in their order, summing to 1 within 1e-9.
    All(&'a [f64]),
    /// That of the chosen one only. Support and the expected effective sample size cannot be checked for such a row.
    Chosen(f64),
}

/// One slot of one logged decision with what came of it.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The decision (128-bit hash of its id).
    pub decision: u128,
    /// The slot it filled, from 0; the candidates are those still free then.
    pub slot: u16,
    /// The day it was made on, in the tenant's zone.
    pub day: Day,
    /// Whose decision it was: the profile that the customer has now (its id as a number), so that merged ones are one.
    pub profile: u128,
    /// The cell of context it was made in, as the reward model should tell them apart.
    pub cell: u64,
    /// The candidates, 1 to [`CANDIDATES`].
    pub actions: &'a [ActionKey],
    /// What was logged of their propensities, above 0 for the chosen one.
    pub logged: Logged<'a>,
    /// Place of the chosen one among the candidates.
    pub chosen: usize,
    /// The reward, finite; its unit is the unit of every estimate.
    pub reward: f64,
}

/// Why a row was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// None, or too many.
    #[error("a row needs 1 to {CANDIDATES} candidates")]
    Candidates,
    /// The chosen one is not among them.
    #[error("the chosen action is not one of the candidates")]
    Chosen,
    /// Negative, above 1, not a number, not as many as candidates, not summing to 1, or 0 for the chosen one.
    #[error("the logged propensities are not a distribution with a chosen action above 0")]
    Propensities,
    /// Not finite.
    #[error("the reward is not a finite number")]
    Reward,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) day: Day,
    pub(super) decision: u128,
    pub(super) slot: u16,
    pub(super) profile: u128,
    pub(super) cell: u64,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) chosen: usize,
    pub(super) complete: bool,
    pub(super) reward: f64,
    /// Given when the log is closed.
    pub(super) group: usize,
    pub(super) fold: usize,
}

/// The action and cell of candidates that are alike to the reward model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stratum {
    pub(super) key: ActionKey,
    /// Number of the action, from 0.
    pub(super) action: usize,
}

impl Stratum {
    /// What is said of a place where there is none.
    pub(super) const NONE: Self = Self {
        key: ActionKey { id: 0, version: 0 },
        action: 0,
    };
}

/// Takes rows in any order.
#[derive(Clone, Debug)]
pub struct Logbook {
    rows: Vec<Row>,
    strata_of: Vec<u32>,
    propensities: Vec<f64>,
    strata: Vec<Stratum>,
    by_stratum: HashMap<(ActionKey, u64), u32>,
    by_action: HashMap<ActionKey, usize>,
    cap: usize,
    halvings: u32,
    seen: u64,
}

impl Default for Logbook {
    fn default() -> Self {
        Self::new(CAP)
    }
}

impl Logbook {
    /// Of at most so many rows (1 to [`CAP`]).
    #[must_use]
    pub fn new(cap: usize) -> Self {
        Self {
            rows: Vec::new(),
            strata_of: Vec::new(),
            propensities: Vec::new(),
            strata: Vec::new(),
            by_stratum: HashMap::new(),
            by_action: HashMap::new(),
            cap: cap.clamp(1, CAP),
            halvings: 0,
            seen: 0,
        }
    }

    /// Adds a row, or leaves it out when its profile is not in the sample.
    ///
    /// # Errors
    /// The row is not sound; the log is as it was.
    pub fn add(&mut self, entry: &Entry<'_>) -> Result<(), Invalid> {
        check(entry)?;
        self.seen = self.seen.saturating_add(1);
        if !stays(entry.profile, self.halvings) {
            return Ok(());
        }
        self.hold(entry);
        while self.rows.len() > self.cap {
            self.halve();
        }
        Ok(())
    }

    fn hold(&mut self, entry: &Entry<'_>) {
        let start = self.strata_of.len();
        for key in entry.actions {
            let next = u32::try_from(self.strata.len()).unwrap_or(u32::MAX);
            let actions = self.by_action.len();
            let stratum = *self
                .by_stratum
                .entry((*key, entry.cell))
                .or_insert_with(|| {
                    let action = *self.by_action.entry(*key).or_insert(actions);
                    self.strata.push(Stratum { key: *key, action });
                    next
                });
            self.strata_of.push(stratum);
        }
        match entry.logged {
            Logged::All(all) => self.propensities.extend_from_slice(all),
            Logged::Chosen(only) => {
                let each = 0..entry.actions.len();
                self.propensities
                    .extend(each.map(|at| if at == entry.chosen { only } else { 0.0 }));
            }
        }
        self.rows.push(Row {
            day: entry.day,
            decision: entry.decision,
            slot: entry.slot,
            profile: entry.profile,
            cell: entry.cell,
            start,
            end: self.strata_of.len(),
            chosen: entry.chosen,
            complete: matches!(entry.logged, Logged::All(_)),
            reward: entry.reward,
            group: 0,
            fold: 0,
        });
    }

    /// Halves the share of profiles that stay, and lets the others' rows and cells go.
    fn halve(&mut self) {
        let halvings = self.halvings + 1;
        let mut smaller = Self {
            halvings,
            seen: self.seen,
            ..Self::new(self.cap)
        };
        let mut keys = Vec::with_capacity(CANDIDATES);
        for row in self.rows.iter().filter(|row| stays(row.profile, halvings)) {
            keys.clear();
            let strata = self.strata_of.get(row.start..row.end).unwrap_or_default();
            keys.extend(strata.iter().map(|at| key_of(&self.strata, *at)));
            let all = self
                .propensities
                .get(row.start..row.end)
                .unwrap_or_default();
            let chosen = all.get(row.chosen).copied().unwrap_or_default();
            smaller.hold(&Entry {
                decision: row.decision,
                slot: row.slot,
                day: row.day,
                profile: row.profile,
                cell: row.cell,
                actions: &keys,
                logged: if row.complete {
                    Logged::All(all)
                } else {
                    Logged::Chosen(chosen)
                },
                chosen: row.chosen,
                reward: row.reward,
            });
        }
        *self = smaller;
    }

    /// Sorts the rows and lets repetitions go: of rows of one (day, decision, slot) the one with the highest reward counts,
    /// as outcomes only ever grow.
    #[must_use]
    pub fn close(mut self) -> Log {
        self.rows.sort_unstable_by(|a, b| {
            let place = |row: &Row| (row.day, row.decision, row.slot);
            let rest = |row: &Row| (row.profile, row.cell, row.chosen, row.end - row.start);
            place(a)
                .cmp(&place(b))
                .then_with(|| b.reward.total_cmp(&a.reward))
                .then_with(|| rest(a).cmp(&rest(b)))
        });
        let before = self.rows.len();
        self.rows
            .dedup_by_key(|row| (row.day, row.decision, row.slot));
        let repeated = before - self.rows.len();
        let profiles = deal(&mut self.rows);
        Log {
            rows: self.rows,
            strata_of: self.strata_of,
            propensities: self.propensities,
            actions: self.by_action.len(),
            strata: self.strata,
            profiles,
            seen: self.seen,
            halvings: self.halvings,
            repeated,
        }
    }
}

/// Whether a profile is in a sample that was halved so often. After 64 times none is, so halving always ends.
fn stays(profile: u128, halvings: u32) -> bool {
    halvings == 0
        || (halvings < u64::BITS && random::hash(SAMPLE, profile).leading_zeros() >= halvings)
}

/// Deals profiles, in the order of a hash, into groups of equal size, and gives each its fold. Answers how many there are.
fn deal(rows: &mut [Row]) -> usize {
    let shuffled = |profile: u128| (random::hash(GROUP, profile), profile);
    let mut profiles: Vec<(u64, u128)> = rows.iter().map(|row| shuffled(row.profile)).collect();
    profiles.sort_unstable();
    profiles.dedup();
    let folds = u64::try_from(FOLDS).unwrap_or(1);
    for row in rows {
        let place = profiles.binary_search(&shuffled(row.profile));
        row.group = place.unwrap_or_default() % GROUPS;
        row.fold = usize::try_from(random::hash(FOLD, row.profile) % folds).unwrap_or_default();
    }
    profiles.len()
}

fn key_of(strata: &[Stratum], at: u32) -> ActionKey {
    let at = usize::try_from(at).unwrap_or(usize::MAX);
    strata.get(at).map_or(Stratum::NONE.key, |of| of.key)
}

fn check(entry: &Entry<'_>) -> Result<(), Invalid> {
    if entry.actions.is_empty() || entry.actions.len() > CANDIDATES {
        return Err(Invalid::Candidates);
    }
    if entry.chosen >= entry.actions.len() {
        return Err(Invalid::Chosen);
    }
    let chosen = match entry.logged {
        Logged::Chosen(only) => only,
        Logged::All(all) => {
            let sound = all.len() == entry.actions.len()
                && all.iter().all(|pi| (0.0..=1.0).contains(pi))
                && (all.iter().sum::<f64>() - 1.0).abs() <= SUM_WITHIN;
            if !sound {
                return Err(Invalid::Propensities);
            }
            all.get(entry.chosen).copied().unwrap_or_default()
        }
    };
    if !(chosen > 0.0 && chosen <= 1.0) {
        return Err(Invalid::Propensities);
    }
    if !entry.reward.is_finite() {
        return Err(Invalid::Reward);
    }
    Ok(())
}

#[cfg(test)]
#[path = "logbook/tests.rs"]
mod tests;
