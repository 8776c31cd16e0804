//! The catalogue as files.

use std::collections::HashMap;

use super::{Api, carry_out, matches::matches, token, validate};
use crate::{
    actions::{Change, Fate, export_part},
    auth::Caller,
    error::Error,
    grpc::{
        page_token::{self, ExportCursor},
        read::Read,
    },
    proto::v1::{
        ExportActionsRequest, ExportActionsResponse, ImportActionsRequest, ImportActionsResponse,
        ImportOutcome, ImportedAction, RuleMatch,
    },
};

pub(in crate::grpc) async fn import(
    api: &Api,
    caller: &Caller,
    request: &ImportActionsRequest,
) -> Result<ImportActionsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let operation = read.take(validate::operation(&request.operation_id, &request.reason));
    if operation.is_none() {
        // What is wrong with the texts is named as well.
        let tenant = read.tenant.clone();
        let change = change(request);
        if let Err(crate::actions::Failure::Invalid(wrong)) =
            api.catalogues.rehearse(&tenant.id, &change).await
        {
            let wrong: Vec<_> = wrong.iter().map(validate::document_violation).collect();
            read.take::<()>(Err(wrong));
        }
    }
    let (_, operation) = read.finish(operation)?;
    let path = validate::document_violation;
    let dry_run = request.dry_run;
    let change = change(request);
    let (tenant, outcome) = carry_out(api, caller, (operation, &change), dry_run, path).await?;
    let changed = outcome.actions.iter();
    let changed = changed.filter(|touched| touched.fate != Fate::Unchanged);
    let changed: Vec<String> = changed.map(|touched| touched.action.clone()).collect();
    let found = matches(api, &tenant, dry_run.then_some(&change), &changed).await;
    let mut found: HashMap<String, Vec<RuleMatch>> = changed.into_iter().zip(found).collect();
    let actions = outcome.actions.iter().map(|touched| ImportedAction {
        action_id: touched.action.clone(),
        version: i32::try_from(touched.version).unwrap_or(i32::MAX),
        status: super::status_shown(touched.status).into(),
        outcome: match touched.fate {
            Fate::Created => ImportOutcome::Created,
            Fate::Updated => ImportOutcome::Updated,
            Fate::Moved => ImportOutcome::Moved,
            Fate::Unchanged => ImportOutcome::Unchanged,
        }
        .into(),
        matches: found.remove(&touched.action).unwrap_or_default(),
    });
    Ok(ImportActionsResponse {
        actions: actions.collect(),
        policy_version: if dry_run && outcome.changed {
            0
        } else {
            outcome.revision
        },
        policy_changed: outcome.policy_changed,
        segments_changed: outcome.segments_changed.clone(),
        repeated: outcome.repeated,
        token: token(api, &tenant, &outcome),
    })
}

fn change(request: &ImportActionsRequest) -> Change {
    Change::Import {
        documents: request.documents.clone(),
    }
}

pub(in crate::grpc) async fn export(
    api: &Api,
    caller: &Caller,
    request: &ExportActionsRequest,
) -> Result<ExportActionsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let after = read.cursor::<ExportCursor>(request);
    let (tenant, after) = read.finish(after)?;
    let Some(current) = api.catalogues.latest(&tenant.id).await? else {
        return Ok(ExportActionsResponse::default());
    };
    let after = after.as_ref().map(|cursor| cursor.0.as_str());
    let (document, last) = export_part(&current, after);
    let next = last.map(|last| {
        let cursor = ExportCursor(last);
        page_token::encode(&cursor, request, &tenant.id, &api.page_tokens)
    });
    Ok(ExportActionsResponse {
        document,
        next_page_token: next.unwrap_or_default(),
    })
}
