//! The calls of `NextBestActionService` that keep the catalogue: one action ([`change`]), all of it as files ([`files`]), and
//! reading it ([`read`]).
//!
//! What must stay true: whoever keeps the catalogue reads what is in force now; everything that is wrong with a request is named at
//! once, its form and what it would mean in the catalogue.

mod change;
mod files;
mod matches;
mod read;

pub(super) use change::{create, pause, resume, retire, update};
pub(super) use files::{export, import};
pub(super) use read::{get, list};

use super::{Api, token::CATALOGUE, validate};
use crate::{
    actions::{Change, Failure, Outcome, Request, Touched},
    auth::Caller,
    error::{Error, Violation},
    next_best_action::{
        catalogue::{self, Version},
        model::{Issue, Status},
    },
    proto::v1::{Action, ActionIssue, ActionStatus},
    storage::actions,
    tenants::Tenant,
};

/// Makes a change, or says what it would come to. Violations are named by `path`.
async fn carry_out(
    api: &Api,
    caller: &Caller,
    (operation, change): (validate::Operation, &Change),
    dry_run: bool,
    path: impl Fn(&catalogue::Violation) -> Violation,
) -> Result<(Tenant, Outcome), Error> {
    let request = Request {
        operation: operation.id,
        caller: caller.name.to_string(),
        reason: operation.reason,
        change: change.clone(),
    };
    let made = if dry_run {
        let tenant = api.tenants.get(&caller.tenant).await?;
        let made = api.catalogues.rehearse(&tenant.id, &request.change).await;
        made.map(|outcome| (tenant, outcome))
    } else {
        let tenant = api.tenants.open(&caller.tenant).await?;
        let made = api.catalogues.change(&tenant.id, &request).await;
        made.map(|outcome| (tenant, outcome))
    };
    let (tenant, outcome) = made.map_err(|failure| match failure {
        Failure::Invalid(wrong) => Error::Invalid(wrong.iter().map(path).collect()),
        Failure::Other(error) => error,
    })?;
    if !dry_run {
        tracing::info!(
            operation.id = request.operation,
            revision = outcome.revision,
            changed = outcome.changed,
            repeated = outcome.repeated,
            "changed the catalogue"
        );
    }
    Ok((tenant, outcome))
}

/// The token of a change; none of a dry run.
fn token(api: &Api, tenant: &Tenant, outcome: &Outcome) -> String {
    let anchor = Some((CATALOGUE, outcome.revision));
    api.token(tenant, outcome.position, anchor)
}

/// An action as a change left it.
async fn left(api: &Api, tenant: &Tenant, touched: &Touched) -> Result<Action, Error> {
    let mut connection = api.storage.acquire().await?;
    let wanted = [(touched.action.as_str(), touched.version)];
    let mut found = actions::versions(&mut connection, &tenant.id, &wanted).await?;
    let version = found
        .pop()
        .ok_or_else(|| Error::bug("showing an action", "the version is gone"))?;
    Ok(shown(&version, touched.status))
}

/// A version as the protocol shows it.
fn shown(version: &Version, status: Status) -> Action {
    let definition = validate::definition_shown(version.definition.get());
    Action {
        definition: Some(definition),
        ..summary(version, status)
    }
}

/// A version without what it says.
fn summary(version: &Version, status: Status) -> Action {
    Action {
        definition: None,
        version: i32::try_from(version.number).unwrap_or(i32::MAX),
        status: status_shown(status).into(),
        digest: version.digest.to_string(),
        created_at: Some(version.made_at.to_proto()),
        caller: version.caller.clone(),
        reason: version.reason.clone(),
    }
}

pub(super) fn status_shown(status: Status) -> ActionStatus {
    match status {
        Status::Draft => ActionStatus::Draft,
        Status::Active => ActionStatus::Active,
        Status::Paused => ActionStatus::Paused,
        Status::Retired => ActionStatus::Retired,
    }
}

fn issue_meant(issue: ActionIssue) -> Option<Issue> {
    match issue {
        ActionIssue::Unspecified => None,
        ActionIssue::Serve => Some(Issue::Serve),
        ActionIssue::Retain => Some(Issue::Retain),
        ActionIssue::Sell => Some(Issue::Sell),
        ActionIssue::Nurture => Some(Issue::Nurture),
        ActionIssue::Listen => Some(Issue::Listen),
    }
}
