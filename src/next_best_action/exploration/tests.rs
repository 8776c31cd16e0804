use proptest::prelude::*;

use super::*;
use crate::next_best_action::hashing::Counter;

fn table(seed: u64, mean: f64, spread: f64) -> [f32; M] {
    let mut counter = Counter::new(seed);
    let mut draw = || {
        normal::narrow(
            (mean + spread * (counter.draw_unit() - 0.5))
                .clamp(1e-4, 1.0)
                .ln(),
        )
    };
    std::array::from_fn(|_| draw())
}

fn key(id: u64) -> ActionKey {
    ActionKey { id, version: 1 }
}

fn entrant(id: u64, table: &[f32; M], mean: f64, high_risk: bool) -> Entrant<'_> {
    Entrant {
        action: key(id),
        fixed: 0.0,
        ln_mean: mean.ln(),
        draws: Draws::Table(table),
        high_risk,
    }
}

/// Upper 0.1% point of chi-square with `k` degrees of freedom, by Wilson and Hilferty.
fn critical(k: f64) -> f64 {
    let z = 3.090_232_306;
    let v = 2.0 / (9.0 * k);
    k * (1.0 - v + z * v.sqrt()).powi(3)
}

/// All of them in full, or where the code is fast.
fn decisions() -> u128 {
    let scale = std::env::var("CUSTOMER_PROFILE_TEST_SCALE");
    if scale.as_deref() == Ok("full") || !cfg!(debug_assertions) {
        100_000
    } else {
        10_000
    }
}

#[test]
fn over_many_decisions_shares_equal_the_sums_of_the_logged_probabilities() {
    let decisions = decisions();
    let tables: Vec<[f32; M]> = (0..16_u32)
        .map(|n| table(n.into(), 0.10 + 0.004 * f64::from(n), 0.10))
        .collect();
    let logit = Logit {
        mean: -1.8,
        variance: 0.02,
    };
    let entrants: Vec<Entrant<'_>> = (0_u64..)
        .zip(&tables)
        .map(|(id, table)| Entrant {
            draws: if id % 4 == 0 {
                Draws::Logit(logit)
            } else {
                Draws::Table(table)
            },
            ..entrant(id, table, 0.13, false)
        })
        .collect();
    let mut counted = [[0.0_f64; K]; 3];
    let mut expected = [[0.0_f64; K]; 3];
    for id in 0..decisions {
        let decision = DecisionKey(id);
        let mut left = entrants.clone();
        // Slots after the first are tried on fewer decisions.
        let slots = if id < decisions / 5 { 3 } else { 1 };
        for slot in 0..slots {
            let shares = shares(decision, &left, 0.02);
            let sum: f64 = shares.pi.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            let held = &shares.pi[..shares.held];
            assert!(held.iter().all(|pi| *pi >= 0.00125 - 1e-12));
            let chosen = choose(held.iter().copied(), drawn(decision, 3, slot)).unwrap();
            for (pi, entrant) in held.iter().zip(&left) {
                expected[usize::from(slot)][usize::try_from(entrant.action.id).unwrap()] += pi;
            }
            let entrant = left.remove(chosen);
            counted[usize::from(slot)][usize::try_from(entrant.action.id).unwrap()] += 1.0;
        }
    }
    for (counted, expected) in counted.iter().zip(&expected) {
        let chi: f64 = counted
            .iter()
            .zip(expected)
            .map(|(c, e)| (c - e).powi(2) / e)
            .sum();
        assert!(chi < critical(15.0), "{chi}");
    }
}

#[test]
fn ties_split_a_draw_exactly() {
    let flat = [-1.0_f32; M];
    for held in 1..=16_u64 {
        let entrants: Vec<Entrant<'_>> =
            (0..held).map(|id| entrant(id, &flat, 0.3, false)).collect();
        let shares = shares(DecisionKey(5), &entrants, 0.02);
        let even = 1.0 / f64::from(u32::try_from(held).unwrap());
        assert!(
            shares.pi[..entrants.len()]
                .iter()
                .all(|pi| (pi - even).abs() < 1e-15)
        );
    }
}

#[test]
fn fewer_candidates_share_epsilon_among_themselves() {
    let (good, bad) = ([-1.0_f32; M], [-9.0_f32; M]);
    let shares = shares(
        DecisionKey(1),
        &[entrant(1, &good, 0.3, false), entrant(2, &bad, 0.01, false)],
        0.02,
    );
    assert!((shares.pi[0] - 0.99).abs() < 1e-15 && (shares.pi[1] - 0.01).abs() < 1e-15);
    assert_eq!(shares.held, 2);
}

#[test]
fn what_is_of_high_risk_takes_part_by_its_mean_and_gets_none_of_epsilon() {
    let (low, wide) = ([-9.0_f32; M], table(1, 0.3, 0.5));
    let risky = entrant(1, &wide, 0.3, true);
    let shares_of = |entrants: &[Entrant<'_>]| shares(DecisionKey(1), entrants, 0.02);
    let one = shares_of(&[risky, entrant(2, &low, 0.01, false)]);
    assert!((one.pi[0] - 0.98).abs() < 1e-15 && (one.pi[1] - 0.02).abs() < 1e-15);
    let alone = shares_of(&[risky]);
    assert!(
        (alone.pi[0] - 1.0).abs() < 1e-15,
        "no epsilon where nothing is explored"
    );
    let never = shares_of(&[
        Entrant {
            ln_mean: -20.0,
            ..risky
        },
        entrant(2, &low, 0.01, false),
    ]);
    assert!(never.pi[0] < 1e-15, "its own draws are not looked at");
}

fn contenders() -> impl Strategy<Value = Vec<Contender>> {
    let one = (0.0..1.0_f64, 0.0..0.5_f64, prop::bool::weighted(0.2));
    prop::collection::vec(one, 0..60).prop_map(|all| {
        let contender = |(at, (mean, more, high_risk))| Contender {
            at,
            upper: mean + more,
            mean,
            high_risk,
        };
        all.into_iter().enumerate().map(contender).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn candidates_are_those_with_the_highest_bounds(contenders in contenders(), most in 1..=K) {
        let (places, held) = candidates(contenders.iter().copied(), most);
        let best = contenders.iter().map(|c| c.mean).fold(f64::NEG_INFINITY, f64::max);
        let mut expected: Vec<&Contender> = contenders.iter().filter(|c| !c.high_risk || c.mean >= best).collect();
        expected.sort_by(|a, b| (b.high_risk, b.upper).partial_cmp(&(a.high_risk, a.upper)).unwrap());
        let mut expected: Vec<usize> = expected.iter().take(most).map(|c| c.at).collect();
        expected.sort_unstable();
        prop_assert_eq!(&places[..held], &expected);
    }

    #[test]
    fn probabilities_sum_to_one_and_none_explored_is_below_its_part_of_epsilon(
        all in prop::collection::vec((0.01..0.9_f64, 0.0..0.5_f64, -3.0..3.0_f64, prop::bool::weighted(0.2)), 1..=16),
        decision in any::<u128>(), epsilon in 0.0..=1.0_f64,
    ) {
        let tables: Vec<[f32; M]> = (0..).zip(&all).map(|(n, one)| table(n, one.0, one.1)).collect();
        let entrants: Vec<Entrant<'_>> = (0..).zip(all.iter().zip(&tables))
            .map(|(id, (one, table))| Entrant { fixed: one.2, ..entrant(id, table, one.0, one.3) })
            .collect();
        let shares = shares(DecisionKey(decision), &entrants, epsilon);
        prop_assert!((shares.pi.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let explored = entrants.iter().filter(|e| !e.high_risk).count();
        for (pi, entrant) in shares.pi.iter().zip(&entrants) {
            let least = if entrant.high_risk { 0.0 } else { epsilon / f64::from(u32::try_from(explored).unwrap()) };
            prop_assert!(*pi >= least - 1e-15);
        }
    }

    #[test]
    fn choosing_is_the_inverse_of_the_cumulated_sum(pi in prop::collection::vec(0.0..1.0_f64, 1..9), u in 0.0..1.0_f64) {
        let sum: f64 = pi.iter().sum();
        prop_assume!(sum > 0.0);
        let at = choose(pi.iter().map(|p| p / sum), u).unwrap();
        let before: f64 = pi[..at].iter().sum::<f64>() / sum;
        prop_assert!(before <= u + 1e-12 && u < before + pi[at] / sum + 1e-12);
    }
}

#[test]
fn what_a_logit_says() {
    let sure = Propensity::of_logit(Logit {
        mean: 0.0,
        variance: 0.0,
    });
    assert!(
        (sure.ln_mean - 0.5_f64.ln()).abs() < 1e-12 && (sure.ln_upper - sure.ln_mean).abs() < 1e-12
    );
    let unsure = Propensity::of_logit(Logit {
        mean: -2.0,
        variance: 1.0,
    });
    assert!(unsure.ln_upper > unsure.ln_mean && unsure.level() == 2);
    let extreme = Propensity::of_logit(Logit {
        mean: -1e9,
        variance: 1e9,
    });
    assert!(extreme.ln_mean.is_finite() && extreme.ln_upper.is_finite());
    assert!(
        (ln_upper(&std::array::from_fn(|i| normal::narrow(-f64::from(
            u16::try_from(i).unwrap()
        )))) + 12.0)
            .abs()
            < 1e-6
    );
}

#[test]
fn a_wider_logit_is_tried_more_also_where_it_is_rare() {
    let action = ActionKey { id: 9, version: 1 };
    for probability in [0.01_f64, 0.03, 0.05, 0.3, 0.8] {
        for variance in [0.05, 0.5, 1.0, 3.0] {
            let mean = (probability / (1.0 - probability)).ln();
            let logit = Logit { mean, variance };
            assert_eq!(logit.widened(1.0), logit);
            let (low, high) = logit.interval();
            assert!(low < probability && probability < high);
            let plain = Propensity::of_logit(logit);
            // How often it would win against another that is surely half as good again.
            let wins = |of: Logit| {
                let mut row = [0.0; M];
                normal::fill(&mut row, 0.0, of, action, 0);
                let bar = (1.5_f64.ln() + probability.ln()).min(-0.05);
                row.iter().filter(|ln| f64::from(**ln) > bar).count()
            };
            for by in [2.0, 8.0] {
                let wider = logit.widened(by);
                assert!(wider.variance > variance && wider.variance <= variance + 1.0);
                let said = Propensity::of_logit(wider);
                assert!(said.ln_upper > plain.ln_upper, "{logit:?} {by}");
                assert!(wins(wider) >= wins(logit), "{logit:?} {by}");
            }
        }
    }
}
