//! A span and two metrics for every call.
//!
//! What must stay true: the caller's W3C context becomes the parent before the span is first entered, because afterwards it
//! cannot; a call is counted exactly once, at whatever end it finds: a status in the headers, trailers, a body that ends
//! without them, a panic, or a caller that goes away (CANCELLED), which is noticed because `Call` counts when dropped. One that
//! took longer than its objective is logged once, where it is counted.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use http::{HeaderMap, Request, Response};
use http_body::{Frame, SizeHint};
use opentelemetry::{
    propagation::{Extractor, TextMapPropagator as _},
    trace::TraceContextExt as _,
};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use prost::bytes::Bytes;
use tonic::{Code, Status, body::Body};
use tower::{BoxError, Layer, Service};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::{
    methods::{Method, Methods},
    panic,
};
use crate::telemetry::sampling;

/// Puts a [`Trace`] around a service.
#[derive(Clone, Debug)]
pub struct TraceLayer(Methods);

impl TraceLayer {
    /// For the methods of the API.
    #[must_use]
    pub fn new() -> Self {
        Self(Methods::of_the_api())
    }
}

impl Default for TraceLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for TraceLayer {
    type Service = Trace<S>;

    fn layer(&self, inner: S) -> Trace<S> {
        Trace {
            inner,
            methods: self.0.clone(),
        }
    }
}

/// Traces and counts calls.
#[derive(Clone, Debug)]
pub struct Trace<S> {
    inner: S,
    methods: Methods,
}

impl<S, B, R> Service<Request<B>> for Trace<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Calling<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = self.methods.of(request.uri().path());
        let span = span(&method, request.headers());
        let call = Call {
            method,
            span,
            begun: Instant::now(),
            counted: false,
        };
        let answer = call.span.in_scope(|| Box::pin(self.inner.call(request)));
        Calling(Some((answer, call)))
    }
}

/// A call on its way to an answer. Whatever becomes of it, it is polled and dropped within its span.
#[derive(Debug)]
pub struct Calling<F>(Option<(Pin<Box<F>>, Call)>);

impl<F, R, E> Future for Calling<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Output = Result<Response<Body>, E>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some((answer, call)) = &mut self.0 else {
            // It was polled to its end before.
            return Poll::Pending;
        };
        let polled = call.span.in_scope(|| answer.as_mut().poll(context));
        let response = ready!(polled)?;
        let Some((answer, mut call)) = self.0.take() else {
            return Poll::Pending;
        };
        call.span.in_scope(|| drop(answer));
        if let Some(code) = code_in(response.headers()) {
            call.end(code);
            return Poll::Ready(Ok(response.map(Body::new)));
        }
        Poll::Ready(Ok(response.map(|body| {
            let inner = Body::new(body);
            Body::new(Traced { inner, call })
        })))
    }
}

impl<F> Drop for Calling<F> {
    fn drop(&mut self) {
        if let Some((answer, call)) = self.0.take() {
            call.span.in_scope(|| drop(answer));
        }
    }
}

fn span(method: &Method, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "grpc.request",
        otel.name = method.full.as_str(),
        otel.kind = "server",
        otel.status_code = Empty,
        rpc.system = "grpc",
        rpc.service = &*method.service,
        rpc.method = &*method.name,
        rpc.grpc.status_code = Empty,
        cache.source = Empty,
        slow = Empty,
    );
    let nothing = opentelemetry::Context::new();
    let parent = TraceContextPropagator::new().extract_with_context(&nothing, &Headers(headers));
    if parent.span().span_context().is_valid() {
        // Refused where nobody traces, which is no error.
        let _ = span.set_parent(parent);
    }
    span
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

fn code_in(headers: &HeaderMap) -> Option<Code> {
    let code = headers.get(Status::GRPC_STATUS)?;
    Some(Code::from_bytes(code.as_bytes()))
}

/// A call until it is counted.
#[derive(Debug)]
struct Call {
    method: Arc<Method>,
    span: Span,
    begun: Instant,
    counted: bool,
}

impl Call {
    fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.counted, true) {
            return;
        }
        self.span.record("rpc.grpc.status_code", i32::from(code));
        let ours = matches!(
            code,
            Code::Unknown
                | Code::DeadlineExceeded
                | Code::Unimplemented
                | Code::Internal
                | Code::Unavailable
                | Code::DataLoss
        );
        if ours {
            self.span.record("otel.status_code", "ERROR");
        }
        let took = self.begun.elapsed();
        self.method.observe(code, took);
        if let Some(objective) = self.method.objective.filter(|objective| took > *objective) {
            self.span.record(sampling::SLOW, true);
            self.span.in_scope(|| {
                tracing::warn!(
                    method = self.method.full,
                    code = i32::from(code),
                    took_ms = whole_millis(took),
                    objective_ms = whole_millis(objective),
                    "a call was slow"
                );
            });
        }
    }
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Drop for Call {
    fn drop(&mut self) {
        self.end(Code::Cancelled);
    }
}

/// The body of an answer, up to its trailers.
struct Traced {
    inner: Body,
    call: Call,
}

impl http_body::Body for Traced {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { inner, call } = &mut *self;
        let poll = || Pin::new(&mut *inner).poll_frame(context);
        // The trailers of a panic name the trace.
        let caught = || catch_unwind(AssertUnwindSafe(poll)).map_err(|_| panic::trailers());
        let polled = match call.span.in_scope(caught) {
            Ok(polled) => polled,
            Err(trailers) => {
                call.end(Code::Internal);
                *inner = Body::empty();
                return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
            }
        };
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(trailers) = frame.trailers_ref() {
                    call.end(code_in(trailers).unwrap_or(Code::Unknown));
                }
            }
            Poll::Ready(Some(Err(error))) => call.end(error.code()),
            Poll::Ready(None) => call.end(Code::Unknown),
            Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        // Not the inner body's word: a body that ends without trailers has to be polled to be counted.
        self.call.counted && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
