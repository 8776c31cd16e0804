//! Browsers: gRPC-Web, and which pages may use it.
//!
//! What must stay true: a page whose origin is not allowed reaches no handler. CORS alone keeps a foreign page from reading
//! an answer, but a page that has made its own name point at this address (DNS rebinding) is of the same origin in the
//! browser's eyes, and with `auth.mode = "none"` it would be believed. So a request that names an origin, as browsers do and
//! other clients do not, is answered 403 unless the origin is allowed, before anything else is looked at.

use std::{
    collections::BTreeSet,
    future::{Ready, ready},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::Either;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use tonic::body::Body;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors, CorsLayer};

use crate::auth;

/// How long a browser may remember that a page is allowed.
const REMEMBERED: Duration = Duration::from_mins(10);

/// What pages may read of an answer besides its body.
const READABLE: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// What pages may send.
const SENT: [&str; 12] = [
    "content-type",
    "authorization",
    "grpc-timeout",
    "grpc-accept-encoding",
    "x-grpc-web",
    "x-user-agent",
    "traceparent",
    "tracestate",
    auth::TENANT,
    auth::CALLER,
    auth::PERMISSIONS,
    auth::DEPARTMENT,
];

/// The origins of pages that may call.
#[derive(Clone, Debug)]
pub struct Origins(Arc<BTreeSet<String>>);

impl Origins {
    /// These and no others.
    #[must_use]
    pub fn new(allowed: BTreeSet<String>) -> Self {
        Self(Arc::new(allowed))
    }

    fn allows(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| self.0.contains(origin))
    }
}

/// What stands between browsers and the service, in the order of [`tonic::transport::Server::layer`]: refuse foreign pages
/// and answer preflights, then translate.
pub fn layers(origins: &Origins) -> (OriginLayer, GrpcWebLayer) {
    let allowed = origins.clone();
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            allowed.allows(origin)
        }))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::list(SENT.map(HeaderName::from_static)))
        .expose_headers(READABLE)
        .max_age(REMEMBERED);
    let rules = Arc::new(Rules {
        origins: origins.clone(),
        cors,
    });
    (OriginLayer(rules), GrpcWebLayer::new())
}

/// Puts an [`Origin`] around a service.
#[derive(Clone, Debug)]
pub struct OriginLayer(Arc<Rules>);

/// Which pages may call, and what they are told.
#[derive(Debug)]
struct Rules {
    origins: Origins,
    cors: CorsLayer,
}

impl<S> Layer<S> for OriginLayer {
    type Service = Origin<S>;

    fn layer(&self, inner: S) -> Origin<S> {
        Origin {
            inner,
            rules: Arc::clone(&self.0),
        }
    }
}

/// Answers 403 to pages that are not allowed.
#[derive(Clone, Debug)]
pub struct Origin<S> {
    inner: S,
    rules: Arc<Rules>,
}

impl<S> Service<Request<Body>> for Origin<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Either<PageFuture<S>, Refusal<S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if !request.headers().contains_key(header::ORIGIN) {
            return Either::Left(self.inner.call(request));
        }
        let mut origins = request.headers().get_all(header::ORIGIN).iter();
        if origins.all(|origin| self.rules.origins.allows(origin)) {
            // The one that is ready; pages are few, and the others need no clone of all this.
            let next = self.inner.clone();
            let ready = std::mem::replace(&mut self.inner, next);
            let answer = self.rules.cors.layer(ready).call(request);
            return Either::Right(Either::Left(answer));
        }
        let mut refusal = Response::new(Body::empty());
        *refusal.status_mut() = StatusCode::FORBIDDEN;
        Either::Right(Either::Right(ready(Ok(refusal))))
    }
}

/// The answer to a page.
type PageFuture<S> = <Cors<S> as Service<Request<Body>>>::Future;

/// The answer to a page that is not allowed.
type Refusal<E> = Ready<Result<Response<Body>, E>>;
