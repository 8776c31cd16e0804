//! The document of a profile: what `GetProfile` answers.

use std::{cmp::Ordering, collections::HashMap};

use sqlx::PgConnection;

use crate::{
    error::Error,
    identity::{Home, Members},
    ids::{IdentityKey, TenantId},
    profile::{survivorship::Rules, view},
    proto::v1::{Profile, ProfileIdentifier},
    storage::{
        identity_cards::{self, Card},
        profiles,
    },
};

/// The documents of profiles, in their order; identifiers are looked up only when they are wanted.
///
/// # Errors
/// When the database fails.
pub async fn document(
    connection: &mut PgConnection,
    tenant: &TenantId,
    rules: &Rules,
    found: &[&profiles::Profile],
    with_identifiers: bool,
) -> Result<Vec<Profile>, Error> {
    let mut cards: HashMap<IdentityKey, Card> = HashMap::new();
    if with_identifiers {
        let mut keys: Vec<IdentityKey> = found.iter().flat_map(|profile| shown(profile)).collect();
        keys.sort_unstable();
        keys.dedup();
        if !keys.is_empty() {
            cards = identity_cards::cards(connection, tenant, &keys)
                .await?
                .into_iter()
                .map(|card| (card.key, card))
                .collect();
        }
    }
    Ok(found
        .iter()
        .map(|profile| Profile {
            profile_id: profile.id.to_string(),
            version: profile.version,
            identifiers: identifiers(profile, &cards),
            identifiers_total: i32::try_from(profile.members_total).unwrap_or(i32::MAX),
            ..profile.state.show(rules)
        })
        .collect())
}

/// The members whose identifiers a document shows: the first by rank.
pub(super) fn shown(profile: &profiles::Profile) -> impl Iterator<Item = IdentityKey> + '_ {
    profile
        .members
        .iter()
        .flat_map(Members::keys)
        .take(view::IDENTIFIERS)
}

fn identifiers(
    profile: &profiles::Profile,
    cards: &HashMap<IdentityKey, Card>,
) -> Vec<ProfileIdentifier> {
    let mut cards: Vec<&Card> = shown(profile).filter_map(|key| cards.get(&key)).collect();
    cards.sort_by(|a, b| stronger(a, b));
    cards.into_iter().map(show).collect()
}

/// The order in which identifiers are shown: the stronger first.
pub(super) fn stronger(a: &Card, b: &Card) -> Ordering {
    let home = |card: &Card| Home {
        identifier: card.identifier.clone(),
        first_seen: card.first_seen,
    };
    home(a).order().cmp(&home(b).order())
}

/// An identifier as it is shown.
#[must_use]
pub fn show(card: &Card) -> ProfileIdentifier {
    ProfileIdentifier {
        namespace: card.identifier.namespace.clone(),
        value: card.identifier.value.clone(),
        first_seen: Some(card.first_seen.to_proto()),
        last_seen: Some(card.last_seen.to_proto()),
    }
}
