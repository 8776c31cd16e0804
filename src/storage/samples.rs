//! A sample of a tenant's profiles, in the order of the keys of their homes.
//!
//! Such a key is a keyed hash, so whoever comes first comes first by chance alone, and the same ones come first again. It is the
//! primary key of identities: a sample costs as many rows as are read, whatever the size of the population.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Result,
    profiles::{Profile, Row},
};
use crate::ids::{IdentityKey, ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] =
    &[("samples.keys", KEYS), ("samples.profiles", PROFILES)];

const KEYS: &str = "
SELECT identity_key, profile_id
FROM identities
WHERE tenant = $1 AND identity_key > $2 AND present
ORDER BY identity_key
LIMIT $3";

// A profile has many identifiers and one home: by that each comes once. No subjects, as for look-ups.
const PROFILES: &str = "
SELECT
    profile_id,
    version,
    rules,
    home,
    summary,
    state,
    octet_length(members) AS members_length,
    NULL::bytea AS members,
    NULL::bytea AS subjects
FROM profiles
WHERE tenant = $1 AND profile_id = ANY($2::uuid[]) AND home = ANY($3::uuid[])
ORDER BY home";

/// The keys of identifiers after a key, in their order, and the profiles that they lie in.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.samples.keys", skip_all)]
pub async fn keys(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: IdentityKey,
    limit: i64,
) -> Result<Vec<(IdentityKey, ProfileId)>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(KEYS)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, id)| (IdentityKey::from_uuid(key), ProfileId::from_uuid(id)))
        .collect())
}

/// The profiles whose home is among these identifiers, in the order of their homes.
///
/// # Errors
/// When the database fails or a profile cannot be read.
#[tracing::instrument(name = "db.samples.profiles", skip_all, fields(rows = of.len()))]
pub async fn profiles(
    connection: &mut PgConnection,
    tenant: &TenantId,
    of: &[(IdentityKey, ProfileId)],
) -> Result<Vec<Profile>> {
    let rows: Vec<Row> = sqlx::query_as(PROFILES)
        .bind(tenant.as_str())
        .bind(of.iter().map(|(_, id)| id.as_uuid()).collect::<Vec<_>>())
        .bind(of.iter().map(|(key, _)| key.as_uuid()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Profile::try_from).collect()
}
