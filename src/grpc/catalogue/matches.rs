//! How many customers the rules of changed actions let through.
//!
//! What must stay true: a change that is made is answered as made, whatever becomes of the sample.

use std::sync::Arc;

use super::Api;
use crate::{
    actions::{Change, Failure},
    error::Error,
    next_best_action::{
        catalogue::Snapshot,
        matching::{Counts, OfAction},
    },
    proto::v1::RuleMatch,
    tenants::Tenant,
};

/// Of actions of the catalogue in force or, with a change that is only tried, of that which it would make; in the order of the actions,
/// all empty where no profiles were sampled.
pub(super) async fn matches(
    api: &Api,
    tenant: &Tenant,
    tried: Option<&Change>,
    actions: &[String],
) -> Vec<Vec<RuleMatch>> {
    match sampled(api, tenant, tried, actions).await {
        Ok(matches) if matches.len() == actions.len() => matches,
        Ok(_) => vec![Vec::new(); actions.len()],
        Err(error) => {
            tracing::warn!(%error, "how many customers rules let through could not be counted");
            vec![Vec::new(); actions.len()]
        }
    }
}

async fn sampled(
    api: &Api,
    tenant: &Tenant,
    tried: Option<&Change>,
    actions: &[String],
) -> Result<Vec<Vec<RuleMatch>>, Error> {
    if actions.is_empty() {
        return Ok(Vec::new());
    }
    let catalogue: Option<Arc<Snapshot>> = match tried {
        None => api.catalogues.latest(&tenant.id).await?,
        Some(change) => match api.catalogues.prospect(&tenant.id, change).await {
            Ok(prospect) => Some(prospect),
            Err(Failure::Other(error)) => return Err(error),
            // Somebody changed the catalogue since the change was tried.
            Err(Failure::Invalid(_)) => None,
        },
    };
    let Some(catalogue) = catalogue else {
        return Ok(Vec::new());
    };
    let found = api.desk.matches(tenant, catalogue, actions).await?;
    let found = found.unwrap_or_default();
    Ok(found.iter().map(shown).collect())
}

fn shown(action: &OfAction) -> Vec<RuleMatch> {
    if action.all.sampled() == 0 {
        return Vec::new();
    }
    let rules = action.rules.iter().map(|rule| {
        let field = format!("definition.{}", rule.path);
        of(field, &rule.name, rule.counts)
    });
    let all = of("definition".to_owned(), "all", action.all);
    rules.chain(std::iter::once(all)).collect()
}

fn of(field: String, name: &str, counts: Counts) -> RuleMatch {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    RuleMatch {
        field,
        name: name.to_owned(),
        sampled: number(counts.sampled()),
        passed: number(counts.passed),
        failed: number(counts.failed),
        unknown: number(counts.unknown),
    }
}
