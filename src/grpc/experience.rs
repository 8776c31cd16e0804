//! `GetExperienceMetrics`.

use std::collections::BTreeSet;

use super::{Api, validate};
use crate::{
    auth::Caller,
    clock::Micros,
    error::Error,
    experience::contribution::Grain,
    figures::{self, Policy},
    proto::v1::{
        AnswerPolicy, GetExperienceMetricsRequest, GetExperienceMetricsResponse, MetricPeriod,
    },
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
    let (begin, end) = asked.within(tenant.zone);
    Ok(GetExperienceMetricsResponse {
        metrics,
        drivers,
        counted_to: Some(read.counted_to.to_proto()),
        masked_fields: masked.into_iter().collect(),
        period: period(asked.grain).into(),
        begin: Some(begin.to_proto()),
        end: Some(end.to_proto()),
        breakdown: asked.breakdown.into(),
        policy: policy(asked.policy).into(),
        horizon_weeks: asked.horizon.into(),
        modelled_on: read.modelled_on.map(Micros::to_proto),
    })
}

fn period(grain: Grain) -> MetricPeriod {
    match grain {
        Grain::Month => MetricPeriod::Month,
        Grain::Quarter => MetricPeriod::Quarter,
        Grain::Year => MetricPeriod::Year,
    }
}

fn policy(policy: Policy) -> AnswerPolicy {
    match policy {
        Policy::Latest => AnswerPolicy::Latest,
        Policy::All => AnswerPolicy::All,
    }
}
