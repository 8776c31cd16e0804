use proptest::prelude::*;

use super::*;
use crate::next_best_action::evaluation::random::SplitMix;

/// Outcomes of 100 a day that come true at `rate` and were predicted at `predicted`, from a day on.
fn outcomes(n: u32, predicted: f64, rate: f64, from: i32, seed: u64) -> Vec<Outcome> {
    let mut random = SplitMix::new(seed);
    let mut unit = || f64::from(u32::try_from(random.next() >> 32).unwrap()) / 4_294_967_296.0;
    (0..n)
        .map(|at| Outcome {
            day: Day(from + i32::try_from(at / 100).unwrap()),
            decision: u128::from(at),
            predicted,
            observed: unit() < rate,
        })
        .collect()
}

fn folded(outcomes: &mut [Outcome]) -> (Drift, Vec<Alarm>) {
    let mut drift = Drift::default();
    let alarms = drift.fold(outcomes).unwrap();
    (drift, alarms)
}

#[test]
fn predictions_that_come_true_ring_no_alarm() {
    for (seed, rate) in [(1, 0.01), (2, 0.04), (3, 0.2), (4, 0.5)] {
        let (drift, alarms) = folded(&mut outcomes(100_000, rate, rate, 0, seed));
        assert_eq!(alarms, [], "{rate}");
        assert_eq!(drift.widening(Day(0)).to_bits(), 1_f64.to_bits());
    }
}

#[test]
fn a_world_that_moved_rings_after_about_as_long_as_documented() {
    for (predicted, rate, about, direction) in [
        (0.04, 0.03, 5_400, Direction::Down),
        (0.04, 0.05, 5_400, Direction::Up),
        (0.2, 0.1, 620, Direction::Down),
    ] {
        let runs = 40;
        let mut after = 0;
        for seed in 0..runs {
            let (_, alarms) = folded(&mut outcomes(40_000, predicted, rate, 0, seed));
            assert_eq!(alarms[0].direction, direction);
            after += alarms[0].after;
        }
        let mean = after / runs;
        assert!(
            mean > about * 4 / 5 && mean < about * 6 / 5,
            "{predicted} {rate}: {mean}"
        );
    }
}

#[test]
fn an_alarm_widens_at_once_keeps_what_it_was_about_and_fades() {
    let mut moved = outcomes(2_000, 0.2, 0.1, 0, 7);
    let (mut drift, alarms) = folded(&mut moved);
    let first = alarms[0];
    assert!((first.widening - 2.0).abs() < 1e-12);
    assert!(first.reached > THRESHOLD && first.day.0 < 20);
    // The same again, without a pause: wider, but never beyond the widest.
    for again in 1..8 {
        let mut more = outcomes(2_000, 0.2, 0.1, 20 * again, 7);
        drift.fold(&mut more).unwrap();
    }
    let last = *drift.alarms().last().unwrap();
    assert!(last.widening > 4.0 && last.widening <= WIDEST, "{last:?}");
    assert_eq!(drift.alarms()[0], first);
    assert_eq!(drift.rung(), u64::try_from(drift.alarms().len()).unwrap());
    let half = drift.widening(Day(last.day.0 + 14));
    assert!((half - 1.0 - (last.widening - 1.0) / 2.0).abs() < 1e-12);
    assert!(drift.widening(Day(last.day.0 + 365)) < 1.000_001);
    assert!((drift.widening(Day(last.day.0 - 5)) - last.widening).abs() < 1e-12);
}

#[test]
fn alarms_that_are_kept_are_bounded_and_those_rung_are_counted() {
    let (drift, alarms) = folded(&mut outcomes(60_000, 0.9, 0.1, 0, 3));
    assert!(alarms.len() > ALARMS);
    assert_eq!(drift.alarms(), &alarms[alarms.len() - ALARMS..]);
    assert_eq!(drift.rung(), u64::try_from(alarms.len()).unwrap());
}

#[test]
fn what_was_folded_already_is_refused_and_changes_nothing() {
    let mut all = outcomes(300, 0.2, 0.2, 0, 1);
    let (mut drift, _) = folded(&mut all);
    let before = drift.clone();
    for mut late in [all[299..].to_vec(), all[..1].to_vec()] {
        assert_eq!(drift.fold(&mut late), Err(OutOfOrder { folded: Day(2) }));
    }
    assert_eq!(drift, before);
    assert!(drift.fold(&mut []).unwrap().is_empty());
}

#[test]
fn a_prediction_that_is_no_probability_does_no_harm() {
    for odd in [f64::NAN, f64::INFINITY, -3.0, 2.0] {
        assert!(residual(odd, true).abs() <= 1.0 / VARIANCE.sqrt() + 1e-12);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_day_is_folded_alike_in_any_order_and_days_at_once_or_one_by_one(
        seed: u64,
        order in Just((0..3_000_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let sorted = outcomes(3_000, 0.3, 0.1, 0, seed);
        let mut shuffled: Vec<Outcome> = order.iter().map(|at| sorted[*at]).collect();
        let (at_once, _) = folded(&mut shuffled);
        let mut by_day = Drift::default();
        for day in sorted.chunks(100) {
            by_day.fold(&mut day.to_vec()).unwrap();
        }
        prop_assert!(at_once.rung() > 0);
        prop_assert_eq!(format!("{at_once:?}"), format!("{by_day:?}"));
    }
}
