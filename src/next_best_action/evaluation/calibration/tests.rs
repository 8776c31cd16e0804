use proptest::prelude::*;

use super::*;

/// So many rows of one prediction, so many of which came true.
fn rows(predicted: f64, rows: u32, observed: u32) -> Tally {
    let mut tally = Tally::default();
    for at in 0..rows {
        tally.add(predicted, at < observed);
    }
    tally
}

fn flag(predicted: f64, n: u32, observed: u32) -> Option<Flag> {
    rows(predicted, n, observed).calibration().unwrap().flag
}

#[test]
fn an_action_is_flagged_outside_the_bounds_from_500_rows_on() {
    assert_eq!(flag(0.25, 500, 99), Some(Flag::Overrated));
    assert_eq!(flag(0.25, 500, 100), None);
    assert_eq!(flag(0.25, 500, 156), None);
    assert_eq!(flag(0.25, 500, 157), Some(Flag::Underrated));
    assert_eq!(flag(0.25, 499, 10), None);
}

#[test]
fn scores_agree_with_figures_computed_by_hand() {
    let found = rows(0.25, 8, 4).calibration().unwrap();
    assert!((found.over.unwrap() - 2.0).abs() < 1e-12);
    assert!((found.expected - 2.0).abs() < 1e-12);
    // Half at (0.75)^2 and half at (0.25)^2.
    assert!((found.brier - 0.3125).abs() < 1e-9);
    assert!((found.brier_of_the_mean - 0.25).abs() < 1e-12);
    let (low, high) = found.interval.unwrap();
    let wilson = wilson(0.5, 8.0, Z_95).unwrap();
    assert!((low - 4.0 * wilson.0).abs() < 1e-12 && (high - 4.0 * wilson.1).abs() < 1e-12);
}

#[test]
fn nothing_is_no_figure_and_a_prediction_of_nothing_has_no_ratio() {
    assert_eq!(Tally::default().calibration(), None);
    assert!(Tally::default().reliability().is_empty());
    let found = rows(0.0, 600, 3).calibration().unwrap();
    assert_eq!((found.over, found.interval, found.flag), (None, None, None));
    assert_eq!(
        rows(f64::NAN, 1, 0)
            .calibration()
            .unwrap()
            .expected
            .to_bits(),
        0
    );
}

#[test]
fn a_prediction_falls_in_the_bin_that_it_ends() {
    let mut tally = rows(0.02, 10, 1);
    tally.unite(&rows(0.021, 10, 0));
    tally.unite(&rows(1.0, 1, 1));
    let bins = tally.reliability();
    let ends: Vec<(f64, f64, u64)> = bins
        .iter()
        .map(|bin| (bin.from, bin.to, bin.rows))
        .collect();
    assert_eq!(ends, [(0.01, 0.02, 10), (0.02, 0.05, 10), (0.9, 1.0, 1)]);
    assert!((bins[0].observed - 0.1).abs() < 1e-12);
    assert!((bins[1].predicted - 0.021).abs() < 1e-8);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parts_add_up_in_any_order_and_bins_to_the_whole(
        rows in prop::collection::vec((0.0..=1.0_f64, any::<bool>()), 1..80),
        cut in 0..80_usize,
    ) {
        let tally = |part: &[(f64, bool)]| {
            let mut tally = Tally::default();
            for (predicted, observed) in part {
                tally.add(*predicted, *observed);
            }
            tally
        };
        let (one, two) = rows.split_at(cut.min(rows.len()));
        let mut united = tally(two);
        united.unite(&tally(one));
        prop_assert_eq!(united, tally(&rows));
        let found = united.calibration().unwrap();
        let squares: f64 = rows.iter().map(|(p, r)| (p - f64::from(u8::from(*r))).powi(2)).sum();
        prop_assert!((found.brier * f64::from(u32::try_from(rows.len()).unwrap()) - squares).abs() < 1e-6);
        let sum: f64 = rows.iter().map(|(p, _)| p).sum();
        prop_assert!((found.expected - sum).abs() < 1e-6);
        prop_assert_eq!(united.reliability().iter().map(|bin| bin.rows).sum::<u64>(), found.rows);
    }
}
