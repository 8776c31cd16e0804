//! The same operations one by one, on a database of their own.

use std::collections::{BTreeMap, HashMap};

use customer_profile::{
    decide::{self, Request, What},
    ids::{DecisionId, InteractionId, TenantId},
    lookup::find::Who,
    proto::{state::v1::DecisionOutcome, v1::Interaction},
    storage::decisions::{self, Decision},
};
use prost::Message as _;
use uuid::Uuid;

use super::{
    Done,
    crowd::{Ask, Crowd},
};
use crate::harness::{
    Database, Service,
    pure::{keyed, recorded_decisions},
};

/// What one transaction did.
enum Step {
    Operation(String),
    Interactions(Vec<Interaction>),
}

/// When a transaction was committed, and its number.
type Position = (i64, i64);

/// Everything that was done after the crowd was there, in the order of commits. The numbers of transactions alone are not
/// that order: one that has its locks and its number may come to read what another, with a later number, has committed
/// meanwhile. Mostly it starts again then, with more locks; but a profile that is new may lie on a stripe that it holds
/// already.
async fn in_order(database: &Database, done: &Done) -> BTreeMap<Position, Step> {
    let mut connection = database.connect().await;
    let operations: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT operation_id, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint, xmin::text::bigint
        FROM operations",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let recorded: Vec<(Uuid, i64, i64)> = sqlx::query_as(
        "SELECT event_key, (extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint, xmin::text::bigint
        FROM event_keys",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(operations.len(), done.made.len(), "none is half done");
    let mut steps = BTreeMap::new();
    for (operation, at, number) in operations {
        let before = steps.insert((at, number), Step::Operation(operation));
        assert!(before.is_none(), "two operations in one transaction");
    }
    let tenant = TenantId::default_tenant();
    let key_of = |one: &Interaction| InteractionId::of(&tenant, &one.source, &one.event_id);
    let sent: HashMap<Uuid, &Interaction> = done
        .interactions
        .iter()
        .map(|one| (key_of(one).as_uuid(), one))
        .collect();
    for (key, at, number) in recorded {
        let Some(one) = sent.get(&key) else {
            continue;
        };
        let none = || Step::Interactions(Vec::new());
        match steps.entry((at, number)).or_insert_with(none) {
            Step::Interactions(batch) => batch.push((*one).clone()),
            Step::Operation(operation) => panic!("{operation} recorded an interaction"),
        }
    }
    steps
}

fn who(text: &str) -> Who {
    Who::Identifiers(vec![Some(keyed(text).key)])
}

fn what(ask: &Ask) -> What {
    match ask {
        Ask::Merge { target, source } => What::Merge {
            stays: who(target),
            goes: who(source),
        },
        Ask::Separate { chosen, together } => What::Separate {
            chosen: chosen.iter().map(|one| keyed(one)).collect(),
            keep_together: *together,
            apart_from: None,
        },
        Ask::Undo { of } => What::Undo {
            operation: of.clone(),
            of: DecisionId::of(&TenantId::default_tenant(), of),
        },
    }
}

/// Does everything again, each when the one before has ended, with the times at which decisions were made.
///
/// Each decision is to be recorded as it was: what it was frozen into and what came of it, with other ids for the same
/// profiles. Versions, and which ids survive where homes tie, are the same where nobody records beside: interactions share
/// transactions as it comes.
pub async fn one_by_one(database: &Database, crowd: &Crowd, done: &Done, alone: bool) -> Service {
    let mut ids = BTreeMap::new();
    let times: HashMap<String, Decision> = recorded_decisions(database)
        .await
        .into_iter()
        .map(|decision| (decision.operation.clone(), decision))
        .collect();
    let service = Service::start().await;
    crowd.come(&service).await;
    let opened = service.server().opened();
    let tenant = opened.tenants.open(&TenantId::default_tenant()).await;
    let tenant = tenant.unwrap();
    let context = tenant.context(&opened.secret);
    for step in in_order(database, done).await.into_values() {
        match step {
            Step::Interactions(batch) => {
                service.record_all(batch).await;
            }
            Step::Operation(operation) => {
                let recorded = &times[&operation];
                let request = Request {
                    operation: operation.clone(),
                    caller: recorded.caller.clone(),
                    reason: recorded.reason.clone(),
                    what: what(&done.made[&operation].0),
                };
                let again =
                    decide::decide(&opened.storage, context, &request, recorded.made_at).await;
                assert!(again.is_ok(), "{operation} {:?}: {again:?}", request.what);
                let again = made(&service.database, recorded.id).await;
                compare(recorded, &again, &mut ids, alone);
            }
        }
    }
    service
}

async fn made(database: &Database, id: DecisionId) -> Decision {
    let mut connection = database.connect().await;
    let tenant = TenantId::default_tenant();
    let loaded = decisions::load(&mut connection, &tenant, &[id]).await;
    loaded.unwrap().pop().unwrap()
}

/// The outcome of a decision, and the ids in it.
fn outcome(decision: &Decision, alone: bool) -> (DecisionOutcome, Vec<Vec<u8>>) {
    let mut outcome = DecisionOutcome::decode(decision.outcome.as_slice()).unwrap();
    let mut ids = Vec::new();
    for part in &mut outcome.parts {
        ids.push(std::mem::take(&mut part.profile_id).to_vec());
        if !alone {
            part.version = 0;
        }
    }
    (outcome, ids)
}

fn compare(one: &Decision, other: &Decision, ids: &mut BTreeMap<Vec<u8>, Vec<u8>>, alone: bool) {
    let name = &one.operation;
    assert_eq!(
        one.body, other.body,
        "{name} was frozen into something else"
    );
    let (one, one_ids) = outcome(one, alone);
    let (other, other_ids) = outcome(other, alone);
    assert_eq!(one, other, "{name}");
    for (id, is) in one_ids.into_iter().zip(other_ids).filter(|_| alone) {
        let known = ids.entry(id).or_insert_with(|| is.clone());
        assert_eq!(*known, is, "{name}: another profile");
    }
}

/// Both databases have the same marks at every decision.
pub async fn same_marks(one: &Database, other: &Database) {
    let marks = |decisions: Vec<Decision>| -> Vec<_> {
        let marks = decisions.into_iter();
        marks.map(|d| (d.id, d.undone_by, d.voided_by)).collect()
    };
    let (one, other) = (
        recorded_decisions(one).await,
        recorded_decisions(other).await,
    );
    assert_eq!(marks(one), marks(other));
}
