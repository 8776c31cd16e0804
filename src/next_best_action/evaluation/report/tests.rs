use super::*;
use crate::next_best_action::evaluation::{
    log::Decided,
    policy::{AsLogged, Uniform},
    reward::ShrunkMeans,
    scene::{Seen, drawn, log},
};

fn of(rows: &[Seen], policy: &dyn Policy) -> Report {
    let log = log(rows);
    let evaluation = Evaluation::new(&log, &ShrunkMeans::default());
    report(&evaluation, policy, Resampling::default()).unwrap()
}

fn slugs(report: &Report) -> Vec<&'static str> {
    let refusals = report.estimates.as_ref().unwrap_err();
    refusals.iter().map(|refusal| refusal.slug()).collect()
}

const RATES: [[f64; 3]; 2] = [[0.3, 0.2, 0.5], [0.4, 0.6, 0.1]];

#[test]
fn a_policy_that_the_log_speaks_about_is_answered() {
    let report = of(&drawn(900, 1, RATES), &Uniform);
    let found = report.estimates.unwrap();
    for estimate in [found.ipw, found.snipw, found.dm, found.dr] {
        assert!(
            estimate.interval.0 < 0.35 && 0.35 < estimate.interval.1,
            "{estimate:?}"
        );
    }
    assert_eq!((report.rows, report.profiles), (900, 300));
}

#[test]
fn every_reason_is_named_at_once() {
    let mut rows = drawn(90, 1, [[0.1; 3]; 2]);
    rows[0].propensities = vec![0.5, 0.5, 0.0];
    rows[0].chosen = 0;
    let report = of(&rows, &Uniform);
    assert_eq!(
        slugs(&report),
        [
            "too_few_effective_samples",
            "policy_without_support",
            "too_few_positives",
            "too_few_profiles"
        ]
    );
    let texts: Vec<String> = report
        .estimates
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(texts[0].starts_with("the log is worth 9"), "{texts:?}");
    assert_eq!(
        texts[1],
        "in 1 rows the policy would choose an action that was never chosen there, with a mean probability of 0.003704"
    );
}

#[test]
fn each_threshold_stands_alone() {
    let enough = Weights {
        effective: EFFECTIVE,
        expected_effective: Some(EFFECTIVE),
        positives: POSITIVES,
        ..Weights::default()
    };
    assert_eq!(refusals(&enough, PROFILES), []);
    let one = |weights, profiles| {
        refusals(&weights, profiles)
            .iter()
            .map(|of| of.slug())
            .collect::<Vec<_>>()
    };
    let few = "too_few_effective_samples";
    assert_eq!(
        one(
            Weights {
                effective: 199.9,
                ..enough
            },
            PROFILES
        ),
        [few]
    );
    // So large and rare that none was drawn: the log looks better than it is.
    let unseen = Weights {
        expected_effective: Some(199.9),
        effective: 1e4,
        ..enough
    };
    assert_eq!(one(unseen, PROFILES), [few]);
    assert_eq!(
        one(
            Weights {
                expected_effective: None,
                ..enough
            },
            PROFILES
        ),
        [""; 0]
    );
    assert_eq!(
        one(
            Weights {
                positives: 49,
                ..enough
            },
            PROFILES
        ),
        ["too_few_positives"]
    );
    let unsupported = Weights {
        unsupported_share: 1e-6,
        unsupported_rows: 1,
        ..enough
    };
    assert_eq!(one(unsupported, PROFILES), ["policy_without_support"]);
    assert_eq!(one(enough, PROFILES - 1), ["too_few_profiles"]);
}

#[test]
fn an_empty_log_is_refused_and_not_a_zero() {
    assert!(slugs(&of(&[], &AsLogged)).contains(&"too_few_effective_samples"));
    let never = |_: &Decided<'_>, into: &mut [f64]| into[0] = 1.0;
    assert!(of(&drawn(900, 1, RATES), &never).estimates.is_ok());
}
