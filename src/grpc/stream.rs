//! `StreamInteractions`: requests in, acknowledgements out, in order.
//!
//! What must stay true:
//!
//! - Requests are recorded side by side but acknowledged in their order, so an acknowledgement covers every one before it.
//! - A stream holds at most its window of interactions. It reads the next request only when there is room in the window,
//!   which there is only as acknowledgements are taken, and when the one before has its room in the queue, which is bounded
//!   in bytes: a sender that does not read, or is too fast, is held back by HTTP/2 and not by our memory.
//! - Whatever a sender does not read, what it sent goes on into the queue and out of it: nothing waits for the sender while
//!   it has a place in the queue, which is everybody's.
//! - When a request fails, those before it are acknowledged, then the stream ends with its error; the sender begins again
//!   at the first that was not acknowledged.

use std::{collections::VecDeque, pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream::FuturesOrdered};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{
    Api,
    interaction_service::{Batch, Entered, enter},
    layers::{map_stream_error, uploads::Upload},
    validate::reason::OUT_OF_RANGE,
};
use crate::{
    auth::Caller,
    error::Error,
    ingest::Patience,
    proto::v1::{StreamInteractionsRequest, StreamInteractionsResponse},
};

/// The way back to the sender.
pub(super) type Acknowledgements =
    Pin<Box<dyn Stream<Item = Result<StreamInteractionsResponse, Status>> + Send>>;

/// Acknowledgements that wait to be taken.
const UNREAD: usize = 4;

/// Requests that are recorded at once, however small they are.
const REQUESTS: usize = 256;

/// Records what comes in; answers with the acknowledgements.
pub(super) fn run(
    api: Arc<Api>,
    caller: Caller,
    upload: Option<Upload>,
    requests: Streaming<StreamInteractionsRequest>,
) -> Acknowledgements {
    let (out, acknowledgements) = mpsc::channel(UNREAD);
    let session = Session {
        api,
        caller,
        upload,
        last: i64::MIN,
        held: 0,
    };
    let upload = session.upload.clone();
    let session = session.run(requests, out).in_current_span();
    match upload {
        Some(upload) => drop(tokio::spawn(upload.decoding(session))),
        None => drop(tokio::spawn(session)),
    }
    Box::pin(ReceiverStream::new(acknowledgements))
}

struct Session {
    api: Arc<Api>,
    caller: Caller,
    /// What the sender has in our memory.
    upload: Option<Upload>,
    /// The last sequence number that came.
    last: i64,
    /// Interactions that are being recorded.
    held: usize,
}

/// A request that was recorded, with how many interactions it held.
type Recorded = (usize, Result<StreamInteractionsResponse, Error>);

/// A request that waits for room in the queue.
type Entering = Pin<Box<dyn Future<Output = (i64, usize, Result<Entered, Error>)> + Send>>;

/// A request that is being recorded.
type Recording = Pin<Box<dyn Future<Output = Recorded> + Send>>;

impl Session {
    async fn run(
        mut self,
        mut requests: Streaming<StreamInteractionsRequest>,
        out: mpsc::Sender<Result<StreamInteractionsResponse, Status>>,
    ) {
        let mut under_way: FuturesOrdered<Recording> = FuturesOrdered::new();
        let mut unsent: VecDeque<Recorded> = VecDeque::new();
        let mut entering: Option<Entering> = None;
        let draining = self.api.draining.clone();
        // Why no more is read: the end of the stream, or what to say when all before it is acknowledged.
        let mut ended: Option<Result<(), Status>> = None;
        while ended.is_none() || entering.is_some() || !under_way.is_empty() || !unsent.is_empty() {
            let room = entering.is_none()
                && self.held < self.api.stream_window
                && under_way.len() + unsent.len() < REQUESTS;
            tokio::select! {
                biased;
                Some(recorded) = under_way.next() => unsent.push_back(recorded),
                place = out.reserve(), if !unsent.is_empty() => {
                    let (Ok(place), Some((items, recorded))) = (place, unsent.pop_front()) else {
                        // What has begun to be written is recorded all the same; the sender will hear DUPLICATE of it.
                        return;
                    };
                    self.held -= items;
                    let failed = recorded.is_err();
                    place.send(recorded.map_err(Status::from));
                    if failed {
                        return;
                    }
                }
                (sequence, items, entered) = waiting(&mut entering), if entering.is_some() => {
                    entering = None;
                    if let Some(upload) = &self.upload {
                        upload.settle();
                    }
                    under_way.push_back(self.record(sequence, items, entered));
                }
                () = draining.cancelled(), if ended.is_none() => {
                    ended = Some(Err(Status::from(Error::Draining)));
                }
                request = requests.message(), if ended.is_none() && room => {
                    match request.map_err(map_stream_error) {
                        Ok(Some(request)) => match self.accept(request) {
                            Ok((sequence, batch)) => entering = Some(self.enter(sequence, batch)),
                            Err(error) => ended = Some(Err(error.into())),
                        },
                        Ok(None) => ended = Some(Ok(())),
                        Err(status) => ended = Some(Err(status)),
                    }
                }
            }
        }
        if let Some(Err(status)) = ended {
            // The sender may be gone, and then needs no word.
            let _ = out.send(Err(status)).await;
        }
    }

    fn accept(&mut self, request: StreamInteractionsRequest) -> Result<(i64, Batch), Error> {
        let sequence = request.sequence;
        if sequence <= self.last {
            return Err(Error::invalid(
                "sequence",
                OUT_OF_RANGE,
                "not greater than the one before",
            ));
        }
        let batch = Batch::checked(request.interactions, request.run_id.as_deref())?;
        self.last = sequence;
        self.held += batch.len();
        Ok((sequence, batch))
    }

    fn enter(&self, sequence: i64, batch: Batch) -> Entering {
        let (api, caller) = (Arc::clone(&self.api), self.caller.clone());
        let items = batch.len();
        Box::pin(async move {
            let entered = enter(&api, &caller, batch, Patience::Endless).await;
            (sequence, items, entered)
        })
    }

    fn record(&self, sequence: i64, items: usize, entered: Result<Entered, Error>) -> Recording {
        let api = Arc::clone(&self.api);
        Box::pin(async move {
            let recorded = match entered {
                Ok(entered) => entered.record(&api).await,
                Err(error) => Err(error),
            };
            let response = recorded.map(|(results, token)| StreamInteractionsResponse {
                sequence,
                results,
                token,
            });
            (items, response)
        })
    }
}

/// The end of what is waited for; never, where that is nothing.
async fn waiting<F: Future + Unpin>(future: &mut Option<F>) -> F::Output {
    match future {
        Some(future) => future.await,
        None => std::future::pending().await,
    }
}
