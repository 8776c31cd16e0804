//! Loading: what is generated goes in over one stream, as fast as it is acknowledged.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use indicatif::ProgressBar;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, transport::Channel};

use super::super::{Failure, progress, status::describe};
use crate::{
    generate::Arguments,
    proto::v1::{
        ImportActionsRequest, InteractionOutcome, StreamInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
        next_best_action_service_client::NextBestActionServiceClient,
    },
};

/// Interactions of one message.
const BATCH: usize = 500;

/// How long it is tried again without getting anywhere, and how long it is waited in between.
const PATIENCE: Duration = Duration::from_mins(1);
pub(super) const PAUSE: Duration = Duration::from_millis(500);

/// Messages that wait to be sent.
const WAITING: usize = 4;

/// What became of the interactions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    recorded: u64,
    duplicates: u64,
    pub(super) refused: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} interactions recorded, {} repeats",
            self.recorded, self.duplicates
        )
    }
}

/// Sends everything and waits until all of it is acknowledged. A service that is busy or away for a moment, as one that
/// has just been started may be, is sent again what it has not acknowledged.
pub(super) async fn load(arguments: &Arguments, channel: Channel) -> Result<Tally, Failure> {
    let bar = progress::of_interactions("loading", arguments.interactions());
    let mut done = Done::default();
    let mut moved = Instant::now();
    loop {
        let before = done.sequence;
        let Err(status) = attempt(arguments, channel.clone(), &mut done, &bar).await else {
            break;
        };
        if done.sequence > before {
            moved = Instant::now();
        }
        if !may_pass(&status) || moved.elapsed() > PATIENCE {
            return Err(Failure::Call(describe(&status)));
        }
        tokio::time::sleep(PAUSE).await;
    }
    bar.finish_and_clear();
    Ok(done.tally)
}

/// The starter catalogue of actions, so that there is something to do next.
const STARTER: [&str; 7] = [
    include_str!("../../../examples/actions/policy.yaml"),
    include_str!("../../../examples/actions/segments.yaml"),
    include_str!("../../../examples/actions/serve.yaml"),
    include_str!("../../../examples/actions/retain.yaml"),
    include_str!("../../../examples/actions/sell.yaml"),
    include_str!("../../../examples/actions/nurture.yaml"),
    include_str!("../../../examples/actions/listen.yaml"),
];

/// Brings in the starter catalogue, once.
pub(super) async fn actions(channel: Channel) -> Result<(), Failure> {
    let request = ImportActionsRequest {
        operation_id: "demo".to_owned(),
        reason: "the demo".to_owned(),
        documents: STARTER.map(str::to_owned).to_vec(),
        dry_run: false,
    };
    let mut client = NextBestActionServiceClient::new(channel);
    let imported = client.import_actions(request).await;
    imported.map_err(|status| Failure::Call(describe(&status)))?;
    Ok(())
}

/// Whether trying again makes sense.
pub(super) fn may_pass(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::Unavailable | Code::Aborted | Code::ResourceExhausted
    )
}

/// How far loading is.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    /// Every message up to this one is acknowledged.
    sequence: i64,
    tally: Tally,
}

async fn attempt(
    arguments: &Arguments,
    channel: Channel,
    done: &mut Done,
    bar: &ProgressBar,
) -> Result<(), Status> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let (wanted, after) = (*arguments, done.sequence);
    let making = tokio::task::spawn_blocking(move || make(&wanted, after, &sender));
    let mut stream = InteractionServiceClient::new(channel)
        .stream_interactions(Request::new(ReceiverStream::new(receiver)))
        .await?
        .into_inner();
    while let Some(acknowledged) = stream.message().await? {
        done.sequence = acknowledged.sequence;
        let tally = &mut done.tally;
        for result in &acknowledged.results {
            match result.outcome() {
                InteractionOutcome::Recorded => tally.recorded += 1,
                InteractionOutcome::Duplicate => tally.duplicates += 1,
                _ => tally.refused += 1,
            }
        }
        bar.set_position(tally.recorded + tally.duplicates + tally.refused);
    }
    // A service that drains ends its streams in good order, before the last message.
    drop(stream);
    match making.await {
        Ok(Some(last)) if last == done.sequence => Ok(()),
        _ => Err(Status::from(io::Error::from(io::ErrorKind::UnexpectedEof))),
    }
}

/// Makes the messages after one; the number of the last, or `None` when nobody takes them any more.
fn make(
    arguments: &Arguments,
    after: i64,
    sender: &mpsc::Sender<StreamInteractionsRequest>,
) -> Option<i64> {
    let mut sequence = 0;
    for block in arguments.blocks() {
        let mut left = block
            .arrivals
            .into_iter()
            .map(|arrival| arrival.interaction);
        loop {
            let interactions: Vec<_> = left.by_ref().take(BATCH).collect();
            if interactions.is_empty() {
                break;
            }
            sequence += 1;
            if sequence > after {
                let request = StreamInteractionsRequest {
                    sequence,
                    interactions,
                    run_id: None,
                };
                sender.blocking_send(request).ok()?;
            }
        }
    }
    Some(sequence)
}
