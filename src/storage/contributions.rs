//! What each profile adds to the figures of its tenant, and models of how customers buy.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, figures::tenant_of};
use crate::ids::{ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("contributions.of", CONTRIBUTIONS),
    ("contributions.put", PUT_CONTRIBUTIONS),
    ("contributions.delete", DELETE_CONTRIBUTIONS),
    ("contributions.after", AFTER),
    ("contributions.ordered", ORDERED),
    ("contributions.answered", ANSWERED),
    ("value_models.days", LATEST_MODELS),
    ("value_models.latest", LATEST_MODEL),
    ("value_models.put", PUT_MODEL),
];

const CONTRIBUTIONS: &str = "
SELECT profile_id, version, body FROM contributions WHERE tenant = $1 AND profile_id = ANY($2)";

const PUT_CONTRIBUTIONS: &str = "
INSERT INTO contributions (tenant, profile_id, version, order_days, answered, body)
SELECT $1, profile_id, version, order_days, answered, body
FROM unnest($2::uuid[], $3::bigint[], $4::integer[], $5::boolean[], $6::bytea[])
    AS given (profile_id, version, order_days, answered, body)
ON CONFLICT (tenant, profile_id) DO UPDATE
SET version = excluded.version,
    order_days = excluded.order_days,
    answered = excluded.answered,
    body = excluded.body";

const DELETE_CONTRIBUTIONS: &str = "
DELETE FROM contributions WHERE tenant = $1 AND profile_id = ANY($2)";

const AFTER: &str = "
SELECT profile_id, version, body
FROM contributions
WHERE tenant = $1 AND profile_id > $2
ORDER BY profile_id
LIMIT $3";

// In an order that has nothing to do with when a customer came.
const ORDERED: &str = "
SELECT body
FROM contributions
WHERE tenant = $1 AND order_days IS NOT NULL
ORDER BY hashtextextended(profile_id::text, 0), profile_id
LIMIT $2";

// By the index, from the profile that was made last: this is asked for by callers.
const ANSWERED: &str = "
SELECT body
FROM contributions
WHERE tenant = $1 AND answered
ORDER BY profile_id DESC
LIMIT $2";

const LATEST_MODELS: &str = "
SELECT listed.tenant, listed.time_zone, latest.day
FROM tenants AS listed
LEFT JOIN LATERAL (
    SELECT model.day
    FROM value_models AS model
    WHERE model.tenant = listed.tenant
    ORDER BY model.day DESC
    LIMIT 1
) AS latest ON true";

const LATEST_MODEL: &str = "
SELECT body FROM value_models WHERE tenant = $1 ORDER BY day DESC LIMIT 1";

const PUT_MODEL: &str = "
INSERT INTO value_models (tenant, day, body) VALUES ($1, $2, $3)
ON CONFLICT (tenant, day) DO NOTHING";

/// A stored contribution.
#[derive(Clone, Debug)]
pub struct Contributed {
    /// Whose.
    pub profile: ProfileId,
    /// At which version.
    pub version: i64,
    /// What it adds, encoded.
    pub body: Vec<u8>,
}

/// A contribution to store.
#[derive(Clone, Debug)]
pub struct Contributing {
    /// Whose, at which version, and what.
    pub contributed: Contributed,
    /// Days with orders, when there are any.
    pub order_days: Option<i32>,
    /// Whether surveys were answered.
    pub answered: bool,
}

fn ids(profiles: &[ProfileId]) -> Vec<Uuid> {
    profiles.iter().map(|id| id.as_uuid()).collect()
}

type Row = (Uuid, i64, Vec<u8>);

fn contributed((profile, version, body): Row) -> Contributed {
    Contributed {
        profile: ProfileId::from_uuid(profile),
        version,
        body,
    }
}

/// What some profiles add.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.of", skip_all, fields(rows = profiles.len()))]
pub async fn of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profiles: &[ProfileId],
) -> Result<Vec<Contributed>> {
    let rows: Vec<Row> = sqlx::query_as(CONTRIBUTIONS)
        .bind(tenant.as_str())
        .bind(ids(profiles))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(contributed).collect())
}

/// What the profiles after one add, in their order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.after", skip_all)]
pub async fn after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: ProfileId,
    page: i64,
) -> Result<Vec<Contributed>> {
    let rows: Vec<Row> = sqlx::query_as(AFTER)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(page)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(contributed).collect())
}

/// Stores contributions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.put", skip_all, fields(rows = new.len()))]
pub async fn put(
    connection: &mut PgConnection,
    tenant: &TenantId,
    new: &[Contributing],
) -> Result<()> {
    let of = |one: &Contributing| one.contributed.profile.as_uuid();
    sqlx::query(PUT_CONTRIBUTIONS)
        .bind(tenant.as_str())
        .bind(new.iter().map(of).collect::<Vec<_>>())
        .bind(
            new.iter()
                .map(|n| n.contributed.version)
                .collect::<Vec<_>>(),
        )
        .bind(new.iter().map(|n| n.order_days).collect::<Vec<_>>())
        .bind(new.iter().map(|n| n.answered).collect::<Vec<_>>())
        .bind(
            new.iter()
                .map(|n| n.contributed.body.as_slice())
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes contributions of profiles that are no more.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.delete", skip_all, fields(rows = profiles.len()))]
pub async fn delete(
    connection: &mut PgConnection,
    tenant: &TenantId,
    profiles: &[ProfileId],
) -> Result<()> {
    sqlx::query(DELETE_CONTRIBUTIONS)
        .bind(tenant.as_str())
        .bind(ids(profiles))
        .execute(connection)
        .await?;
    Ok(())
}

/// Contributions of customers who ordered, at most so many, in an order that tells nothing.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.ordered", skip_all)]
pub async fn who_ordered(
    connection: &mut PgConnection,
    tenant: &TenantId,
    most: i64,
) -> Result<Vec<Vec<u8>>> {
    let rows = sqlx::query_scalar(ORDERED)
        .bind(tenant.as_str())
        .bind(most)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// Contributions of customers who answered surveys, at most so many, of those whose profiles were made last.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.contributions.answered", skip_all)]
pub async fn who_answered(
    connection: &mut PgConnection,
    tenant: &TenantId,
    most: i64,
) -> Result<Vec<Vec<u8>>> {
    let rows = sqlx::query_scalar(ANSWERED)
        .bind(tenant.as_str())
        .bind(most)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// A tenant, its time zone, and the day of its latest model of how customers buy, if it has one.
pub type ModelDay = (TenantId, String, Option<i32>);

/// The days of the latest models of all tenants.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.value_models.days", skip_all)]
pub async fn model_days(connection: &mut PgConnection) -> Result<Vec<ModelDay>> {
    let rows: Vec<(String, String, Option<i32>)> =
        sqlx::query_as(LATEST_MODELS).fetch_all(connection).await?;
    rows.into_iter()
        .map(|(tenant, zone, day)| Ok((tenant_of(&tenant)?, zone, day)))
        .collect()
}

/// The latest model of a tenant, if it has one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.value_models.latest", skip_all)]
pub async fn latest_model(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<Option<Vec<u8>>> {
    let body = sqlx::query_scalar(LATEST_MODEL)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(body)
}

/// Stores the model of a day, unless there is one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.value_models.put", skip_all)]
pub async fn put_model(
    connection: &mut PgConnection,
    tenant: &TenantId,
    day: i32,
    body: &[u8],
) -> Result<()> {
    sqlx::query(PUT_MODEL)
        .bind(tenant.as_str())
        .bind(day)
        .bind(body)
        .execute(connection)
        .await?;
    Ok(())
}
