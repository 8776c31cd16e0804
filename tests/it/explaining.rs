//! Why identifiers are one person.

use customer_profile::proto::v1::{
    ExplainIdentityRequest, ExplainIdentityResponse, Interaction, ProfileLookup,
};
use tonic::Code;

use crate::harness::{Service, calls::retracting, make, refused::refused, service::of_tenant};

async fn explain(service: &Service, lookup: Option<ProfileLookup>) -> ExplainIdentityResponse {
    let request = ExplainIdentityRequest {
        lookup,
        read_options: None,
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
            read_options: None,
        };
        let request = of_tenant(tenant, request);
        let status = service.identities().explain_identity(request).await;
        refused(&status.unwrap_err(), Code::NotFound, "not_found");
    }
    service.stop().await;
}
