//! Counts and logs calls of those who may not make them, whoever refused them.
//!
//! What must stay true: nothing that a caller makes up is a label or in a line - no token, no identifier, no path; the
//! caller's name is there only when a credential proved it; strangers cannot fill the log. A refusal is a status in the
//! headers, since permissions are asked for before anything is answered.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use futures_util::{TryFutureExt as _, future::MapOk};
use http::{Request, Response};
use metrics::counter;
use tonic::{Code, Status, body::Body};
use tonic_types::StatusExt as _;
use tower::{Layer, Service};

use super::methods::{Method, Methods};
use crate::{
    auth::{Known, Permission},
    clock::Clock,
    grpc::reasons,
    telemetry::{limiter::Limiter, names},
};

/// Lines a second at most.
const LINES: u32 = 5;

/// Puts a [`Denied`] around a service.
#[derive(Clone)]
pub struct DeniedLayer {
    methods: Methods,
    limiter: Arc<Mutex<Limiter>>,
    clock: Clock,
}

impl fmt::Debug for DeniedLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeniedLayer")
    }
}

impl DeniedLayer {
    /// For the methods of the API.
    #[must_use]
    pub fn new() -> Self {
        Self {
            methods: Methods::of_the_api(),
            limiter: Arc::new(Mutex::new(Limiter::new(LINES))),
            clock: Clock::system(),
        }
    }

    fn look(&self, path: &Method, response: &Response<Body>) {
        let code = response.headers().get(Status::GRPC_STATUS);
        let code = code.map(|code| Code::from_bytes(code.as_bytes()));
        if !matches!(code, Some(Code::Unauthenticated | Code::PermissionDenied)) {
            return;
        }
        let Some(status) = Status::from_header_map(response.headers()) else {
            return;
        };
        let info = status.get_error_details().error_info().cloned();
        let said = info.as_ref().map(|info| info.reason.as_str());
        let known = |reason: &&&str| said == Some(**reason);
        let reason = reasons::ERRORS.iter().find(known).copied();
        let reason = reason.unwrap_or("internal");
        counter!(
            names::DENIED,
            "service" => path.service.clone(), "method" => path.name.clone(), "reason" => reason
        )
        .increment(1);
        let admitted = {
            let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
            limiter.admit(self.clock.now())
        };
        let Some(suppressed) = admitted else { return };
        let permission = info
            .as_ref()
            .and_then(|info| info.metadata.get("permission"))
            .and_then(|slug| slug.parse::<Permission>().ok())
            .map(Permission::slug);
        let caller = response.extensions().get::<Known>().map(|known| &*known.0);
        tracing::warn!(
            reason,
            method = path.full.as_str(),
            caller,
            permission,
            suppressed,
            "a call was denied"
        );
    }
}

impl Default for DeniedLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for DeniedLayer {
    type Service = Denied<S>;

    fn layer(&self, inner: S) -> Denied<S> {
        Denied {
            inner,
            layer: self.clone(),
        }
    }
}

/// Looks at answers.
#[derive(Clone, Debug)]
pub struct Denied<S> {
    inner: S,
    layer: DeniedLayer,
}

/// Looks at one answer.
type Look = Box<dyn FnOnce(Response<Body>) -> Response<Body> + Send>;

impl<S, B> Service<Request<B>> for Denied<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = MapOk<S::Future, Look>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let method = self.layer.methods.of(request.uri().path());
        let layer = self.layer.clone();
        let look: Look = Box::new(move |response| {
            layer.look(&method, &response);
            response
        });
        self.inner.call(request).map_ok(look)
    }
}
