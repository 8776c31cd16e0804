//! Taking back what an import run recorded.
//!
//! The operation id is made of the run, so an undo that was interrupted is gone on with by asking again, and asking twice
//! does no more than asking once.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tonic::Request;

use crate::{
    cli::client::Connection,
    ids::{RunId, TenantId},
    proto::v1::{
        RetractInteractionsRequest, interaction_service_client::InteractionServiceClient,
        retract_interactions_request::Selection,
    },
};

use super::{
    error::ImportError,
    options::Reporting,
    run::{Reporter, retry::Retry, worker::tenant_metadata},
    summary::{Counts, per_second},
};

/// A pause between calls that retract nothing.
const PAUSE: Duration = Duration::from_millis(200);

/// The end of an undo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoSummary {
    /// The run that was undone.
    pub run_id: RunId,
    /// Interactions that were retracted, by this undo and those it went on with.
    pub retracted: u64,
    /// How long it took.
    pub elapsed: Duration,
}

impl UndoSummary {
    /// As JSON, for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "run_id": self.run_id.to_string(),
            "retracted": self.retracted,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
        })
    }
}

impl fmt::Display for UndoSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} interactions of run {} retracted; {:.1} s, {:.0} a second",
            self.retracted,
            self.run_id,
            self.elapsed.as_secs_f64(),
            per_second(self.retracted, self.elapsed)
        )
    }
}

/// Retracts everything that a run recorded, and what it still records meanwhile.
///
/// # Errors
/// When the service refuses, or stays away or gets nowhere for `give_up_after`.
pub async fn undo(
    client: InteractionServiceClient<Connection>,
    tenant: &TenantId,
    run_id: RunId,
    reason: &str,
    give_up_after: Duration,
    reporting: Reporting,
) -> Result<UndoSummary, ImportError> {
    let started = Instant::now();
    let tenant = tenant_metadata(tenant)?;
    let retry = Retry { give_up_after };
    let mut reporter = Reporter::new(reporting, 0, Arc::new(AtomicU64::new(0)), None);
    let mut retracted = 0;
    let mut moved = Instant::now();
    loop {
        let attempt = || {
            let mut client = client.clone();
            let mut request = Request::new(RetractInteractionsRequest {
                operation_id: format!("import-undo-{run_id}"),
                selection: Some(Selection::RunId(run_id.to_string())),
                reason: reason.to_owned(),
            });
            request.metadata_mut().insert("x-tenant-id", tenant.clone());
            async move { client.retract_interactions(request).await }
        };
        let response = retry.call(attempt).await?.answer.into_inner();
        let now = u64::try_from(response.retracted).unwrap_or_default();
        if now > retracted {
            retracted = now;
            moved = Instant::now();
        }
        reporter.show(Counts {
            recorded: retracted,
            ..Counts::default()
        });
        if response.done {
            break;
        }
        let waited = moved.elapsed();
        if waited > give_up_after {
            let last = format!("not done, {retracted} retracted");
            return Err(ImportError::GaveUp { waited, last });
        }
        if waited > PAUSE {
            tokio::time::sleep(PAUSE).await;
        }
    }
    reporter.finish();
    Ok(UndoSummary {
        run_id,
        retracted,
        elapsed: started.elapsed(),
    })
}
