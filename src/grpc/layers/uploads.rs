//! How much of what callers send may be in memory at a time.
//!
//! What must stay true: the bytes of all requests that have come in and are not answered yet, plus a little for each open
//! call, stay under one limit, however many connections, streams and half-sent messages there are. What would go beyond
//! it is answered `RESOURCE_EXHAUSTED`, `overloaded`, and may be sent again.
//!
//! An eighth of it is for those whom nobody knows, who may ask for health and reflection: they cannot use up what is there
//! for callers with a credential.
//!
//! Bytes are charged as they arrive, and again by what they weigh when they are decoded, and given back when the call is
//! over and its answer was taken: large answers are charged too. A stream gives back earlier: whoever reads it calls [`Upload::settle`] once the messages that it has read are
//! accounted for elsewhere. What it read them into stays as large as the largest of them while the stream lives, and so does
//! the charge for it. A message that has begun has to come whole within some time, so that nobody can hold memory by sending
//! no more; between messages a stream may be silent as long as it likes.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use prost::{Message, bytes::Bytes};
use tokio::time::Sleep;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::{auth::Caller, error::Error};

/// The part of the limit that is for strangers: one of so many.
const STRANGERS: usize = 8;

/// How long a message may take to come, from its first byte to its last: 4 MiB over a slow line.
const PATIENCE: Duration = Duration::from_mins(2);

/// What an open call costs besides what it sends.
const CALL: usize = 16 << 10;

/// Bytes of a buffer that every stream has, which are among those of an open call.
const BUFFER: usize = 8 << 10;

/// The bytes that callers may have in memory, and those that they have.
#[derive(Clone, Debug)]
pub struct Uploads(Arc<Budget>);

#[derive(Debug)]
struct Budget {
    limit: usize,
    patience: Duration,
    used: AtomicUsize,
}

impl Uploads {
    /// With a limit in bytes, and how long a message may take to come.
    #[must_use]
    pub fn new(limit: usize, patience: Duration) -> Self {
        Self(Arc::new(Budget {
            limit,
            patience,
            used: AtomicUsize::new(0),
        }))
    }

    /// Bytes that callers have in memory.
    #[must_use]
    pub fn used(&self) -> usize {
        self.0.used.load(Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        let take = |used: usize| {
            let sum = used.checked_add(bytes)?;
            (sum <= self.0.limit).then_some(sum)
        };
        self.0.used.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Relaxed);
    }

    /// Begins a call, if there is room for one more.
    fn begin(&self) -> Option<Upload> {
        self.take(CALL).then(|| {
            Upload(Arc::new(Held {
                uploads: self.clone(),
                whole: AtomicUsize::new(0),
                part: AtomicUsize::new(0),
                largest: AtomicUsize::new(0),
                unpacked: AtomicUsize::new(0),
                kept: AtomicUsize::new(0),
            }))
        })
    }
}

/// What one call has in memory, given back with the last of its handles.
#[derive(Clone, Debug)]
pub struct Upload(Arc<Held>);

#[derive(Debug)]
struct Held {
    uploads: Uploads,
    /// Bytes of messages that came whole.
    whole: AtomicUsize,
    /// Bytes of the message that is coming.
    part: AtomicUsize,
    /// Bytes of the largest message that came.
    largest: AtomicUsize,
    /// Bytes of the largest message that came compressed, without the compression.
    unpacked: AtomicUsize,
    /// Bytes of buffers that were as large as a message once, as far as they are charged.
    kept: AtomicUsize,
}

impl Upload {
    /// Gives back the bytes of all messages that came whole, but for the buffers that they came in.
    pub fn settle(&self) {
        let Held {
            uploads,
            whole,
            largest,
            unpacked,
            kept,
            ..
        } = &*self.0;
        let whole = whole.swap(0, Relaxed);
        let buffers = (largest.load(Relaxed) + unpacked.load(Relaxed)).saturating_sub(BUFFER);
        let more = buffers.saturating_sub(kept.load(Relaxed)).min(whole);
        kept.fetch_add(more, Relaxed);
        uploads.give_back(whole - more);
    }

    /// Runs something that decodes messages of this call.
    pub async fn decoding<F: Future>(self, work: F) -> F::Output {
        CURRENT.scope(self, work).await
    }

    fn charge(&self, bytes: usize) -> bool {
        let room = self.0.uploads.take(bytes);
        if room {
            self.0.part.fetch_add(bytes, Relaxed);
        }
        room
    }

    /// A message has come whole; `rest` bytes are of the next.
    fn complete(&self, rest: usize) {
        let part = self.0.part.swap(rest, Relaxed);
        let came = part - rest.min(part);
        self.0.whole.fetch_add(came, Relaxed);
        self.0.largest.fetch_max(came, Relaxed);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let held = CALL + *self.whole.get_mut() + *self.part.get_mut() + *self.kept.get_mut();
        self.uploads.give_back(held);
    }
}

tokio::task_local! {
    /// The call whose messages are being decoded: a decoder knows of nothing but its bytes.
    static CURRENT: Upload;
}

/// Charges the call that is being decoded for what a message of it weighs, which has so many bytes without compression;
/// answers whether there is room.
pub(in crate::grpc) fn charge(weight: usize, bytes: usize) -> bool {
    let charged = CURRENT.try_with(|upload| {
        // Bytes that mean nothing weigh nothing, and take room until they are passed over.
        let weight = weight.max(bytes);
        // A message that came as it is lies where it was read into.
        if bytes > upload.0.largest.load(Relaxed) {
            upload.0.unpacked.fetch_max(bytes, Relaxed);
        }
        let room = upload.0.uploads.take(weight);
        if room {
            upload.0.whole.fetch_add(weight, Relaxed);
        }
        room
    });
    charged.unwrap_or(true)
}

/// Puts a [`Bounded`] around a service.
#[derive(Clone, Debug)]
pub struct UploadsLayer {
    callers: Uploads,
    strangers: Uploads,
}

impl UploadsLayer {
    /// With a limit in bytes for all calls together.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let strangers = limit / STRANGERS;
        Self {
            callers: Uploads::new(limit - strangers, PATIENCE),
            strangers: Uploads::new(strangers, PATIENCE),
        }
    }
}

impl<S> Layer<S> for UploadsLayer {
    type Service = Bounded<S>;

    fn layer(&self, inner: S) -> Bounded<S> {
        Bounded {
            inner,
            layer: self.clone(),
        }
    }
}

/// Bounds what calls have in memory.
#[derive(Clone, Debug)]
pub struct Bounded<S> {
    inner: S,
    layer: UploadsLayer,
}

impl<S> Service<Request<Body>> for Bounded<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let known = request.extensions().get::<Caller>().is_some();
        let uploads = if known {
            &self.layer.callers
        } else {
            &self.layer.strangers
        };
        let Some(upload) = uploads.begin() else {
            return Box::pin(async { Ok(Status::from(overloaded()).into_http()) });
        };
        request.extensions_mut().insert(upload.clone());
        let body = upload.clone();
        let request = request.map(|inner| {
            Body::new(Counted {
                inner,
                upload: body,
                framing: Framing::default(),
                deadline: None,
            })
        });
        let answer = self.inner.call(request);
        let held = upload.clone();
        Box::pin(async move {
            let response = upload.decoding(answer).await?;
            if response.headers().contains_key(Status::GRPC_STATUS) {
                return Ok(response);
            }
            Ok(response.map(|inner| {
                Body::new(Answer {
                    inner,
                    rest: Bytes::new(),
                    _held: held,
                })
            }))
        })
    }
}

/// An answer, charged for what it holds in memory until its reader has taken it: whoever asks for much and reads nothing has
/// that much less to ask for.
///
/// # Errors
/// `overloaded`, when there is no room for it.
pub(in crate::grpc) fn answered<M: Message>(message: M) -> Result<tonic::Response<M>, Status> {
    let length = message.encoded_len();
    // Small ones are in what every open call costs. Decoded and encoded.
    if length > CALL / 2 && !charge(2 * length, 0) {
        return Err(overloaded().into());
    }
    Ok(tonic::Response::new(message))
}

/// An answer's body. What its call holds is given back when it was taken to the end.
struct Answer {
    inner: Body,
    /// What is left of a piece that is too large for one.
    rest: Bytes,
    _held: Upload,
}

/// Bytes handed to the transport at a time. It asks for more only when its reader has taken some: what it was given it has
/// to keep.
const PIECE: usize = 16 << 10;

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.inner).poll_frame(context);
            match polled {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return other,
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }
}

pub(in crate::grpc) fn overloaded() -> Error {
    Error::Overloaded {
        what: "the memory for requests",
    }
}

/// A request's body, charged as it arrives.
struct Counted {
    inner: Body,
    upload: Upload,
    framing: Framing,
    /// When the message that has begun must be there.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Counted {
    /// Whether the message that has begun is overdue. Only asked when there is nothing more to read yet.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        if !self.framing.is_within() {
            return false;
        }
        let patience = self.upload.0.uploads.0.patience;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        deadline.as_mut().poll(context).is_ready()
    }
}

impl http_body::Body for Counted {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            if !self.upload.charge(data.len()) {
                return Poll::Ready(Some(Err(overloaded().into())));
            }
            if let Some(rest) = self.framing.follow(data) {
                self.upload.complete(rest);
                self.deadline = None;
            }
        }
        if polled.is_pending() && self.is_overdue(context) {
            return Poll::Ready(Some(Err(overloaded().into())));
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Where in the sequence of length-prefixed messages a body is: a flag, four bytes of length, the message.
#[derive(Debug, Default)]
struct Framing {
    /// Bytes of the prefix that came, and their value so far.
    prefix: (usize, u32),
    /// Bytes of the message that are still to come.
    missing: usize,
}

impl Framing {
    /// Whether a message has begun and is not there yet.
    fn is_within(&self) -> bool {
        self.prefix.0 > 0
    }

    /// Follows some bytes. When a message came whole in them: how many bytes came after the last that did.
    fn follow(&mut self, mut data: &[u8]) -> Option<usize> {
        let mut completed = None;
        while !data.is_empty() {
            let (seen, length) = self.prefix;
            if seen < 5 {
                // The first byte is the flag.
                let length = if seen == 0 {
                    0
                } else {
                    length << 8 | u32::from(data[0])
                };
                self.prefix = (seen + 1, length);
                data = &data[1..];
                if seen < 4 {
                    continue;
                }
                self.missing = usize::try_from(length).unwrap_or(usize::MAX);
            }
            let taken = self.missing.min(data.len());
            data = &data[taken..];
            self.missing -= taken;
            if self.missing == 0 {
                self.prefix = (0, 0);
                completed = Some(data.len());
            }
        }
        completed
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use proptest::prelude::*;

    use super::*;

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
            let poll = |context: &mut Context<'_>| {
                http_body::Body::poll_frame(Pin::new(&mut body), context)
            };
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
}
