//! Interactions, under their anchors.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, stored_time};
use crate::{
    clock::Micros,
    ids::{IdentityKey, InteractionId, TenantId},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("interactions.insert", INSERT),
    ("interactions.retract", RETRACT),
    ("interactions.of_anchors", OF_ANCHORS),
    ("interactions.in_key_range", IN_KEY_RANGE),
    ("interactions.page", PAGE),
    ("interactions.load", LOAD),
    ("interactions.of_links", OF_LINKS),
];

// The identity keys of an interaction are of different number, which an array of arrays cannot be: they come as bytes.
const INSERT: &str = "
INSERT INTO interactions (tenant, anchor, occurred_at, interaction_id, identity_keys, body)
SELECT $1, anchor, occurred_at, interaction_id, identity_keys::uuid[], body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::text[], $6::bytea[])
    AS given (anchor, occurred_at, interaction_id, identity_keys, body)";

const RETRACT: &str = "
UPDATE interactions AS stored
SET retracted_by = $5
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS given (anchor, occurred_at, interaction_id)
WHERE stored.tenant = $1
    AND stored.anchor = given.anchor
    AND stored.occurred_at = given.occurred_at
    AND stored.interaction_id = given.interaction_id
    AND stored.occurred_at BETWEEN $6 AND $7";

const OF_ANCHORS: &str = "
SELECT anchor, occurred_at, interaction_id, identity_keys, recorded_at, body
FROM interactions
WHERE tenant = $1
    AND anchor = ANY($2::uuid[])
    AND occurred_at BETWEEN $3 AND $4
    AND retracted_by IS NULL
ORDER BY anchor";

const IN_KEY_RANGE: &str = "
SELECT anchor, occurred_at, interaction_id, identity_keys, recorded_at, body
FROM interactions
WHERE tenant = $1 AND anchor > $2 AND anchor <= $3 AND retracted_by IS NULL
ORDER BY anchor";

// The newest few of each anchor before a point, keys only: the page is chosen from them, and bodies are loaded for it.
const PAGE: &str = "
SELECT newest.anchor, newest.occurred_at, newest.interaction_id
FROM unnest($2::uuid[]) AS wanted (anchor)
CROSS JOIN LATERAL (
    SELECT stored.anchor, stored.occurred_at, stored.interaction_id
    FROM interactions AS stored
    WHERE stored.tenant = $1
        AND stored.anchor = wanted.anchor
        AND stored.occurred_at >= $3
        AND stored.occurred_at <= $4
        AND (stored.occurred_at, stored.interaction_id) < ($4, $5)
        AND stored.retracted_by IS NULL
    ORDER BY stored.occurred_at DESC, stored.interaction_id DESC
    LIMIT $6
) AS newest";

const LOAD: &str = "
SELECT stored.anchor, stored.occurred_at, stored.interaction_id, stored.identity_keys, stored.recorded_at, stored.body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS given (anchor, occurred_at, interaction_id)
JOIN interactions AS stored
    ON stored.tenant = $1
    AND stored.anchor = given.anchor
    AND stored.occurred_at = given.occurred_at
    AND stored.interaction_id = given.interaction_id
WHERE stored.occurred_at BETWEEN $5 AND $6 AND stored.retracted_by IS NULL";

// One interaction of an anchor at an instant that carries another key too.
const OF_LINKS: &str = "
SELECT one.anchor, one.occurred_at, one.interaction_id, one.identity_keys, one.recorded_at, one.body
FROM unnest($2::uuid[], $3::uuid[], $4::timestamptz[]) AS wanted (anchor, other, occurred_at)
CROSS JOIN LATERAL (
    SELECT stored.anchor, stored.occurred_at, stored.interaction_id, stored.identity_keys, stored.recorded_at, stored.body
    FROM interactions AS stored
    WHERE stored.tenant = $1
        AND stored.anchor = wanted.anchor
        AND stored.occurred_at = wanted.occurred_at
        AND stored.occurred_at BETWEEN $5 AND $6
        AND wanted.other = ANY(stored.identity_keys)
        AND stored.retracted_by IS NULL
    ORDER BY stored.interaction_id
    LIMIT 1
) AS one";

/// Where an interaction lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// When it occurred.
    pub occurred_at: Micros,
    /// Its id.
    pub id: InteractionId,
    /// Its anchor.
    pub anchor: IdentityKey,
}

/// An interaction to store.
#[derive(Debug)]
pub struct New {
    /// Where.
    pub place: Place,
    /// Keys of its identifiers, anchor first.
    pub keys: Vec<IdentityKey>,
    /// Its content.
    pub body: Bytes,
}

/// A stored interaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// Where.
    pub place: Place,
    /// Keys of its identifiers, anchor first.
    pub keys: Vec<IdentityKey>,
    /// When it was recorded.
    pub recorded_at: Micros,
    /// Its content.
    pub body: Vec<u8>,
}

pub(super) type Row = (Uuid, DateTime<Utc>, Uuid, Vec<Uuid>, DateTime<Utc>, Vec<u8>);

impl From<Row> for Stored {
    fn from((anchor, occurred_at, id, keys, recorded_at, body): Row) -> Self {
        Self {
            place: Place {
                occurred_at: Micros::from_datetime(occurred_at),
                id: InteractionId::from_uuid(id),
                anchor: IdentityKey::from_uuid(anchor),
            },
            keys: keys.into_iter().map(IdentityKey::from_uuid).collect(),
            recorded_at: Micros::from_datetime(recorded_at),
            body,
        }
    }
}

/// Parts of places, as arrays to bind.
pub(super) fn columns(places: &[Place]) -> (Vec<Uuid>, Vec<DateTime<Utc>>, Vec<Uuid>) {
    (
        places.iter().map(|p| p.anchor.as_uuid()).collect(),
        places.iter().map(|p| stored_time(p.occurred_at)).collect(),
        places.iter().map(|p| p.id.as_uuid()).collect(),
    )
}

/// The range of time that places span, which keeps a statement to the partitions it needs.
pub(super) fn span(places: &[Place]) -> (DateTime<Utc>, DateTime<Utc>) {
    let times = || places.iter().map(|p| p.occurred_at);
    (
        stored_time(times().min().unwrap_or_default()),
        stored_time(times().max().unwrap_or_default()),
    )
}

/// The literal of an array of keys.
fn array_literal(keys: &[IdentityKey]) -> String {
    let mut text = String::with_capacity(keys.len() * 37 + 2);
    text.push('{');
    for (n, key) in keys.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        text.push_str(
            key.as_uuid()
                .hyphenated()
                .encode_lower(&mut Uuid::encode_buffer()),
        );
    }
    text.push('}');
    text
}

/// Stores new interactions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.insert", skip_all, fields(rows = new.len()))]
pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: &[New]) -> Result<()> {
    let places: Vec<Place> = new.iter().map(|n| n.place).collect();
    let (anchors, times, ids) = columns(&places);
    sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(
            new.iter()
                .map(|n| array_literal(&n.keys))
                .collect::<Vec<_>>(),
        )
        .bind(new.iter().map(|n| &n.body[..]).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Marks interactions as retracted.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.retract", skip_all, fields(rows = places.len()))]
pub async fn retract(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
    operation: &str,
) -> Result<u64> {
    let (anchors, times, ids) = columns(places);
    let (first, last) = span(places);
    let done = sqlx::query(RETRACT)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(operation)
        .bind(first)
        .bind(last)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// The interactions of some anchors that occurred from the first time to the last, by anchor.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.of_anchors", skip_all, fields(anchors = anchors.len()))]
pub async fn of_anchors(
    connection: &mut PgConnection,
    tenant: &TenantId,
    anchors: &[IdentityKey],
    (first, last): (Micros, Micros),
) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = sqlx::query_as(OF_ANCHORS)
        .bind(tenant.as_str())
        .bind(anchors.iter().map(|a| a.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(first))
        .bind(stored_time(last))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// All interactions whose anchor is after the first key and not after the last, by anchor.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.in_key_range", skip_all)]
pub async fn in_key_range(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: IdentityKey,
    until: IdentityKey,
) -> Result<Vec<Stored>> {
    let rows: Vec<Row> = sqlx::query_as(IN_KEY_RANGE)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(until.as_uuid())
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// Before which point and from when on a page is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Not before this time.
    pub from: Micros,
    /// Before this point, by (occurred-at, id).
    pub before: (Micros, InteractionId),
}

/// The newest interactions of each anchor within a window, at most `each` of one.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.page", skip_all, fields(anchors = anchors.len(), each))]
pub async fn page(
    connection: &mut PgConnection,
    tenant: &TenantId,
    anchors: &[IdentityKey],
    window: Window,
    each: i64,
) -> Result<Vec<Place>> {
    let rows: Vec<(Uuid, DateTime<Utc>, Uuid)> = sqlx::query_as(PAGE)
        .bind(tenant.as_str())
        .bind(anchors.iter().map(|a| a.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(window.from))
        .bind(stored_time(window.before.0))
        .bind(window.before.1.as_uuid())
        .bind(each)
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(anchor, occurred_at, id)| Place {
            occurred_at: Micros::from_datetime(occurred_at),
            id: InteractionId::from_uuid(id),
            anchor: IdentityKey::from_uuid(anchor),
        })
        .collect())
}

/// Loads interactions by their places; those that are retracted are left out.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.load", skip_all, fields(rows = places.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
) -> Result<Vec<Stored>> {
    let (anchors, times, ids) = columns(places);
    let (first, last) = span(places);
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(first)
        .bind(last)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}

/// An interaction that gave a link: its anchor, the other end, and when it occurred.
pub type OfLink = (IdentityKey, IdentityKey, Micros);

/// For each of some links one interaction that carried both ends at the given instant; those that there are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.interactions.of_links", skip_all, fields(rows = wanted.len()))]
pub async fn of_links(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[OfLink],
) -> Result<Vec<Stored>> {
    let times = || wanted.iter().map(|(_, _, at)| *at);
    let rows: Vec<Row> = sqlx::query_as(OF_LINKS)
        .bind(tenant.as_str())
        .bind(
            wanted
                .iter()
                .map(|(a, _, _)| a.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(
            wanted
                .iter()
                .map(|(_, o, _)| o.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(times().map(stored_time).collect::<Vec<_>>())
        .bind(stored_time(times().min().unwrap_or_default()))
        .bind(stored_time(times().max().unwrap_or_default()))
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Stored::from).collect())
}
