//! Deciding.

use std::{sync::Arc, time::Instant};

use prost::Message as _;
use uuid::Uuid;

use super::{
    Api, count, prepare,
    show::{Shown, decision},
    validate::{self, offers::Asked},
};
use crate::{
    auth::{Caller, Permission},
    cache::rule::Wish,
    error::Error,
    grpc::{profile_service, read::Read, sight::Sight},
    identity::Keyed,
    lookup::{Answer, Who},
    offering::{Call, Made},
    proto::v1::{GetNextBestActionsRequest, GetNextBestActionsResponse, Profile},
    tenants::Tenant,
};

pub(in crate::grpc) async fn get(
    api: &Api,
    caller: &Caller,
    request: &GetNextBestActionsRequest,
) -> Result<GetNextBestActionsResponse, Error> {
    let started = Instant::now();
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let lookup = request
        .lookup
        .as_ref()
        .filter(|lookup| !lookup.profile_id.is_empty() || !lookup.identifiers.is_empty());
    let mut first = None;
    let who = match lookup {
        None => Some(None),
        Some(lookup) => {
            read.hide(sight.hidden_in(Some(lookup)));
            let checked = validate::lookup("lookup", Some(lookup), &api.validation(&read.tenant));
            let checked = read.take(checked);
            if let Some(validate::Lookup::Identifiers(identifiers)) = &checked {
                let usable = identifiers.iter().flatten().next();
                first = usable.map(|Keyed { identifier, .. }| identifier.clone());
            }
            checked.map(|checked| Some(Who::from(checked)))
        }
    };
    let (wish, at_least) = read.catalogue(request.read_options.as_ref());
    let current = api.desk.shelf.current(&read.tenant.id, at_least).await?;
    let catalogue = current.as_ref().map(|ready| &*ready.catalogue);
    let asked = read.take(validate::offers::asked(request, catalogue));
    let mask = match &request.profile_mask {
        None => Some(None),
        Some(mask) => read.mask("profile_mask", Some(mask)).map(Some),
    };
    let (tenant, ((who, asked), mask)) = read.finish(who.zip(asked).zip(mask))?;
    if mask.is_some() {
        caller.require(Permission::Read)?;
    }
    if who.is_some() && !request.dry_run {
        // What is reserved for someone who is not known yet makes them known.
        api.tenants.open(&caller.tenant).await?;
    }
    let position = wish.position();
    let call = Arc::new(call(request, (who, first), wish, asked));
    let note = |message| prepare(api, &tenant, message);
    let made = api.desk.make(&tenant, &call, &note, at_least).await?;
    if let Some((anchor, _)) = made.anchor {
        api.committed(vec![anchor]).await;
    }
    count::decided(&made, &call, started);
    let profile = match mask {
        None => None,
        Some(mask) => Some(profile(api, (&tenant, &sight), &made, mask).await?),
    };
    let shown = Shown::new(
        &made.ready,
        &made.inputs,
        &made.decision,
        &call.page,
        &sight,
    )
    .seen_by(caller)
    .reserving(made.reserved)
    .in_locale(call.locale.as_ref());
    if !call.dry_run && !made.repeated {
        count::offered(&shown, &api.desk.labels);
    }
    let read_info = api.answered_from(&tenant, made.found.as_slice(), position);
    let reserved_before = made.repeated && made.reserved;
    let token = if reserved_before {
        // What was read for the retry includes it.
        read_info.token.clone()
    } else {
        api.token(&tenant, made.position, made.anchor)
    };
    let found = made.found.as_ref();
    let answered_by = found.and_then(Answer::answered_by);
    Ok(GetNextBestActionsResponse {
        decision: Some(decision(&shown, &made.id, &[], request.explain)),
        profile,
        answered_by: answered_by.and_then(|n| i32::try_from(n).ok()),
        repeated: made.repeated,
        token,
        read_info: Some(read_info),
        masked_fields: mask.map_or_else(Vec::new, |mask| sight.masked(mask)),
    })
}

fn call(
    request: &GetNextBestActionsRequest,
    (who, first): (Option<Who>, Option<crate::identity::Normalised>),
    wish: Wish,
    asked: Asked,
) -> Call {
    Call {
        request_hash: hash(request),
        // Whose it is stands with the decision.
        asked: GetNextBestActionsRequest {
            locale: request.locale.clone(),
            time_zone: request.time_zone.clone(),
            context: request.context.clone(),
            placements: request.placements.clone(),
            ..GetNextBestActionsRequest::default()
        }
        .encode_to_vec(),
        who,
        wish,
        first,
        id: asked.id,
        page: asked.page,
        locale: asked.locale,
        zone: asked.zone,
        context: asked.context,
        dry_run: request.dry_run,
        explain: request.explain,
    }
}

/// A hash of what is asked; how fresh, and what is shown of the profile, may differ in a retry.
fn hash(request: &GetNextBestActionsRequest) -> Uuid {
    let mut context: Vec<_> = request.context.iter().collect();
    context.sort_unstable_by_key(|(name, _)| *name);
    let rest = GetNextBestActionsRequest {
        lookup: request.lookup.clone(),
        placements: request.placements.clone(),
        locale: request.locale.clone(),
        time_zone: request.time_zone.clone(),
        decision_id: request.decision_id.clone(),
        ..GetNextBestActionsRequest::default()
    };
    let mut hash = crate::ids::LengthPrefixed(blake3::Hasher::new());
    hash.add(&rest.encode_to_vec());
    for (name, value) in context {
        hash.add(name.as_bytes());
        hash.add(&value.encode_to_vec());
    }
    hash.finish_128()
}

/// The profile that was decided on.
async fn profile(
    api: &Api,
    (tenant, sight): (&Tenant, &Sight<'_>),
    made: &Made,
    mask: validate::ProfileMask,
) -> Result<Profile, Error> {
    let found = made.found.as_ref().and_then(|answer| answer.found.as_ref());
    match found {
        Some((document, _)) => profile_service::show(api, tenant, sight, mask, document).await,
        None => Ok(Profile::default()),
    }
}
