//! How far changes have been relayed.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, stored_time};
use crate::{
    clock::Micros,
    ids::{ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("relays.load", LOAD),
    ("relays.save", SAVE),
    ("relays.delete", DELETE),
];

const LOAD: &str = "
SELECT position, profile_id, version, as_of, run
FROM relays
WHERE tenant = $1 AND sink = $2";

// Never back within a run of the database: who has lost the lease and does not know it yet saves what another has passed.
const SAVE: &str = "
INSERT INTO relays AS stored (tenant, sink, position, profile_id, version, as_of, run)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, sink) DO UPDATE SET
    position = excluded.position,
    profile_id = excluded.profile_id,
    version = excluded.version,
    as_of = greatest(stored.as_of, excluded.as_of),
    run = excluded.run
WHERE stored.run IS DISTINCT FROM excluded.run
    OR (stored.position, stored.profile_id, stored.version)
        <= (excluded.position, excluded.profile_id, excluded.version)";

const DELETE: &str = "
DELETE FROM relays
WHERE tenant = $1 AND sink = $2";

/// A place in the outbox of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relayed {
    /// The transaction.
    pub position: i64,
    /// The profile that was handed over last, of those that the transaction changed.
    pub profile: ProfileId,
    /// Its version.
    pub version: i64,
    /// Everything that was committed before is handed over, but for the length of a transaction.
    pub as_of: Micros,
    /// The run of the database that it is a place of; none when an earlier release noted it.
    pub run: Option<i64>,
}

/// Position, profile, version, time and run.
type Stored = (i64, Uuid, i64, DateTime<Utc>, Option<i64>);

/// How far a tenant's changes have been relayed to a sink; none when they never were.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.relays.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    sink: &str,
) -> Result<Option<Relayed>> {
    let row: Option<Stored> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(sink)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(position, profile, version, as_of, run)| Relayed {
        position,
        profile: ProfileId::from_uuid(profile),
        version,
        as_of: Micros::from_datetime(as_of),
        run,
    }))
}

/// Notes how far a tenant's changes have been relayed to a sink.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.relays.save", skip_all)]
pub async fn save(
    connection: &mut PgConnection,
    tenant: &TenantId,
    sink: &str,
    relayed: Relayed,
) -> Result<()> {
    sqlx::query(SAVE)
        .bind(tenant.as_str())
        .bind(sink)
        .bind(relayed.position)
        .bind(relayed.profile.as_uuid())
        .bind(relayed.version)
        .bind(stored_time(relayed.as_of))
        .bind(relayed.run)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets how far a tenant's changes have been relayed to a sink, so that it can begin anywhere.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.relays.delete", skip_all)]
pub async fn delete(connection: &mut PgConnection, tenant: &TenantId, sink: &str) -> Result<()> {
    sqlx::query(DELETE)
        .bind(tenant.as_str())
        .bind(sink)
        .execute(connection)
        .await?;
    Ok(())
}
