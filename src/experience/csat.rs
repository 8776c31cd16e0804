//! Customer satisfaction.
//!
//! What must stay true: the score is the share of the top two answers, never a mean, and each scale is its own metric:
//! 4-5 of 5, 6-7 of 7, 9-10 of 10. Stars are no satisfaction survey and are refused.

use super::measure::{Measure, Reporting};
use super::survey::{Refused, Scale};

/// Version of the definition.
pub const DEFINITION: u32 = 1;

/// The share of the top two answers, 0 to 1, with its Wilson interval.
///
/// # Errors
/// The scale is not one of satisfaction, or the histogram does not fit it.
pub fn csat(scale: Scale, counts: &[u64], reporting: &Reporting) -> Result<Measure, Refused> {
    if !matches!(scale, Scale::Csat5 | Scale::Csat7 | Scale::Csat10) {
        return Err(Refused::Scale(scale));
    }
    let n = scale.answers(counts)?;
    let top_two = counts.iter().rev().take(2).sum();
    Ok(reporting.share(top_two, n, DEFINITION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(scale: Scale, counts: &[u64]) -> Measure {
        csat(scale, counts, &Reporting::default()).unwrap()
    }

    #[test]
    fn it_is_the_share_of_the_top_two_answers_and_not_the_mean() {
        assert_eq!(of(Scale::Csat5, &[5, 0, 5, 5, 5]).value, Some(0.5));
        // The same mean, another share.
        assert_eq!(of(Scale::Csat5, &[0, 0, 20, 0, 0]).value, Some(0.0));
        assert_eq!(of(Scale::Csat5, &[10, 0, 0, 0, 10]).value, Some(0.5));
    }

    #[test]
    fn six_and_seven_count_on_7_points_and_nine_and_ten_on_10() {
        assert_eq!(of(Scale::Csat7, &[0, 0, 0, 0, 10, 5, 5]).value, Some(0.5));
        let ten = of(Scale::Csat10, &[0, 0, 0, 0, 0, 0, 0, 30, 5, 5]);
        assert_eq!((ten.value, ten.n), (Some(0.25), 40));
    }

    #[test]
    fn other_scales_are_refused_stars_too() {
        for scale in [Scale::Nps, Scale::Ces7, Scale::Ces5, Scale::Stars5] {
            let counts = vec![9; scale.values()];
            let found = csat(scale, &counts, &Reporting::default());
            assert_eq!(found, Err(Refused::Scale(scale)));
        }
        assert!(csat(Scale::Csat7, &[9; 5], &Reporting::default()).is_err());
    }

    #[test]
    fn no_answers_make_no_share_and_too_few_are_withheld() {
        let none = csat(Scale::Csat5, &[0; 5], &Reporting::own()).unwrap();
        assert_eq!((none.value, none.interval), (None, None));
        let few = of(Scale::Csat5, &[0, 0, 0, 0, 9]);
        assert_eq!((few.value, few.interval, few.n), (None, None, 9));
    }

    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = of(Scale::Csat5, &[13, 0, 0, 7, 0]).interval.unwrap();
        assert!((low - 0.181_191_824_101_082_06).abs() < 1e-14);
        assert!((high - 0.567_145_723_314_763_7).abs() < 1e-14);
    }
}
