//! Reading the catalogue.

use std::sync::Arc;

use prost::Message as _;

use super::{Api, issue_meant, shown, summary, validate};
use crate::{
    auth::Caller,
    error::Error,
    grpc::{
        page_token::{self, ActionCursor},
        read::Read,
    },
    next_best_action::{
        catalogue::{Snapshot, Version},
        model::Status,
    },
    proto::v1::{
        Action, GetActionRequest, GetActionResponse, ListActionsRequest, ListActionsResponse,
    },
    storage::actions,
};

/// Versions that are listed with an action.
const VERSIONS: i64 = 100;

/// Encoded bytes of the actions of one answer, so that it stays below 4 MiB.
const BYTES: usize = 3 * 1024 * 1024;

pub(in crate::grpc) async fn get(
    api: &Api,
    caller: &Caller,
    request: &GetActionRequest,
) -> Result<GetActionResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let action = read.take(validate::action_id("action_id", &request.action_id));
    let wanted = read.take(validate::version("version", request.version));
    let (tenant, (action, wanted)) = read.finish(action.zip(wanted))?;
    let unknown = || Error::NotFound {
        kind: "action",
        name: action.clone(),
    };
    let current = api.catalogues.latest(&tenant.id).await?;
    let current = current.ok_or_else(unknown)?;
    let (newest, status) = current.named(&action).ok_or_else(unknown)?;
    let mut connection = api.storage.acquire().await?;
    let (versions, total) = actions::list(&mut connection, &tenant.id, &action, VERSIONS).await?;
    let wanted = wanted.unwrap_or(newest.number);
    let listed = versions.iter().find(|version| version.number == wanted);
    let found = if let Some(found) = listed {
        Some(shown(found, status))
    } else {
        let key = [(action.as_str(), wanted)];
        let mut found = actions::versions(&mut connection, &tenant.id, &key).await?;
        found.pop().map(|found| shown(&found, status))
    };
    Ok(GetActionResponse {
        action: Some(found.ok_or_else(unknown)?),
        versions: versions.iter().map(|v| summary(v, status)).collect(),
        versions_total: i32::try_from(total).unwrap_or(i32::MAX),
    })
}

pub(in crate::grpc) async fn list(
    api: &Api,
    caller: &Caller,
    request: &ListActionsRequest,
) -> Result<ListActionsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let filter = read.take(validate::actions_filter(request));
    let size = read.size(request.page_size, 20, 100);
    let after = read.cursor::<ActionCursor>(request);
    let (tenant, ((filter, size), after)) = read.finish(filter.zip(size).zip(after))?;
    let current = api.catalogues.latest(&tenant.id).await?;
    let fits = |(version, status): &&(Arc<Version>, Status)| {
        let of = version.definition.get();
        let statuses = &filter.statuses;
        let shown = if statuses.is_empty() {
            *status != Status::Retired
        } else {
            statuses.contains(&super::status_shown(*status))
        };
        shown
            && issue_meant(filter.issue).is_none_or(|issue| issue == of.issue)
            && (request.group.is_empty() || request.group == of.group)
            && (request.channel.is_empty() || of.channels.contains(&request.channel))
    };
    let all = current.as_deref().map_or(&[][..], Snapshot::actions);
    let total = all.iter().filter(fits).count();
    let later = all.iter().filter(fits).filter(|(version, _)| {
        let last = after.as_ref().map(|cursor| cursor.0.as_str());
        last.is_none_or(|last| version.id() > last)
    });
    let mut actions: Vec<Action> = Vec::new();
    let (mut bytes, mut last, mut more) = (0, None, false);
    for (version, status) in later {
        let action = shown(version, *status);
        bytes += action.encoded_len();
        if actions.len() >= size || (bytes > BYTES && !actions.is_empty()) {
            more = true;
            break;
        }
        last = Some(version.id().to_owned());
        actions.push(action);
    }
    let next = last.filter(|_| more).map(|last| {
        let cursor = ActionCursor(last);
        page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
    });
    Ok(ListActionsResponse {
        actions,
        total: i32::try_from(total).unwrap_or(i32::MAX),
        next_page_token: next.unwrap_or_default(),
    })
}
