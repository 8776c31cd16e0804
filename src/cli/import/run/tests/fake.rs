//! The service of the tests: keeps what it gets in memory and misbehaves on purpose.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::proto::v1::{
    Interaction, InteractionOutcome, InteractionResult, ListInteractionsRequest,
    ListInteractionsResponse, RecordInteractionsRequest, RecordInteractionsResponse,
    RetractInteractionsRequest, RetractInteractionsResponse, StreamInteractionsRequest,
    StreamInteractionsResponse, Violation, interaction_service_server::InteractionService,
};

/// The mapping of the tests.
pub(super) const MAPPING: &str = r#"
format = "csv"
[interaction]
source = "test"
event_id = "{id}"
occurred_at = { column = "at", format = "%Y-%m-%d" }
department = "sales"
channel = "web"
type = "note.taken"
text = "{text}"
[[interaction.identifiers]]
namespace = "customer_id"
value = "{customer}"
"#;

/// What the service does to calls, by their number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mood {
    Well,
    /// Every third call fails before anything is stored, every fourth after everything was.
    Shaky,
    /// Fails for good after this many calls.
    DiesAfter(usize),
    /// Refuses after this many calls.
    RefusesAfter(usize),
    /// Takes its time.
    Slow,
}

#[derive(Default)]
pub(super) struct Store {
    pub(super) calls: usize,
    pub(super) stored: HashMap<String, Interaction>,
    /// Calls by run.
    pub(super) runs: HashMap<String, u64>,
    pub(super) tenants: Vec<String>,
    pub(super) largest: usize,
}

pub(super) struct Fake {
    pub(super) mood: Arc<Mutex<Mood>>,
    pub(super) store: Arc<Mutex<Store>>,
}

impl Store {
    fn record(&mut self, interaction: Interaction) -> InteractionResult {
        let mut result = InteractionResult::default();
        if interaction.text.as_deref() == Some("bad") {
            result.set_outcome(InteractionOutcome::Rejected);
            result.violations.push(Violation {
                field: "text".into(),
                reason: "too_bad".into(),
                description: "must be good".into(),
            });
            return result;
        }
        let outcome = match self.stored.get(&interaction.event_id) {
            None => InteractionOutcome::Recorded,
            Some(stored) if *stored == interaction => InteractionOutcome::Duplicate,
            Some(_) => InteractionOutcome::Conflict,
        };
        if outcome == InteractionOutcome::Recorded {
            self.stored
                .insert(interaction.event_id.clone(), interaction);
        }
        result.set_outcome(outcome);
        result
    }
}

#[tonic::async_trait]
impl InteractionService for Fake {
    type StreamInteractionsStream =
        Pin<Box<dyn Stream<Item = Result<StreamInteractionsResponse, Status>> + Send>>;

    async fn record_interactions(
        &self,
        request: Request<RecordInteractionsRequest>,
    ) -> Result<Response<RecordInteractionsResponse>, Status> {
        let mood = *self.mood.lock().unwrap();
        if mood == Mood::Slow {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut store = self.store.lock().unwrap();
        store.calls += 1;
        let call = store.calls;
        let tenant = request.metadata().get("x-tenant-id");
        let tenant = tenant.unwrap().to_str().unwrap().to_owned();
        store.tenants.push(tenant);
        match mood {
            Mood::Shaky if call.is_multiple_of(3) => {
                let mut details = ErrorDetails::new();
                details.set_retry_info(Some(Duration::from_millis(10)));
                return Err(Status::with_error_details(
                    tonic::Code::ResourceExhausted,
                    "busy",
                    details,
                ));
            }
            Mood::DiesAfter(calls) if call > calls => {
                return Err(Status::unavailable("storage is away"));
            }
            Mood::RefusesAfter(calls) if call > calls => {
                return Err(Status::permission_denied("record is needed"));
            }
            _ => {}
        }
        let request = request.into_inner();
        store.largest = store.largest.max(request.interactions.len());
        *store.runs.entry(request.run_id.unwrap()).or_default() += 1;
        let items = request.interactions.into_iter();
        let results = items.map(|item| store.record(item)).collect();
        if mood == Mood::Shaky && call.is_multiple_of(4) {
            return Err(Status::unavailable("the answer got lost"));
        }
        Ok(Response::new(RecordInteractionsResponse {
            results,
            token: String::new(),
        }))
    }

    async fn stream_interactions(
        &self,
        _: Request<tonic::Streaming<StreamInteractionsRequest>>,
    ) -> Result<Response<Self::StreamInteractionsStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_interactions(
        &self,
        _: Request<ListInteractionsRequest>,
    ) -> Result<Response<ListInteractionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn retract_interactions(
        &self,
        request: Request<RetractInteractionsRequest>,
    ) -> Result<Response<RetractInteractionsResponse>, Status> {
        let mut store = self.store.lock().unwrap();
        store.calls += 1;
        assert!(
            request
                .into_inner()
                .operation_id
                .starts_with("import-undo-")
        );
        if store.calls.is_multiple_of(2) {
            return Err(Status::aborted("a race was lost"));
        }
        let gone: Vec<String> = store.stored.keys().take(100).cloned().collect();
        for id in &gone {
            store.stored.remove(id);
        }
        store.largest += gone.len();
        Ok(Response::new(RetractInteractionsResponse {
            retracted: i64::try_from(store.largest).unwrap(),
            done: store.stored.is_empty(),
            ..RetractInteractionsResponse::default()
        }))
    }
}
