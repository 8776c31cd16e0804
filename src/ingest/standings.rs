//! What identifiers are by their links, where more than their own row has to be read; and what resolutions did, counted.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use super::{
    plan::Context,
    rebuild::Rebuilt,
    region::{Overlay, Resolved},
};
use crate::{
    identity::{
        Keyed, Link, Normalised, Standing,
        rules::Shared,
        standing::{counts, meet, standing},
    },
    ids::{IdentityKey, ProfileId},
    storage::{
        self,
        identities::{self, Identity},
        links,
    },
    telemetry::names,
};

/// What a stored identifier is under the rules at hand.
pub(crate) async fn of(
    connection: &mut PgConnection,
    context: Context<'_>,
    row: &Identity,
    overlay: &Overlay,
) -> Result<Standing, storage::Error> {
    let (rules, identifier) = (context.rules, &row.identifier);
    let nobodys = if rules.of(&identifier.namespace).shared == Shared::Nobody {
        let keyed = |key: IdentityKey, identifier: &Normalised| Keyed {
            key,
            identifier: identifier.clone(),
        };
        let beside: Vec<Keyed> = overlay
            .nodes
            .iter()
            .map(|(key, changed)| keyed(*key, &changed.identifier))
            .collect();
        let this = keyed(row.key, identifier);
        meets(connection, context, &this, &overlay.links, &beside).await?
    } else {
        false
    };
    Ok(standing(rules, identifier, &row.neighbours, nobodys))
}

/// Whether two people used an identifier in the same time, where that makes it nobody's. `raised` are links as they become,
/// and `beside` identifiers that may not be stored yet.
pub(crate) async fn meets(
    connection: &mut PgConnection,
    context: Context<'_>,
    identifier: &Keyed,
    raised: &[Link],
    beside: &[Keyed],
) -> Result<bool, storage::Error> {
    let key = identifier.key;
    if context.rules.of(&identifier.identifier.namespace).shared != Shared::Nobody {
        return Ok(false);
    }
    let stored = links::of(connection, context.tenant, &[key]).await?;
    let raised = raised.iter().filter(|link| link.key == key).copied();
    let of_key: HashMap<IdentityKey, Link> = stored
        .into_iter()
        .chain(raised)
        .map(|link| (link.other, link))
        .collect();
    let wanted: Vec<identities::Wanted> = of_key
        .keys()
        .copied()
        .map(identities::Wanted::row)
        .collect();
    let rows = identities::load(connection, context.tenant, &wanted).await?;
    let namespaces: HashMap<IdentityKey, String> = rows
        .into_iter()
        .map(|row| (row.key, row.identifier.namespace))
        .chain(
            beside
                .iter()
                .map(|i| (i.key, i.identifier.namespace.clone())),
        )
        .collect();
    let to_unique: Vec<(&str, Link)> = of_key
        .values()
        .filter_map(|link| Some((namespaces.get(&link.other)?.as_str(), *link)))
        .filter(|(namespace, _)| context.rules.of(namespace).is_unique())
        .collect();
    Ok(meet(&to_unique))
}

/// The profiles of neighbours that may become contested, or stop, because an identifier changes its standing: those that
/// stay apart, when it is a value of a namespace that tells people apart.
pub(crate) async fn concerned(
    connection: &mut PgConnection,
    context: Context<'_>,
    identifier: &Keyed,
) -> Result<HashSet<ProfileId>, storage::Error> {
    if !counts(context.rules, &identifier.identifier.namespace) {
        return Ok(HashSet::new());
    }
    let neighbours: Vec<identities::Wanted> =
        links::of(connection, context.tenant, &[identifier.key])
            .await?
            .into_iter()
            .map(|link| identities::Wanted::row(link.other))
            .collect();
    let stays_apart = |row: &Identity| {
        row.present && context.rules.of(&row.identifier.namespace).shared == Shared::Apart
    };
    Ok(identities::load(connection, context.tenant, &neighbours)
        .await?
        .into_iter()
        .filter(stays_apart)
        .map(|row| row.profile)
        .collect())
}

/// Counts what a resolution did.
pub(crate) fn count(rebuilt: &Rebuilt, resolved: &Resolved) {
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    metrics::counter!(names::IDENTITY_JOINS).increment(number(rebuilt.joined));
    metrics::counter!(names::IDENTITY_SPLITS).increment(number(rebuilt.parted));
    metrics::counter!(names::IDENTITY_CUTS).increment(number(resolved.cuts.len()));
}

/// Counts an identifier whose standing changed.
pub(crate) fn count_change(to: Standing) {
    let to = match to {
        Standing::Own => "own",
        Standing::Shared => "shared",
        Standing::Hub => "hub",
    };
    metrics::counter!(names::IDENTITY_STANDINGS, "to" => to).increment(1);
}
