//! What was there at some time: links and interactions as they occurred by then, or as they were known by then.
//!
//! What was retracted is left out whenever that was: it was never true.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Result,
    interactions::{Row, Stored},
    stored_time,
};
use crate::{
    clock::Micros,
    identity::Link,
    ids::{IdentityKey, InteractionId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("links.then", LINKS),
    ("interactions.given", GIVEN),
    ("interactions.then", INTERACTIONS),
];

const LINKS: &str = "
SELECT page.identity_key, page.other_key, page.anchored, page.first_seen, page.last_seen, page.seen
FROM unnest($2::uuid[], $3::uuid[]) AS wanted (identity_key, after)
CROSS JOIN LATERAL (
    SELECT *
    FROM links AS stored
    WHERE stored.tenant = $1
        AND stored.identity_key = wanted.identity_key
        AND stored.other_key > wanted.after
        AND stored.first_seen <= $4
    ORDER BY stored.other_key
    LIMIT $5
) AS page";

// What the interactions of an anchor give: of each of their keys, the anchor's among them, how often and when it came.
const GIVEN: &str = "
SELECT wanted.anchor, given.other, given.first_seen, given.last_seen, given.seen
FROM unnest($2::uuid[]) AS wanted (anchor)
CROSS JOIN LATERAL (
    SELECT carried.other, min(found.occurred_at) AS first_seen, max(found.occurred_at) AS last_seen, count(*) AS seen
    FROM (
        SELECT stored.occurred_at, stored.identity_keys
        FROM interactions AS stored
        WHERE stored.tenant = $1
            AND stored.anchor = wanted.anchor
            AND stored.occurred_at <= $3
            AND stored.recorded_at <= $4
            AND stored.retracted_by IS NULL
        LIMIT $5
    ) AS found
    CROSS JOIN LATERAL unnest(found.identity_keys) AS carried (other)
    GROUP BY carried.other
) AS given";

const INTERACTIONS: &str = "
SELECT page.anchor, page.occurred_at, page.interaction_id, page.identity_keys, page.recorded_at, page.body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS wanted (anchor, occurred_at, interaction_id)
CROSS JOIN LATERAL (
    SELECT stored.anchor, stored.occurred_at, stored.interaction_id, stored.identity_keys, stored.recorded_at, stored.body
    FROM interactions AS stored
    WHERE stored.tenant = $1
        AND stored.anchor = wanted.anchor
        AND (stored.occurred_at, stored.interaction_id) > (wanted.occurred_at, wanted.interaction_id)
        AND stored.occurred_at <= $5
        AND stored.recorded_at <= $6
        AND stored.retracted_by IS NULL
    ORDER BY stored.occurred_at, stored.interaction_id
    LIMIT $7
) AS page";

/// A time in the past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Then {
    /// What occurred later is left out.
    pub occurred: Micros,
    /// What was recorded later is left out.
    pub known: Micros,
}

/// Later than anything.
pub const EVER: Micros = Micros(253_402_300_799_999_999);

type GivenRow = (Uuid, Uuid, DateTime<Utc>, DateTime<Utc>, i64);

/// Where a page of something that each of several identifiers has begins: after this key.
pub type After = (IdentityKey, IdentityKey);

type LinkRow = (Uuid, Uuid, bool, DateTime<Utc>, DateTime<Utc>, i64);

/// The links of some identifiers that were first seen by then, each identifier's after a key, at most `each` of one. They are
/// as they are now.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.links.then", skip_all, fields(rows = after.len()))]
pub async fn links(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: &[After],
    then: Then,
    each: i64,
) -> Result<Vec<Link>> {
    let rows: Vec<LinkRow> = sqlx::query_as(LINKS)
        .bind(tenant.as_str())
        .bind(after.iter().map(|(k, _)| k.as_uuid()).collect::<Vec<_>>())
        .bind(after.iter().map(|(_, o)| o.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(then.occurred))
        .bind(each)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(key, other, anchored, first, last, seen)| Link {
            key: IdentityKey::from_uuid(key),
            other: IdentityKey::from_uuid(other),
            anchored,
            first_seen: Micros::from_datetime(first),
            last_seen: Micros::from_datetime(last),
            seen,
        })
        .collect())
}

/// What the interactions of some anchors gave by then, as links of the anchor: of each key that they carried. That of the
/// anchor itself says how many there were and when. At most `each` interactions of an anchor are looked at.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.given", skip_all, fields(anchors = anchors.len()))]
pub async fn given(
    connection: &mut PgConnection,
    tenant: &TenantId,
    anchors: &[IdentityKey],
    then: Then,
    each: i64,
) -> Result<Vec<Link>> {
    let rows: Vec<GivenRow> = sqlx::query_as(GIVEN)
        .bind(tenant.as_str())
        .bind(anchors.iter().map(|a| a.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(then.occurred))
        .bind(stored_time(then.known))
        .bind(each)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(anchor, other, first, last, seen)| Link {
            key: IdentityKey::from_uuid(anchor),
            other: IdentityKey::from_uuid(other),
            anchored: true,
            first_seen: Micros::from_datetime(first),
            last_seen: Micros::from_datetime(last),
            seen,
        })
        .collect())
}

/// A point in the history of an anchor.
pub type Point = (IdentityKey, Micros, InteractionId);

/// The interactions of some anchors by then, oldest first, each anchor's after a point, at most `each` of one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.then", skip_all, fields(anchors = after.len()))]
pub async fn interactions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: &[Point],
    then: Then,
    each: i64,
) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = sqlx::query_as(INTERACTIONS)
        .bind(tenant.as_str())
        .bind(after.iter().map(|p| p.0.as_uuid()).collect::<Vec<_>>())
        .bind(after.iter().map(|p| stored_time(p.1)).collect::<Vec<_>>())
        .bind(after.iter().map(|p| p.2.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(then.occurred))
        .bind(stored_time(then.known))
        .bind(each)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}
