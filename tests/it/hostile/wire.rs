//! Bytes that are no messages, and messages that would be far more than their bytes.

use bytes::Bytes;
use futures_util::stream;
use tonic::Code;

use crate::harness::{Random, Service, make, random::seed_of_now, raw, refused::refused, say};

const RECORD: &str = "/customer_profile.v1.InteractionService/RecordInteractions";
const STREAM: &str = "/customer_profile.v1.InteractionService/StreamInteractions";
const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";
const LIMIT: usize = 4 * 1_024 * 1_024;

/// A field that holds these bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![number << 3 | 2];
    let mut length = content.len();
    while length > 0x7f {
        bytes.push(u8::try_from(length & 0x7f).unwrap() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap());
    bytes.extend_from_slice(content);
    bytes
}

/// An interaction whose attributes are nested so deep.
fn nested(depth: usize) -> Vec<u8> {
    let struct_in = |inner: Vec<u8>| field(1, &field(2, &field(5, &inner)));
    let deep = (0..depth).fold(Vec::new(), |inner, _| struct_in(inner));
    // The tag of field 16 has two bytes.
    let mut attributes = vec![0x82, 0x01];
    attributes.extend_from_slice(&field(0, &deep)[1..]);
    attributes
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_message_are_called_undecodable() {
    let service = Service::start().await;
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("a tag that breaks off", vec![0x80]),
        ("a tag of eleven bytes", vec![0xff; 11]),
        ("field number 0", vec![0x02, 0x00]),
        ("a length beyond the end", vec![0x0a, 0x7f, 0x00]),
        (
            "a length of 2^63",
            vec![0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        ),
        ("wire type 7", vec![0x0f, 0x00]),
        (
            "a number where a text or a message belongs",
            vec![0x10, 0x01],
        ),
        ("the end of a group that did not begin", vec![0x14]),
        ("a group that does not end", [0x7b].repeat(3)),
        ("groups in groups", [0x7b].repeat(100_000)),
        ("a text that is none", field(1, &field(1, &[0xff, 0xfe]))),
        ("attributes nested 1,000 deep", field(1, &nested(1_000))),
    ];
    for (what, bytes) in wrong {
        let status = raw::unary(service.channel(), RECORD, bytes.clone().into()).await;
        let status = status.expect_err(what);
        refused(&status, Code::InvalidArgument, "undecodable");
        let (came, end) =
            raw::stream(service.channel(), STREAM, stream::iter([bytes.into()])).await;
        assert_eq!(came, 0, "{what}");
        refused(&end.unwrap_err(), Code::InvalidArgument, "undecodable");
    }
    service.assert_unharmed().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_would_grow_out_of_proportion_is_not_decoded() {
    let service = Service::start().await;
    // Two bytes each, hundreds when decoded: together they would take more than a gigabyte.
    let empty_interactions = [0x0a, 0x00].repeat(LIMIT / 2);
    let empty_identifiers = field(1, &[0x4a, 0x00].repeat(LIMIT / 2 - 8));
    let empty_consents = field(1, &[0x7a, 0x00].repeat(LIMIT / 2 - 8));
    let empty_lookups = [0x0a, 0x00].repeat(LIMIT / 2);
    for (path, bytes) in [
        (RECORD, empty_interactions),
        (RECORD, empty_identifiers),
        (RECORD, empty_consents),
        (
            "/customer_profile.v1.ProfileService/BatchGetProfiles",
            empty_lookups,
        ),
    ] {
        assert!(bytes.len() <= LIMIT);
        let status = raw::unary(service.channel(), path, bytes.into()).await;
        refused(
            &status.unwrap_err(),
            Code::ResourceExhausted,
            "message_too_large",
        );
    }
    service.assert_unharmed().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn four_mebibytes_are_taken_and_a_byte_more_is_not() {
    let service = Service::start().await;
    // An unknown field as filling.
    let filling = |length: usize| {
        let mut bytes = field(15, &vec![0; length - 5]);
        bytes.truncate(length);
        assert_eq!(bytes.len(), length);
        Bytes::from(bytes)
    };
    let status = raw::unary(service.channel(), RECORD, filling(LIMIT))
        .await
        .unwrap_err();
    refused(&status, Code::InvalidArgument, "invalid");
    for path in [RECORD, GET] {
        let status = raw::unary(service.channel(), path, filling(LIMIT + 1)).await;
        refused(
            &status.unwrap_err(),
            Code::ResourceExhausted,
            "message_too_large",
        );
    }
    service.assert_unharmed().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_at_random_are_answered_and_never_called_our_mistake() {
    let seed = seed_of_now();
    say(format_args!("hostile bytes: seed {seed}"));
    let service = Service::start().await;
    let mut random = Random::new(seed);
    let request =
        crate::harness::calls::recording(vec![make::seen("1", 0, &["email=a@example.com"])]);
    let good = prost::Message::encode_to_vec(&request);
    for _ in 0..2_000 {
        let mut bytes = good.clone();
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(3) {
                0 => bytes[at] = u8::try_from(random.below(256)).unwrap(),
                1 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, u8::try_from(random.below(256)).unwrap()),
            }
        }
        if let Err(status) = raw::unary(service.channel(), RECORD, bytes.clone().into()).await {
            let known = [Code::InvalidArgument, Code::ResourceExhausted];
            assert!(
                known.contains(&status.code()),
                "seed {seed}: {bytes:?}: {status:?}"
            );
        }
    }
    let report = service.verify("default").await;
    assert_eq!(report.differences, 0);
    service.stop().await;
}
