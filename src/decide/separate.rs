//! Freezing a separation: the identifiers that were chosen, and all others of their profile, or all of another one.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::{
    frozen::Frozen,
    plan::{Plan, found, rows_of},
};
use crate::{
    error::{Error, Violation},
    identity::{Keyed, Standing},
    ids::{IdentityKey, ProfileId},
    ingest::plan::Context,
    lookup::find::Who,
    storage::identities,
};

pub(super) async fn freeze(
    connection: &mut PgConnection,
    context: Context<'_>,
    chosen: &[Keyed],
    keep_together: bool,
    apart_from: Option<&Who>,
) -> Result<Plan, Error> {
    let keys: Vec<IdentityKey> = chosen.iter().map(|keyed| keyed.key).collect();
    let holder = holder(connection, context, &keys).await?;
    let profile = found(connection, context, &Who::Id(holder), "profile").await?;
    let rows = rows_of(connection, context, &profile).await?;
    let keys: BTreeSet<IdentityKey> = keys.into_iter().collect();
    let (mut sides, others): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| keys.contains(&row.key));
    let (rest, other) = match apart_from {
        None if others.is_empty() => {
            return Err(Error::Refused {
                reason: "nothing_to_separate",
                description: "these are all identifiers of the profile".into(),
            });
        }
        None => (others, None),
        Some(who) => {
            let other = found(connection, context, who, "apart_from").await?;
            if other.id == profile.id {
                return Err(Error::Refused {
                    reason: "already_one_profile",
                    description: "both sides are the same profile: choose what to take out of it"
                        .into(),
                });
            }
            (rows_of(connection, context, &other).await?, Some(other.id))
        }
    };
    sides.sort_by(|a, b| a.home().order().cmp(&b.home().order()));
    let own: Vec<IdentityKey> = sides
        .iter()
        .filter(|row| row.standing == Standing::Own)
        .map(|row| row.key)
        .collect();
    let center = own.first().copied().filter(|_| keep_together);
    let frozen = Frozen::Separation {
        chosen: sides.iter().map(|row| row.key).collect(),
        rest: rest.iter().map(|row| row.key).collect(),
        center,
    };
    let mut plan = Plan::new(frozen, [profile.id].into_iter().chain(other));
    plan.about = plan.frozen.keys().into_iter().collect();
    Ok(plan)
}

/// The profile that holds all of some identifiers.
async fn holder(
    connection: &mut PgConnection,
    context: Context<'_>,
    keys: &[IdentityKey],
) -> Result<ProfileId, Error> {
    let lies_in: HashMap<IdentityKey, ProfileId> =
        identities::profiles_of(connection, context.tenant, keys)
            .await?
            .into_iter()
            .collect();
    let unknown: Vec<Violation> = keys
        .iter()
        .enumerate()
        .filter(|(_, key)| !lies_in.contains_key(key))
        .map(|(n, _)| Violation {
            field: format!("identifiers[{n}]"),
            reason: "identifier_unknown",
            description: "no interaction has it".into(),
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Error::Invalid(unknown));
    }
    let holders: BTreeSet<ProfileId> = lies_in.values().copied().collect();
    let mut holders = holders.into_iter();
    match (holders.next(), holders.next()) {
        (Some(holder), None) => Ok(holder),
        _ => Err(Error::Refused {
            reason: "not_one_profile",
            description: "the identifiers lie in different profiles, so they are separate already"
                .into(),
        }),
    }
}
