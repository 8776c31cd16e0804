//! The outbox: every change of a profile, in the transaction that made it.

use std::time::Duration;

use sqlx::PgConnection;

use super::Result;
use crate::ids::{ProfileId, TenantId};

pub(super) const STATEMENTS: &[(&str, &str)] =
    &[("outbox.append", APPEND), ("outbox.delete_old", DELETE_OLD)];

const APPEND: &str = "
INSERT INTO outbox (tenant, profile_id, version, position, kind)
SELECT $1, profile_id, version, $4, kind
FROM unnest($2::uuid[], $3::bigint[], $5::smallint[]) AS given (profile_id, version, kind)";

const DELETE_OLD: &str = "
DELETE FROM outbox
WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM (
        SELECT ctid, written_at FROM outbox ORDER BY position LIMIT $2
    ) AS oldest
    WHERE written_at < now() - make_interval(secs => $1)
))";

/// What happened to a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It came to be.
    Created,
    /// It changed.
    Updated,
    /// It took in another profile.
    Merged,
    /// It went into another profile.
    MergedAway,
    /// It lost members, or came back from having been merged away.
    Split,
    /// It has no members any more.
    Emptied,
}

impl Kind {
    fn code(self) -> i16 {
        match self {
            Self::Created => 1,
            Self::Updated => 2,
            Self::Merged => 3,
            Self::MergedAway => 4,
            Self::Split => 5,
            Self::Emptied => 6,
        }
    }
}

/// A change of a profile.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// The profile.
    pub profile: ProfileId,
    /// Its version after the change.
    pub version: i64,
    /// What happened.
    pub kind: Kind,
}

/// Appends changes.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outbox.append", skip_all, fields(rows = changes.len()))]
pub async fn append(
    connection: &mut PgConnection,
    tenant: &TenantId,
    position: i64,
    changes: &[Change],
) -> Result<()> {
    sqlx::query(APPEND)
        .bind(tenant.as_str())
        .bind(
            changes
                .iter()
                .map(|c| c.profile.as_uuid())
                .collect::<Vec<_>>(),
        )
        .bind(changes.iter().map(|c| c.version).collect::<Vec<_>>())
        .bind(position)
        .bind(changes.iter().map(|c| c.kind.code()).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

/// Deletes up to `limit` of the oldest changes that are older than `age`; answers with how many.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outbox.delete_old", skip_all)]
pub async fn delete_old(connection: &mut PgConnection, age: Duration, limit: i64) -> Result<u64> {
    let done = sqlx::query(DELETE_OLD)
        .bind(age.as_secs_f64())
        .bind(limit)
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}
