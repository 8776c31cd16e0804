//! The document of a profile: what `GetProfile` answers.
//!
//! What must stay true: what is not admitted is left out before a list is cut, so that the length of a list tells nothing
//! of what was left out; whoever is admitted to everything pays nothing for it, and the rest only for large profiles.

use std::{cmp::Ordering, collections::HashMap};

use sqlx::PgConnection;

use crate::{
    error::Error,
    experience::{Purchasing, customer},
    identity::{Home, Members},
    ids::{IdentityKey, ProfileId, TenantId},
    lookup::identifiers,
    profile::{State, survivorship::Rules, view},
    proto::v1::{Profile, ProfileIdentifier},
    sentiment::history::Moment,
    storage::{
        identity_cards::{self, Card},
        profile_documents::Document,
        profiles,
    },
};

/// What may be shown of profiles.
pub trait Admits: Sync {
    /// Whether identifiers of every namespace are admitted.
    fn admits_all_namespaces(&self) -> bool;
    /// Whether identifiers of a namespace are.
    fn admits_namespace(&self, namespace: &str) -> bool;
    /// Whether a trait is.
    fn admits_trait(&self, name: &str) -> bool;
}

/// The documents of profiles as of a moment, in their order; identifiers are looked up only when they are wanted.
///
/// # Errors
/// When the database fails.
pub async fn document(
    connection: &mut PgConnection,
    tenant: &TenantId,
    rules: &Rules,
    found: &[&profiles::Profile],
    (moment, model): (Moment, Option<&Purchasing>),
    with_identifiers: bool,
    admits: &impl Admits,
) -> Result<Vec<Profile>, Error> {
    let mut cards: HashMap<IdentityKey, Card> = HashMap::new();
    let mut sifted: HashMap<ProfileId, Vec<Card>> = HashMap::new();
    if with_identifiers {
        let (large, whole): (Vec<_>, Vec<_>) =
            found.iter().partition(|found| is_sifted(found, admits));
        for profile in large {
            let cards = sift(connection, tenant, profile, admits).await?;
            sifted.insert(profile.id, cards);
        }
        let mut keys: Vec<IdentityKey> = whole.iter().flat_map(|profile| shown(profile)).collect();
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
            identifiers: match sifted.get(&profile.id) {
                Some(cards) => strongest_first(cards.iter().collect()),
                None => strongest_first(shown(profile).filter_map(|key| cards.get(&key)).collect()),
            },
            identifiers_total: i32::try_from(profile.members_total).unwrap_or(i32::MAX),
            segments: profile.segments.clone(),
            ..shown_state(&profile.state, rules, (moment, model), admits)
        })
        .collect())
}

/// What a kept document shows, but for its identifiers.
pub fn show_state(
    document: &Document,
    rules: &Rules,
    moment: (Moment, Option<&Purchasing>),
    admits: &impl Admits,
) -> Profile {
    let profile = &document.profile;
    Profile {
        profile_id: profile.id.to_string(),
        version: profile.version,
        identifiers_total: i32::try_from(profile.members_total).unwrap_or(i32::MAX),
        segments: profile.segments.clone(),
        ..shown_state(&profile.state, rules, moment, admits)
    }
}

/// The identifiers of a kept document, the strongest first.
#[must_use]
pub fn show_cards(document: &Document) -> Vec<ProfileIdentifier> {
    strongest_first(document.cards.iter().collect())
}

/// The identifiers of a profile some of whose first make room for others, the strongest first.
///
/// # Errors
/// When the database fails.
pub async fn sifted(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profile: &profiles::Profile,
    admits: &impl Admits,
) -> Result<Vec<ProfileIdentifier>, Error> {
    let cards = sift(connection, tenant, profile, admits).await?;
    Ok(strongest_first(cards.iter().collect()))
}

/// What a profile shows of its state, with what follows from how others buy.
pub(crate) fn shown_state(
    state: &State,
    rules: &Rules,
    (moment, model): (Moment, Option<&Purchasing>),
    admits: &impl Admits,
) -> Profile {
    let mut shown = state.show(rules, moment, |name| admits.admits_trait(name));
    shown.value = customer::value(state, moment, model);
    let feelings = shown.sentiment.as_ref();
    let p_alive = shown.value.as_ref().and_then(|value| value.p_alive);
    shown.leaving_risk = customer::risk(state, moment, feelings, p_alive);
    shown
}

/// The identifiers of a profile that are shown, in no order: of those that are admitted the first by rank.
pub(crate) async fn cards(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profile: &profiles::Profile,
    admits: &impl Admits,
) -> Result<Vec<Card>, Error> {
    if is_sifted(profile, admits) {
        return sift(connection, tenant, profile, admits).await;
    }
    let keys: Vec<IdentityKey> = shown(profile).collect();
    let mut cards = identity_cards::cards(connection, tenant, &keys).await?;
    cards.retain(|card| admits.admits_namespace(&card.identifier.namespace));
    Ok(cards)
}

/// Whether some of the first identifiers may make room for others.
pub fn is_sifted(profile: &profiles::Profile, admits: &impl Admits) -> bool {
    let members = profile.members.as_ref().map_or(0, Members::len);
    members > view::IDENTIFIERS && !admits.admits_all_namespaces()
}

async fn sift(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profile: &profiles::Profile,
    admits: &impl Admits,
) -> Result<Vec<Card>, Error> {
    let admits = |namespace: &str| admits.admits_namespace(namespace);
    let size = view::IDENTIFIERS;
    let page = identifiers::page(connection, tenant, profile, None, size, admits).await?;
    Ok(page.cards)
}

/// The members whose identifiers a document shows: the first by rank.
fn shown(profile: &profiles::Profile) -> impl Iterator<Item = IdentityKey> + '_ {
    profile
        .members
        .iter()
        .flat_map(Members::keys)
        .take(view::IDENTIFIERS)
}

fn strongest_first(mut cards: Vec<&Card>) -> Vec<ProfileIdentifier> {
    cards.sort_by(|a, b| stronger(a, b));
    cards.into_iter().map(show).collect()
}

/// The order in which identifiers are shown: the stronger first.
pub(crate) fn stronger(a: &Card, b: &Card) -> Ordering {
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
        ..ProfileIdentifier::default()
    }
}

#[cfg(test)]
mod tests;
