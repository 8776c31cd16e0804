//! Versions of actions, and which of them counts since which revision of the catalogue.
//!
//! Rows are added and never changed. A text is what [`Stored`] makes of a definition; it is read
//! by the room that keeps catalogues, which reads each version once.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};

use super::{Error, Result};
use crate::{
    clock::Micros,
    ids::TenantId,
    next_best_action::{
        catalogue::{Digest, Stored, Version},
        model::{Definition, Status, Valid},
    },
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("actions.at", AT),
    ("actions.versions", VERSIONS),
    ("actions.list", LIST),
    ("actions.count", COUNT),
    ("actions.insert", INSERT),
    ("action_changes.insert", INSERT_CHANGES),
];

const AT: &str = "
SELECT DISTINCT ON (action_id) action_id, version, status
FROM action_changes
WHERE tenant = $1 AND revision <= $2
ORDER BY action_id, revision DESC";

const VERSIONS: &str = "
SELECT stored.action_id, stored.version, body, digest, caller, reason, made_at
FROM actions AS stored
JOIN unnest($2::text[], $3::integer[]) AS wanted (action_id, version)
    ON stored.action_id = wanted.action_id AND stored.version = wanted.version
WHERE stored.tenant = $1";

const LIST: &str = "
SELECT action_id, version, body, digest, caller, reason, made_at
FROM actions
WHERE tenant = $1 AND action_id = $2
ORDER BY version DESC
LIMIT $3";

const COUNT: &str = "
SELECT count(*)
FROM actions
WHERE tenant = $1 AND action_id = $2";

const INSERT: &str = "
INSERT INTO actions (tenant, action_id, version, revision, body, digest, caller, reason)
SELECT $1, action_id, version, $2, body, digest, $3, $4
FROM unnest($5::text[], $6::integer[], $7::text[], $8::bytea[]) AS new (action_id, version, body, digest)
RETURNING made_at";

const INSERT_CHANGES: &str = "
INSERT INTO action_changes (tenant, action_id, revision, version, status)
SELECT $1, action_id, $2, version, status
FROM unnest($3::text[], $4::integer[], $5::smallint[]) AS new (action_id, version, status)";

/// Which version of an action counts, and where the action stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The action.
    pub action: String,
    /// Its newest version.
    pub version: u32,
    /// Where it stands.
    pub status: Status,
}

#[derive(FromRow)]
struct Row {
    action_id: String,
    version: i32,
    body: String,
    digest: Vec<u8>,
    caller: String,
    reason: String,
    made_at: DateTime<Utc>,
}

impl TryFrom<Row> for Version {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let corrupt = |source: &'static str| Error::corrupt("an action", source);
        let definition = Valid::<Definition>::from_text(&row.body)
            .map_err(|error| Error::corrupt("an action", error))?;
        if definition.get().id != row.action_id {
            return Err(corrupt("it is another one"));
        }
        let digest = row.digest.try_into();
        Ok(Self {
            definition,
            number: number(row.version)?,
            digest: Digest(digest.map_err(|_| corrupt("its digest has another length"))?),
            made_at: Micros::from_datetime(row.made_at),
            caller: row.caller,
            reason: row.reason,
        })
    }
}

fn number(version: i32) -> Result<u32> {
    u32::try_from(version).map_err(|error| Error::corrupt("the version of an action", error))
}

fn stored_number(version: u32) -> i32 {
    i32::try_from(version).unwrap_or(i32::MAX)
}

fn status_number(status: Status) -> i16 {
    match status {
        Status::Draft => 1,
        Status::Active => 2,
        Status::Paused => 3,
        Status::Retired => 4,
    }
}

/// Every action as it stood at a revision, by id.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.actions.at", skip_all)]
pub async fn at(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
) -> Result<Vec<Standing>> {
    let rows: Vec<(String, i32, i16)> = sqlx::query_as(AT)
        .bind(tenant.as_str())
        .bind(revision)
        .fetch_all(connection)
        .await?;
    let standing = |(action, version, status): (String, i32, i16)| {
        let known = Status::ALL.into_iter();
        let status = known.into_iter().find(|s| status_number(*s) == status);
        Ok(Standing {
            action,
            version: number(version)?,
            status: status.ok_or_else(|| Error::corrupt("the status of an action", "none"))?,
        })
    };
    rows.into_iter().map(standing).collect()
}

/// Versions of actions, in any order; those that are not there are left out.
///
/// # Errors
/// When the database fails or one cannot be read.
#[tracing::instrument(name = "db.actions.versions", skip_all)]
pub async fn versions(
    connection: &mut PgConnection,
    tenant: &TenantId,
    wanted: &[(&str, u32)],
) -> Result<Vec<Version>> {
    let ids: Vec<&str> = wanted.iter().map(|(id, _)| *id).collect();
    let numbers: Vec<i32> = wanted.iter().map(|(_, n)| stored_number(*n)).collect();
    let rows: Vec<Row> = sqlx::query_as(VERSIONS)
        .bind(tenant.as_str())
        .bind(ids)
        .bind(numbers)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Version::try_from).collect()
}

/// The newest versions of an action, newest first, and how many there are in all.
///
/// # Errors
/// When the database fails or one cannot be read.
#[tracing::instrument(name = "db.actions.list", skip_all)]
pub async fn list(
    connection: &mut PgConnection,
    tenant: &TenantId,
    action: &str,
    most: i64,
) -> Result<(Vec<Version>, i64)> {
    let rows: Vec<Row> = sqlx::query_as(LIST)
        .bind(tenant.as_str())
        .bind(action)
        .bind(most)
        .fetch_all(&mut *connection)
        .await?;
    let total = sqlx::query_scalar(COUNT)
        .bind(tenant.as_str())
        .bind(action)
        .fetch_one(connection)
        .await?;
    let versions: Result<Vec<Version>> = rows.into_iter().map(Version::try_from).collect();
    Ok((versions?, total))
}

/// A new version of an action.
#[derive(Clone, Debug)]
pub struct New {
    /// What it says.
    pub definition: Valid<Definition>,
    /// Its number.
    pub number: u32,
    /// Of what it means.
    pub digest: Digest,
}

/// Adds versions; answers when that was.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.actions.insert", skip_all)]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    (caller, reason): (&str, &str),
    new: &[New],
) -> Result<Option<Micros>> {
    let ids = new.iter().map(|one| one.definition.get().id.as_str());
    let numbers = new.iter().map(|one| stored_number(one.number));
    let digests = new.iter().map(|one| one.digest.0.as_slice());
    let made: Vec<DateTime<Utc>> = sqlx::query_scalar(INSERT)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(caller)
        .bind(reason)
        .bind(ids.collect::<Vec<_>>())
        .bind(numbers.collect::<Vec<_>>())
        .bind(
            new.iter()
                .map(|one| one.definition.to_text())
                .collect::<Vec<_>>(),
        )
        .bind(digests.collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(made.first().copied().map(Micros::from_datetime))
}

/// Says where actions stand since a revision.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.action_changes.insert", skip_all)]
pub async fn insert_changes(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    changes: &[Standing],
) -> Result<()> {
    let ids = changes.iter().map(|change| change.action.as_str());
    let numbers = changes.iter().map(|change| stored_number(change.version));
    let statuses = changes.iter().map(|change| status_number(change.status));
    sqlx::query(INSERT_CHANGES)
        .bind(tenant.as_str())
        .bind(revision)
        .bind(ids.collect::<Vec<_>>())
        .bind(numbers.collect::<Vec<_>>())
        .bind(statuses.collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}
