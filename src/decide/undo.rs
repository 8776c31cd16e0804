//! Freezing an undo: what the decision said goes out of force; separations that only it voided come back.

use sqlx::PgConnection;

use super::{
    frozen::{self, Frozen},
    plan::Plan,
};
use crate::{
    error::Error,
    ids::DecisionId,
    ingest::plan::Context,
    storage::decisions::{self, Decision, Kind},
};

pub(super) async fn freeze(
    connection: &mut PgConnection,
    context: Context<'_>,
    operation: &str,
    of: DecisionId,
) -> Result<Plan, Error> {
    let decision = load(connection, context, of)
        .await?
        .ok_or_else(|| Error::NotFound {
            kind: "decision",
            name: operation.to_owned(),
        })?;
    let refused = |reason, description: &'static str| Error::Refused {
        reason,
        description: description.into(),
    };
    if decision.kind == Kind::Undo {
        let why = "an undo is not undone; decide again instead";
        return Err(refused("not_undoable", why));
    }
    if decision.undone_by.is_some() {
        let why = "another operation has undone it";
        return Err(refused("already_undone", why));
    }
    let undone = frozen::read(&decision)?;
    let mut plan = Plan::new(Frozen::Undo { of }, []);
    plan.about = undone.keys().into_iter().collect();
    plan.revoke(of, &undone);
    if let Frozen::Merge { stays, goes, voids } = &undone {
        plan.parted = Some((*stays, *goes));
        for id in voids {
            if let Some(separation) = load(connection, context, *id).await?
                && comes_back(connection, context, &separation, of).await?
            {
                plan.bring_back(&separation)?;
            }
        }
    }
    Ok(plan)
}

async fn load(
    connection: &mut PgConnection,
    context: Context<'_>,
    id: DecisionId,
) -> Result<Option<Decision>, Error> {
    Ok(decisions::load(connection, context.tenant, &[id])
        .await?
        .pop())
}

/// Whether a separation is in force once a merge that voids it is not.
async fn comes_back(
    connection: &mut PgConnection,
    context: Context<'_>,
    separation: &Decision,
    without: DecisionId,
) -> Result<bool, Error> {
    if separation.undone_by.is_some() {
        return Ok(false);
    }
    let others: Vec<DecisionId> = separation
        .voided_by
        .iter()
        .filter(|id| **id != without)
        .copied()
        .collect();
    let merges = decisions::load(connection, context.tenant, &others).await?;
    Ok(merges.iter().all(|merge| merge.undone_by.is_some()))
}
