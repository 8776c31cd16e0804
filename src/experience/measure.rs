//! The form in which every metric is answered.
//!
//! What must stay true:
//!
//! - No answers make no value: `n = 0` gives `None`, never 0.
//! - An aggregate of fewer answers than the floor is withheld: value and interval are `None`, `n` says why.
//! - An interval is ordered and lies within the bounds of its metric.
//! - `definition` changes whenever a formula changes, so that figures of two definitions are never compared unawares.
//!
//! Window and filters belong to the question; the caller repeats them beside the measure.

use super::number::{ratio, real};

/// The fewest answers an aggregate is shown for; no setting changes it.
pub const FLOOR: u64 = 10;

/// Standard normal deviate of a two-sided interval of 95%.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// A figure with what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measure {
    /// The figure in the unit of its metric; `None` when there are no answers or fewer than the floor.
    pub value: Option<f64>,
    /// How many answers (or customers) counted.
    pub n: u64,
    /// How many independent answers they are worth, 0 to `n`.
    pub effective_n: f64,
    /// Interval of confidence, lower end first; `None` where there is no value or none is defined.
    pub interval: Option<(f64, f64)>,
    /// Version of the definition that the figure follows.
    pub definition: u32,
}

/// How aggregates are reported.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reporting {
    /// Fewer answers than this are withheld.
    pub floor: u64,
    /// Standard normal deviate of the intervals, above 0.
    pub z: f64,
    /// How many answers are worth one independent answer, 1 or more (see [`design_effect`]).
    pub design_effect: f64,
}

impl Default for Reporting {
    fn default() -> Self {
        Self {
            floor: FLOOR,
            z: Z_95,
            design_effect: 1.0,
        }
    }
}

impl Reporting {
    /// For one customer's own figures, which are no aggregate: nothing is withheld.
    #[must_use]
    pub fn own() -> Self {
        Self {
            floor: 1,
            ..Self::default()
        }
    }

    /// How many independent answers `n` answers are worth.
    #[must_use]
    pub fn effective(&self, n: u64) -> f64 {
        real(n) / self.design_effect.max(1.0)
    }

    /// A measure of `n` answers, withheld below the floor.
    ///
    /// `figure` is given the effective n, which is above 0, and answers value and interval.
    pub fn measure(
        &self,
        n: u64,
        definition: u32,
        figure: impl FnOnce(f64) -> (f64, Option<(f64, f64)>),
    ) -> Measure {
        let effective_n = self.effective(n);
        let shown = (n > 0 && n >= self.floor).then(|| figure(effective_n));
        Measure {
            value: shown.map(|(value, _)| value),
            n,
            effective_n,
            interval: shown.and_then(|(_, interval)| interval),
            definition,
        }
    }

    /// The mean of values, each with how often it occurs, with a normal interval within `bounds`.
    ///
    /// One value has no spread to estimate an interval from.
    pub fn mean(
        &self,
        values: impl IntoIterator<Item = (f64, u64)>,
        bounds: (f64, f64),
        definition: u32,
    ) -> Measure {
        let (mut n, mut mean, mut squares) = (0_u64, 0.0, 0.0);
        // By Welford: the sum of squares is around the running mean, so that nothing cancels.
        for (value, count) in values.into_iter().filter(|&(_, count)| count > 0) {
            n = n.saturating_add(count);
            let off = value - mean;
            mean += off * real(count) / real(n);
            squares += off * (value - mean) * real(count);
        }
        self.measure(n, definition, |effective| {
            let interval = (n > 1 && effective > 1.0).then(|| {
                let half = self.z * (squares / real(n) / (effective - 1.0)).sqrt();
                (
                    (mean - half).clamp(bounds.0, bounds.1),
                    (mean + half).clamp(bounds.0, bounds.1),
                )
            });
            (mean, interval)
        })
    }

    /// The share of `part` in `n`, 0 to 1, with its Wilson interval. A `part` above `n` counts as `n`.
    #[must_use]
    pub fn share(&self, part: u64, n: u64, definition: u32) -> Measure {
        self.measure(n, definition, |effective| {
            let share = real(part.min(n)) / real(n);
            (share, wilson(share, effective, self.z))
        })
    }
}

/// The interval of a share by Wilson (1927), within 0..=1; `None` without answers.
///
/// `share` is 0 to 1, `n` the number of answers it was counted in (it may be an effective one), `z` the deviate.
#[must_use]
pub fn wilson(share: f64, n: f64, z: f64) -> Option<(f64, f64)> {
    if !(n > 0.0 && (0.0..=1.0).contains(&share)) {
        return None;
    }
    let squared = z * z / n;
    let centre = share + squared / 2.0;
    let half = z * (share * (1.0 - share) / n + squared / (4.0 * n)).sqrt();
    let scale = 1.0 + squared;
    // The ends are exact where every answer falls on one side; rounding must not move them.
    let low = ((centre - half) / scale).clamp(0.0, share);
    let high = ((centre + half) / scale).clamp(share, 1.0);
    Some((low, high))
}

/// How many answers are worth one independent answer when customers answered several times (Kish 1965, with answers of
/// one customer taken as alike): the sum of squares of the numbers of answers, over their sum. 1 without answers.
#[must_use]
pub fn design_effect(answers_per_customer: &[u64]) -> f64 {
    let (sum, squares) = answers_per_customer
        .iter()
        .map(|&answers| u128::from(answers))
        .fold((0_u128, 0_u128), |(sum, squares), answers| {
            (sum + answers, squares.saturating_add(answers * answers))
        });
    if sum == 0 {
        return 1.0;
    }
    ratio(squares, sum)
}

/// The same from sums that are kept: how many answers there are, and the sum of the squares of the numbers of each customer. 1
/// where the squares are not known.
#[must_use]
pub fn design_effect_of(answers: u64, squares: u64) -> f64 {
    if answers == 0 {
        return 1.0;
    }
    (real(squares) / real(answers)).max(1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(found: Option<(f64, f64)>, low: f64, high: f64) {
        let found = found.unwrap();
        assert!((found.0 - low).abs() < 1e-14, "{found:?}");
        assert!((found.1 - high).abs() < 1e-14, "{found:?}");
    }

    #[test]
    fn no_answers_make_no_value_and_never_a_zero() {
        let none = Reporting::own().share(0, 0, 1);
        assert_eq!(none.value, None);
        assert_eq!(none.interval, None);
        assert_eq!(none.n, 0);
        let without_a_floor = Reporting {
            floor: 0,
            ..Reporting::default()
        };
        assert_eq!(without_a_floor.share(0, 0, 1).value, None);
        assert_eq!(without_a_floor.mean([], (0.0, 1.0), 1).value, None);
    }

    #[test]
    fn an_aggregate_below_the_floor_is_withheld_and_says_how_many_answered() {
        let nine = Reporting::default().share(4, 9, 1);
        assert_eq!((nine.value, nine.interval, nine.n), (None, None, 9));
        let ten = Reporting::default().share(4, 10, 1);
        assert_eq!(ten.value, Some(0.4));
        assert!(ten.interval.is_some());
    }

    #[test]
    fn wilson_agrees_with_figures_computed_elsewhere() {
        close(wilson(0.0, 10.0, Z_95), 0.0, 0.277_532_799_862_889_2);
        close(wilson(1.0, 10.0, Z_95), 1.0 - 0.277_532_799_862_889_2, 1.0);
        close(
            wilson(0.35, 20.0, Z_95),
            0.181_191_824_101_082_06,
            0.567_145_723_314_763_7,
        );
        close(
            wilson(81.0 / 263.0, 263.0, Z_95),
            0.255_288_519_878_274_2,
            0.366_209_576_982_800_04,
        );
    }

    #[test]
    fn a_mean_has_the_interval_of_its_spread_cut_at_the_bounds() {
        // Standard deviation 2 of a sample of 5 (sum of squares 16 over 4), so a standard error of 2 / sqrt 5.
        let values = [(1.0, 2), (3.0, 1), (5.0, 2)];
        let found = Reporting::own().mean(values, (1.0, 7.0), 1);
        assert!((found.value.unwrap() - 3.0).abs() < 1e-15);
        let half = Z_95 * 2.0 / 5_f64.sqrt();
        close(found.interval, 3.0 - half, 3.0 + half);
        close(
            Reporting::own().mean(values, (2.0, 4.0), 1).interval,
            2.0,
            4.0,
        );
    }

    #[test]
    fn several_answers_of_one_customer_are_worth_less_than_as_many_of_several() {
        assert!((design_effect(&[1, 1, 1, 1]) - 1.0).abs() < 1e-15);
        assert!((design_effect(&[4]) - 4.0).abs() < 1e-15);
        assert!((design_effect(&[]) - 1.0).abs() < 1e-15);
        let kept = design_effect_of(1 + 2 + 5, 1 + 4 + 25);
        assert!((kept - design_effect(&[1, 2, 5])).abs() < 1e-15);
        assert!((design_effect_of(8, 0) - 1.0).abs() < 1e-15);
        assert!((design_effect_of(0, 0) - 1.0).abs() < 1e-15);
        let reporting = Reporting {
            design_effect: 2.0,
            ..Reporting::default()
        };
        let clustered = reporting.share(10, 20, 1);
        let plain = Reporting::default().share(10, 20, 1);
        assert!((clustered.effective_n - 10.0).abs() < 1e-15);
        assert!(clustered.interval.unwrap().0 < plain.interval.unwrap().0);
    }

    proptest! {
        #[test]
        fn an_interval_holds_its_share_and_stays_inside_the_bounds(n in 1_u64..5_000, part in 0_u64..5_000) {
            let measure = Reporting::own().share(part % (n + 1), n, 1);
            let (low, high) = measure.interval.unwrap();
            let value = measure.value.unwrap();
            prop_assert!(0.0 <= low && low <= value && value <= high && high <= 1.0);
        }
    }
}
