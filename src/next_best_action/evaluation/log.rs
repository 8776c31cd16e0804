//! The rows that a policy is judged on, in the order (day, decision, slot).
//!
//! What must stay true: a log is made by a [`Logbook`] only, which checks, bounds and sorts the rows, and never changes.

use super::logbook::{Row, Stratum};
use crate::{calendar::Day, next_best_action::keys::ActionKey};

pub use super::logbook::{CANDIDATES, CAP, Entry, GROUPS, Invalid, Logbook, Logged};

/// Rows in the order (day, decision, slot), ready to be judged on.
#[derive(Clone, Debug)]
pub struct Log {
    pub(super) rows: Vec<Row>,
    pub(super) strata_of: Vec<u32>,
    pub(super) propensities: Vec<f64>,
    pub(super) actions: usize,
    pub(super) strata: Vec<Stratum>,
    pub(super) profiles: usize,
    pub(super) seen: u64,
    pub(super) halvings: u32,
    pub(super) repeated: usize,
}

impl Log {
    /// How many rows it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many sound rows came, with those that the sample left out and those that came twice.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// How many rows came again and did not count.
    #[must_use]
    pub fn repeated(&self) -> usize {
        self.repeated
    }

    /// The share of profiles in the sample: 1, a half, a quarter and so on.
    #[must_use]
    pub fn sampled(&self) -> f64 {
        (0..self.halvings).fold(1.0, |share, _| share / 2.0)
    }

    /// How many profiles the rows are of.
    #[must_use]
    pub fn profiles(&self) -> usize {
        self.profiles
    }

    /// The rows in their order.
    #[must_use]
    pub fn rows(&self) -> impl ExactSizeIterator<Item = Decided<'_>> {
        self.rows.iter().map(|row| Decided { log: self, row })
    }

    /// How many actions and how many (action, cell) pairs there are.
    pub(super) fn sizes(&self) -> (usize, usize) {
        (self.actions, self.strata.len())
    }

    /// How many groups of profiles there are, at most [`GROUPS`].
    pub(super) fn groups(&self) -> usize {
        self.profiles.min(GROUPS)
    }
}

/// A row as a policy or a reward model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'a> {
    log: &'a Log,
    row: &'a Row,
}

impl<'a> Decided<'a> {
    /// The decision.
    #[must_use]
    pub fn decision(&self) -> u128 {
        self.row.decision
    }

    /// The slot.
    #[must_use]
    pub fn slot(&self) -> u16 {
        self.row.slot
    }

    /// The day.
    #[must_use]
    pub fn day(&self) -> Day {
        self.row.day
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> u128 {
        self.row.profile
    }

    /// The cell of context.
    #[must_use]
    pub fn cell(&self) -> u64 {
        self.row.cell
    }

    /// How many candidates there were, 1 to [`CANDIDATES`].
    #[must_use]
    pub fn candidates(&self) -> usize {
        self.row.end - self.row.start
    }

    /// The candidate in this place; a nameless one outside.
    #[must_use]
    pub fn action(&self, place: usize) -> ActionKey {
        self.stratum(place).1.key
    }

    /// Place of the chosen one.
    #[must_use]
    pub fn chosen(&self) -> usize {
        self.row.chosen
    }

    /// The logged propensities: of all candidates when [`Self::complete`], else 0 for all but the chosen one.
    #[must_use]
    pub fn propensities(&self) -> &'a [f64] {
        self.log
            .propensities
            .get(self.row.start..self.row.end)
            .unwrap_or_default()
    }

    /// Whether all propensities were logged.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.row.complete
    }

    /// The reward.
    #[must_use]
    pub fn reward(&self) -> f64 {
        self.row.reward
    }

    /// The group of its profile, below [`Log::groups`].
    pub(super) fn group(&self) -> usize {
        self.row.group
    }

    /// The fold of its profile, below [`FOLDS`].
    pub(super) fn fold(&self) -> usize {
        self.row.fold
    }

    /// Number and contents of the (action, cell) of the candidate in this place.
    pub(super) fn stratum(&self, place: usize) -> (usize, Stratum) {
        let at = self.log.strata_of.get(self.row.start + place);
        let at = at.map_or(0, |at| usize::try_from(*at).unwrap_or_default());
        (
            at,
            self.log.strata.get(at).copied().unwrap_or(Stratum::NONE),
        )
    }
}
