//! What an instance remembers of changes, which is what makes caches right. Pure: times are handed in, counted from any
//! instant that stays the same.
//!
//! What must stay true:
//!
//! - Every change at a position from [`Memory::floor`] on that was committed when the last complete look began is here, whether
//!   or not a message told of it. So a value that was read at a position from the floor on, and whose profile is not here with
//!   a newer version, is right as of that moment, wherever it was kept meanwhile and however long.
//! - Of what lies below the floor nothing is known, so a value from there is not used.
//! - Changes that are heard of early (a message, a look that is still under way) only make more kept values useless, never fewer. They
//!   were committed when they were told of, so a replica may show them ([`Memory::has_seen`]).

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use crate::ids::{ProfileId, TenantId};

/// Looks that follow each other faster are remembered as one.
const SPACING: Duration = Duration::from_millis(100);

/// A change of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The profile.
    pub profile: ProfileId,
    /// Its version after the change.
    pub version: i64,
    /// The transaction that made it.
    pub position: i64,
}

/// What is known of a value that was read at some position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is right as of the last look.
    Unchanged,
    /// Its profile has changed since.
    Changed,
    /// It is older than what is remembered.
    TooOld,
}

/// What is remembered.
#[derive(Debug)]
pub struct Memory {
    /// Changes from this position on are here.
    floor: i64,
    /// Everything below was committed, or never will be, when the last look began.
    horizon: i64,
    /// When the last complete look began.
    as_of: Option<Duration>,
    /// The newest change of each profile.
    changed: HashMap<ProfileId, (i64, i64)>,
    /// The greatest position of any change.
    newest: i64,
    /// A change at that position.
    last: Option<Changed>,
    /// The same of each tenant.
    tenants: HashMap<TenantId, i64>,
    /// When looks began and what their horizon was, oldest first.
    moments: VecDeque<(Duration, i64)>,
    keep: Duration,
    most: usize,
}

impl Memory {
    /// Remembers for `keep`, and at most `most` profiles. Nothing is known until the first look.
    #[must_use]
    pub fn new(keep: Duration, most: usize) -> Self {
        Self {
            floor: i64::MAX,
            horizon: i64::MIN,
            as_of: None,
            changed: HashMap::new(),
            newest: i64::MIN,
            last: None,
            tenants: HashMap::new(),
            moments: VecDeque::new(),
            keep,
            most: most.max(2),
        }
    }

    /// Forgets everything, and remembers from a position on: that from which the next look reads.
    pub fn begin(&mut self, floor: i64) {
        *self = Self {
            floor,
            ..Self::new(self.keep, self.most)
        };
    }

    /// Takes note of a change.
    pub fn saw(&mut self, change: Changed) {
        let (version, position) = self
            .changed
            .entry(change.profile)
            .or_insert((change.version, change.position));
        *version = change.version.max(*version);
        *position = change.position.max(*position);
        if change.position > self.newest {
            self.newest = change.position;
            self.last = Some(change);
        }
        if self.changed.len() > self.most {
            self.shed();
        }
    }

    /// Takes note of the greatest positions of changes of tenants, before the look that saw them is complete.
    pub fn moved(&mut self, tenants: impl IntoIterator<Item = (TenantId, i64)>) {
        for (tenant, position) in tenants {
            let newest = self.tenants.entry(tenant).or_insert(position);
            *newest = position.max(*newest);
        }
    }

    /// A look that began at a time is complete: every change that was committed then and is not below the horizon of the look
    /// before has been seen.
    pub fn looked(&mut self, began: Duration, horizon: i64) {
        self.horizon = self.horizon.max(horizon);
        self.as_of = self.as_of.max(Some(began));
        if let Some([before, last]) = self.last_moments()
            && last.saturating_sub(before) < SPACING
        {
            self.moments.pop_back();
        }
        self.moments.push_back((began, self.horizon));
        let mut floor = self.floor;
        while let Some((at, horizon)) = self.moments.front() {
            if began.saturating_sub(*at) <= self.keep {
                break;
            }
            floor = floor.max(*horizon);
            self.moments.pop_front();
        }
        if floor > self.floor {
            self.raise(floor);
        }
    }

    fn last_moments(&self) -> Option<[Duration; 2]> {
        let last = self.moments.len().checked_sub(1)?;
        let before = last.checked_sub(1)?;
        Some([self.moments.get(before)?.0, self.moments.get(last)?.0])
    }

    fn raise(&mut self, floor: i64) {
        self.floor = floor;
        self.changed.retain(|_, (_, position)| *position >= floor);
        self.tenants.retain(|_, position| *position >= floor);
        if self.changed.capacity() > 4 * self.changed.len() + 1_024 {
            self.changed.shrink_to(2 * self.changed.len());
        }
    }

    /// Forgets the older half.
    fn shed(&mut self) {
        let mut positions: Vec<i64> = self.changed.values().map(|(_, at)| *at).collect();
        let middle = positions.len() / 2;
        let (_, median, _) = positions.select_nth_unstable(middle);
        let floor = median.saturating_add(1).max(self.floor);
        self.raise(floor);
    }

    /// What is known of a value of a version of a profile, read at a position: with every change below it.
    #[must_use]
    pub fn standing(&self, profile: ProfileId, version: i64, position: i64) -> Standing {
        match self.changed.get(&profile) {
            Some((newer, _)) if *newer > version => Standing::Changed,
            _ if position < self.floor => Standing::TooOld,
            _ => Standing::Unchanged,
        }
    }

    /// Whether a version of a profile was seen on the primary, or a later one.
    #[must_use]
    pub fn has_seen(&self, profile: ProfileId, version: i64) -> bool {
        let newest = self.changed.get(&profile);
        newest.is_some_and(|(newest, _)| *newest >= version)
    }

    /// Whether no change is known from a position on, which is none of those that were forgotten.
    #[must_use]
    pub fn has_none_from(&self, position: i64) -> bool {
        position >= self.floor && self.newest < position
    }

    /// A change of the newest transaction of which one is known.
    #[must_use]
    pub fn last(&self) -> Option<Changed> {
        self.last
    }

    /// Whether a tenant has no change from a position on that was committed when the last look began.
    #[must_use]
    pub fn is_still(&self, tenant: &TenantId, position: i64) -> bool {
        let newest = self.tenants.get(tenant);
        position >= self.floor && newest.is_none_or(|newest| *newest < position)
    }

    /// The same of a profile.
    #[must_use]
    pub fn is_left(&self, profile: ProfileId, position: i64) -> bool {
        let newest = self.changed.get(&profile);
        position >= self.floor && newest.is_none_or(|(_, newest)| *newest < position)
    }

    /// When the last complete look began.
    #[must_use]
    pub fn as_of(&self) -> Option<Duration> {
        self.as_of
    }

    /// Everything below was seen.
    #[must_use]
    pub fn horizon(&self) -> i64 {
        self.horizon
    }

    /// Changes from this position on are remembered.
    #[must_use]
    pub fn floor(&self) -> i64 {
        self.floor
    }

    /// Profiles that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.changed.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// A time at which what was read at a position, of any profile or of none, was right for certain: the last look if nothing
    /// at all has changed since, else the last one whose horizon lies below, because horizons only rise.
    #[must_use]
    pub fn right_at(&self, position: i64) -> Option<Duration> {
        let as_of = self.as_of?;
        if self.has_none_from(position) {
            return Some(as_of);
        }
        let below = self
            .moments
            .partition_point(|(_, horizon)| *horizon < position);
        let before = below.checked_sub(1)?;
        self.moments.get(before).map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests;
