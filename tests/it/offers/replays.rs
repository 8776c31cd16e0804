//! Many decisions, made again after everything around them has changed.

use customer_profile::proto::v1::{
    ActionDecision, ActionOutcome, CandidateFate, GateVerdict, MergeProfilesRequest,
    identity_service_client::IdentityServiceClient,
};
use futures_util::{StreamExt as _, stream};

use super::{
    CATALOGUE, HERO, LETTER, SIDE, asking, assert_replays, decide, explained, happened, import,
    learn, shop, tell,
};
use crate::harness::{Database, in_full, make, random::Random, say};

/// Calls at the same time.
const AT_ONCE: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_decision_is_explained_and_replays_after_newer_catalogues_models_and_merges() {
    let decisions = if in_full() { 10_000 } else { 300 };
    let people = decisions / 10;
    let service = shop(Database::new().await).await;
    let mut random = Random::new(6);
    let mut known = Vec::new();
    for person in 0..people {
        let who = format!("email=p{person}@example.com");
        known.push(match random.below(4) {
            0 => make::ticket(
                &format!("t{person}"),
                0,
                &who,
                "opened",
                &format!("T{person}"),
            ),
            1 => make::order(&format!("o{person}"), 0, &who, &format!("O{person}"), 900),
            _ => make::seen(&format!("s{person}"), 0, &[&who]),
        });
    }
    service.record_all(known).await;
    let mut asked = Vec::new();
    for n in 0..decisions {
        // One in ten is about somebody who is not known.
        let person = random.below(people + people / 9);
        let who = format!("email=p{person}@example.com");
        let places = *random.pick(&[&[HERO][..], &[HERO, SIDE], &[LETTER, SIDE, HERO]]);
        asked.push(asking(Some(&who), &format!("d{n}"), places));
    }
    let half = asked.split_off(decisions / 2);
    for (asked, next) in [(asked, Some("second")), (half, None)] {
        let calls = asked.into_iter().map(|request| decide(&service, request));
        let made: Vec<_> = stream::iter(calls)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (n, answer) in made.into_iter().enumerate() {
            let decision = answer.unwrap().decision.unwrap();
            let learnt = decision.model_snapshot > 0;
            assert_eq!(learnt, next.is_none(), "the second half");
            let shown = decision
                .placements
                .iter()
                .flat_map(|placed| &placed.actions)
                .next();
            if let (Some(action), 0) = (shown, n % 3) {
                let event = format!("e{}", decision.decision_id);
                let (id, of) = (&decision.decision_id, &action.action_id);
                tell(&service, happened(&event, id, of, ActionOutcome::Clicked)).await;
            }
        }
        if let Some(operation) = next {
            let dearer = CATALOGUE.replace("minor_units: 100000", "minor_units: 90000");
            import(&service, operation, &dearer).await;
            assert!(learn(&service, 0).await > 0, "by what was learnt so far");
        }
    }
    let mut identities = IdentityServiceClient::new(service.channel());
    for person in 0..people / 10 {
        let request = MergeProfilesRequest {
            operation_id: format!("m{person}"),
            target: make::by(&format!("email=p{person}@example.com")),
            source: make::by(&format!("email=p{}@example.com", person + people / 2)),
            ..MergeProfilesRequest::default()
        };
        identities.merge_profiles(request).await.unwrap();
    }
    let checks = (0..decisions).map(|n| {
        let service = &service;
        async move {
            let id = format!("d{n}");
            assert_replays(service, &id).await;
            assert_explained(&explained(service, &id).await)
        }
    });
    let candidates: Vec<usize> = stream::iter(checks)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let candidates: usize = candidates.iter().sum();
    say(format_args!(
        "{decisions} decisions replayed bit for bit, {candidates} candidates explained"
    ));
    service.assert_agrees().await;
}

/// Whoever lost names a gate or has four bars. How many candidates there were.
fn assert_explained(decision: &ActionDecision) -> usize {
    let candidates = decision
        .placements
        .iter()
        .flat_map(|placed| &placed.candidates);
    candidates
        .inspect(|candidate| {
            let stopped = candidate
                .gates
                .iter()
                .find(|gate| gate.verdict() != GateVerdict::Pass);
            let gated = candidate.fate() == CandidateFate::Gated;
            assert_eq!(candidate.gates.len(), 10);
            if let Some(terms) = &candidate.terms {
                let bars = terms.ln_propensity
                    + terms.ln_context.unwrap_or(f64::NEG_INFINITY)
                    + terms.ln_value
                    + terms.ln_levers;
                let priority = terms.ln_priority.unwrap_or(f64::NEG_INFINITY);
                // Both may be minus infinity.
                let equal = bars.total_cmp(&priority).is_eq();
                assert!(equal || (bars - priority).abs() < 1e-9);
            } else {
                assert!(stopped.is_some());
            }
            assert!(!gated || stopped.is_some());
        })
        .count()
}
