//! What operators' decisions in force say of identifiers: assertions, stored under each end, and sides of separations.
//!
//! They are there even while no interaction speaks of the identifier, and derived from `decisions`; `verify` derives them
//! again.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Error, Result, identities::uuids, stored_time};
use crate::{
    clock::Micros,
    identity::{Side, resolve::Assertion},
    ids::{DecisionId, IdentityKey, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("assertions.of", ASSERTIONS_OF),
    ("assertions.after", ASSERTIONS_AFTER),
    ("sides.after", SIDES_AFTER),
    ("assertions.insert", INSERT_ASSERTIONS),
    ("assertions.delete", DELETE_ASSERTIONS),
    ("sides.of", SIDES_OF),
    ("sides.insert", INSERT_SIDES),
    ("sides.delete", DELETE_SIDES),
];

const ASSERTIONS_OF: &str = "
SELECT identity_key, other_key, decision_id, made_at
FROM assertions
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])";

const ASSERTIONS_AFTER: &str = "
SELECT identity_key, other_key, decision_id, made_at
FROM assertions
WHERE tenant = $1 AND (identity_key, other_key, decision_id) > ($2, $3, $4)
ORDER BY identity_key, other_key, decision_id
LIMIT $5";

const INSERT_ASSERTIONS: &str = "
INSERT INTO assertions (tenant, identity_key, other_key, decision_id, made_at)
SELECT $1, identity_key, other_key, $4, $5
FROM unnest($2::uuid[], $3::uuid[]) AS given (identity_key, other_key)
ON CONFLICT DO NOTHING";

const DELETE_ASSERTIONS: &str = "
DELETE FROM assertions
WHERE tenant = $1 AND decision_id = $2";

const SIDES_OF: &str = "
SELECT identity_key, decision_id, side
FROM sides
WHERE tenant = $1 AND identity_key = ANY($2::uuid[])
ORDER BY identity_key, decision_id";

const SIDES_AFTER: &str = "
SELECT identity_key, decision_id, side
FROM sides
WHERE tenant = $1 AND (identity_key, decision_id) > ($2, $3)
ORDER BY identity_key, decision_id
LIMIT $4";

const INSERT_SIDES: &str = "
INSERT INTO sides (tenant, identity_key, decision_id, side)
SELECT $1, identity_key, $3, $4
FROM unnest($2::uuid[]) AS given (identity_key)
ON CONFLICT DO NOTHING";

const DELETE_SIDES: &str = "
DELETE FROM sides
WHERE tenant = $1 AND decision_id = $2";

/// Which side an identifier is on.
pub type OfSide = (IdentityKey, DecisionId, Side);

/// The assertions at some identifiers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.assertions.of", skip_all, fields(rows = keys.len()))]
pub async fn assertions_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<Assertion>> {
    let rows: Vec<AssertionRow> = sqlx::query_as(ASSERTIONS_OF)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(assertion).collect())
}

type AssertionRow = (Uuid, Uuid, Uuid, DateTime<Utc>);

fn assertion((key, other, decision, made_at): AssertionRow) -> Assertion {
    Assertion {
        key: IdentityKey::from_uuid(key),
        other: IdentityKey::from_uuid(other),
        made_at: Micros::from_datetime(made_at),
        decision: DecisionId::from_uuid(decision),
    }
}

/// The assertions after a point, in the order of their keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.assertions.after", skip_all)]
pub async fn assertions_after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: Option<(IdentityKey, IdentityKey, DecisionId)>,
    limit: i64,
) -> Result<Vec<Assertion>> {
    let (key, other, decision) = last.map_or((Uuid::nil(), Uuid::nil(), Uuid::nil()), |last| {
        (last.0.as_uuid(), last.1.as_uuid(), last.2.as_uuid())
    });
    let rows: Vec<AssertionRow> = sqlx::query_as(ASSERTIONS_AFTER)
        .bind(tenant.as_str())
        .bind(key)
        .bind(other)
        .bind(decision)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(assertion).collect())
}

/// The sides after a point, in the order of their keys.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.sides.after", skip_all)]
pub async fn sides_after(
    connection: &mut PgConnection,
    tenant: &TenantId,
    last: Option<(IdentityKey, DecisionId)>,
    limit: i64,
) -> Result<Vec<OfSide>> {
    let (key, decision) = last.map_or((Uuid::nil(), Uuid::nil()), |last| {
        (last.0.as_uuid(), last.1.as_uuid())
    });
    let rows: Vec<SideRow> = sqlx::query_as(SIDES_AFTER)
        .bind(tenant.as_str())
        .bind(key)
        .bind(decision)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(of_side).collect()
}

/// Brings the assertions of a decision into force.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.assertions.insert", skip_all, fields(rows = ends.len()))]
pub async fn assert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (decision, made_at): (DecisionId, Micros),
    ends: &[(IdentityKey, IdentityKey)],
) -> Result<()> {
    let both = || ends.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
    sqlx::query(INSERT_ASSERTIONS)
        .bind(tenant.as_str())
        .bind(both().map(|(a, _)| a.as_uuid()).collect::<Vec<_>>())
        .bind(both().map(|(_, b)| b.as_uuid()).collect::<Vec<_>>())
        .bind(decision.as_uuid())
        .bind(stored_time(made_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The sides of some identifiers.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.sides.of", skip_all, fields(rows = keys.len()))]
pub async fn sides_of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[IdentityKey],
) -> Result<Vec<OfSide>> {
    let rows: Vec<SideRow> = sqlx::query_as(SIDES_OF)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(of_side).collect()
}

type SideRow = (Uuid, Uuid, i16);

fn of_side((key, decision, side): SideRow) -> Result<OfSide> {
    let side = match side {
        1 => Side::Chosen,
        2 => Side::Rest,
        _ => return Err(Error::corrupt("side of a separation", "it is neither")),
    };
    Ok((
        IdentityKey::from_uuid(key),
        DecisionId::from_uuid(decision),
        side,
    ))
}

/// Brings a side of a separation into force.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.sides.insert", skip_all, fields(rows = keys.len()))]
pub async fn take_side(
    connection: &mut PgConnection,
    tenant: &TenantId,
    decision: DecisionId,
    keys: &[IdentityKey],
    side: Side,
) -> Result<()> {
    sqlx::query(INSERT_SIDES)
        .bind(tenant.as_str())
        .bind(uuids(keys))
        .bind(decision.as_uuid())
        .bind(i16::from(side.bit()))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes everything that a decision says out of force.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.decided.revoke", skip_all)]
pub async fn revoke(
    connection: &mut PgConnection,
    tenant: &TenantId,
    decision: DecisionId,
) -> Result<()> {
    for statement in [DELETE_ASSERTIONS, DELETE_SIDES] {
        sqlx::query(statement)
            .bind(tenant.as_str())
            .bind(decision.as_uuid())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
