//! Search: profiles by what they say, or by when they were last seen.
//!
//! An index holds keyed hashes of the trait values that identities state; it leads to candidates in the order of identity
//! keys, and a candidate is shown when its profile really shows the value under the tenant's survivorship rules. So a
//! change of rules needs no new index, and a search for a value that only lost finds nothing. A profile that several of
//! its identities lead to is shown at the least of them, so pages need no memory. A call looks at a bounded number of
//! candidates and may answer with a short page.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock::Micros,
    error::Error,
    identity::{HashSecret, Members},
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{
        survivorship::{Rule, Rules},
        trait_value::{search_bytes, text},
    },
    proto::v1::{Trait, TraitValue, trait_value::Kind},
    storage::{
        identities, identity_traits, profile_lists,
        profiles::{self, Profile},
    },
};

/// Candidates that one call looks at.
pub const LOOKED_AT: usize = 1_000;

/// What to search for.
#[derive(Clone, Debug, Default)]
pub struct Criteria {
    /// Traits shown exactly so, all of them.
    pub traits: Vec<Trait>,
    /// Last seen from this time on.
    pub from: Option<Micros>,
    /// Last seen before this time.
    pub before: Option<Micros>,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// At the identity that led to the last candidate.
    Identity(IdentityKey),
    /// At the day and id of the last candidate.
    Day(i32, ProfileId),
}

/// A page of profiles.
#[derive(Default)]
pub struct Page {
    /// The profiles.
    pub profiles: Vec<Profile>,
    /// Where the next page begins; absent at the end.
    pub next: Option<Point>,
}

/// What a search is made under.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Its survivorship rules.
    pub rules: &'a Rules,
    /// The hash secret.
    pub secret: &'a HashSecret,
}

/// Searches.
///
/// # Errors
/// When the database fails.
pub async fn search(
    connection: &mut PgConnection,
    context: Context<'_>,
    criteria: &Criteria,
    after: Option<Point>,
    size: usize,
) -> Result<Page, Error> {
    match criteria.traits.first() {
        Some(first) => {
            let value = sought(first, context.rules);
            let key = context
                .secret
                .trait_key(context.tenant, &first.name, &value);
            let start = match after {
                Some(Point::Identity(key)) => key,
                _ => IdentityKey::from_uuid(Uuid::nil()),
            };
            by_trait(connection, context, criteria, key, start, size).await
        }
        None => by_day(connection, context, criteria, after, size).await,
    }
}

/// The bytes that lead to whoever may show a trait. Nobody need have stated a union as a whole, so it is found by a part.
fn sought(wanted: &Trait, rules: &Rules) -> Vec<u8> {
    let Some(value) = &wanted.value else {
        return Vec::new();
    };
    match (rules.of(&wanted.name), &value.kind) {
        (Rule::SetUnion, Some(Kind::List(list))) if !list.values.is_empty() => {
            search_bytes(&text(&list.values[0]))
        }
        _ => search_bytes(value),
    }
}

const STEP: usize = 100;

async fn by_trait(
    connection: &mut PgConnection,
    context: Context<'_>,
    criteria: &Criteria,
    trait_key: Uuid,
    start: IdentityKey,
    size: usize,
) -> Result<Page, Error> {
    let mut page = Page::default();
    let mut last = start;
    let mut looked_at = 0;
    while looked_at < LOOKED_AT {
        let keys =
            identity_traits::holders(connection, context.tenant, trait_key, last, step()).await?;
        let lies_in: HashMap<IdentityKey, ProfileId> =
            identities::profiles_of(connection, context.tenant, &keys)
                .await?
                .into_iter()
                .collect();
        let profiles = read(connection, context.tenant, lies_in.values().copied()).await?;
        for key in &keys {
            last = *key;
            looked_at += 1;
            let Some(profile) = lies_in.get(key).and_then(|id| profiles.get(id)) else {
                continue;
            };
            if !matches(profile, context.rules, criteria) {
                continue;
            }
            let members: Vec<IdentityKey> =
                profile.members.iter().flat_map(Members::keys).collect();
            let leading =
                identity_traits::first_among(connection, context.tenant, trait_key, &members)
                    .await?;
            if leading == Some(*key) {
                page.profiles.push(profile.clone());
            }
            if page.profiles.len() == size {
                page.next = Some(Point::Identity(last));
                return Ok(page);
            }
        }
        if keys.len() < STEP {
            return Ok(page);
        }
    }
    page.next = Some(Point::Identity(last));
    Ok(page)
}

async fn by_day(
    connection: &mut PgConnection,
    context: Context<'_>,
    criteria: &Criteria,
    after: Option<Point>,
    size: usize,
) -> Result<Page, Error> {
    let days = (
        criteria.from.map_or(0, Micros::day),
        criteria.before.map_or(i32::MAX - 1, Micros::day),
    );
    let mut last = match after {
        Some(Point::Day(day, id)) => (day, id),
        _ => (i32::MAX, ProfileId::from_uuid(Uuid::nil())),
    };
    let mut page = Page::default();
    let mut looked_at = 0;
    while looked_at < LOOKED_AT {
        let found = profile_lists::by_day(connection, context.tenant, days, last, step()).await?;
        let profiles = read(connection, context.tenant, found.iter().map(|(_, id)| *id)).await?;
        for (day, id) in &found {
            last = (*day, *id);
            looked_at += 1;
            if let Some(profile) = profiles
                .get(id)
                .filter(|p| matches(p, context.rules, criteria))
            {
                page.profiles.push(profile.clone());
            }
            if page.profiles.len() == size {
                page.next = Some(Point::Day(last.0, last.1));
                return Ok(page);
            }
        }
        if found.len() < STEP {
            return Ok(page);
        }
    }
    page.next = Some(Point::Day(last.0, last.1));
    Ok(page)
}

fn step() -> i64 {
    i64::try_from(STEP).unwrap_or(i64::MAX)
}

async fn read(
    connection: &mut PgConnection,
    tenant: &TenantId,
    ids: impl Iterator<Item = ProfileId>,
) -> Result<HashMap<ProfileId, Profile>, Error> {
    let mut ids: Vec<ProfileId> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(profiles::read(connection, tenant, &ids)
        .await?
        .into_iter()
        .map(|(profile, _)| (profile.id, profile))
        .collect())
}

/// Whether a profile is what is searched for.
fn matches(profile: &Profile, rules: &Rules, criteria: &Criteria) -> bool {
    let last_seen = profile.state.core().last_at.map(Micros);
    profile.members_total > 0
        && criteria
            .from
            .is_none_or(|from| last_seen.is_some_and(|last| last >= from))
        && criteria
            .before
            .is_none_or(|before| last_seen.is_some_and(|last| last < before))
        && criteria
            .traits
            .iter()
            .all(|wanted| shows(profile, rules, wanted))
}

/// Whether a profile shows a value. A union shows each of its parts.
fn shows(profile: &Profile, rules: &Rules, wanted: &Trait) -> bool {
    let shown = profile.state.surviving(&wanted.name, rules);
    let part = match (rules.of(&wanted.name), &shown, &wanted.value) {
        (
            Rule::SetUnion,
            Some(TraitValue {
                kind: Some(Kind::List(list)),
            }),
            Some(TraitValue {
                kind: Some(Kind::Text(text)),
            }),
        ) => list.values.contains(text),
        _ => false,
    };
    part || shown == wanted.value
}
