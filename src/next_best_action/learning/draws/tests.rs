use proptest::prelude::*;

use super::*;

const ARM: Arm = Arm {
    action: ActionKey { id: 7, version: 1 },
    channel: ChannelIndex(0),
};

fn estimate(positives: f64, effective_n: f64, prior_mean: f64) -> Estimate {
    Estimate {
        positives,
        effective_n,
        prior_mean,
        prior_weight: 50.0,
    }
}

fn of(arm: Arm, estimate: &Estimate, snapshot: u64) -> Row {
    row(arm, estimate, snapshot, Normals::new().scores()).unwrap()
}

/// Mean and variance of the draws of P.
fn moments(row: &Row) -> (f64, f64) {
    let draws = row.ln_probability.map(|ln| f64::from(ln).exp());
    let mean = draws.iter().sum::<f64>() / 256.0;
    let squares: f64 = draws.iter().map(|draw| (draw - mean).powi(2)).sum();
    (mean, squares / 256.0)
}

#[test]
fn rows_of_two_arms_do_not_go_together() {
    let one = estimate(30.0, 600.0, 0.05);
    let mut most = 0.0_f64;
    for id in 0..40 {
        let other = Arm {
            action: ActionKey { id, version: 2 },
            ..ARM
        };
        let (a, b) = (of(ARM, &one, 3), of(other, &one, 3));
        let ((mean_a, var_a), (mean_b, var_b)) = (moments(&a), moments(&b));
        let product = a.ln_probability.iter().zip(&b.ln_probability);
        let product =
            product.map(|(a, b)| (f64::from(*a).exp() - mean_a) * (f64::from(*b).exp() - mean_b));
        most = most.max((product.sum::<f64>() / 256.0 / (var_a * var_b).sqrt()).abs());
    }
    // The largest of 40 correlations of 256 pairs: 4 standard errors of 1/16.
    assert!(most < 0.25, "{most}");
}

#[test]
fn equal_arms_win_equally_often() {
    let one = estimate(30.0, 600.0, 0.05);
    let rows: Vec<Row> = (0..8)
        .map(|id| {
            let action = ActionKey { id, version: 1 };
            of(Arm { action, ..ARM }, &one, 1)
        })
        .collect();
    // Over 500 decisions, each with offsets of its own.
    let mut wins = [0_u32; 8];
    let mut offsets = Stream::new(1);
    for _ in 0..500 {
        let offsets: Vec<usize> = rows
            .iter()
            .map(|_| usize::try_from(offsets.below(256)).unwrap())
            .collect();
        for place in 0..DRAWS {
            let draw = |arm: &usize| rows[*arm].ln_probability[(place + offsets[*arm]) % DRAWS];
            let best = (0..8).max_by(|a, b| draw(a).total_cmp(&draw(b))).unwrap();
            wins[best] += 1;
        }
    }
    for won in wins {
        let share = f64::from(won) / (500.0 * 256.0);
        assert!((share - 0.125).abs() < 0.005, "{wins:?}");
    }
}

#[test]
fn another_snapshot_is_another_order_of_the_same_draws() {
    let one = estimate(5.0, 90.0, 0.05);
    let (a, b) = (of(ARM, &one, 1), of(ARM, &one, 2));
    assert_ne!(
        a.ln_probability.map(f32::to_bits),
        b.ln_probability.map(f32::to_bits)
    );
    let sorted = |row: &Row| {
        let mut draws = row.ln_probability.to_vec();
        draws.sort_by(f32::total_cmp);
        draws
    };
    assert_eq!(sorted(&a), sorted(&b));
    assert_eq!(a.order, b.order);
    assert_eq!(a, of(ARM, &one, 1));
}

#[test]
fn the_draws_are_frozen() {
    // A change here breaks the replay of stored decisions.
    let row = of(ARM, &estimate(5.0, 90.0, 0.05), 1);
    let bits: u64 = row
        .ln_probability
        .iter()
        .fold(0, |sum, draw| hash([sum, u64::from(draw.to_bits())]));
    assert_eq!((bits, row.order[0]), (16_169_136_575_998_722_752, 96));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn draws_have_the_mean_and_the_variance_of_the_posterior(
        n in 0.0_f64..1e5, share in 0.001_f64..0.999, prior in 0.02_f64..0.98, snapshot in any::<u64>(),
    ) {
        let one = estimate(n * share, n, prior);
        let (alpha, beta) = (one.alpha(), one.beta());
        let mean = alpha / (alpha + beta);
        let variance = mean * (1.0 - mean) / (alpha + beta + 1.0);
        let (found_mean, found_variance) = moments(&of(ARM, &one, snapshot));
        prop_assert!((found_mean / mean - 1.0).abs() < 2e-3, "mean {} for {}", found_mean, mean);
        let off = found_variance / variance - 1.0;
        prop_assert!((-0.015..0.005).contains(&off), "variance {} for {}", found_variance, variance);
    }

    #[test]
    fn draws_between_the_exact_ones_are_nearly_exact(ln_alpha in -1.4_f64..9.0, ln_beta in 1.0_f64..11.0) {
        let posterior = Beta::new(ln_alpha.exp(), ln_beta.exp()).unwrap();
        let normals = Normals::new();
        for (score, draw) in normals.scores().iter().zip(sorted(&posterior, normals.scores())) {
            let wanted = ln_sigmoid(posterior.logit_quantile(normal::cdf(*score), None));
            let off = f64::from(draw) - wanted.max(-27.631_021);
            prop_assert!(off.abs() < 1e-3, "{} for {} at {}", draw, wanted, score);
        }
    }

    #[test]
    fn every_draw_is_finite_whatever_was_seen(
        positives in 0.0_f64..1e6, n in 0.0_f64..1e7, prior in 1e-6_f64..0.999_999,
    ) {
        let row = of(ARM, &estimate(positives, n, prior), 1);
        prop_assert!(row.ln_probability.iter().all(|ln| (LOWEST..=0.0).contains(ln)));
        let mut seen = row.order.to_vec();
        seen.sort_unstable();
        prop_assert_eq!(seen, (0..=255).collect::<Vec<u8>>());
    }
}
