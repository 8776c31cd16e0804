//! What is known of the store itself and of its tenants.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::{clock::Micros, ids::TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("store.create", CREATE),
    ("store.load", LOAD),
    ("store.ping", PING),
    ("tenants.create", CREATE_TENANT),
    ("tenants.load", LOAD_TENANT),
    ("tenants.all", ALL_TENANTS),
];

const CREATE: &str = "
INSERT INTO store (store_id, secret_fingerprint)
VALUES ($1, $2)
ON CONFLICT DO NOTHING";

const LOAD: &str = "SELECT store_id, secret_fingerprint FROM store";

// Who may not see what a standby is for, sees null.
const PING: &str = "
SELECT
    current_setting('transaction_read_only')::boolean AS read_only,
    clock_timestamp() AS at,
    current_setting('synchronous_standby_names') <> ''
        AND current_setting('synchronous_commit') NOT IN ('off', 'local') AS waits,
    (
        SELECT count(*)
        FROM pg_stat_replication
        WHERE sync_state IS NULL OR sync_state IN ('sync', 'quorum')
    ) AS standbys";

const CREATE_TENANT: &str = "
INSERT INTO tenants (tenant, default_region, time_zone)
VALUES ($1, $2, $3)
ON CONFLICT DO NOTHING";

const LOAD_TENANT: &str = "
SELECT default_region, time_zone
FROM tenants
WHERE tenant = $1";

const ALL_TENANTS: &str = "
SELECT tenant
FROM tenants
ORDER BY tenant";

/// The store's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Store {
    /// Drawn when the store was made.
    pub id: Uuid,
    /// Fingerprint of the hash secret that its keys were made with.
    pub fingerprint: [u8; 32],
}

/// The store's identity, which is `candidate` when there was none yet.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.store.open", skip_all)]
pub async fn open(connection: &mut PgConnection, candidate: Store) -> Result<Store> {
    sqlx::query(CREATE)
        .bind(candidate.id)
        .bind(candidate.fingerprint.as_slice())
        .execute(&mut *connection)
        .await?;
    let (id, fingerprint): (Uuid, Vec<u8>) = sqlx::query_as(LOAD).fetch_one(connection).await?;
    let fingerprint = <[u8; 32]>::try_from(fingerprint)
        .map_err(|_| super::Error::corrupt("secret fingerprint", "it is not 32 bytes"))?;
    Ok(Store { id, fingerprint })
}

/// What a database that answers says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// It takes no writes: a standby, or told so.
    pub read_only: bool,
    /// What its clock says.
    pub at: Micros,
    /// What its commits wait for.
    pub commits: Commits,
}

/// What a commit waits for besides the disk of the primary. What was acknowledged outlives a failover only if it is a standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Nothing: `synchronous_standby_names` is empty, or `synchronous_commit` is `off` or `local`.
    Alone,
    /// A standby. Which one users without `pg_read_all_stats` may not see, so for them any that is connected is taken for one.
    Standby,
    /// A standby, and none of those is connected: nothing is acknowledged.
    Stuck,
}

impl Commits {
    /// From whether they wait at all, and how many standbys are connected that they may wait for.
    const fn of(wait: bool, standbys: i64) -> Self {
        match (wait, standbys) {
            (false, _) => Self::Alone,
            (true, 0) => Self::Stuck,
            (true, _) => Self::Standby,
        }
    }
}

/// Whether the database answers.
///
/// # Errors
/// When it does not.
pub async fn ping(connection: &mut PgConnection) -> Result<Answered> {
    let (read_only, at, wait, standbys): (bool, DateTime<Utc>, bool, i64) =
        sqlx::query_as(PING).fetch_one(connection).await?;
    Ok(Answered {
        read_only,
        at: Micros::from_datetime(at),
        commits: Commits::of(wait, standbys),
    })
}

/// What of a tenant may never change: its region for phone numbers and its time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// ISO 3166 country.
    pub default_region: String,
    /// IANA time zone.
    pub time_zone: String,
}

/// What is stored of a tenant, which is `candidate` when it was not known yet.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.tenants.open", skip_all)]
pub async fn open_tenant(
    connection: &mut PgConnection,
    tenant: &TenantId,
    candidate: &Tenant,
) -> Result<Tenant> {
    sqlx::query(CREATE_TENANT)
        .bind(tenant.as_str())
        .bind(&candidate.default_region)
        .bind(&candidate.time_zone)
        .execute(&mut *connection)
        .await?;
    let stored = load_tenant(connection, tenant).await?;
    Ok(stored.unwrap_or_else(|| candidate.clone()))
}

/// What is stored of a tenant.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.tenants.load", skip_all)]
pub async fn load_tenant(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Option<Tenant>> {
    let row: Option<(String, String)> = sqlx::query_as(LOAD_TENANT)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(default_region, time_zone)| Tenant {
        default_region,
        time_zone,
    }))
}

/// Every tenant.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.tenants.all", skip_all)]
pub async fn tenants(connection: &mut PgConnection) -> Result<Vec<TenantId>> {
    let names: Vec<String> = sqlx::query_scalar(ALL_TENANTS)
        .fetch_all(connection)
        .await?;
    Ok(names
        .iter()
        .filter_map(|name| TenantId::parse(name))
        .collect())
}
