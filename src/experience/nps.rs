//! Net promoter score.
//!
//! What must stay true: only answers on the scale 0 to 10 count, all of them in n, passives (7 and 8) too. The score lies
//! in -100..=100, and so does its interval, an adjusted Wald interval that adds three quarters of an answer to promoters
//! and detractors and three answers to n.

use super::measure::{Measure, Reporting};
use super::number::real;
use super::survey::{Refused, Scale};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// The highest answer of a detractor.
const DETRACTORS_TO: usize = 6;
/// The lowest answer of a promoter.
const PROMOTERS_FROM: usize = 9;

/// 100 (promoters - detractors) / n, -100 to 100, of a histogram of the answers 0 to 10.
///
/// # Errors
/// The scale is another one, or the histogram does not fit it.
pub fn nps(scale: Scale, counts: &[u64], reporting: &Reporting) -> Result<Measure, Refused> {
    if scale != Scale::Nps {
        return Err(Refused::Scale(scale));
    }
    let n = scale.answers(counts)?;
    let detractors: u64 = counts[..=DETRACTORS_TO].iter().sum();
    let promoters: u64 = counts[PROMOTERS_FROM..].iter().sum();
    Ok(reporting.measure(n, DEFINITION, |effective| {
        let (p, d) = (real(promoters) / real(n), real(detractors) / real(n));
        let interval = interval(p * effective, d * effective, effective, reporting.z);
        // Whole numbers first: equally many on both sides are exactly 0.
        let score = 100.0 * (real(promoters) - real(detractors)) / real(n);
        (score, Some(interval))
    }))
}

/// The interval of the score from (effective) numbers of promoters, detractors and answers.
fn interval(promoters: f64, detractors: f64, n: f64, z: f64) -> (f64, f64) {
    let adjusted = n + 3.0;
    let (p, d) = (
        (promoters + 0.75) / adjusted,
        (detractors + 0.75) / adjusted,
    );
    let difference = p - d;
    let half = z * ((p + d - difference * difference) / adjusted).sqrt();
    let end = |at: f64| (100.0 * at).clamp(-100.0, 100.0);
    (end(difference - half), end(difference + half))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(counts: [u64; 11]) -> Measure {
        nps(Scale::Nps, &counts, &Reporting::default()).unwrap()
    }

    #[test]
    fn promoters_start_at_nine_detractors_end_at_six_and_passives_count_in_n() {
        let score = of([1, 1, 1, 1, 1, 1, 1, 100, 100, 7, 7]);
        assert_eq!(score.n, 221);
        assert!((score.value.unwrap() - 100.0 * 7.0 / 221.0).abs() < 1e-12);
        assert_eq!(of([0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0]).value, Some(-100.0));
        assert_eq!(of([0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0]).value, Some(0.0));
        assert_eq!(of([0, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0]).value, Some(0.0));
        assert_eq!(of([0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0]).value, Some(100.0));
    }

    #[test]
    fn no_answers_make_no_score_and_too_few_are_withheld() {
        let none = nps(Scale::Nps, &[0; 11], &Reporting::own()).unwrap();
        assert_eq!((none.value, none.interval, none.n), (None, None, 0));
        let few = of([0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0]);
        assert_eq!((few.value, few.interval, few.n), (None, None, 9));
    }

    #[test]
    fn answers_that_are_worth_half_have_the_interval_of_half_as_many() {
        let reporting = Reporting {
            design_effect: 2.0,
            ..Reporting::default()
        };
        let whole = nps(
            Scale::Nps,
            &[40, 0, 0, 0, 0, 0, 0, 60, 0, 100, 0],
            &reporting,
        )
        .unwrap();
        let half = of([20, 0, 0, 0, 0, 0, 0, 30, 0, 50, 0]);
        assert_eq!((whole.n, whole.value), (200, half.value));
        assert!((whole.effective_n - 100.0).abs() < 1e-12);
        assert!((whole.interval.unwrap().0 - half.interval.unwrap().0).abs() < 1e-11);
    }

    #[test]
    fn other_scales_are_another_metric_the_one_from_1_to_10_too() {
        for scale in Scale::ALL.into_iter().filter(|&scale| scale != Scale::Nps) {
            let counts = vec![1; scale.values()];
            let found = nps(scale, &counts, &Reporting::default());
            assert_eq!(found, Err(Refused::Scale(scale)));
        }
        assert!(nps(Scale::Nps, &[1; 10], &Reporting::default()).is_err());
    }

    #[test]
    fn the_interval_agrees_with_figures_computed_elsewhere_and_ends_at_100() {
        let (low, high) = of([20, 0, 0, 0, 0, 0, 0, 30, 0, 50, 0]).interval.unwrap();
        assert!((low - 14.051_130_178_761_61).abs() < 1e-11, "{low}");
        assert!((high - 44.201_297_005_704_41).abs() < 1e-11, "{high}");
        let (low, high) = of([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10]).interval.unwrap();
        assert!((low - 47.503_551_544_790_21).abs() < 1e-11, "{low}");
        assert!((high - 100.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn score_and_interval_stay_within_100_either_way(counts in proptest::array::uniform11(0_u64..40)) {
            let found = nps(Scale::Nps, &counts, &Reporting::own()).unwrap();
            if let (Some(score), Some((low, high))) = (found.value, found.interval) {
                prop_assert!((-100.0..=100.0).contains(&score));
                prop_assert!(-100.0 <= low && low <= high && high <= 100.0);
                prop_assert!(found.n < FLOOR_OF_THE_INTERVAL || (low <= score && score <= high));
            }
        }
    }

    /// With fewer answers the adjustment can move the interval off a score at the end of the scale.
    const FLOOR_OF_THE_INTERVAL: u64 = 10;
}
