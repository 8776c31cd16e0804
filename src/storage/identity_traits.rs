//! The index by trait: keyed hashes of the trait values that identities state now, and of their blocking keys.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, identities::uuids};
use crate::ids::{IdentityKey, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("identity_traits.insert", INSERT),
    ("identity_traits.delete", DELETE),
    ("identity_traits.holders", HOLDERS),
    ("identity_traits.blocks", BLOCKS),
    ("identity_traits.among", AMONG),
    ("identity_traits.after", AFTER),
];

const INSERT: &str = "
INSERT INTO identity_traits (tenant, trait_key, identity_key)
SELECT $1, trait_key, identity_key
FROM unnest($2::uuid[], $3::uuid[]) AS given (trait_key, identity_key)
ON CONFLICT DO NOTHING";

const DELETE: &str = "
DELETE FROM identity_traits AS stored
USING unnest($2::uuid[], $3::uuid[]) AS given (trait_key, identity_key)
WHERE stored.tenant = $1
    AND stored.trait_key = given.trait_key
    AND stored.identity_key = given.identity_key";

const HOLDERS: &str = "
SELECT identity_key
FROM identity_traits
WHERE tenant = $1 AND trait_key = $2 AND identity_key > $3
ORDER BY identity_key
LIMIT $4";

// One short range of the index for each key, whatever the size of a block.
const BLOCKS: &str = "
SELECT block.trait_key, found.identity_key
FROM unnest($2::uuid[]) AS block (trait_key)
CROSS JOIN LATERAL (
    SELECT stored.identity_key
    FROM identity_traits AS stored
    WHERE stored.tenant = $1 AND stored.trait_key = block.trait_key
    ORDER BY stored.identity_key
    LIMIT $3
) AS found";

const AMONG: &str = "
SELECT identity_key
FROM identity_traits
WHERE tenant = $1 AND trait_key = $2 AND identity_key = ANY($3::uuid[])
ORDER BY identity_key
LIMIT 1";

const AFTER: &str = "
SELECT trait_key, identity_key
FROM identity_traits
WHERE tenant = $1 AND (trait_key, identity_key) > ($2, $3)
ORDER BY trait_key, identity_key
LIMIT $4";

/// A trait value that an identity states.
pub type Entry = (Uuid, IdentityKey);

fn columns(entries: &[Entry]) -> (Vec<Uuid>, Vec<Uuid>) {
    entries.iter().map(|(t, i)| (*t, i.as_uuid())).unzip()
}

/// Adds entries.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.insert", skip_all, fields(rows = entries.len()))]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    entries: &[Entry],
) -> Result<()> {
    let (traits, identities) = columns(entries);
    sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(traits)
        .bind(identities)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes entries away.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.delete", skip_all, fields(rows = entries.len()))]
pub async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    entries: &[Entry],
) -> Result<()> {
    let (traits, identities) = columns(entries);
    sqlx::query(DELETE)
        .bind(tenant.as_str())
        .bind(traits)
        .bind(identities)
        .execute(connection)
        .await?;
    Ok(())
}

/// The identities after a key that state a value, in their order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.holders", skip_all)]
pub async fn holders(
    connection: &mut PgConnection,
    tenant: &TenantId,
    trait_key: Uuid,
    after: IdentityKey,
    limit: i64,
) -> Result<Vec<IdentityKey>> {
    let keys: Vec<Uuid> = sqlx::query_scalar(HOLDERS)
        .bind(tenant.as_str())
        .bind(trait_key)
        .bind(after.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(keys.into_iter().map(IdentityKey::from_uuid).collect())
}

/// The first identities under each of some keys, at most so many of each, in no order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.blocks", skip_all, fields(rows = keys.len()))]
pub async fn blocks(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[Uuid],
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(BLOCKS)
        .bind(tenant.as_str())
        .bind(keys)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, identity)| (key, IdentityKey::from_uuid(identity)))
        .collect())
}

/// The first of these identities that states a value.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.among", skip_all, fields(rows = keys.len()))]
pub async fn first_among(
    connection: &mut PgConnection,
    tenant: &TenantId,
    trait_key: Uuid,
    keys: &[IdentityKey],
) -> Result<Option<IdentityKey>> {
    let key: Option<Uuid> = sqlx::query_scalar(AMONG)
        .bind(tenant.as_str())
        .bind(trait_key)
        .bind(uuids(keys))
        .fetch_optional(connection)
        .await?;
    Ok(key.map(IdentityKey::from_uuid))
}

/// The entries after one, in their order, for verification.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identity_traits.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: Entry,
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(last.0)
        .bind(last.1.as_uuid())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(t, i)| (t, IdentityKey::from_uuid(i)))
        .collect())
}
