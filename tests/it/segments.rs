//! Segments: which a customer is in, until when, and how many a rule would let in.

use customer_profile::proto::v1::{
    GetSegmentsRequest, GetSegmentsResponse, ImportActionsRequest, ListSegmentsRequest,
    ListSegmentsResponse,
    MembershipStatus::{Member, NotMember, Unknown},
    PreviewSegmentRequest, PreviewSegmentResponse, ReadOptions, SegmentMembership,
};
use tonic::{Code, Status};

use crate::harness::{
    Database, Service, make,
    refused::{assert_invalid, invalid, refused},
    service::with_metadata,
};

const WHO: &str = "email=hanako@example.com";

const SEGMENTS: &str = r#"catalogue: 1
segments:
  - name: busy
    description: Was seen three times or more.
    rule: interactions >= 3
  - name: idle
    rule: '!segment("busy") && days_since(last_seen) >= 0'
  - name: spender
    rule: 'order_count > 0'
  - name: marked
    rule: 'trait["secret"] == "x"'
  - name: served
    rule: 'segment("spender") || days_since(last_order) < 30'
"#;

/// A request that sees the catalogue as a change left it.
fn asking(who: &str, token: &str) -> GetSegmentsRequest {
    GetSegmentsRequest {
        lookup: make::by(who),
        read_options: Some(ReadOptions {
            tokens: vec![token.to_owned()],
            ..ReadOptions::default()
        }),
        ..GetSegmentsRequest::default()
    }
}

fn one<'a>(answer: &'a GetSegmentsResponse, name: &str) -> &'a SegmentMembership {
    let mut found = answer.memberships.iter().filter(|m| m.segment == name);
    found.next().unwrap_or_else(|| panic!("{name}: {answer:?}"))
}

async fn with_segments() -> (Service, String) {
    with_segments_on(Service::start().await).await
}

/// With the token of the change.
async fn with_segments_on(service: Service) -> (Service, String) {
    service.import_starter("starter").await;
    let request = ImportActionsRequest {
        operation_id: "segments".into(),
        documents: vec![SEGMENTS.into()],
        ..ImportActionsRequest::default()
    };
    let answer = service.actions().import_actions(request).await.unwrap();
    (service, answer.into_inner().token)
}

async fn get(
    service: &Service,
    request: GetSegmentsRequest,
) -> Result<GetSegmentsResponse, Status> {
    let answer = service.segments().get_segments(request).await?;
    Ok(answer.into_inner())
}

async fn list(service: &Service) -> ListSegmentsResponse {
    let mut client = service.segments();
    let answer = client.list_segments(ListSegmentsRequest::default()).await;
    answer.unwrap().into_inner()
}

async fn preview(
    service: &Service,
    (name, rule): (&str, &str),
) -> Result<PreviewSegmentResponse, Status> {
    let request = PreviewSegmentRequest {
        rule: rule.into(),
        name: name.into(),
    };
    let answer = service.segments().preview_segment(request).await?;
    Ok(answer.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_is_in_the_segments_of_the_profile_as_it_is() {
    let (service, catalogue) = with_segments().await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let answer = get(&service, asking(WHO, &catalogue)).await.unwrap();
    assert_eq!(one(&answer, "busy").status(), NotMember);
    assert_eq!(one(&answer, "idle").status(), Member);
    assert_eq!(one(&answer, "spender").status(), NotMember);
    let served = one(&answer, "served");
    assert_eq!(served.status(), Unknown);
    assert!(served.missing.contains("last_order"), "{served:?}");
    assert_eq!(one(&answer, "busy").until, None);
    assert!(answer.masked_fields.is_empty() && answer.policy_version > 0);
    let names: Vec<_> = answer.memberships.iter().map(|m| &m.segment).collect();
    assert!(names.is_sorted(), "{names:?}");

    // What happens shows at once, by the token of the write.
    let more = vec![make::seen("2", 1, &[WHO]), make::seen("3", 2, &[WHO])];
    let request = crate::harness::calls::recording(more);
    let stored = service.interactions().record_interactions(request).await;
    let token = stored.unwrap().into_inner().token;
    let mut request = asking(WHO, &catalogue);
    request.segments = vec!["busy".into(), "idle".into()];
    request.explain = true;
    request.read_options.as_mut().unwrap().tokens.push(token);
    let answer = get(&service, request).await.unwrap();
    assert_eq!(answer.memberships.len(), 2);
    assert_eq!(one(&answer, "busy").status(), Member);
    assert_eq!(one(&answer, "idle").status(), NotMember);
    let fact = &one(&answer, "busy").facts[0];
    assert_eq!(fact.name, "interactions");
    assert!(fact.value.is_some());
    assert_eq!(answer.profile_id, service.profile(WHO).await.profile_id);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_listed_with_their_rules_and_what_they_ask_for() {
    let service = Service::start().await;
    assert!(list(&service).await.segments.is_empty());
    service.stop().await;
    let (service, _) = with_segments().await;
    let answer = list(&service).await;
    let found = |name: &str| answer.segments.iter().find(|s| s.name == name).unwrap();
    assert_eq!(found("busy").rule, "interactions >= 3");
    assert_eq!(found("busy").version, 1);
    assert_eq!(found("idle").segments, ["busy"]);
    assert!(answer.segments.iter().map(|s| &s.name).is_sorted());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_request_is_named() {
    let (service, catalogue) = with_segments().await;
    let status = get(&service, asking(WHO, &catalogue)).await.unwrap_err();
    refused(&status, Code::NotFound, "not_found");
    let mut request = asking(WHO, &catalogue);
    request.segments = ["busy", "busy", "gone", "A b"].map(str::to_owned).into();
    let status = get(&service, request).await.unwrap_err();
    assert_invalid(
        &status,
        &[
            ("segments[1]", "duplicate_name"),
            ("segments[2]", "unknown_name"),
            ("segments[3]", "not_a_slug"),
        ],
    );
    let wrong = "order_count >= \"x\" && nothing_such && segment(\"gone\")";
    let status = preview(&service, ("No Slug", wrong)).await.unwrap_err();
    let named = invalid(&status);
    assert!(named.iter().any(|(f, r)| f == "name" && r == "not_a_slug"));
    let of_rule = named
        .iter()
        .filter(|(f, r)| f == "rule" && r == "rule_invalid");
    assert_eq!(of_rule.count(), 2, "{named:?}");
    for (name, rule) in [
        ("", "segment(\"gone\")"),
        ("busy", "segment(\"idle\")"),
        ("", "context[\"page\"] == \"cart\""),
    ] {
        let status = preview(&service, (name, rule)).await.unwrap_err();
        let named = invalid(&status);
        assert!(
            named
                .iter()
                .all(|(f, r)| f == "rule" && r == "rule_invalid"),
            "{named:?}"
        );
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_of_a_rule_is_told_before_it_is_saved() {
    let (service, catalogue) = with_segments().await;
    let empty = preview(&service, ("", "known")).await.unwrap();
    assert!(empty.complete && empty.sampled == 0 && empty.share.is_none());
    let mut all = Vec::new();
    for person in 0..60 {
        for event in 0..=person % 5 {
            let who = format!("email=p{person}@example.com");
            all.push(make::seen(&format!("{person}/{event}"), event, &[&who]));
        }
    }
    service.record_all(all).await;
    let size = preview(&service, ("", "interactions >= 4")).await.unwrap();
    assert!(size.complete);
    assert_eq!((size.sampled, size.population), (60, 60));
    assert_eq!((size.members, size.not_members, size.unknown), (24, 36, 0));
    assert_eq!(size.estimated_members, 24);
    assert_eq!(size.share, Some(0.4));
    assert!(size.share_low < Some(0.4) && Some(0.4) < size.share_high);
    assert_eq!(size.members_now, None);
    assert_eq!(size.examples.len(), 5);
    // Others that are asked for count as they are.
    let size = preview(&service, ("", "segment(\"idle\")")).await.unwrap();
    assert_eq!((size.members, size.not_members), (24, 36));
    // In the place of another one.
    let size = preview(&service, ("busy", "interactions == 3 || interactions < 2"));
    let size = size.await.unwrap();
    assert_eq!((size.members, size.members_now), (24, Some(36)));
    assert_eq!((size.joining, size.leaving), (Some(12), Some(24)));
    // Nothing was saved.
    let answer = get(&service, asking("email=p4@example.com", &catalogue))
        .await
        .unwrap();
    assert_eq!(one(&answer, "busy").status(), Member);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn examples_are_for_those_who_may_read() {
    let (service, _) = with_segments().await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let request = PreviewSegmentRequest {
        rule: "interactions > 0".into(),
        ..PreviewSegmentRequest::default()
    };
    for (permissions, named) in [("administer", 0), ("administer,read", 1)] {
        let request = with_metadata(request.clone(), &[("x-permissions", permissions)]);
        let answer = service.segments().preview_segment(request).await.unwrap();
        let answer = answer.into_inner();
        assert_eq!((answer.members, answer.examples.len()), (1, named));
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_segments_that_rest_on_what_is_hidden() {
    let hidden = [
        ("CUSTOMER_PROFILE_DEPARTMENTS__DESK__HIDDEN", "orders"),
        (
            "CUSTOMER_PROFILE_DEPARTMENTS__DESK__HIDDEN_TRAITS",
            "secret",
        ),
    ];
    let (service, catalogue) =
        with_segments_on(Service::with(Database::new().await, &hidden).await).await;
    service.record_all(vec![make::seen("1", 0, &[WHO])]).await;
    let request = with_metadata(asking(WHO, &catalogue), &[("x-department", "desk")]);
    let answer = service.segments().get_segments(request).await.unwrap();
    let answer = answer.into_inner();
    let masked = |name: &str| {
        answer
            .masked_fields
            .contains(&format!("memberships[{name}]"))
    };
    // One rests on orders by its own rule, the other by that of the first as well.
    assert!(masked("spender") && masked("served") && !masked("busy"));
    assert!(masked("marked"));
    let shown = |name: &str| answer.memberships.iter().any(|m| m.segment == name);
    assert!(!shown("spender") && !shown("served") && shown("busy") && shown("idle"));
    // How many there are would tell as well.
    for rule in [
        "interactions > 0 || segment(\"served\")",
        "trait[\"secret\"] == \"x\"",
    ] {
        let request = PreviewSegmentRequest {
            rule: rule.into(),
            ..PreviewSegmentRequest::default()
        };
        let request = with_metadata(request, &[("x-department", "desk")]);
        let status = service.segments().preview_segment(request).await;
        refused(&status.unwrap_err(), Code::PermissionDenied, "field_masked");
    }
    service.stop().await;
}
