//! Counts and logs calls of those who may not make them, whoever refused them.
//!
//! What must stay true: nothing that a caller makes up is a label or in a line - no token, no identifier, no path; the
//! caller's name is there only when a credential proved it; strangers cannot fill the log. A refusal is a status in the
//! headers, since permissions are asked for before anything is answered.

use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

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
#[derive(Clone, Debug)]
pub struct DeniedLayer(Arc<Parts>);

struct Parts {
    methods: Methods,
    limiter: Mutex<Limiter>,
    clock: Clock,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Parts")
    }
}

impl DeniedLayer {
    /// For the methods of the API.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Parts {
            methods: Methods::of_the_api(),
            limiter: Mutex::new(Limiter::new(LINES)),
            clock: Clock::system(),
        }))
    }
}

impl Parts {
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

impl<S, B> Service<Request<B>> for Denied<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Unpin,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Looking<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let parts = Arc::clone(&self.layer.0);
        let method = parts.methods.of(request.uri().path());
        Looking {
            answer: self.inner.call(request),
            method,
            parts,
        }
    }
}

/// An answer that is waited for, to be looked at.
#[derive(Debug)]
pub struct Looking<F> {
    answer: F,
    method: Arc<Method>,
    parts: Arc<Parts>,
}

impl<F, E> Future for Looking<F>
where
    F: Future<Output = Result<Response<Body>, E>> + Unpin,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(context))?;
        self.parts.look(&self.method, &response);
        Poll::Ready(Ok(response))
    }
}
