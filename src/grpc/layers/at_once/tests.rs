//! Of frames in memory, with a service below that answers with the bytes that came to it.

use std::{convert::Infallible, future::poll_fn, time::Duration};

use http::HeaderMap;

use super::*;
use crate::{
    auth::Permissions,
    grpc::layers::admission::Most,
    ids::TenantId,
    ingest::{gate::Gate, limit::Bounds},
};

/// Says the same of every message but of `no`.
struct Puppet;

impl AtOnce for Puppet {
    fn answer(&self, caller: &Caller, message: &[u8]) -> Option<Bytes> {
        assert_eq!(&*caller.name, "test");
        (message != b"no").then(|| Bytes::from_static(b"answer"))
    }
}

/// Frames; after them nothing comes any more, if anything else was said, or the body waits for more.
struct Frames(VecDeque<Frame<Bytes>>, bool);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.0.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None if self.1 => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

fn bounds() -> Bounds {
    Bounds {
        least: 4,
        most: 4,
        first: 4,
        target: Duration::from_secs(1),
    }
}

fn layer(calls: usize) -> (AtOnceLayer, Uploads) {
    let most = Most { calls, heavy: 2 };
    let admission = Admission::new(most, Gate::new(bounds(), bounds()));
    let uploads = Uploads::new(1 << 20, Duration::from_secs(1));
    let layer = AtOnceLayer::new(Arc::new(Puppet), admission, uploads.clone());
    (layer, uploads)
}

fn message(text: &str) -> Bytes {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[0][..], &length, text.as_bytes()].concat().into()
}

fn request(frames: Vec<Frame<Bytes>>, has_ended: bool) -> Request<Body> {
    let mut request = Request::new(Body::new(Frames(frames.into(), has_ended)));
    *request.uri_mut() = PATH.parse().unwrap();
    *request.method_mut() = Method::POST;
    request.extensions_mut().insert(Caller {
        tenant: TenantId::default_tenant(),
        name: "test".into(),
        permissions: Permissions::ALL,
        department: None,
    });
    request
}

fn whole(text: &str) -> Request<Body> {
    request(vec![Frame::data(message(text))], true)
}

/// What comes of a body without waiting.
async fn taken(mut body: Body) -> (Vec<u8>, HeaderMap) {
    let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
    loop {
        let next = poll_fn(|context| match Pin::new(&mut body).poll_frame(context) {
            Poll::Pending => Poll::Ready(None),
            ready @ Poll::Ready(_) => ready,
        });
        match next.await.map(|frame| frame.unwrap().into_data()) {
            Some(Ok(bytes)) => data.extend(bytes),
            Some(Err(frame)) => trailers = frame.into_trailers().unwrap(),
            None => return (data, trailers),
        }
    }
}

/// What the services below answer: the bytes that came to them.
async fn below(request: Request<Body>) -> Result<Response<Body>, Infallible> {
    let (mut data, _) = taken(request.into_body()).await;
    data.extend(b" below");
    let frame = Frame::data(data.into());
    Ok(Response::new(Body::new(Frames([frame].into(), true))))
}

async fn answered(calls: usize, request: Request<Body>) -> Vec<u8> {
    let (layer, uploads) = layer(calls);
    let service = layer.layer(tower::service_fn(below));
    let response = service.oneshot(request).await.unwrap();
    let (data, _) = taken(response.into_body()).await;
    assert_eq!(uploads.used(), 0);
    data
}

#[tokio::test]
async fn a_message_that_came_whole_is_answered_and_charged_until_its_answer_was_taken() {
    let (layer, uploads) = layer(8);
    let service = layer.layer(tower::service_fn(below));
    let response = service.oneshot(whole("ask")).await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/grpc");
    assert!(uploads.used() > message("ask").len());
    let (data, trailers) = taken(response.into_body()).await;
    assert_eq!(data, b"answer");
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!((trailers.len(), uploads.used()), (1, 0));

    let ended_by_an_empty_frame = vec![Frame::data(message("ask")), Frame::data(Bytes::new())];
    let answer = answered(8, request(ended_by_an_empty_frame, true)).await;
    assert_eq!(answer, b"answer");
}

#[tokio::test]
async fn what_is_not_answered_goes_on_as_it_came() {
    let ask = || Frame::data(message("ask"));
    let half = |from, to| Frame::data(message("ask").slice(from..to));
    let large = "x".repeat(codec::SMALL + 1);
    let goes_on = |frames, has_ended| request(frames, has_ended);
    let came = |text: &str| [&message(text)[..], b" below"].concat();
    for (request, what) in [
        (whole("no"), came("no")),
        (whole(&large), came(&large)),
        (goes_on(vec![ask()], false), came("ask")),
        (goes_on(vec![half(0, 6), half(6, 8)], true), came("ask")),
        (
            goes_on(vec![half(0, 7)], true),
            came("ask")[..7].iter().chain(b" below").copied().collect(),
        ),
        (
            goes_on(vec![ask(), Frame::trailers(HeaderMap::new())], true),
            came("ask"),
        ),
        (goes_on(vec![], true), b" below".to_vec()),
    ] {
        assert_eq!(answered(8, request).await, what);
    }
    let mut stranger = whole("ask");
    stranger.extensions_mut().clear();
    assert_eq!(answered(8, stranger).await, came("ask"));
    assert_eq!(answered(0, whole("ask")).await, came("ask"), "no place");
    let mut compressed = whole("ask");
    let gzip = HeaderValue::from_static("gzip");
    compressed.headers_mut().insert("grpc-encoding", gzip);
    assert_eq!(answered(8, compressed).await, came("ask"));
    let mut head = whole("ask");
    *head.method_mut() = Method::HEAD;
    assert_eq!(answered(8, head).await, came("ask"));
    let mut other = whole("ask");
    *other.uri_mut() = "/customer_profile.v1.ProfileService/ListTraits"
        .parse()
        .unwrap();
    assert_eq!(answered(8, other).await, came("ask"));
}
