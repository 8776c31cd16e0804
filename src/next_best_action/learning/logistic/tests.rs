use proptest::prelude::*;

use super::*;
use crate::next_best_action::learning::{features::Situation, mixing::Stream};

const ACTION: u64 = 5;

/// A situation of one feature only, the bias.
fn bias_only() -> Keys {
    let keys = Keys::of(&Situation::default());
    Keys::from_stored(&keys.as_slice()[..1]).unwrap()
}

/// Mean and standard deviation of the posterior of one weight with the prior N(start, 1), on a grid.
fn grid(start: f64, yes: f64, no: f64) -> (f64, f64) {
    let at = |k: i32| -12.0 + f64::from(k) * 0.001;
    let ln = |w: f64| -0.5 * (w - start).powi(2) + yes * sigmoid(w).ln() + no * sigmoid(-w).ln();
    let highest = (0..20_000).map(|k| ln(at(k))).fold(f64::MIN, f64::max);
    let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
    for w in (0..20_000).map(at) {
        let density = (ln(w) - highest).exp();
        sum += density;
        first += density * w;
        second += density * w * w;
    }
    let mean = first / sum;
    (mean, (second / sum - mean * mean).sqrt())
}

#[test]
fn in_one_dimension_the_posterior_is_that_of_a_grid() {
    for (n, per_cent) in [(20, 30), (200, 10), (200, 50), (1_000, 5), (1_000, 90)] {
        let mut weights = Weights::default();
        let mut stream = Stream::new(n);
        let mut yes = 0.0;
        for _ in 0..n {
            let says_yes = stream.below(100) < per_cent;
            yes += f64::from(u8::from(says_yes));
            learn(&mut weights, ACTION, &bias_only(), says_yes, Day(0));
        }
        let found = logit(&weights, ACTION, &bias_only(), Day(0));
        let n = f64::from(u32::try_from(n).unwrap());
        let (mean, deviation) = grid(PRIOR_BIAS, yes, n - yes);
        let off = (found.mean - mean) / deviation;
        let wide = found.variance.sqrt() / deviation;
        // One pass from far away stays a bit behind: half a deviation where the truth is 3 prior deviations off.
        assert!(
            off.abs() < 0.6,
            "{n} {per_cent}: {} for {mean}, {off} deviations",
            found.mean
        );
        assert!(
            (wide - 1.0).abs() < 0.15,
            "{n} {per_cent}: {wide} times as wide"
        );
    }
}

#[test]
fn a_new_action_is_refused_more_often_than_not() {
    let found = logit(
        &Weights::default(),
        ACTION,
        &Keys::of(&Situation::default()),
        Day(0),
    );
    assert_eq!(found.mean.to_bits(), PRIOR_BIAS.to_bits());
    assert!((found.variance - 10.0).abs() < 1e-12);
    assert!((sigmoid(PRIOR_BIAS) - 0.05).abs() < 1e-15);
    assert!(found.upper() > found.probability());
}

#[test]
fn what_was_learned_is_forgotten_by_half_in_30_days() {
    let mut weights = Weights::default();
    for _ in 0..500 {
        learn(&mut weights, ACTION, &bias_only(), false, Day(0));
    }
    let variance = |day| logit(&weights, ACTION, &bias_only(), Day(day)).variance;
    let precision = |day| 1.0 / variance(day);
    assert!((precision(30) - 1.0 - (precision(0) - 1.0) / 2.0).abs() < 1e-9);
    let mean = |day| logit(&weights, ACTION, &bias_only(), Day(day)).mean;
    assert_eq!(mean(30).to_bits(), mean(0).to_bits());
    assert_eq!(mean(OLDEST_DAYS).to_bits(), PRIOR_BIAS.to_bits());
    assert!(mean(OLDEST_DAYS - 1) < PRIOR_BIAS);
}

#[test]
fn the_expected_probability_is_near_that_of_an_integral() {
    for (mean, variance) in [(-3.0, 0.1), (-3.0, 2.0), (0.0, 5.0), (1.5, 11.0)] {
        let found = Logit { mean, variance }.probability();
        let normals = super::super::normal::Normals::new();
        let at = |z: &f64| sigmoid(mean + z * f64::sqrt(variance));
        let wanted = normals.scores().iter().map(at).sum::<f64>() / 256.0;
        assert!((found - wanted).abs() < 0.02, "{found} for {wanted}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g_solves_its_equation(yes in any::<bool>(), at in -30.0_f64..30.0, spread in 0.0_f64..14.0) {
        let r = f64::from(u8::from(yes));
        let g = solve(r, at, spread);
        prop_assert!((r - 1.0..=r).contains(&g));
        let off = g - (r - sigmoid(at + g * spread));
        prop_assert!(off.abs() < 1e-12, "{} off at {}", off, g);
    }

    #[test]
    fn a_yes_raises_and_a_no_lowers_and_both_make_surer(
        outcomes in prop::collection::vec(any::<bool>(), 0..30), yes in any::<bool>(),
    ) {
        let keys = Keys::of(&Situation { hour: Some(9), segments: &[3, 4], ..Situation::default() });
        let mut weights = Weights::default();
        for outcome in outcomes {
            learn(&mut weights, ACTION, &keys, outcome, Day(1));
        }
        let before = logit(&weights, ACTION, &keys, Day(1));
        learn(&mut weights, ACTION, &keys, yes, Day(1));
        let after = logit(&weights, ACTION, &keys, Day(1));
        prop_assert_eq!(after.mean > before.mean, yes);
        prop_assert!(after.variance < before.variance);
    }
}
