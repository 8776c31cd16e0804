//! Finding profiles by id or by identifiers.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use crate::{
    error::Error,
    ids::{IdentityKey, ProfileId, TenantId},
    storage::{
        identities,
        profiles::{self, Profile},
    },
};

/// Whom a look-up asks for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// A profile by its id.
    Id(ProfileId),
    /// The holder of the first of these identifiers that is known; values that are no identifiers are `None`.
    Identifiers(Vec<Option<IdentityKey>>),
}

/// A profile that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The profile with its members.
    pub profile: Profile,
    /// Which identifier answered.
    pub answered_by: Option<usize>,
    /// The latest position of which something may be in what was read: who brings it back has to be shown everything up to it.
    pub position: i64,
}

/// How often a look-up starts again when people are joined or parted under it.
const ATTEMPTS: usize = 5;

/// Finds one profile.
///
/// # Errors
/// When the database fails.
pub async fn find(
    connection: &mut PgConnection,
    tenant: &TenantId,
    who: &Who,
) -> Result<Option<Found>, Error> {
    let mut found = find_many(connection, tenant, std::slice::from_ref(who)).await?;
    Ok(found.pop().flatten())
}

/// Finds many profiles; answers in the order of the questions.
///
/// # Errors
/// When the database fails.
pub async fn find_many(
    connection: &mut PgConnection,
    tenant: &TenantId,
    who: &[Who],
) -> Result<Vec<Option<Found>>, Error> {
    let mut answers: Vec<Option<Found>> = vec![None; who.len()];
    let mut open: Vec<usize> = (0..who.len()).collect();
    for _ in 0..ATTEMPTS {
        let round = Round::read(connection, tenant, open.iter().map(|n| &who[*n])).await?;
        let mut again = Vec::new();
        for n in open {
            match round.answer(&who[n]) {
                Seen::Found(found) => answers[n] = Some(*found),
                Seen::Unknown => (),
                Seen::Moved => again.push(n),
            }
        }
        if again.is_empty() {
            return Ok(answers);
        }
        open = again;
    }
    Err(Error::Conflict { reason: "conflict" })
}

/// What one round of statements saw.
struct Round {
    lies_in: HashMap<IdentityKey, ProfileId>,
    profiles: HashMap<ProfileId, (Profile, i64)>,
}

enum Seen {
    Found(Box<Found>),
    Unknown,
    /// Joined or parted between two statements.
    Moved,
}

impl Round {
    async fn read(
        connection: &mut PgConnection,
        tenant: &TenantId,
        who: impl Iterator<Item = &Who>,
    ) -> Result<Self, Error> {
        let mut keys: HashSet<IdentityKey> = HashSet::new();
        let mut ids: HashSet<ProfileId> = HashSet::new();
        for who in who {
            match who {
                Who::Id(id) => {
                    ids.insert(*id);
                }
                Who::Identifiers(identifiers) => keys.extend(identifiers.iter().flatten()),
            }
        }
        let mut round = Self {
            lies_in: HashMap::new(),
            profiles: HashMap::new(),
        };
        ids.extend(round.locate(connection, tenant, keys).await?);
        round.load(connection, tenant, ids).await?;
        // Ids that were merged away lead to whoever holds their homes.
        let homes: HashSet<IdentityKey> = round
            .profiles
            .values()
            .filter(|(profile, _)| profile.members_total == 0)
            .map(|(profile, _)| profile.home_key)
            .collect();
        if !homes.is_empty() {
            let holders = round.locate(connection, tenant, homes).await?;
            round.load(connection, tenant, holders).await?;
        }
        Ok(round)
    }

    async fn locate(
        &mut self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        keys: HashSet<IdentityKey>,
    ) -> Result<HashSet<ProfileId>, Error> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        let keys: Vec<IdentityKey> = keys.into_iter().collect();
        let found = identities::profiles_of(connection, tenant, &keys).await?;
        let holders = found.iter().map(|(_, profile)| *profile).collect();
        self.lies_in.extend(found);
        Ok(holders)
    }

    async fn load(
        &mut self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        ids: HashSet<ProfileId>,
    ) -> Result<(), Error> {
        let ids: Vec<ProfileId> = ids
            .into_iter()
            .filter(|id| !self.profiles.contains_key(id))
            .collect();
        if !ids.is_empty() {
            let found = profiles::read(connection, tenant, &ids).await?;
            self.profiles
                .extend(found.into_iter().map(|(p, at)| (p.id, (p, at))));
        }
        Ok(())
    }

    fn answer(&self, who: &Who) -> Seen {
        match who {
            Who::Id(id) => match self.profiles.get(id) {
                None => Seen::Unknown,
                Some((profile, _)) if profile.members_total == 0 => {
                    self.holder(profile.home_key, None)
                }
                Some((profile, position)) => found(profile, None, *position),
            },
            Who::Identifiers(identifiers) => {
                let first = identifiers.iter().enumerate().find_map(|(n, key)| {
                    key.filter(|key| self.lies_in.contains_key(key))
                        .map(|key| (n, key))
                });
                first.map_or(Seen::Unknown, |(n, key)| self.holder(key, Some(n)))
            }
        }
    }

    fn holder(&self, key: IdentityKey, answered_by: Option<usize>) -> Seen {
        let Some(id) = self.lies_in.get(&key) else {
            return Seen::Unknown;
        };
        match self.profiles.get(id) {
            Some((profile, position))
                if profile
                    .members
                    .as_ref()
                    .is_some_and(|members| members.keys().any(|member| member == key)) =>
            {
                found(profile, answered_by, *position)
            }
            _ => Seen::Moved,
        }
    }
}

fn found(profile: &Profile, answered_by: Option<usize>, position: i64) -> Seen {
    Seen::Found(Box::new(Found {
        profile: profile.clone(),
        answered_by,
        position,
    }))
}
