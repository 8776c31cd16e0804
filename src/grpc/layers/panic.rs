//! A handler that panics answers INTERNAL, and the connection lives on.
//!
//! The panic hook has logged the panic where it happened (see [`crate::telemetry`]), with its trace, so nothing is logged
//! here. A stream that panics after its first message is ended by [`super::trace`], which polls it.

use std::any::Any;

use http::{HeaderMap, Response};
use tonic::body::Body;
use tower_http::catch_panic::{CatchPanicLayer, ResponseForPanic};

use crate::grpc::status;

/// The layer.
#[must_use]
pub fn layer() -> CatchPanicLayer<Answer> {
    CatchPanicLayer::custom(Answer)
}

/// What a call whose handler panicked is answered.
#[derive(Clone, Copy, Debug)]
pub struct Answer;

impl ResponseForPanic for Answer {
    type ResponseBody = Body;

    fn response_for_panic(&mut self, _: Box<dyn Any + Send>) -> Response<Body> {
        status::internal().into_http()
    }
}

/// The trailers of a stream that panicked.
pub(super) fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    // The text and the details of this status are plain ASCII, which always makes a header.
    let _ = status::internal().add_header(&mut trailers);
    trailers
}
