//! Every kind of error that a request brings upon itself, over a real connection.

use bytes::Bytes;
use customer_profile::proto::v1::{
    BatchGetProfilesRequest, GetProfileRequest, InteractionReference, InteractionReferences,
    ProfileLookup, ReadOptions, RecordInteractionsRequest, RetractInteractionsRequest,
    SearchProfilesRequest, StreamInteractionsRequest, retract_interactions_request::Selection,
};
use futures_util::stream;
use prost::Message as _;
use prost_types::FieldMask;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::{
    Service,
    calls::{by_id, getting, listing, recording, retracting, retracting_run},
    make, raw,
    refused::{assert_invalid, invalid, refused},
    service::with_metadata,
};

const RECORD: &str = "/customer_profile.v1.InteractionService/RecordInteractions";
const STREAM: &str = "/customer_profile.v1.InteractionService/StreamInteractions";
const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
const OVER_THE_LIMIT: usize = 4 * 1024 * 1024 + 1;

/// Rules that a request breaks, as (field, reason).
type Rules = &'static [(&'static str, &'static str)];

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_refused_with_everything_that_is_wrong_with_it_as_a_whole() {
    let service = Service::start().await;
    let mut client = service.interactions();
    let status = client
        .record_interactions(RecordInteractionsRequest {
            interactions: vec![make::seen("1", 0, &["email=a@example.com"]); 1_001],
            run_id: Some("7".into()),
        })
        .await
        .unwrap_err();
    assert_invalid(
        &status,
        &[("interactions", "too_many"), ("run_id", "malformed")],
    );
    assert!(status.message().starts_with("2 violations"), "{status:?}");
    let status = client
        .record_interactions(recording(Vec::new()))
        .await
        .unwrap_err();
    assert_invalid(&status, &[("interactions", "required")]);
    let mut full: Vec<_> = vec![make::seen("1", 0, &["email=a@example.com"]); 1_000];
    full[999] = make::seen("2", 0, &["email=a@example.com"]);
    let results = service.record(full).await;
    assert_eq!(results.len(), 1_000, "the limit itself is within it");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_are_refused_with_all_that_is_wrong_with_them() {
    let service = Service::start().await;
    let identifier = make::identifier("email=a@example.com");
    let nine = Some(ProfileLookup {
        profile_id: String::new(),
        identifiers: vec![identifier.clone(); 9],
    });
    let both = Some(ProfileLookup {
        profile_id: "no uuid".into(),
        identifiers: vec![identifier],
    });
    let wanted: [(Option<ProfileLookup>, Rules); 4] = [
        (None, &[("lookup", "required")]),
        (Some(ProfileLookup::default()), &[("lookup", "required")]),
        (nine, &[("lookup.identifiers", "too_many")]),
        (
            both,
            &[
                ("lookup.profile_id", "malformed"),
                ("lookup.identifiers", "not_allowed_here"),
            ],
        ),
    ];
    for (lookup, wanted) in wanted {
        let request = GetProfileRequest {
            lookup,
            ..GetProfileRequest::default()
        };
        assert_invalid(&service.get(request).await.unwrap_err(), wanted);
    }
    let mut request = getting("Email=");
    request.field_mask = Some(FieldMask {
        paths: vec!["traits".into(), "orders.count".into()],
    });
    request.read_options = Some(ReadOptions {
        max_staleness: Some(prost_types::Duration {
            seconds: 3_601,
            nanos: 0,
        }),
        ..ReadOptions::default()
    });
    assert_invalid(
        &service.get(request).await.unwrap_err(),
        &[
            ("lookup.identifiers[0].namespace", "not_a_slug"),
            ("lookup.identifiers[0].value", "required"),
            ("field_mask.paths[1]", "malformed"),
            ("read_options.max_staleness", "out_of_range"),
        ],
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_look_ups_names_the_ones_that_are_wrong() {
    let service = Service::start().await;
    let mut client = service.profiles();
    let good = make::by("email=a@example.com").unwrap();
    let mut lookups = vec![good; 101];
    lookups[1] = by_id("x").unwrap();
    let status = client
        .batch_get_profiles(BatchGetProfilesRequest {
            lookups,
            ..BatchGetProfilesRequest::default()
        })
        .await
        .unwrap_err();
    assert_invalid(
        &status,
        &[
            ("lookups", "too_many"),
            ("lookups[1].profile_id", "malformed"),
        ],
    );
    let status = client
        .batch_get_profiles(BatchGetProfilesRequest::default())
        .await
        .unwrap_err();
    assert_invalid(&status, &[("lookups", "required")]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn searches_timelines_and_retractions_say_what_is_wrong_with_them() {
    let service = Service::start().await;
    let status = service
        .profiles()
        .search_profiles(SearchProfilesRequest::default())
        .await
        .unwrap_err();
    assert_invalid(&status, &[("traits", "required")]);
    let mut request = listing("email=a@example.com");
    request.occurred_from = make::at(10);
    request.occurred_before = make::at(10);
    request.types = vec!["Order.Placed".into()];
    request.direction = 9;
    let status = service.interactions().list_interactions(request).await;
    assert_invalid(
        &status.unwrap_err(),
        &[
            ("occurred_before", "out_of_range"),
            ("types[0]", "not_a_slug"),
            ("direction", "unknown_enum_value"),
        ],
    );
    let none = RetractInteractionsRequest {
        reason: "x".repeat(1_025),
        ..RetractInteractionsRequest::default()
    };
    assert_invalid(
        &service.retract(none).await.unwrap_err(),
        &[
            ("operation_id", "required"),
            ("reason", "too_long"),
            ("selection", "required"),
        ],
    );
    let mut empty = retracting("op", &[]);
    assert_invalid(
        &service.retract(empty.clone()).await.unwrap_err(),
        &[("references.references", "required")],
    );
    empty.selection = Some(Selection::References(InteractionReferences {
        references: retracting_references(1_001),
    }));
    assert_invalid(
        &service.retract(empty).await.unwrap_err(),
        &[("references.references", "too_many")],
    );
    let status = service.retract(retracting_run("op", "run 7")).await;
    assert_invalid(&status.unwrap_err(), &[("run_id", "malformed")]);
    service.stop().await;
}

fn retracting_references(count: usize) -> Vec<InteractionReference> {
    let Some(Selection::References(list)) = retracting("op", &["1"]).selection else {
        panic!("references were asked for");
    };
    vec![list.references[0].clone(); count]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_too_many_mistakes_lists_some_and_counts_the_rest() {
    let service = Service::start().await;
    let lookup = ProfileLookup {
        profile_id: String::new(),
        identifiers: vec![make::identifier("=")],
    };
    let status = service
        .profiles()
        .batch_get_profiles(BatchGetProfilesRequest {
            lookups: vec![lookup; 100],
            ..BatchGetProfilesRequest::default()
        })
        .await
        .unwrap_err();
    let found = invalid(&status);
    assert!(found.len() <= 101, "{}", found.len());
    assert!(status.details().len() < 6_000, "{}", status.details().len());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_undecodable_in_unary_calls_and_in_streams() {
    let service = Service::start().await;
    let invalid_text = Bytes::from_static(b"\x0a\x04\x12\x02\xff\xfe");
    for (path, message) in [
        (RECORD, Bytes::from_static(b"\x0a\xff\xff\xff\xff\x7f")),
        (RECORD, invalid_text.clone()),
        (GET, Bytes::from_static(b"\x0a\x02\x0a")),
        (GET, Bytes::from_static(b"\xff")),
    ] {
        let status = raw::unary(service.channel(), path, message)
            .await
            .unwrap_err();
        refused(&status, Code::InvalidArgument, "undecodable");
    }
    let good = StreamInteractionsRequest {
        sequence: 1,
        interactions: vec![make::seen("1", 0, &["email=a@example.com"])],
        run_id: None,
    };
    let messages = stream::iter([Bytes::from(good.encode_to_vec()), invalid_text]);
    let (_, ended) = raw::stream(service.channel(), STREAM, messages).await;
    refused(&ended.unwrap_err(), Code::InvalidArgument, "undecodable");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_four_mebibytes_is_too_large_in_unary_calls_and_in_streams() {
    let service = Service::start().await;
    // An unknown field, so that the message could be decoded if it were taken.
    let mut large = vec![0xfa, 0x07];
    prost::encoding::encode_varint(u64::try_from(OVER_THE_LIMIT).unwrap(), &mut large);
    large.resize(large.len() + OVER_THE_LIMIT, 0);
    let large = Bytes::from(large);
    for path in [RECORD, GET] {
        let status = raw::unary(service.channel(), path, large.clone())
            .await
            .unwrap_err();
        let details = refused(&status, Code::ResourceExhausted, "message_too_large");
        let info = details.error_info().unwrap();
        assert_eq!(info.metadata.get("limit_bytes").unwrap(), "4194304");
        assert!(details.quota_failure().is_some());
    }
    let (came, ended) = raw::stream(service.channel(), STREAM, stream::iter([large])).await;
    assert_eq!(came, 0);
    refused(
        &ended.unwrap_err(),
        Code::ResourceExhausted,
        "message_too_large",
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_known_is_not_found() {
    let service = Service::start().await;
    let id = "018f0000-0000-7000-8000-000000000000";
    let mut by_unknown_id = getting("email=a@example.com");
    by_unknown_id.lookup = by_id(id);
    for request in [
        getting("email=nobody@example.com"),
        getting("email=no address"),
        getting("email=unknown"),
        by_unknown_id,
    ] {
        let status = service.get(request.clone()).await.unwrap_err();
        let details = refused(&status, Code::NotFound, "not_found");
        assert_eq!(details.resource_info().unwrap().resource_type, "profile");
        let mut list = listing("email=nobody@example.com");
        list.lookup = request.lookup;
        let status = service.interactions().list_interactions(list).await;
        refused(&status.unwrap_err(), Code::NotFound, "not_found");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_makes_no_sense_is_unauthenticated() {
    let service = Service::start().await;
    for (header, value, reason) in [
        ("x-tenant-id", "Not A Slug", "tenant_invalid"),
        ("x-caller", "", "caller_invalid"),
        ("x-department", "Not A Slug", "caller_invalid"),
        ("x-permissions", "read,fly", "permissions_invalid"),
    ] {
        let request = with_metadata(getting("email=a@example.com"), &[(header, value)]);
        let status = service.profiles().get_profile(request).await.unwrap_err();
        refused(&status, Code::Unauthenticated, reason);
        // The message is not looked at before the caller is known.
        let request = with_metadata(recording(Vec::new()), &[(header, value)]);
        let status = service.interactions().record_interactions(request).await;
        refused(&status.unwrap_err(), Code::Unauthenticated, reason);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_id_stands_for_one_request() {
    let service = Service::start().await;
    service
        .record_all(vec![make::seen("1", 0, &["email=a@example.com"])])
        .await;
    service.retract(retracting("op", &["1"])).await.unwrap();
    let mut other_reason = retracting("op", &["1"]);
    other_reason.reason = "another".into();
    for request in [
        retracting("op", &["2"]),
        other_reason,
        retracting_run("op", "018f0000-0000-7000-8000-000000000000"),
    ] {
        let status = service.retract(request).await.unwrap_err();
        let details = refused(&status, Code::FailedPrecondition, "operation_id_reused");
        let failure = details.precondition_failure().unwrap();
        assert_eq!(failure.violations[0].r#type, "operation_id_reused");
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_do_not_exist_are_unimplemented() {
    let service = Service::start().await;
    let path = "/customer_profile.v1.ProfileService/DropProfiles";
    let status = raw::unary(service.channel(), path, Bytes::new())
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Unimplemented);
    assert!(status.get_error_details().retry_info().is_none());
    service.stop().await;
}
