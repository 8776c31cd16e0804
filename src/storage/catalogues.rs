//! Revisions of a tenant's catalogue: the one in force, who made each, settings, segments and numbers of names.
//!
//! Whoever changes a catalogue holds its row until the commit, so revisions are numbered without gaps and each is the work of
//! one transaction. All else is added and never changed.

use sqlx::PgConnection;

use super::{Error, Result};
use crate::{
    ids::TenantId,
    next_best_action::{
        catalogue::{
            Names, Stored,
            names::{Kind, Numbered},
        },
        model::{Policy, Segment, Valid},
    },
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("catalogues.tenants", TENANTS),
    ("catalogues.revision", REVISION),
    ("catalogues.open", OPEN),
    ("catalogues.hold", HOLD),
    ("catalogues.advance", ADVANCE),
    ("catalogue_revisions.insert", INSERT_REVISION),
    ("action_policies.at", POLICY_AT),
    ("action_policies.insert", INSERT_POLICY),
    ("segments.at", SEGMENTS_AT),
    ("segments.insert", INSERT_SEGMENTS),
    ("catalogue_names.at", NAMES_AT),
    ("catalogue_names.insert", INSERT_NAMES),
];

const TENANTS: &str = "
SELECT tenant
FROM catalogues
WHERE revision > 0";

const REVISION: &str = "
SELECT revision
FROM catalogues
WHERE tenant = $1";

const OPEN: &str = "
INSERT INTO catalogues (tenant, revision)
VALUES ($1, 0)
ON CONFLICT DO NOTHING";

const HOLD: &str = "
SELECT revision
FROM catalogues
WHERE tenant = $1
FOR UPDATE";

const ADVANCE: &str = "
UPDATE catalogues
SET revision = $2
WHERE tenant = $1";

const INSERT_REVISION: &str = "
INSERT INTO catalogue_revisions (tenant, revision, operation_id, caller, reason)
VALUES ($1, $2, $3, $4, $5)";

const POLICY_AT: &str = "
SELECT body
FROM action_policies
WHERE tenant = $1 AND revision <= $2
ORDER BY revision DESC
LIMIT 1";

const INSERT_POLICY: &str = "
INSERT INTO action_policies (tenant, revision, body)
VALUES ($1, $2, $3)";

const SEGMENTS_AT: &str = "
SELECT DISTINCT ON (name) body, version
FROM segments
WHERE tenant = $1 AND revision <= $2
ORDER BY name, revision DESC";

const INSERT_SEGMENTS: &str = "
INSERT INTO segments (tenant, name, revision, version, body)
SELECT $1, name, $2, version, body
FROM unnest($3::text[], $4::integer[], $5::text[]) AS new (name, version, body)";

const NAMES_AT: &str = "
SELECT kind, name, number
FROM catalogue_names
WHERE tenant = $1 AND revision <= $2";

const INSERT_NAMES: &str = "
INSERT INTO catalogue_names (tenant, kind, name, number, revision)
SELECT $1, kind, name, number, $2
FROM unnest($3::smallint[], $4::text[], $5::integer[]) AS new (kind, name, number)";

/// The tenants that have a catalogue.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.catalogues.tenants", skip_all)]
pub async fn tenants(connection: &mut PgConnection) -> Result<Vec<TenantId>> {
    let names: Vec<String> = sqlx::query_scalar(TENANTS).fetch_all(connection).await?;
    let names = names.iter();
    Ok(names.filter_map(|name| TenantId::parse(name)).collect())
}

/// The revision in force; 0 when there is no catalogue.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.catalogues.revision", skip_all)]
pub async fn revision(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    let found: Option<i64> = sqlx::query_scalar(REVISION)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.unwrap_or_default())
}

/// The revision in force, which stays so until the transaction ends.
///
/// # Errors
/// A conflict when others hold it for too long; or when the database fails.
#[tracing::instrument(name = "db.catalogues.hold", skip_all)]
pub async fn hold(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    sqlx::query(OPEN)
        .bind(tenant.as_str())
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_scalar(HOLD)
        .bind(tenant.as_str())
        .fetch_one(connection)
        .await?)
}

/// Who makes a revision, and why.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The caller's operation id.
    pub operation: &'a str,
    /// Who.
    pub caller: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Brings a revision into force. The caller holds the catalogue.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.catalogues.advance", skip_all)]
pub async fn advance(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    made: Made<'_>,
) -> Result<()> {
    sqlx::query(ADVANCE)
        .bind(tenant.as_str())
        .bind(revision)
        .execute(&mut *connection)
        .await?;
    sqlx::query(INSERT_REVISION)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(made.operation)
        .bind(made.caller)
        .bind(made.reason)
        .execute(connection)
        .await?;
    Ok(())
}

/// The settings as they were at a revision.
///
/// # Errors
/// When the database fails or they cannot be read.
#[tracing::instrument(name = "db.action_policies.at", skip_all)]
pub async fn policy_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
) -> Result<Option<Valid<Policy>>> {
    let body: Option<String> = sqlx::query_scalar(POLICY_AT)
        .bind(tenant.as_str())
        .bind(revision)
        .fetch_optional(connection)
        .await?;
    let read = |body: String| Valid::from_text(&body);
    body.map(read)
        .transpose()
        .map_err(|error| Error::corrupt("a policy", error))
}

/// Adds settings.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_policies.insert", skip_all)]
pub async fn insert_policy(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    policy: &Valid<Policy>,
) -> Result<()> {
    sqlx::query(INSERT_POLICY)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(policy.to_text())
        .execute(connection)
        .await?;
    Ok(())
}

/// Segments as they were at a revision, each with its version, by name.
///
/// # Errors
/// When the database fails or one cannot be read.
#[tracing::instrument(name = "db.segments.at", skip_all)]
pub async fn segments_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
) -> Result<Vec<(Valid<Segment>, i32)>> {
    let rows: Vec<(String, i32)> = sqlx::query_as(SEGMENTS_AT)
        .bind(tenant.as_str())
        .bind(revision)
        .fetch_all(connection)
        .await?;
    let read = |(body, version): (String, i32)| {
        let segment = Valid::from_text(&body).map_err(|e| Error::corrupt("a segment", e))?;
        Ok((segment, version))
    };
    rows.into_iter().map(read).collect()
}

/// Adds segments with their versions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.segments.insert", skip_all)]
pub async fn insert_segments(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    segments: &[(Valid<Segment>, i32)],
) -> Result<()> {
    let names = segments
        .iter()
        .map(|(segment, _)| segment.get().name.as_str());
    let versions = segments.iter().map(|(_, version)| *version);
    sqlx::query(INSERT_SEGMENTS)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(names.collect::<Vec<_>>())
        .bind(versions.collect::<Vec<_>>())
        .bind(
            segments
                .iter()
                .map(|(s, _)| s.to_text())
                .collect::<Vec<_>>(),
        )
        .execute(connection)
        .await?;
    Ok(())
}

/// Numbers of names that were given up to a revision.
///
/// # Errors
/// When the database fails or one cannot be read.
#[tracing::instrument(name = "db.catalogue_names.at", skip_all)]
pub async fn names_at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
) -> Result<Names> {
    let rows: Vec<(i16, String, i32)> = sqlx::query_as(NAMES_AT)
        .bind(tenant.as_str())
        .bind(revision)
        .fetch_all(connection)
        .await?;
    let read = |(kind, name, number): (i16, String, i32)| {
        let kinds = [Kind::Channel, Kind::Purpose];
        let kind = kinds.into_iter().find(|k| kind_number(*k) == kind);
        let number = u16::try_from(number);
        Some(Numbered {
            kind: kind?,
            name,
            number: number.ok()?,
        })
    };
    let read: Option<Vec<Numbered>> = rows.into_iter().map(read).collect();
    let read = read.ok_or_else(|| Error::corrupt("the number of a name", "none of ours"))?;
    Ok(Names::of(read))
}

/// Adds numbers of names.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.catalogue_names.insert", skip_all)]
pub async fn insert_names(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    new: &[Numbered],
) -> Result<()> {
    let kinds = new.iter().map(|one| kind_number(one.kind));
    let numbers = new.iter().map(|one| i32::from(one.number));
    sqlx::query(INSERT_NAMES)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(kinds.collect::<Vec<_>>())
        .bind(new.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
        .bind(numbers.collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

fn kind_number(kind: Kind) -> i16 {
    match kind {
        Kind::Channel => 1,
        Kind::Purpose => 2,
    }
}
