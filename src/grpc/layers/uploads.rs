//! How much of what callers send may be in memory at a time.
//!
//! What must stay true: the bytes of all requests that have come in and are not answered yet, plus a little for each open
//! call, stay under one limit, however many connections, streams and half-sent messages there are. What would go beyond
//! it is answered `RESOURCE_EXHAUSTED`, `overloaded`, and may be sent again.
//!
//! An eighth of it is for those whom nobody knows, who may ask for health and reflection: they cannot use up what is there
//! for callers with a credential.
//!
//! Another eighth is for small calls: whoever has more than 64 KiB in memory leaves it alone. So those who send much, and
//! take no answers, keep nobody's look-ups from being served.
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
use prost::bytes::Bytes;
use tokio::time::Sleep;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::answers::Answer;
use crate::{auth::Caller, error::Error};

/// The part of the limit that is for strangers: one of so many.
const STRANGERS: usize = 8;

/// The part of the limit that is for small calls: one of so many.
const FOR_SMALL: usize = 8;

/// Bytes that a small call has in memory at most.
const SMALL: usize = 64 << 10;

/// How long a message may take to come, from its first byte to its last: 4 MiB over a slow line.
const PATIENCE: Duration = Duration::from_mins(2);

/// What an open call costs besides what it sends.
pub(super) const CALL: usize = 16 << 10;

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

    /// Takes room for a call that has some bytes already.
    fn take(&self, bytes: usize, has: usize) -> bool {
        let limit = if has.saturating_add(bytes) > SMALL {
            self.0.limit - self.0.limit / FOR_SMALL
        } else {
            self.0.limit
        };
        let take = |used: usize| {
            let sum = used.checked_add(bytes)?;
            (sum <= limit).then_some(sum)
        };
        self.0.used.fetch_update(Relaxed, Relaxed, take).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.0.used.fetch_sub(bytes, Relaxed);
    }

    /// Begins a call, if there is room for one more.
    pub(super) fn begin(&self) -> Option<Upload> {
        self.take(CALL, 0).then(|| {
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

    /// Takes room for more bytes of this call.
    fn take(&self, bytes: usize) -> bool {
        let Held {
            uploads,
            whole,
            part,
            kept,
            ..
        } = &*self.0;
        let has = whole.load(Relaxed) + part.load(Relaxed) + kept.load(Relaxed);
        uploads.take(bytes, CALL + has)
    }

    pub(super) fn charge(&self, bytes: usize) -> bool {
        let room = self.take(bytes);
        if room {
            self.0.part.fetch_add(bytes, Relaxed);
        }
        room
    }

    /// A message has come whole; `rest` bytes are of the next.
    pub(super) fn complete(&self, rest: usize) {
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
        let room = upload.take(weight);
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

    /// What those have in memory who are known.
    #[must_use]
    pub fn callers(&self) -> Uploads {
        self.callers.clone()
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
            Ok(response.map(|inner| Body::new(Answer::new(inner, held))))
        })
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
mod tests;
