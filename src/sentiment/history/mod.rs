//! How a customer has felt: counts, level, trend and turning points, from the sums by day that a state keeps or from
//! interactions.
//!
//! What must stay true:
//!
//! - Everything is a function of the set of feelings and of a [`Moment`]. Sums are integers; what is computed in floating
//!   point is computed over days in their order, each day summed up before. So neither the order of interactions nor how
//!   they are dealt to states can change a bit of an answer.
//! - Ages are whole days in the tenant's time zone, from the day of the moment back. What is kept by month has the age of
//!   the month's middle day.
//! - A mean of nothing is absent, never 0.
//!
//! Formulas and units: `docs/sentiment.md`.

mod buckets;
mod felt;
#[cfg(test)]
mod laws;
mod level;
mod series;
#[cfg(test)]
mod shuffled;
mod summary;
mod sums;
mod trend;
mod turns;

pub use buckets::{Stretch, Width, buckets, by_channel, by_department};
pub use felt::{Felt, SurveyAnswer, by_topic, hours, newest_of_each_method};
pub use level::{Decayed, PRIOR_WEIGHT, Part, levels};
pub use series::{Dated, Selection, months_before, series};
pub use summary::{Known, summary};
pub use sums::Sums;
pub use trend::trend;
pub use turns::{Turn, turns};

use crate::{
    calendar::{Day, Zone},
    clock::Micros,
};

/// Half-life of the level in days where none is asked for.
pub const HALF_LIFE_DAYS: u32 = 30;

/// To what a customer's level is drawn while little is known and no mean of the tenant is: until 40 of its customers have
/// ordered, and in the past, for which no mean is kept.
#[must_use]
pub const fn prior() -> f64 {
    0.0
}

/// The hour in which a time lies, from its beginning.
#[must_use]
pub fn hour(of: Micros) -> Micros {
    const HOUR: i64 = 3_600 * Micros::SECOND;
    Micros(of.0.div_euclid(HOUR) * HOUR)
}

/// The time to which something is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    at: Micros,
    today: Day,
    zone: Zone,
    prior: f64,
}

impl Moment {
    /// The hour in which `now` lies, in a tenant's zone; levels are drawn to `prior`, -1 to 1.
    #[must_use]
    pub fn new(now: Micros, zone: Zone, prior: f64) -> Self {
        let at = hour(now);
        Self {
            at,
            today: zone.day(at),
            zone,
            prior,
        }
    }

    /// The first instant of a day in a tenant's zone.
    #[must_use]
    pub fn on(day: Day, zone: Zone, prior: f64) -> Self {
        Self {
            at: zone.begin(day),
            today: day,
            zone,
            prior,
        }
    }

    /// The hour, from its beginning.
    #[must_use]
    pub fn at(self) -> Micros {
        self.at
    }

    /// The day of it in the tenant's zone.
    #[must_use]
    pub fn today(self) -> Day {
        self.today
    }

    /// The first instant of a day in the tenant's zone.
    #[must_use]
    pub fn begin(self, day: Day) -> Micros {
        self.zone.begin(day)
    }

    /// How many days ago a day was; what lies ahead is as of today.
    #[must_use]
    pub fn age(self, day: Day) -> u32 {
        u32::try_from(i64::from(self.today.0) - i64::from(day.0)).unwrap_or(0)
    }
}
