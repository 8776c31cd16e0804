use proptest::prelude::*;

use super::*;
use crate::next_best_action::evaluation::log::Logbook;
use crate::next_best_action::evaluation::{
    policy::{AsLogged, Greedy, Mixed, Uniform},
    reward::{Constant, ShrunkMeans},
    scene::{Oracle, Seen, add, drawn, log, rows, tilted},
};

fn measured(log: &Log, model: &dyn RewardModel, policy: &dyn Policy) -> (Weights, Estimates) {
    let resampling = Resampling {
        resamples: 99,
        seed: 1,
    };
    let (weights, estimates) = Evaluation::new(log, model)
        .measure(policy, resampling)
        .unwrap();
    (weights, estimates.unwrap())
}

/// Two decisions with three candidates and rewards of 0 or 1: every history that can happen, with its probability.
fn histories() -> Vec<(f64, Vec<Seen>)> {
    let worlds = [
        ([0.5, 0.3, 0.2], [0.9, 0.1, 0.4]),
        ([0.05, 0.15, 0.8], [0.2, 0.7, 0.6]),
    ];
    let row = |at: usize, chosen: usize, yes: bool| {
        let (propensities, rates) = worlds[at];
        let happens = if yes {
            rates[chosen]
        } else {
            1.0 - rates[chosen]
        };
        let seen = Seen {
            profile: u128::try_from(at).unwrap(),
            cell: u64::try_from(at).unwrap(),
            propensities: propensities.to_vec(),
            chosen,
            reward: f64::from(u8::from(yes)),
        };
        (propensities[chosen] * happens, seen)
    };
    let each =
        |at: usize| (0..3).flat_map(move |chosen| [row(at, chosen, false), row(at, chosen, true)]);
    let pairs = each(0).flat_map(|one| each(1).map(move |two| (one.clone(), two)));
    pairs
        .map(|((p, one), (q, two))| (p * q, vec![one, two]))
        .collect()
}

#[test]
fn ipw_is_unbiased_over_every_history_and_so_is_dr_with_any_q_that_is_given() {
    // By cell: 0.4 / 3 for each, and 0.6 more for the action of the cell's number.
    let each = 0.4 / 3.0;
    let truth = f64::midpoint(
        each * (0.9 + 0.1 + 0.4) + 0.6 * 0.9,
        each * (0.2 + 0.7 + 0.6) + 0.6 * 0.7,
    );
    let wrong = Oracle(|cell, place| if cell == 0 && place == 2 { 3.0 } else { -0.5 });
    let (mut all, mut ipw, mut dr, mut dm) = (0.0, 0.0, 0.0, 0.0);
    for (probability, rows) in histories() {
        let (_, found) = measured(&log(&rows), &wrong, &tilted);
        all += probability;
        ipw += probability * found.ipw.value;
        dr += probability * found.dr.value;
        dm += probability * found.dm.value;
    }
    assert!((all - 1.0).abs() < 1e-14);
    assert!((ipw - truth).abs() < 1e-14, "{ipw} {truth}");
    assert!((dr - truth).abs() < 1e-14, "{dr} {truth}");
    assert!((dm - truth).abs() > 0.1, "DM is as wrong as q");
}

#[test]
fn identical_policies_have_weights_of_one_and_every_row_counts() {
    let rows = drawn(60, 3, [[0.5; 3]; 2]);
    let (weights, found) = measured(&log(&rows), &Constant(0.0), &AsLogged);
    assert_eq!(weights.effective.to_bits(), 60_f64.to_bits());
    assert!((weights.expected_effective.unwrap() - 60.0).abs() < 1e-9);
    assert_eq!(weights.largest.to_bits(), 1_f64.to_bits());
    assert_eq!(weights.mean.to_bits(), 1_f64.to_bits());
    assert_eq!(found.ipw.value.to_bits(), found.logged.value.to_bits());
    assert_eq!(found.snipw.value.to_bits(), found.logged.value.to_bits());
}

#[test]
fn what_could_not_happen_is_counted_with_its_probability() {
    let mut rows = drawn(4, 1, [[0.5; 3]; 2]);
    rows[1].propensities = vec![0.5, 0.0, 0.5];
    rows[1].chosen = 0;
    let (weights, _) = measured(&log(&rows), &Constant(0.0), &Uniform);
    assert_eq!(weights.unsupported_rows, 1);
    assert!((weights.unsupported_share - 1.0 / 12.0).abs() < 1e-15);
}

#[test]
fn a_policy_that_is_no_distribution_is_refused() {
    let log = log(&drawn(4, 1, [[0.5; 3]; 2]));
    let evaluation = Evaluation::new(&log, &Constant(0.0));
    let bad: [fn(&Decided<'_>, &mut [f64]); 3] = [
        |_, into| into.fill(0.5),
        |_, into| into.fill(f64::NAN),
        |_, into| into.copy_from_slice(&[1.5, -0.5, 0.0]),
    ];
    for policy in bad {
        let found = evaluation.measure(&policy, Resampling::default());
        assert_eq!(found.unwrap_err().slot, 0);
    }
}

#[test]
fn greedy_takes_the_highest_score_and_the_lowest_key_among_equals() {
    let log = log(&drawn(2, 1, [[0.5; 3]; 2]));
    let row = log.rows().next().unwrap();
    let mut into = [0.0; 3];
    Greedy(|_: &Decided<'_>, place: usize| [1.0, 3.0, 3.0][place]).probabilities(&row, &mut into);
    assert_eq!(into.map(f64::to_bits), [0.0, 1.0, 0.0].map(f64::to_bits));
    let mixed = Mixed {
        policy: Greedy(|_: &Decided<'_>, _: usize| 0.0),
        epsilon: 0.3,
    };
    into.fill(0.0);
    mixed.probabilities(&row, &mut into);
    assert!((into[0] - 0.8).abs() < 1e-15 && (into[1] - 0.1).abs() < 1e-15);
}

#[test]
fn with_fewer_than_two_profiles_or_no_weight_there_is_nothing_to_say() {
    let mut rows = drawn(9, 1, [[0.5; 3]; 2]);
    for row in &mut rows {
        row.chosen = 0;
    }
    let never = |_: &Decided<'_>, into: &mut [f64]| into[2] = 1.0;
    let log_of_all = log(&rows);
    let of = |log: &Log, policy: &dyn Policy| {
        let evaluation = Evaluation::new(log, &Constant(0.0));
        evaluation.measure(policy, Resampling::default()).unwrap().1
    };
    assert_eq!(of(&log_of_all, &never), None);
    assert_eq!(of(&log(&rows[..3]), &AsLogged), None);
    assert_eq!(of(&log(&[]), &AsLogged), None);
}

#[test]
fn rows_of_one_customer_that_are_alike_make_no_estimate_surer() {
    let once: Vec<Seen> = drawn(600, 2, [[0.5, 0.2, 0.7], [0.1, 0.4, 0.6]])
        .into_iter()
        .enumerate()
        .map(|(at, row)| Seen {
            profile: u128::try_from(at).unwrap(),
            ..row
        })
        .collect();
    let thrice: Vec<Seen> = once.iter().cloned().cycle().take(1_800).collect();
    let (single, one_of) = measured(&log(&once), &Constant(0.3), &tilted);
    let (triple, three_of) = measured(&log(&thrice), &Constant(0.3), &tilted);
    assert!((triple.effective / single.effective - 3.0).abs() < 1e-9);
    for (one, three) in [
        (one_of.ipw, three_of.ipw),
        (one_of.snipw, three_of.snipw),
        (one_of.dr, three_of.dr),
    ] {
        assert!((one.value - three.value).abs() < 1e-12);
        assert!((one.standard_error / three.standard_error - 1.0).abs() < 1e-9);
    }
}

#[test]
fn the_leverage_of_a_row_is_how_much_the_sum_of_predictions_moves_with_its_reward() {
    let rows = drawn(600, 11, [[0.5, 0.2, 0.7], [0.1, 0.4, 0.6]]);
    for by_cell in [true, false] {
        let model = ShrunkMeans { k: 2.0, by_cell };
        let before = log(&rows);
        let shares = Evaluation::new(&before, &model).shares(&tilted).unwrap();
        let (_, found) = measured(&before, &model, &tilted);
        for at in (0..600).step_by(37) {
            let mut moved = rows.clone();
            moved[at].reward += 1.0;
            let (_, after) = measured(&log(&moved), &model, &tilted);
            let apart = 600.0 * (after.dm.value - found.dm.value);
            // What a reward moves by way of the mean of all is left out: k rows of those of its action.
            let leverage = shares.rows[at].leverage;
            assert!(
                (apart / leverage - 1.0).abs() < 0.05,
                "{at}: {apart} {leverage}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn snipw_moves_with_a_shift_of_rewards_and_ipw_does_not(rows in rows(), shift in -5..5_i32) {
        let shift = f64::from(shift);
        let mut shifted = rows.clone();
        for row in &mut shifted {
            row.reward += shift;
        }
        let (weights, before) = measured(&log(&rows), &Constant(0.0), &tilted);
        let (_, after) = measured(&log(&shifted), &Constant(0.0), &tilted);
        prop_assert!((after.snipw.value - before.snipw.value - shift).abs() < 1e-9);
        prop_assert!((after.snipw.standard_error - before.snipw.standard_error).abs() < 1e-6);
        prop_assert!((after.ipw.value - before.ipw.value - shift * weights.mean).abs() < 1e-9);
    }

    #[test]
    fn dr_is_ipw_without_a_model_and_dm_with_a_perfect_one(rows in rows()) {
        let (_, found) = measured(&log(&rows), &Constant(0.0), &tilted);
        prop_assert_eq!(found.dr.value.to_bits(), found.ipw.value.to_bits());
        prop_assert_eq!(found.dr.interval, found.ipw.interval);
        let truth = |cell: u64, place: usize| [1.5, -0.25, 2.0][place] * [1.0, 0.5, 3.0][usize::try_from(cell).unwrap()];
        let mut known = rows;
        for row in &mut known {
            row.reward = truth(row.cell, row.chosen);
        }
        let (_, found) = measured(&log(&known), &Oracle(truth), &tilted);
        prop_assert!((found.dr.value - found.dm.value).abs() < 1e-12);
    }

    #[test]
    fn rows_in_any_order_give_the_same_figures_bit_for_bit(
        (rows, order) in rows().prop_flat_map(|rows| {
            let order: Vec<usize> = (0..rows.len()).collect();
            (Just(rows), Just(order).prop_shuffle())
        }),
    ) {
        let mut book = Logbook::default();
        for at in order {
            add(&mut book, at, &rows[at]);
        }
        let model = ShrunkMeans::default();
        let (one, two) = (measured(&log(&rows), &model, &tilted), measured(&book.close(), &model, &tilted));
        // The shortest text of a real that reads back as itself tells any two apart.
        prop_assert_eq!(format!("{one:?}"), format!("{two:?}"));
    }
}
