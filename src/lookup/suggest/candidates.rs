//! From profiles to those that may look like them, by the index.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::Context;
use crate::{
    error::Error,
    identity::{
        Normalised,
        namespace::rule,
        suggest::{BLOCK_LIMIT, Likeness, slips, stored_keys},
    },
    ids::{IdentityKey, ProfileId},
    storage::{identities, identity_cards, identity_traits, profiles::Profile},
};

/// Identifiers of a block that are read. A profile may have several under one key.
const BLOCK_IDENTIFIERS: usize = 4 * BLOCK_LIMIT;
/// E-mail addresses and phone numbers of a profile that are looked at, of each rank.
const ADDRESSES: usize = 16;

/// A profile with what is asked for.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) profile: Profile,
    pub(super) likeness: Likeness,
    /// Keys of the index.
    keys: Vec<Uuid>,
    /// Keys of the phone numbers one slip away.
    slips: Vec<IdentityKey>,
}

/// Profiles that may look like a subject.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    pub(super) profiles: BTreeSet<ProfileId>,
    /// Keys that were passed over.
    pub(super) skipped: usize,
    /// Whether the subject has keys and is found by none of them.
    pub(super) unindexed: bool,
}

/// Reads what profiles are compared by. A profile of which nothing can be compared stays, with an empty likeness.
pub(super) async fn prepare(
    connection: &mut PgConnection,
    context: Context<'_>,
    profiles: Vec<Profile>,
) -> Result<Vec<Subject>, Error> {
    let addresses: Vec<Vec<IdentityKey>> = profiles.iter().map(addresses).collect();
    let keys: Vec<IdentityKey> = addresses.iter().flatten().copied().collect();
    let cards: HashMap<IdentityKey, Normalised> = if keys.is_empty() {
        HashMap::new()
    } else {
        let cards = identity_cards::cards(connection, context.tenant, &keys).await?;
        cards.into_iter().map(|c| (c.key, c.identifier)).collect()
    };
    let subjects = profiles.into_iter().zip(addresses);
    Ok(subjects
        .map(|(profile, addresses)| {
            let identifiers = addresses.iter().filter_map(|key| cards.get(key));
            let identifiers = identifiers.map(|i| (i.namespace.as_str(), i.value.as_str()));
            let likeness = Likeness::new(profile.state.stated_texts(), identifiers);
            let keys = stored_keys(&likeness);
            let keys = keys
                .iter()
                .map(|key| context.secret.likeness_key(context.tenant, key));
            let slips = slips(&likeness).into_iter().map(|value| {
                let namespace = "phone".to_owned();
                let identifier = Normalised { namespace, value };
                context.secret.identity_key(context.tenant, &identifier)
            });
            Subject {
                keys: keys.collect(),
                slips: slips.collect(),
                profile,
                likeness,
            }
        })
        .collect())
}

/// The members of a profile that may be phone numbers or e-mail addresses.
fn addresses(profile: &Profile) -> Vec<IdentityKey> {
    let ranks: BTreeSet<u8> = ["phone", "email"]
        .iter()
        .map(|namespace| rule(namespace).anchor_rank)
        .collect();
    let Some(members) = &profile.members else {
        return Vec::new();
    };
    let of_rank = |rank: u8| {
        let after = rank
            .checked_sub(1)
            .map(|before| (before, IdentityKey::from_uuid(Uuid::max())));
        let of_rank = members.after(after).take_while(move |(r, _)| *r == rank);
        of_rank.map(|(_, key)| key).take(ADDRESSES)
    };
    ranks.into_iter().flat_map(of_rank).collect()
}

/// The candidates of each subject, in their order.
pub(super) async fn candidates(
    connection: &mut PgConnection,
    context: Context<'_>,
    subjects: &[Subject],
) -> Result<Vec<Candidates>, Error> {
    let keys: BTreeSet<Uuid> = subjects.iter().flat_map(|s| &s.keys).copied().collect();
    let keys: Vec<Uuid> = keys.into_iter().collect();
    let limit = i64::try_from(BLOCK_IDENTIFIERS + 1).unwrap_or(i64::MAX);
    let mut blocks: HashMap<Uuid, Vec<IdentityKey>> = HashMap::new();
    if !keys.is_empty() {
        let found = identity_traits::blocks(connection, context.tenant, &keys, limit).await?;
        for (key, identity) in found {
            blocks.entry(key).or_default().push(identity);
        }
    }
    let slips = subjects.iter().flat_map(|s| &s.slips).copied();
    let named: BTreeSet<IdentityKey> = blocks.values().flatten().copied().chain(slips).collect();
    let named: Vec<IdentityKey> = named.into_iter().collect();
    let lies_in: BTreeMap<IdentityKey, ProfileId> = if named.is_empty() {
        BTreeMap::new()
    } else {
        let found = identities::profiles_of(connection, context.tenant, &named).await?;
        found.into_iter().collect()
    };
    let blocks: HashMap<Uuid, Option<BTreeSet<ProfileId>>> = blocks
        .into_iter()
        .map(|(key, block)| (key, block_of(&block, &lies_in)))
        .collect();
    Ok(subjects
        .iter()
        .map(|subject| {
            let mut found = Candidates::default();
            for key in &subject.keys {
                match blocks.get(key) {
                    Some(Some(block)) => found.profiles.extend(block),
                    Some(None) => found.skipped += 1,
                    None => (),
                }
            }
            let slips = subject.slips.iter().filter_map(|key| lies_in.get(key));
            found.profiles.extend(slips);
            let itself = found.profiles.remove(&subject.profile.id);
            found.unindexed = !itself && found.skipped == 0 && !subject.keys.is_empty();
            found
        })
        .collect())
}

/// The profiles of a block; none when they are too many to say anything.
fn block_of(
    block: &[IdentityKey],
    lies_in: &BTreeMap<IdentityKey, ProfileId>,
) -> Option<BTreeSet<ProfileId>> {
    let profiles: BTreeSet<ProfileId> = block
        .iter()
        .filter_map(|key| lies_in.get(key))
        .copied()
        .collect();
    (block.len() <= BLOCK_IDENTIFIERS && profiles.len() <= BLOCK_LIMIT).then_some(profiles)
}
