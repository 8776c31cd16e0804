//! Claims on event keys: which items of a batch are new, and what is answered to the others.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;

use super::{
    failure::Failure,
    plan::Context,
    record::{Answer, Item, Outcome},
};
use crate::{
    ids::{InteractionId, ProfileId},
    storage::event_keys,
};

/// Which items are new, and what is known of the others.
pub(super) struct Claimed {
    /// Places of the new items, in order.
    pub(super) new: Vec<usize>,
    known: HashMap<InteractionId, event_keys::EventKey>,
}

/// Claims the event keys of items.
pub(super) async fn claim(
    connection: &mut PgConnection,
    context: Context<'_>,
    items: &[Item],
) -> Result<Claimed, Failure> {
    let mut first: HashMap<InteractionId, usize> = HashMap::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        first.entry(item.prepared.id).or_insert(n);
    }
    let mut claims: Vec<event_keys::Claim> = first
        .values()
        .filter_map(|n| {
            let Item { prepared, run, .. } = &items[*n];
            Some(event_keys::Claim {
                id: prepared.id,
                body_hash: prepared.body_hash,
                anchor: prepared.anchor()?,
                occurred_at: prepared.occurred_at,
                run: *run,
            })
        })
        .collect();
    claims.sort_unstable_by_key(|c| c.id);
    let new: HashSet<InteractionId> = event_keys::claim(connection, context.tenant, &claims)
        .await?
        .into_iter()
        .collect();
    let old: Vec<InteractionId> = claims
        .iter()
        .map(|c| c.id)
        .filter(|id| !new.contains(id))
        .collect();
    let known = if old.is_empty() {
        HashMap::new()
    } else {
        event_keys::load(connection, context.tenant, &old)
            .await?
            .into_iter()
            .map(|key| (key.id, key))
            .collect()
    };
    let mut new: Vec<usize> = first
        .into_iter()
        .filter(|(id, _)| new.contains(id))
        .map(|(_, n)| n)
        .collect();
    new.sort_unstable();
    Ok(Claimed { new, known })
}

impl Claimed {
    /// The answers, in the order of the items. An item whose key an earlier one of the batch claimed is a repeat of it.
    pub(super) fn answers(
        &self,
        items: &[Item],
        placed: &[(ProfileId, i64)],
        position: i64,
    ) -> Vec<Answer> {
        let recorded: HashMap<usize, (ProfileId, i64)> = self
            .new
            .iter()
            .copied()
            .zip(placed.iter().copied())
            .collect();
        let claimed: HashMap<InteractionId, usize> = self
            .new
            .iter()
            .map(|n| (items[*n].prepared.id, *n))
            .collect();
        items
            .iter()
            .enumerate()
            .map(|(n, item)| {
                let item = &item.prepared;
                let same = |hash| {
                    if hash == item.body_hash {
                        Outcome::Duplicate
                    } else {
                        Outcome::Conflict
                    }
                };
                let outcome = match (
                    recorded.get(&n),
                    claimed.get(&item.id),
                    self.known.get(&item.id),
                ) {
                    (Some((profile, version)), _, _) => Outcome::Recorded {
                        profile: *profile,
                        version: *version,
                    },
                    (None, Some(first), _) => same(items[*first].prepared.body_hash),
                    (None, None, Some(key)) if key.retracted_by.is_some() => Outcome::Retracted,
                    (None, None, Some(key)) => same(key.body_hash),
                    (None, None, None) => Outcome::Refused,
                };
                Answer { outcome, position }
            })
            .collect()
    }
}

/// Gives an item that took the slow path its answer, and those that repeat it theirs.
pub(super) fn repeat(
    answers: &mut [Answer],
    items: &[Item],
    (place, id): (usize, InteractionId),
    answer: Answer,
) {
    for (n, item) in items.iter().enumerate() {
        if n == place {
            answers[n] = answer;
        } else if item.prepared.id == id {
            let same = item.prepared.body_hash == items[place].prepared.body_hash;
            answers[n] = match answer.outcome {
                Outcome::Recorded { .. } | Outcome::Duplicate if same => Answer {
                    outcome: Outcome::Duplicate,
                    ..answer
                },
                Outcome::Recorded { .. } | Outcome::Duplicate => Answer {
                    outcome: Outcome::Conflict,
                    ..answer
                },
                _ => answer,
            };
        }
    }
}
