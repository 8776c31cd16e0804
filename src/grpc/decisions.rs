//! Operators' decisions: the three calls of `IdentityService` that change who is who.
//!
//! What must stay true: who decides is a steward; what the answer says of identifiers is what the caller may read.

use std::collections::HashMap;

use super::{Api, read::Read, sight::Sight, validate};
use crate::{
    auth::Caller,
    decide::{self, Outcome, Part, Request, Tie, What},
    error::Error,
    ids::{DecisionId, IdentityKey},
    proto::v1::{
        DecisionOutcome, DecisionPart, DecisionStatus, Identifier, JoiningLink,
        MergeProfilesRequest, MergeProfilesResponse, SeparateIdentifiersRequest,
        SeparateIdentifiersResponse, UndoDecisionRequest, UndoDecisionResponse,
    },
    storage::identity_cards,
    tenants::Tenant,
};

pub(super) async fn merge(
    api: &Api,
    caller: &Caller,
    request: &MergeProfilesRequest,
) -> Result<MergeProfilesResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let operation = read.take(validate::operation(&request.operation_id, &request.reason));
    let stays = read.who("target", request.target.as_ref());
    let goes = read.who("source", request.source.as_ref());
    let parts = operation.zip(stays.zip(goes));
    let (_, (operation, (stays, goes))) = read.finish(parts)?;
    let what = What::Merge { stays, goes };
    let answer = decide(api, caller, (operation, what), sight, request.dry_run).await?;
    Ok(MergeProfilesResponse {
        outcome: Some(answer.outcome),
        token: answer.token,
        masked_fields: answer.masked,
    })
}

pub(super) async fn separate(
    api: &Api,
    caller: &Caller,
    request: &SeparateIdentifiersRequest,
) -> Result<SeparateIdentifiersResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    read.hide(sight.hidden_among("identifiers", &request.identifiers));
    let operation = read.take(validate::operation(&request.operation_id, &request.reason));
    let tenant = read.tenant.clone();
    let chosen = read.take(validate::chosen(
        &request.identifiers,
        &api.validation(&tenant),
    ));
    let apart_from = match &request.apart_from {
        None => Some(None),
        other => read.who("apart_from", other.as_ref()).map(Some),
    };
    let (_, ((operation, chosen), apart_from)) =
        read.finish(operation.zip(chosen).zip(apart_from))?;
    let what = What::Separate {
        chosen,
        keep_together: request.keep_together,
        apart_from,
    };
    let answer = decide(api, caller, (operation, what), sight, request.dry_run).await?;
    Ok(SeparateIdentifiersResponse {
        outcome: Some(answer.outcome),
        token: answer.token,
        masked_fields: answer.masked,
    })
}

pub(super) async fn undo(
    api: &Api,
    caller: &Caller,
    request: &UndoDecisionRequest,
) -> Result<UndoDecisionResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let operation = read.take(validate::operation(&request.operation_id, &request.reason));
    let named = read.take(validate::decision_named(
        "decision_operation_id",
        &request.decision_operation_id,
    ));
    let (tenant, (operation, named)) = read.finish(operation.zip(named))?;
    let what = What::Undo {
        of: DecisionId::of(&tenant.id, &named),
        operation: named,
    };
    let answer = decide(api, caller, (operation, what), sight, request.dry_run).await?;
    Ok(UndoDecisionResponse {
        outcome: Some(answer.outcome),
        token: answer.token,
        masked_fields: answer.masked,
    })
}

struct Answer {
    outcome: DecisionOutcome,
    token: String,
    masked: Vec<String>,
}

async fn decide(
    api: &Api,
    caller: &Caller,
    (operation, what): (validate::Operation, What),
    sight: Sight<'_>,
    dry_run: bool,
) -> Result<Answer, Error> {
    let tenant = api.tenants.open(&caller.tenant).await?;
    let context = tenant.context(&api.secret);
    let request = Request {
        operation: operation.id,
        caller: caller.name.to_string(),
        reason: operation.reason,
        what,
    };
    let now = api.clock.now();
    let outcome = if dry_run {
        decide::rehearse(&api.storage, context, &request, now).await?
    } else {
        decide::decide(&api.storage, context, &request, now).await?
    };
    if !dry_run {
        api.committed(Vec::new()).await;
    }
    if !dry_run {
        tracing::info!(
            operation.id = request.operation,
            parts = outcome.parts.len(),
            repeated = outcome.repeated,
            "carried out a decision"
        );
    }
    let token = if dry_run {
        String::new()
    } else {
        api.token(&tenant, outcome.position, None)
    };
    Ok(Answer {
        outcome: show(api, &tenant, sight, &outcome, dry_run).await?,
        token,
        masked: sight.masked_in_outcome(),
    })
}

/// An outcome as the caller may read it.
async fn show(
    api: &Api,
    tenant: &Tenant,
    sight: Sight<'_>,
    outcome: &Outcome,
    dry_run: bool,
) -> Result<DecisionOutcome, Error> {
    let names = names(api, tenant, sight, outcome).await?;
    let status = if outcome.still_joined {
        DecisionStatus::StillJoined
    } else {
        DecisionStatus::Done
    };
    Ok(DecisionOutcome {
        made_at: Some(outcome.made_at.to_proto()),
        parts: outcome.parts.iter().map(|p| part(p, &names)).collect(),
        status: status.into(),
        joined_by: outcome
            .joined_by
            .iter()
            .map(|Tie { key, other }| JoiningLink {
                from: names.get(key).cloned(),
                to: names.get(other).cloned(),
            })
            .collect(),
        separations_changed: i32::try_from(outcome.separations.len()).unwrap_or(i32::MAX),
        repeated: outcome.repeated,
        dry_run,
    })
}

fn part(part: &Part, names: &HashMap<IdentityKey, Identifier>) -> DecisionPart {
    DecisionPart {
        profile_id: part.profile.map_or_else(String::new, |id| id.to_string()),
        version: part.version,
        identifiers: part
            .identifiers
            .iter()
            .filter_map(|key| names.get(key).cloned())
            .collect(),
        identifiers_total: i32::try_from(part.identifiers_total).unwrap_or(i32::MAX),
    }
}

/// The identifiers of an outcome that the caller may read, by their keys.
async fn names(
    api: &Api,
    tenant: &Tenant,
    sight: Sight<'_>,
    outcome: &Outcome,
) -> Result<HashMap<IdentityKey, Identifier>, Error> {
    if !sight.identifiers() {
        return Ok(HashMap::new());
    }
    let of_parts = outcome.parts.iter().flat_map(|p| p.identifiers.iter());
    let of_links = outcome.joined_by.iter().flat_map(|t| [&t.key, &t.other]);
    let mut keys: Vec<IdentityKey> = of_parts.chain(of_links).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    let mut connection = api.storage.acquire().await?;
    let cards = identity_cards::cards(&mut connection, &tenant.id, &keys).await?;
    Ok(cards
        .into_iter()
        .filter(|card| sight.namespace(&card.identifier.namespace))
        .map(|card| {
            let shown = Identifier {
                namespace: card.identifier.namespace,
                value: card.identifier.value,
            };
            (card.key, shown)
        })
        .collect())
}
