use proptest::prelude::*;

use super::*;

fn feeling(value: f64, effective_n: f64) -> Feeling {
    Feeling { value, effective_n }
}

fn score(facts: &Facts) -> f64 {
    risk(facts).score.unwrap()
}

#[test]
fn of_whom_nothing_is_known_there_is_no_score() {
    let nothing = risk(&Facts::default());
    assert_eq!((nothing.score, nothing.known), (None, 0));
    assert!(nothing.reasons.is_empty());
}

#[test]
fn good_facts_make_a_score_of_0_without_reasons() {
    let happy = Facts {
        p_alive: Some(1.0),
        level: Some(feeling(0.8, 20.0)),
        trend: Some(feeling(0.1, 20.0)),
        open_complaints: Some(0),
        consent_denied: Some(false),
        ..Facts::default()
    };
    let found = risk(&happy);
    assert_eq!((found.score, found.known), (Some(0.0), 5));
    assert!(found.reasons.is_empty());
}

#[test]
fn what_they_said_weighs_most_and_fades() {
    let said = |days| Facts {
        said_so_days_ago: Some(days),
        ..Facts::default()
    };
    assert!((score(&said(0.0)) - 0.8).abs() < 1e-12);
    assert!((score(&said(90.0)) - 0.4).abs() < 1e-12);
    assert!(score(&said(3_650.0)) < 1e-9);
}

#[test]
fn idle_gaps_stand_in_for_p_alive_and_never_count_beside_it() {
    let idle = Facts {
        idle_gaps: Some(3.0),
        ..Facts::default()
    };
    assert!((score(&idle) - 0.3).abs() < 1e-12);
    let both = Facts {
        p_alive: Some(0.9),
        ..idle
    };
    assert!((score(&both) - 0.07).abs() < 1e-12);
    assert_eq!(risk(&both).known, 1);
}

#[test]
fn one_bad_feeling_counts_less_than_many() {
    let level = |n| Facts {
        level: Some(feeling(-0.8, n)),
        ..Facts::default()
    };
    assert!(score(&level(1.0)) < score(&level(10.0)));
    assert!(score(&level(0.0)).abs() < 1e-15);
    assert!(score(&level(f64::INFINITY)) <= 0.4 * 0.8 + 1e-12);
}

#[test]
fn reasons_are_joined_as_independent_signs_heaviest_first() {
    let facts = Facts {
        said_so_days_ago: Some(0.0),
        open_complaints: Some(1),
        failed_payments: Some(1),
        consent_denied: Some(true),
        ..Facts::default()
    };
    let found = risk(&facts);
    let kinds: Vec<Kind> = found.reasons.iter().map(|reason| reason.kind).collect();
    assert_eq!(
        kinds,
        [
            Kind::SaidSo,
            Kind::OpenComplaints,
            Kind::FailedPayments,
            Kind::ConsentDenied
        ]
    );
    let left = 0.2 * 0.85 * 0.85 * 0.85;
    assert!((found.score.unwrap() - (1.0 - left)).abs() < 1e-12);
}

#[test]
fn facts_that_are_not_numbers_are_not_known() {
    let broken = Facts {
        p_alive: Some(f64::NAN),
        level: Some(feeling(f64::NAN, 3.0)),
        ..Facts::default()
    };
    assert_eq!(risk(&broken).score, None);
}

fn facts() -> impl Strategy<Value = Facts> {
    let maybe = |range: std::ops::Range<f64>| proptest::option::of(range);
    let feelings = || proptest::option::of((-1.5..1.5_f64, 0.0..50.0_f64));
    let number = || proptest::option::of(0_u32..2_000);
    (
        (maybe(0.0..1_000.0), maybe(-0.1..1.1), maybe(0.0..20.0)),
        (feelings(), feelings()),
        (
            number(),
            number(),
            number(),
            proptest::option::of(any::<bool>()),
        ),
    )
        .prop_map(
            |((said, p, idle), (level, trend), (open, unsolved, failed, denied))| Facts {
                said_so_days_ago: said,
                p_alive: p,
                idle_gaps: idle,
                level: level.map(|(value, n)| feeling(value, n)),
                trend: trend.map(|(value, n)| feeling(value, n)),
                open_complaints: open,
                unsolved_complaints: unsolved,
                failed_payments: failed,
                consent_denied: denied,
            },
        )
}

proptest! {
    #[test]
    fn the_score_is_between_0_and_1_and_the_sum_of_its_reasons(facts in facts()) {
        let found = risk(&facts);
        let sum: f64 = found.reasons.iter().map(|reason| reason.contribution).sum();
        prop_assert!((0.0..=1.0).contains(&found.score.unwrap_or(0.0)));
        prop_assert!((sum - found.score.unwrap_or(0.0)).abs() < 1e-12);
        prop_assert!(found.reasons.iter().all(|reason| reason.contribution > 0.0 && reason.strength <= 1.0));
    }

    #[test]
    fn a_worse_fact_never_lowers_the_score(facts in facts(), more in 0.0..2.0_f64) {
        let before = risk(&facts).score.unwrap_or(0.0) - 1e-12;
        let worse = [
            Facts { p_alive: facts.p_alive.map(|p| p - more), ..facts },
            Facts { idle_gaps: facts.idle_gaps.map(|gaps| gaps + more), ..facts },
            Facts { said_so_days_ago: facts.said_so_days_ago.map(|days| days / (1.0 + more)), ..facts },
            Facts { level: facts.level.map(|level| feeling(level.value - more, level.effective_n)), ..facts },
            Facts { trend: facts.trend.map(|trend| feeling(trend.value - more, trend.effective_n)), ..facts },
            Facts { open_complaints: facts.open_complaints.map(|number| number + 1), ..facts },
            Facts { unsolved_complaints: facts.unsolved_complaints.map(|number| number + 1), ..facts },
            Facts { failed_payments: facts.failed_payments.map(|number| number + 1), ..facts },
            Facts { consent_denied: facts.consent_denied.map(|_| true), ..facts },
        ];
        for facts in worse {
            prop_assert!(risk(&facts).score.unwrap_or(0.0) >= before, "{:?}", facts);
        }
    }

    #[test]
    fn a_fact_more_never_lowers_the_score_of_the_others(facts in facts()) {
        let without = Facts { level: None, said_so_days_ago: None, failed_payments: None, ..facts };
        prop_assert!(risk(&facts).score.unwrap_or(0.0) >= risk(&without).score.unwrap_or(0.0) - 1e-12);
    }
}
