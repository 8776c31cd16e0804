//! Tokens that callers carry: good where they came from, refused everywhere else.

use customer_profile::{
    clock::{Clock, Micros},
    grpc::token::{LIFETIME, TokenKey, WriteToken},
    ids::TenantId,
    proto::v1::{
        ListIdentifiersRequest, ListInteractionsRequest, ListTraitsRequest, ReadOptions,
        SearchProfilesRequest,
    },
};
use tonic::Code;

use crate::harness::{
    Service,
    calls::{getting, listing, recording},
    make,
    refused::{assert_invalid, invalid, refused},
    service::with_metadata,
};

fn page_of(size: i32) -> ListInteractionsRequest {
    ListInteractionsRequest {
        page_size: size,
        ..listing("email=a@example.com")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listing_refuses_page_sizes_and_page_tokens_that_are_not_its_own() {
    let service = Service::start().await;
    let (mut interactions, mut profiles) = (service.interactions(), service.profiles());
    let wanted = [
        ("page_size", "out_of_range"),
        ("page_token", "page_token_invalid"),
    ];
    for (size, search) in [(-1, -1), (1_001, 101)] {
        let request = ListInteractionsRequest {
            page_token: "00".into(),
            ..page_of(size)
        };
        let status = interactions.list_interactions(request).await.unwrap_err();
        assert_invalid(&status, &wanted);
        let request = ListIdentifiersRequest {
            lookup: make::by("email=a@example.com"),
            page_size: size,
            page_token: "no hex".into(),
            read_options: None,
        };
        let status = profiles.list_identifiers(request).await.unwrap_err();
        assert_invalid(&status, &wanted);
        let request = ListTraitsRequest {
            lookup: make::by("email=a@example.com"),
            page_size: size,
            page_token: "ab".repeat(30),
            read_options: None,
        };
        let status = profiles.list_traits(request).await.unwrap_err();
        assert_invalid(&status, &wanted);
        let request = SearchProfilesRequest {
            last_seen_from: make::at(0),
            page_size: search,
            page_token: "é".into(),
            ..SearchProfilesRequest::default()
        };
        let status = profiles.search_profiles(request).await.unwrap_err();
        assert_invalid(&status, &wanted);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_token_is_good_for_its_own_tenant_call_and_filters_only() {
    let service = Service::start().await;
    let who = "email=a@example.com";
    let seen = |n: i64| make::seen(&n.to_string(), n, &[who]);
    for tenant in ["default", "other"] {
        service
            .record_of(tenant, vec![seen(1), seen(2), seen(3)])
            .await;
    }
    let mut client = service.interactions();
    let page = client.list_interactions(page_of(1)).await.unwrap();
    let token = page.into_inner().next_page_token;
    let mut good = page_of(2);
    good.page_token.clone_from(&token);
    let page = client.list_interactions(good.clone()).await.unwrap();
    assert_eq!(
        page.into_inner().interactions.len(),
        2,
        "its size may change"
    );
    let mut other_filter = good.clone();
    other_filter.types = vec!["page.viewed".into()];
    let mut other_lookup = good.clone();
    other_lookup.lookup = make::by("email=A@example.com");
    let other_tenant = with_metadata(good, &[("x-tenant-id", "other")]);
    for request in [
        tonic::Request::new(other_filter),
        tonic::Request::new(other_lookup),
        other_tenant,
    ] {
        let status = client.list_interactions(request).await.unwrap_err();
        assert_invalid(&status, &[("page_token", "page_token_invalid")]);
    }
    let status = service
        .profiles()
        .list_traits(ListTraitsRequest {
            lookup: make::by(who),
            page_token: token,
            ..ListTraitsRequest::default()
        })
        .await
        .unwrap_err();
    assert_invalid(&status, &[("page_token", "page_token_invalid")]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_store_is_lost_and_one_of_another_tenant_invalid() {
    let (here, there) = (Service::start().await, Service::start().await);
    let who = "email=a@example.com";
    let mut tokens = Vec::new();
    for service in [&here, &there] {
        let request = recording(vec![make::seen("1", 0, &[who])]);
        let response = service.interactions().record_interactions(request).await;
        tokens.push(response.unwrap().into_inner().token);
    }
    let with = |token: &str| {
        let mut request = getting(who);
        request.read_options = Some(ReadOptions {
            tokens: vec![String::new(), token.to_owned()],
            ..ReadOptions::default()
        });
        request
    };
    assert!(here.get(with(&tokens[0])).await.is_ok());
    let status = here.get(with(&tokens[1])).await.unwrap_err();
    refused(&status, Code::Aborted, "token_lost");
    let request = with_metadata(with(&tokens[0]), &[("x-tenant-id", "other")]);
    let status = here.profiles().get_profile(request).await.unwrap_err();
    assert_invalid(&status, &[("read_options.tokens[1]", "token_invalid")]);
    let mut many = with("00");
    many.read_options.as_mut().unwrap().tokens = vec!["00".into(); 9];
    let found = invalid(&here.get(many).await.unwrap_err());
    assert!(found.contains(&("read_options.tokens".into(), "too_many".into())));
    assert_eq!(found.len(), 9);
    here.stop().await;
    there.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_yesterday_has_expired() {
    let service = Service::start().await;
    let opened = service.server().opened();
    let mut store = [0; 4];
    store.copy_from_slice(&opened.store.id.as_bytes()[..4]);
    let now = Clock::system().now();
    let issued = |ago: i64| WriteToken {
        store,
        position: 1,
        anchor: None,
        issued_at: Micros(now.0 - ago),
    };
    let key = TokenKey::new(&opened.secret);
    let mut request = getting("email=a@example.com");
    let mut ask = async |ago: i64| {
        let token = issued(ago).encode(&TenantId::default_tenant(), &key);
        request.read_options = Some(ReadOptions {
            tokens: vec![token],
            ..ReadOptions::default()
        });
        service.get(request.clone()).await.unwrap_err()
    };
    let status = ask(LIFETIME + 1_000_000).await;
    assert_invalid(&status, &[("read_options.tokens[0]", "token_expired")]);
    let status = ask(LIFETIME - 600_000_000).await;
    refused(&status, Code::NotFound, "not_found");
    service.stop().await;
}
