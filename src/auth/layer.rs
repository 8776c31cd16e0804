//! Finds out who calls, before a message is decoded.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::Authenticator;

/// Services that answer strangers: they know nothing of customers, and probes have no credential.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Puts an [`Auth`] around a service.
#[derive(Clone, Copy, Debug)]
pub struct AuthLayer(Authenticator);

impl AuthLayer {
    /// With a way of telling who calls.
    #[must_use]
    pub const fn new(authenticator: Authenticator) -> Self {
        Self(authenticator)
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth {
            inner,
            authenticator: self.0,
        }
    }
}

/// Adds a [`super::Caller`] to the extensions of every request, or answers why there is none.
#[derive(Clone, Debug)]
pub struct Auth<S> {
    inner: S,
    authenticator: Authenticator,
}

impl<S, B> Service<Request<B>> for Auth<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Either::Left(self.inner.call(request));
        }
        let (mut head, body) = request.into_parts();
        match self.authenticator.authenticate(&head) {
            Ok(caller) => {
                head.extensions.insert(caller);
                Either::Left(self.inner.call(Request::from_parts(head, body)))
            }
            Err(error) => Either::Right(ready(Ok(Status::from(error).into_http()))),
        }
    }
}
