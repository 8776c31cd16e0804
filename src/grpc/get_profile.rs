//! `GetProfile`: at once, where the process remembers all that the answer takes, and by waiting otherwise.
//!
//! What must stay true: both ways check a request by [`Asked`] and answer by [`Asked::answer`], so that they differ in nothing
//! but in where they look. What cannot be answered at once, refusals too, is left to the way that waits.

use prost::{Message as _, bytes::Bytes};

use super::{
    Api,
    layers::at_once::{AtOnce, framed},
    past,
    profile_service::{Profiles, show},
    read::{Read, not_found},
    replies::GetProfileResponse,
    shows_identifiers,
    sight::Sight,
    validate::{self, ProfileMask},
};
use crate::{
    auth::{Caller, Permission},
    cache::{encoded::View, rule::Wish},
    error::Error,
    lookup::{Answer, Who},
    past::Then,
    proto::v1::{GetProfileRequest, Profile},
    sentiment::history,
    storage::profile_documents::Document,
    tenants::Tenant,
};

/// A request that was found to be right.
struct Asked<'a> {
    tenant: Tenant,
    sight: Sight<'a>,
    who: Who,
    mask: ProfileMask,
    wish: Wish,
    then: Option<Then>,
}

impl<'a> Asked<'a> {
    fn of(api: &Api, mut read: Read<'a>, request: &GetProfileRequest) -> Result<Self, Error> {
        let sight = read.sight;
        let who = read.who("lookup", request.lookup.as_ref());
        let mask = read.mask("field_mask", request.field_mask.as_ref());
        let wish = read.options(request.read_options.as_ref());
        let then = read.take(validate::then(request, api.clock.now()));
        let (tenant, ((who, mask), then)) = read.finish(who.zip(mask).zip(then))?;
        Ok(Self {
            tenant,
            sight,
            who,
            mask,
            wish,
            then,
        })
    }

    /// What a look-up is answered that led to a profile which is shown like this.
    fn answer(&self, api: &Api, answer: &Answer, profile: Bytes) -> GetProfileResponse {
        let asked = self.wish.position();
        let read_info = api.answered_from(&self.tenant, std::slice::from_ref(answer), asked);
        GetProfileResponse {
            profile: Some(profile),
            answered_by: answer.answered_by().and_then(|n| i32::try_from(n).ok()),
            read_info: Some(read_info),
            masked_fields: self.sight.masked(self.mask),
        }
    }
}

pub(super) async fn get(
    api: &Api,
    caller: &Caller,
    request: &GetProfileRequest,
) -> Result<GetProfileResponse, Error> {
    let asked = Asked::of(api, Read::begin(api, caller).await?, request)?;
    if let Some(then) = asked.then {
        return Box::pin(get_past(api, asked, then, request.allow_missing)).await;
    }
    let Asked {
        tenant,
        sight,
        who,
        mask,
        wish,
        ..
    } = &asked;
    let answer = api.reader.find(&tenant.id, who, wish).await?;
    let profile = match &answer.found {
        Some((document, _)) => encoded(api, tenant, (caller, sight), *mask, document).await?,
        None if request.allow_missing => Bytes::new(),
        None => return Err(not_found()),
    };
    Ok(asked.answer(api, &answer, profile))
}

async fn get_past(
    api: &Api,
    asked: Asked<'_>,
    then: Then,
    allow_missing: bool,
) -> Result<GetProfileResponse, Error> {
    let Asked {
        tenant,
        sight,
        who,
        mask,
        ..
    } = asked;
    let with_identifiers = shows_identifiers(&sight, mask);
    let answer = past::get(api, &tenant, &who, then, with_identifiers, &sight).await?;
    let profile = match answer.profile {
        Some(mut profile) => {
            sight.restrict(mask, &mut profile);
            profile
        }
        None if allow_missing => Profile::default(),
        None => return Err(not_found()),
    };
    Ok(GetProfileResponse {
        profile: Some(profile.encode_to_vec().into()),
        answered_by: answer.answered_by,
        read_info: answer.read_info,
        masked_fields: sight.masked(mask),
    })
}

impl AtOnce for Profiles {
    fn answer(&self, caller: &Caller, message: &[u8]) -> Option<Bytes> {
        let api = &*self.0;
        let encoded = api.reader.caches().encoded()?;
        caller.require(Permission::Read).ok()?;
        let request = GetProfileRequest::decode(message).ok()?;
        let read = Read::remembered(api, caller)?;
        let asked = Asked::of(api, read, &request).ok()?;
        if asked.then.is_some() {
            return None;
        }
        let tenant = &asked.tenant;
        let answer = api.reader.remembered(&tenant.id, &asked.who, &asked.wish)?;
        let (document, _) = answer.found.as_ref()?;
        let profile = encoded.get(&tenant.id, document, &view(api, caller, asked.mask))?;
        let framed = framed(&asked.answer(api, &answer, profile))?;
        api.reader.used(&answer);
        Some(framed)
    }
}

/// Whatever makes a difference to what a caller is shown now.
fn view(api: &Api, caller: &Caller, mask: ProfileMask) -> View {
    View {
        fields: mask.bits(),
        permissions: caller.permissions.bits(),
        department: caller.department.clone(),
        hour: history::hour(api.clock.now()),
        models: api.tenants.models_number(),
    }
}

/// What a caller sees of a profile now, encoded: as it was shown before, where everything that it depends on is the same.
pub(super) async fn encoded(
    api: &Api,
    tenant: &Tenant,
    (caller, sight): (&Caller, &Sight<'_>),
    mask: ProfileMask,
    document: &Document,
) -> Result<Bytes, Error> {
    let Some(encoded) = api.reader.caches().encoded() else {
        let profile = Box::pin(show(api, tenant, sight, mask, document)).await?;
        return Ok(profile.encode_to_vec().into());
    };
    let view = view(api, caller, mask);
    if let Some(bytes) = encoded.get(&tenant.id, document, &view) {
        return Ok(bytes);
    }
    // What is shown may be of the next hour, or of newer models, than what it is kept under, which nobody asks for any more then.
    let profile = Box::pin(show(api, tenant, sight, mask, document)).await?;
    let bytes = Bytes::from(profile.encode_to_vec());
    encoded.put(&tenant.id, document, view, &bytes);
    Ok(bytes)
}
