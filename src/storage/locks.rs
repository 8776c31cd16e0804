//! Locks: transaction-scoped advisory locks on stripes of identity keys and profile ids.
//!
//! Every writer takes the tenant's lock first (shared; exclusive only as the last resort of one that keeps losing), then
//! its stripes in ascending order in one statement, exclusive and shared together, and nothing after that: so writers never
//! wait in a circle. Stripes are
//! shared by all tenants, which costs a rare needless wait and no more. A transaction takes at most [`MOST`] stripes, so
//! that `PostgreSQL`'s default of 64 locks a transaction suffices for the few writers of an instance.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::ids::TenantId;

/// Number of stripes.
const STRIPES: u64 = 4_096;

/// Stripes that one transaction may take.
pub const MOST: usize = 256;

/// How often a transaction starts again with more locks before it takes the tenant's, with which it needs no others.
pub const RESTARTS: usize = 3;

/// First halves of the lock's name, which tell our locks from others'.
const STRIPE_CLASS: i32 = 0x0063_7031;
const TENANT_CLASS: i32 = 0x0063_7032;

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("locks.take", TAKE),
    ("locks.take_tenant", TAKE_TENANT),
    ("locks.position", POSITION),
    ("locks.seen", SEEN),
];

const TAKE: &str = "
SELECT pg_advisory_xact_lock_shared($1, $2)::text,
    (
        SELECT count(
            CASE WHEN exclusive
                THEN pg_advisory_xact_lock($3, stripe)::text
                ELSE pg_advisory_xact_lock_shared($3, stripe)::text
            END
        )
        FROM unnest($4::integer[], $5::boolean[]) AS wanted (stripe, exclusive)
    ),
    pg_current_xact_id()::text::bigint";

const TAKE_TENANT: &str = "
SELECT pg_advisory_xact_lock($1, $2)::text, 0::bigint, pg_current_xact_id()::text::bigint";

const SEEN: &str = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint - 1";

const POSITION: &str = "SELECT pg_current_xact_id()::text::bigint";

/// A set of stripes, each wanted exclusively or shared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stripes(BTreeMap<i32, Hold>);

/// How a stripe is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Shared,
    Exclusive,
}

impl Stripes {
    /// Adds the stripe of an identity key or a profile id, exclusively.
    pub fn add(&mut self, id: Uuid) {
        self.hold(stripe(id), Hold::Exclusive);
    }

    /// Adds the stripe of a profile id that is only compared with.
    pub fn add_shared(&mut self, id: Uuid) {
        self.hold(stripe(id), Hold::Shared);
    }

    fn hold(&mut self, stripe: i32, hold: Hold) {
        let known = self.0.entry(stripe).or_insert(hold);
        *known = hold.max(*known);
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the stripe of this id is held exclusively.
    #[must_use]
    pub fn covers(&self, id: Uuid) -> bool {
        self.0.get(&stripe(id)) == Some(&Hold::Exclusive)
    }

    /// Whether everything that another set wants is held, at least as strongly.
    #[must_use]
    pub fn covers_all(&self, other: &Self) -> bool {
        let held = |(stripe, hold): (&i32, &Hold)| self.0.get(stripe).is_some_and(|h| h >= hold);
        other.0.iter().all(held)
    }

    /// Adds all of another set.
    pub fn extend(&mut self, other: &Self) {
        for (stripe, hold) in &other.0 {
            self.hold(*stripe, *hold);
        }
    }

    /// How many there would be with another set.
    #[must_use]
    pub fn len_with(&self, other: &Self) -> usize {
        let more = other.0.keys().filter(|s| !self.0.contains_key(s));
        self.0.len() + more.count()
    }
}

fn stripe(id: Uuid) -> i32 {
    // The low half is random in keys (a hash) and in profile ids (version 7) alike.
    let (_, low) = id.as_u64_pair();
    i32::try_from(low % STRIPES).unwrap_or_default()
}

/// Takes the tenant's lock shared and the stripes as they are wanted, in their order. Answers with the transaction's id, which
/// is its position in the outbox.
///
/// # Errors
/// When the database fails, a lock timeout among it.
#[tracing::instrument(name = "db.locks.take", skip_all, fields(stripes = stripes.len()))]
pub async fn take(
    connection: &mut PgConnection,
    tenant: &TenantId,
    stripes: &Stripes,
) -> Result<i64> {
    let (sorted, exclusive): (Vec<i32>, Vec<bool>) = stripes
        .0
        .iter()
        .map(|(stripe, hold)| (*stripe, *hold == Hold::Exclusive))
        .unzip();
    let (_, _, position): (String, i64, i64) = sqlx::query_as(TAKE)
        .bind(TENANT_CLASS)
        .bind(tenant_lock(tenant))
        .bind(STRIPE_CLASS)
        .bind(sorted)
        .bind(exclusive)
        .fetch_one(connection)
        .await?;
    Ok(position)
}

/// Takes the tenant's lock exclusively: nobody else writes to the tenant until the transaction ends.
///
/// # Errors
/// When the database fails, a lock timeout among it.
#[tracing::instrument(name = "db.locks.take_tenant", skip_all)]
pub async fn take_tenant(connection: &mut PgConnection, tenant: &TenantId) -> Result<i64> {
    let (_, _, position): (String, i64, i64) = sqlx::query_as(TAKE_TENANT)
        .bind(TENANT_CLASS)
        .bind(tenant_lock(tenant))
        .fetch_one(connection)
        .await?;
    Ok(position)
}

/// A position after everything that is committed now.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.locks.position", skip_all)]
pub async fn position(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(POSITION).fetch_one(connection).await?)
}

/// The latest position of which something may be seen by the snapshot that is read.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.locks.seen", skip_all)]
pub async fn seen(connection: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar(SEEN).fetch_one(connection).await?)
}

fn tenant_lock(tenant: &TenantId) -> i32 {
    let hash = blake3::hash(tenant.as_str().as_bytes());
    let mut first = [0; 4];
    first.copy_from_slice(&hash.as_bytes()[..4]);
    i32::from_le_bytes(first)
}
