use proptest::prelude::*;

use super::*;
use crate::next_best_action::{
    keys::{ActionKey, ChannelIndex},
    learning::cohorts::Observation,
};

fn arm(id: u64) -> Arm {
    Arm {
        action: ActionKey { id, version: 1 },
        channel: ChannelIndex(0),
    }
}

fn setting(group: u64) -> Setting {
    Setting {
        group,
        window_days: 7,
        prior_mean: None,
        prior_weight: None,
    }
}

fn settings(groups: &[u64]) -> BTreeMap<Arm, Setting> {
    let arms = (0..).zip(groups);
    arms.map(|(id, group)| (arm(id), setting(*group))).collect()
}

fn fill(table: &mut Table, id: u64, day: i32, delivered: u32, delays: &[i32]) {
    for n in 0..delivered {
        let delay = delays.get(usize::try_from(n).unwrap());
        table.add(&Observation {
            arm: arm(id),
            delivered: Day(day),
            converted: delay.map(|delay| Day(day + delay)),
        });
    }
}

fn close(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} for {wanted}");
}

#[test]
fn the_posterior_is_the_formula() {
    let mut table = Table::default();
    fill(&mut table, 0, 100, 100, &[0, 0, 3]);
    fill(&mut table, 0, 130, 40, &[0, 1, 5]);
    let known = Delay::known(&[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]).unwrap();
    let mut of = settings(&[1]);
    of.get_mut(&arm(0)).unwrap().prior_mean = Some(0.04);
    let level = Level1::of(&table, Day(131), &of, Correction::Known(&known));
    let found = level.get(arm(0)).unwrap();
    let gamma = |age: i32| 2.0_f64.powf(-f64::from(age) / 30.0);
    // The second cohort is a day old: two of its three yeses are known, and 0.6 of its deliveries count.
    let s = 3.0 * gamma(31) + 2.0 * gamma(1);
    let n = 100.0 * gamma(31) + 40.0 * gamma(1) * 0.6;
    close(found.positives, s);
    close(found.effective_n, n);
    close(found.alpha(), s + 50.0 * 0.04);
    close(found.beta(), n - s + 50.0 * 0.96);
    close(found.mean(), (s + 2.0) / (n + 50.0));
    let (low, high) = found.interval().unwrap();
    assert!(low < found.mean() && found.mean() < high);
    let posterior = found.posterior().unwrap();
    assert!(
        (posterior.cdf(low) - 0.025).abs() < 1e-9 && (posterior.cdf(high) - 0.975).abs() < 1e-9
    );
}

#[test]
fn without_correction_every_delivery_counts_at_once() {
    let mut table = Table::default();
    fill(&mut table, 0, 100, 100, &[0, 6]);
    let of = settings(&[1]);
    let level = Level1::of(&table, Day(100), &of, Correction::Nothing);
    close(level.get(arm(0)).unwrap().effective_n, 100.0);
    close(level.get(arm(0)).unwrap().positives, 1.0);
}

#[test]
fn a_cold_start_has_the_mean_of_the_groups_others() {
    let mut table = Table::default();
    fill(&mut table, 0, 0, 1_000, &[0; 100]);
    fill(&mut table, 1, 0, 1_000, &[0; 300]);
    fill(&mut table, 2, 0, 1_000, &[0; 900]);
    // 0 and 1 are of group 1, as is the new 3; 2 and the new 4 of group 2; 5 is alone.
    let level = Level1::of(
        &table,
        Day(9),
        &settings(&[1, 1, 2, 1, 2, 3]),
        Correction::Learned,
    );
    let prior = |id| level.get(arm(id)).unwrap().prior_mean;
    assert!((prior(3) - 0.2).abs() < 0.09, "{}", prior(3));
    assert!(prior(4) > 0.6, "{}", prior(4));
    assert!((prior(5) - 0.43).abs() < 0.12, "{}", prior(5));
    // An arm's own outcomes are not in its prior.
    assert!(prior(0) > 0.3, "{}", prior(0));
    let nothing = Level1::of(
        &Table::default(),
        Day(9),
        &settings(&[1]),
        Correction::Learned,
    );
    let cold = nothing.get(arm(0)).unwrap();
    close(cold.mean(), PRIOR_MEAN);
    close(cold.alpha() + cold.beta(), PRIOR_WEIGHT);
}

#[test]
fn a_prior_of_the_action_goes_before_its_groups() {
    let mut of = settings(&[1, 1]);
    let mine = of.get_mut(&arm(0)).unwrap();
    (mine.prior_mean, mine.prior_weight) = (Some(0.3), Some(10.0));
    let level = Level1::of(&Table::default(), Day(0), &of, Correction::Learned);
    close(level.get(arm(0)).unwrap().alpha(), 3.0);
    close(level.get(arm(0)).unwrap().beta(), 7.0);
}

#[test]
fn nothing_of_a_later_day_and_nothing_forgotten_is_read() {
    let mut table = Table::default();
    fill(&mut table, 0, 700, 50, &[0, 1, 2]);
    let of = settings(&[1]);
    let before = Level1::of(&table, Day(700), &of, Correction::Learned);
    fill(&mut table, 0, 701, 50, &[0]);
    fill(&mut table, 0, 102, 50, &[0]);
    let after = Level1::of(&table, Day(700), &of, Correction::Learned);
    let positives = |level: &Level1| level.get(arm(0)).unwrap().positives;
    close(positives(&after), positives(&before));
    assert_eq!(before.as_of(), after.as_of());
    table.prune(Day(700));
    let pruned = Level1::of(&table, Day(700), &of, Correction::Nothing);
    close(pruned.get(arm(0)).unwrap().effective_n, 50.0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_posterior_is_always_one(
        fills in prop::collection::vec((0..4_u64, 0..700_i32, 0..60_u32, prop::collection::vec(0..20_i32, 0..60)), 0..8),
        today in 0..800_i32, prior in prop::option::of(-1.0_f64..2.0), removed in any::<bool>(),
    ) {
        let mut table = Table::default();
        for (id, day, delivered, delays) in &fills {
            fill(&mut table, *id, *day, *delivered, delays);
        }
        if removed {
            table.remove(&Observation { arm: arm(0), delivered: Day(5), converted: Some(Day(5)) });
        }
        let mut of = settings(&[1, 1, 2, 2]);
        of.get_mut(&arm(1)).unwrap().prior_mean = prior;
        let level = Level1::of(&table, Day(today), &of, Correction::Learned);
        for (_, estimate) in level.arms() {
            prop_assert!(estimate.alpha() > 0.0 && estimate.beta() > 0.0);
            prop_assert!(estimate.mean() > 0.0 && estimate.mean() < 1.0);
            prop_assert!(estimate.posterior().is_some());
        }
        let mut pruned = table.clone();
        pruned.prune(Day(today));
        let again = Table::decode(&pruned.encode(Day(today))).unwrap();
        prop_assert_eq!(Level1::of(&again, Day(today), &of, Correction::Nothing),
            Level1::of(&table, Day(today), &of, Correction::Nothing));
    }
}

#[test]
fn in_doubt_the_mean_stays_and_the_variance_grows() {
    let mut table = Table::default();
    fill(&mut table, 0, 100, 300, &[0; 60]);
    fill(&mut table, 1, 100, 300, &[0; 30]);
    let level = Level1::of(&table, Day(120), &settings(&[1, 1]), Correction::Nothing);
    let doubted = level.widened(|of| if of == arm(0) { 4.0 } else { 1.0 });
    assert_eq!(doubted.get(arm(1)), None, "of which nothing is said");
    let (plain, wider) = (level.get(arm(0)).unwrap(), doubted.get(arm(0)).unwrap());
    close(plain.mean(), wider.mean());
    let variance = |of: &Estimate| of.mean() * (1.0 - of.mean()) / (of.alpha() + of.beta() + 1.0);
    let ratio = variance(wider) / variance(plain);
    assert!((3.9..4.0).contains(&ratio), "{ratio}");
}
