//! Counts of what was offered and what became of it.
//!
//! What must stay true: everything is counted from what is stored now, over a stretch of the time of decisions by the index on it: an
//! outcome that comes late is counted where its decision is, and nothing needs to be counted again. What is
//! known of an offer carries the time of its decision, so both tables are read over the same stretch.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt as _;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, offers::uuid_of, stored_time};
use crate::{
    clock::Micros,
    ids::{IdentityKey, TenantId},
    next_best_action::keys::{ActionKey, ChannelIndex, DecisionKey},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("offer_figures.made", MADE),
    ("offer_figures.told", TOLD),
    ("offer_figures.customers", CUSTOMERS),
    ("offer_figures.resolved", RESOLVED),
];

const MADE: &str = "
SELECT slot.action, slot.version, slot.channel, count(*) AS made
FROM offers
CROSS JOIN LATERAL unnest(actions, versions, channels) AS slot (action, version, channel)
WHERE tenant = $1 AND decided_at >= $2 AND decided_at < $3 AND slot.action = ANY($4::bigint[])
GROUP BY slot.action, slot.version, slot.channel";

// An outcome counts as those that it implies, as `Outcome::counts_as` says; LEAST passes over NULL. What was believed is that of the
// slot, which the arrays count from 1.
const TOLD: &str = "
SELECT
    known.action,
    known.version,
    known.channel,
    count(*) FILTER (WHERE seen.delivered_at IS NULL AND known.not_delivered_at IS NOT NULL) AS not_delivered,
    count(*) FILTER (WHERE seen.delivered_at IS NOT NULL) AS delivered,
    count(*) FILTER (
        WHERE LEAST(known.shown_at, known.clicked_at, known.accepted_at, known.rejected_at) IS NOT NULL
    ) AS seen,
    count(*) FILTER (WHERE known.clicked_at IS NOT NULL) AS clicked,
    count(*) FILTER (WHERE known.accepted_at IS NOT NULL AND known.rejected_at IS NULL) AS accepted,
    count(*) FILTER (WHERE known.rejected_at IS NOT NULL) AS rejected,
    count(*) FILTER (WHERE seen.succeeded) AS successes,
    count(old.believed) AS old,
    count(old.believed) FILTER (WHERE seen.succeeded) AS old_successes,
    coalesce(sum(old.believed), 0) AS old_expected
FROM outcomes AS known
JOIN unnest($4::bigint[], $5::integer[], $6::boolean[]) AS wanted (action, window_days, by_click)
    ON wanted.action = known.action
JOIN offers AS made
    ON made.tenant = $1 AND made.decision_key = known.decision_key AND made.decided_at >= $2 AND made.decided_at < $3
CROSS JOIN LATERAL (
    SELECT
        LEAST(known.sent_at, known.shown_at, known.clicked_at, known.accepted_at, known.rejected_at) AS delivered_at,
        known.rejected_at IS NULL
            AND (known.accepted_at IS NOT NULL OR wanted.by_click AND known.clicked_at IS NOT NULL) AS succeeded
) AS seen
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN seen.delivered_at <= $7::timestamptz - make_interval(days => wanted.window_days) THEN made.believed[known.slot + 1]
        END AS believed
) AS old
WHERE known.tenant = $1 AND known.decided_at >= $2 AND known.decided_at < $3
GROUP BY known.action, known.version, known.channel";

// By the home that a customer had then: the caller finds whose it is now.
const CUSTOMERS: &str = "
SELECT
    made.anchor,
    bool_or(known.accepted_at IS NOT NULL AND known.rejected_at IS NULL) IS TRUE AS accepted
FROM offers AS made
LEFT JOIN outcomes AS known
    ON known.tenant = $1 AND known.decision_key = made.decision_key AND known.decided_at >= $2 AND known.decided_at < $3
WHERE made.tenant = $1 AND made.decided_at >= $2 AND made.decided_at < $3 AND made.holdout_epoch = $4
    AND made.anchor IS NOT NULL
GROUP BY made.anchor";

const RESOLVED: &str = "
SELECT
    known.decided_at,
    known.decision_key,
    known.slot,
    known.action,
    known.channel,
    made.believed[known.slot + 1] AS believed,
    known.rejected_at IS NULL
        AND (known.accepted_at IS NOT NULL OR wanted.by_click AND known.clicked_at IS NOT NULL) AS succeeded
FROM outcomes AS known
JOIN unnest($5::bigint[], $6::integer[], $7::boolean[]) AS wanted (action, window_days, by_click)
    ON wanted.action = known.action
JOIN offers AS made ON made.tenant = $1 AND made.decision_key = known.decision_key
WHERE known.tenant = $1 AND (known.decided_at, known.decision_key, known.slot) > ($2, $3, $4)
    AND known.decided_at < $8
    AND LEAST(known.sent_at, known.shown_at, known.clicked_at, known.accepted_at, known.rejected_at)
        <= $9::timestamptz - make_interval(days => wanted.window_days)
    AND made.believed[known.slot + 1] IS NOT NULL
ORDER BY known.decided_at, known.decision_key, known.slot
LIMIT $10";

/// A version of an action through a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Of {
    /// The version.
    pub action: ActionKey,
    /// The channel.
    pub channel: ChannelIndex,
}

impl Of {
    fn new(action: i64, version: i32, channel: i16) -> Self {
        Self {
            action: ActionKey {
                id: action.cast_unsigned(),
                version: u32::try_from(version).unwrap_or_default(),
            },
            channel: ChannelIndex(u8::try_from(channel).unwrap_or(u8::MAX)),
        }
    }
}

/// What is to be known of an action in order to count what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The action, all its versions.
    pub action: u64,
    /// Its attribution window, in days.
    pub window_days: u16,
    /// Whether a click is a success.
    pub by_click: bool,
}

/// What came of offers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// Not delivered, as far as is known.
    pub not_delivered: u64,
    /// Delivered.
    pub delivered: u64,
    /// Seen.
    pub seen: u64,
    /// Clicked.
    pub clicked: u64,
    /// Accepted and not rejected.
    pub accepted: u64,
    /// Rejected.
    pub rejected: u64,
    /// Successes.
    pub successes: u64,
    /// Delivered longer ago than the attribution window, with a propensity.
    pub old: u64,
    /// Of those: successes.
    pub old_successes: u64,
    /// The sum of their propensities.
    pub old_expected: f64,
}

#[derive(FromRow)]
struct Row {
    action: i64,
    version: i32,
    channel: i16,
    not_delivered: i64,
    delivered: i64,
    seen: i64,
    clicked: i64,
    accepted: i64,
    rejected: i64,
    successes: i64,
    old: i64,
    old_successes: i64,
    old_expected: f64,
}

/// How many offers of actions were made from one time to before another.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offer_figures.made", skip_all)]
pub async fn made(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (from, before): (Micros, Micros),
    actions: &[u64],
) -> Result<Vec<(Of, u64)>> {
    let rows: Vec<(i64, i32, i16, i64)> = sqlx::query_as(MADE)
        .bind(tenant.as_str())
        .bind(stored_time(from))
        .bind(stored_time(before))
        .bind(actions.iter().map(|a| a.cast_signed()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(action, version, channel, made)| (Of::new(action, version, channel), whole(made)))
        .collect())
}

/// What is known now of the offers of actions that were made from one time to before another.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offer_figures.told", skip_all)]
pub async fn told(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (from, before, now): (Micros, Micros, Micros),
    wanted: &[Wanted],
) -> Result<Vec<(Of, Told)>> {
    let rows: Vec<Row> = sqlx::query_as(TOLD)
        .bind(tenant.as_str())
        .bind(stored_time(from))
        .bind(stored_time(before))
        .bind(
            wanted
                .iter()
                .map(|w| w.action.cast_signed())
                .collect::<Vec<_>>(),
        )
        .bind(
            wanted
                .iter()
                .map(|w| i32::from(w.window_days))
                .collect::<Vec<_>>(),
        )
        .bind(wanted.iter().map(|w| w.by_click).collect::<Vec<_>>())
        .bind(stored_time(now))
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(told_of).collect())
}

fn told_of(row: &Row) -> (Of, Told) {
    let told = Told {
        not_delivered: whole(row.not_delivered),
        delivered: whole(row.delivered),
        seen: whole(row.seen),
        clicked: whole(row.clicked),
        accepted: whole(row.accepted),
        rejected: whole(row.rejected),
        successes: whole(row.successes),
        old: whole(row.old),
        old_successes: whole(row.old_successes),
        old_expected: row.old_expected,
    };
    (Of::new(row.action, row.version, row.channel), told)
}

/// Tells `each` of the homes of customers for whom something was decided in an epoch of holdouts, and whether they accepted any of
/// it.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offer_figures.customers", skip_all)]
pub async fn customers(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (from, before): (Micros, Micros),
    epoch: u32,
    mut each: impl FnMut(IdentityKey, bool) + Send,
) -> Result<()> {
    let (from, before): (DateTime<Utc>, _) = (stored_time(from), stored_time(before));
    let mut rows = sqlx::query_as::<_, (Uuid, bool)>(CUSTOMERS)
        .bind(tenant.as_str())
        .bind(from)
        .bind(before)
        .bind(i64::from(epoch))
        .fetch(connection);
    while let Some((home, accepted)) = rows.try_next().await? {
        each(IdentityKey::from_uuid(home), accepted);
    }
    Ok(())
}

/// An offer that was delivered longer ago than the attribution window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved {
    /// When it was decided.
    pub decided_at: Micros,
    /// The decision.
    pub decision: DecisionKey,
    /// The slot.
    pub slot: i16,
    /// The action, of any version.
    pub action: u64,
    /// The channel.
    pub channel: ChannelIndex,
    /// The propensity that was believed.
    pub believed: f64,
    /// Whether it succeeded.
    pub succeeded: bool,
}

#[derive(FromRow)]
struct ResolvedRow {
    decided_at: DateTime<Utc>,
    decision_key: Uuid,
    slot: i16,
    action: i64,
    channel: i16,
    believed: f64,
    succeeded: bool,
}

fn resolved_of(row: &ResolvedRow) -> Resolved {
    Resolved {
        decided_at: Micros::from_datetime(row.decided_at),
        decision: DecisionKey(row.decision_key.as_u128()),
        slot: row.slot,
        action: row.action.cast_unsigned(),
        channel: ChannelIndex(u8::try_from(row.channel).unwrap_or(u8::MAX)),
        believed: row.believed,
        succeeded: row.succeeded,
    }
}

/// Offers of actions that are resolved, after one of them, of those decided before a time, in the order of their decisions.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offer_figures.resolved", skip_all)]
pub async fn resolved(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (after, (before, now)): ((Micros, DecisionKey, i16), (Micros, Micros)),
    wanted: &[Wanted],
    limit: i64,
) -> Result<Vec<Resolved>> {
    let rows: Vec<ResolvedRow> = sqlx::query_as(RESOLVED)
        .bind(tenant.as_str())
        .bind(stored_time(after.0))
        .bind(uuid_of(after.1))
        .bind(after.2)
        .bind(
            wanted
                .iter()
                .map(|w| w.action.cast_signed())
                .collect::<Vec<_>>(),
        )
        .bind(
            wanted
                .iter()
                .map(|w| i32::from(w.window_days))
                .collect::<Vec<_>>(),
        )
        .bind(wanted.iter().map(|w| w.by_click).collect::<Vec<_>>())
        .bind(stored_time(before))
        .bind(stored_time(now))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.iter().map(resolved_of).collect())
}

fn whole(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}
