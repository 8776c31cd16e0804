//! Look-ups that are answered at once, beside the same ones by the way that waits: callers cannot tell them apart.

use std::time::Duration;

use customer_profile::proto::v1::{
    GetProfileRequest, GetProfileResponse, ProfileLookup, ReadOptions, ReadSource,
};
use futures_util::future::join_all;
use prost_types::FieldMask;
use tonic::{Code, Status, codec::CompressionEncoding};

use crate::{
    harness::{
        Service,
        calls::{by_id, getting},
        make,
        service::with_metadata,
        wait::until,
    },
    health::page,
};

const WHO: &str = "email=at-once@example.com";

/// As whoever has these permissions. Messages that are compressed are always waited for.
async fn ask(
    service: &Service,
    permissions: &str,
    waits: bool,
    request: GetProfileRequest,
) -> Result<GetProfileResponse, Status> {
    let mut profiles = service.profiles();
    if waits {
        profiles = profiles.send_compressed(CompressionEncoding::Gzip);
    }
    let request = with_metadata(request, &[("x-permissions", permissions)]);
    profiles
        .get_profile(request)
        .await
        .map(tonic::Response::into_inner)
}

/// How many calls were answered at once so far.
async fn at_once(service: &Service) -> u64 {
    let (_, page) = page(&service.metrics_url(), "/metrics").await;
    let name = "customer_profile_grpc_at_once_total ";
    let line = page.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |count| count.trim().parse().unwrap())
}

/// What does not depend on when it was asked.
fn told(response: GetProfileResponse) -> GetProfileResponse {
    let mut told = response;
    let info = told.read_info.as_mut().unwrap();
    assert!(!info.token.is_empty());
    info.token.clear();
    let behind: Duration = info.stale_by.take().unwrap().try_into().unwrap();
    assert!(behind < Duration::from_secs(2));
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_at_once_is_that_of_the_way_that_waits() {
    let service = Service::start().await;
    let written = make::seen("1", 0, &[WHO, "customer_id=at-once"]);
    service.record_one(written).await;
    until("memory answers", async || {
        let answer = ask(&service, "read", true, getting(WHO)).await.unwrap();
        answer.read_info.unwrap().source() == ReadSource::Memory
    })
    .await;
    let seen = ask(&service, "read", true, getting(WHO)).await.unwrap();
    let (id, token) = (
        seen.profile.unwrap().profile_id,
        seen.read_info.unwrap().token,
    );
    let second = ProfileLookup {
        identifiers: [getting("email=nobody"), getting(WHO)]
            .into_iter()
            .flat_map(|request| request.lookup.unwrap().identifiers)
            .collect(),
        ..ProfileLookup::default()
    };
    let of = |lookup| GetProfileRequest {
        lookup,
        ..GetProfileRequest::default()
    };
    let masked = GetProfileRequest {
        field_mask: Some(FieldMask {
            paths: vec!["identifiers".into(), "traits".into()],
        }),
        ..getting(WHO)
    };
    let with_token = GetProfileRequest {
        read_options: Some(ReadOptions {
            tokens: vec![token],
            ..ReadOptions::default()
        }),
        ..getting(WHO)
    };
    let before = at_once(&service).await;
    for request in [
        getting(WHO),
        of(by_id(&id)),
        of(Some(second)),
        masked,
        with_token,
    ] {
        for permissions in ["read", "read,read_identifiers"] {
            let [waited, first, again] = [true, false, false]
                .map(|waits| ask(&service, permissions, waits, request.clone()));
            let waited = told(waited.await.unwrap());
            assert_eq!(
                waited.read_info.as_ref().unwrap().source(),
                ReadSource::Memory
            );
            assert_eq!(told(first.await.unwrap()), waited);
            assert_eq!(told(again.await.unwrap()), waited);
        }
    }
    // Of one call by itself the message may come after its headers, and then it waits for it; of many some come whole.
    let waited = told(ask(&service, "read", true, getting(WHO)).await.unwrap());
    until("some of many are answered at once", async || {
        let many = (0..64).map(|_| ask(&service, "read", false, getting(WHO)));
        for answer in join_all(many).await {
            assert_eq!(told(answer.unwrap()), waited);
        }
        at_once(&service).await > before
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_refused_alike() {
    let service = Service::start().await;
    service.record_one(make::seen("1", 0, &[WHO])).await;
    let wrong = GetProfileRequest {
        field_mask: Some(FieldMask {
            paths: vec!["none".into()],
        }),
        ..GetProfileRequest::default()
    };
    for (permissions, request, code) in [
        ("record", getting(WHO), Code::PermissionDenied),
        ("read", getting("email=unknown@example.com"), Code::NotFound),
        ("read", wrong, Code::InvalidArgument),
        ("nothing", getting(WHO), Code::Unauthenticated),
    ] {
        for waits in [true, false] {
            let refused = ask(&service, permissions, waits, request.clone())
                .await
                .unwrap_err();
            assert_eq!(refused.code(), code);
            let said = |status: &Status| (status.message().to_owned(), status.details().to_vec());
            let other = ask(&service, permissions, !waits, request.clone())
                .await
                .unwrap_err();
            assert_eq!(said(&refused), said(&other));
        }
    }
    service.stop().await;
}
