//! The run of an import: a reading thread, workers that make the calls, a thread that keeps the books.
//!
//! The three end in one direction: the reader lets go of the workers, they let go of the keeper, the keeper writes down
//! where things stand. Whatever fails shuts the gate and drops a queue, which ends the others the same way; the first
//! error is the one that is told.

mod gate;
mod keeper;
mod ledger;
mod progress;
mod reader;
mod rejects;
mod report;
pub(crate) mod retry;
pub(crate) mod worker;

use std::{
    sync::{Arc, mpsc},
    time::Instant,
};

use tokio::{
    sync::{mpsc as queue, oneshot},
    task::JoinSet,
};

use crate::{
    cli::client::Connection, ids::RunId,
    proto::v1::interaction_service_client::InteractionServiceClient,
};

use super::{
    error::ImportError,
    making::Making,
    options::ImportOptions,
    summary::Summary,
    table::{Table, TableError},
};
use gate::{Gate, ShutOnDrop};
use keeper::{Keeper, Note};
use ledger::Ledger;
use progress::{ProgressFile, Saved, fingerprint};
use reader::Reader;
use rejects::Rejects;
pub(crate) use report::Reporter;
use retry::Retry;
use worker::{Worker, tenant_metadata};

const MOST_WORKERS: usize = 64;

/// Imports a file: records every row, or says why not.
///
/// When it ends early, or is dropped or killed, the same import started again goes on after the last row up to which all
/// were acknowledged.
///
/// # Errors
/// When the mapping has mistakes, the input cannot be read to its end, a file of the import cannot be written, or the
/// service refuses or stays away.
pub async fn import(
    options: ImportOptions,
    client: InteractionServiceClient<Connection>,
) -> Result<Summary, ImportError> {
    let started = Instant::now();
    let (making, text) = Making::of(&options)?;
    let table = open_table(&options, &making)?;
    let fingerprint = fingerprint(&options, &text)?;
    let start = Start::find(&options, fingerprint, &table)?;
    let run_id = start.run_id;
    let resumed_from = start.resumed_from;
    let tenant = tenant_metadata(&options.tenant)?;
    let worker = Worker {
        client,
        tenant,
        run_id,
        retry: Retry {
            give_up_after: options.give_up_after,
        },
        unsure_until: start.unsure_until,
    };
    let workers = options.workers.clamp(1, MOST_WORKERS);
    let kept = run(start.keeper, table, making, worker, workers)
        .await
        .map_err(|failure| failure.tell(&options))?;
    let mut summary = Summary::new(run_id, kept.counts, started.elapsed());
    summary.resumed_from = resumed_from;
    summary.rejects = kept.rejects;
    Ok(summary)
}

pub(crate) fn open_table(options: &ImportOptions, making: &Making) -> Result<Table, ImportError> {
    let (layout, columns) = making.layout();
    let table = Table::open(&options.input, &layout, columns);
    table.map_err(|source| unreadable(options, source))
}

pub(crate) fn unreadable(options: &ImportOptions, source: TableError) -> ImportError {
    ImportError::Input {
        input: options.input.to_string(),
        source,
    }
}

/// Where an import starts.
struct Start {
    run_id: RunId,
    resumed_from: Option<u64>,
    unsure_until: u64,
    keeper: Keeper,
}

impl Start {
    /// After the last run of the same import, or anew. The progress file is there when this returns.
    fn find(
        options: &ImportOptions,
        fingerprint: String,
        table: &Table,
    ) -> Result<Self, ImportError> {
        let (progress, found) = match options.progress_path() {
            Some(path) => {
                let (file, found) = ProgressFile::take(path)?;
                (Some(file), found)
            }
            None => (None, None),
        };
        let earlier = found
            .as_ref()
            .and_then(|saved| saved.run_id.parse::<RunId>().ok());
        let same = found.filter(|saved| saved.fits(&fingerprint));
        let resumed = same.zip(earlier);
        let (saved, run_id) = resumed.clone().unwrap_or_else(|| {
            let run_id = RunId::draw();
            let rejects = options.rejects_path();
            (Saved::new(fingerprint, run_id.to_string(), rejects), run_id)
        });
        let bytes_read = Arc::clone(&table.bytes_read);
        let reporter = Reporter::new(options.reporting, saved.mark, bytes_read, table.size);
        match (&resumed, earlier) {
            (Some(_), _) => {
                reporter.say(&format!("run {run_id} goes on after row {}", saved.mark));
            }
            (None, Some(earlier)) => reporter.say(&format!(
                "the input, the mapping or the destination changed since run {earlier} stopped; run {run_id} starts anew"
            )),
            (None, None) => reporter.say(&format!("run {run_id} starts")),
        }
        let unsure_until = if resumed.is_some() {
            saved.sent_limit
        } else {
            0
        };
        let mut keeper = Keeper {
            ledger: Ledger::resume(saved.mark, saved.counts),
            rejects: Rejects::open(saved.rejects.clone(), saved.rejects_length)?,
            progress,
            gate: Arc::new(Gate::new(saved.mark)),
            reporter,
            saved,
        };
        keeper.save()?;
        Ok(Self {
            run_id,
            resumed_from: resumed.map(|(saved, _)| saved.mark),
            unsure_until,
            keeper,
        })
    }
}

/// Why a run ended early.
enum Failure {
    Told(ImportError),
    Unreadable(TableError),
}

impl Failure {
    fn tell(self, options: &ImportOptions) -> ImportError {
        match self {
            Self::Told(error) => error,
            Self::Unreadable(source) => unreadable(options, source),
        }
    }
}

async fn run(
    keeper: Keeper,
    table: Table,
    making: Making,
    worker: Worker,
    workers: usize,
) -> Result<keeper::Kept, Failure> {
    let gate = Arc::clone(&keeper.gate);
    let _shut = ShutOnDrop(&gate);
    let skip = keeper.ledger.mark();
    let (notes, inbox) = mpsc::channel();
    let kept = thread("import-keeper", move || keeper.run(&inbox))?;

    let mut calls = JoinSet::new();
    let mut queues = Vec::new();
    for _ in 0..workers {
        let (queue, batches) = queue::channel(1);
        queues.push(queue);
        calls.spawn(worker.clone().work(batches, notes.clone()));
    }
    let reader = Reader {
        table,
        making,
        gate: Arc::clone(&gate),
        notes: notes.clone(),
        workers: queues,
        skip,
    };
    let read = thread("import-reader", move || reader.run())?;

    let mut failed = None;
    while let Some(ended) = calls.join_next().await {
        let ended = ended.unwrap_or(Err(ImportError::Bug("worker")));
        if let Err(error) = ended {
            failed = Some(error);
            break;
        }
    }
    if failed.is_some() {
        // The others may wait for the same service as long again; what they have not heard of is sent again next time.
        gate.shut();
        calls.shutdown().await;
    }
    // A reader that waits for its input does not hear that the import is over; nobody waits for it.
    let read = match failed {
        Some(_) => None,
        None => read
            .await
            .map_err(|_| Failure::Told(ImportError::Bug("reader")))?,
    };
    let end = match (&failed, &read) {
        (None, Some(Ok(rows))) => Some(Note::Finished(*rows)),
        (Some(_), _) => Some(Note::Stopped),
        (None, _) => None,
    };
    if let Some(end) = end {
        // A keeper that is gone has failed, which is told below.
        let _ = notes.send(end);
    }
    drop(notes);
    // Waited for in every case: it writes down where things stand, and holds the lock of the progress file till then.
    let kept = kept.await;
    if let Some(error) = failed {
        return Err(Failure::Told(error));
    }
    let kept = kept.map_err(|_| Failure::Told(ImportError::Bug("keeper")))?;
    let kept = kept.map_err(Failure::Told)?;
    match read {
        Some(Ok(_)) => Ok(kept),
        Some(Err(error)) => Err(Failure::Unreadable(error)),
        None => Err(Failure::Told(ImportError::Bug("reader"))),
    }
}

fn thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<oneshot::Receiver<T>, Failure> {
    let (told, tell) = oneshot::channel();
    let body = move || {
        // Nobody listens only when the import was dropped.
        let _ = told.send(work());
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map(|_| tell)
        .map_err(|_| Failure::Told(ImportError::Bug("operating system")))
}

#[cfg(test)]
mod tests;
