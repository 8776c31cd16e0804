//! Identities: identifiers with the states of what is anchored at them.

use chrono::{DateTime, Utc};
use prost::Message as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result, stored_time};
use crate::{
    clock::Micros,
    identity::{Home, Neighbours, Normalised, Standing},
    ids::{IdentityKey, ProfileId, TenantId},
    profile::{
        State,
        encoding::{Beside, Encoded},
    },
    proto::state::v1 as stored,
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("identities.profiles_of", PROFILES_OF),
    ("identities.load", LOAD),
    ("identities.after", AFTER),
    ("identities.upsert", UPSERT),
];

const PROFILES_OF: &str = "
SELECT identity_key, profile_id
FROM identities
WHERE tenant = $1 AND identity_key = ANY($2::uuid[]) AND present";

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
    stored.standing,
    stored.apart,
    stored.present,
    stored.neighbours,
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
    standing,
    apart,
    present,
    neighbours,
    state IS NOT NULL AS has_state,
    state,
    subjects
FROM identities
WHERE tenant = $1 AND identity_key > $2
ORDER BY identity_key
LIMIT $3";

const UPSERT: &str = "
INSERT INTO identities AS stored (
    tenant, identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects, standing, apart, neighbours
)
SELECT
    $1, identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects, standing, apart, neighbours
FROM unnest(
    $2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::bytea[], $9::bytea[],
    $10::smallint[], $11::boolean[], $12::bytea[]
) AS given (
    identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects, standing, apart, neighbours
)
ON CONFLICT (tenant, identity_key) DO UPDATE SET
    profile_id = excluded.profile_id,
    first_seen = excluded.first_seen,
    last_seen = excluded.last_seen,
    state = coalesce(excluded.state, stored.state),
    subjects = CASE WHEN excluded.subjects = '' THEN stored.subjects ELSE excluded.subjects END,
    standing = excluded.standing,
    apart = excluded.apart,
    neighbours = excluded.neighbours,
    present = true";

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
    /// What it is by its links.
    pub standing: Standing,
    /// Whether it lends its state to no profile.
    pub apart: bool,
    /// Whether an interaction speaks of it. If none does, `profile` is where it last lay.
    pub present: bool,
    /// To how many values it is linked.
    pub neighbours: Neighbours,
    /// Whether anything is anchored here.
    pub has_state: bool,
    /// The state of what is anchored here, when it was asked for.
    pub state: Option<State>,
}

impl Identity {
    /// What it would be as a home.
    #[must_use]
    pub fn home(&self) -> Home {
        Home {
            identifier: self.identifier.clone(),
            first_seen: self.first_seen,
        }
    }
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
    standing: i16,
    apart: bool,
    present: bool,
    neighbours: Vec<u8>,
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
            standing: standing(row.standing)?,
            apart: row.apart,
            present: row.present,
            neighbours: neighbours(&row.neighbours)?,
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

impl Wanted {
    /// Only its row.
    #[must_use]
    pub fn row(key: IdentityKey) -> Self {
        Self {
            key,
            state: false,
            subjects: false,
        }
    }

    /// With its state and the subjects beside it.
    #[must_use]
    pub fn whole(key: IdentityKey) -> Self {
        Self {
            key,
            state: true,
            subjects: true,
        }
    }
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
    /// What it is by its links.
    pub standing: Standing,
    /// Whether it lends its state to no profile.
    pub apart: bool,
    /// To how many values it is linked.
    pub neighbours: Neighbours,
}

const STANDINGS: [Standing; 3] = [Standing::Own, Standing::Shared, Standing::Hub];

pub(super) fn standing(code: i16) -> Result<Standing> {
    let known = usize::try_from(code).ok().and_then(|n| STANDINGS.get(n));
    known
        .copied()
        .ok_or_else(|| Error::corrupt("identity standing", "it is none of ours"))
}

/// A standing as it is stored.
#[must_use]
pub fn standing_code(standing: Standing) -> i16 {
    let place = STANDINGS.iter().position(|s| *s == standing);
    place
        .and_then(|n| i16::try_from(n).ok())
        .unwrap_or_default()
}

pub(super) fn neighbours(bytes: &[u8]) -> Result<Neighbours> {
    let stored =
        stored::Neighbours::decode(bytes).map_err(|e| Error::corrupt("identity neighbours", e))?;
    Ok(Neighbours::from_counts(
        stored.values.into_iter().map(|v| (v.namespace, v.count)),
    ))
}

/// Neighbours as they are stored.
#[must_use]
pub fn neighbours_bytes(neighbours: &Neighbours) -> Vec<u8> {
    stored::Neighbours {
        values: namespace_counts(neighbours.iter()),
    }
    .encode_to_vec()
}

/// Counts by namespace, as stored.
pub(super) fn namespace_counts<'a>(
    counts: impl Iterator<Item = (&'a str, u32)>,
) -> Vec<stored::NamespaceCount> {
    counts
        .map(|(namespace, count)| stored::NamespaceCount {
            namespace: namespace.to_owned(),
            count,
        })
        .collect()
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
        .bind(
            writes
                .iter()
                .map(|w| standing_code(w.standing))
                .collect::<Vec<_>>(),
        )
        .bind(writes.iter().map(|w| w.apart).collect::<Vec<_>>())
        .bind(
            writes
                .iter()
                .map(|w| neighbours_bytes(&w.neighbours))
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}

/// What is bound for the column beside a state: empty bytes leave it, NULL clears it.
#[must_use]
pub fn beside(encoded: Option<&Encoded>) -> Option<&[u8]> {
    match encoded.map(|e| &e.beside) {
        None | Some(Beside::Keep) => Some(&[]),
        Some(Beside::Nothing) => None,
        Some(Beside::Subjects(bytes)) => Some(bytes),
    }
}

pub(super) fn uuids(keys: &[IdentityKey]) -> Vec<Uuid> {
    keys.iter().map(|k| k.as_uuid()).collect()
}
