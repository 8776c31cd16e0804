//! Whether another policy would do better.

use std::sync::Arc;

use super::{Api, count, refusal, validate};
use crate::{
    actions::{Change, Failure},
    auth::Caller,
    error::{Error, Violation},
    grpc::read::Read,
    next_best_action::{
        catalogue::Snapshot,
        evaluation::{
            bootstrap::Estimate,
            estimators::{Estimates, Weights},
        },
    },
    proto::v1::{
        EvaluatePolicyRequest, EvaluatePolicyResponse, PolicyEstimate, PolicyEstimates,
        PolicyWeights,
    },
    tenants::Tenant,
};

pub(in crate::grpc) async fn evaluate(
    api: &Api,
    caller: &Caller,
    request: &EvaluatePolicyRequest,
) -> Result<EvaluatePolicyResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let asked = read.take(validate::figures::evaluation(request, api.clock.now()));
    let (tenant, (judged, asked)) = read.finish(asked)?;
    let candidate = candidate(api, &tenant, judged).await?;
    let policy_version = count(candidate.revision());
    let found = api.desk.evaluate(&tenant, candidate, asked).await?;
    let report = &found.report;
    let refusals = report.estimates.as_ref().err().into_iter().flatten();
    let slots = u64::try_from(report.rows).unwrap_or(u64::MAX);
    Ok(EvaluatePolicyResponse {
        refusals: refusals.map(|r| refusal(r.slug(), r)).collect(),
        estimates: report.estimates.as_ref().ok().map(estimates),
        weights: Some(weights(&report.weights)),
        decisions: count(found.decisions),
        slots: count(slots),
        slots_left_out: count(found.left_out),
        decisions_held_out: count(found.held_out),
        profiles: i64::try_from(report.profiles).unwrap_or(i64::MAX),
        more: found.more,
        first: found.within.map(|(first, _)| first.to_proto()),
        last: found.within.map(|(_, last)| last.to_proto()),
        policy_version,
        not_asked: found.not_asked.into_iter().collect(),
        sampled: report.sampled,
    })
}

/// The catalogue that is to be judged.
async fn candidate(
    api: &Api,
    tenant: &Tenant,
    judged: validate::figures::Judged,
) -> Result<Arc<Snapshot>, Error> {
    use validate::figures::Judged;
    match judged {
        Judged::InForce => {
            let current = api.catalogues.latest(&tenant.id).await?;
            current.ok_or_else(|| Error::Refused {
                reason: "policy_missing",
                description: "there is no policy yet: import one first, see docs/actions.md".into(),
            })
        }
        Judged::Revision(revision) => {
            let found = api.catalogues.at(&tenant.id, revision).await?;
            found.ok_or_else(|| Error::NotFound {
                kind: "policy_version",
                name: revision.to_string(),
            })
        }
        Judged::Changed(documents) => {
            let change = Change::Import { documents };
            let found = api.catalogues.prospect(&tenant.id, &change).await;
            found.map_err(|failure| match failure {
                Failure::Invalid(wrong) => Error::Invalid(wrong.iter().map(violation).collect()),
                Failure::Other(error) => error,
            })
        }
    }
}

fn violation(wrong: &crate::next_best_action::catalogue::Violation) -> Violation {
    let found = validate::document_violation(wrong);
    Violation {
        field: format!("documents.{}", found.field),
        ..found
    }
}

fn estimates(all: &Estimates) -> PolicyEstimates {
    let shown = |estimate: Estimate| {
        Some(PolicyEstimate {
            value: estimate.value,
            standard_error: estimate.standard_error,
            low: estimate.interval.0,
            high: estimate.interval.1,
        })
    };
    PolicyEstimates {
        ipw: shown(all.ipw),
        snipw: shown(all.snipw),
        dm: shown(all.dm),
        dr: shown(all.dr),
        logged: shown(all.logged),
    }
}

fn weights(found: &Weights) -> PolicyWeights {
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    PolicyWeights {
        effective: found.effective,
        expected_effective: found.expected_effective.unwrap_or_default(),
        largest: found.largest,
        mean: found.mean,
        unsupported_slots: whole(found.unsupported_rows),
        unsupported_share: found.unsupported_share,
        positives: whole(found.positives),
    }
}
