//! Retention and churn of cohorts.
//!
//! What must stay true: members are counted, one by one: a cohort is who was active at the start, and those of them who
//! are still active at the end. Whoever joined in between is in neither number; (ends - newcomers) / starts gives the same
//! only until someone leaves and comes back or is merged. Without a starting cohort there is no value.

use std::collections::BTreeSet;

use super::measure::{Measure, Reporting};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// Months of a year.
const MONTHS: i32 = 12;

/// A starting cohort and what is left of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cohort {
    started: u64,
    stayed: u64,
}

/// More members stayed than started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{stayed} members stayed of {started}")]
pub struct Impossible {
    /// Members at the start.
    pub started: u64,
    /// Members at the end.
    pub stayed: u64,
}

impl Cohort {
    /// A cohort from its counts.
    ///
    /// # Errors
    /// More stayed than started.
    pub const fn new(started: u64, stayed: u64) -> Result<Self, Impossible> {
        if stayed > started {
            return Err(Impossible { started, stayed });
        }
        Ok(Self { started, stayed })
    }

    /// The cohort of the customers who were active at the start; active at the end may be others besides.
    pub fn of<Id: Ord>(
        at_the_start: impl IntoIterator<Item = Id>,
        at_the_end: impl IntoIterator<Item = Id>,
    ) -> Self {
        let members: BTreeSet<Id> = at_the_start.into_iter().collect();
        let left: BTreeSet<Id> = at_the_end.into_iter().collect();
        members.iter().fold(Self::default(), |cohort, member| {
            cohort.plus(Self {
                started: 1,
                stayed: u64::from(left.contains(member)),
            })
        })
    }

    /// Members at the start.
    #[must_use]
    pub const fn started(self) -> u64 {
        self.started
    }

    /// Those of them who are still active.
    #[must_use]
    pub const fn stayed(self) -> u64 {
        self.stayed
    }

    /// Two cohorts without a common member, together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self {
            started: self.started.saturating_add(other.started),
            stayed: self.stayed.saturating_add(other.stayed),
        }
    }

    /// The share that stayed, 0 to 1.
    #[must_use]
    pub fn retention(self, reporting: &Reporting) -> Measure {
        reporting.share(self.stayed, self.started, DEFINITION)
    }

    /// The share that left, 0 to 1: 1 - retention.
    #[must_use]
    pub fn churn(self, reporting: &Reporting) -> Measure {
        reporting.share(self.started - self.stayed, self.started, DEFINITION)
    }
}

/// What a monthly churn is in a year if it stays as it is: 1 - (1 - m)^12, with its interval.
#[must_use]
pub fn annual(monthly_churn: Measure) -> Measure {
    let year = |month: f64| 1.0 - (1.0 - month).powi(MONTHS);
    Measure {
        value: monthly_churn.value.map(year),
        interval: monthly_churn
            .interval
            .map(|(low, high)| (year(low), year(high))),
        ..monthly_churn
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn members_are_counted_and_newcomers_are_in_neither_number() {
        // Four at the start, four at the end: as many, and half of them others.
        let cohort = Cohort::of([1, 2, 3, 4], [3, 4, 5, 6]);
        assert_eq!((cohort.started(), cohort.stayed()), (4, 2));
        let retention = cohort.retention(&Reporting::own());
        let churn = cohort.churn(&Reporting::own());
        assert_eq!((retention.value, churn.value), (Some(0.5), Some(0.5)));
    }

    #[test]
    fn a_member_named_twice_is_one_member() {
        let cohort = Cohort::of([1, 1, 2], [2, 2]);
        assert_eq!((cohort.started(), cohort.stayed()), (2, 1));
    }

    #[test]
    fn without_a_starting_cohort_there_is_no_value() {
        let cohort = Cohort::of([], [1, 2, 3]);
        assert_eq!(cohort.retention(&Reporting::own()).value, None);
        assert_eq!(cohort.churn(&Reporting::own()).value, None);
        assert_eq!(annual(cohort.churn(&Reporting::own())).value, None);
    }

    #[test]
    fn a_small_cohort_is_withheld() {
        let nine = Cohort::new(9, 8).unwrap().churn(&Reporting::default());
        assert_eq!((nine.value, nine.interval, nine.n), (None, None, 9));
        assert!(
            Cohort::new(10, 8)
                .unwrap()
                .churn(&Reporting::default())
                .value
                .is_some()
        );
    }

    #[test]
    fn more_cannot_stay_than_started() {
        assert!(Cohort::new(3, 4).is_err());
    }

    #[test]
    fn a_year_of_five_percent_a_month_is_not_sixty() {
        let monthly = Cohort::new(100, 95).unwrap().churn(&Reporting::default());
        let yearly = annual(monthly);
        // 1 - 0.95^12
        assert!((yearly.value.unwrap() - 0.459_639_912_337_372_06).abs() < 1e-14);
        let (low, high) = yearly.interval.unwrap();
        assert!(low < yearly.value.unwrap() && yearly.value.unwrap() < high && high < 1.0);
        let all = Cohort::new(50, 0).unwrap().churn(&Reporting::default());
        assert_eq!(annual(all).value, Some(1.0));
    }

    proptest! {
        #[test]
        fn churn_is_one_minus_retention_and_cohorts_add_up(
            one in proptest::collection::vec(any::<bool>(), 0..40),
            other in proptest::collection::vec(any::<bool>(), 1..40),
        ) {
            let cohort = |members: &[bool]| {
                let stayed = members.iter().filter(|&&stays| stays).count();
                Cohort::new(members.len() as u64, stayed as u64).unwrap()
            };
            let both = [one.clone(), other.clone()].concat();
            prop_assert_eq!(cohort(&one).plus(cohort(&other)), cohort(&both));
            let reporting = Reporting::own();
            let (stay, leave) = (cohort(&both).retention(&reporting), cohort(&both).churn(&reporting));
            prop_assert!((stay.value.unwrap() + leave.value.unwrap() - 1.0).abs() < 1e-15);
        }
    }
}
