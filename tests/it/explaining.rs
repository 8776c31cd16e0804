//! Why identifiers are one person.

use customer_profile::proto::v1::{
    CutRule, DecisionKind, ExplainIdentityRequest, ExplainIdentityResponse, Interaction,
    MergeProfilesRequest, PictureFormat, ProfileLookup, SeparateIdentifiersRequest,
};
use tonic::Code;

use crate::harness::{Service, calls::retracting, make, refused::refused, service::of_tenant};

async fn explain(service: &Service, lookup: Option<ProfileLookup>) -> ExplainIdentityResponse {
    let request = ExplainIdentityRequest {
        lookup,
        ..ExplainIdentityRequest::default()
    };
    let answer = service.identities().explain_identity(request).await;
    answer.unwrap().into_inner()
}

/// Links as (stronger, weaker, interactions).
fn links(graph: &ExplainIdentityResponse) -> Vec<(&str, &str, i64)> {
    let name = |place: i32| {
        let identifier = &graph.identifiers[usize::try_from(place).unwrap()];
        identifier.namespace.as_str()
    };
    let shown = graph.links.iter();
    shown
        .map(|link| (name(link.from), name(link.to), link.interactions))
        .collect()
}

fn in_store(event_id: &str, seconds: i64, identifiers: &[&str]) -> Interaction {
    Interaction {
        source: "till".into(),
        department: "store".into(),
        channel: "store".into(),
        r#type: "visit.noticed".into(),
        ..make::seen(event_id, seconds, identifiers)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_link_says_when_how_often_and_by_which_interactions() {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::seen("1", 10, &["email=a@example.com", "cookie=c1"]),
            make::seen("2", 30, &["cookie=c1", "email=a@example.com"]),
            make::seen("3", 20, &["email=a@example.com", "cookie=c1"]),
            in_store("4", 40, &["customer_id=C-1", "email=a@example.com"]),
            make::seen("5", 50, &["email=b@example.com"]),
        ])
        .await;
    let graph = explain(&service, make::by("cookie=c1")).await;
    assert_eq!(graph.answered_by, Some(0));
    assert_eq!((graph.identifiers_total, graph.links_total), (3, 2));
    assert_eq!(
        links(&graph),
        [("customer_id", "email", 1), ("email", "cookie", 3)]
    );
    let [one, many] = graph.links.as_slice() else {
        panic!("{graph:?}")
    };
    assert_eq!(
        (one.first_seen, one.last_seen),
        (make::at(40), make::at(40))
    );
    let [only] = one.evidence.as_slice() else {
        panic!("{one:?}")
    };
    assert_eq!(
        (&*only.source, &*only.department, &*only.r#type),
        ("till", "store", "visit.noticed")
    );
    assert_eq!(
        (many.first_seen, many.last_seen),
        (make::at(10), make::at(30))
    );
    let times: Vec<_> = many.evidence.iter().map(|e| e.occurred_at).collect();
    assert_eq!(times, [make::at(10), make::at(30)]);
    let by_id = ProfileLookup {
        profile_id: graph.profile_id.clone(),
        identifiers: Vec::new(),
    };
    let by_id = explain(&service, Some(by_id)).await;
    assert_eq!(
        (by_id.answered_by, by_id.version, by_id.links),
        (None, graph.version, graph.links)
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_that_was_retracted_is_gone_with_its_link() {
    let service = Service::start().await;
    service
        .record_all(vec![
            make::seen("1", 10, &["email=a@example.com", "cookie=c1"]),
            make::seen("2", 20, &["email=a@example.com", "cookie=c1"]),
            make::seen("3", 30, &["email=a@example.com", "cookie=c2"]),
        ])
        .await;
    let request = retracting("op", &["2", "3"]);
    service
        .interactions()
        .retract_interactions(request)
        .await
        .unwrap();
    let graph = explain(&service, make::by("email=a@example.com")).await;
    assert_eq!(links(&graph), [("email", "cookie", 1)]);
    assert_eq!(graph.links[0].last_seen, make::at(10));
    assert_eq!(graph.links[0].evidence.len(), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_graph_that_is_large_is_cut_to_its_strongest() {
    let service = Service::start().await;
    let devices: Vec<String> = (0..300).map(|n| format!("device_id=d{n:03}")).collect();
    let mut sent: Vec<Interaction> = Vec::new();
    for (n, device) in devices.iter().enumerate() {
        let seconds = i64::try_from(n).unwrap();
        let who = ["customer_id=C-1", "email=a@example.com", device];
        sent.push(make::seen(&n.to_string(), seconds, &who));
    }
    service.record_all(sent).await;
    let graph = explain(&service, make::by("device_id=d299")).await;
    assert_eq!(graph.identifiers_total, 302);
    assert_eq!(graph.identifiers.len(), 256);
    // One link from the customer number to each other identifier shown.
    assert_eq!(graph.links_total, 255);
    assert!(graph.links.iter().all(|link| link.from == 0));
    assert!(graph.links.iter().all(|link| !link.evidence.is_empty()));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_explained_across_tenants_or_when_unknown() {
    let service = Service::start().await;
    service
        .record_all(vec![make::seen("1", 10, &["email=a@example.com"])])
        .await;
    let alone = explain(&service, make::by("email=a@example.com")).await;
    assert_eq!((alone.identifiers.len(), alone.links_total), (1, 0));
    for (tenant, who) in [
        ("other", "email=a@example.com"),
        ("default", "email=b@example.com"),
    ] {
        let request = ExplainIdentityRequest {
            lookup: make::by(who),
            ..ExplainIdentityRequest::default()
        };
        let request = of_tenant(tenant, request);
        let status = service.identities().explain_identity(request).await;
        refused(&status.unwrap_err(), Code::NotFound, "not_found");
    }
    service.stop().await;
}

/// A store in which a tablet is shared, an address is contested, a till is a hub, one was separated and two were merged.
async fn entangled() -> Service {
    let service = Service::start().await;
    let (anna, bob) = ("customer_id=anna", "customer_id=bob");
    service
        .record_all(vec![
            make::seen("1", 10, &[anna, "email=family@example.com"]),
            make::seen("2", 20, &[anna, "device_id=tablet"]),
            make::seen("3", 30, &[anna, "cookie=hers"]),
            in_store("4", 40, &[anna, "phone=090-1234-5601"]),
            make::seen("5", 50, &["loyalty_id=770001"]),
        ])
        .await;
    for (n, who) in [[bob, "email=family@example.com"], [bob, "device_id=tablet"]]
        .iter()
        .enumerate()
    {
        let event = format!("b{n}");
        service.record_one(make::seen(&event, 100, who)).await;
    }
    for n in 0..7 {
        let (event, customer) = (format!("t{n}"), format!("customer_id=c{n}"));
        let who = [&*customer, "cookie=till"];
        service.record_one(make::seen(&event, 200 + n, &who)).await;
    }
    let at_till = make::seen("t9", 300, &[anna, "cookie=till"]);
    service.record_one(at_till).await;
    let mut identities = service.identities();
    let request = SeparateIdentifiersRequest {
        operation_id: "not-hers".into(),
        reason: "a <wrong> number".into(),
        identifiers: vec![make::identifier("phone=090-1234-5601")],
        ..SeparateIdentifiersRequest::default()
    };
    identities.separate_identifiers(request).await.unwrap();
    let request = MergeProfilesRequest {
        operation_id: "card".into(),
        reason: "she showed it".into(),
        target: make::by(anna),
        source: make::by("loyalty_id=770001"),
        ..MergeProfilesRequest::default()
    };
    identities.merge_profiles(request).await.unwrap();
    service
}

/// Cuts as (this end, the other end, rule).
fn cuts(graph: &ExplainIdentityResponse) -> Vec<(&str, &str, CutRule)> {
    let name = |place: i32| &*graph.identifiers[usize::try_from(place).unwrap()].value;
    let mut cuts: Vec<_> = graph
        .cuts
        .iter()
        .map(|cut| (name(cut.from), &*cut.to.as_ref().unwrap().value, cut.rule()))
        .collect();
    cuts.sort_unstable_by_key(|(from, to, _)| (*from, *to));
    cuts
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_says_by_which_rule_and_who_decided() {
    let service = entangled().await;
    let graph = explain(&service, make::by("customer_id=anna")).await;
    assert_eq!(
        cuts(&graph),
        [
            ("anna", "+819012345601", CutRule::Separated),
            ("anna", "family@example.com", CutRule::Limit),
            ("anna", "tablet", CutRule::Shared),
            ("anna", "till", CutRule::Hub),
        ]
    );
    assert_eq!((graph.cuts_total, graph.cuts_unknown), (4, false));
    let of = |rule| graph.cuts.iter().find(|cut| cut.rule() == rule).unwrap();
    let limit = of(CutRule::Limit);
    assert_eq!((&*limit.namespace, limit.limit), ("customer_id", 1));
    assert_eq!(
        (&limit.values, &limit.other_values),
        (&vec!["anna".to_owned()], &vec!["bob".to_owned()])
    );
    assert_eq!(
        (limit.first_seen, limit.last_seen, limit.interactions),
        (make::at(10), make::at(10), 1)
    );
    assert_eq!(limit.evidence[0].r#type, "page.viewed");
    assert_eq!(
        limit.profile_id,
        service.profile("customer_id=bob").await.profile_id
    );
    assert_eq!(of(CutRule::Separated).separated_by, "not-hers");
    assert_eq!(of(CutRule::Shared).to.as_ref().unwrap().shared, Some(true));
    assert_eq!(of(CutRule::Hub).to.as_ref().unwrap().hub, Some(true));
    let decisions: Vec<_> = graph
        .decisions
        .iter()
        .map(|d| (&*d.operation_id, d.kind(), &*d.reason, d.asserted.len()))
        .collect();
    assert_eq!(
        decisions,
        [
            ("card", DecisionKind::Merge, "she showed it", 1),
            ("not-hers", DecisionKind::Separation, "a <wrong> number", 0),
        ]
    );
    let parted = &graph.decisions[1];
    assert_eq!((parted.chosen_total, parted.others_total), (1, 2));
    assert_eq!(parted.chosen[0].value, "+819012345601");
    assert_eq!(parted.others[0].value, "anna");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_say_whether_they_are_shared_contested_or_hubs() {
    let service = entangled().await;
    let graph = explain(&service, make::by("customer_id=bob")).await;
    let marks: Vec<_> = graph
        .identifiers
        .iter()
        .map(|i| (&*i.value, i.hub(), i.shared(), i.contested(), i.apart()))
        .collect();
    assert_eq!(
        marks,
        [
            ("bob", false, false, false, false),
            ("family@example.com", false, false, true, false),
            ("tablet", false, true, true, true),
        ]
    );
    // Seen from whom the tablet goes with, too, its other link is cut because it is shared.
    let shared = graph.cuts.iter().find(|cut| cut.rule() == CutRule::Shared);
    assert_eq!(cuts(&graph).len(), 2, "{graph:?}");
    assert_eq!(shared.unwrap().interactions, 1);
    let till = explain(&service, make::by("cookie=till")).await;
    assert_eq!(till.identifiers[0].hub, Some(true));
    assert_eq!((till.cuts.len(), till.cuts_total), (8, 8));
    assert!(till.cuts.iter().all(|cut| cut.rule() == CutRule::Hub));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_shows_what_the_answer_says() {
    let service = entangled().await;
    let mut pictures = Vec::new();
    for format in [
        PictureFormat::Unspecified,
        PictureFormat::Dot,
        PictureFormat::Svg,
    ] {
        let request = ExplainIdentityRequest {
            lookup: make::by("customer_id=anna"),
            picture_format: format.into(),
            ..ExplainIdentityRequest::default()
        };
        let answer = service.identities().explain_identity(request).await;
        pictures.push(answer.unwrap().into_inner().picture);
    }
    let [none, dot, svg] = pictures.as_slice() else {
        panic!("{pictures:?}")
    };
    assert_eq!(none, "");
    assert!(dot.starts_with("graph identity {") && svg.starts_with("<svg "));
    for text in [
        "anna",
        "770001",
        "family@example.com",
        "tablet",
        "till",
        "a &lt;wrong&gt; number",
        "here anna, there bob",
    ] {
        assert!(dot.contains(text), "{text} is not in {dot}");
        assert!(svg.contains(text), "{text} is not in {svg}");
    }
    let request = ExplainIdentityRequest {
        lookup: make::by("customer_id=anna"),
        picture_format: 9,
        ..ExplainIdentityRequest::default()
    };
    let status = service.identities().explain_identity(request).await;
    refused(&status.unwrap_err(), Code::InvalidArgument, "invalid");
    service.stop().await;
}
