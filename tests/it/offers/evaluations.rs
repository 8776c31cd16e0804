//! Another policy, judged by decisions that were made.

use customer_profile::proto::v1::{
    ActionOutcome, CandidateDocuments, ChosenAction, EvaluatePolicyRequest, EvaluatePolicyResponse,
    RecordOutcomesRequest, evaluate_policy_request::Candidate,
};
use futures_util::{StreamExt as _, stream};
use tonic::{Code, Status};

use super::{HERO, client, decided, happened, import, shop};
use crate::harness::{
    Database, Service, make,
    refused::{invalid, refused},
};

const AT_ONCE: usize = 16;
const EPSILON: f64 = 0.1;

/// Three offers of one worth, of which nothing is known.
const ALIKE: &str = r"
catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups:
    - {name: home, issue: serve}
    - {name: offers, issue: sell}
  channels:
    - {name: web, reach: inbound, pending: 1h}
  placements:
    - {name: hero, channel: web, fallback: home}
  holdouts: {salt: test, epoch: 1, universal: 0.0, random: 0.0}
  exploration: {epsilon: 0.1}
actions:
  - id: home
    description: The front page.
    issue: serve
    group: home
    channels: [web]
    value: {points: 1}
    attribution_days: 1
    texts: {en: {title: Welcome}}
";

fn offer(id: &str, worth: i64, rule: &str) -> String {
    let rules = if rule.is_empty() {
        String::new()
    } else {
        format!("\n    applicability: [{{name: rule, rule: '{rule}'}}]")
    };
    format!(
        r"
  - id: {id}
    description: An offer.
    issue: sell
    group: offers
    channels: [web]
    value: {{currency: JPY, minor_units: {worth}}}{rules}
    attribution_days: 7
    prior: {{propensity: 0.5, evidence: 50}}
    texts: {{en: {{title: Offer}}}}"
    )
}

fn catalogue(offers: &[(&str, i64)]) -> String {
    let offers: Vec<String> = offers
        .iter()
        .map(|(id, worth)| offer(id, *worth, ""))
        .collect();
    format!("{}{}\n", ALIKE.trim_end(), offers.concat())
}

fn only(offer: &str) -> EvaluatePolicyRequest {
    let document = format!("catalogue: 1\nactions:{offer}\n");
    EvaluatePolicyRequest {
        candidate: Some(Candidate::Documents(CandidateDocuments {
            documents: vec![document],
        })),
        ..EvaluatePolicyRequest::default()
    }
}

async fn evaluate(
    service: &Service,
    request: EvaluatePolicyRequest,
) -> Result<EvaluatePolicyResponse, Status> {
    let answer = client(service).evaluate_policy(request).await?;
    Ok(answer.into_inner())
}

/// What was offered to so many, and whether they took it up.
async fn logged(service: &Service, people: usize) -> Vec<(ChosenAction, bool)> {
    let who = |n: usize| format!("email=p{n}@example.com");
    let seen = (0..people).map(|n| make::seen(&format!("s{n}"), 0, &[&who(n)]));
    service.record_all(seen.collect()).await;
    let deciding = (0..people).map(|n| async move {
        let answer = decided(service, &who(n), &format!("d{n}"), &[HERO]).await;
        answer
            .decision
            .unwrap()
            .placements
            .remove(0)
            .actions
            .remove(0)
    });
    let chosen: Vec<ChosenAction> = stream::iter(deciding).buffered(AT_ONCE).collect().await;
    let mut rows = Vec::new();
    let mut outcomes = Vec::new();
    for (n, chosen) in chosen.into_iter().enumerate() {
        let accepts = match chosen.action_id.as_str() {
            "a" => n.is_multiple_of(2),
            "b" => n.is_multiple_of(4),
            _ => n.is_multiple_of(10),
        };
        if accepts {
            let (event, id) = (format!("e{n}"), format!("d{n}"));
            outcomes.push(happened(&event, &id, "", ActionOutcome::Accepted));
        }
        rows.push((chosen, accepts));
    }
    let request = RecordOutcomesRequest { outcomes };
    client(service).record_outcomes(request).await.unwrap();
    rows
}

/// How often a greedy policy with a share of chance does what was done.
fn greedy(chosen: &ChosenAction, best: &str, candidates: f64) -> f64 {
    let chance = EPSILON / candidates;
    if chosen.action_id == best {
        1.0 - EPSILON + chance
    } else {
        chance
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_candidate_is_judged_by_what_was_decided() {
    let service = Service::with(Database::new().await, &[]).await;
    let three = [("a", 5_000), ("b", 5_000), ("c", 5_000)];
    import(&service, "first", &catalogue(&three)).await;
    let rows = logged(&service, 900).await;
    let n = f64::from(u32::try_from(rows.len()).unwrap());
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    // Always the first, but for chance: worth so much more that no draw turns it.
    let first = evaluate(&service, only(&offer("a", 50_000_000, "")))
        .await
        .unwrap();
    assert_eq!(first.refusals, []);
    let weight = |chosen: &ChosenAction| greedy(chosen, "a", 4.0) / chosen.propensity;
    let sum: f64 = rows.iter().map(|(chosen, _)| weight(chosen)).sum();
    let squares: f64 = rows.iter().map(|(chosen, _)| weight(chosen).powi(2)).sum();
    let taken: f64 = rows
        .iter()
        .filter(|row| row.1)
        .map(|(chosen, _)| weight(chosen))
        .sum();
    let estimates = first.estimates.unwrap();
    near(estimates.ipw.unwrap().value, taken / n);
    near(estimates.snipw.unwrap().value, taken / sum);
    let accepted = rows.iter().filter(|row| row.1).count();
    let accepted = f64::from(u32::try_from(accepted).unwrap());
    near(estimates.logged.unwrap().value, accepted / n);
    for estimate in [estimates.ipw, estimates.snipw, estimates.dm, estimates.dr] {
        let estimate = estimate.unwrap();
        assert!(estimate.low < estimate.value && estimate.value < estimate.high);
        // One of two takes the first up, where it is offered with 92.5%.
        assert!((0.40..0.60).contains(&estimate.value), "{estimate:?}");
    }
    let weights = first.weights.unwrap();
    near(weights.effective, sum * sum / squares);
    near(weights.mean, sum / n);
    let largest = rows
        .iter()
        .map(|(chosen, _)| weight(chosen))
        .fold(0.0, f64::max);
    near(weights.largest, largest);
    assert_eq!(
        (weights.unsupported_slots, weights.unsupported_share),
        (0, 0.0)
    );
    assert_eq!(
        (first.decisions, first.slots, first.profiles),
        (900, 900, 900)
    );
    assert_eq!(
        (first.slots_left_out, first.decisions_held_out, first.more),
        (0, 0, false)
    );
    assert_eq!(first.policy_version, 2);
    // The policy in force would do what it did.
    let same = evaluate(&service, EvaluatePolicyRequest::default())
        .await
        .unwrap();
    let (same_estimates, same_weights) = (same.estimates.unwrap(), same.weights.unwrap());
    near(same_weights.effective, n);
    near(same_weights.largest, 1.0);
    near(same_estimates.ipw.unwrap().value, accepted / n);
    let same = same_estimates.dr.unwrap();
    assert!((same.low..same.high).contains(&(accepted / n)), "{same:?}");
    // What was never offered there cannot be judged.
    let unknown = evaluate(&service, only(&offer("d", 50_000_000, "")))
        .await
        .unwrap();
    let reasons: Vec<&str> = unknown.refusals.iter().map(|r| r.reason.as_str()).collect();
    assert!(reasons.contains(&"policy_without_support"), "{reasons:?}");
    assert!(unknown.estimates.is_none());
    assert_eq!(unknown.weights.unwrap().unsupported_slots, 900);
    // What was not asked is named.
    let asks = evaluate(&service, only(&offer("a", 5_000, "order_count > 3")))
        .await
        .unwrap();
    assert_eq!(asks.not_asked, ["order_count"]);
    // The newest decisions are taken, and few say too little.
    let few = EvaluatePolicyRequest {
        max_decisions: 20,
        ..EvaluatePolicyRequest::default()
    };
    let few = evaluate(&service, few).await.unwrap();
    assert_eq!((few.decisions, few.more), (20, true));
    assert!(
        few.estimates.is_none() && few.refusals.len() >= 2,
        "{few:?}"
    );
}

#[tokio::test]
async fn a_candidate_has_to_be_one() {
    let service = Service::start().await;
    let status = evaluate(&service, EvaluatePolicyRequest::default()).await;
    refused(
        &status.unwrap_err(),
        Code::FailedPrecondition,
        "policy_missing",
    );
    let service = shop(Database::new().await).await;
    let revision = |revision| EvaluatePolicyRequest {
        candidate: Some(Candidate::PolicyVersion(revision)),
        ..EvaluatePolicyRequest::default()
    };
    let status = evaluate(&service, revision(7)).await.unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    let empty = evaluate(&service, revision(1)).await.unwrap();
    assert_eq!((empty.decisions, empty.policy_version), (0, 1));
    assert!(empty.estimates.is_none() && empty.first.is_none());
    let wrong = EvaluatePolicyRequest {
        max_decisions: -1,
        reward: 9,
        ..revision(0)
    };
    let status = evaluate(&service, wrong).await.unwrap_err();
    let fields: Vec<String> = invalid(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["reward", "max_decisions", "policy_version"]);
    let broken = only(&offer("a", 5_000, "no_such_thing > 3"));
    let status = evaluate(&service, broken).await.unwrap_err();
    let fields: Vec<String> = invalid(&status)
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert!(
        fields
            .iter()
            .all(|field| field.starts_with("documents.documents[0]")),
        "{fields:?}"
    );
}
