//! `ReanalyzeInteractions`: the work is a worker's, this begins it and says how far it is.

use super::{Api, validate};
use crate::{
    auth::Caller,
    error::Error,
    proto::v1::{ReanalyzeInteractionsRequest, ReanalyzeInteractionsResponse},
    storage::reanalyses::{self, Reanalysis},
};

pub(super) async fn reanalyze(
    api: &Api,
    caller: &Caller,
    request: &ReanalyzeInteractionsRequest,
) -> Result<ReanalyzeInteractionsResponse, Error> {
    let mut wrong = validate::Violations::default();
    let named = wrong.take(validate::decision_named(
        "operation_id",
        &request.operation_id,
    ));
    let operation = wrong.finish(named).map_err(Error::Invalid)?;
    let tenant = api.tenants.open(&caller.tenant).await?;
    let version = i32::try_from(tenant.listening.reader.version).unwrap_or(i32::MAX);
    let mut connection = api.storage.acquire().await?;
    let known = reanalyses::begin(&mut connection, &tenant.id, &operation, version).await?;
    let known = known.ok_or_else(|| Error::bug("beginning a re-analysis", "it is not there"))?;
    Ok(show(&known))
}

fn show(known: &Reanalysis) -> ReanalyzeInteractionsResponse {
    // Keys are hashes: as far as the cursor is among all keys, so far is the work.
    let far = known
        .cursor
        .map_or(0, |cursor| cursor.as_u64_pair().0 >> 32);
    let far = u32::try_from(far).unwrap_or(u32::MAX);
    let share = f64::from(far) / f64::from(u32::MAX);
    ReanalyzeInteractionsResponse {
        model_version: u32::try_from(known.version).unwrap_or_default(),
        identifiers: known.identifiers,
        analyzed: known.analyzed,
        progress: if known.done { 1.0 } else { share.min(0.999) },
        done: known.done,
    }
}
