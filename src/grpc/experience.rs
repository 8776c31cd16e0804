//! `GetExperienceMetrics`.

use std::collections::BTreeSet;

use super::{Api, validate};
use crate::{
    auth::Caller,
    error::Error,
    figures,
    proto::v1::{GetExperienceMetricsRequest, GetExperienceMetricsResponse},
};

pub(super) async fn metrics(
    api: &Api,
    caller: &Caller,
    request: &GetExperienceMetricsRequest,
) -> Result<GetExperienceMetricsResponse, Error> {
    let tenant = api.tenants.get(&caller.tenant).await?;
    let asked =
        validate::experience(request, tenant.zone, api.clock.now()).map_err(Error::Invalid)?;
    let mut snapshot = api.storage.begin_snapshot().await?;
    let read = figures::read(&mut snapshot, &tenant.id, tenant.zone, &asked).await?;
    let sight = api.sight(caller);
    let mut masked: BTreeSet<String> = BTreeSet::new();
    let mut metrics = read.metrics;
    metrics.retain(|metric| {
        let shown = sight.may_see_metric(&metric.name);
        if !shown {
            masked.insert(format!("metrics[{}]", metric.name));
        }
        shown
    });
    let drivers = read.drivers.filter(|_| {
        let shown = sight.may_see_drivers();
        if !shown {
            masked.insert("drivers".to_owned());
        }
        shown
    });
    Ok(GetExperienceMetricsResponse {
        metrics,
        drivers,
        counted_to: Some(read.counted_to.to_proto()),
        masked_fields: masked.into_iter().collect(),
    })
}
