//! What calls hold, and that they give it back.

use futures_util::FutureExt as _;
use proptest::prelude::*;

use prost::Message as _;

use super::{
    super::answers::{PIECE, answered},
    *,
};

#[test]
fn what_a_call_holds_is_given_back_when_it_is_over() {
    let uploads = Uploads::new(CALL + 100, Duration::MAX);
    let upload = uploads.begin().unwrap();
    assert!(uploads.begin().is_none());
    assert!(upload.charge(100) && !upload.charge(1));
    upload.complete(40);
    assert_eq!(uploads.used(), CALL + 100);
    upload.settle();
    assert_eq!(uploads.used(), CALL + 40);
    assert!(upload.charge(60));
    drop(upload.clone());
    assert_eq!(uploads.used(), CALL + 100);
    drop(upload);
    assert_eq!(uploads.used(), 0);
}

#[test]
fn calls_that_hold_much_leave_room_for_small_ones() {
    let limit = 64 * SMALL;
    let uploads = Uploads::new(limit, Duration::MAX);
    let mut large = Vec::new();
    while let Some(call) = uploads.begin().filter(|call| call.charge(SMALL)) {
        large.push(call);
    }
    assert!(uploads.used() <= limit - limit / FOR_SMALL + CALL);
    let small = uploads.begin().unwrap();
    assert!(small.charge(SMALL - CALL) && !small.charge(1));
}

/// Some bytes, and then nothing, without an end.
struct Silent(Option<Bytes>);

impl http_body::Body for Silent {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.take() {
            Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            None => Poll::Pending,
        }
    }
}

/// How reading ends of what sends some bytes and then nothing; it goes on when it does not within a while.
async fn silent_after(bytes: &[u8]) -> (Uploads, Result<(), Status>) {
    let uploads = Uploads::new(1 << 20, Duration::from_millis(20));
    let mut body = Counted {
        inner: Body::new(Silent(Some(Bytes::copy_from_slice(bytes)))),
        upload: uploads.begin().unwrap(),
        framing: Framing::default(),
        deadline: None,
    };
    let mut next = async || {
        let poll =
            |context: &mut Context<'_>| http_body::Body::poll_frame(Pin::new(&mut body), context);
        std::future::poll_fn(poll).await.unwrap().map(drop)
    };
    next().await.unwrap();
    let end = tokio::time::timeout(Duration::from_millis(300), next()).await;
    (uploads, end.unwrap_or(Ok(())))
}

#[tokio::test]
async fn a_message_that_has_begun_must_come_whole_and_a_stream_may_be_silent_between_two() {
    let (_, end) = silent_after(&[0, 0, 0, 0, 9, 1]).await;
    assert_eq!(end.unwrap_err().code(), tonic::Code::ResourceExhausted);
    let (uploads, end) = silent_after(&[0, 0, 0, 0, 1, 1]).await;
    assert!(end.is_ok());
    assert_eq!(uploads.used(), 0, "nothing is left of a call that is over");
}

#[tokio::test]
async fn an_answer_is_charged_until_it_was_taken() {
    let layer = UploadsLayer::new(8 << 20);
    let uploads = layer.strangers.clone();
    let message = crate::proto::v1::TextList {
        values: vec!["x".repeat(100_000)],
    };
    let bytes = message.encode_to_vec();
    let mut service = layer.layer(tower::service_fn(move |_| {
        let (message, bytes) = (message.clone(), bytes.clone());
        async move {
            answered(message).map_err(|_| std::fmt::Error)?;
            Ok::<_, std::fmt::Error>(Response::new(Body::new(Silent(Some(bytes.into())))))
        }
    }));
    let answer = service.call(Request::new(Body::empty())).await.unwrap();
    assert!(uploads.used() > 200_000);
    let mut body = answer.into_body();
    let mut taken = 0;
    while taken < 100_000 {
        let frame = std::future::poll_fn(|context| {
            http_body::Body::poll_frame(Pin::new(&mut body), context)
        });
        let piece = frame.await.unwrap().unwrap().into_data().unwrap().len();
        assert!(piece <= PIECE);
        taken += piece;
    }
    assert!(uploads.used() > 200_000, "its end is still to come");
    drop(body);
    assert_eq!(uploads.used(), 0);
}

#[test]
fn strangers_leave_room_for_callers() {
    let limit = 1 << 20;
    let mut service = UploadsLayer::new(limit).layer(tower::service_fn(|_| {
        std::future::pending::<Result<Response<Body>, std::convert::Infallible>>()
    }));
    let mut open = Vec::new();
    let mut call = |caller: Option<Caller>| {
        let mut request = Request::new(Body::empty());
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        let mut answer = service.call(request);
        let refused = (&mut answer).now_or_never().is_some();
        open.push(answer);
        refused
    };
    let strangers = (0..limit / CALL).filter(|_| !call(None)).count();
    assert_eq!(strangers, limit / CALL / STRANGERS);
    let caller = Caller {
        tenant: crate::ids::TenantId::default_tenant(),
        name: "test".into(),
        permissions: crate::auth::Permissions::NONE,
        department: None,
    };
    assert!(!call(Some(caller)));
}

#[tokio::test]
async fn buffers_of_a_stream_stay_charged_at_the_size_of_its_largest_message() {
    let uploads = Uploads::new(1 << 20, Duration::MAX);
    let upload = uploads.begin().unwrap();
    let held = |kept: usize| assert_eq!(uploads.used(), CALL + kept);
    for (bytes, kept) in [(100, 0), (9_000, 808), (70, 808), (50_000, 41_808)] {
        assert!(upload.charge(bytes));
        upload.complete(0);
        let decoding = upload.clone().decoding(async { charge(3 * bytes, bytes) });
        assert!(decoding.await);
        upload.settle();
        held(kept);
    }
    // Compressed to next to nothing, and without meaning.
    assert!(upload.charge(90));
    upload.complete(0);
    assert!(upload.clone().decoding(async { charge(0, 90_000) }).await);
    upload.settle();
    held(41_808 + 90_000);
    drop(upload);
    assert_eq!(uploads.used(), 0);
}

proptest! {
    #[test]
    fn framing_finds_the_end_of_every_message_however_it_is_cut(
        messages in prop::collection::vec(0_usize..40, 1..8),
        cuts in prop::collection::vec(1_usize..9, 1..100),
    ) {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for length in messages {
            bytes.push(0);
            bytes.extend(u32::try_from(length).unwrap().to_be_bytes());
            bytes.extend(vec![7; length]);
            ends.push(bytes.len());
        }
        let (mut framing, mut at, mut cuts) = (Framing::default(), 0, cuts.iter().cycle());
        while at < bytes.len() {
            let to = (at + cuts.next().unwrap()).min(bytes.len());
            let last = ends.iter().rev().find(|end| (at + 1..=to).contains(*end));
            prop_assert_eq!(framing.follow(&bytes[at..to]), last.map(|end| to - end));
            at = to;
        }
    }
}
