//! Customer effort, in its two versions.
//!
//! What must stay true: version 2.0 asks on 1 to 7 how far it was easy (high is good), version 1.0 on 1 to 5 how much
//! effort it took (high is bad). They run in opposite directions, so each has a function that refuses the other's scale.

use super::measure::{Measure, Reporting};
use super::survey::{Refused, Scale, mean};

/// Version of both definitions.
pub const DEFINITION: u32 = 1;

/// Customer effort 2.0: how easy it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ease {
    /// The mean answer, 1 to 7; high is easy.
    pub mean: Measure,
    /// The share of the answers 5, 6 and 7: it was easy. 0 to 1.
    pub easy: Measure,
}

/// Customer effort 1.0: how much effort it took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// The mean answer, 1 to 5; high is hard.
    pub mean: Measure,
    /// The share of the answers 4 and 5: it was hard. 0 to 1.
    pub hard: Measure,
}

/// Customer effort 2.0 of a histogram of the answers 1 to 7.
///
/// # Errors
/// The scale is another one, or the histogram does not fit it.
pub fn ease(scale: Scale, counts: &[u64], reporting: &Reporting) -> Result<Ease, Refused> {
    let (mean, easy) = mean_and_top(Scale::Ces7, 3, scale, counts, reporting)?;
    Ok(Ease { mean, easy })
}

/// Customer effort 1.0 of a histogram of the answers 1 to 5.
///
/// # Errors
/// The scale is another one, or the histogram does not fit it.
pub fn effort(scale: Scale, counts: &[u64], reporting: &Reporting) -> Result<Effort, Refused> {
    let (mean, hard) = mean_and_top(Scale::Ces5, 2, scale, counts, reporting)?;
    Ok(Effort { mean, hard })
}

fn mean_and_top(
    wanted: Scale,
    top: usize,
    scale: Scale,
    counts: &[u64],
    reporting: &Reporting,
) -> Result<(Measure, Measure), Refused> {
    if scale != wanted {
        return Err(Refused::Scale(scale));
    }
    let n = scale.answers(counts)?;
    let share = reporting.share(counts.iter().rev().take(top).sum(), n, DEFINITION);
    Ok((mean(scale, counts, reporting, DEFINITION)?, share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_reports_the_mean_and_the_share_of_five_and_above() {
        let found = ease(Scale::Ces7, &[2, 0, 0, 3, 1, 2, 2], &Reporting::default()).unwrap();
        assert_eq!(found.easy.value, Some(0.5));
        assert!((found.mean.value.unwrap() - 4.5).abs() < 1e-15);
    }

    #[test]
    fn version_1_runs_the_other_way_and_is_never_mixed_with_version_2() {
        let reporting = Reporting::default();
        let found = effort(Scale::Ces5, &[3, 2, 0, 2, 3], &reporting).unwrap();
        assert_eq!((found.hard.value, found.mean.value), (Some(0.5), Some(3.0)));
        assert_eq!(
            ease(Scale::Ces5, &[2; 5], &reporting),
            Err(Refused::Scale(Scale::Ces5))
        );
        assert_eq!(
            effort(Scale::Ces7, &[2; 7], &reporting),
            Err(Refused::Scale(Scale::Ces7))
        );
    }

    #[test]
    fn other_scales_with_as_many_values_are_refused() {
        let reporting = Reporting::default();
        assert!(ease(Scale::Csat7, &[2; 7], &reporting).is_err());
        assert!(effort(Scale::Csat5, &[2; 5], &reporting).is_err());
        assert!(effort(Scale::Stars5, &[2; 5], &reporting).is_err());
    }

    #[test]
    fn no_answers_make_neither_a_mean_nor_a_share() {
        let none = ease(Scale::Ces7, &[0; 7], &Reporting::own()).unwrap();
        assert_eq!((none.mean.value, none.easy.value), (None, None));
        let few = ease(Scale::Ces7, &[0, 0, 0, 0, 0, 0, 9], &Reporting::default()).unwrap();
        assert_eq!((few.mean.value, few.easy.value), (None, None));
    }
}
