//! Finds out who calls, before a message is decoded.

use std::{
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{
    TryFutureExt as _,
    future::{Either, MapOk},
};
use http::{Request, Response};
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{Authenticator, Refused};
use crate::error::Error;

/// Services that answer strangers: they know nothing of customers, and probes have no credential.
const OPEN: [&str; 3] = [
    "/grpc.health.v1.Health/",
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
];

/// Beside an answer that is a refusal: whose call it was, from a credential that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known(pub Arc<str>);

/// Puts an [`Auth`] around a service.
#[derive(Clone, Debug)]
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
            authenticator: self.0.clone(),
        }
    }
}

/// Adds a [`super::Caller`] to the extensions of every request, or answers why there is none.
#[derive(Clone, Debug)]
pub struct Auth<S> {
    inner: S,
    authenticator: Authenticator,
}

/// Adds who called to an answer.
type Sign = Box<dyn FnOnce(Response<Body>) -> Response<Body> + Send>;

impl<S, B> Service<Request<B>> for Auth<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future =
        Either<Either<S::Future, MapOk<S::Future, Sign>>, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let path = request.uri().path();
        if OPEN.iter().any(|open| path.starts_with(open)) {
            return Either::Left(Either::Left(self.inner.call(request)));
        }
        let (mut head, body) = request.into_parts();
        match self.authenticator.authenticate(&head) {
            Ok(caller) => {
                let name = Arc::clone(&caller.name);
                head.extensions.insert(caller);
                let answer = self.inner.call(Request::from_parts(head, body));
                if !self.authenticator.is_certain() {
                    return Either::Left(Either::Left(answer));
                }
                let sign: Sign = Box::new(|response| sign(response, name));
                Either::Left(Either::Right(answer.map_ok(sign)))
            }
            Err(Refused { why, name }) => {
                let answer = Status::from(Error::from(why)).into_http();
                let answer = match name {
                    Some(name) => sign(answer, name),
                    None => answer,
                };
                Either::Right(ready(Ok(answer)))
            }
        }
    }
}

/// Says whose call it was, where the answer is a status alone.
fn sign(mut response: Response<Body>, name: Arc<str>) -> Response<Body> {
    if response.headers().contains_key(Status::GRPC_STATUS) {
        response.extensions_mut().insert(Known(name));
    }
    response
}
