//! What became of offers.
//!
//! What must stay true: of each outcome the earliest time is kept, so what is stored is a function of the set of all that was
//! ever told, whatever its order and its repeats.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, offers::uuid_of, stored_time};
use crate::{
    clock::Micros,
    ids::TenantId,
    next_best_action::{
        keys::{ActionKey, ChannelIndex, DecisionKey, GroupKey},
        outcome::Outcome,
    },
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("outcomes.add", ADD),
    ("outcomes.load", LOAD),
    ("outcomes.since", SINCE),
];

// LEAST passes over NULL.
const ADD: &str = "
INSERT INTO outcomes AS known (
    tenant, decision_key, slot, action, version, action_group, channel, decided_at,
    not_delivered_at, sent_at, shown_at, clicked_at, accepted_at, rejected_at
)
SELECT
    $1, decision_key, slot, action, version, action_group, channel, decided_at,
    not_delivered_at, sent_at, shown_at, clicked_at, accepted_at, rejected_at
FROM unnest(
    $2::uuid[], $3::smallint[], $4::bigint[], $5::integer[], $6::bigint[], $7::smallint[], $8::timestamptz[],
    $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[]
) AS given (
    decision_key, slot, action, version, action_group, channel, decided_at,
    not_delivered_at, sent_at, shown_at, clicked_at, accepted_at, rejected_at
)
ORDER BY decision_key, slot
ON CONFLICT (tenant, decision_key, slot) DO UPDATE SET
    not_delivered_at = LEAST(known.not_delivered_at, excluded.not_delivered_at),
    sent_at = LEAST(known.sent_at, excluded.sent_at),
    shown_at = LEAST(known.shown_at, excluded.shown_at),
    clicked_at = LEAST(known.clicked_at, excluded.clicked_at),
    accepted_at = LEAST(known.accepted_at, excluded.accepted_at),
    rejected_at = LEAST(known.rejected_at, excluded.rejected_at)";

const LOAD: &str = "
SELECT
    decision_key, slot, action, version, action_group, channel, decided_at,
    ARRAY[not_delivered_at, sent_at, shown_at, clicked_at, accepted_at, rejected_at] AS earliest
FROM outcomes
WHERE tenant = $1 AND decision_key = ANY($2::uuid[])";

const SINCE: &str = "
SELECT
    decision_key, slot, action, version, action_group, channel, decided_at,
    ARRAY[not_delivered_at, sent_at, shown_at, clicked_at, accepted_at, rejected_at] AS earliest
FROM outcomes
WHERE tenant = $1 AND (decided_at, decision_key, slot) > ($2, $3, $4)
ORDER BY decided_at, decision_key, slot
LIMIT $5";

/// What is known of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The decision.
    pub decision: DecisionKey,
    /// The slot of the page, from 0.
    pub slot: u16,
    /// The action.
    pub action: ActionKey,
    /// Its group.
    pub group: GroupKey,
    /// The channel.
    pub channel: ChannelIndex,
    /// When it was decided.
    pub decided_at: Micros,
    /// The earliest time of each outcome, in the order of [`Outcome::ALL`].
    pub earliest: [Option<Micros>; Outcome::COUNT],
}

#[derive(FromRow)]
struct Row {
    decision_key: Uuid,
    slot: i16,
    action: i64,
    version: i32,
    action_group: i64,
    channel: i16,
    decided_at: DateTime<Utc>,
    earliest: Vec<Option<DateTime<Utc>>>,
}

impl From<Row> for Offer {
    fn from(row: Row) -> Self {
        let mut earliest = [None; Outcome::COUNT];
        for (place, at) in earliest.iter_mut().zip(row.earliest) {
            *place = at.map(Micros::from_datetime);
        }
        Self {
            decision: DecisionKey(row.decision_key.as_u128()),
            slot: u16::try_from(row.slot).unwrap_or_default(),
            action: ActionKey {
                id: row.action.cast_unsigned(),
                version: u32::try_from(row.version).unwrap_or_default(),
            },
            group: GroupKey(row.action_group.cast_unsigned()),
            channel: ChannelIndex(u8::try_from(row.channel).unwrap_or(u8::MAX)),
            decided_at: Micros::from_datetime(row.decided_at),
            earliest,
        }
    }
}

/// Adds what is told of offers; of one offer at most one entry.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outcomes.add", skip_all, fields(rows = told.len()))]
pub async fn add(connection: &mut PgConnection, tenant: &TenantId, told: &[Offer]) -> Result<()> {
    let times = |outcome: Outcome| -> Vec<_> {
        let of = |offer: &Offer| offer.earliest.get(outcome.index()).copied().flatten();
        told.iter()
            .map(|offer| of(offer).map(stored_time))
            .collect()
    };
    let mut query = sqlx::query(ADD)
        .bind(tenant.as_str())
        .bind(told.iter().map(|o| uuid_of(o.decision)).collect::<Vec<_>>())
        .bind(
            told.iter()
                .map(|o| i16::try_from(o.slot).unwrap_or(i16::MAX))
                .collect::<Vec<_>>(),
        )
        .bind(
            told.iter()
                .map(|o| o.action.id.cast_signed())
                .collect::<Vec<_>>(),
        )
        .bind(
            told.iter()
                .map(|o| i32::try_from(o.action.version).unwrap_or(i32::MAX))
                .collect::<Vec<_>>(),
        )
        .bind(
            told.iter()
                .map(|o| o.group.0.cast_signed())
                .collect::<Vec<_>>(),
        )
        .bind(
            told.iter()
                .map(|o| i16::from(o.channel.0))
                .collect::<Vec<_>>(),
        )
        .bind(
            told.iter()
                .map(|o| stored_time(o.decided_at))
                .collect::<Vec<_>>(),
        );
    for outcome in Outcome::ALL {
        query = query.bind(times(outcome));
    }
    query.execute(connection).await?;
    Ok(())
}

/// What is known of the offers of decisions, in no order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outcomes.load", skip_all, fields(rows = decisions.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    decisions: &[DecisionKey],
) -> Result<Vec<Offer>> {
    let keys: Vec<Uuid> = decisions.iter().map(|key| uuid_of(*key)).collect();
    let rows: Vec<Row> = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(keys)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Offer::from).collect())
}

/// What is known of offers that were decided after another, in their order.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.outcomes.since", skip_all)]
pub async fn since(
    connection: &mut PgConnection,
    tenant: &TenantId,
    after: (Micros, DecisionKey, i16),
    limit: i64,
) -> Result<Vec<Offer>> {
    let rows: Vec<Row> = sqlx::query_as(SINCE)
        .bind(tenant.as_str())
        .bind(stored_time(after.0))
        .bind(uuid_of(after.1))
        .bind(after.2)
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Offer::from).collect())
}
