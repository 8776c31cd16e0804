//! `SearchProfiles`: by what profiles say, and by when they were last seen.

use customer_profile::proto::v1::{
    Interaction, Profile, SearchProfilesRequest, Trait, trait_value::Kind,
};
use prost_types::FieldMask;

use crate::harness::{Database, Service, calls::retracting, make, service::with_metadata};

const UNION: (&str, &str) = (
    "CUSTOMER_PROFILE_TENANT_DEFAULTS__SURVIVORSHIP__TAGS",
    "set_union",
);

fn by(traits: &[(&str, Kind)]) -> SearchProfilesRequest {
    SearchProfilesRequest {
        traits: traits
            .iter()
            .map(|(name, kind)| make::fact(name, kind.clone()))
            .collect::<Vec<Trait>>(),
        ..SearchProfilesRequest::default()
    }
}

/// Everyone that a search finds, page by page.
async fn everyone(service: &Service, mut request: SearchProfilesRequest) -> Vec<Profile> {
    let mut client = service.profiles();
    let mut found = Vec::new();
    loop {
        let page = client
            .search_profiles(request.clone())
            .await
            .unwrap()
            .into_inner();
        found.extend(page.profiles);
        if page.next_page_token.is_empty() {
            return found;
        }
        request.page_token = page.next_page_token;
    }
}

async fn count(service: &Service, traits: &[(&str, Kind)]) -> usize {
    everyone(service, by(traits)).await.len()
}

fn of(source: &str, interaction: Interaction) -> Interaction {
    Interaction {
        source: source.into(),
        ..interaction
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_shown_is_found_and_one_that_lost_is_not() {
    let service = Service::start().await;
    let who = "email=a@example.com";
    let says =
        |event: &str, at, city: &str| make::stating(event, at, who, &[("city", make::text(city))]);
    service
        .record_all(vec![
            says("1", 10, "Osaka"),
            of("crm", says("2", 20, "Nara")),
            says("3", 15, "Kobe"),
        ])
        .await;
    for (city, wanted) in [("Osaka", 0), ("Nara", 1), ("Kobe", 0), ("nara", 0), ("", 0)] {
        assert_eq!(
            count(&service, &[("city", make::text(city))]).await,
            wanted,
            "{city}"
        );
    }
    assert_eq!(count(&service, &[("town", make::text("Nara"))]).await, 0);
    // When the newest is taken out, the next one is shown and found.
    let mut request = retracting("op", &["2"]);
    if let Some(customer_profile::proto::v1::retract_interactions_request::Selection::References(
        list,
    )) = &mut request.selection
    {
        list.references[0].source = "crm".into();
    }
    assert_eq!(service.retract(request).await.unwrap().retracted, 1);
    assert_eq!(count(&service, &[("city", make::text("Kobe"))]).await, 1);
    assert_eq!(count(&service, &[("city", make::text("Nara"))]).await, 0);
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_found_by_type_and_in_their_canonical_form() {
    let service = Service::start().await;
    let kinds = [
        Kind::Integer(5),
        Kind::Decimal("5.0".into()),
        make::text("5"),
        Kind::Boolean(true),
        Kind::Date("2024-02-29".into()),
        Kind::Time(make::at(3).unwrap()),
        make::list(&["b", "a"]),
        Kind::Unset(true),
    ];
    for (n, kind) in kinds.iter().enumerate() {
        let who = format!("cookie=c{n}");
        let stating = make::stating(&n.to_string(), 0, &who, &[("x", kind.clone())]);
        service.record_one(stating).await;
    }
    for kind in &kinds {
        let found = everyone(&service, by(&[("x", kind.clone())])).await;
        assert_eq!(found.len(), 1, "{kind:?}");
    }
    assert_eq!(
        count(&service, &[("x", Kind::Decimal("05.00".into()))]).await,
        1
    );
    assert_eq!(count(&service, &[("x", make::list(&["a", "b"]))]).await, 0);
    assert_eq!(
        count(&service, &[("x", make::text("a"))]).await,
        0,
        "no union here"
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_traits_of_a_search_must_be_shown_whichever_is_named_first() {
    let service = Service::with(Database::new().await, &[UNION]).await;
    for n in 0..12 {
        let facts = [
            ("even", Kind::Boolean(n % 2 == 0)),
            ("third", Kind::Integer(n % 3)),
            (
                "tags",
                make::list(&["all", if n < 4 { "low" } else { "high" }]),
            ),
        ];
        let who = format!("cookie=c{n}");
        service
            .record_one(make::stating(&n.to_string(), n, &who, &facts))
            .await;
    }
    let mut wanted = vec![
        ("even", Kind::Boolean(true)),
        ("third", Kind::Integer(0)),
        ("tags", make::text("low")),
    ];
    for _ in 0..3 {
        wanted.rotate_left(1);
        let found = everyone(&service, by(&wanted)).await;
        assert_eq!(found.len(), 1, "{wanted:?}");
        assert_eq!(found[0].identifiers[0].value, "c0");
        assert_eq!(
            count(&service, &wanted[..1]).await,
            if wanted[0].0 == "even" { 6 } else { 4 }
        );
    }
    // And by when they were last seen, besides.
    let mut request = by(&[("even", Kind::Boolean(true))]);
    request.last_seen_from = make::at(3);
    request.last_seen_before = make::at(8);
    let mut seen: Vec<String> = everyone(&service, request)
        .await
        .into_iter()
        .map(|p| p.identifiers[0].value.clone())
        .collect();
    seen.sort();
    assert_eq!(seen, ["c4", "c6"]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_union_is_found_by_its_parts_and_as_a_whole() {
    let service = Service::with(Database::new().await, &[UNION]).await;
    let who = "email=a@example.com";
    let says = |event: &str, kind: Kind| make::stating(event, 0, who, &[("tags", kind)]);
    service
        .record_all(vec![
            of("crm", says("1", make::list(&["vip", "b2b"]))),
            of("shop", says("2", make::text("sale"))),
            of("app", says("3", Kind::Integer(7))),
        ])
        .await;
    for part in ["vip", "b2b", "sale", "7"] {
        assert_eq!(
            count(&service, &[("tags", make::text(part))]).await,
            1,
            "{part}"
        );
    }
    let whole = make::list(&["7", "b2b", "sale", "vip"]);
    assert_eq!(count(&service, &[("tags", whole)]).await, 1);
    for not_shown in [
        make::list(&["vip", "b2b"]),
        make::text("vi"),
        Kind::Integer(7),
    ] {
        assert_eq!(
            count(&service, &[("tags", not_shown.clone())]).await,
            0,
            "{not_shown:?}"
        );
    }
    service.assert_agrees().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_many_identities_lead_to_appears_once_whatever_the_page_size() {
    let service = Service::start().await;
    let plan = ("plan", make::text("gold"));
    for person in 0..5 {
        let mut all: Vec<Interaction> = (0..9)
            .map(|n| {
                let who = format!("cookie=p{person}c{n}");
                make::stating(
                    &format!("{person}/{n}"),
                    n,
                    &who,
                    std::slice::from_ref(&plan),
                )
            })
            .collect();
        let names: Vec<String> = (0..9).map(|n| format!("cookie=p{person}c{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        all.push(make::seen(&format!("{person}/join"), 20, &names));
        service.record_all(all).await;
    }
    for size in [1, 2, 5, 100] {
        let mut request = by(std::slice::from_ref(&plan));
        request.page_size = size;
        let found = everyone(&service, request).await;
        let mut ids: Vec<&str> = found.iter().map(|p| p.profile_id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((found.len(), ids.len()), (5, 5), "pages of {size}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_finds_whoever_was_last_seen_in_it_newest_day_first() {
    const DAY: i64 = 86_400;
    let service = Service::start().await;
    let all = (0..130).map(|n| {
        let who = format!("cookie=c{n:03}");
        make::seen(&n.to_string(), n * DAY / 10, &[&who])
    });
    service.record_all(all.collect()).await;
    for (from, before, wanted) in [
        (None, make::at(DAY), 10),
        (make::at(DAY), None, 120),
        (make::at(DAY / 10 * 7), make::at(DAY / 10 * 7 + 1), 1),
        (make::at(DAY / 10 * 7 + 1), make::at(DAY / 10 * 8), 0),
        (make::at(100 * DAY), None, 0),
    ] {
        for size in [7, 100] {
            let request = SearchProfilesRequest {
                last_seen_from: from,
                last_seen_before: before,
                page_size: size,
                ..SearchProfilesRequest::default()
            };
            let found = everyone(&service, request).await;
            assert_eq!(found.len(), wanted, "{from:?} {before:?} by {size}");
            let days: Vec<i64> = found
                .iter()
                .map(|p| p.last_seen.unwrap().seconds / DAY)
                .collect();
            assert!(days.is_sorted_by(|a, b| a >= b), "{days:?}");
        }
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_of_one_tenant_masked_and_leaves_out_who_is_gone() {
    let service = Service::start().await;
    let (a, b) = ("email=a@example.com", "email=b@example.com");
    let plan = ("plan", make::text("gold"));
    let all = vec![
        make::stating("1", 0, a, std::slice::from_ref(&plan)),
        make::stating("2", 1, b, std::slice::from_ref(&plan)),
        make::stating("3", 2, "email=c@example.com", std::slice::from_ref(&plan)),
        make::seen("join", 3, &[a, b]),
    ];
    service.record_all(all).await;
    service.retract(retracting("op", &["3"])).await.unwrap();
    let by_day = SearchProfilesRequest {
        last_seen_from: make::at(0),
        ..SearchProfilesRequest::default()
    };
    for request in [by(std::slice::from_ref(&plan)), by_day] {
        let found = everyone(&service, request.clone()).await;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].interactions_total, 3);
        let other = with_metadata(request.clone(), &[("x-tenant-id", "other")]);
        let page = service
            .profiles()
            .search_profiles(other)
            .await
            .unwrap()
            .into_inner();
        assert!(page.profiles.is_empty() && page.next_page_token.is_empty());
        let mut reading = with_metadata(request, &[("x-permissions", "read")]);
        reading.get_mut().field_mask = Some(FieldMask {
            paths: vec!["identifiers".into(), "traits".into()],
        });
        let page = service
            .profiles()
            .search_profiles(reading)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.masked_fields, ["identifiers"]);
        assert!(page.profiles[0].identifiers.is_empty() && page.profiles[0].orders.is_none());
        assert_eq!(page.profiles[0].traits.len(), 1);
    }
    service.stop().await;
}
