//! How often will a customer order, and are they still one? The BG/NBD model (Fader, Hardie, Lee 2005, "Counting your
//! customers the easy way").
//!
//! A customer orders at random at a rate of their own, gamma distributed over the population (shape r, rate alpha), and
//! after each order may leave for good with a probability of their own, beta distributed (a, b).
//!
//! What must stay true:
//!
//! - Time is counted in whole days until the formulas turn it into weeks (days / 7), and orders of one day are one. So
//!   histories are whole numbers, a population is a count of equal histories, and sums do not depend on order.
//! - Nothing is said about being alive of who never ordered again: by the model they cannot have left, which says
//!   nothing about them. Unknown is `None`, not 1.
//! - Formulas are computed in logarithms or as sums of positive terms, and are continuous where the textbook's divide by
//!   zero (a = 1).

pub mod expected;
pub mod fit;
pub mod holdout;
mod likelihood;
pub mod p_alive;
pub mod population;

pub use fit::{Fit, Sample, Unfit, fit};

/// Version of the definitions.
pub const DEFINITION: u32 = 1;

/// Days of a week.
const DAYS: f64 = 7.0;

/// What is known of a customer's orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct History {
    repeats: u32,
    last: u32,
    age: u32,
}

/// A history that nobody can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// The last order lies after the end of what was seen.
    #[error("the last order on day {last} of {age}")]
    AfterTheEnd {
        /// Day of the last order.
        last: u32,
        /// Days seen.
        age: u32,
    },
    /// More repeat orders than days for them, or a last day without any.
    #[error("{repeats} repeat orders up to day {last}")]
    Days {
        /// Repeat orders.
        repeats: u32,
        /// Day of the last order.
        last: u32,
    },
}

impl History {
    /// From the number of days with a repeat order, the day of the last and the days seen, both counted from the first
    /// order, which is day 0.
    ///
    /// # Errors
    /// Nobody can have such a history.
    pub const fn new(repeats: u32, last: u32, age: u32) -> Result<Self, Impossible> {
        if last > age {
            return Err(Impossible::AfterTheEnd { last, age });
        }
        if repeats > last || (repeats == 0 && last > 0) {
            return Err(Impossible::Days { repeats, last });
        }
        Ok(Self { repeats, last, age })
    }

    /// From the days of all orders, numbered from any day, in any order; days after `until` were not seen. `None` without
    /// an order, or when it spans more days than 32 bits hold.
    #[must_use]
    pub fn of(order_days: &[i64], until: i64) -> Option<Self> {
        let mut days: Vec<i64> = order_days
            .iter()
            .copied()
            .filter(|&day| day <= until)
            .collect();
        days.sort_unstable();
        days.dedup();
        let repeats = u32::try_from(days.len().checked_sub(1)?).ok()?;
        Self::between(*days.first()?, *days.last()?, repeats, until)
    }

    /// From the days of the first and the last order and the number of days with an order after the first: what a
    /// maintained aggregate holds, since it does not change from day to day. `None` where `until` lies before the last.
    #[must_use]
    pub fn between(first: i64, last: i64, repeats: u32, until: i64) -> Option<Self> {
        let span = |to: i64| u32::try_from(to.checked_sub(first)?).ok();
        Self::new(repeats, span(last)?, span(until)?).ok()
    }

    /// Days with an order after the first (x).
    #[must_use]
    pub const fn repeats(self) -> u32 {
        self.repeats
    }

    /// Days from the first order to the last (`7 t_x`).
    #[must_use]
    pub const fn last(self) -> u32 {
        self.last
    }

    /// Days from the first order to the end of what was seen (`7 T`).
    #[must_use]
    pub const fn age(self) -> u32 {
        self.age
    }

    fn x(self) -> f64 {
        f64::from(self.repeats)
    }

    fn last_week(self) -> f64 {
        f64::from(self.last) / DAYS
    }

    fn weeks(self) -> f64 {
        f64::from(self.age) / DAYS
    }
}

/// The four parameters, each above 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    r: f64,
    alpha: f64,
    a: f64,
    b: f64,
}

impl Parameters {
    /// Shape and rate (in weeks) of ordering, and the two of leaving; `None` unless all are finite and above 0.
    #[must_use]
    pub fn new(r: f64, alpha: f64, a: f64, b: f64) -> Option<Self> {
        let valid = [r, alpha, a, b]
            .iter()
            .all(|parameter| parameter.is_finite() && *parameter > 0.0);
        valid.then_some(Self { r, alpha, a, b })
    }

    /// Shape of the rates of ordering.
    #[must_use]
    pub const fn r(&self) -> f64 {
        self.r
    }

    /// Rate of the rates of ordering, weeks.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.alpha
    }

    /// First shape of the probabilities of leaving.
    #[must_use]
    pub const fn a(&self) -> f64 {
        self.a
    }

    /// Second shape of the probabilities of leaving.
    #[must_use]
    pub const fn b(&self) -> f64 {
        self.b
    }
}

#[cfg(test)]
mod tests;
