//! `GetProfile` as of a time in the past.

use super::{Api, sight::Sight};
use crate::{
    error::Error,
    lookup::Who,
    past::{self, Then},
    proto::v1::GetProfileResponse,
    sentiment::history::{self, Moment},
    storage::locks,
    tenants::Tenant,
};

/// The answer, of which nothing is masked yet; its profile is absent when nothing was known.
pub(super) async fn get(
    api: &Api,
    tenant: &Tenant,
    who: &Who,
    then: Then,
    with_identifiers: bool,
    sight: &Sight<'_>,
) -> Result<GetProfileResponse, Error> {
    // One snapshot: a link and the interactions that gave it are of one moment.
    let mut snapshot = api.storage.begin_snapshot().await?;
    let context = past::Context {
        tenant: &tenant.id,
        region: tenant.region,
        zone: tenant.zone,
        rules: &tenant.resolution,
    };
    let found = past::find(&mut snapshot, context, who, then).await?;
    let Some(found) = found else {
        return Ok(GetProfileResponse {
            read_info: Some(api.primary(String::new())),
            ..GetProfileResponse::default()
        });
    };
    let position = locks::seen(&mut snapshot).await?;
    let token = api.token(tenant, position, None);
    // What lies ahead of then, and of what was known then, is no time that has passed.
    let at = then.occurred.min(then.known).min(api.clock.now());
    let moment = Moment::new(at, tenant.zone, history::prior());
    Ok(GetProfileResponse {
        answered_by: found.answered_by.and_then(|n| i32::try_from(n).ok()),
        profile: Some(found.document(&tenant.rules, moment, with_identifiers, sight)),
        read_info: Some(api.primary(token)),
        masked_fields: Vec::new(),
    })
}
