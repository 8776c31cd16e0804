//! One customer, followed from profile to profile; and what is told of separations and erasures.

use customer_profile::proto::v1::{
    MergeProfilesRequest, ProfileChangeKind, SeparateIdentifiersRequest, UndoDecisionRequest,
    WatchProfilesRequest, watch_profiles_response::Event,
};

use super::{
    A, B, of,
    watcher::{from_here, next, told},
};
use crate::harness::{
    Service,
    calls::{by_id, retracting},
    make,
};

async fn merge(service: &Service, operation: &str, target: &str, source: &str) {
    let request = MergeProfilesRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        target: make::by(target),
        source: make::by(source),
        dry_run: false,
    };
    service.identities().merge_profiles(request).await.unwrap();
}

async fn undo(service: &Service, operation: &str, of: &str) {
    let request = UndoDecisionRequest {
        operation_id: operation.into(),
        reason: "a test".into(),
        decision_operation_id: of.into(),
        dry_run: false,
    };
    service.identities().undo_decision(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_followed_through_merges_and_back() {
    let service = Service::start().await;
    let a = service.record_one(make::seen("a", 0, &[A])).await;
    let b = service.record_one(make::seen("b", 0, &[B])).await;
    let mut by_name = from_here(&service, of(make::by(B))).await;
    let mut all = from_here(&service, of(None)).await;
    merge(&service, "m", A, B).await;
    service.record_one(make::seen("a2", 1, &[A])).await;
    undo(&service, "u", "m").await;
    service.record_one(make::seen("b2", 2, &[B])).await;
    service.record_one(make::seen("a3", 2, &[A])).await;
    service.record_one(make::seen("b3", 3, &[B])).await;

    let (gone, token) = next(&mut by_name).await;
    assert_eq!(gone.kind(), ProfileChangeKind::MergedAway);
    assert_eq!(
        (gone.profile_id.as_str(), gone.merged_into.as_str()),
        (b.as_str(), a.as_str())
    );
    let mut rest = Vec::new();
    while rest.len() < 5 {
        let (change, _) = next(&mut by_name).await;
        assert!(change.written_at.is_some());
        rest.push((change.profile_id.clone(), change.kind()));
    }
    // What the merge did to the other, then what is seen of both, the parting, and then of the one alone.
    let wanted = [
        (&a, ProfileChangeKind::Merged),
        (&a, ProfileChangeKind::Updated),
        (&b, ProfileChangeKind::Split),
        (&b, ProfileChangeKind::Updated),
        (&b, ProfileChangeKind::Updated),
    ];
    let wanted = wanted.map(|(id, kind)| (id.clone(), kind));
    let without: Vec<_> = rest
        .iter()
        .filter(|(id, kind)| !(*id == a && *kind == ProfileChangeKind::Split))
        .cloned()
        .collect();
    assert_eq!(without, wanted[..without.len()], "{rest:?}");

    // Who goes on with the token of the merge is told the same.
    let resumed = WatchProfilesRequest {
        resume_token: token,
        until_now: true,
        ..of(make::by(B))
    };
    let again = told(&service, resumed).await.unwrap();
    let last = again
        .into_iter()
        .rev()
        .find_map(|message| match message.event {
            Some(Event::Change(change)) => Some(change),
            _ => None,
        });
    assert_eq!(last.unwrap().profile_id, b);

    // Asked by an id that was merged away, both are looked at.
    merge(&service, "m2", A, B).await;
    let mut by_id = from_here(&service, of(by_id(&b))).await;
    service.record_one(make::seen("a4", 4, &[A])).await;
    assert_eq!(next(&mut by_id).await.0.profile_id, a);
    undo(&service, "u2", "m2").await;
    let back = loop {
        let (change, _) = next(&mut by_id).await;
        if change.profile_id == b {
            break change;
        }
    };
    assert_eq!(back.kind(), ProfileChangeKind::Split);
    // And who watches everybody has heard of each.
    for _ in 0..10 {
        next(&mut all).await;
    }
    drop((by_name, by_id, all));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_separation_and_an_erasure_are_told_as_what_they_are() {
    let service = Service::start().await;
    let a = service.record_one(make::seen("a", 0, &[A, B])).await;
    let mut all = from_here(&service, of(None)).await;
    let request = SeparateIdentifiersRequest {
        operation_id: "s".into(),
        reason: "a test".into(),
        identifiers: vec![make::identifier(B)],
        ..SeparateIdentifiersRequest::default()
    };
    let separated = service.identities().separate_identifiers(request).await;
    separated.unwrap();
    let both = [next(&mut all).await.0, next(&mut all).await.0];
    let split = both.iter().find(|change| change.profile_id == a).unwrap();
    assert_eq!(split.kind(), ProfileChangeKind::Split);
    let other = both.iter().find(|change| change.profile_id != a).unwrap();
    assert_eq!(other.kind(), ProfileChangeKind::Created);
    service.retract(retracting("r", &["a"])).await.unwrap();
    let (emptied, _) = next(&mut all).await;
    assert_eq!(emptied.kind(), ProfileChangeKind::Emptied);
    drop(all);
    service.stop().await;
}
