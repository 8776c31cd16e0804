//! Level 1: how probable a yes is, by action and channel. A Beta posterior with forgetting and delay correction.
//!
//! With the cohorts of `cohorts` by day `d`, `age = as_of - d`, `gamma = 2^(-1/h)`, `h = 30` days and the delay distribution
//! G of `delay` within the attribution window W:
//!
//! ```text
//! S = sum gamma^age s_d        s_d: positives of that day with a delay up to min(age, W)
//! N = sum gamma^age n_d G(min(age, W))
//! alpha = S + E0 P0            beta = max(N - S, 0) + E0 (1 - P0)
//! ```
//!
//! Discounting after Raj and Kalyani (2017), the known-delay setting after Vernade, Cappe and Perchet (2017); N as the
//! denominator of a Beta is an adaptation, which the simulator measures.
//!
//! What must stay true:
//!
//! - Nothing after `as_of` is read, neither deliveries nor positives; nothing 598 days old or older.
//! - alpha and beta are above 0, also where nothing was delivered: P0 lies within 10^-6 and 1 - 10^-6.
//! - P0 is the mean of the *others* of the group: an arm must not count its own outcomes twice. It is a mean over arms and
//!   not over deliveries, since a policy that works delivers what is good more often, while a new action is one more action:
//!   each counts with its reliability `N / (N + 50)`. The group's mean leans on everyone's as on one more arm, and everyone's
//!   on 0.05 likewise, so that a group of one or a first day has a mean too.

use std::collections::BTreeMap;

use super::{
    Arm, HALF_LIFE_DAYS, MAX_WINDOW_DAYS, OLDEST_DAYS,
    beta::Beta,
    cohorts::{Cohorts, Table, age},
    delay::{Delay, Delays},
    number::{left_after, real},
};
use crate::calendar::Day;

/// Weight of a prior in deliveries (`E0`), unless the action says another.
pub const PRIOR_WEIGHT: f64 = 50.0;
/// The mean of a prior where nothing has been delivered anywhere.
pub const PRIOR_MEAN: f64 = 0.05;
/// How near a prior's mean may come to 0 and 1.
const MARGIN: f64 = 1e-6;

/// What the catalogue says of an arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Hash of the group's name.
    pub group: u64,
    /// Attribution window W in days, at most 366.
    pub window_days: u16,
    /// The mean that the action brings along (`P0`, 0 to 1), instead of its group's.
    pub prior_mean: Option<f64>,
    /// What the prior weighs in deliveries (`E0`, above 0); `None`: 50.
    pub prior_weight: Option<f64>,
}

/// Where the distribution of the delay comes from.
#[derive(Clone, Copy, Debug)]
pub enum Correction<'a> {
    /// It is learned from the cohorts.
    Learned,
    /// It is known beforehand.
    Known(&'a Delay),
    /// Every delivery counts in full at once. For comparison only: a new action looks worse than it is.
    Nothing,
}

/// What is believed of an arm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Positives with forgetting (`S`).
    pub positives: f64,
    /// Deliveries with forgetting, as far as they have had time to become positive (`N`): the effective n.
    pub effective_n: f64,
    /// Mean of the prior (`P0`).
    pub prior_mean: f64,
    /// Weight of the prior (`E0`).
    pub prior_weight: f64,
}

impl Estimate {
    /// The first parameter of the posterior, above 0.
    #[must_use]
    pub fn alpha(&self) -> f64 {
        self.positives + self.prior_weight * self.prior_mean
    }

    /// The second, above 0.
    #[must_use]
    pub fn beta(&self) -> f64 {
        let refused = (self.effective_n - self.positives).max(0.0);
        refused + self.prior_weight * (1.0 - self.prior_mean)
    }

    /// The expected probability of a yes.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.alpha() / (self.alpha() + self.beta())
    }

    /// The posterior; `None` only if a setting was no number.
    #[must_use]
    pub fn posterior(&self) -> Option<Beta> {
        Beta::new(self.alpha(), self.beta())
    }

    /// Between what the probability lies with 95%: the quantiles of 0.025 and 0.975 of the posterior.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let posterior = self.posterior()?;
        Some((posterior.quantile(0.025), posterior.quantile(0.975)))
    }
}

/// Positives and deliveries of an arm, both with forgetting.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    positives: f64,
    deliveries: f64,
}

impl Tally {
    /// As a member of its group: its mean, with its reliability.
    fn member(self) -> Members {
        let deliveries = self.deliveries.max(self.positives);
        Members {
            means: self.positives / (deliveries + PRIOR_WEIGHT),
            weight: deliveries / (deliveries + PRIOR_WEIGHT),
        }
    }
}

/// The means of some arms.
#[derive(Clone, Copy, Debug, Default)]
struct Members {
    /// Sum of reliability times mean.
    means: f64,
    /// Sum of reliabilities: how many arms they amount to.
    weight: f64,
}

impl Members {
    fn plus(self, other: Self) -> Self {
        Self {
            means: self.means + other.means,
            weight: self.weight + other.weight,
        }
    }

    /// Without a part of them.
    fn minus(self, part: Self) -> Self {
        Self {
            means: (self.means - part.means).max(0.0),
            weight: (self.weight - part.weight).max(0.0),
        }
    }

    /// The mean of the arms, leaning on another mean as on one more arm.
    fn mean(self, leaning_on: f64) -> f64 {
        (self.means + leaning_on) / (self.weight + 1.0)
    }
}

/// Level 1 at the end of a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Level1 {
    as_of: Day,
    arms: BTreeMap<Arm, Estimate>,
}

impl Level1 {
    /// Of all arms with a setting, from what was known at the end of `as_of`. Arms without a setting (retired ones) still
    /// speak for everyone's mean and delays, not for a group's.
    #[must_use]
    pub fn of(
        table: &Table,
        as_of: Day,
        settings: &BTreeMap<Arm, Setting>,
        correction: Correction<'_>,
    ) -> Self {
        let windows = |arm: Arm| {
            settings
                .get(&arm)
                .map_or(MAX_WINDOW_DAYS, |s| s.window_days)
        };
        let mut delays = Pooled::<Delays>::default();
        if matches!(correction, Correction::Learned) {
            for (arm, cohorts) in table.arms() {
                let own = Delays::of(cohorts, as_of, windows(arm));
                delays.all.merge(&own);
                if let Some(setting) = settings.get(&arm) {
                    let group = delays.groups.entry(setting.group).or_default();
                    group.merge(&own);
                    delays.arms.insert(arm, own);
                }
            }
        }
        let none = Delays::default();
        let mut tallies = BTreeMap::new();
        let mut members = Pooled::<Members>::default();
        for (arm, cohorts) in table.arms() {
            let window = windows(arm);
            let group = settings.get(&arm).map(|setting| setting.group);
            let tally = match correction {
                Correction::Nothing => tally(cohorts, as_of, window, &Delay::none()),
                Correction::Known(delay) => tally(cohorts, as_of, window, delay),
                Correction::Learned => {
                    let own = delays.arms.get(&arm).unwrap_or(&none);
                    let group = group.and_then(|group| delays.groups.get(&group));
                    let delay = Delay::learned(own, group.unwrap_or(&none), &delays.all, window);
                    tally(cohorts, as_of, window, &delay)
                }
            };
            members.all = members.all.plus(tally.member());
            if let Some(group) = group {
                let sum = members.groups.entry(group).or_default();
                *sum = sum.plus(tally.member());
                tallies.insert(arm, tally);
            }
        }
        let estimate = |(arm, setting): (&Arm, &Setting)| {
            let own = tallies.get(arm).copied().unwrap_or_default();
            (*arm, members.estimate(own, setting))
        };
        Self {
            as_of,
            arms: settings.iter().map(estimate).collect(),
        }
    }

    /// The same with less behind each estimate: deliveries and prior divided by what is said of its arm, 1 or more. The mean stays, the
    /// variance is about so many times as large. Arms of which nothing is said are left out.
    #[must_use]
    pub fn widened(&self, by: impl Fn(Arm) -> f64) -> Self {
        let mut widened = self.clone();
        widened.arms.retain(|arm, _| by(*arm) > 1.0);
        for (arm, estimate) in &mut widened.arms {
            let by = by(*arm);
            estimate.positives /= by;
            estimate.effective_n /= by;
            estimate.prior_weight /= by;
        }
        widened
    }

    /// The last day that was read.
    #[must_use]
    pub const fn as_of(&self) -> Day {
        self.as_of
    }

    /// What is believed of an arm; `None` without a setting.
    #[must_use]
    pub fn get(&self, arm: Arm) -> Option<&Estimate> {
        self.arms.get(&arm)
    }

    /// All arms in their order.
    pub fn arms(&self) -> impl Iterator<Item = (Arm, &Estimate)> {
        self.arms.iter().map(|(arm, estimate)| (*arm, estimate))
    }
}

/// Something of each arm, summed over groups and over all.
#[derive(Debug, Default)]
struct Pooled<T> {
    arms: BTreeMap<Arm, T>,
    groups: BTreeMap<u64, T>,
    all: T,
}

impl Pooled<Members> {
    fn estimate(&self, own: Tally, setting: &Setting) -> Estimate {
        let group = self.groups.get(&setting.group).copied();
        let group = group.unwrap_or_default().minus(own.member());
        let everyone = self.all.minus(own.member()).mean(PRIOR_MEAN);
        let mean = setting.prior_mean.filter(|mean| mean.is_finite());
        let weight = setting.prior_weight.filter(|w| w.is_finite() && *w > 0.0);
        Estimate {
            positives: own.positives,
            effective_n: own.deliveries,
            prior_mean: mean
                .unwrap_or_else(|| group.mean(everyone))
                .clamp(MARGIN, 1.0 - MARGIN),
            prior_weight: weight.unwrap_or(PRIOR_WEIGHT),
        }
    }
}

/// S and N, added up from the oldest day to the newest.
fn tally(cohorts: &Cohorts, as_of: Day, window: u16, delay: &Delay) -> Tally {
    let mut tally = Tally::default();
    for (day, cohort) in cohorts {
        let Some(age) = age(*day, as_of).filter(|age| *age < OLDEST_DAYS) else {
            continue;
        };
        let reach = u16::try_from(age).unwrap_or(u16::MAX).min(window);
        let weight = left_after(age, HALF_LIFE_DAYS);
        let delivered = real(cohort.delivered());
        tally.positives += weight * real(cohort.positives_within(reach));
        tally.deliveries += weight * delivered * delay.within(i32::from(reach));
    }
    tally
}

#[cfg(test)]
mod tests;
