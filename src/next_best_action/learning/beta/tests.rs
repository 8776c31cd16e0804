use proptest::prelude::*;

use super::*;

/// alpha, beta, x, and the share below x in 16 digits, computed with 30 digits.
const SHARES: [(f64, f64, f64, f64); 11] = [
    (2.5, 47.5, 0.05, 0.577_865_109_067_191),
    (0.05, 49.95, 1e-9, 0.442_977_633_831_260_3),
    (0.5, 0.5, 0.3, 0.369_010_119_565_545_4),
    (12.5, 37.5, 0.25, 0.521_781_058_711_354_8),
    (150.0, 2850.0, 0.055, 0.893_236_865_392_594_4),
    (1e5, 1.9e6, 0.0502, 0.902_703_127_207_456_4),
    (3.0, 2.0, 0.999, 0.999_994_007_997),
    (40.0, 10.0, 0.5, 4.631_773_204_977_207e-6),
    (1.0, 1.0, 0.123, 0.123),
    (0.05, 50.0, 1e-40, 0.012_485_436_590_668_38),
    (7.0, 3.0, 0.9, 0.947_027_862),
];

/// alpha, beta, share, and the quantile.
const QUANTILES: [(f64, f64, f64, f64); 7] = [
    (2.5, 47.5, 0.001_953_125, 0.002_870_627_558_302_764),
    (2.5, 47.5, 0.975, 0.124_547_782_644_481_38),
    (0.05, 49.95, 0.001_953_125, 7.708_409_531_486_016e-57),
    (0.5, 0.5, 0.1, 0.024_471_741_852_423_216),
    (150.0, 2850.0, 0.025, 0.042_490_847_009_478_06),
    (1e5, 1.9e6, 0.998_046_875, 0.050_445_804_970_372_75),
    (40.0, 10.0, 0.5, 0.804_020_184_218_866),
];

#[test]
fn shares_are_those_of_a_computation_in_30_digits() {
    for (alpha, beta, x, wanted) in SHARES {
        let found = Beta::new(alpha, beta).unwrap().cdf(x);
        assert!(
            (found / wanted - 1.0).abs() < 1e-9,
            "{alpha} {beta} {x}: {found} for {wanted}"
        );
    }
}

#[test]
fn quantiles_are_those_of_a_computation_in_30_digits() {
    for (alpha, beta, p, wanted) in QUANTILES {
        let found = Beta::new(alpha, beta).unwrap().quantile(p);
        assert!(
            (found / wanted - 1.0).abs() < 1e-8,
            "{alpha} {beta} {p}: {found} for {wanted}"
        );
    }
}

#[test]
fn whole_parameters_are_a_sum_of_binomials() {
    // I_x(a, b) = P(at least a of a + b - 1), DLMF 8.17.5.
    let (a, b, x) = (4_i32, 7_i32, 0.3_f64);
    let n = a + b - 1;
    let choose = |k: i32| (0..k).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    let sum: f64 = (a..=n)
        .map(|k| choose(k) * x.powi(k) * (1.0 - x).powi(n - k))
        .sum();
    let found = Beta::new(4.0, 7.0).unwrap().cdf(x);
    assert!((found - sum).abs() < 1e-13, "{found} for {sum}");
}

#[test]
fn only_parameters_above_0_make_a_distribution() {
    for (alpha, beta) in [
        (0.0, 1.0),
        (1.0, -1.0),
        (f64::NAN, 1.0),
        (1.0, f64::INFINITY),
    ] {
        assert_eq!(Beta::new(alpha, beta), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_quantile_is_where_the_share_lies(
        ln_alpha in -3.0_f64..12.0, ln_beta in -3.0_f64..14.0, p in 0.001_f64..0.999,
    ) {
        let beta = Beta::new(ln_alpha.exp(), ln_beta.exp()).unwrap();
        let logit = beta.logit_quantile(p, None);
        prop_assume!(logit.abs() < 699.0);
        let found = beta.tails(logit).lower;
        prop_assert!((found - p).abs() < 1e-9, "{} for {}", found, p);
    }

    #[test]
    fn quantiles_rise_and_end_whatever_the_guess(
        ln_alpha in -12.0_f64..16.0, ln_beta in -12.0_f64..16.0, p in 0.0_f64..1.0, more in 0.0_f64..1.0,
        guess in prop::option::of(-1e3_f64..1e3),
    ) {
        let beta = Beta::new(ln_alpha.exp(), ln_beta.exp()).unwrap();
        let low = beta.logit_quantile(p, guess);
        let high = beta.logit_quantile(p + (1.0 - p) * more, guess);
        prop_assert!(low.is_finite() && high.is_finite());
        prop_assert!(low <= high + 1e-6, "{} above {}", low, high);
    }
}
