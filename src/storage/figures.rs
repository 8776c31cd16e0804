//! Figures of whole populations: the sums, and how far is counted.
//!
//! What must stay true: a sum changes only in the transaction that changes the contributions it is made of, and only under
//! the lock of the one row that says how far is counted. So whoever counts, and however often a process dies, every profile is
//! in the sums once.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Error, Result, stored_time};
use crate::{
    clock::Micros,
    ids::{ProfileId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("figures.counted", COUNTED),
    ("figures.hold", HOLD),
    ("figures.changed", CHANGED),
    ("figures.waiting_since", WAITING_SINCE),
    ("figures.walk", WALK),
    ("figures.advance", ADVANCE),
    ("figures.sums", SUMS),
    ("figures.range", RANGE),
    ("figures.put", PUT),
];

const COUNTED: &str = "
SELECT counted_to FROM figures_counted";

const HOLD: &str = "
SELECT position, walking, walked_tenant, walked_profile
FROM figures_counted
FOR UPDATE SKIP LOCKED";

// A page of what changed, transactions whole, no further than the oldest that is still running.
const CHANGED: &str = "
WITH seen AS (
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS running
), ending AS (
    SELECT coalesce(
        (
            SELECT later.position
            FROM outbox AS later
            WHERE later.position > $1 AND later.position < (SELECT running FROM seen)
            ORDER BY later.position
            OFFSET $2
            LIMIT 1
        ),
        (SELECT running - 1 FROM seen)
    ) AS position
)
SELECT changed.tenant, changed.profile_id, changed.position
FROM outbox AS changed
WHERE changed.position > $1 AND changed.position <= (SELECT position FROM ending)
ORDER BY changed.position";

const WAITING_SINCE: &str = "
SELECT min(written_at) FROM outbox WHERE position > $1";

const WALK: &str = "
SELECT tenant, profile_id
FROM profiles
WHERE (tenant, profile_id) > ($1, $2)
ORDER BY tenant, profile_id
LIMIT $3";

const ADVANCE: &str = "
UPDATE figures_counted
SET position = greatest(position, $1),
    walking = $2,
    walked_tenant = $3,
    walked_profile = $4,
    counted_to = CASE WHEN $2 THEN counted_to ELSE greatest(counted_to, coalesce($5, now())) END
WHERE only_row";

const SUMS: &str = "
SELECT cell, sums FROM figures WHERE tenant = $1 AND cell = ANY($2)";

const RANGE: &str = "
SELECT cell, sums FROM figures WHERE tenant = $1 AND cell >= $2 AND cell < $3 ORDER BY cell";

// Arrays of different length, which an array of arrays cannot hold, come as their literals.
const PUT: &str = "
INSERT INTO figures (tenant, cell, sums)
SELECT $1, cell, sums::bigint[]
FROM unnest($2::text[], $3::text[]) AS given (cell, sums)
ON CONFLICT (tenant, cell) DO UPDATE SET sums = excluded.sums";

/// How far is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Up to which transaction.
    pub position: i64,
    /// Up to which profile, by tenant, those that were there before; `None` when all are.
    pub walked: Option<(String, ProfileId)>,
}

/// A change that is to be counted.
#[derive(Clone, Debug)]
pub struct Changed {
    /// Whose.
    pub tenant: TenantId,
    /// Of which profile.
    pub profile: ProfileId,
    /// By which transaction.
    pub position: i64,
}

type Sums = Vec<(String, Vec<i64>)>;

pub(super) fn tenant_of(stored: &str) -> Result<TenantId> {
    TenantId::parse(stored).ok_or_else(|| Error::corrupt("tenant", "its id is none"))
}

/// Everything that was committed before this time is counted.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.counted", skip_all)]
pub async fn counted_to(connection: &mut PgConnection) -> Result<Micros> {
    let at: DateTime<Utc> = sqlx::query_scalar(COUNTED).fetch_one(connection).await?;
    Ok(Micros::from_datetime(at))
}

/// Takes the right to count until the end of the transaction; `None` when somebody else has it.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.hold", skip_all)]
pub async fn hold(connection: &mut PgConnection) -> Result<Option<Counted>> {
    let row: Option<(i64, bool, String, Uuid)> =
        sqlx::query_as(HOLD).fetch_optional(connection).await?;
    Ok(row.map(|(position, walking, tenant, profile)| Counted {
        position,
        walked: walking.then(|| (tenant, ProfileId::from_uuid(profile))),
    }))
}

/// What changed after a transaction, about `page` changes.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.changed", skip_all)]
pub async fn changed(
    connection: &mut PgConnection,
    position: i64,
    page: i64,
) -> Result<Vec<Changed>> {
    let rows: Vec<(String, Uuid, i64)> = sqlx::query_as(CHANGED)
        .bind(position)
        .bind(page)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|(tenant, profile, position)| {
            Ok(Changed {
                tenant: tenant_of(&tenant)?,
                profile: ProfileId::from_uuid(profile),
                position,
            })
        })
        .collect()
}

/// When the oldest transaction began of those after a position that have ended; `None` when there is none. Whatever ended
/// before that time is not after the position.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.waiting_since", skip_all)]
pub async fn waiting_since(connection: &mut PgConnection, position: i64) -> Result<Option<Micros>> {
    let at: Option<DateTime<Utc>> = sqlx::query_scalar(WAITING_SINCE)
        .bind(position)
        .fetch_one(connection)
        .await?;
    Ok(at.map(Micros::from_datetime))
}

/// The profiles of all tenants after one, in their order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.walk", skip_all)]
pub async fn walk(
    connection: &mut PgConnection,
    after: &(String, ProfileId),
    page: i64,
) -> Result<Vec<(TenantId, ProfileId)>> {
    let rows: Vec<(String, Uuid)> = sqlx::query_as(WALK)
        .bind(&after.0)
        .bind(after.1.as_uuid())
        .bind(page)
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|(tenant, profile)| Ok((tenant_of(&tenant)?, ProfileId::from_uuid(profile))))
        .collect()
}

/// Says how far is counted; `counted_to` is now when nothing is left.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.advance", skip_all)]
pub async fn advance(
    connection: &mut PgConnection,
    counted: &Counted,
    counted_to: Option<Micros>,
) -> Result<()> {
    let walked = counted.walked.as_ref();
    sqlx::query(ADVANCE)
        .bind(counted.position)
        .bind(walked.is_some())
        .bind(walked.map_or("", |(tenant, _)| tenant))
        .bind(walked.map_or(Uuid::nil(), |(_, profile)| profile.as_uuid()))
        .bind(counted_to.map(stored_time))
        .execute(connection)
        .await?;
    Ok(())
}

/// The sums of some cells.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.sums", skip_all, fields(rows = cells.len()))]
pub async fn sums(
    connection: &mut PgConnection,
    tenant: &TenantId,
    cells: &[String],
) -> Result<Sums> {
    let rows = sqlx::query_as(SUMS)
        .bind(tenant.as_str())
        .bind(cells)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// The sums of the cells from a name on, before another.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.range", skip_all)]
pub async fn range(
    connection: &mut PgConnection,
    tenant: &TenantId,
    from: &str,
    before: &str,
) -> Result<Sums> {
    let rows = sqlx::query_as(RANGE)
        .bind(tenant.as_str())
        .bind(from)
        .bind(before)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// Stores sums.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.figures.put", skip_all, fields(rows = sums.len()))]
pub async fn put(
    connection: &mut PgConnection,
    tenant: &TenantId,
    sums: &[(String, Vec<i64>)],
) -> Result<()> {
    let literal = |sums: &[i64]| {
        let numbers: Vec<String> = sums.iter().map(i64::to_string).collect();
        format!("{{{}}}", numbers.join(","))
    };
    sqlx::query(PUT)
        .bind(tenant.as_str())
        .bind(
            sums.iter()
                .map(|(cell, _)| cell.as_str())
                .collect::<Vec<_>>(),
        )
        .bind(sums.iter().map(|(_, s)| literal(s)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
