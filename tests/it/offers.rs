//! Next best actions, over gRPC and on a real database: what is decided, reserved, told and made again.

mod attributed;
mod contextual;
mod evaluations;
mod kept;
mod lift;
mod matches;
mod metered;
mod parted;
mod race;
mod replays;
mod stats;
mod watched;

use std::collections::HashMap;

use customer_profile::{
    calendar::Day,
    ids::TenantId,
    proto::v1::{
        ActionDecision, ActionGate, ActionOutcome, CandidateFate, ConsentState,
        ExplainDecisionRequest, GateVerdict, GetNextBestActionsRequest, GetNextBestActionsResponse,
        ImportActionsRequest, MergeProfilesRequest, OutcomeEvent, OutcomeReceipt,
        PauseActionRequest, PlacementRequest, RecordOutcomesRequest, ReplayDecisionRequest,
        TraitValue, identity_service_client::IdentityServiceClient,
        next_best_action_service_client::NextBestActionServiceClient,
    },
    tenants::Tenant,
};
use prost_types::FieldMask;
use tonic::{Code, Status, transport::Channel};

use crate::harness::{
    Database, Service,
    calls::{getting, listing},
    make,
    refused::{assert_invalid, refused},
};

const WHO: &str = "email=a@example.com";
const HERO: (&str, &str) = ("hero", "web");
const SIDE: (&str, &str) = ("side", "web");
const LETTER: (&str, &str) = ("letter", "mail");

/// A shop with an upsell that a customer sees once in 30 days, help, a letter that needs consent, and a fallback.
const CATALOGUE: &str = r"
catalogue: 1
policy:
  default_locale: en
  time_zone: Asia/Tokyo
  worth: {currency: JPY, point: 1, floor: 100}
  groups:
    - {name: home, issue: serve}
    - {name: help, issue: serve}
    - {name: offers, issue: sell}
    - {name: letters, issue: sell}
  channels:
    - {name: web, reach: inbound, pending: 1h}
    - {name: mail, reach: outbound, pending: 3d}
  placements:
    - {name: hero, channel: web, fallback: home}
    - {name: side, channel: web}
    - {name: letter, channel: mail}
  holdouts: {salt: test, epoch: 1, universal: 0.0, random: 0.0}
actions:
  - id: home
    description: The front page.
    issue: serve
    group: home
    channels: [web]
    value: {points: 1}
    attribution_days: 1
    texts: {en: {title: Welcome, body: Hello}, ja: {title: ようこそ, body: こんにちは}}
  - id: upsell
    description: Something better.
    issue: sell
    group: offers
    channels: [web]
    value: {currency: JPY, minor_units: 100000}
    applicability:
      - {name: knows_the_customer, rule: 'known'}
    caps:
      - {scope: action, counts: impression, limit: 1, window: 30d, pause: 0m}
    attribution_days: 7
    prior: {propensity: 0.5, evidence: 50}
    texts: {en: {title: Better, body: Buy}, ja: {title: もっと良い, body: どうぞ}}
  - id: help
    description: Help with what is open.
    issue: serve
    group: help
    channels: [web]
    value: {points: 500}
    applicability:
      - {name: needs_help, rule: 'open_tickets > 0'}
    attribution_days: 7
    texts: {en: {title: Help, body: We are on it}}
  - id: letter
    description: A letter with offers.
    issue: sell
    group: letters
    channels: [mail]
    value: {currency: JPY, minor_units: 5000}
    consent: [marketing]
    caps:
      - {scope: action, counts: impression, limit: 2, window: 7d, pause: 0m}
    attribution_days: 14
    prior: {propensity: 0.2, evidence: 50}
    texts: {en: {title: News, body: Read}}
";

fn client(service: &Service) -> NextBestActionServiceClient<Channel> {
    NextBestActionServiceClient::new(service.channel())
}

async fn shop(database: Database) -> Service {
    let service = Service::with(database, &[]).await;
    import(&service, "first", CATALOGUE).await;
    service
}

async fn import(service: &Service, operation: &str, document: &str) {
    let request = ImportActionsRequest {
        operation_id: operation.into(),
        documents: vec![document.into()],
        ..ImportActionsRequest::default()
    };
    client(service).import_actions(request).await.unwrap();
}

fn asking(who: Option<&str>, id: &str, places: &[(&str, &str)]) -> GetNextBestActionsRequest {
    GetNextBestActionsRequest {
        lookup: who.and_then(make::by),
        decision_id: id.into(),
        placements: places
            .iter()
            .map(|(placement, channel)| PlacementRequest {
                placement: (*placement).into(),
                channel: (*channel).into(),
                count: 1,
            })
            .collect(),
        ..GetNextBestActionsRequest::default()
    }
}

async fn decide(
    service: &Service,
    request: GetNextBestActionsRequest,
) -> Result<GetNextBestActionsResponse, Status> {
    let answer = client(service).get_next_best_actions(request).await?;
    Ok(answer.into_inner())
}

async fn decided(
    service: &Service,
    who: &str,
    id: &str,
    places: &[(&str, &str)],
) -> GetNextBestActionsResponse {
    decide(service, asking(Some(who), id, places))
        .await
        .unwrap()
}

fn actions(answer: &GetNextBestActionsResponse) -> Vec<String> {
    let placements = &answer.decision.as_ref().unwrap().placements;
    let chosen = placements.iter().flat_map(|placed| &placed.actions);
    chosen.map(|action| action.action_id.clone()).collect()
}

async fn explained(service: &Service, id: &str) -> ActionDecision {
    let request = ExplainDecisionRequest {
        decision_id: id.into(),
        ..ExplainDecisionRequest::default()
    };
    let answer = client(service).explain_decision(request).await.unwrap();
    answer.into_inner().decision.unwrap()
}

async fn assert_replays(service: &Service, id: &str) {
    let request = ReplayDecisionRequest {
        decision_id: id.into(),
    };
    let answer = client(service).replay_decision(request).await.unwrap();
    let answer = answer.into_inner();
    assert!(answer.identical, "{id}: {:?}", answer.differences);
}

async fn tell(service: &Service, event: OutcomeEvent) -> (OutcomeReceipt, ActionOutcome) {
    let request = RecordOutcomesRequest {
        outcomes: vec![event],
    };
    let answer = client(service).record_outcomes(request).await.unwrap();
    let result = answer.into_inner().results.remove(0);
    (result.receipt(), result.state())
}

fn happened(event: &str, id: &str, action: &str, outcome: ActionOutcome) -> OutcomeEvent {
    OutcomeEvent {
        source: "shop".into(),
        event_id: event.into(),
        outcome: outcome.into(),
        occurred_at: Some(std::time::SystemTime::now().into()),
        decision_id: id.into(),
        action_id: action.into(),
        ..OutcomeEvent::default()
    }
}

#[tokio::test]
async fn without_a_catalogue_nothing_is_decided() {
    let service = Service::start().await;
    let status = decide(&service, asking(None, "", &[HERO]))
        .await
        .unwrap_err();
    refused(&status, Code::FailedPrecondition, "policy_missing");
}

#[tokio::test]
async fn a_decision_is_made_once_under_its_id() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let first = decided(&service, WHO, "page-1", &[HERO, SIDE]).await;
    assert!(!first.repeated);
    assert!(!first.token.is_empty(), "it reserved");
    let again = decided(&service, WHO, "page-1", &[HERO, SIDE]).await;
    assert!(again.repeated);
    assert_eq!(again.decision, first.decision);
    assert!(
        !again.token.is_empty(),
        "with which its reservation is seen"
    );
    let other = decide(&service, asking(Some(WHO), "page-1", &[HERO])).await;
    let other = other.unwrap_err();
    refused(&other, Code::FailedPrecondition, "decision_id_reused");
    // The upsell was shown, so it is not shown again.
    let shown = actions(&first);
    assert!(shown.contains(&"upsell".to_owned()), "{shown:?}");
    let next = decided(&service, WHO, "page-2", &[HERO, SIDE]).await;
    assert!(!actions(&next).contains(&"upsell".to_owned()));
    for id in ["page-1", "page-2"] {
        assert_replays(&service, id).await;
    }
    service.assert_agrees().await;
}

#[tokio::test]
async fn a_retry_gets_the_same_of_whatever_instance_and_with_all_that_it_asks_for() {
    let database = Database::new().await;
    let one = shop(database.clone()).await;
    let two = Service::with(database, &[]).await;
    one.record_one(make::seen("1", 0, &[WHO])).await;
    let whole = |id: &str, places: &[(&str, &str)]| GetNextBestActionsRequest {
        profile_mask: Some(FieldMask::default()),
        explain: true,
        ..asking(Some(WHO), id, places)
    };
    // One that reserves, and one that does not.
    for (id, places) in [("shown", &[HERO, SIDE][..]), ("plain", &[SIDE])] {
        let first = decide(&one, whole(id, places)).await.unwrap();
        let again = decide(&two, whole(id, places)).await.unwrap();
        assert!(again.repeated && !first.repeated, "{id}");
        assert_eq!(again.decision, first.decision, "{id}: gates and bars too");
        assert_eq!(again.answered_by, Some(0), "{id}");
        let profile = again.profile.unwrap();
        assert_eq!(profile.profile_id, first.profile.unwrap().profile_id);
        let other = decide(&two, whole(id, &[LETTER])).await.unwrap_err();
        refused(&other, Code::FailedPrecondition, "decision_id_reused");
    }
}

#[tokio::test]
async fn a_dry_run_leaves_no_trace() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let before = service.profile(WHO).await;
    for _ in 0..3 {
        let request = GetNextBestActionsRequest {
            dry_run: true,
            ..asking(Some(WHO), "try", &[HERO])
        };
        let answer = decide(&service, request).await.unwrap();
        assert_eq!(actions(&answer), ["upsell"]);
        assert!(!answer.repeated && answer.token.is_empty());
    }
    assert_eq!(service.profile(WHO).await.version, before.version);
    let request = ExplainDecisionRequest {
        decision_id: "try".into(),
        ..ExplainDecisionRequest::default()
    };
    let status = client(&service)
        .explain_decision(request)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn of_somebody_without_an_identifier_nothing_is_said_to_be_reserved() {
    let service = Service::with(Database::new().await, &[]).await;
    let for_anybody = CATALOGUE.replace("rule: 'known'", "rule: 'open_tickets == 0'");
    import(&service, "first", &for_anybody).await;
    let says = |answer: &GetNextBestActionsResponse| {
        let placements = &answer.decision.as_ref().unwrap().placements;
        assert_eq!(placements[0].actions[0].action_id, "upsell");
        placements[0].actions[0].reserved_until.is_some()
    };
    for (who, reserved) in [(None, false), (Some(WHO), true)] {
        let id = format!("reserves {reserved}");
        for repeated in [false, true] {
            let answer = decide(&service, asking(who, &id, &[HERO])).await.unwrap();
            assert_eq!(answer.repeated, repeated);
            assert_eq!(says(&answer), reserved, "{who:?}");
        }
        let explained = explained(&service, &id).await;
        let chosen = &explained.placements[0].actions[0];
        assert_eq!(chosen.reserved_until.is_some(), reserved, "{who:?}");
        assert_replays(&service, &id).await;
    }
}

#[tokio::test]
async fn strangers_get_what_needs_no_knowledge_in_their_language() {
    let service = shop(Database::new().await).await;
    let request = GetNextBestActionsRequest {
        locale: "ja-JP".into(),
        profile_mask: Some(FieldMask::default()),
        ..asking(Some("cookie=nobody"), "", &[HERO])
    };
    let answer = decide(&service, request).await.unwrap();
    let decision = answer.decision.as_ref().unwrap();
    assert_eq!(actions(&answer), ["home"]);
    assert!(decision.profile_id.is_empty());
    assert!(!decision.decision_id.is_empty());
    let text = decision.placements[0].actions[0].text.as_ref().unwrap();
    assert_eq!(text.title, "ようこそ");
    assert!(!answer.profile.unwrap().known);
    let nobody = decide(&service, asking(None, "", &[HERO, SIDE]))
        .await
        .unwrap();
    assert_eq!(actions(&nobody), ["home"], "no action twice on a page");
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_request_is_named() {
    let service = shop(Database::new().await).await;
    let mut request = asking(
        None,
        "",
        &[HERO, HERO, ("nowhere", "web"), ("hero2", "fax")],
    );
    request.placements[0].channel = "mail".into();
    request.placements[1].count = 17;
    request.time_zone = "Mars/Olympus".into();
    request.locale = "not a tag".into();
    request.context.insert("Page".into(), TraitValue::default());
    let status = decide(&service, request).await.unwrap_err();
    assert_invalid(
        &status,
        &[
            ("placements[0].channel", "not_allowed_here"),
            ("placements[1].placement", "duplicate_name"),
            ("placements[1].count", "out_of_range"),
            ("placements[2].placement", "unknown_name"),
            ("placements[3].placement", "unknown_name"),
            ("locale", "malformed"),
            ("time_zone", "malformed"),
            ("context[Page]", "not_a_slug"),
            ("context[Page]", "required"),
        ],
    );
}

#[tokio::test]
async fn an_explanation_names_the_gate_or_the_bars_of_every_candidate() {
    let service = shop(Database::new().await).await;
    service
        .record_one(make::ticket("1", 0, WHO, "opened", "T1"))
        .await;
    decided(&service, WHO, "why", &[HERO, LETTER]).await;
    let decision = explained(&service, "why").await;
    let by_id: HashMap<&str, _> = decision
        .placements
        .iter()
        .flat_map(|placed| &placed.candidates)
        .map(|candidate| (candidate.action_id.as_str(), candidate))
        .collect();
    for candidate in by_id.values() {
        let stopped = candidate
            .gates
            .iter()
            .any(|gate| gate.verdict() != GateVerdict::Pass);
        assert_eq!(candidate.gates.len(), 10, "{}", candidate.action_id);
        assert_eq!(stopped, candidate.fate() == CandidateFate::Gated);
        assert_eq!(candidate.terms.is_none(), stopped);
    }
    let letter = by_id["letter"];
    let consent = letter
        .gates
        .iter()
        .find(|gate| gate.gate() == ActionGate::Consent);
    assert_eq!(consent.unwrap().verdict(), GateVerdict::Fail);
    assert_eq!(consent.unwrap().rule, "marketing");
    let sum = |terms: &customer_profile::proto::v1::PriorityTerms| {
        terms.ln_propensity + terms.ln_context.unwrap() + terms.ln_value + terms.ln_levers
    };
    let terms = by_id["upsell"].terms.as_ref().unwrap();
    assert!((sum(terms) - terms.ln_priority.unwrap()).abs() < 1e-9);
    let propensities: f64 = decision.placements[0]
        .candidates
        .iter()
        .filter_map(|candidate| candidate.propensities.first())
        .sum();
    assert!((propensities - 1.0).abs() < 1e-9, "{propensities}");
}

#[tokio::test]
async fn who_complains_is_helped_and_not_sold_to() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let complaint = customer_profile::proto::v1::Interaction {
        r#type: "complaint.received".into(),
        ..make::seen("2", 1, &[WHO])
    };
    let mut now = complaint.clone();
    now.occurred_at = Some(std::time::SystemTime::now().into());
    service.record_one(now).await;
    let answer = decided(&service, WHO, "upset", &[HERO, SIDE]).await;
    assert!(
        !actions(&answer).contains(&"upsell".to_owned()),
        "{:?}",
        actions(&answer)
    );
    let decision = explained(&service, "upset").await;
    let upsell = decision.placements[0]
        .candidates
        .iter()
        .find(|c| c.action_id == "upsell");
    let gates = &upsell.unwrap().gates;
    let empathy = gates
        .iter()
        .find(|gate| gate.gate() == ActionGate::Empathy)
        .unwrap();
    assert_eq!(
        (empathy.verdict(), empathy.rule.as_str()),
        (GateVerdict::Fail, "open_complaint")
    );
}

#[tokio::test]
async fn consent_opens_a_letter_and_a_cap_closes_it() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    assert_eq!(
        actions(&decided(&service, WHO, "l0", &[LETTER]).await),
        [""; 0]
    );
    service
        .record_one(make::consent("2", 5, WHO, ConsentState::Granted, None))
        .await;
    for id in ["l1", "l2"] {
        assert_eq!(
            actions(&decided(&service, WHO, id, &[LETTER]).await),
            ["letter"],
            "{id}"
        );
    }
    assert_eq!(
        actions(&decided(&service, WHO, "l3", &[LETTER]).await),
        [""; 0]
    );
    // What was not delivered disturbed nobody.
    let told = happened("n1", "l1", "letter", ActionOutcome::NotDelivered);
    assert_eq!(tell(&service, told).await.0, OutcomeReceipt::Recorded);
    assert_eq!(
        actions(&decided(&service, WHO, "l4", &[LETTER]).await),
        ["letter"]
    );
    service
        .record_one(make::consent("3", 9, WHO, ConsentState::Denied, None))
        .await;
    assert_eq!(
        actions(&decided(&service, WHO, "l5", &[LETTER]).await),
        [""; 0]
    );
    service.assert_agrees().await;
}

#[tokio::test]
async fn outcomes_are_told_once_in_any_order_and_stand_in_the_timeline() {
    use ActionOutcome as Told;
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    decided(&service, WHO, "d", &[HERO]).await;
    let click = happened("e2", "d", "", Told::Clicked);
    assert_eq!(
        tell(&service, click.clone()).await,
        (OutcomeReceipt::Recorded, Told::Clicked)
    );
    assert_eq!(
        tell(&service, click.clone()).await,
        (OutcomeReceipt::Duplicate, Told::Clicked)
    );
    let other = OutcomeEvent {
        outcome: Told::Rejected.into(),
        ..click
    };
    assert_eq!(tell(&service, other).await.0, OutcomeReceipt::Conflict);
    let seen = happened("e1", "d", "upsell", Told::Impression);
    assert_eq!(
        tell(&service, seen).await,
        (OutcomeReceipt::Recorded, Told::Clicked)
    );
    // A conversion that names no decision goes to the last offer of the action.
    let bought = OutcomeEvent {
        decision_id: String::new(),
        lookup: make::by(WHO),
        ..happened("e3", "", "upsell", Told::Accepted)
    };
    assert_eq!(
        tell(&service, bought).await,
        (OutcomeReceipt::Recorded, Told::Accepted)
    );
    let unknown = happened("e4", "no-such-decision", "", Told::Accepted);
    assert_eq!(
        tell(&service, unknown).await.0,
        OutcomeReceipt::Unattributed
    );
    let wrong = happened("e5", "d", "help", Told::Accepted);
    assert_eq!(tell(&service, wrong).await.0, OutcomeReceipt::Rejected);
    let types: Vec<String> = service
        .timeline(listing(WHO))
        .await
        .iter()
        .map(|recorded| recorded.interaction.as_ref().unwrap().r#type.clone())
        .filter(|kind| kind.starts_with("offer."))
        .collect();
    assert_eq!(types.len(), 4, "{types:?}");
    let decision = explained(&service, "d").await;
    let chosen = &decision.placements[0].actions[0];
    assert_eq!(chosen.outcome(), Told::Accepted);
    service.assert_agrees().await;
}

#[tokio::test]
async fn decisions_replay_after_newer_policies_and_merges() {
    let service = shop(Database::new().await).await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    service
        .record_one(make::seen("2", 0, &["customer_id=anna"]))
        .await;
    decided(&service, WHO, "before", &[HERO, SIDE, LETTER]).await;
    decided(&service, "customer_id=anna", "hers", &[HERO, SIDE]).await;
    let pause = PauseActionRequest {
        operation_id: "pause".into(),
        action_id: "upsell".into(),
        ..PauseActionRequest::default()
    };
    client(&service).pause_action(pause).await.unwrap();
    let merge = MergeProfilesRequest {
        operation_id: "merge".into(),
        target: make::by(WHO),
        source: make::by("customer_id=anna"),
        ..MergeProfilesRequest::default()
    };
    let mut identity = IdentityServiceClient::new(service.channel());
    identity.merge_profiles(merge).await.unwrap();
    for id in ["before", "hers"] {
        assert_replays(&service, id).await;
        let decision = explained(&service, id).await;
        assert_eq!(decision.placements[0].actions[0].action_id, "upsell");
    }
    service.assert_agrees().await;
}

#[tokio::test]
async fn callers_may_not_make_up_offers() {
    let service = shop(Database::new().await).await;
    let made_up = customer_profile::proto::v1::Interaction {
        r#type: "offer.accepted".into(),
        source: "customer-profile".into(),
        ..make::seen("1", 0, &[WHO])
    };
    let results = service.record(vec![made_up]).await;
    let violations = crate::harness::calls::violations(&results[0]);
    assert_eq!(
        violations,
        [("type", "not_allowed_here"), ("source", "not_allowed_here")]
    );
    assert!(service.get(getting(WHO)).await.is_err());
}

/// Learns at the end of a day that is so many days from today, and waits until decisions are made by it.
async fn learn(service: &Service, days: i32) -> u64 {
    let desk = service.server().desk();
    let tenant = tenant(service).await;
    let closed = Day(desk.closed(&tenant).0 + 1 + days);
    let made = desk.learn(&tenant, closed).await.unwrap();
    let snapshot = made.expect("a snapshot of a day that had none");
    while desk
        .shelf
        .current(&tenant.id, 0)
        .await
        .unwrap()
        .unwrap()
        .snapshot
        < snapshot
    {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    snapshot
}

async fn tenant(service: &Service) -> Tenant {
    let desk = service.server().desk();
    desk.tenants.get(&TenantId::default_tenant()).await.unwrap()
}
