//! Analyses of texts, beside their interactions.
//!
//! What must stay true: a row never changes and none goes; whoever adds one to an interaction that is recorded folds its
//! anchor anew in the same transaction, under the locks of whoever writes that state.

use std::collections::HashMap;

use prost::Message as _;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Error, Result,
    interactions::{Place, columns, span},
    past::Then,
    stored_time,
};
use crate::{
    clock::Micros,
    ids::{IdentityKey, InteractionId, TenantId},
    proto::v1::{Analysis, AnalysisMethod},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("analyses.insert", INSERT),
    ("analyses.of_anchors", OF_ANCHORS),
    ("analyses.in_key_range", IN_KEY_RANGE),
    ("analyses.load", LOAD),
    ("analyses.then", THEN),
];

const INSERT: &str = "
INSERT INTO analyses (tenant, anchor, occurred_at, interaction_id, method, version, body)
SELECT $1, anchor, occurred_at, interaction_id, method, version, body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[], $5::smallint[], $6::integer[], $7::bytea[])
    AS given (anchor, occurred_at, interaction_id, method, version, body)
ON CONFLICT DO NOTHING";

// Of each method the newest version, which is all that counts.
const OF_ANCHORS: &str = "
SELECT DISTINCT ON (anchor, occurred_at, interaction_id, method) interaction_id, body
FROM analyses
WHERE tenant = $1
    AND anchor = ANY($2::uuid[])
    AND occurred_at BETWEEN $3 AND $4
ORDER BY anchor, occurred_at, interaction_id, method, version DESC";

const IN_KEY_RANGE: &str = "
SELECT DISTINCT ON (anchor, occurred_at, interaction_id, method) interaction_id, body
FROM analyses
WHERE tenant = $1 AND anchor > $2 AND anchor <= $3
ORDER BY anchor, occurred_at, interaction_id, method, version DESC";

// All versions: whoever looks at an interaction sees what was ever made of it.
const LOAD: &str = "
SELECT stored.interaction_id, stored.body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS given (anchor, occurred_at, interaction_id)
JOIN analyses AS stored
    ON stored.tenant = $1
    AND stored.anchor = given.anchor
    AND stored.occurred_at = given.occurred_at
    AND stored.interaction_id = given.interaction_id
WHERE stored.occurred_at BETWEEN $5 AND $6
ORDER BY stored.interaction_id, stored.method, stored.version DESC";

// As OF_ANCHORS, of what was known at a time.
const THEN: &str = "
SELECT DISTINCT ON (stored.anchor, stored.occurred_at, stored.interaction_id, stored.method) stored.interaction_id, stored.body
FROM unnest($2::uuid[], $3::timestamptz[], $4::uuid[]) AS given (anchor, occurred_at, interaction_id)
JOIN analyses AS stored
    ON stored.tenant = $1
    AND stored.anchor = given.anchor
    AND stored.occurred_at = given.occurred_at
    AND stored.interaction_id = given.interaction_id
WHERE stored.occurred_at BETWEEN $5 AND $6 AND stored.recorded_at <= $7
ORDER BY stored.anchor, stored.occurred_at, stored.interaction_id, stored.method, stored.version DESC";

/// An analysis to store.
#[derive(Debug)]
pub struct New {
    /// Of which interaction.
    pub place: Place,
    /// By which method, as the protocol numbers them.
    pub method: i16,
    /// By which version of its model.
    pub version: i32,
    /// The message, encoded.
    pub body: Vec<u8>,
}

impl New {
    /// An analysis of an interaction.
    #[must_use]
    pub fn of(place: Place, analysis: &Analysis) -> Self {
        Self {
            place,
            method: code(analysis.method()),
            version: i32::try_from(analysis.model_version).unwrap_or(i32::MAX),
            body: analysis.encode_to_vec(),
        }
    }
}

/// A method as it is stored: as the protocol numbers it.
#[must_use]
pub fn code(method: AnalysisMethod) -> i16 {
    i16::try_from(i32::from(method)).unwrap_or_default()
}

/// Analyses by interaction.
#[derive(Debug, Default)]
pub struct Analyses(HashMap<InteractionId, Vec<Analysis>>);

impl Analyses {
    fn read(rows: Vec<(Uuid, Vec<u8>)>) -> Result<Self> {
        let mut read = Self::default();
        for (id, body) in rows {
            let analysis =
                Analysis::decode(body.as_slice()).map_err(|e| Error::corrupt("analysis", e))?;
            let of_one = read.0.entry(InteractionId::from_uuid(id)).or_default();
            of_one.push(analysis);
        }
        Ok(read)
    }

    /// Those of an interaction.
    #[must_use]
    pub fn of(&self, id: InteractionId) -> &[Analysis] {
        self.0.get(&id).map_or(&[], Vec::as_slice)
    }
}

/// Stores analyses; those that are stored stay as they are.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.analyses.insert", skip_all, fields(rows = new.len()))]
pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: &[&New]) -> Result<u64> {
    let places: Vec<Place> = new.iter().map(|n| n.place).collect();
    let (anchors, times, ids) = columns(&places);
    let done = sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(new.iter().map(|n| n.method).collect::<Vec<_>>())
        .bind(new.iter().map(|n| n.version).collect::<Vec<_>>())
        .bind(new.iter().map(|n| n.body.as_slice()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// What counts of the analyses of some anchors' interactions that occurred from the first time to the last.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.analyses.of_anchors", skip_all, fields(anchors = anchors.len()))]
pub async fn of_anchors(
    connection: &mut PgConnection,
    tenant: &TenantId,
    anchors: &[IdentityKey],
    (first, last): (Micros, Micros),
) -> Result<Analyses> {
    let rows = sqlx::query_as(OF_ANCHORS)
        .bind(tenant.as_str())
        .bind(anchors.iter().map(|a| a.as_uuid()).collect::<Vec<_>>())
        .bind(stored_time(first))
        .bind(stored_time(last))
        .fetch_all(connection)
        .await?;
    Analyses::read(rows)
}

/// What counts of the analyses of all interactions whose anchor is after the first key and not after the last.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.analyses.in_key_range", skip_all)]
pub async fn in_key_range(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: IdentityKey,
    until: IdentityKey,
) -> Result<Analyses> {
    let rows = sqlx::query_as(IN_KEY_RANGE)
        .bind(tenant.as_str())
        .bind(after.as_uuid())
        .bind(until.as_uuid())
        .fetch_all(connection)
        .await?;
    Analyses::read(rows)
}

/// Every analysis of some interactions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.analyses.load", skip_all, fields(rows = places.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
) -> Result<Analyses> {
    let (anchors, times, ids) = columns(places);
    let (first, last) = span(places);
    let rows = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(first)
        .bind(last)
        .fetch_all(connection)
        .await?;
    Analyses::read(rows)
}

/// What counted of the analyses of some interactions by what was known at a time.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.analyses.then", skip_all, fields(rows = places.len()))]
pub async fn then(
    connection: &mut PgConnection,
    tenant: &TenantId,
    places: &[Place],
    then: Then,
) -> Result<Analyses> {
    let (anchors, times, ids) = columns(places);
    let (first, last) = span(places);
    let rows = sqlx::query_as(THEN)
        .bind(tenant.as_str())
        .bind(anchors)
        .bind(times)
        .bind(ids)
        .bind(first)
        .bind(last)
        .bind(stored_time(then.known))
        .fetch_all(connection)
        .await?;
    Analyses::read(rows)
}
