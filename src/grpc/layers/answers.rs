//! Answers, charged for what they hold in memory until they are taken.
//!
//! What must stay true: whoever asks for much and reads nothing has that much less to ask for. So a large answer is charged
//! to its call ([`super::uploads`]) before it leaves the handler, and the call is over when the body was taken to its end. The
//! body hands the transport small pieces: it asks for more only when its reader has taken some, and what it was given it
//! keeps, where nobody counts it.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Frame;
use prost::{Message, bytes::Bytes};
use tonic::{Status, body::Body};

use super::uploads::{CALL, Upload, charge, overloaded};

/// Bytes of an answer that are in what every open call costs.
pub(super) const SMALL: usize = CALL / 2;

/// An answer, charged for what it holds in memory until its reader has taken it: whoever asks for much and reads nothing has
/// that much less to ask for.
///
/// # Errors
/// `overloaded`, when there is no room for it.
pub(in crate::grpc) fn answered<M: Message>(message: M) -> Result<tonic::Response<M>, Status> {
    let length = message.encoded_len();
    // Decoded and encoded.
    if length > SMALL && !charge(2 * length, 0) {
        return Err(overloaded().into());
    }
    Ok(tonic::Response::new(message))
}

/// An answer's body. What its call holds is given back when it was taken to the end.
pub(super) struct Answer {
    inner: Body,
    /// What is left of a piece that is too large for one.
    rest: Bytes,
    _held: Upload,
}

impl Answer {
    /// A body whose call holds something until its end.
    pub(super) fn new(inner: Body, held: Upload) -> Self {
        Self {
            inner,
            rest: Bytes::new(),
            _held: held,
        }
    }
}

/// Bytes handed to the transport at a time. It asks for more only when its reader has taken some: what it was given it has
/// to keep.
pub(super) const PIECE: usize = 16 << 10;

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.rest.is_empty() {
            let polled = Pin::new(&mut self.inner).poll_frame(context);
            match polled {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                other => return other,
            }
        }
        let length = self.rest.len().min(PIECE);
        let piece = self.rest.split_to(length);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.inner.is_end_stream()
    }
}
