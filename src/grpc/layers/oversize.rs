//! What tonic answers by itself about messages, in our words.
//!
//! tonic refuses a message over the limit with `OUT_OF_RANGE`, and one whose frame is broken with INTERNAL, both without
//! details and before a handler runs. Callers are promised `RESOURCE_EXHAUSTED` `message_too_large` and `INVALID_ARGUMENT`
//! `undecodable`. A handler that reads a stream of requests meets the same errors there: [`map_stream_error`].

use std::task::{Context, Poll};

use futures_util::{TryFutureExt as _, future::MapOk};
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::grpc::status;

/// Puts an [`Oversize`] around a service.
#[derive(Clone, Copy, Debug)]
pub struct OversizeLayer;

impl<S> Layer<S> for OversizeLayer {
    type Service = Oversize<S>;

    fn layer(&self, inner: S) -> Oversize<S> {
        Oversize { inner }
    }
}

/// Rewrites tonic's own answers.
#[derive(Clone, Debug)]
pub struct Oversize<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for Oversize<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = MapOk<S::Future, fn(Response<Body>) -> Response<Body>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.inner.call(request).map_ok(mend)
    }
}

/// The error that reading a stream of requests met, in our words.
#[must_use]
pub fn map_stream_error(error: Status) -> Status {
    status::mended(error)
}

fn mend(response: Response<Body>) -> Response<Body> {
    // A status in the headers means that there is no body: it is all of the answer.
    let Some(found) = Status::from_header_map(response.headers()) else {
        return response;
    };
    let (code, ours) = (found.code(), !found.details().is_empty());
    if ours || code == tonic::Code::Ok {
        return response;
    }
    let mended = status::mended(found);
    if mended.details().is_empty() {
        response
    } else {
        mended.into_http()
    }
}
