//! What every call passes on its way in and out, whatever service it is for.
//!
//! The order is part of what must stay true, from the outside in:
//!
//! 0. [`web`] keeps foreign pages out and makes gRPC of gRPC-Web;
//! 1. [`trace`] sees every answer, also those that the layers below it give;
//! 2. [`mod@panic`] turns a handler's panic into an answer, inside the span, so that the answer names the trace;
//! 3. [`denied`] counts and logs what the layers below it and the handlers refuse;
//! 4. [`crate::auth`] answers strangers before their message is decoded;
//! 5. [`at_once`] answers what the process remembers, held to what [`admission`] and [`uploads`] hold calls to;
//! 6. [`admission`] turns away whom there is no room for, before their message is read;
//! 7. [`uploads`] bounds what callers have in our memory;
//! 8. [`oversize`] stands next to tonic's routes, whose own answers it puts into our words.

pub mod admission;
pub mod answers;
pub mod at_once;
pub mod denied;
pub mod methods;
pub mod oversize;
pub mod panic;
pub mod trace;
pub mod uploads;
pub mod web;

use std::sync::Arc;

use tower::{
    ServiceBuilder,
    layer::util::{Identity, Stack},
};
use tower_http::catch_panic::CatchPanicLayer;

pub use oversize::map_stream_error;

use crate::auth::{AuthLayer, Authenticator};

/// All layers, the last one outermost.
pub type Layers = Stack<
    oversize::OversizeLayer,
    Stack<
        uploads::UploadsLayer,
        Stack<
            admission::AdmissionLayer,
            Stack<
                at_once::AtOnceLayer,
                Stack<
                    AuthLayer,
                    Stack<
                        denied::DeniedLayer,
                        Stack<CatchPanicLayer<panic::Answer>, Stack<trace::TraceLayer, Identity>>,
                    >,
                >,
            >,
        >,
    >,
>;

/// All layers in their order, for `tonic::transport::Server::layer`, with what answers at once and the limit of [`uploads`] in
/// bytes.
#[must_use]
pub fn layers(
    authenticator: Authenticator,
    answers: Arc<dyn at_once::AtOnce>,
    admission: admission::Admission,
    request_bytes: usize,
) -> Layers {
    let uploads = uploads::UploadsLayer::new(request_bytes);
    let at_once = at_once::AtOnceLayer::new(answers, admission.clone(), uploads.callers());
    ServiceBuilder::new()
        .layer(trace::TraceLayer::new())
        .layer(panic::layer())
        .layer(denied::DeniedLayer::new())
        .layer(AuthLayer::new(authenticator))
        .layer(at_once)
        .layer(admission::AdmissionLayer::new(admission))
        .layer(uploads)
        .layer(oversize::OversizeLayer)
        .into_inner()
}

#[cfg(test)]
mod tests;
