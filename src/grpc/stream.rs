//! `StreamInteractions`: requests in, acknowledgements out, in order.
//!
//! What must stay true:
//!
//! - Requests are recorded side by side but acknowledged in their order, so an acknowledgement covers every one before it.
//! - A stream holds at most its window of interactions. It reads the next request only when there is room, and there is
//!   room only as acknowledgements are taken: a sender that does not read is held back by HTTP/2, not by our memory.
//! - When a request fails, those before it are acknowledged, then the stream ends with its error; the sender begins again
//!   at the first that was not acknowledged.

use std::{pin::Pin, sync::Arc};

use futures_util::{Stream, StreamExt as _, stream::FuturesOrdered};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{
    Api,
    interaction_service::{Batch, record},
    layers::map_stream_error,
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
    requests: Streaming<StreamInteractionsRequest>,
) -> Acknowledgements {
    let (out, acknowledgements) = mpsc::channel(UNREAD);
    let session = Session {
        api,
        caller,
        last: i64::MIN,
        held: 0,
    };
    tokio::spawn(session.run(requests, out).in_current_span());
    Box::pin(ReceiverStream::new(acknowledgements))
}

struct Session {
    api: Arc<Api>,
    caller: Caller,
    /// The last sequence number that came.
    last: i64,
    /// Interactions that are being recorded.
    held: usize,
}

/// A request that was recorded, with how many interactions it held.
type Recorded = (usize, Result<StreamInteractionsResponse, Error>);

/// A request that is being recorded.
type Recording = Pin<Box<dyn Future<Output = Recorded> + Send>>;

impl Session {
    async fn run(
        mut self,
        mut requests: Streaming<StreamInteractionsRequest>,
        out: mpsc::Sender<Result<StreamInteractionsResponse, Status>>,
    ) {
        let mut under_way: FuturesOrdered<Recording> = FuturesOrdered::new();
        let draining = self.api.draining.clone();
        // Why no more is read: the end of the stream, or what to say when all before it is acknowledged.
        let mut ended: Option<Result<(), Status>> = None;
        while ended.is_none() || !under_way.is_empty() {
            let room = self.held < self.api.stream_window && under_way.len() < REQUESTS;
            tokio::select! {
                biased;
                Some((items, recorded)) = under_way.next() => {
                    self.held -= items;
                    let failed = recorded.is_err();
                    if out.send(recorded.map_err(Status::from)).await.is_err() || failed {
                        // What is still under way is recorded all the same; the sender will hear DUPLICATE.
                        return;
                    }
                }
                () = draining.cancelled(), if ended.is_none() => {
                    ended = Some(Err(Status::from(Error::StorageAway { source: "draining".into() })));
                }
                request = requests.message(), if ended.is_none() && room => {
                    match request.map_err(map_stream_error) {
                        Ok(Some(request)) => match self.accept(request) {
                            Ok((sequence, batch)) => under_way.push_back(self.record(sequence, batch)),
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

    fn record(&self, sequence: i64, batch: Batch) -> Recording {
        let (api, caller) = (Arc::clone(&self.api), self.caller.clone());
        let items = batch.len();
        Box::pin(async move {
            let recorded = record(&api, &caller, batch, Patience::Wait).await;
            let response = recorded.map(|(results, token)| StreamInteractionsResponse {
                sequence,
                results,
                token,
            });
            (items, response)
        })
    }
}
