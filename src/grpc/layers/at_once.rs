//! Answers calls that need not wait: all of the message has come, and all that the answer takes is in memory.
//!
//! Such a call passes through none of the layers and routes below, whose futures and bodies cost more than its answer does.
//!
//! What must stay true: whoever is answered here was found to be who they are by [`crate::auth`], has a place among the calls
//! ([`super::admission`]), and is charged for what it sent until its answer was taken ([`super::uploads`]), as everybody is. Whatever
//! is not answered here, refusals too, goes on as it came, and nothing of it was counted.

use std::{
    collections::VecDeque,
    fmt,
    future::{Ready, ready},
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll, Waker},
};

use futures_util::future::{BoxFuture, Either};
use http::{HeaderValue, Method, Request, Response, header};
use http_body::{Body as _, Frame};
use metrics::{Counter, counter};
use prost::{
    Message,
    bytes::{BufMut as _, Bytes, BytesMut},
};
use tonic::{Status, body::Body};
use tower::{Layer, Service, ServiceExt as _};

use super::{
    admission::Admission,
    answers::SMALL,
    uploads::{Upload, Uploads},
};
use crate::{
    auth::Caller,
    grpc::{codec, status},
    telemetry::names,
};

/// The method whose calls may be answered at once.
pub const PATH: &str = "/customer_profile.v1.ProfileService/GetProfile";

/// A flag and four bytes of length, before each message.
const PREFIX: usize = 5;

/// What can answer calls of [`PATH`] at once.
pub trait AtOnce: Send + Sync + 'static {
    /// The answer to a caller's message, as it goes over the wire with its prefix. Nothing when it is not to be had at once, or is
    /// a refusal.
    fn answer(&self, caller: &Caller, message: &[u8]) -> Option<Bytes>;
}

/// A message as it goes over the wire; nothing if it is too large to be charged with its call.
pub(in crate::grpc) fn framed(message: &impl Message) -> Option<Bytes> {
    let length = message.encoded_len();
    if length > SMALL {
        return None;
    }
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).ok()?);
    message.encode(&mut frame).ok()?;
    Some(frame.freeze())
}

/// Puts an [`Answering`] around a service.
#[derive(Clone)]
pub struct AtOnceLayer(Arc<Parts>);

struct Parts {
    answers: Arc<dyn AtOnce>,
    admission: Admission,
    uploads: Uploads,
    /// Counts the answers.
    answered: OnceLock<Counter>,
}

impl fmt::Debug for AtOnceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtOnceLayer")
    }
}

impl AtOnceLayer {
    /// With what answers, and with what the layers below hold calls of callers to.
    #[must_use]
    pub fn new(answers: Arc<dyn AtOnce>, admission: Admission, uploads: Uploads) -> Self {
        Self(Arc::new(Parts {
            answers,
            admission,
            uploads,
            answered: OnceLock::new(),
        }))
    }
}

impl<S> Layer<S> for AtOnceLayer {
    type Service = Answering<S>;

    fn layer(&self, inner: S) -> Answering<S> {
        Answering {
            inner: Arc::new(inner),
            layer: self.clone(),
        }
    }
}

/// Answers at once what it can. The services below are cloned for the calls alone that they see.
#[derive(Debug)]
pub struct Answering<S> {
    inner: Arc<S>,
    layer: AtOnceLayer,
}

impl<S> Clone for Answering<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            layer: self.layer.clone(),
        }
    }
}

impl<S> Service<Request<Body>> for Answering<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<
        Ready<Result<Response<Body>, S::Error>>,
        BoxFuture<'static, Result<Response<Body>, S::Error>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Those below are waited for by the calls that they see.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if request.uri().path() == PATH
            && let Some(response) = self.layer.0.answer(&mut request)
        {
            return Either::Left(ready(Ok(response)));
        }
        let inner = S::clone(&self.inner);
        Either::Right(Box::pin(inner.oneshot(request)))
    }
}

impl Parts {
    /// The answer, if it is to be had; otherwise the request is as it was.
    fn answer(&self, request: &mut Request<Body>) -> Option<Response<Body>> {
        // An answer need not be compressed, and a small one is dearer to compress than to send.
        if request.method() != Method::POST || request.headers().contains_key("grpc-encoding") {
            return None;
        }
        // Before anything of the message is read, as below.
        let caller = request.extensions().get::<Caller>()?;
        let _place = self.admission.admit(PATH, &caller.tenant).ok()?;
        let upload = self.uploads.begin()?;
        let came = Came::of(std::mem::take(request.body_mut()));
        let caller = request.extensions().get::<Caller>();
        let answer = caller
            .zip(came.whole())
            .and_then(|(caller, frame)| self.answer_to(caller, frame, upload));
        if answer.is_none() {
            *request.body_mut() = Body::new(came);
        }
        answer
    }

    fn answer_to(&self, caller: &Caller, frame: &Bytes, upload: Upload) -> Option<Response<Body>> {
        let message = message_in(frame)?;
        if !upload.charge(frame.len()) {
            return None;
        }
        upload.complete(0);
        let body = Body::new(Answer {
            frame: Some(self.answers.answer(caller, message)?),
            ended: false,
            _held: upload,
        });
        let answered = self.answered.get_or_init(|| counter!(names::GRPC_AT_ONCE));
        answered.increment(1);
        let mut response = Response::new(body);
        let grpc = HeaderValue::from_static("application/grpc");
        response.headers_mut().insert(header::CONTENT_TYPE, grpc);
        Some(response)
    }
}

/// The message in a frame that holds nothing else, small enough to be decoded unweighed.
fn message_in(frame: &[u8]) -> Option<&[u8]> {
    let (prefix, message) = frame.split_first_chunk::<PREFIX>()?;
    let [flag, length @ ..] = *prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (flag == 0 && length == message.len() && length <= codec::SMALL).then_some(message)
}

/// What of a body has come by now, and what may still come. As a body it is all of it.
struct Came {
    frames: VecDeque<Result<Frame<Bytes>, Status>>,
    has_ended: bool,
    rest: Body,
}

impl Came {
    /// Takes what there is without waiting: whoever goes on to read it waits.
    fn of(mut rest: Body) -> Self {
        let mut context = Context::from_waker(Waker::noop());
        let mut frames = VecDeque::new();
        let mut has_ended = false;
        // Callers may say in a frame of its own that there is no more. Only a body that was read to its end is known to be right:
        // what makes text of pages into bytes finds out there what is wrong with it.
        while frames.len() <= 2 {
            match Pin::new(&mut rest).poll_frame(&mut context) {
                Poll::Ready(Some(Ok(frame))) => frames.push_back(Ok(frame)),
                Poll::Ready(Some(Err(error))) => {
                    frames.push_back(Err(error));
                    break;
                }
                Poll::Ready(None) => {
                    has_ended = true;
                    rest = Body::empty();
                    break;
                }
                Poll::Pending => break,
            }
        }
        Self {
            frames,
            has_ended,
            rest,
        }
    }

    /// The frame that was all of the body.
    fn whole(&self) -> Option<&Bytes> {
        let mut frames = self.frames.iter();
        let first = frames.next()?.as_ref().ok()?.data_ref()?;
        let is_empty = |frame: &Frame<Bytes>| frame.data_ref().is_some_and(Bytes::is_empty);
        let alone = frames.all(|frame| frame.as_ref().is_ok_and(is_empty));
        (self.has_ended && alone).then_some(first)
    }
}

impl http_body::Body for Came {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.frames.pop_front() {
            Some(frame) => Poll::Ready(Some(frame)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.rest.is_end_stream()
    }
}

/// The body of an answer: a message and the word that all is well.
struct Answer {
    frame: Option<Bytes>,
    ended: bool,
    _held: Upload,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(frame) = self.frame.take() {
            return Poll::Ready(Some(Ok(Frame::data(frame))));
        }
        if std::mem::replace(&mut self.ended, true) {
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::trailers(status::fine()))))
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests;
