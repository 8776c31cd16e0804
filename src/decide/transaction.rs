//! The transaction of a decision.
//!
//! An unlocked reading freezes the request and says what it reaches; under the locks of that everything is read and frozen
//! again, and that is what counts. Locks come first, then the row of the operation: who waits for the row holds locks that
//! its holder needs no more, so nobody waits in a circle.

use std::{collections::HashMap, ops::ControlFlow};

use sqlx::PgConnection;
use tokio::time::Instant;

use super::{Request, What, frozen::Frozen, merge, outcome::Outcome, plan::Plan, separate, undo};
use crate::{
    clock::Micros,
    error::Error,
    identity::{
        Side,
        settle::{Wishes, settle},
    },
    ids::{DecisionId, IdentityKey},
    ingest::{
        plan::Context,
        rebuild::rebuild,
        region::{Reached, Resolved, too_large},
        ruling::{self, Ruling},
        standings,
    },
    storage::{
        self, Storage, decided, decision_keys,
        decisions::{self, Decision, Kind},
        locks, operations,
    },
    telemetry::names,
};

/// How often a decision may lose a race, or wait too long for its locks, before its caller hears of it.
const LOSSES: usize = 5;

/// Makes a decision, or gives the outcome of one that was made before.
///
/// # Errors
/// `operation_in_progress`, `operation_id_reused`, what freezing refuses, and when the database fails.
#[tracing::instrument(name = "identity.decide", skip_all, fields(kind = request.what.kind(), operation.id = request.operation))]
pub async fn decide(
    storage: &Storage,
    context: Context<'_>,
    request: &Request,
    made_at: Micros,
) -> Result<Outcome, Error> {
    let mut ruling = None;
    let mut losses = 0;
    loop {
        let decision = Decisive {
            storage,
            context: context.under(ruling.as_ref()),
            request,
            id: DecisionId::of(context.tenant, &request.operation),
            made_at,
        };
        match decision.make().await {
            Err(error) if ruling::replaced(&error) => {
                ruling = Some(Ruling::now(storage, context.tenant).await?);
            }
            Err(Error::Conflict { reason: "conflict" }) if losses < LOSSES => {
                losses += 1;
                metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
            }
            other => return other,
        }
    }
}

/// A decision under way.
struct Decisive<'a> {
    storage: &'a Storage,
    context: Context<'a>,
    request: &'a Request,
    id: DecisionId,
    made_at: Micros,
}

/// What came of an attempt.
enum Attempt {
    /// It was made before.
    Repeated(Outcome),
    /// It is written, and has to be committed.
    Made(Outcome),
    /// These locks are needed.
    Needs(locks::Stripes),
}

impl Decisive<'_> {
    async fn make(&self) -> Result<Outcome, Error> {
        let request = self.request;
        let started = Instant::now();
        let mut stripes = match self.look().await? {
            ControlFlow::Break(outcome) => return Ok(outcome),
            ControlFlow::Continue(stripes) => stripes,
        };
        for attempt in 0.. {
            let alone = attempt > locks::RESTARTS || stripes.len() > locks::MOST;
            let mut transaction = self.storage.begin().await?;
            let held = (!alone).then_some(&stripes);
            match self.attempt(&mut transaction, held).await {
                Ok(Attempt::Made(outcome)) => {
                    storage::commit(transaction).await?;
                    metrics::histogram!(names::IDENTITY_RESOLUTION_SECONDS)
                        .record(started.elapsed().as_secs_f64());
                    metrics::counter!(names::IDENTITY_DECISIONS, "kind" => request.what.kind())
                        .increment(1);
                    return Ok(outcome);
                }
                // Rolled back now, and not some time after it is dropped: others wait for its locks and for the
                // operation's row.
                Ok(Attempt::Repeated(outcome)) => {
                    transaction.rollback().await.map_err(storage::Error::from)?;
                    return Ok(outcome);
                }
                Ok(Attempt::Needs(needed)) => {
                    transaction.rollback().await.map_err(storage::Error::from)?;
                    metrics::counter!(names::INGEST_LOCK_RESTARTS).increment(1);
                    stripes.extend(&needed);
                }
                // It may have been read without the locks that it needs, while another decision was committed. What one
                // snapshot refuses is refused.
                Err(Error::Refused { .. } | Error::NotFound { .. }) if !alone => {
                    transaction.rollback().await.map_err(storage::Error::from)?;
                    match self.look().await? {
                        ControlFlow::Break(outcome) => return Ok(outcome),
                        ControlFlow::Continue(needed) => stripes.extend(&needed),
                    }
                }
                Err(error) => {
                    let _ = transaction.rollback().await;
                    return Err(error);
                }
            }
        }
        // The loop ends by holding the tenant's lock, with which nothing is missing.
        Err(Error::Conflict { reason: "conflict" })
    }

    /// Looks without locks: the outcome when it was made before, else the locks that it needs.
    async fn look(&self) -> Result<ControlFlow<Outcome, locks::Stripes>, Error> {
        let (context, request) = (self.context, self.request);
        // One snapshot, so that no identifier is seen in two profiles; and so that a call that is repeated while the first
        // one commits sees either nothing of it or its outcome, and is not refused for what it did itself.
        let mut snapshot = self.storage.begin_snapshot().await?;
        if let Some(outcome) = recorded(&mut snapshot, context, request, self.id).await? {
            return Ok(ControlFlow::Break(outcome));
        }
        let plan = freeze(&mut snapshot, context, request).await?;
        let reached = plan
            .resolve(&mut snapshot, context, self.id, self.made_at)
            .await?;
        let resolved = reached.whole()?.ok_or_else(too_large)?;
        Ok(ControlFlow::Continue(plan.stripes(&resolved)))
    }

    /// One transaction, under these locks or under the tenant's alone.
    async fn attempt(
        &self,
        connection: &mut PgConnection,
        stripes: Option<&locks::Stripes>,
    ) -> Result<Attempt, Error> {
        let (context, request) = (self.context, self.request);
        let waiting = Instant::now();
        let position = match stripes {
            None => locks::take_tenant(connection, context.tenant).await?,
            Some(stripes) => locks::take(connection, context.tenant, stripes).await?,
        };
        metrics::histogram!(names::IDENTITY_LOCK_WAIT_SECONDS)
            .record(waiting.elapsed().as_secs_f64());
        ruling::check(connection, context).await?;
        if let Some(outcome) = recorded(connection, context, request, self.id).await? {
            return Ok(Attempt::Repeated(outcome));
        }
        hold(connection, context, request).await?;
        let plan = freeze(connection, context, request).await?;
        let reached = plan
            .resolve(connection, context, self.id, self.made_at)
            .await?;
        let resolved = match reached {
            Reached::Resolved(resolved) => *resolved,
            Reached::TooMuch => return Err(too_large()),
            Reached::Torn(torn) => return Ok(Attempt::Needs(torn.needs(stripes)?)),
        };
        let needed = plan.stripes(&resolved);
        if stripes.is_some_and(|held| !held.covers_all(&needed)) {
            return Ok(Attempt::Needs(needed));
        }
        let write = Write {
            context,
            request,
            id: self.id,
            made_at: self.made_at,
            position,
        };
        Ok(Attempt::Made(
            write.all(connection, &plan, &resolved).await?,
        ))
    }
}

/// What a decision would do, from one snapshot; nothing is written.
///
/// # Errors
/// What freezing refuses, and when the database fails.
pub async fn rehearse(
    storage: &Storage,
    context: Context<'_>,
    request: &Request,
    made_at: Micros,
) -> Result<Outcome, Error> {
    let id = DecisionId::of(context.tenant, &request.operation);
    let mut snapshot = storage.begin_snapshot().await?;
    let ruling = Ruling::read(&mut snapshot, context.tenant).await?;
    let context = context.under(ruling.as_ref());
    let plan = freeze(&mut snapshot, context, request).await?;
    let reached = plan.resolve(&mut snapshot, context, id, made_at).await?;
    let resolved = reached.whole()?.ok_or_else(too_large)?;
    let settled = settle(
        resolved.region.graph(),
        context.rules,
        resolved.sets.clone(),
        &resolved.region.before(),
        &resolved.region.former(),
        Wishes {
            chosen: plan.chosen,
            ..Wishes::default()
        },
    );
    let sets = settled
        .profiles
        .iter()
        .map(|after| (after.id, settled.version, &after.members));
    Ok(Outcome {
        made_at,
        ..plan.outcome(&resolved, sets)
    })
}

async fn freeze(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
) -> Result<Plan, Error> {
    match &request.what {
        What::Merge { stays, goes } => merge::freeze(connection, context, stays, goes).await,
        What::Separate {
            chosen,
            keep_together,
            apart_from,
        } => {
            let apart_from = apart_from.as_ref();
            separate::freeze(connection, context, chosen, *keep_together, apart_from).await
        }
        What::Undo { operation, of } => undo::freeze(connection, context, operation, *of).await,
    }
}

/// The outcome of a decision that was made before.
async fn recorded(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
    id: DecisionId,
) -> Result<Option<Outcome>, Error> {
    let known = operations::load(connection, context.tenant, &request.operation).await?;
    let Some(operation) = known else {
        return Ok(None);
    };
    same(&operation, request)?;
    if !operation.done {
        return Ok(None);
    }
    let decision = decisions::load(connection, context.tenant, &[id])
        .await?
        .pop()
        .ok_or_else(|| Error::bug("repeating a decision", "it is done but not recorded"))?;
    Ok(Some(Outcome {
        decision: Some(id),
        made_at: decision.made_at,
        // A position after the decision's, so that the answer carries a token again.
        position: locks::position(connection).await?,
        ..Outcome::decode(&decision.outcome)?
    }))
}

fn same(operation: &operations::Operation, request: &Request) -> Result<(), Error> {
    if operation.kind == request.what.kind() && operation.request_hash == request.hash() {
        return Ok(());
    }
    Err(Error::Refused {
        reason: "operation_id_reused",
        description: "this operation id was used for another request".into(),
    })
}

/// Takes hold of the operation until the transaction ends.
async fn hold(
    connection: &mut PgConnection,
    context: Context<'_>,
    request: &Request,
) -> Result<(), Error> {
    let operation = operations::begin(
        connection,
        context.tenant,
        operations::Request {
            id: &request.operation,
            kind: request.what.kind(),
            hash: request.hash(),
            caller: &request.caller,
            reason: &request.reason,
        },
    )
    .await
    .map_err(|error| match error {
        storage::Error::Conflict(_) => Error::Conflict {
            reason: "operation_in_progress",
        },
        other => other.into(),
    })?;
    same(&operation, request)?;
    if operation.done {
        // Someone else finished it between two reads; the next attempt gives its outcome.
        return Err(Error::Conflict {
            reason: "operation_in_progress",
        });
    }
    Ok(())
}

struct Write<'a> {
    context: Context<'a>,
    request: &'a Request,
    id: DecisionId,
    made_at: Micros,
    position: i64,
}

impl Write<'_> {
    async fn all(
        &self,
        connection: &mut PgConnection,
        plan: &Plan,
        resolved: &Resolved,
    ) -> Result<Outcome, Error> {
        self.force(connection, plan).await?;
        let wishes = Wishes {
            chosen: plan.chosen,
            ..Wishes::default()
        };
        let rewritten = HashMap::new();
        let rebuilt = rebuild(
            connection,
            self.context,
            self.position,
            resolved,
            &rewritten,
            wishes,
        )
        .await?;
        standings::count(&rebuilt, resolved);
        let sets = rebuilt
            .sets
            .iter()
            .map(|set| (Some(set.id), set.version, &set.members));
        let outcome = Outcome {
            decision: Some(self.id),
            made_at: self.made_at,
            position: self.position,
            ..plan.outcome(resolved, sets)
        };
        self.record(connection, plan, &outcome).await?;
        Ok(outcome)
    }

    /// Brings into force what the decision says and takes out what it takes back.
    async fn force(&self, connection: &mut PgConnection, plan: &Plan) -> Result<(), Error> {
        let tenant = self.context.tenant;
        for id in &plan.revoked {
            decided::revoke(connection, tenant, *id).await?;
        }
        for (id, made_at, said) in plan.coming(self.id, self.made_at) {
            let assertions = said.assertions();
            if !assertions.is_empty() {
                decided::assert(connection, tenant, (id, made_at), &assertions).await?;
            }
            for side in [Side::Chosen, Side::Rest] {
                let of_side = said.sides().into_iter().filter(|(_, of)| *of == side);
                let keys: Vec<IdentityKey> = of_side.map(|(key, _)| key).collect();
                if !keys.is_empty() {
                    decided::take_side(connection, tenant, id, &keys, side).await?;
                }
            }
        }
        Ok(())
    }

    async fn record(
        &self,
        connection: &mut PgConnection,
        plan: &Plan,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let tenant = self.context.tenant;
        let decision = Decision {
            id: self.id,
            operation: self.request.operation.clone(),
            kind: plan.frozen.kind(),
            made_at: self.made_at,
            caller: self.request.caller.clone(),
            reason: self.request.reason.clone(),
            body: plan.frozen.encode(),
            outcome: outcome.encode(),
            undone_by: None,
            voided_by: Vec::new(),
            indexed: true,
        };
        decisions::insert(connection, tenant, &decision).await?;
        decision_keys::insert(connection, tenant, &plan.frozen.keys(), self.id).await?;
        if decision.kind == Kind::Merge && !plan.voided.is_empty() {
            decisions::mark_voided(connection, tenant, &plan.voided, self.id).await?;
        }
        if let Frozen::Undo { of } = plan.frozen
            && !decisions::mark_undone(connection, tenant, of, self.id).await?
        {
            return Err(Error::Conflict { reason: "conflict" });
        }
        let operation = &self.request.operation;
        operations::progress(connection, tenant, operation, &[], true).await?;
        Ok(())
    }
}
