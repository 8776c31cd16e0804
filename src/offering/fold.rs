//! Folding what became of offers into level 2, with the situations that they were made in.
//!
//! What must stay true: a lesson is folded with the situation that is stored with its decision, and with nothing that was known later.
//! One of a decision without a situation teaches nothing, nor does one of a decision that cannot be read, which the log tells: it
//! must not keep all others from being learned from. At most some days' lessons have their situations in memory at once.

use std::collections::{BTreeMap, HashMap};

use super::Desk;
use crate::{
    calendar::Day,
    error::Error,
    ids::TenantId,
    next_best_action::{
        decide::Record,
        keys::DecisionKey,
        learning::{
            features::Keys,
            snapshot::{Resolved, Snapshot as Weights},
            standing::{Evidence, Lesson},
        },
    },
    storage::offers,
};

/// Lessons folded at once: whole days, as many as come to this.
const TOGETHER: usize = 10_000;
/// Decisions read at once.
const PAGE: usize = 500;

impl Desk {
    /// Weights, and how much there is of each action, with lessons of later days, up to the day that closed.
    pub(super) async fn folded(
        &self,
        tenant: &TenantId,
        mut footing: (Weights, Evidence),
        lessons: Vec<Lesson>,
        closed: Day,
    ) -> Result<(Weights, Evidence), Error> {
        let mut days: BTreeMap<Day, Vec<Lesson>> = BTreeMap::new();
        for lesson in lessons {
            days.entry(lesson.day).or_default().push(lesson);
        }
        let mut together: Vec<Lesson> = Vec::new();
        for (day, lessons) in days {
            together.extend(lessons);
            if together.len() >= TOGETHER {
                let lessons = std::mem::take(&mut together);
                footing = self.fold(tenant, footing, &lessons, day).await?;
            }
        }
        self.fold(tenant, footing, &together, closed).await
    }

    async fn fold(
        &self,
        tenant: &TenantId,
        (weights, mut evidence): (Weights, Evidence),
        lessons: &[Lesson],
        until: Day,
    ) -> Result<(Weights, Evidence), Error> {
        let mut situations: HashMap<u128, Keys> = HashMap::new();
        let mut keys: Vec<DecisionKey> =
            lessons.iter().map(|of| DecisionKey(of.decision)).collect();
        keys.sort_unstable();
        keys.dedup();
        for page in keys.chunks(PAGE) {
            let mut connection = self.storage.acquire().await?;
            let found = offers::load(&mut connection, tenant, page).await?;
            drop(connection);
            // Reading decisions takes its time, which is not that of other callers.
            let reading = tokio::task::spawn_blocking(move || read(&found));
            situations.extend(reading.await.map_err(|e| Error::bug("learning", e))?);
        }
        let mut resolved = Vec::with_capacity(lessons.len());
        for lesson in lessons {
            let Some(keys) = situations.get(&lesson.decision) else {
                continue;
            };
            evidence.add(lesson.action_id, lesson.channel, lesson.day);
            resolved.push(Resolved {
                day: lesson.day,
                decision: lesson.decision,
                slot: lesson.slot,
                action_id: lesson.action_id,
                keys: keys.on(lesson.channel),
                yes: lesson.yes,
            });
        }
        let folding = tokio::task::spawn_blocking(move || weights.fold(until, &resolved));
        let folded = folding.await.map_err(|e| Error::bug("learning", e))?;
        let weights = folded.map_err(|error| Error::bug("learning", error))?;
        Ok((weights, evidence))
    }
}

/// The situations that decisions were made in, where they are known.
fn read(found: &[offers::Stored]) -> Vec<(u128, Keys)> {
    let mut situations = Vec::with_capacity(found.len());
    let (mut unreadable, mut because) = (0, None);
    for stored in found {
        match Record::decode(&stored.body) {
            Ok(record) => {
                situations.extend(record.inputs.situation.map(|keys| (stored.key().0, keys)));
            }
            Err(error) => {
                unreadable += 1;
                because = Some(error);
            }
        }
    }
    if let Some(error) = because {
        tracing::error!(unreadable, %error, "decisions cannot be read, so nothing is learned from them");
    }
    situations
}
