//! What actions were offered for and what came of it.

use std::{collections::BTreeMap, sync::Arc};

use super::{Api, count, share, validate};
use crate::{
    auth::Caller,
    error::Error,
    grpc::{
        catalogue::status_shown,
        offers::gate_name,
        page_token::{self, StatsCursor},
        read::Read,
    },
    next_best_action::{
        catalogue::Version,
        evaluation::{calibration::Over, stats::Rate},
        keys::{ActionKey, ChannelIndex},
        learning::switch::Spoke,
        model::Status,
        situation::Models,
    },
    offering::{
        figures::{ByVersion, Offered, Stops},
        ready::Ready,
    },
    proto::v1::{
        ActionBelief, ActionCalibration, ActionChannelStats, ActionGate, ActionStats,
        ActionVersionStats, ContextualLevel, GateStops, GetActionStatsRequest,
        GetActionStatsResponse, OfferCounts, PropensityLevel,
    },
};

pub(in crate::grpc) async fn stats(
    api: &Api,
    caller: &Caller,
    request: &GetActionStatsRequest,
) -> Result<GetActionStatsResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let asked = read.take(validate::figures::stats(request, api.clock.now()));
    let size = read.size(request.page_size, 20, 100);
    let after = read.cursor::<StatsCursor>(request);
    let (tenant, ((asked, size), after)) = read.finish(asked.zip(size).zip(after))?;
    let period = asked.period;
    let mut answer = GetActionStatsResponse {
        from: Some(period.from.to_proto()),
        before: Some(period.before.to_proto()),
        ..GetActionStatsResponse::default()
    };
    let Some(ready) = api.desk.shelf.current(&tenant.id, 0).await? else {
        return Ok(answer);
    };
    let fits = |(version, _): &&(Arc<Version>, Status)| {
        let id = version.id();
        (asked.actions.is_empty() || asked.actions.contains(id))
            && after.as_ref().is_none_or(|cursor| id > cursor.0.as_str())
    };
    let mut later = ready.catalogue.actions().iter().filter(fits);
    let page: Vec<&(Arc<Version>, Status)> = later.by_ref().take(size).collect();
    let more = later.next().is_some();
    let ids: Vec<u64> = page.iter().map(|(version, _)| version.key().id).collect();
    let mut figures = api.desk.figures(&tenant.id, (&ready, &ids), period).await?;
    let (stops, over) = if request.gates {
        api.desk.stops(&tenant.id, period).await?
    } else {
        (Stops::new(), 0)
    };
    answer.model_snapshot = count(ready.snapshot);
    answer.gates_over_decisions = i32::try_from(over).unwrap_or(i32::MAX);
    answer.actions = page
        .iter()
        .map(|(version, status)| {
            let versions = figures.remove(&version.key().id).unwrap_or_default();
            let stops = stops_of(&ready, &stops, version.key().id);
            of_action(&ready, (version, *status), &versions, stops)
        })
        .collect();
    if let Some((last, _)) = page.last().filter(|_| more) {
        let cursor = StatsCursor(last.id().to_owned());
        answer.next_page_token = page_token::encode(&cursor, request, &tenant.id, &api.page_tokens);
    }
    Ok(answer)
}

fn of_action(
    ready: &Ready,
    (version, status): (&Version, Status),
    versions: &ByVersion,
    stops: Vec<GateStops>,
) -> ActionStats {
    let names = ready.catalogue.names();
    let mut total = Offered::default();
    let mut channels: BTreeMap<&str, (ChannelIndex, Offered)> = BTreeMap::new();
    for channel in &version.definition.get().channels {
        if let Some(index) = names.channel(channel) {
            channels.insert(channel, (index, Offered::default()));
        }
    }
    for ((_, channel), offered) in versions {
        total.unite(offered);
        let name = names.channel_name(*channel).unwrap_or_default();
        let of = channels
            .entry(name)
            .or_insert((*channel, Offered::default()));
        of.1.unite(offered);
    }
    let version_shown = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    ActionStats {
        action_id: version.id().to_owned(),
        version: version_shown(version.number),
        status: status_shown(status).into(),
        total: Some(counts(&total)),
        channels: channels
            .into_iter()
            .map(|(name, (index, offered))| ActionChannelStats {
                channel: name.to_owned(),
                counts: Some(counts(&offered)),
                belief: belief(&ready.models, version.key(), index),
                calibration: calibration(&offered),
            })
            .collect(),
        versions: versions
            .iter()
            .map(|((number, channel), offered)| ActionVersionStats {
                version: version_shown(*number),
                channel: names.channel_name(*channel).unwrap_or_default().to_owned(),
                counts: Some(counts(offered)),
            })
            .collect(),
        stops,
    }
}

fn counts(offered: &Offered) -> OfferCounts {
    let of = &offered.counts;
    OfferCounts {
        made: count(of.shown),
        not_delivered: count(of.not_delivered),
        delivered: count(of.delivered),
        seen: count(of.seen),
        clicked: count(of.clicked),
        accepted: count(of.accepted),
        rejected: count(of.rejected),
        successes: count(offered.successes),
        success_rate: Rate::of(offered.successes, of.delivered).map(share),
    }
}

fn belief(models: &Models, action: ActionKey, channel: ChannelIndex) -> Option<ActionBelief> {
    let estimate = models.estimate(action, channel)?;
    let widened = models
        .standing()
        .map_or(1.0, |standing| standing.widening(action.id, channel));
    let contextual = match models.spoke(action, channel) {
        Spoke::TooFew { .. } => ContextualLevel::TooFew,
        Spoke::NotEvaluated => ContextualLevel::NotEvaluated,
        Spoke::NotBetter => ContextualLevel::NotBetter,
        Spoke::Contextual => ContextualLevel::Speaks,
    };
    let (low, high) = estimate.interval().unwrap_or((0.0, 1.0));
    let level = if estimate.effective_n > 0.0 {
        PropensityLevel::Counts
    } else {
        PropensityLevel::Prior
    };
    Some(ActionBelief {
        contextual: contextual.into(),
        widened,
        propensity: estimate.mean(),
        low,
        high,
        level: level.into(),
        effective_n: estimate.effective_n,
        prior_propensity: estimate.prior_mean,
        prior_evidence: estimate.prior_weight,
    })
}

fn calibration(offered: &Offered) -> Option<ActionCalibration> {
    let over = Over::of(offered.old, offered.old_successes, offered.old_expected)?;
    Some(ActionCalibration {
        offers: count(offered.old),
        observed: count(offered.old_successes),
        expected: offered.old_expected,
        ratio: over.ratio,
        low: over.interval.0,
        high: over.interval.1,
        flagged: over.flag.is_some(),
    })
}

fn stops_of(ready: &Ready, stops: &Stops, action: u64) -> Vec<GateStops> {
    let names = ready.catalogue.names();
    let of = stops.get(&action).into_iter().flatten();
    of.map(|((channel, gate), placements)| GateStops {
        channel: names.channel_name(*channel).unwrap_or_default().to_owned(),
        gate: gate.map_or(ActionGate::Unspecified, gate_name).into(),
        placements: count(*placements),
    })
    .collect()
}
