//! What customers answered, and how they feel.

use super::{Answers, real, signed};
use crate::experience::{
    Measure, Reporting,
    ces::{ease, effort},
    csat::{self, csat},
    measure::design_effect_of,
    nps::nps,
    survey::{self, Scale},
};

/// Version of the definition of mean sentiment.
const SENTIMENT: u32 = 1;

type Named = (&'static str, &'static str, Measure);

/// The figures of a scale. Several answers of one customer are taken as alike.
pub(super) fn figures(scale: Scale, answers: &Answers) -> Vec<Named> {
    let histogram = &answers.histogram[..];
    let reporting = Reporting {
        design_effect: design_effect_of(histogram.iter().sum(), answers.squares),
        ..Reporting::default()
    };
    let satisfied = |name| {
        let measure = csat(scale, histogram, &reporting);
        measure.map(|measure| vec![(name, "share", measure)])
    };
    let measures = match scale {
        Scale::Nps => nps(scale, histogram, &reporting).map(|m| vec![("nps", "points", m)]),
        Scale::Csat5 => satisfied("csat_5"),
        Scale::Csat7 => satisfied("csat_7"),
        Scale::Csat10 => satisfied("csat_10"),
        Scale::Ces7 => ease(scale, histogram, &reporting).map(|ease| {
            vec![
                ("ces_7", "mean", ease.mean),
                ("ces_7_agree", "share", ease.easy),
            ]
        }),
        Scale::Ces5 => effort(scale, histogram, &reporting).map(|effort| {
            vec![
                ("ces_5", "mean", effort.mean),
                ("ces_5_hard", "share", effort.hard),
            ]
        }),
        Scale::Stars5 => survey::mean(scale, histogram, &reporting, csat::DEFINITION)
            .map(|mean| vec![("stars_5", "mean", mean)]),
    };
    // Histograms of the store fit their scales.
    measures.unwrap_or_default()
}

/// Mean polarity, each feeling by its weight, with a normal interval.
pub(super) fn sentiment(sums: &[i64]) -> Measure {
    let [
        bad,
        neither,
        good,
        _,
        weight,
        weight_squares,
        weighted,
        weighted_squares,
    ] = sums[..]
    else {
        return Reporting::default().measure(0, SENTIMENT, |_| (0.0, None));
    };
    let n = u64::try_from(bad + neither + good).unwrap_or_default();
    let effective = if weight_squares > 0 {
        signed(weight) * signed(weight) / signed(weight_squares)
    } else {
        0.0
    };
    let reporting = Reporting {
        design_effect: if effective > 0.0 {
            (real(n) / effective).max(1.0)
        } else {
            1.0
        },
        ..Reporting::default()
    };
    reporting.measure(n, SENTIMENT, |effective| {
        let mean = signed(weighted) / signed(weight);
        let variance = (signed(weighted_squares) / signed(weight) - mean * mean).max(0.0);
        let interval = (effective > 1.0).then(|| {
            let half = reporting.z * (variance / (effective - 1.0)).sqrt() / 1000.0;
            let mean = mean / 1000.0;
            ((mean - half).max(-1.0), (mean + half).min(1.0))
        });
        (mean / 1000.0, interval)
    })
}
