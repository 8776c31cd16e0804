//! Looking after replicas: which are fit, and how far behind.
//!
//! What must stay true: this spares look-ups from asking in vain and lets an operator see; no answer is served because of it.

use std::{sync::PoisonError, time::Duration};

use futures_util::future::join_all;
use sqlx::PgConnection;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    Replica, Replicas,
    fit::{Landmarks, STATES, Unfit, fit},
};
use crate::{
    cache::{Caches, memory::Changed, sealed::Epoch},
    storage::{self, Storage, outbox, standby},
    telemetry::names,
};

/// How often replicas are looked at.
const EVERY: Duration = Duration::from_secs(1);

/// After which one that does not answer is away.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a look at a replica found: since when it lacks changes, or why it may not answer.
type Looked = Result<Duration, Unfit>;

impl Replicas {
    /// Looks at them until told to stop.
    pub async fn watch(&self, primary: &Storage, caches: &Caches, stop: CancellationToken) {
        let mut connections: Vec<Option<PgConnection>> = self.all.iter().map(|_| None).collect();
        let mut landmarks = Landmarks::default();
        while !stop.is_cancelled() {
            let round = async {
                if self.learn(primary, caches).await {
                    landmarks.clear();
                }
                // Those of the run of which the primary's history is known.
                let newest = {
                    let memory = caches.memory();
                    let epoch = caches.epoch();
                    let same = self.primary().is_some_and(|(of, _)| of == epoch);
                    memory.last().filter(|_| same)
                };
                landmarks.note(caches.now(), newest);
                let changes: Vec<Changed> = landmarks.changes().collect();
                let looks = self.all.iter().zip(&mut connections);
                let looks = looks.map(|(it, connection)| self.look(it, connection, &changes));
                for (replica, found) in self.all.iter().zip(join_all(looks).await) {
                    let looked = found.and_then(|(shown, oldest)| {
                        landmarks.lacks_for(&shown, oldest, caches.now())
                    });
                    replica.looked(looked);
                }
            };
            if stop.run_until_cancelled(round).await.is_none() {
                return;
            }
            if timeout(EVERY, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// Learns what the primary has the history of, if that is not known of the run that caches are of. Whether it was.
    async fn learn(&self, primary: &Storage, caches: &Caches) -> bool {
        let epoch = caches.epoch();
        if caches.is_away() || self.primary().is_some_and(|(of, _)| of == epoch) {
            return false;
        }
        let ask = async {
            let mut connection = primary.acquire().await?;
            // One after the other of one server: its run, and what it has the history of.
            let page = outbox::since(&mut connection, i64::MAX, &[], 1).await?;
            let lineage = standby::primary(&mut connection).await?;
            Ok::<_, storage::Error>((caches.epoch_of(&page.incarnation), lineage))
        };
        let learned: Option<(Epoch, _)> = match timeout(PATIENCE, ask).await {
            Ok(Ok(learned)) => Some(learned),
            Ok(Err(error)) => {
                tracing::warn!(%error, "what the primary has the history of cannot be read: replicas are not asked");
                None
            }
            Err(_) => None,
        };
        let Some(learned) = learned else {
            return false;
        };
        let mut known = self.primary.write().unwrap_or_else(PoisonError::into_inner);
        *known = Some(learned);
        true
    }

    /// Which of some changes a replica shows, and how far it has come.
    async fn look(
        &self,
        replica: &Replica,
        connection: &mut Option<PgConnection>,
        changes: &[Changed],
    ) -> Result<(Vec<bool>, i64), Unfit> {
        let Some((_, primary)) = self.primary() else {
            return Err(Unfit::Away);
        };
        let changes: Vec<_> = changes
            .iter()
            .map(|change| (change.profile, change.version, change.position))
            .collect();
        let ask = async {
            let held = match connection {
                Some(held) => held,
                None => connection.insert(replica.storage.acquire().await?.detach()),
            };
            // Asked first, it has no more than what shows afterwards.
            let stand = standby::stand(held).await?;
            let shown = standby::shows(held, &changes).await?;
            Ok::<_, storage::Error>((stand, shown))
        };
        match timeout(PATIENCE, ask).await {
            Ok(Ok((stand, shown))) => {
                fit(&primary, &stand)?;
                Ok((shown, stand.oldest))
            }
            failed => {
                if let Ok(Err(error)) = failed {
                    replica.failed(&error);
                }
                *connection = None;
                Err(Unfit::Away)
            }
        }
    }
}

impl Replica {
    /// Says why a look at it failed, where that is new.
    fn failed(&self, error: &storage::Error) {
        let was_away = {
            let state = self.state();
            state.is_known && state.unfit == Some(Unfit::Away)
        };
        let replica = &self.number;
        if was_away {
            tracing::debug!(replica, %error, "a replica does not answer");
        } else {
            tracing::warn!(replica, %error, "a replica does not answer");
        }
    }

    /// Takes note of a look at it.
    fn looked(&self, looked: Looked) {
        let unfit = looked.err();
        let is_new = self.found(unfit);
        if unfit.is_none() && (is_new || self.storage.connections().0 == 0) {
            // Making one takes longer than a look-up may, and all that were made at once end at once.
            let storage = self.storage.clone();
            tokio::spawn(async move { storage.warm(storage.most_connections() / 2).await });
        }
        for (state, label) in STATES {
            metrics::gauge!(names::REPLICA_STATE, "replica" => self.number.clone(), "state" => label)
                .set(f64::from(u8::from(state == unfit)));
        }
        // Of one that is not fit nothing is known.
        let lacks = looked.map_or(f64::NAN, |lacks| lacks.as_secs_f64());
        metrics::gauge!(names::REPLICA_LAG, "replica" => self.number.clone()).set(lacks);
    }
}
