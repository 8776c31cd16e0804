//! Decisions that were made: why, and whether they come out the same again.

use std::sync::Arc;

use prost::Message as _;

use super::{
    Api,
    show::{Shown, decision},
    validate,
};
use crate::{
    auth::Caller,
    error::Error,
    grpc::{read::Read, sight::Sight},
    next_best_action::{
        decide::{Difference, Replay},
        keys::DecisionKey,
        situation::Page,
    },
    offering::{Past, ready::Ready},
    proto::v1::{
        ExplainDecisionRequest, ExplainDecisionResponse, GetNextBestActionsRequest,
        ReplayDecisionRequest, ReplayDecisionResponse,
    },
    storage::outcomes,
    tenants::Tenant,
};

/// A decision, made again.
struct Again {
    past: Past,
    ready: Arc<Ready>,
    asked: GetNextBestActionsRequest,
    page: Vec<Page>,
    replay: Replay,
}

pub(in crate::grpc) async fn explain(
    api: &Api,
    caller: &Caller,
    request: &ExplainDecisionRequest,
) -> Result<ExplainDecisionResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let id = read.take(validate::offers::decision_id(&request.decision_id));
    read.options(request.read_options.as_ref());
    let (tenant, id) = read.finish(id)?;
    let again = again(api, &tenant, &id).await?;
    let mut connection = api.storage.acquire().await?;
    let known = outcomes::load(&mut connection, &tenant.id, &[DecisionKey::of(&id)]).await?;
    let inputs = &again.past.record.inputs;
    let shown = again.shown(caller, &sight);
    Ok(ExplainDecisionResponse {
        decision: Some(decision(&shown, &id, &known, true)),
        locale: again.asked.locale.clone(),
        time_zone: inputs.zone.map(|zone| zone.to_string()).unwrap_or_default(),
        context: again.asked.context.clone(),
        read_info: Some(api.primary(String::new())),
        masked_fields: shown.masked(),
    })
}

pub(in crate::grpc) async fn replay(
    api: &Api,
    caller: &Caller,
    request: &ReplayDecisionRequest,
) -> Result<ReplayDecisionResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let id = read.take(validate::offers::decision_id(&request.decision_id));
    let (tenant, id) = read.finish(id)?;
    let again = again(api, &tenant, &id).await?;
    let differences = again.replay.differences.iter();
    let shown = again.shown(caller, &sight);
    Ok(ReplayDecisionResponse {
        identical: again.replay.identical,
        differences: differences
            .take(100)
            .map(|d| path(*d, &again.ready))
            .collect(),
        decision: Some(decision(&shown, &id, &[], false)),
        masked_fields: Vec::new(),
    })
}

async fn again(api: &Api, tenant: &Tenant, id: &str) -> Result<Again, Error> {
    let not_found = || Error::NotFound {
        kind: "decision",
        name: id.to_owned(),
    };
    let past = api.desk.past(&tenant.id, DecisionKey::of(id)).await?;
    let past = past.ok_or_else(not_found)?;
    let inputs = &past.record.inputs;
    let at = (inputs.policy_version, inputs.model_snapshot);
    let ready = api.desk.shelf.at(&tenant.id, at.0, at.1).await?;
    let ready = ready.ok_or_else(|| Error::bug("reading a decision", "its policy is gone"))?;
    let asked = GetNextBestActionsRequest::decode(past.asked.as_slice());
    let asked = asked.map_err(|error| Error::bug("reading a decision", error))?;
    let page: Vec<Page> = asked
        .placements
        .iter()
        .map(|one| Page {
            placement: one.placement.clone(),
            channel: one.channel.clone(),
            count: u8::try_from(one.count.max(1)).unwrap_or(u8::MAX),
        })
        .collect();
    let replay = past.explained(&ready, &page)?;
    Ok(Again {
        past,
        ready,
        asked,
        page,
        replay,
    })
}

impl Again {
    fn shown<'a>(&'a self, caller: &Caller, sight: &'a Sight<'a>) -> Shown<'a> {
        let locale = self.asked.locale.parse().ok();
        let (inputs, now) = (&self.past.record.inputs, &self.replay.now);
        Shown::new(&self.ready, inputs, now, &self.page, sight)
            .seen_by(caller)
            .reserving(self.past.reserved())
            .in_locale(locale.as_ref())
    }
}

fn path(difference: Difference, ready: &Ready) -> String {
    let name = |key| ready.catalogue.placement_name(key).unwrap_or_default();
    match difference {
        Difference::Group => "holdout_group".to_owned(),
        Difference::Placements => "placements".to_owned(),
        Difference::Gates(key) => format!("placements[{}].candidates.gates", name(key)),
        Difference::Terms(key) => format!("placements[{}].candidates.terms", name(key)),
        Difference::Shares(key, slot) => {
            format!("placements[{}].candidates.propensities[{slot}]", name(key))
        }
        Difference::Choice(key, slot) => format!("placements[{}].actions[{slot}]", name(key)),
        Difference::Reservations => "reserved_until".to_owned(),
    }
}
