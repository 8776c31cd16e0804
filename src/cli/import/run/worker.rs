//! A worker: one batch after another, each until it is answered.
//!
//! What must stay true: the next batch leaves only after the one before it was answered, so rows of one event id are
//! recorded in the order of the file. A duplicate is called one only when it must be: the same event id came earlier in
//! this very batch, or no earlier try can have stored the row.

use std::{collections::HashSet, sync::mpsc};

use tokio::sync::mpsc::Receiver;
use tonic::{Request, metadata::AsciiMetadataValue, metadata::MetadataValue};

use crate::{
    cli::client::Connection,
    ids::{RunId, TenantId},
    proto::v1::{
        Interaction, InteractionOutcome, InteractionResult, RecordInteractionsRequest,
        interaction_service_client::InteractionServiceClient,
    },
};

use super::{
    super::{error::ImportError, summary::Fate},
    keeper::Note,
    ledger::{Done, Reject},
    retry::Retry,
};

/// Rows that go out in one call.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) numbers: Vec<u64>,
    pub(super) lines: Vec<u64>,
    pub(super) interactions: Vec<Interaction>,
    pub(super) bytes: usize,
}

/// Makes calls for one tenant and run.
#[derive(Clone)]
pub(super) struct Worker {
    pub(super) client: InteractionServiceClient<Connection>,
    pub(super) tenant: AsciiMetadataValue,
    pub(super) run_id: RunId,
    pub(super) retry: Retry,
    /// Rows up to this one may have been sent by a run that was killed.
    pub(super) unsure_until: u64,
}

/// The tenant as a call carries it.
pub(crate) fn tenant_metadata(tenant: &TenantId) -> Result<AsciiMetadataValue, ImportError> {
    MetadataValue::try_from(tenant.as_str()).map_err(|_| ImportError::Bug("tenant"))
}

impl Worker {
    pub(super) async fn work(
        self,
        mut batches: Receiver<Batch>,
        notes: mpsc::Sender<Note>,
    ) -> Result<(), ImportError> {
        while let Some(batch) = batches.recv().await {
            let done = self.send(batch).await?;
            // Nobody listens only when the import is over, and whoever ended it says why.
            if notes.send(Note::Done(done)).is_err() {
                break;
            }
        }
        Ok(())
    }

    async fn send(&self, batch: Batch) -> Result<Vec<Done>, ImportError> {
        let attempt = || {
            let mut client = self.client.clone();
            let mut request = Request::new(RecordInteractionsRequest {
                interactions: batch.interactions.clone(),
                run_id: Some(self.run_id.to_string()),
            });
            let tenant = self.tenant.clone();
            request.metadata_mut().insert("x-tenant-id", tenant);
            async move { client.record_interactions(request).await }
        };
        let answered = self.retry.call(attempt).await?;
        let results = answered.answer.into_inner().results;
        if results.len() != batch.interactions.len() {
            return Err(ImportError::Answer("not one result for each interaction"));
        }
        let mut seen = HashSet::new();
        let mut done = Vec::with_capacity(results.len());
        for (index, result) in results.into_iter().enumerate() {
            let interaction = &batch.interactions[index];
            let number = batch.numbers[index];
            let first = seen.insert((&interaction.source, &interaction.event_id));
            let sent_before = answered.tried_before || number <= self.unsure_until;
            let fate = fate(&result, first && sent_before)?;
            let reject = matches!(fate, Fate::Conflict | Fate::Rejected).then(|| {
                Box::new(Reject {
                    line: batch.lines[index],
                    event_id: interaction.event_id.clone(),
                    reasons: reasons(result),
                })
            });
            done.push(Done {
                number,
                fate,
                reject,
            });
        }
        Ok(done)
    }
}

fn fate(result: &InteractionResult, maybe_ours: bool) -> Result<Fate, ImportError> {
    match result.outcome() {
        InteractionOutcome::Recorded => Ok(Fate::Recorded),
        InteractionOutcome::Duplicate if maybe_ours => Ok(Fate::Unsure),
        InteractionOutcome::Duplicate => Ok(Fate::Duplicate),
        InteractionOutcome::Conflict => Ok(Fate::Conflict),
        InteractionOutcome::Rejected => Ok(Fate::Rejected),
        InteractionOutcome::Unspecified => Err(ImportError::Answer("an outcome with no name")),
    }
}

fn reasons(result: InteractionResult) -> Vec<String> {
    let violations = result.violations.into_iter();
    violations
        .map(|v| {
            let words = [v.field, v.reason, v.description];
            let words: Vec<_> = words.into_iter().filter(|w| !w.is_empty()).collect();
            words.join(": ")
        })
        .collect()
}
