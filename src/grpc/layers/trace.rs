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
    task::{Context, Poll},
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
use tracing::{Instrument as _, Span, field::Empty};
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
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = self.methods.of(request.uri().path());
        let span = span(&method, request.headers());
        let mut call = Call {
            method,
            span: span.clone(),
            begun: Instant::now(),
            counted: false,
        };
        let answer = span.in_scope(|| self.inner.call(request));
        let answered = async move {
            let response = answer.await?;
            if let Some(code) = code_in(response.headers()) {
                call.end(code);
                return Ok(response.map(Body::new));
            }
            Ok(response.map(|body| {
                let inner = Body::new(body);
                Body::new(Traced { inner, call })
            }))
        };
        Box::pin(answered.instrument(span))
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
        let span = call.span.clone();
        let _entered = span.enter();
        let poll = AssertUnwindSafe(|| Pin::new(&mut *inner).poll_frame(context));
        let Ok(polled) = catch_unwind(poll) else {
            call.end(Code::Internal);
            *inner = Body::empty();
            return Poll::Ready(Some(Ok(Frame::trailers(panic::trailers()))));
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
