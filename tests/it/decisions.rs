//! Merges, separations and undos through the API.

use customer_profile::proto::v1::{
    DecisionOutcome, DecisionStatus, ExplainIdentityRequest, MergeProfilesRequest,
    SeparateIdentifiersRequest, UndoDecisionRequest,
};
use tonic::{Code, Status};

use crate::harness::{Service, make, refused::refused};

const ANNA: &str = "customer_id=anna";
const MAIL: &str = "email=anna@example.com";
const PHONE: &str = "phone=090-1234-5601";

async fn merge(service: &Service, operation: &str, ends: [&str; 2]) -> Result<Answer, Status> {
    let request = MergeProfilesRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        target: make::by(ends[0]),
        source: make::by(ends[1]),
        dry_run: false,
    };
    let answer = service.identities().merge_profiles(request).await?;
    let answer = answer.into_inner();
    Ok(Answer(answer.outcome.unwrap(), answer.token))
}

async fn separate(service: &Service, operation: &str, chosen: &[&str]) -> Result<Answer, Status> {
    let request = SeparateIdentifiersRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        identifiers: chosen.iter().map(|c| make::identifier(c)).collect(),
        ..SeparateIdentifiersRequest::default()
    };
    let answer = service.identities().separate_identifiers(request).await?;
    let answer = answer.into_inner();
    Ok(Answer(answer.outcome.unwrap(), answer.token))
}

async fn undo(service: &Service, operation: &str, of: &str) -> Result<Answer, Status> {
    let request = UndoDecisionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        decision_operation_id: of.into(),
        dry_run: false,
    };
    let answer = service.identities().undo_decision(request).await?;
    let answer = answer.into_inner();
    Ok(Answer(answer.outcome.unwrap(), answer.token))
}

#[derive(Debug)]
struct Answer(DecisionOutcome, String);

impl Answer {
    /// The identifiers of each part.
    fn parts(&self) -> Vec<Vec<String>> {
        let parts = self.0.parts.iter().map(|part| {
            let mut names: Vec<String> = part
                .identifiers
                .iter()
                .map(|i| i.namespace.clone())
                .collect();
            names.sort();
            names
        });
        parts.collect()
    }
}

/// Anna's account, and a mail address that is not known to be hers.
async fn two_people() -> Service {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::order("1", 10, ANNA, "o1", 100),
            make::seen("2", 20, &[ANNA, "cookie=k"]),
            make::order("3", 5, MAIL, "o2", 200),
            make::seen("4", 30, &[MAIL, PHONE]),
        ])
        .await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_and_its_undo_leave_no_trace() {
    let service = two_people().await;
    let before = service.digest("default").await;
    let (anna, mail) = (service.profile(ANNA).await, service.profile(MAIL).await);

    let merged = merge(&service, "m", [MAIL, ANNA]).await.unwrap();
    assert_eq!(
        merged.parts(),
        [["cookie", "customer_id", "email", "phone"]]
    );
    assert_eq!(
        merged.0.parts[0].profile_id, mail.profile_id,
        "the target's"
    );
    let now = service.profile(ANNA).await;
    assert_eq!(now.profile_id, mail.profile_id);
    assert_eq!(now.orders.as_ref().map(|o| o.count), Some(2));
    assert!(now.version > anna.version.max(mail.version));
    service.assert_agrees().await;

    // Again: the same answer, and nothing more is done.
    let again = merge(&service, "m", [MAIL, ANNA]).await.unwrap();
    assert!(again.0.repeated && !merged.0.repeated);
    assert!(!again.1.is_empty());
    assert_eq!(again.0.parts, merged.0.parts);
    assert_eq!(again.0.made_at, merged.0.made_at);
    let other = merge(&service, "m", [ANNA, MAIL]).await.unwrap_err();
    refused(&other, Code::FailedPrecondition, "operation_id_reused");

    let undone = undo(&service, "u", "m").await.unwrap();
    assert_eq!(undone.0.status(), DecisionStatus::Done);
    assert_eq!(
        undone.parts(),
        [["cookie", "customer_id"], ["email", "phone"]]
    );
    assert_eq!(service.digest("default").await, before);
    assert_eq!(service.profile(ANNA).await.profile_id, anna.profile_id);
    assert_eq!(service.profile(MAIL).await.profile_id, mail.profile_id);
    let twice = undo(&service, "u2", "m").await.unwrap_err();
    refused(&twice, Code::FailedPrecondition, "already_undone");
    let undo_of_undo = undo(&service, "u3", "u").await.unwrap_err();
    refused(&undo_of_undo, Code::FailedPrecondition, "not_undoable");
    let unknown = undo(&service, "u4", "nothing").await.unwrap_err();
    refused(&unknown, Code::NotFound, "not_found");
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_says_when_links_alone_hold_two_together() {
    let service = two_people().await;
    merge(&service, "m", [ANNA, MAIL]).await.unwrap();
    service
        .record_one(make::seen("5", 40, &[ANNA, PHONE]))
        .await;
    let undone = undo(&service, "u", "m").await.unwrap();
    assert_eq!(undone.0.status(), DecisionStatus::StillJoined);
    assert_eq!(undone.0.parts.len(), 1);
    let path: Vec<(String, String)> = undone
        .0
        .joined_by
        .iter()
        .map(|link| {
            let name = |end: &Option<_>| {
                let end: &customer_profile::proto::v1::Identifier = end.as_ref().unwrap();
                end.namespace.clone()
            };
            (name(&link.from), name(&link.to))
        })
        .collect();
    assert_eq!(
        path,
        [
            ("customer_id".into(), "phone".into()),
            ("phone".into(), "email".into())
        ]
    );
    service.assert_agrees().await;

    // Taking such a join back is a separation, which holds against later links and is undone like any decision.
    let joined = service.digest("default").await;
    let parted = separate(&service, "s", &[MAIL, PHONE]).await.unwrap();
    assert_eq!(parted.0.parts.len(), 2);
    service
        .record_one(make::seen("6", 50, &[ANNA, PHONE]))
        .await;
    let (anna, phone) = (service.profile(ANNA).await, service.profile(PHONE).await);
    assert_ne!(anna.profile_id, phone.profile_id);
    assert_eq!(phone.profile_id, service.profile(MAIL).await.profile_id);
    service.assert_agrees().await;
    service.retract(retracting_six()).await.unwrap();
    undo(&service, "u2", "s").await.unwrap();
    assert_eq!(service.digest("default").await, joined);
    service.assert_agrees().await;
    service.stop().await;
}

fn retracting_six() -> customer_profile::proto::v1::RetractInteractionsRequest {
    crate::harness::calls::retracting("r", &["6"])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_voids_separations_and_its_undo_brings_them_back() {
    let service = two_people().await;
    let apart = separate(&service, "s", &["cookie=k"]).await.unwrap();
    assert_eq!(apart.0.parts.len(), 2);
    let separated = service.digest("default").await;
    let merged = merge(&service, "m", [ANNA, "cookie=k"]).await.unwrap();
    assert_eq!((merged.0.parts.len(), merged.0.separations_changed), (1, 1));
    service.assert_agrees().await;
    let undone = undo(&service, "u", "m").await.unwrap();
    assert_eq!((undone.0.parts.len(), undone.0.separations_changed), (2, 1));
    assert_eq!(service.digest("default").await, separated);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_rules_forbid_is_refused_and_writes_nothing() {
    let service = two_people().await;
    service
        .record_one(make::order("5", 5, "customer_id=bob", "o3", 5))
        .await;
    let before = service.digest("default").await;
    let two = merge(&service, "m", [ANNA, "customer_id=bob"])
        .await
        .unwrap_err();
    refused(&two, Code::FailedPrecondition, "merge_refused");
    assert!(two.message().contains("customer_id"), "{two:?}");
    let same = merge(&service, "m", [ANNA, "cookie=k"]).await.unwrap_err();
    refused(&same, Code::FailedPrecondition, "already_one_profile");
    let nobody = merge(&service, "m", [ANNA, "cookie=nobody"])
        .await
        .unwrap_err();
    refused(&nobody, Code::NotFound, "not_found");
    let all = separate(&service, "m", &[ANNA, "cookie=k"])
        .await
        .unwrap_err();
    refused(&all, Code::FailedPrecondition, "nothing_to_separate");
    let two = separate(&service, "m", &[ANNA, MAIL]).await.unwrap_err();
    refused(&two, Code::FailedPrecondition, "not_one_profile");
    let unknown = separate(&service, "m", &[ANNA, "cookie=nobody"])
        .await
        .unwrap_err();
    refused(&unknown, Code::InvalidArgument, "invalid");
    assert_eq!(service.digest("default").await, before);
    // The operation id is still free.
    merge(&service, "m", [ANNA, MAIL]).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shared_is_merged_only_where_nothing_keeps_it_apart() {
    let service = Service::start().await;
    let (bob, device) = ("customer_id=bob", "device_id=tablet");
    for (n, who) in [ANNA, bob].into_iter().enumerate() {
        let at = 10 * (i64::try_from(n).unwrap() + 1);
        service
            .record_one(make::seen(who, at, &[who, device]))
            .await;
        separate(&service, who, &[device]).await.unwrap();
    }
    let before = service.digest("default").await;
    let merged = merge(&service, "m", [ANNA, device]).await.unwrap_err();
    refused(&merged, Code::FailedPrecondition, "merge_refused");
    assert!(merged.message().contains("undo that first"), "{merged:?}");
    assert_eq!(service.digest("default").await, before);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_says_what_would_come_and_writes_nothing() {
    let service = two_people().await;
    let before = service.digest("default").await;
    let request = MergeProfilesRequest {
        operation_id: "m".into(),
        target: make::by(ANNA),
        source: make::by(MAIL),
        dry_run: true,
        ..MergeProfilesRequest::default()
    };
    let answer = service.identities().merge_profiles(request).await.unwrap();
    let answer = answer.into_inner();
    let outcome = answer.outcome.unwrap();
    assert!(outcome.dry_run && answer.token.is_empty());
    assert_eq!(
        (outcome.parts.len(), outcome.parts[0].identifiers_total),
        (1, 4)
    );
    assert_eq!(service.digest("default").await, before);
    // Another request may have the id.
    merge(&service, "m", [MAIL, ANNA]).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_device_goes_with_one_and_shows_nobody_what_another_did() {
    let service = Service::start().await;
    let (bob, device) = ("customer_id=bob", "device_id=tablet");
    service
        .record_all(vec![
            make::seen("1", 10, &[ANNA, device]),
            make::order("2", 20, device, "secret", 100),
            make::order("3", 25, ANNA, "hers", 1),
        ])
        .await;
    assert_eq!(service.profile(ANNA).await.orders.unwrap().count, 2);
    service
        .record_one(make::seen("4", 30, &[bob, device]))
        .await;
    // It lies with whoever logged in last, and lends its orders to nobody.
    let found = service.profile(device).await;
    assert_eq!(found.profile_id, service.profile(bob).await.profile_id);
    assert_eq!(service.profile(ANNA).await.orders.unwrap().count, 1);
    assert_eq!(service.profile(bob).await.orders.map_or(0, |o| o.count), 0);
    let listed = service.timeline(crate::harness::calls::listing(bob)).await;
    assert_eq!(
        listed.len(),
        1,
        "what was done with the tablet alone is not his"
    );
    // What hangs on it alone stays by itself.
    service
        .record_one(make::seen("5", 35, &[device, "cookie=c"]))
        .await;
    let cookie = service.profile("cookie=c").await;
    assert_eq!(cookie.identifiers_total, 1);
    service.assert_agrees().await;
    let request = ExplainIdentityRequest {
        lookup: make::by(bob),
        ..ExplainIdentityRequest::default()
    };
    let graph = service.identities().explain_identity(request).await;
    assert_eq!(graph.unwrap().into_inner().links_total, 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_many_is_a_hub_and_joins_nobody() {
    let service = Service::start().await;
    let till = "email=till@example.com";
    for n in 0..8 {
        let customer = format!("customer_id=c{n}");
        service
            .record_one(make::seen(&n.to_string(), n, &[&customer, till]))
            .await;
    }
    for n in 0..8 {
        let profile = service.profile(&format!("customer_id=c{n}")).await;
        assert_eq!(profile.identifiers_total, 1, "{n}");
    }
    assert_eq!(service.profile(till).await.identifiers_total, 1);
    service.assert_agrees().await;
    // An interaction with two customers is nobody's.
    let two = make::seen("two", 9, &["customer_id=c1", "customer_id=c2"]);
    let result = service.record(vec![two]).await.remove(0);
    assert_eq!(result.violations[0].reason, "identifiers_contradict");
    service.stop().await;
}
