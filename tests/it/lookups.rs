//! Who is asked for, and what is shown of them.

use customer_profile::proto::v1::{
    BatchGetProfilesRequest, ConsentState, GetProfileRequest, GetProfileResponse,
    ListIdentifiersRequest, ListTraitsRequest, Profile, ProfileLookup, ReadSource,
};
use prost_types::FieldMask;

use crate::harness::{
    Service,
    calls::{by_id, getting},
    make,
    service::with_metadata,
};

const A: &str = "email=a@example.com";
const B: &str = "email=b@example.com";

fn by_all(who: &[&str]) -> Option<ProfileLookup> {
    Some(ProfileLookup {
        profile_id: String::new(),
        identifiers: who.iter().map(|w| make::identifier(w)).collect(),
    })
}

fn masked(paths: &[&str]) -> Option<FieldMask> {
    Some(FieldMask {
        paths: paths.iter().map(|p| (*p).to_owned()).collect(),
    })
}

async fn answer(service: &Service, request: GetProfileRequest) -> GetProfileResponse {
    service
        .profiles()
        .get_profile(request)
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_identifier_that_is_known_answers_and_the_reply_says_which() {
    let service = Service::start().await;
    let of_a = service.record_one(make::seen("1", 0, &[A])).await;
    let of_b = service.record_one(make::seen("2", 0, &[B])).await;
    for (who, id, which) in [
        (vec![A, B], &of_a, 0),
        (vec![B, A], &of_b, 0),
        (
            vec!["email=c@example.com", "phone=unknown", "phone=12", B, A],
            &of_b,
            3,
        ),
        (vec!["email=MAILTO:A@Example.com"], &of_a, 0),
    ] {
        let mut request = getting(A);
        request.lookup = by_all(&who);
        let found = answer(&service, request).await;
        assert_eq!(
            (&found.profile.unwrap().profile_id, found.answered_by),
            (id, Some(which))
        );
        let info = found.read_info.unwrap();
        let near = [ReadSource::Memory, ReadSource::Primary];
        assert!(near.contains(&info.source()));
        assert!(!info.token.is_empty());
    }
    let mut request = getting(A);
    request.lookup = by_id(&of_a.to_uppercase());
    let found = answer(&service, request).await;
    assert_eq!(
        (found.profile.unwrap().profile_id, found.answered_by),
        (of_a, None)
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_customer_is_an_empty_profile_for_whoever_allows_it() {
    let service = Service::start().await;
    service.record_one(make::seen("1", 0, &[A])).await;
    for lookup in [
        by_all(&[B, "phone=unknown"]),
        by_id("018f0000-0000-7000-8000-000000000000"),
    ] {
        let request = GetProfileRequest {
            lookup,
            allow_missing: true,
            ..GetProfileRequest::default()
        };
        let found = answer(&service, request).await;
        assert_eq!(found.profile.unwrap(), Profile::default());
        assert_eq!(found.answered_by, None);
    }
    let mut request = getting(A);
    request.allow_missing = true;
    assert!(answer(&service, request).await.profile.unwrap().known);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_merged_away_answers_with_whoever_holds_its_people() {
    let service = Service::start().await;
    let names: Vec<String> = (0..6).map(|n| format!("social_handle=p{n}")).collect();
    let mut ids = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let at = i64::try_from(n).unwrap();
        ids.push(
            service
                .record_one(make::seen(&n.to_string(), 10 - at, &[name]))
                .await,
        );
    }
    // In pairs, then pairs of pairs: ids are merged away more than once.
    for (n, (a, b)) in [(0, 1), (2, 3), (1, 2), (4, 5), (5, 0)]
        .into_iter()
        .enumerate()
    {
        let both = [names[a].as_str(), names[b].as_str()];
        service
            .record_one(make::seen(&format!("join{n}"), 20, &both))
            .await;
    }
    let holder = service.profile(&names[0]).await.profile_id;
    assert_eq!(holder, ids[5], "the oldest");
    let lookups: Vec<ProfileLookup> = ids.iter().filter_map(|id| by_id(id)).collect();
    let request = BatchGetProfilesRequest {
        lookups,
        ..BatchGetProfilesRequest::default()
    };
    let found = service
        .profiles()
        .batch_get_profiles(request)
        .await
        .unwrap()
        .into_inner();
    for result in found.results {
        assert_eq!(result.profile.unwrap().profile_id, holder);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_mask_chooses_fields_and_never_hides_who_it_is() {
    let service = Service::start().await;
    let id = service.record_one(make::order("1", 0, A, "o", 5)).await;
    let mut request = getting(A);
    request.field_mask = masked(&["orders", "last_seen", "orders"]);
    let found = answer(&service, request).await.profile.unwrap();
    let whole = service.profile(A).await;
    let wanted = Profile {
        profile_id: id,
        known: true,
        version: whole.version,
        orders: whole.orders.clone(),
        last_seen: whole.last_seen,
        ..Profile::default()
    };
    assert_eq!(found, wanted);
    let mut request = getting(A);
    request.field_mask = masked(&[]);
    assert_eq!(answer(&service, request).await.profile.unwrap(), whole);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_may_not_read_is_left_out_and_named() {
    let service = Service::start().await;
    let consent = make::consent("1", 0, A, ConsentState::Denied, Some(B));
    service.record_all(vec![consent]).await;
    let reading = [("x-permissions", "read")];
    let found = service
        .profiles()
        .get_profile(with_metadata(getting(A), &reading))
        .await
        .unwrap()
        .into_inner();
    let profile = found.profile.unwrap();
    assert!(profile.identifiers.is_empty() && profile.consents[0].address.is_none());
    assert_eq!(profile.consents[0].state(), ConsentState::Denied);
    assert_eq!(profile.identifiers_total, 1);
    assert_eq!(
        found.masked_fields,
        [
            "identifiers",
            "segments",
            "consents.address",
            "sentiment.last.words"
        ]
    );
    // What was not asked for is not left out.
    for (paths, wanted) in [
        (vec!["traits"], vec![]),
        (vec!["consents"], vec!["consents.address"]),
        (vec!["identifiers", "traits"], vec!["identifiers"]),
    ] {
        let request = BatchGetProfilesRequest {
            lookups: make::by(A).into_iter().collect(),
            field_mask: masked(&paths),
            read_options: None,
        };
        let request = with_metadata(request, &reading);
        let found = service
            .profiles()
            .batch_get_profiles(request)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(found.masked_fields, wanted, "{paths:?}");
    }
    let found = answer(&service, getting(A)).await;
    assert!(found.masked_fields.is_empty());
    let address = found.profile.unwrap().consents[0].address.clone().unwrap();
    assert_eq!(address.value, "b@example.com");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_answers_each_look_up_by_itself_and_in_order() {
    let service = Service::start().await;
    let of_a = service.record_one(make::seen("1", 0, &[A])).await;
    let of_b = service.record_one(make::seen("2", 0, &[B])).await;
    let lookups: Vec<ProfileLookup> = [
        make::by(B),
        make::by("email=nobody@example.com"),
        by_id(&of_a),
        by_all(&["email=nobody@example.com", B]),
        by_id("018f0000-0000-7000-8000-000000000000"),
        make::by(A),
        make::by(A),
    ]
    .into_iter()
    .flatten()
    .collect();
    let request = BatchGetProfilesRequest {
        lookups,
        ..BatchGetProfilesRequest::default()
    };
    let found = service
        .profiles()
        .batch_get_profiles(request)
        .await
        .unwrap()
        .into_inner();
    let shown: Vec<(String, Option<i32>)> = found
        .results
        .into_iter()
        .map(|r| (r.profile.unwrap().profile_id, r.answered_by))
        .collect();
    let nobody = (String::new(), None);
    let wanted = [
        (of_b.clone(), Some(0)),
        nobody.clone(),
        (of_a.clone(), None),
        (of_b, Some(1)),
        nobody,
        (of_a.clone(), Some(0)),
        (of_a, Some(0)),
    ];
    assert_eq!(shown, wanted);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_are_listed_page_by_page_strongest_first() {
    let service = Service::start().await;
    let mut names: Vec<String> = (0..300).map(|n| format!("cookie=c{n:03}")).collect();
    names.extend((0..5).map(|n| format!("social_handle=l{n}")));
    let all = names
        .iter()
        .enumerate()
        .map(|(n, name)| make::seen(&n.to_string(), 5, &[name, A]));
    service.record_all(all.collect()).await;
    let profile = service.profile(A).await;
    assert_eq!(
        (profile.identifiers.len(), profile.identifiers_total),
        (256, 306)
    );
    for size in [7, 100, 305, 306, 1_000] {
        let mut request = ListIdentifiersRequest {
            lookup: make::by("cookie=c250"),
            page_size: size,
            ..ListIdentifiersRequest::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = service
                .profiles()
                .list_identifiers(request.clone())
                .await
                .unwrap()
                .into_inner();
            assert_eq!(page.total, 306);
            assert!(page.identifiers.len() <= usize::try_from(size).unwrap());
            listed.extend(
                page.identifiers
                    .iter()
                    .map(|i| format!("{}={}", i.namespace, i.value)),
            );
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        let of = |namespace: &str| listed.iter().filter(|i| i.starts_with(namespace)).count();
        assert_eq!(
            (of("social_handle"), of("email"), of("cookie")),
            (5, 1, 300),
            "{size}"
        );
        assert_eq!(listed[0], A);
        assert!(listed[1..6].iter().all(|i| i.starts_with("social_handle")));
        let mut unique = listed.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 306, "none twice with pages of {size}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn traits_are_listed_page_by_page_by_name() {
    let service = Service::start().await;
    let names: Vec<String> = (0..150).map(|n| format!("t{n:03}")).collect();
    for (n, part) in names.chunks(50).enumerate() {
        let facts: Vec<_> = part
            .iter()
            .map(|name| (name.as_str(), make::text("x")))
            .collect();
        service
            .record_one(make::stating(&n.to_string(), 0, A, &facts))
            .await;
    }
    for size in [0, 7, 75, 150, 1_000] {
        let mut request = ListTraitsRequest {
            lookup: make::by(A),
            page_size: size,
            ..ListTraitsRequest::default()
        };
        let mut listed = Vec::new();
        loop {
            let page = service
                .profiles()
                .list_traits(request.clone())
                .await
                .unwrap()
                .into_inner();
            assert_eq!(page.total, 150);
            listed.extend(page.traits.into_iter().map(|t| t.name));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, names, "pages of {size}");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_see_nothing_of_each_other() {
    let service = Service::start().await;
    let of_a = service.record_one(make::seen("1", 0, &[A])).await;
    let results = service
        .record_of("other", vec![make::seen("1", 0, &[A])])
        .await;
    assert_ne!(
        results[0].profile_id, of_a,
        "the same event is another one there"
    );
    let mut by_id_of_other = getting(A);
    by_id_of_other.lookup = by_id(&of_a);
    for tenant in ["other", "third"] {
        let request = with_metadata(by_id_of_other.clone(), &[("x-tenant-id", tenant)]);
        let status = service.profiles().get_profile(request).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::NotFound);
    }
    let request = with_metadata(getting(A), &[("x-tenant-id", "other")]);
    let found = service
        .profiles()
        .get_profile(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(found.profile.unwrap().interactions_total, 1);
    service.stop().await;
}
