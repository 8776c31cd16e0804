//! Churn where no contract ends: has a customer who orders now and then stopped?
//!
//! What must stay true:
//!
//! - The measure is the customer's own rhythm: idle for longer than three of one's own median gaps between orders.
//! - A rhythm needs three orders (two gaps). Orders of one day are one. Who ordered once is unknown, not lost.
//! - P(alive) below a half says the same from two orders on; either is enough.

use super::{
    measure::{Measure, Reporting},
    number::{length, signed},
};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// Idle for longer than so many median gaps is lost.
const GAPS: i64 = 3;
/// A lower probability of being alive is lost.
const ALIVE: f64 = 0.5;

/// How a customer orders.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// Days on which they ordered.
    pub orders: u64,
    /// Days since the last one.
    pub idle_days: i64,
    /// Median days between orders; `None` with fewer than three.
    pub median_gap_days: Option<f64>,
    /// Whether they are idle for longer than three median gaps; `None` with fewer than three orders.
    pub overdue: Option<bool>,
}

/// Whether a customer without a contract is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Too few orders to say.
    Unknown,
    /// Ordering as they use to.
    Active,
    /// Idle for longer than three of their median gaps.
    Overdue,
    /// More likely gone than not, by the model of purchases, though not overdue.
    Unlikely,
}

impl Rhythm {
    /// From the days of orders, numbered from any day, in any order; days after `as_of` do not count. `None` without any.
    #[must_use]
    pub fn of(order_days: &[i64], as_of: i64) -> Option<Self> {
        let mut days: Vec<i64> = order_days
            .iter()
            .copied()
            .filter(|&day| day <= as_of)
            .collect();
        days.sort_unstable();
        days.dedup();
        let idle_days = as_of.saturating_sub(*days.last()?);
        let twice = twice_median_gap(&days);
        Some(Self::kept(length(&days), idle_days, twice))
    }

    /// From what a maintained aggregate holds: days with orders, days since the last, and twice the median gap
    /// ([`twice_median_gap`]).
    #[must_use]
    pub fn kept(orders: u64, idle_days: i64, twice_median_gap: Option<i64>) -> Self {
        let overdue = |twice: i64| idle_days.saturating_mul(2) > twice.saturating_mul(GAPS);
        Self {
            orders,
            idle_days,
            median_gap_days: twice_median_gap.map(|twice| signed(i128::from(twice)) / 2.0),
            overdue: twice_median_gap.map(overdue),
        }
    }

    /// How many of their median gaps the customer has been idle; `None` with fewer than three orders.
    #[must_use]
    pub fn idle_gaps(&self) -> Option<f64> {
        let idle = signed(i128::from(self.idle_days));
        self.median_gap_days.map(|gap| idle / gap)
    }
}

/// Twice the median of the gaps between days, which is whole and so keeps comparisons exact; `None` of fewer than three. The
/// days are sorted, and each is there once.
#[must_use]
pub fn twice_median_gap(days: &[i64]) -> Option<i64> {
    let mut gaps: Vec<i64> = days
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]))
        .collect();
    gaps.sort_unstable();
    (gaps.len() >= 2).then(|| gaps[(gaps.len() - 1) / 2].saturating_add(gaps[gaps.len() / 2]))
}

/// The share of customers without a contract who are lost, 0 to 1, with its Wilson interval. Those of whom it is not known are
/// not in n.
#[must_use]
pub fn churn(standings: impl IntoIterator<Item = Standing>, reporting: &Reporting) -> Measure {
    let (mut known, mut lost) = (0, 0);
    for standing in standings {
        match standing {
            Standing::Unknown => (),
            Standing::Active => known += 1,
            Standing::Overdue | Standing::Unlikely => {
                known += 1;
                lost += 1;
            }
        }
    }
    reporting.share(lost, known, DEFINITION)
}

/// Whether the customer is lost, from the rhythm and, where a model is fitted, P(alive).
#[must_use]
pub fn standing(rhythm: Option<&Rhythm>, p_alive: Option<f64>) -> Standing {
    match (rhythm.and_then(|rhythm| rhythm.overdue), p_alive) {
        (None, None) => Standing::Unknown,
        (Some(true), _) => Standing::Overdue,
        (_, Some(p)) if p < ALIVE => Standing::Unlikely,
        _ => Standing::Active,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(days: &[i64], as_of: i64) -> Standing {
        standing(Rhythm::of(days, as_of).as_ref(), None)
    }

    #[test]
    fn who_ordered_once_or_never_is_unknown_however_long_ago() {
        assert_eq!(of(&[], 1_000), Standing::Unknown);
        assert_eq!(of(&[0], 100_000), Standing::Unknown);
        assert_eq!(of(&[0, 0, 0], 100_000), Standing::Unknown);
        assert_eq!(Rhythm::of(&[0, 0], 9).unwrap().orders, 1);
    }

    #[test]
    fn two_orders_are_one_gap_and_no_rhythm() {
        assert_eq!(of(&[0, 10], 100_000), Standing::Unknown);
        let rhythm = Rhythm::of(&[0, 10], 50).unwrap();
        assert_eq!((rhythm.median_gap_days, rhythm.overdue), (None, None));
        assert_eq!(standing(Some(&rhythm), Some(0.4)), Standing::Unlikely);
        assert_eq!(standing(Some(&rhythm), Some(0.5)), Standing::Active);
    }

    #[test]
    fn three_median_gaps_are_still_active_and_a_day_more_is_overdue() {
        assert_eq!(of(&[0, 10, 20], 50), Standing::Active);
        assert_eq!(of(&[0, 10, 20], 51), Standing::Overdue);
        // Gaps of 3 and 4: the median is 3.5, three of them 10.5.
        assert_eq!(of(&[0, 3, 7], 17), Standing::Active);
        assert_eq!(of(&[0, 3, 7], 18), Standing::Overdue);
    }

    #[test]
    fn either_sign_is_enough_and_a_likely_customer_may_be_overdue() {
        let overdue = Rhythm::of(&[0, 10, 20], 60);
        assert_eq!(standing(overdue.as_ref(), Some(0.9)), Standing::Overdue);
        let active = Rhythm::of(&[0, 10, 20], 25);
        assert_eq!(standing(active.as_ref(), Some(0.49)), Standing::Unlikely);
        assert_eq!(standing(active.as_ref(), None), Standing::Active);
        assert_eq!(standing(None, None), Standing::Unknown);
    }

    #[test]
    fn one_long_pause_does_not_change_the_rhythm() {
        let rhythm = Rhythm::of(&[0, 7, 14, 193, 200, 207], 210).unwrap();
        assert_eq!(rhythm.median_gap_days, Some(7.0));
        assert_eq!(rhythm.idle_gaps(), Some(3.0 / 7.0));
    }

    #[test]
    fn of_all_customers_those_of_whom_nothing_is_known_count_neither_way() {
        use Standing::{Active, Overdue, Unknown, Unlikely};
        let standings = [vec![Active; 6], vec![Overdue, Unlikely], vec![Unknown; 50]].concat();
        let of = |reporting: &Reporting| churn(standings.iter().copied(), reporting);
        let own = of(&Reporting::own());
        assert_eq!((own.value, own.n), (Some(0.25), 8));
        assert_eq!(of(&Reporting::default()).value, None);
        assert_eq!(churn([Unknown], &Reporting::own()).value, None);
    }

    #[test]
    fn orders_after_the_day_asked_for_do_not_count() {
        assert_eq!(
            Rhythm::of(&[0, 10, 20, 90], 51),
            Rhythm::of(&[0, 10, 20], 51)
        );
        assert_eq!(Rhythm::of(&[5], 4), None);
    }

    proptest! {
        #[test]
        fn order_and_repetition_do_not_matter(mut days in proptest::collection::vec(0_i64..400, 0..20)) {
            let rhythm = Rhythm::of(&days, 400);
            days.reverse();
            days.extend_from_within(..);
            prop_assert_eq!(Rhythm::of(&days, 400), rhythm);
        }

        #[test]
        fn waiting_longer_never_makes_an_overdue_customer_active(
            days in proptest::collection::vec(0_i64..100, 3..12), wait in 0_i64..400, more in 0_i64..400,
        ) {
            let at = |as_of| Rhythm::of(&days, as_of).and_then(|rhythm| rhythm.overdue);
            prop_assert!(at(100 + wait) != Some(true) || at(100 + wait + more) == Some(true));
        }
    }
}
