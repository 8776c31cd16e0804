//! Decisions about next best actions, as they were made.
//!
//! What must stay true: a decision is written once and never changed; of two under one id the first stays.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, stored_time};
use crate::{
    clock::Micros,
    ids::{IdentityKey, ProfileId, TenantId},
    next_best_action::keys::{ActionKey, ChannelIndex, DecisionKey},
};

pub(super) const STATEMENTS: &[(&str, &str)] = &[
    ("offers.insert", INSERT),
    ("offers.load", LOAD),
    ("offers.between", BETWEEN),
    ("offers.count", COUNT),
];

// Arrays of different length, which an array of arrays cannot hold, come as their literals.
const INSERT: &str = "
INSERT INTO offers (
    tenant, decision_key, decision_id, request_hash, asked, profile_id, anchor, decided_at, policy_version, model_snapshot, body,
    actions, versions, channels, believed, holdout_epoch
)
SELECT
    $1, decision_key, decision_id, request_hash, asked, profile_id, anchor, decided_at, policy_version, model_snapshot, body,
    actions::bigint[], versions::integer[], channels::smallint[], believed::double precision[], holdout_epoch
FROM unnest(
    $2::uuid[], $3::text[], $4::uuid[], $5::bytea[], $6::uuid[], $7::uuid[], $8::timestamptz[], $9::bigint[], $10::bigint[],
    $11::bytea[], $12::text[], $13::text[], $14::text[], $15::text[], $16::bigint[]
) AS given (
    decision_key, decision_id, request_hash, asked, profile_id, anchor, decided_at, policy_version, model_snapshot, body,
    actions, versions, channels, believed, holdout_epoch
)
ORDER BY decision_key
ON CONFLICT (tenant, decision_key) DO NOTHING
RETURNING decision_key";

const LOAD: &str = "
SELECT decision_key, decision_id, request_hash, asked, profile_id, anchor, decided_at, policy_version, model_snapshot, body
FROM offers
WHERE tenant = $1 AND decision_key = ANY($2::uuid[])";

// Newest first: what is evaluated is the newest of a stretch of time. Keys are hashes, so those up to one of them are a sample.
const BETWEEN: &str = "
SELECT decision_key, decision_id, request_hash, asked, profile_id, anchor, decided_at, policy_version, model_snapshot, body
FROM offers
WHERE tenant = $1 AND decided_at >= $2 AND (decided_at, decision_key) < ($3, $4) AND ($5::uuid IS NULL OR decision_key <= $5)
ORDER BY decided_at DESC, decision_key DESC
LIMIT $6";

const COUNT: &str = "
SELECT count(*)
FROM offers
WHERE tenant = $1 AND decided_at >= $2 AND decided_at < $3";

/// A decision that is to be stored.
#[derive(Clone, Debug)]
pub struct New {
    /// Its key.
    pub key: DecisionKey,
    /// The caller's id of it.
    pub id: String,
    /// Hash of the request.
    pub request_hash: Uuid,
    /// What explaining needs of the request.
    pub asked: Vec<u8>,
    /// The profile.
    pub profile: Option<ProfileId>,
    /// The identifier that outcomes are anchored at.
    pub anchor: Option<IdentityKey>,
    /// When it was made.
    pub decided_at: Micros,
    /// The policy's version.
    pub policy_version: u64,
    /// The model's snapshot.
    pub model_snapshot: u64,
    /// The decision with what it was made from.
    pub body: Vec<u8>,
    /// What it offers, by slot.
    pub offered: Vec<Option<Offered>>,
    /// The epoch of holdouts.
    pub epoch: u32,
}

/// What is offered in a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offered {
    /// The action.
    pub action: ActionKey,
    /// The channel.
    pub channel: ChannelIndex,
    /// The propensity that was believed; none of a fallback.
    pub believed: Option<f64>,
}

impl New {
    /// An array of something about each slot, as a literal.
    fn by_slot<T: ToString>(&self, of: impl Fn(&Offered) -> Option<T>) -> String {
        let slots = self.offered.iter().map(|slot| {
            let of = slot.as_ref().and_then(&of);
            of.map_or_else(|| "NULL".to_owned(), |of| of.to_string())
        });
        format!("{{{}}}", slots.collect::<Vec<_>>().join(","))
    }
}

/// A decision that is stored.
#[derive(Clone, Debug, FromRow)]
pub struct Stored {
    decision_key: Uuid,
    /// The caller's id of it.
    #[sqlx(rename = "decision_id")]
    pub id: String,
    /// Hash of the request.
    pub request_hash: Uuid,
    /// What explaining needs of the request.
    pub asked: Vec<u8>,
    profile_id: Option<Uuid>,
    anchor: Option<Uuid>,
    decided_at: DateTime<Utc>,
    policy_version: i64,
    model_snapshot: i64,
    /// The decision with what it was made from.
    pub body: Vec<u8>,
}

impl Stored {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> DecisionKey {
        DecisionKey(self.decision_key.as_u128())
    }

    /// The profile.
    #[must_use]
    pub fn profile(&self) -> Option<ProfileId> {
        self.profile_id.map(ProfileId::from_uuid)
    }

    /// The identifier that outcomes are anchored at.
    #[must_use]
    pub fn anchor(&self) -> Option<IdentityKey> {
        self.anchor.map(IdentityKey::from_uuid)
    }

    /// When it was made.
    #[must_use]
    pub fn decided_at(&self) -> Micros {
        Micros::from_datetime(self.decided_at)
    }

    /// The policy's version.
    #[must_use]
    pub fn policy_version(&self) -> u64 {
        u64::try_from(self.policy_version).unwrap_or_default()
    }

    /// The model's snapshot.
    #[must_use]
    pub fn model_snapshot(&self) -> u64 {
        u64::try_from(self.model_snapshot).unwrap_or_default()
    }
}

impl From<&New> for Stored {
    fn from(new: &New) -> Self {
        Self {
            decision_key: uuid_of(new.key),
            id: new.id.clone(),
            request_hash: new.request_hash,
            asked: new.asked.clone(),
            profile_id: new.profile.map(ProfileId::as_uuid),
            anchor: new.anchor.map(IdentityKey::as_uuid),
            decided_at: stored_time(new.decided_at),
            policy_version: i64::try_from(new.policy_version).unwrap_or(i64::MAX),
            model_snapshot: i64::try_from(new.model_snapshot).unwrap_or(i64::MAX),
            body: new.body.clone(),
        }
    }
}

/// Stores decisions. Answers which were new.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offers.insert", skip_all, fields(rows = new.len()))]
pub async fn insert(
    connection: &mut PgConnection,
    tenant: &TenantId,
    new: &[&New],
) -> Result<Vec<DecisionKey>> {
    let column = |of: fn(&New) -> i64| new.iter().map(|one| of(one)).collect::<Vec<_>>();
    let times: Vec<_> = new.iter().map(|one| stored_time(one.decided_at)).collect();
    let slots = |of: fn(&New) -> String| new.iter().map(|one| of(one)).collect::<Vec<_>>();
    let keys: Vec<Uuid> = sqlx::query_scalar(INSERT)
        .bind(tenant.as_str())
        .bind(new.iter().map(|one| uuid_of(one.key)).collect::<Vec<_>>())
        .bind(new.iter().map(|one| one.id.as_str()).collect::<Vec<_>>())
        .bind(new.iter().map(|one| one.request_hash).collect::<Vec<_>>())
        .bind(
            new.iter()
                .map(|one| one.asked.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(
            new.iter()
                .map(|one| one.profile.map(ProfileId::as_uuid))
                .collect::<Vec<_>>(),
        )
        .bind(
            new.iter()
                .map(|one| one.anchor.map(IdentityKey::as_uuid))
                .collect::<Vec<_>>(),
        )
        .bind(times)
        .bind(column(|one| {
            i64::try_from(one.policy_version).unwrap_or(i64::MAX)
        }))
        .bind(column(|one| {
            i64::try_from(one.model_snapshot).unwrap_or(i64::MAX)
        }))
        .bind(
            new.iter()
                .map(|one| one.body.as_slice())
                .collect::<Vec<_>>(),
        )
        .bind(slots(|one| {
            one.by_slot(|slot| Some(slot.action.id.cast_signed()))
        }))
        .bind(slots(|one| one.by_slot(|slot| Some(slot.action.version))))
        .bind(slots(|one| one.by_slot(|slot| Some(slot.channel.0))))
        .bind(slots(|one| one.by_slot(|slot| slot.believed)))
        .bind(column(|one| one.epoch.into()))
        .fetch_all(connection)
        .await?;
    Ok(keys
        .into_iter()
        .map(|key| DecisionKey(key.as_u128()))
        .collect())
}

/// Loads decisions by their keys, in no order; those that are not stored are left out.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offers.load", skip_all, fields(rows = keys.len()))]
pub async fn load(
    connection: &mut PgConnection,
    tenant: &TenantId,
    keys: &[DecisionKey],
) -> Result<Vec<Stored>> {
    let keys: Vec<Uuid> = keys.iter().map(|key| uuid_of(*key)).collect();
    let found = sqlx::query_as(LOAD)
        .bind(tenant.as_str())
        .bind(keys)
        .fetch_all(connection)
        .await?;
    Ok(found)
}

/// Decisions of a stretch of time, newest first, from the one before `before` on; all, or those whose keys are at most `up_to`.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offers.between", skip_all)]
pub async fn between(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (from, before): (Micros, (Micros, DecisionKey)),
    up_to: Option<DecisionKey>,
    limit: i64,
) -> Result<Vec<Stored>> {
    let found = sqlx::query_as(BETWEEN)
        .bind(tenant.as_str())
        .bind(stored_time(from))
        .bind(stored_time(before.0))
        .bind(uuid_of(before.1))
        .bind(up_to.map(uuid_of))
        .bind(limit)
        .fetch_all(connection)
        .await?;
    Ok(found)
}

/// How many decisions there are of a stretch of time.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "db.offers.count", skip_all)]
pub async fn count(
    connection: &mut PgConnection,
    tenant: &TenantId,
    (from, before): (Micros, Micros),
) -> Result<i64> {
    let found = sqlx::query_scalar(COUNT)
        .bind(tenant.as_str())
        .bind(stored_time(from))
        .bind(stored_time(before))
        .fetch_one(connection)
        .await?;
    Ok(found)
}

pub(super) fn uuid_of(key: DecisionKey) -> Uuid {
    Uuid::from_u128(key.0)
}
