//! What was delivered and what came of it, counted by day: all that level 1 knows.
//!
//! What must stay true:
//!
//! - A table is the sum of what its outcomes contribute (`Observation`), in whole numbers that may be negative meanwhile. So
//!   it is the same in any order, tables merge by adding, and what is taken back leaves no trace: a count of 0 is not kept.
//! - A correction takes the old contribution out and puts the new one in; nothing else ever changes a table. A late yes adds
//!   a positive to the day of its delivery, where it was counted as delivered all along.
//! - Days are those of the tenant's calendar, and a delay is a difference of such days. So a cohort of age `a` days, once
//!   its day has closed, has shown exactly its positives of a delay up to `a`.
//! - A cohort whose weight fell below 10^-6 (598 days) is not read, and not written: `encode` leaves it out, whatever else
//!   happened.

use std::collections::BTreeMap;

use super::{Arm, MAX_WINDOW_DAYS, OLDEST_DAYS, bytes::Reader, bytes::Unreadable};
use crate::{
    calendar::Day,
    next_best_action::keys::{ActionKey, ChannelIndex},
};

/// Format of the encoding.
const FORMAT: u16 = 1;
/// What a stored table begins with.
const MARK: [u8; 4] = *b"NBC1";

/// What one delivered decision says today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observation {
    /// What was delivered, and where.
    pub arm: Arm,
    /// The day of the delivery in the tenant's zone.
    pub delivered: Day,
    /// The day of the yes in the tenant's zone, if there was one. One before the delivery counts as on its day; whether it
    /// lies within the attribution window is asked when the table is read.
    pub converted: Option<Day>,
}

impl Observation {
    /// Whole days from the delivery to the yes; `None` without a yes, or with one later than any window.
    #[must_use]
    pub fn delay(&self) -> Option<u16> {
        let days = i64::from(self.converted?.0) - i64::from(self.delivered.0);
        u16::try_from(days.max(0))
            .ok()
            .filter(|days| *days <= MAX_WINDOW_DAYS)
    }
}

/// What was delivered on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cohort {
    delivered: i64,
    positives: BTreeMap<u16, i64>,
}

impl Cohort {
    /// How many were delivered (`n_d`).
    #[must_use]
    pub const fn delivered(&self) -> i64 {
        self.delivered
    }

    /// How many positives came after so many days, by delay.
    pub fn positives(&self) -> impl Iterator<Item = (u16, i64)> {
        self.positives.iter().map(|(delay, count)| (*delay, *count))
    }

    /// How many positives there were up to a delay (`s_d`).
    #[must_use]
    pub fn positives_within(&self, days: u16) -> i64 {
        let within = self.positives.range(..=days);
        within.fold(0, |sum, (_, count)| sum.wrapping_add(*count))
    }

    fn is_empty(&self) -> bool {
        self.delivered == 0 && self.positives.is_empty()
    }

    fn add(&mut self, delivered: i64, delay: Option<u16>, positives: i64) {
        self.delivered = self.delivered.wrapping_add(delivered);
        if let Some(delay) = delay {
            let count = self.positives.entry(delay).or_default();
            *count = count.wrapping_add(positives);
            if *count == 0 {
                self.positives.remove(&delay);
            }
        }
    }
}

/// The day cohorts of one action on one channel.
pub type Cohorts = BTreeMap<Day, Cohort>;

/// The day cohorts of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    arms: BTreeMap<Arm, Cohorts>,
}

impl Table {
    /// Puts an observation in.
    pub fn add(&mut self, observation: &Observation) {
        self.count(observation, 1);
    }

    /// Takes an observation out, also before it came.
    pub fn remove(&mut self, observation: &Observation) {
        self.count(observation, -1);
    }

    /// What a decision said before (`None`: nothing that counts) is replaced by what it says now.
    pub fn replace(&mut self, before: Option<&Observation>, now: Option<&Observation>) {
        if let Some(before) = before {
            self.remove(before);
        }
        if let Some(now) = now {
            self.add(now);
        }
    }

    /// Adds another table.
    pub fn merge(&mut self, other: &Self) {
        for (arm, cohorts) in &other.arms {
            for (day, cohort) in cohorts {
                self.change(*arm, *day, |mine| {
                    mine.add(cohort.delivered, None, 0);
                    for (delay, count) in cohort.positives() {
                        mine.add(0, Some(delay), count);
                    }
                });
            }
        }
    }

    /// Drops cohorts that no snapshot of `as_of` or later reads.
    pub fn prune(&mut self, as_of: Day) {
        for cohorts in self.arms.values_mut() {
            cohorts.retain(|day, _| age(*day, as_of).is_none_or(|age| age < OLDEST_DAYS));
        }
        self.arms.retain(|_, cohorts| !cohorts.is_empty());
    }

    /// All that was counted, by action and channel.
    pub fn arms(&self) -> impl Iterator<Item = (Arm, &Cohorts)> {
        self.arms.iter().map(|(arm, cohorts)| (*arm, cohorts))
    }

    /// The cohorts of one.
    #[must_use]
    pub fn cohorts(&self, arm: Arm) -> Option<&Cohorts> {
        self.arms.get(&arm)
    }

    fn count(&mut self, observation: &Observation, by: i64) {
        self.change(observation.arm, observation.delivered, |cohort| {
            cohort.add(by, observation.delay(), by);
        });
    }

    fn change(&mut self, arm: Arm, day: Day, change: impl FnOnce(&mut Cohort)) {
        let cohorts = self.arms.entry(arm).or_default();
        let cohort = cohorts.entry(day).or_default();
        change(cohort);
        if cohort.is_empty() {
            cohorts.remove(&day);
        }
        if cohorts.is_empty() {
            self.arms.remove(&arm);
        }
    }

    /// As stored on `as_of`: little endian, all in the order of its keys, cohorts that are no longer read left out. Equal
    /// tables have equal bytes.
    #[must_use]
    pub fn encode(&self, as_of: Day) -> Vec<u8> {
        let mut kept = self.clone();
        kept.prune(as_of);
        let mut out = Vec::new();
        out.extend(MARK);
        out.extend(FORMAT.to_le_bytes());
        out.extend(length(kept.arms.len()));
        for (arm, cohorts) in &kept.arms {
            out.extend(arm.action.id.to_le_bytes());
            out.extend(arm.action.version.to_le_bytes());
            out.push(arm.channel.0);
            out.extend(length(cohorts.len()));
            for (day, cohort) in cohorts {
                out.extend(day.0.to_le_bytes());
                out.extend(cohort.delivered.to_le_bytes());
                out.extend(length(cohort.positives.len()));
                for (delay, count) in cohort.positives() {
                    out.extend(delay.to_le_bytes());
                    out.extend(count.to_le_bytes());
                }
            }
        }
        out
    }

    /// From what was stored.
    ///
    /// # Errors
    /// What is no table, or one of another format.
    pub fn decode(stored: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::open(stored, MARK, FORMAT)?;
        let mut arms = BTreeMap::new();
        for _ in 0..u32::from_le_bytes(reader.take()?) {
            let action = ActionKey {
                id: u64::from_le_bytes(reader.take()?),
                version: u32::from_le_bytes(reader.take()?),
            };
            let [channel] = reader.take()?;
            let channel = ChannelIndex(channel);
            let mut cohorts = Cohorts::new();
            for _ in 0..u32::from_le_bytes(reader.take()?) {
                let day = Day(i32::from_le_bytes(reader.take()?));
                let mut cohort = Cohort {
                    delivered: i64::from_le_bytes(reader.take()?),
                    positives: BTreeMap::new(),
                };
                for _ in 0..u32::from_le_bytes(reader.take()?) {
                    let delay = u16::from_le_bytes(reader.take()?);
                    let count = i64::from_le_bytes(reader.take()?);
                    cohort.positives.insert(delay, count);
                }
                cohorts.insert(day, cohort);
            }
            arms.insert(Arm { action, channel }, cohorts);
        }
        reader.close()?;
        Ok(Self { arms })
    }
}

fn length(count: usize) -> [u8; 4] {
    u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes()
}

/// Whole days from a day to `as_of`; `None` for a later day.
pub(super) fn age(day: Day, as_of: Day) -> Option<i32> {
    let days = i64::from(as_of.0) - i64::from(day.0);
    (days >= 0).then(|| i32::try_from(days).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests;
