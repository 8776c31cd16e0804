use super::*;
use crate::next_best_action::evaluation::{
    log::Decided,
    reward::ShrunkMeans,
    scene::{drawn, log},
};

const RATES: [[f64; 3]; 2] = [[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]];

/// Always the first action.
fn counts(_: &Decided<'_>, into: &mut [f64]) {
    into[0] = 1.0;
}

/// The action that is best in its cell.
fn contextual(row: &Decided<'_>, into: &mut [f64]) {
    into[if row.cell() == 0 { 0 } else { 2 }] = 1.0;
}

fn decided(one: &dyn Policy, two: &dyn Policy, rows: usize, outcomes: f64) -> Verdict {
    let log = log(&drawn(rows, 5, RATES));
    let evaluation = Evaluation::new(&log, &ShrunkMeans::default());
    decide(&evaluation, one, two, outcomes, Resampling::default()).unwrap()
}

fn slugs(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|reason| reason.slug()).collect()
}

#[test]
fn a_contextual_model_that_wins_speaks_and_its_gain_is_found() {
    let verdict = decided(&counts, &contextual, 3_000, 500.0);
    assert!(verdict.contextual, "{verdict:?}");
    let gain = verdict.difference.unwrap();
    assert!(gain.interval.0 < 0.15 && 0.15 < gain.interval.1);
    assert!(verdict.differing > 1_400 && verdict.differing < 1_600);
}

#[test]
fn one_that_loses_or_does_the_same_or_has_learned_too_little_does_not_speak() {
    assert_eq!(
        slugs(&decided(&contextual, &counts, 3_000, 500.0)),
        ["contextual_worse"]
    );
    assert_eq!(
        slugs(&decided(&counts, &counts, 3_000, 500.0)),
        ["policies_alike"]
    );
    assert_eq!(
        slugs(&decided(&counts, &contextual, 3_000, 199.0)),
        ["too_few_outcomes"]
    );
    assert_eq!(
        slugs(&decided(&counts, &contextual, 3_000, f64::NAN)),
        ["too_few_outcomes"]
    );
}

#[test]
fn what_may_be_chance_does_not_speak() {
    let other = |row: &Decided<'_>, into: &mut [f64]| {
        into[usize::from(row.decision().is_multiple_of(2))] = 1.0;
    };
    let another = |row: &Decided<'_>, into: &mut [f64]| {
        into[usize::from(!row.decision().is_multiple_of(2))] = 1.0;
    };
    assert_eq!(
        slugs(&decided(&other, &another, 3_000, 500.0)),
        ["gain_not_certain"]
    );
}

#[test]
fn a_log_that_says_too_little_is_named_for_both_policies() {
    let verdict = decided(&counts, &contextual, 300, 500.0);
    let few = "too_few_effective_samples";
    let found = slugs(&verdict);
    assert!(!verdict.contextual);
    assert_eq!(
        found.iter().filter(|slug| **slug == few).count(),
        2,
        "{found:?}"
    );
}

#[test]
fn the_interval_is_paired_and_narrower_than_that_of_either_policy() {
    // They differ in one row of eight: what is common to both must not widen the interval.
    let almost = |row: &Decided<'_>, into: &mut [f64]| {
        into[if row.cell() == 1 && row.decision().is_multiple_of(4) {
            2
        } else {
            0
        }] = 1.0;
    };
    let log = log(&drawn(3_000, 5, RATES));
    let evaluation = Evaluation::new(&log, &ShrunkMeans::default());
    let verdict = decide(&evaluation, &counts, &almost, 500.0, Resampling::default()).unwrap();
    let (_, whole) = evaluation.measure(&counts, Resampling::default()).unwrap();
    let error = verdict.difference.unwrap().standard_error;
    assert!(error < 0.7 * whole.unwrap().dr.standard_error, "{error}");
}
