//! `InteractionService`.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tonic::{Request, Response, Status, Streaming};
use tracing::Instrument as _;

use super::{
    Api, context,
    hearing::hear,
    layers::{answers::answered, uploads::Upload},
    page_token::{self, TimelineCursor},
    read::{PageOf, Read, not_found},
    sight::Sight,
    stream,
    validate::{
        self, limits,
        reason::{CONFLICTING_CONTENT, MALFORMED, RETRACTED},
    },
};
use crate::{
    auth::{Caller, Permission},
    config::Facts,
    error::{Error, Violation},
    identity::Members,
    ids::{IdentityKey, InteractionId, RunId},
    ingest::{
        Answer, Outcome, Patience, Prepared, Room, batcher,
        record::Item,
        retract::{self, Selection},
    },
    lookup::{self, timeline},
    proto::v1::{
        self, InteractionOutcome, InteractionResult, ListInteractionsRequest,
        ListInteractionsResponse, RecordInteractionsRequest, RecordInteractionsResponse,
        RetractInteractionsRequest, RetractInteractionsResponse, StreamInteractionsRequest,
        interaction_service_server::InteractionService,
    },
    telemetry::names,
    tenants::Tenant,
};

/// The service.
#[derive(Clone, Debug)]
pub struct Interactions(pub Arc<Api>);

#[tonic::async_trait]
impl InteractionService for Interactions {
    async fn record_interactions(
        &self,
        request: Request<RecordInteractionsRequest>,
    ) -> Result<Response<RecordInteractionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Record)?;
        let request = request.into_inner();
        let batch = Batch::checked(request.interactions, request.run_id.as_deref())?;
        let recording = async {
            let entered = enter(&self.0, &caller, batch, Patience::Brief).await?;
            entered.record(&self.0).await
        };
        let (results, token) = self.0.within(recording).await?;
        answered(RecordInteractionsResponse { results, token })
    }

    type StreamInteractionsStream = stream::Acknowledgements;

    async fn stream_interactions(
        &self,
        request: Request<Streaming<StreamInteractionsRequest>>,
    ) -> Result<Response<Self::StreamInteractionsStream>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Record)?;
        let upload = request.extensions().get::<Upload>().cloned();
        let acknowledgements =
            stream::run(Arc::clone(&self.0), caller, upload, request.into_inner());
        Ok(Response::new(acknowledgements))
    }

    async fn list_interactions(
        &self,
        request: Request<ListInteractionsRequest>,
    ) -> Result<Response<ListInteractionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Read)?;
        answered(
            self.0
                .within(list(&self.0, &caller, request.get_ref()))
                .await?,
        )
    }

    async fn retract_interactions(
        &self,
        request: Request<RetractInteractionsRequest>,
    ) -> Result<Response<RetractInteractionsResponse>, Status> {
        let caller = context::permitted(request.extensions(), Permission::Steward)?;
        let request = request.into_inner();
        let api = Arc::clone(&self.0);
        // In a task of its own: a caller that goes away leaves no transaction half-way.
        let retracting = async move { retract_interactions(&api, &caller, &request).await };
        let retracting = tokio::spawn(retracting.in_current_span());
        let answer = self
            .0
            .within(async { retracting.await.map_err(|e| Error::bug("retracting", e))? });
        answered(answer.await?)
    }
}

/// Interactions of one request.
pub(super) struct Batch {
    interactions: Vec<v1::Interaction>,
    run: Option<RunId>,
}

impl Batch {
    /// Checks what is of the request and not of one interaction.
    pub(super) fn checked(
        interactions: Vec<v1::Interaction>,
        run_id: Option<&str>,
    ) -> Result<Self, Error> {
        let mut wrong = validate::Violations::default();
        let items = wrong.take(validate::items(
            "interactions",
            interactions.len(),
            limits::MAX_BATCH_ITEMS,
        ));
        let run = wrong.take(validate::run_id("run_id", run_id));
        let (run, ()) = wrong.finish(run.zip(items)).map_err(Error::Invalid)?;
        Ok(Self { interactions, run })
    }

    pub(super) fn len(&self) -> usize {
        self.interactions.len()
    }
}

/// A batch that was checked and has its room in the queue.
pub(super) struct Entered {
    tenant: Tenant,
    results: Vec<InteractionResult>,
    items: Vec<Item>,
    /// Where in `results` each item stands.
    places: Vec<usize>,
    /// Which items must not say whose they are.
    hidden: Vec<bool>,
    room: Option<Room>,
}

/// Checks a batch, each interaction by itself, and finds room for what is valid.
pub(super) async fn enter(
    api: &Api,
    caller: &Caller,
    batch: Batch,
    patience: Patience,
) -> Result<Entered, Error> {
    let tenant = api.tenants.open(&caller.tenant).await?;
    // Before the work of checking each, which is what most of a flood would cost.
    if patience == Patience::Brief && api.ingest.turns_away(&tenant.id, batch.len()) {
        return Err(batcher::full());
    }
    let sight = api.sight(caller);
    let validation = api.validation(&tenant);
    let mut hidden = Vec::new();
    let mut results = Vec::with_capacity(batch.len());
    let mut items = Vec::with_capacity(batch.len());
    let mut places = Vec::with_capacity(batch.len());
    for (place, message) in batch.interactions.into_iter().enumerate() {
        let id = validate::interaction_id(&message, &tenant.id);
        let hides = sight.hides_the_customer_of(&message);
        let mut result = InteractionResult {
            interaction_id: id.map(|id| id.to_string()).unwrap_or_default(),
            ..InteractionResult::default()
        };
        match validate::interaction(message, &validation) {
            Ok(prepared) => {
                count_unusable(&prepared);
                places.push(place);
                hidden.push(hides);
                items.push(Item::plain(prepared, batch.run));
            }
            Err(violations) => {
                result.outcome = InteractionOutcome::Rejected.into();
                result.violations = violations.into_iter().map(violation).collect();
            }
        }
        results.push(result);
    }
    let room = if items.is_empty() {
        None
    } else {
        Some(api.ingest.room(&tenant.id, &items, patience).await?)
    };
    hear(api, &tenant, &mut items).await;
    Ok(Entered {
        tenant,
        results,
        items,
        places,
        hidden,
        room,
    })
}

impl Entered {
    /// Records what is valid; answers for all, with a token.
    pub(super) async fn record(self, api: &Api) -> Result<(Vec<InteractionResult>, String), Error> {
        let Self {
            tenant,
            mut results,
            items,
            places,
            hidden,
            room,
        } = self;
        let shown = items.iter().zip(&hidden);
        let anchors: Vec<Option<IdentityKey>> = shown
            .map(|(item, hidden)| item.prepared.anchor().filter(|_| !hidden))
            .collect();
        let mentioned = items.iter().flat_map(|item| &item.prepared.identifiers);
        let mentioned: Vec<IdentityKey> = mentioned.map(|identifier| identifier.key).collect();
        let answers = match room {
            None => Vec::new(),
            Some(room) => {
                let answers = api.ingest.record(&tenant, items, room).await?;
                api.committed(mentioned).await;
                answers
            }
        };
        for ((place, hidden), answer) in places.iter().zip(&hidden).zip(&answers) {
            show(&mut results[*place], answer);
            if *hidden {
                results[*place].profile_id.clear();
            }
        }
        count_outcomes(&results);
        let token = token(api, &tenant, &anchors, &answers);
        Ok((results, token))
    }
}

fn token(
    api: &Api,
    tenant: &Tenant,
    anchors: &[Option<IdentityKey>],
    answers: &[Answer],
) -> String {
    let stored = |a: &&Answer| matches!(a.outcome, Outcome::Recorded { .. } | Outcome::Duplicate);
    let position = answers.iter().filter(stored).map(|a| a.position).max();
    let anchor = match (anchors, answers) {
        (
            [Some(anchor)],
            [
                Answer {
                    outcome: Outcome::Recorded { version, .. },
                    ..
                },
            ],
        ) => Some((*anchor, *version)),
        _ => None,
    };
    api.token(tenant, position.unwrap_or_default(), anchor)
}

fn show(result: &mut InteractionResult, answer: &Answer) {
    let one = |reason, description: &'static str| {
        vec![violation(Violation {
            field: String::new(),
            reason,
            description: description.into(),
        })]
    };
    let outcome = match answer.outcome {
        Outcome::Recorded { profile, .. } => {
            result.profile_id = profile.to_string();
            InteractionOutcome::Recorded
        }
        Outcome::Duplicate => InteractionOutcome::Duplicate,
        Outcome::Conflict => {
            result.violations = one(
                CONFLICTING_CONTENT,
                "this source and event id are recorded with other content",
            );
            InteractionOutcome::Conflict
        }
        Outcome::Retracted => {
            result.violations = one(RETRACTED, "this interaction was retracted for good");
            InteractionOutcome::Rejected
        }
        Outcome::Refused | Outcome::Broken | Outcome::Outdated => {
            result.violations = one(MALFORMED, "the database cannot store this interaction");
            InteractionOutcome::Rejected
        }
    };
    result.outcome = outcome.into();
}

fn violation(violation: Violation) -> v1::Violation {
    v1::Violation {
        field: violation.field,
        reason: violation.reason.to_owned(),
        description: violation.description.into_owned(),
    }
}

fn count_unusable(prepared: &Prepared) {
    for unusable in &prepared.unusable {
        metrics::counter!(names::IDENTIFIERS_UNUSABLE, "reason" => unusable.reason()).increment(1);
    }
}

fn count_outcomes(results: &[InteractionResult]) {
    let mut counts: HashMap<&'static str, u64> = HashMap::new();
    for result in results {
        let outcome = match result.outcome() {
            InteractionOutcome::Recorded => "recorded",
            InteractionOutcome::Duplicate => "duplicate",
            InteractionOutcome::Conflict => "conflict",
            InteractionOutcome::Rejected | InteractionOutcome::Unspecified => "rejected",
        };
        *counts.entry(outcome).or_default() += 1;
    }
    for (outcome, count) in counts {
        metrics::counter!(names::INGEST_INTERACTIONS, "outcome" => outcome).increment(count);
    }
}

async fn list(
    api: &Api,
    caller: &Caller,
    request: &ListInteractionsRequest,
) -> Result<ListInteractionsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    sight.require(Facts::Timeline)?;
    let page = read.page::<TimelineCursor>(request, request.lookup.as_ref(), request.page_size);
    let filter = read.take(validate::timeline(request));
    let wish = read.options(request.read_options.as_ref());
    let (tenant, (PageOf { who, size, after }, filter)) = read.finish(page.zip(filter))?;
    let mut connection = api.storage.acquire().await?;
    let found = lookup::find_with(&mut connection, &tenant.id, &who, &wish.tokens)
        .await?
        .ok_or_else(not_found)?;
    let lends = |key: &IdentityKey| !found.profile.apart.contains(key);
    let members: Vec<IdentityKey> = found
        .profile
        .members
        .iter()
        .flat_map(Members::keys)
        .filter(lends)
        .collect();
    let after = after.map(|c| (c.occurred_at, c.interaction_id));
    let filter = filter_of(filter, &sight);
    let mut page =
        timeline::page(&mut connection, &tenant.id, &members, &filter, after, size).await?;
    sight.restrict_interactions(&mut page.interactions);
    let next_page_token = page
        .next
        .map_or_else(String::new, |(occurred_at, interaction_id)| {
            let cursor = TimelineCursor {
                occurred_at,
                interaction_id,
            };
            page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
        });
    Ok(ListInteractionsResponse {
        interactions: page.interactions,
        next_page_token,
        read_info: Some(api.read_info(&tenant, Some(&found))),
        masked_fields: sight.masked_in_interactions(),
    })
}

fn filter_of(filter: validate::Timeline, sight: &Sight<'_>) -> timeline::Filter {
    timeline::Filter {
        departments: filter.departments,
        channels: filter.channels,
        types: filter.types,
        subject: filter.subject.map(|(kind, id)| (kind.into(), id)),
        direction: filter
            .direction
            .filter(|d| *d != v1::Direction::Unspecified),
        from: filter.from,
        before: filter.before,
        without: sight.without(),
    }
}

async fn retract_interactions(
    api: &Api,
    caller: &Caller,
    request: &RetractInteractionsRequest,
) -> Result<RetractInteractionsResponse, Error> {
    let checked = validate::retract(request, &caller.tenant).map_err(Error::Invalid)?;
    let tenant = api.tenants.open(&caller.tenant).await?;
    let context = tenant.context(&api.secret);
    let request = retract::Request {
        operation: checked.operation_id,
        caller: caller.name.to_string(),
        reason: checked.reason,
        selection: match checked.what {
            validate::Retracted::Interactions(ids) => Selection::Interactions(each_once(ids)),
            validate::Retracted::Run(run) => Selection::Run(run),
        },
    };
    let progress = retract::retract(&api.storage, context, &request).await?;
    api.committed(Vec::new()).await;
    tracing::info!(
        operation.id = request.operation,
        retracted = progress.retracted,
        done = progress.done,
        "retracted interactions"
    );
    let count = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(RetractInteractionsResponse {
        retracted: count(progress.retracted),
        not_found: count(progress.not_found),
        done: progress.done,
        token: api.token(&tenant, progress.position, None),
    })
}

/// Without repeats, in their order: a reference named twice is one reference.
fn each_once(mut ids: Vec<InteractionId>) -> Vec<InteractionId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.retain(|id| seen.insert(*id));
    ids
}
