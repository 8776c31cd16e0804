//! Rules of resolution by revision, and leases of the work that brings profiles under them.
//!
//! A row is never changed but for how far its switch has come. The highest revision is in force: whoever writes holds the
//! tenant's lock shared and reads it then, whoever adds one holds that lock alone, so no transaction writes under rules
//! that another has replaced.

use std::time::Duration;

use chrono::{DateTime, Utc};
use prost::Message as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Error, Result};
use crate::{
    clock::Micros,
    identity::{
        Rules,
        rules::{Cardinality, NamespaceRules, RuleSet, Shared},
    },
    ids::TenantId,
    proto::state::v1 as stored,
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("rule_sets.revision", REVISION),
    ("rule_sets.load", LOAD),
    ("rule_sets.latest", LATEST),
    ("rule_sets.first", FIRST),
    ("rule_sets.insert", INSERT),
    ("rule_sets.resolved", RESOLVED),
    ("rule_sets.switched", SWITCHED),
    ("rule_sets.in_force", IN_FORCE),
    ("leases.take", TAKE_LEASE),
];

const REVISION: &str = "
SELECT revision
FROM rule_sets
WHERE tenant = $1
ORDER BY revision DESC
LIMIT 1";

const LOAD: &str = "
SELECT revision, body, operation_id, caller, reason, made_at, switched_at, profiles_resolved
FROM rule_sets
WHERE tenant = $1 AND revision = $2";

const LATEST: &str = "
SELECT revision, body, operation_id, caller, reason, made_at, switched_at, profiles_resolved
FROM rule_sets
WHERE tenant = $1
ORDER BY revision DESC
LIMIT $2";

// The rules of the configuration, when a tenant is first written to. They need no switch unless profiles are stored, which
// an earlier release resolved.
const FIRST: &str = "
INSERT INTO rule_sets (tenant, revision, body, operation_id, caller, reason, switched_at)
SELECT $1, 1, $2, '', '', '', CASE
    WHEN EXISTS (SELECT FROM profiles WHERE profiles.tenant = $1) THEN NULL
    ELSE now()
END
ON CONFLICT DO NOTHING";

const INSERT: &str = "
INSERT INTO rule_sets (tenant, revision, body, operation_id, caller, reason)
VALUES ($1, $2, $3, $4, $5, $6)";

const RESOLVED: &str = "
UPDATE rule_sets
SET profiles_resolved = profiles_resolved + $3
WHERE tenant = $1 AND revision = $2";

const SWITCHED: &str = "
UPDATE rule_sets
SET switched_at = now()
WHERE tenant = $1 AND revision <= $2 AND switched_at IS NULL";

const IN_FORCE: &str = "
SELECT DISTINCT ON (tenant) tenant, revision, switched_at IS NOT NULL
FROM rule_sets
ORDER BY tenant, revision DESC";

const TAKE_LEASE: &str = "
INSERT INTO leases AS held (tenant, work, holder, until)
VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond')
ON CONFLICT (tenant, work) DO UPDATE
SET holder = excluded.holder, until = excluded.until
WHERE held.holder = excluded.holder OR held.until < clock_timestamp()";

/// A revision of a tenant's rules.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its number, from 1.
    pub number: i64,
    /// What it says.
    pub rules: RuleSet,
    /// The caller's operation id; empty for the first, which comes from the configuration.
    pub operation: String,
    /// Who made it.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// When; always there for one that is stored.
    pub made_at: Option<Micros>,
    /// When the last profile came under it.
    pub switched_at: Option<Micros>,
    /// How many profiles were brought under it.
    pub resolved: i64,
}

#[derive(FromRow)]
struct Row {
    revision: i64,
    body: Vec<u8>,
    operation_id: String,
    caller: String,
    reason: String,
    made_at: DateTime<Utc>,
    switched_at: Option<DateTime<Utc>>,
    profiles_resolved: i64,
}

impl TryFrom<Row> for Revision {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            number: row.revision,
            rules: decode(&row.body)?,
            operation: row.operation_id,
            caller: row.caller,
            reason: row.reason,
            made_at: Some(Micros::from_datetime(row.made_at)),
            switched_at: row.switched_at.map(Micros::from_datetime),
            resolved: row.profiles_resolved,
        })
    }
}

/// Rules as they are stored.
#[must_use]
pub fn encode(rules: &RuleSet) -> Vec<u8> {
    let namespaces = rules.namespaces.iter().map(|(name, rules)| {
        let limit = match rules.cardinality {
            Cardinality::Free => 0,
            Cardinality::Limit(limit) => limit,
        };
        stored::NamespaceRules {
            namespace: name.clone(),
            priority: u32::from(rules.priority),
            limit,
            hub_limit: rules.hub_limit,
            shared: match rules.shared {
                Shared::Newest => 1,
                Shared::Apart => 2,
                Shared::Nobody => 3,
            },
            blocked: rules.blocked.clone(),
        }
    });
    stored::RuleSet {
        namespaces: namespaces.collect(),
        size_cap: u32::try_from(rules.size_cap).unwrap_or(u32::MAX),
    }
    .encode_to_vec()
}

fn decode(body: &[u8]) -> Result<RuleSet> {
    let stored = stored::RuleSet::decode(body).map_err(|e| Error::corrupt("rules", e))?;
    let mut rules = RuleSet {
        size_cap: usize::try_from(stored.size_cap).unwrap_or(usize::MAX),
        ..RuleSet::default()
    };
    for said in stored.namespaces {
        let shared = match said.shared {
            1 => Shared::Newest,
            2 => Shared::Apart,
            3 => Shared::Nobody,
            _ => return Err(Error::corrupt("rules", "a meaning that is none of ours")),
        };
        let of_namespace = NamespaceRules {
            priority: u8::try_from(said.priority).map_err(|e| Error::corrupt("rules", e))?,
            cardinality: match said.limit {
                0 => Cardinality::Free,
                limit => Cardinality::Limit(limit),
            },
            hub_limit: said.hub_limit,
            shared,
            blocked: said.blocked,
        };
        rules.namespaces.insert(said.namespace, of_namespace);
    }
    Ok(rules)
}

/// The number of the revision in force; 0 when the tenant was never written to.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rule_sets.revision", skip_all)]
pub async fn revision(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    let found: Option<i64> = sqlx::query_scalar(REVISION)
        .bind(tenant.as_str())
        .fetch_optional(connection)
        .await?;
    Ok(found.unwrap_or_default())
}

/// A revision by its number.
///
/// # Errors
/// When the database fails or it cannot be read.
#[tracing::instrument(name = "db.rule_sets.load", skip_all)]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    number: i64,
) -> Result<Option<Revision>> {
    let row: Option<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(number)
        .fetch_optional(connection)
        .await?;
    row.map(Revision::try_from).transpose()
}

/// The last revisions, the one in force first.
///
/// # Errors
/// When the database fails or one cannot be read.
#[tracing::instrument(name = "db.rule_sets.latest", skip_all)]
pub async fn latest(
    connection: &mut PgConnection,
    tenant: &TenantId,
    limit: i64,
) -> Result<Vec<Revision>> {
    let rows: Vec<Row> = sqlx::query_as(LATEST)
        .bind(tenant.as_str())
        .bind(limit)
        .fetch_all(connection)
        .await?;
    rows.into_iter().map(Revision::try_from).collect()
}

/// The revision in force with its number, which becomes the first with the given rules when there is none.
///
/// # Errors
/// When the database fails or it cannot be read.
#[tracing::instrument(name = "db.rule_sets.open", skip_all)]
pub async fn open(
    connection: &mut PgConnection,
    tenant: &TenantId,
    first: &RuleSet,
) -> Result<Option<Revision>> {
    if let Some(found) = latest(connection, tenant, 1).await?.pop() {
        return Ok(Some(found));
    }
    sqlx::query(FIRST)
        .bind(tenant.as_str())
        .bind(encode(first))
        .execute(&mut *connection)
        .await?;
    Ok(latest(connection, tenant, 1).await?.pop())
}

/// What a new revision is.
#[derive(Clone, Copy, Debug)]
pub struct New<'a> {
    /// Its number.
    pub number: i64,
    /// What it says.
    pub rules: &'a RuleSet,
    /// The caller's operation id.
    pub operation: &'a str,
    /// Who makes it.
    pub caller: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Adds a revision. The caller holds the tenant's lock alone.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rule_sets.insert", skip_all)]
pub async fn insert(connection: &mut PgConnection, tenant: &TenantId, new: New<'_>) -> Result<()> {
    sqlx::query(INSERT)
        .bind(tenant.as_str())
        .bind(new.number)
        .bind(encode(new.rules))
        .bind(new.operation)
        .bind(new.caller)
        .bind(new.reason)
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts profiles that were brought under a revision.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rule_sets.resolved", skip_all)]
pub async fn count_resolved(
    connection: &mut PgConnection,
    tenant: &TenantId,
    number: i64,
    more: i64,
) -> Result<()> {
    sqlx::query(RESOLVED)
        .bind(tenant.as_str())
        .bind(number)
        .bind(more)
        .execute(connection)
        .await?;
    Ok(())
}

/// Says that every profile is under a revision; those before it are over too.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rule_sets.switched", skip_all)]
pub async fn switched(
    connection: &mut PgConnection,
    tenant: &TenantId,
    number: i64,
) -> Result<bool> {
    let done = sqlx::query(SWITCHED)
        .bind(tenant.as_str())
        .bind(number)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// What is in force for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForce {
    /// The tenant.
    pub tenant: TenantId,
    /// The number of the revision.
    pub revision: i64,
    /// Whether every profile came under it.
    pub switched: bool,
}

/// What is in force for every tenant.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.rule_sets.in_force", skip_all)]
pub async fn in_force(connection: &mut PgConnection) -> Result<Vec<InForce>> {
    let rows: Vec<(String, i64, bool)> = sqlx::query_as(IN_FORCE).fetch_all(connection).await?;
    let in_force = |(name, revision, switched): (String, i64, bool)| {
        Some(InForce {
            tenant: TenantId::parse(&name)?,
            revision,
            switched,
        })
    };
    Ok(rows.into_iter().filter_map(in_force).collect())
}

/// Takes or prolongs the lease of a tenant's background work. Answers whether it is held.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.leases.take", skip_all)]
pub async fn take_lease(
    connection: &mut PgConnection,
    tenant: &TenantId,
    work: &str,
    holder: Uuid,
    length: Duration,
) -> Result<bool> {
    let done = sqlx::query(TAKE_LEASE)
        .bind(tenant.as_str())
        .bind(work)
        .bind(holder)
        .bind(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

impl Revision {
    /// Its rules, as resolution takes them.
    #[must_use]
    pub fn derived(&self) -> Rules {
        Rules::from(self.rules.clone())
    }
}
