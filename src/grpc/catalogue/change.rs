//! One action: made, given a version, moved.

use super::{Api, carry_out, left, matches::matches, token, validate};
use crate::{
    actions::{Change, Fate, Touched},
    auth::Caller,
    error::Error,
    grpc::read::Read,
    next_best_action::{
        catalogue::digest::of_action,
        model::{Definition, Move},
    },
    proto::v1::{
        Action, ActionDefinition, CreateActionRequest, CreateActionResponse, PauseActionRequest,
        PauseActionResponse, ResumeActionRequest, ResumeActionResponse, RetireActionRequest,
        RetireActionResponse, RuleMatch, UpdateActionRequest, UpdateActionResponse,
    },
    tenants::Tenant,
};

pub(in crate::grpc) async fn create(
    api: &Api,
    caller: &Caller,
    request: &CreateActionRequest,
) -> Result<CreateActionResponse, Error> {
    let said = request.definition.as_ref();
    let (operation, definition, ()) = checked(
        api,
        caller,
        (&request.operation_id, &request.reason),
        said,
        Ok(()),
    )
    .await?;
    let change = Change::Create {
        definition: Box::new(definition.clone()),
        activate: request.activate,
    };
    let path = |wrong: &_| validate::definition_violation(wrong, said);
    let dry_run = request.dry_run;
    let (tenant, outcome) = carry_out(api, caller, (operation, &change), dry_run, path).await?;
    let about = (outcome.actions.first(), &definition);
    let tried = dry_run.then_some(&change);
    Ok(CreateActionResponse {
        action: answer(api, &tenant, caller, about, dry_run).await?,
        matches: of_one(api, &tenant, tried, &definition).await,
        repeated: outcome.repeated,
        token: token(api, &tenant, &outcome),
    })
}

pub(in crate::grpc) async fn update(
    api: &Api,
    caller: &Caller,
    request: &UpdateActionRequest,
) -> Result<UpdateActionResponse, Error> {
    let said = request.definition.as_ref();
    let expected = validate::version("expected_version", request.expected_version);
    let names = (request.operation_id.as_str(), request.reason.as_str());
    let (operation, definition, expected) = checked(api, caller, names, said, expected).await?;
    let change = Change::Update {
        definition: Box::new(definition.clone()),
        expected,
    };
    let path = |wrong: &_| validate::definition_violation(wrong, said);
    let dry_run = request.dry_run;
    let (tenant, outcome) = carry_out(api, caller, (operation, &change), dry_run, path).await?;
    let about = outcome.actions.first();
    let tried = dry_run.then_some(&change);
    Ok(UpdateActionResponse {
        action: answer(api, &tenant, caller, (about, &definition), dry_run).await?,
        matches: of_one(api, &tenant, tried, &definition).await,
        unchanged: about.is_some_and(|touched| touched.fate == Fate::Unchanged),
        repeated: outcome.repeated,
        token: token(api, &tenant, &outcome),
    })
}

async fn of_one(
    api: &Api,
    tenant: &Tenant,
    tried: Option<&Change>,
    definition: &Definition,
) -> Vec<RuleMatch> {
    let action = [definition.id.clone()];
    let found = matches(api, tenant, tried, &action).await;
    found.into_iter().next().unwrap_or_default()
}

/// The parts of a request with a definition, or everything that is wrong with them: also what the catalogue says of a
/// definition whose form is wrong elsewhere.
async fn checked<T>(
    api: &Api,
    caller: &Caller,
    (id, reason): (&str, &str),
    said: Option<&ActionDefinition>,
    other: Result<T, Vec<crate::error::Violation>>,
) -> Result<(validate::Operation, Definition, T), Error> {
    let mut read = Read::begin(api, caller).await?;
    let operation = read.take(validate::operation(id, reason));
    let other = read.take(other);
    let (definition, mut wrong) = validate::definition(said);
    let found = operation.as_ref().zip(other.as_ref()).is_some() && wrong.is_empty();
    if !found && let Some(definition) = &definition {
        let tenant = read.tenant.clone();
        let meant = api.catalogues.violations(&tenant.id, definition).await?;
        let meant = meant
            .iter()
            .map(|v| validate::definition_violation(v, said));
        validate::add_what_does_not_follow(&mut wrong, meant);
    }
    let definition = match definition {
        Some(definition) if wrong.is_empty() => Some(definition),
        _ => read.take(Err(wrong)),
    };
    let parts = operation.zip(definition).zip(other);
    let (_, ((operation, definition), other)) = read.finish(parts)?;
    Ok((operation, definition, other))
}

/// The action as a change left it, or would.
async fn answer(
    api: &Api,
    tenant: &Tenant,
    caller: &Caller,
    (touched, definition): (Option<&Touched>, &Definition),
    dry_run: bool,
) -> Result<Option<Action>, Error> {
    let Some(touched) = touched else {
        return Ok(None);
    };
    if !dry_run {
        return left(api, tenant, touched).await.map(Some);
    }
    let definition = definition.clone().canonical();
    Ok(Some(Action {
        version: i32::try_from(touched.version).unwrap_or(i32::MAX),
        status: super::status_shown(touched.status).into(),
        digest: of_action(&definition).to_string(),
        created_at: None,
        caller: caller.name.to_string(),
        reason: String::new(),
        definition: Some(validate::definition_shown(&definition)),
    }))
}

/// What a move came to: the action, whether that was so before, and the token.
type Moved = (Option<Action>, bool, String);

async fn moved(
    api: &Api,
    caller: &Caller,
    (id, reason, action): (&str, &str, &str),
    tried: Move,
) -> Result<Moved, Error> {
    let mut read = Read::begin(api, caller).await?;
    let operation = read.take(validate::operation(id, reason));
    let action = read.take(validate::action_id("action_id", action));
    let (_, (operation, action)) = read.finish(operation.zip(action))?;
    let change = Change::Move { action, tried };
    let path = |wrong: &_| validate::definition_violation(wrong, None);
    let (tenant, outcome) = carry_out(api, caller, (operation, &change), false, path).await?;
    let action = match outcome.actions.first() {
        Some(touched) => Some(left(api, &tenant, touched).await?),
        None => None,
    };
    let token = token(api, &tenant, &outcome);
    Ok((action, outcome.repeated, token))
}

pub(in crate::grpc) async fn pause(
    api: &Api,
    caller: &Caller,
    request: &PauseActionRequest,
) -> Result<PauseActionResponse, Error> {
    let names = (
        request.operation_id.as_str(),
        request.reason.as_str(),
        request.action_id.as_str(),
    );
    let (action, repeated, token) = moved(api, caller, names, Move::Pause).await?;
    Ok(PauseActionResponse {
        action,
        repeated,
        token,
    })
}

pub(in crate::grpc) async fn resume(
    api: &Api,
    caller: &Caller,
    request: &ResumeActionRequest,
) -> Result<ResumeActionResponse, Error> {
    let names = (
        request.operation_id.as_str(),
        request.reason.as_str(),
        request.action_id.as_str(),
    );
    let (action, repeated, token) = moved(api, caller, names, Move::Activate).await?;
    Ok(ResumeActionResponse {
        action,
        repeated,
        token,
    })
}

pub(in crate::grpc) async fn retire(
    api: &Api,
    caller: &Caller,
    request: &RetireActionRequest,
) -> Result<RetireActionResponse, Error> {
    let names = (
        request.operation_id.as_str(),
        request.reason.as_str(),
        request.action_id.as_str(),
    );
    let (action, repeated, token) = moved(api, caller, names, Move::Retire).await?;
    Ok(RetireActionResponse {
        action,
        repeated,
        token,
    })
}
