//! Means that forget: a feeling counts half as much after every half-life.
//!
//! `N = sum w x 2^(-age/h)`, `D = sum w 2^(-age/h)`. The usual moving average depends on the order in which values come;
//! this does not.

use super::{
    Dated, Felt, Moment, Stretch, Sums,
    sums::{float, float_of},
};
use crate::{
    calendar::{Day, Zone},
    clock::Micros,
};

/// How much the prior mean weighs in a level: as much as this many fresh feelings of full confidence.
pub const PRIOR_WEIGHT: f64 = 2.0;

/// Decayed sums. They are relative to the newest feeling, so that nothing old is ever too small to be divided by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Decayed {
    /// Sum of weight and polarity.
    weighted: f64,
    /// Sum of weights.
    weight: f64,
    /// Sum of the squares of weights.
    weight_squares: f64,
    /// Sum of weight and the square of polarity.
    weighted_squares: f64,
    /// By how much the newest has decayed, 0 to 1.
    freshness: f64,
}

impl Decayed {
    /// Of a series in the order of days, with a half-life in days above 0.
    #[must_use]
    pub fn of(series: &[Dated], moment: Moment, half_life: f64) -> Self {
        let felt = || series.iter().filter(|dated| dated.sums.weight > 0);
        let age = |dated: &Dated| f64::from(moment.age(dated.reckoned()));
        let Some(newest) = felt().map(age).reduce(f64::min) else {
            return Self::default();
        };
        let mut decayed = Self {
            freshness: (-newest / half_life).exp2(),
            ..Self::default()
        };
        for dated in felt() {
            let left = (-(age(dated) - newest) / half_life).exp2();
            let sums = &dated.sums;
            decayed.weight += left * float_of(sums.weight) / 1e3;
            decayed.weighted += left * float(sums.weighted) / 1e6;
            decayed.weight_squares += left * left * float_of(sums.weight_squares) / 1e6;
            decayed.weighted_squares += left * float_of(sums.weighted_squares) / 1e9;
        }
        decayed
    }

    /// The decayed mean, -1 to 1; none while there is no feeling.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0.0).then(|| self.weighted / self.weight)
    }

    /// To how many equal feelings the evidence amounts: `D^2 / sum w^2 4^(-age/h)`.
    #[must_use]
    pub fn effective_n(&self) -> f64 {
        if self.weight_squares > 0.0 {
            self.weight * self.weight / self.weight_squares
        } else {
            0.0
        }
    }

    /// The mean drawn to `prior`: `(N + k m0)/(D + k)`, -1 to 1; none while there is no feeling.
    #[must_use]
    pub fn level(&self, prior: f64) -> Option<f64> {
        let (n, d) = (self.weighted * self.freshness, self.weight * self.freshness);
        (self.weight > 0.0).then(|| (n + PRIOR_WEIGHT * prior) / (d + PRIOR_WEIGHT))
    }

    /// The weighted variance, corrected for the mean being estimated from the same feelings; none for less than two.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let n = self.effective_n();
        let mean = self.mean()?;
        let spread = (self.weighted_squares / self.weight - mean * mean).max(0.0);
        (n > 1.0 + 1e-9).then(|| spread * n / (n - 1.0))
    }
}

/// Feelings that belong into one stretch.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Where they begin.
    begin: Micros,
    /// The day from which their age is counted.
    reckoned: Day,
    sums: Sums,
}

impl Part {
    /// A day or month of a series.
    #[must_use]
    pub fn of_series(dated: &Dated, zone: Zone) -> Self {
        Self {
            begin: zone.begin(dated.day),
            reckoned: dated.reckoned(),
            sums: dated.sums,
        }
    }

    /// One feeling.
    #[must_use]
    pub fn of_felt(felt: &Felt, zone: Zone) -> Self {
        Self {
            begin: felt.at,
            reckoned: zone.day(felt.at),
            sums: felt.sums(),
        }
    }
}

/// The level at the end of each stretch, of which no two overlap, or at the moment where that is earlier. Stretches and what was
/// felt in them are in the order of time; a half-life is above 0.
///
/// As [`Decayed::level`] of all up to there, but that only what is new is added at each.
#[must_use]
pub fn levels(
    stretches: &[Stretch],
    parts: impl IntoIterator<Item = Part>,
    zone: Zone,
    moment: Moment,
    half_life: f64,
) -> Vec<Option<f64>> {
    let left = |from: Day, to: Day| (-f64::from((to.0 - from.0).max(0)) / half_life).exp2();
    let now = zone.day(moment.at);
    let (mut weighted, mut weight, mut felt) = (0.0, 0.0, false);
    let mut before: Option<Day> = None;
    let mut parts = parts.into_iter().peekable();
    let level_of = |stretch: &Stretch| {
        let today = zone.day(Micros(stretch.end.0 - 1)).min(now);
        let aged = before.map_or(1.0, |before| left(before, today));
        weighted *= aged;
        weight *= aged;
        before = Some(today);
        while let Some(part) = parts.next_if(|part| part.begin < stretch.end) {
            let left = left(part.reckoned, today);
            weighted += left * float(part.sums.weighted) / 1e6;
            weight += left * float_of(part.sums.weight) / 1e3;
            felt |= part.sums.weight > 0;
        }
        felt.then(|| (weighted + PRIOR_WEIGHT * moment.prior) / (weight + PRIOR_WEIGHT))
    };
    stretches.iter().map(level_of).collect()
}
