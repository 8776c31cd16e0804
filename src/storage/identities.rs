//! Identities: identifiers with the states of what is anchored at them.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result, stored_time};
use crate::{
    clock::Micros,
    identity::Normalised,
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{
        State,
        encoding::{Beside, Encoded},
    },
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("identities.profiles_of", PROFILES_OF),
    ("identities.load", LOAD),
    ("identities.after", AFTER),
    ("identities.upsert", UPSERT),
    ("identities.move", MOVE),
    ("identities.add_former", ADD_FORMER),
    ("identities.set_former", SET_FORMER),
    ("identities.delete", DELETE),
];

const PROFILES_OF: &str = "
SELECT identity_key, profile_id
FROM identities
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

// OFFSET 0 keeps it a look-up for each key. A plan made while the table was small would else read all of a tenant, and it
// is kept when the table has grown.
const LOAD: &str = "
SELECT
    stored.identity_key,
    stored.namespace,
    stored.value,
    stored.profile_id,
    stored.first_seen,
    stored.last_seen,
    stored.former_profiles,
    stored.state IS NOT NULL AS has_state,
    CASE WHEN wanted.state THEN stored.state END AS state,
    CASE WHEN wanted.subjects THEN stored.subjects END AS subjects
FROM unnest($2::uuid[], $3::boolean[], $4::boolean[]) AS wanted (identity_key, state, subjects)
CROSS JOIN LATERAL (
    SELECT *
    FROM identities AS found
    WHERE found.tenant = $1 AND found.identity_key = wanted.identity_key
    OFFSET 0
) AS stored";

const AFTER: &str = "
SELECT
    identity_key,
    namespace,
    value,
    profile_id,
    first_seen,
    last_seen,
    former_profiles,
    state IS NOT NULL AS has_state,
    state,
    subjects
FROM identities
WHERE tenant = $1 AND identity_key > $2
ORDER BY identity_key
LIMIT $3";

const UPSERT: &str = "
INSERT INTO identities AS stored
    (tenant, identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects)
SELECT $1, identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects
FROM unnest(
    $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::bytea[], $9::bytea[]
) AS given (identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects)
ON CONFLICT (tenant, identity_key) DO UPDATE SET
    profile_id = excluded.profile_id,
    first_seen = excluded.first_seen,
    last_seen = excluded.last_seen,
    state = coalesce(excluded.state, stored.state),
    subjects = CASE WHEN excluded.subjects = '' THEN stored.subjects ELSE excluded.subjects END";

const MOVE: &str = "
UPDATE identities
SET profile_id = $3
WHERE tenant = $1 AND identity_key = ANY($2::uuid[]) AND profile_id <> $3";

const ADD_FORMER: &str = "
UPDATE identities AS stored
SET former_profiles = stored.former_profiles || given.profile_id
FROM unnest($2::uuid[], $3::uuid[]) AS given (identity_key, profile_id)
WHERE stored.tenant = $1 AND stored.identity_key = given.identity_key";

const SET_FORMER: &str = "
UPDATE identities
SET former_profiles = $3
WHERE tenant = $1 AND identity_key = $2";

const DELETE: &str = "
DELETE FROM identities
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

/// A stored identity.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its key.
    pub key: IdentityKey,
    /// The identifier.
    pub identifier: Normalised,
    /// The profile it lies in.
    pub profile: ProfileId,
    /// First and last time it was in an interaction.
    pub first_seen: Micros,
    /// As `first_seen`.
    pub last_seen: Micros,
    /// Merged-away profiles whose home this is.
    pub former: Vec<ProfileId>,
    /// Whether anything is anchored here.
    pub has_state: bool,
    /// The state of what is anchored here, when it was asked for.
    pub state: Option<State>,
}

#[derive(FromRow)]
struct Row {
    identity_key: Uuid,
    namespace: String,
    value: String,
    profile_id: Uuid,
    first_seen: DateTime<Utc>,
    last_seen: DateTime<Utc>,
    former_profiles: Vec<Uuid>,
    has_state: bool,
    state: Option<Vec<u8>>,
    subjects: Option<Vec<u8>>,
}

impl TryFrom<Row> for Identity {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let state = row
            .state
            .map(|state| State::decode(&state, row.subjects.as_deref()))
            .transpose()
            .map_err(|e| Error::corrupt("identity state", e))?;
        Ok(Self {
            key: IdentityKey::from_uuid(row.identity_key),
            identifier: Normalised {
                namespace: row.namespace,
                value: row.value,
            },
            profile: ProfileId::from_uuid(row.profile_id),
            first_seen: Micros::from_datetime(row.first_seen),
            last_seen: Micros::from_datetime(row.last_seen),
            former: row
                .former_profiles
                .into_iter()
                .map(ProfileId::from_uuid)
                .collect(),
            has_state: row.has_state,
            state,
        })
    }
}

/// What to load of an identity.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Its key.
    pub key: IdentityKey,
    /// Whether its state is needed.
    pub state: bool,
    /// Whether the subjects beside its state are needed.
    pub subjects: bool,
}

/// An identity to write.
#[derive(Clone)]
pub struct Write {
    /// Its key.
    pub key: IdentityKey,
    /// The identifier.
    pub identifier: Normalised,
    /// The profile it lies in.
    pub profile: ProfileId,
    /// First and last time it was in an interaction.
    pub first_seen: Micros,
    /// As `first_seen`.
    pub last_seen: Micros,
    /// The new state; absent leaves it.
    pub state: Option<Encoded>,
}

/// The profiles in which identities lie.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.profiles_of", skip_all, fields(rows = keys.len()))]
pub async fn profiles_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<(IdentityKey, ProfileId)>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(PROFILES_OF)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, profile)| (IdentityKey::from_uuid(key), ProfileId::from_uuid(profile)))
        .collect())
}

/// Loads identities.
///
/// # Errors
/// When the database fails or a state cannot be read.
#[tracing::instrument(name = "db.identities.load", skip_all, fields(rows = wanted.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[Wanted],
) -> Result<Vec<Identity>> {
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(wanted.iter().map(|w| w.key.as_uuid()).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.state).collect::<Vec<_>>())
        .bind(wanted.iter().map(|w| w.subjects).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// The identities after a key, in their order, whole.
///
/// # Errors
/// When the database fails or a state cannot be read.
#[tracing::instrument(name = "db.identities.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: IdentityKey,
    limit: i64,
) -> Result<Vec<Identity>> {
    let rows: Vec<Row> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(last.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Identity::try_from).collect()
}

/// Writes identities, new or not. The caller holds their locks, so what it read of them still stands.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.upsert", skip_all, fields(rows = writes.len()))]
pub async fn upsert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    writes: &[Write],
) -> Result<()> {
    let states = || writes.iter().map(|w| w.state.as_ref());
    sqlx::query(UPSERT)
        .bind(tenant.as_str())
        .bind(writes.iter().map(|w| w.key.as_uuid()).collect::<Vec<_>>())
        .bind(
            writes
                .iter()
                .map(|w| w.identifier.namespace.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| w.identifier.value.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| w.profile.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| stored_time(w.first_seen))
                .collect::<Vec<_>>(),
        )
        .bind(
            writes
                .iter()
                .map(|w| stored_time(w.last_seen))
                .collect::<Vec<_>>(),
        )
        .bind(
            states()
                .map(|s| s.map(|s| s.state.as_slice()))
                .collect::<Vec<_>>(),
        )
        .bind(states().map(beside).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// What is bound for the column beside a state: empty bytes leave it, NULL clears it.
pub(super) fn beside(encoded: Option<&Encoded>) -> Option<&[u8]> {
    match encoded.map(|e| &e.beside) {
        None | Some(Beside::Keep) => Some(&[]),
        Some(Beside::Nothing) => None,
        Some(Beside::Subjects(bytes)) => Some(bytes),
    }
}

/// Moves identities to a profile.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.move", skip_all, fields(rows = keys.len()))]
pub async fn move_to(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
    profile: ProfileId,
) -> Result<()> {
    sqlx::query(MOVE)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .bind(profile.as_uuid())
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes at their homes which profiles were merged away.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.add_former", skip_all, fields(rows = homes.len()))]
pub async fn add_former(
    connection: &mut PgConnection,
    tenant: &TenantId,
    homes: &[(IdentityKey, ProfileId)],
) -> Result<()> {
    for (key, profile) in homes {
        // One by one: several profiles may share a home, and an UPDATE touches a row once.
        sqlx::query(ADD_FORMER)
            .bind(tenant.as_str())
            .bind(vec![key.as_uuid()])
            .bind(vec![profile.as_uuid()])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Says anew which merged-away profiles have their home at an identity.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.set_former", skip_all)]
pub async fn set_former(
    connection: &mut PgConnection,
    tenant: &TenantId,
    key: IdentityKey,
    former: &[ProfileId],
) -> Result<()> {
    sqlx::query(SET_FORMER)
        .bind(tenant.as_str())
        .bind(key.as_uuid())
        .bind(former.iter().map(|p| p.as_uuid()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes identities of which no interaction speaks any more.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.delete", skip_all, fields(rows = keys.len()))]
pub async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<()> {
    sqlx::query(DELETE)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn uuids(keys: &[IdentityKey]) -> Vec<Uuid> {
    keys.iter().map(|k| k.as_uuid()).collect()
}
