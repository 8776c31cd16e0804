//! The three calls of `IdentityService` about rules: what is in force, what a change would do, and the change itself.

use std::sync::Arc;

use super::{Api, read::Read, sight::Sight, validate};
use crate::{
    auth::Caller,
    clock::Micros,
    error::Error,
    identity::{
        Rules,
        population::{Difference, Example, Part},
        rules::{RuleSet, Warning, warnings, wire},
    },
    proto::v1::{
        ApplyRulesRequest, ApplyRulesResponse, GetRulesRequest, GetRulesResponse, Identifier,
        IdentityRules, PreviewRulesRequest, PreviewRulesResponse, RuleChangeExample,
        RuleChangeProfile, RuleWarning, RulesRevision,
    },
    rulebook,
    storage::{
        profile_rules,
        rule_sets::{self, Revision},
    },
};

/// Revisions that are shown.
const SHOWN: i64 = 20;

pub(super) async fn get(
    api: &Api,
    caller: &Caller,
    _: &GetRulesRequest,
) -> Result<GetRulesResponse, Error> {
    let tenant = api.tenants.get(&caller.tenant).await?;
    let mut connection = api.storage.acquire().await?;
    let mut revisions = rule_sets::latest(&mut connection, &tenant.id, SHOWN).await?;
    let waiting = match revisions.first() {
        Some(in_force) => {
            let number = in_force.number;
            profile_rules::count_under_others(&mut connection, &tenant.id, number).await?
        }
        None => 0,
    };
    let rules = revisions.first().map_or_else(
        || Rules::clone(&tenant.resolution),
        |in_force| Rules::from(in_force.rules.clone()),
    );
    if revisions.is_empty() {
        revisions.push(configured(&rules));
    }
    Ok(GetRulesResponse {
        revisions: revisions.iter().map(show).collect(),
        effective: Some(effective(&rules)),
        profiles_waiting: waiting,
        warnings: warnings(&rules).iter().map(warn).collect(),
    })
}

/// What is configured for a tenant that was never written to.
fn configured(rules: &Rules) -> Revision {
    Revision {
        number: 0,
        rules: rules.said().clone(),
        operation: String::new(),
        caller: String::new(),
        reason: String::new(),
        made_at: None,
        switched_at: None,
        resolved: 0,
    }
}

pub(super) async fn preview(
    api: &Arc<Api>,
    caller: &Caller,
    request: &PreviewRulesRequest,
) -> Result<PreviewRulesResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let sight = read.sight;
    let tenant = read.tenant.clone();
    let asked = read.take(validate::preview_rules(request, &api.validation(&tenant)));
    let (_, (change, examples)) = read.finish(asked)?;
    let tenant = api.tenants.open(&caller.tenant).await?;
    // One at a time: it takes a core and memory that grows with the population.
    let Ok(turn) = Arc::clone(&api.previews).try_acquire_owned() else {
        return Err(Error::Overloaded {
            what: "previews of rules",
        });
    };
    let preview = rulebook::preview(
        &api.storage,
        &tenant.id,
        &change,
        (examples, api.preview_identifiers),
        turn,
    )
    .await?;
    let difference = &preview.difference;
    let (before, after) = (difference.before, difference.after);
    Ok(PreviewRulesResponse {
        revision: preview.revision,
        profiles_before: number(before.profiles),
        profiles_after: number(after.profiles),
        profiles_joined: number(difference.joined),
        profiles_split: number(difference.split),
        identifiers_moved: number(difference.moved),
        identifiers_total: number(difference.identifiers),
        hubs_before: number(before.hubs),
        hubs_after: number(after.hubs),
        apart_before: number(before.apart),
        apart_after: number(after.apart),
        largest_before: number(before.largest),
        largest_after: number(after.largest),
        warnings: preview.warnings.iter().map(warn).collect(),
        joined: examples_of(&difference.joined_examples, sight),
        split: examples_of(&difference.split_examples, sight),
        partition_digest: digest(difference),
        token: api.token(&tenant, preview.position, None),
        masked_fields: sight.masked_in_examples(),
    })
}

pub(super) async fn apply(
    api: &Api,
    caller: &Caller,
    request: &ApplyRulesRequest,
) -> Result<ApplyRulesResponse, Error> {
    let mut read = Read::begin(api, caller).await?;
    let tenant = read.tenant.clone();
    let asked = read.take(validate::apply_rules(request, &api.validation(&tenant)));
    let (_, mut asked) = read.finish(asked)?;
    asked.caller = caller.name.to_string();
    let tenant = api.tenants.open(&caller.tenant).await?;
    let applied = rulebook::apply(&api.storage, &tenant.id, &asked).await?;
    tracing::info!(
        operation.id = asked.operation,
        revision = applied.revision.number,
        unchanged = applied.unchanged,
        repeated = applied.repeated,
        "rules of identity resolution were applied"
    );
    Ok(ApplyRulesResponse {
        revision: Some(show(&applied.revision)),
        unchanged: applied.unchanged,
        repeated: applied.repeated,
    })
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn digest(difference: &Difference) -> String {
    format!("{:032x}", difference.digest)
}

fn show(revision: &Revision) -> RulesRevision {
    RulesRevision {
        revision: revision.number,
        rules: Some(said(&revision.rules)),
        made_at: revision.made_at.map(Micros::to_proto),
        switched_at: revision.switched_at.map(Micros::to_proto),
        caller: revision.caller.clone(),
        reason: revision.reason.clone(),
        operation_id: revision.operation.clone(),
        profiles_resolved: revision.resolved,
    }
}

fn said(set: &RuleSet) -> IdentityRules {
    IdentityRules {
        namespaces: set.namespaces.iter().map(|(n, r)| wire(n, r)).collect(),
        size_cap: i32::try_from(set.size_cap).unwrap_or(i32::MAX),
    }
}

fn effective(rules: &Rules) -> IdentityRules {
    IdentityRules {
        namespaces: rules.namespaces().map(|(n, r)| wire(n, r)).collect(),
        size_cap: i32::try_from(rules.size_cap()).unwrap_or(i32::MAX),
    }
}

fn warn(warning: &Warning) -> RuleWarning {
    let (reason, namespaces, description) = match warning {
        Warning::NothingUnique => (
            "nothing_unique",
            Vec::new(),
            "no namespace is unique, so nothing but limits keeps strangers apart".to_owned(),
        ),
        Warning::UniqueSwapped(one, other) => (
            "unique_swapped",
            vec![one.clone(), other.clone()],
            format!(
                "people swap values of {one} and {other}; where both are unique, one interaction can flip a whole chain of profiles"
            ),
        ),
        Warning::FreeAndStrong(name) => (
            "free_and_strong",
            vec![name.clone()],
            format!(
                "links of {name} come before those of every unique namespace, and a profile may have several values of it"
            ),
        ),
    };
    RuleWarning {
        reason: reason.to_owned(),
        namespaces,
        description,
    }
}

fn examples_of(examples: &[Example], sight: Sight<'_>) -> Vec<RuleChangeExample> {
    let parts = |parts: &[Part]| parts.iter().map(|part| profile(part, sight)).collect();
    examples
        .iter()
        .map(|example| RuleChangeExample {
            before: parts(&example.before),
            after: parts(&example.after),
        })
        .collect()
}

fn profile(part: &Part, sight: Sight<'_>) -> RuleChangeProfile {
    let seen = |namespace: &str| sight.identifiers() && sight.namespace(namespace);
    RuleChangeProfile {
        profile_id: part.profile.map_or_else(String::new, |id| id.to_string()),
        identifiers: part
            .identifiers
            .iter()
            .filter(|identifier| seen(&identifier.namespace))
            .map(|identifier| Identifier {
                namespace: identifier.namespace.clone(),
                value: identifier.value.clone(),
            })
            .collect(),
        identifiers_total: i32::try_from(part.total).unwrap_or(i32::MAX),
    }
}
