//! What becomes of identities beside their own content: which profile they lie in, which ids had their home there, whether
//! anything speaks of them.

use sqlx::PgConnection;

use super::{
    Result,
    identities::{standing_code, uuids},
};
use crate::{
    identity::Standing,
    ids::{IdentityKey, ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("identities.move", MOVE),
    ("identities.add_former", ADD_FORMER),
    ("identities.set_former", SET_FORMER),
    ("identities.set_apart", SET_APART),
    ("identities.set_standing", SET_STANDING),
    ("identities.leave", LEAVE),
];

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

const SET_APART: &str = "
UPDATE identities
SET apart = $3
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

const SET_STANDING: &str = "
UPDATE identities
SET standing = $3
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

const LEAVE: &str = "
UPDATE identities
SET present = false, state = NULL, subjects = NULL, standing = 0, apart = false, neighbours = ''
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

/// Says of identities what they are by their links.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.set_standing", skip_all, fields(rows = keys.len()))]
pub async fn set_standing(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
    standing: Standing,
) -> Result<()> {
    sqlx::query(SET_STANDING)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .bind(standing_code(standing))
        .execute(connection)
        .await?;
    Ok(())
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

/// Says of identities whether they lend their state to no profile.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.set_apart", skip_all, fields(rows = keys.len()))]
pub async fn set_apart(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
    apart: bool,
) -> Result<()> {
    sqlx::query(SET_APART)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .bind(apart)
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks identities of which no interaction speaks any more.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.identities.leave", skip_all, fields(rows = keys.len()))]
pub async fn leave(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<()> {
    sqlx::query(LEAVE)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .execute(connection)
        .await?;
    Ok(())
}
