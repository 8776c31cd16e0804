use proptest::prelude::*;

use super::*;
use crate::next_best_action::evaluation::random::SplitMix;

fn customer(group: Group, decisions: u32, reward: i64) -> Customer {
    Customer {
        group,
        merged: false,
        decisions,
        reward: reward * 1_000_000,
    }
}

/// So many customers of one decision, so many of them with a reward of 1.
fn group(tally: &mut Tally, group: Group, customers: u64, positives: u64) {
    for at in 0..customers {
        tally.add(&customer(group, 1, i64::from(at < positives)));
    }
}

#[test]
fn difference_ratio_and_what_can_be_found_agree_with_figures_computed_by_hand() {
    let mut tally = Tally::default();
    group(&mut tally, Group::Policy, 1_000, 100);
    group(&mut tally, Group::Holdout, 500, 40);
    let lift = tally
        .lift(Group::Policy, Group::Holdout, Basis::Customer)
        .unwrap();
    // Variances 0.1 * 0.9 / 999 and 0.08 * 0.92 / 499.
    let error = (0.09_f64 / 999.0 + 0.0736 / 499.0).sqrt();
    assert!((lift.difference - 0.02).abs() < 1e-12);
    assert!((lift.interval.0 - (0.02 - Z_95 * error)).abs() < 1e-12);
    assert!((lift.detectable - 2.801_585_218_112_968 * error).abs() < 1e-9);
    let (ratio, (low, high)) = lift.ratio.unwrap();
    let log_error = (0.09_f64 / 999.0 / 0.01 + 0.0736 / 499.0 / 0.0064).sqrt();
    assert!((ratio - 1.25).abs() < 1e-12);
    assert!((low - 1.25 * (-Z_95 * log_error).exp()).abs() < 1e-12);
    assert!((high * low - ratio * ratio).abs() < 1e-12);
    assert!(!lift.certain());
    assert_eq!((lift.customers, lift.positives), ((1_000, 500), (100, 40)));
}

#[test]
fn merged_profiles_and_those_without_a_decision_are_left_out() {
    let mut tally = Tally::default();
    group(&mut tally, Group::Policy, 300, 60);
    group(&mut tally, Group::Uniform, 300, 60);
    let before = tally
        .lift(Group::Policy, Group::Uniform, Basis::Customer)
        .unwrap();
    for of in [Group::Policy, Group::Uniform] {
        tally.add(&Customer {
            merged: true,
            ..customer(of, 3, 1_000)
        });
        tally.add(&customer(of, 0, 0));
    }
    let after = tally
        .lift(Group::Policy, Group::Uniform, Basis::Customer)
        .unwrap();
    assert_eq!(
        after,
        Lift {
            merged: 2,
            ..before
        }
    );
}

#[test]
fn too_few_are_refused_with_every_reason() {
    let mut tally = Tally::default();
    group(&mut tally, Group::Policy, 200, 25);
    group(&mut tally, Group::Holdout, 199, 24);
    let refusals = tally
        .lift(Group::Policy, Group::Holdout, Basis::Customer)
        .unwrap_err();
    let texts: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "the group Holdout has 199 customers and 200 are needed",
            "24 customers of the group Holdout have a reward and 25 are needed"
        ]
    );
    assert_eq!(refusals[0].slug(), "too_few_customers");
}

#[test]
fn a_customer_who_comes_often_is_one_customer() {
    // Ten alike decisions each: as unsure as one decision each.
    let mut often = Tally::default();
    let mut once = Tally::default();
    for at in 0..400_i64 {
        for of in [Group::Policy, Group::Holdout] {
            often.add(&customer(of, 10, 10 * i64::from(at % 5 == 0)));
            once.add(&customer(of, 1, i64::from(at % 5 == 0)));
        }
    }
    let of = |tally: &Tally| {
        tally
            .lift(Group::Policy, Group::Holdout, Basis::Decision)
            .unwrap()
    };
    assert!((of(&often).interval.1 - of(&once).interval.1).abs() < 1e-12);
}

#[test]
fn per_decision_the_error_is_that_of_rewards_less_what_the_decisions_explain() {
    let mut tally = Tally::default();
    let mut residuals = [0.0; 2];
    let groups = [(Group::Policy, 5_i32), (Group::Uniform, 7)];
    for (of, (group, modulus)) in residuals.iter_mut().zip(groups) {
        let rows: Vec<(i32, i32)> = (0..300)
            .map(|at| (1 + at % 4, (at * at) % modulus))
            .collect();
        let decisions: i32 = rows.iter().map(|row| row.0).sum();
        let rewards: i32 = rows.iter().map(|row| row.1).sum();
        let mean = f64::from(rewards) / f64::from(decisions);
        for (decisions, reward) in &rows {
            *of += (f64::from(*reward) - mean * f64::from(*decisions)).powi(2);
            tally.add(&customer(
                group,
                decisions.unsigned_abs(),
                i64::from(*reward),
            ));
        }
        *of *= 300.0 / 299.0 / f64::from(decisions).powi(2);
    }
    let lift = tally
        .lift(Group::Policy, Group::Uniform, Basis::Decision)
        .unwrap();
    let half = Z_95 * (residuals[0] + residuals[1]).sqrt();
    assert!((lift.interval.1 - lift.difference - half).abs() < 1e-9);
}

#[test]
fn intervals_of_difference_and_ratio_hold_the_truth_in_95_of_100_experiments() {
    let (mut differences, mut ratios) = (0, 0);
    for run in 0..1_000 {
        let mut random = SplitMix::new(run);
        let mut draw = |group, n: u32, share: u64| {
            let mut tally = Tally::default();
            for _ in 0..n {
                let decisions = 1 + u32::try_from(random.next() % 4).unwrap();
                let yes = (0..decisions)
                    .filter(|_| random.next() % 1_000 < share)
                    .count();
                tally.add(&customer(group, decisions, i64::try_from(yes).unwrap()));
            }
            tally
        };
        let mut tally = draw(Group::Policy, 1_500, 60);
        tally.unite(&draw(Group::Holdout, 400, 50));
        let lift = tally
            .lift(Group::Policy, Group::Holdout, Basis::Decision)
            .unwrap();
        differences += u32::from(lift.interval.0 <= 0.01 && 0.01 <= lift.interval.1);
        let (low, high) = lift.ratio.unwrap().1;
        ratios += u32::from(low <= 1.2 && 1.2 <= high);
    }
    assert!((930..=970).contains(&differences), "{differences}");
    assert!((930..=970).contains(&ratios), "{ratios}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_add_up_in_any_order(rewards in prop::collection::vec((0..3_u8, 0..5_u32, -9..9_i64, any::<bool>()), 0..60), cut in 0..60_usize) {
        let of = |&(group, decisions, reward, merged): &(u8, u32, i64, bool)| {
            let group = [Group::Policy, Group::Uniform, Group::Holdout][usize::from(group)];
            Customer { merged, ..customer(group, decisions, reward) }
        };
        let tally = |part: &[_]| {
            let mut tally = Tally::default();
            for row in part {
                tally.add(&of(row));
            }
            tally
        };
        let (one, two) = rewards.split_at(cut.min(rewards.len()));
        let mut united = tally(two);
        united.unite(&tally(one));
        prop_assert_eq!(united, tally(&rewards));
    }
}
