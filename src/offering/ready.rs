//! A revision of a catalogue with a snapshot of what was learned, ready to decide by.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    actions::Catalogues,
    error::Error,
    ids::TenantId,
    next_best_action::{
        catalogue::Snapshot,
        learning::{Unreadable, cohorts::Table, snapshot::Snapshot as Weights, standing::Standing},
        situation::{Learnt, Models, Questions},
    },
    storage::{Storage, action_models},
};

/// How old the answer to which snapshot is the newest may be.
const FRESH: Duration = Duration::from_secs(5);

/// Pairs that are kept, of all tenants.
const KEPT: usize = 64;

/// What decisions are made by.
#[derive(Debug)]
pub struct Ready {
    /// The catalogue.
    pub catalogue: Arc<Snapshot>,
    /// What its rules ask.
    pub questions: Questions,
    /// What was learned.
    pub models: Models,
    /// The snapshot of that, 0 before the first.
    pub snapshot: u64,
}

/// What decisions are made by, of each tenant.
#[derive(Debug)]
pub struct Shelf {
    storage: Storage,
    catalogues: Arc<Catalogues>,
    newest: Mutex<HashMap<TenantId, (u64, Instant)>>,
    /// The one that was used last comes first.
    kept: Mutex<VecDeque<(TenantId, Arc<Ready>)>>,
}

impl Shelf {
    /// With nothing on it.
    #[must_use]
    pub fn new(storage: Storage, catalogues: Arc<Catalogues>) -> Self {
        Self {
            storage,
            catalogues,
            newest: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// What is in force: at least a revision of the catalogue; none when the tenant has no catalogue.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    pub async fn current(
        &self,
        tenant: &TenantId,
        at_least: u64,
    ) -> Result<Option<Arc<Ready>>, Error> {
        let Some(catalogue) = self.catalogues.current(tenant, at_least).await? else {
            return Ok(None);
        };
        let snapshot = self.newest(tenant).await?;
        self.made(tenant, catalogue, snapshot).await.map(Some)
    }

    /// The catalogue in force; none when the tenant has none.
    ///
    /// # Errors
    /// As [`Shelf::current`].
    pub async fn catalogue(&self, tenant: &TenantId) -> Result<Option<Arc<Snapshot>>, Error> {
        self.catalogues.current(tenant, 0).await
    }

    /// The catalogue as it was at a revision; none when there is no such revision.
    ///
    /// # Errors
    /// As [`Shelf::current`].
    pub async fn catalogue_at(
        &self,
        tenant: &TenantId,
        revision: u64,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        self.catalogues.at(tenant, revision).await
    }

    /// What was in force when a decision was made; none when there is no such revision.
    ///
    /// # Errors
    /// As [`Shelf::current`].
    pub async fn at(
        &self,
        tenant: &TenantId,
        revision: u64,
        snapshot: u64,
    ) -> Result<Option<Arc<Ready>>, Error> {
        let Some(catalogue) = self.catalogues.at(tenant, revision).await? else {
            return Ok(None);
        };
        self.made(tenant, catalogue, snapshot).await.map(Some)
    }

    /// What was learned by a snapshot, as a catalogue reads it.
    ///
    /// # Errors
    /// As [`Shelf::current`].
    pub async fn models(
        &self,
        tenant: &TenantId,
        catalogue: Arc<Snapshot>,
        snapshot: u64,
    ) -> Result<Models, Error> {
        let learnt = self.learnt(tenant, snapshot).await?;
        let making = move || Models::new(&catalogue, snapshot, learnt);
        let made = tokio::task::spawn_blocking(making).await;
        made.map_err(|e| Error::bug("preparing to decide", e))
    }

    async fn newest(&self, tenant: &TenantId) -> Result<u64, Error> {
        let known = {
            let newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            newest.get(tenant).copied()
        };
        if let Some((snapshot, seen)) = known
            && seen.elapsed() < FRESH
        {
            return Ok(snapshot);
        }
        let seen = Instant::now();
        let mut connection = self.storage.acquire().await?;
        let found = action_models::latest(&mut connection, tenant).await?;
        let snapshot = found.map_or(0, |(snapshot, _)| snapshot);
        let snapshot = u64::try_from(snapshot).unwrap_or_default();
        let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
        newest.insert(tenant.clone(), (snapshot, seen));
        Ok(snapshot)
    }

    async fn made(
        &self,
        tenant: &TenantId,
        catalogue: Arc<Snapshot>,
        snapshot: u64,
    ) -> Result<Arc<Ready>, Error> {
        let key = (catalogue.revision(), snapshot);
        if let Some(found) = self.find(tenant, key) {
            return Ok(found);
        }
        let learnt = self.learnt(tenant, snapshot).await?;
        // Draws of many actions take their time, which is not that of other callers.
        let making = tokio::task::spawn_blocking(move || Ready {
            questions: Questions::of(&catalogue),
            models: Models::new(&catalogue, snapshot, learnt),
            catalogue,
            snapshot,
        });
        let ready = Arc::new(
            making
                .await
                .map_err(|e| Error::bug("preparing to decide", e))?,
        );
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((tenant.clone(), Arc::clone(&ready)));
        kept.truncate(KEPT);
        Ok(ready)
    }

    fn find(&self, tenant: &TenantId, key: (u64, u64)) -> Option<Arc<Ready>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let is = |(of, ready): &(TenantId, Arc<Ready>)| {
            (ready.catalogue.revision(), ready.snapshot) == key && of == tenant
        };
        let at = kept.iter().position(is)?;
        if at > 0 {
            let found = kept.remove(at)?;
            kept.push_front(found);
        }
        kept.front().map(|(_, ready)| Arc::clone(ready))
    }

    async fn learnt(&self, tenant: &TenantId, snapshot: u64) -> Result<Learnt, Error> {
        if snapshot == 0 {
            return Ok(Learnt::default());
        }
        let number = i64::try_from(snapshot).unwrap_or(i64::MAX);
        let mut connection = self.storage.acquire().await?;
        let found = action_models::load(&mut connection, tenant, number).await?;
        let what = "reading what was learned";
        let stored = found.ok_or_else(|| Error::bug(what, "a snapshot is gone"))?;
        let without = action_models::Stored {
            contextual: None,
            ..stored.clone()
        };
        decoded(&stored)
            .or_else(|error| {
                // Level 1 can decide alone.
                tracing::error!(%tenant, snapshot, %error, "what level 2 learned cannot be read");
                let level_1 = decoded(&without)?;
                Ok(Learnt {
                    unreadable: true,
                    ..level_1
                })
            })
            .map_err(|error: Unreadable| Error::bug(what, error))
    }
}

/// What a snapshot holds.
pub(super) fn decoded(stored: &action_models::Stored) -> Result<Learnt, Unreadable> {
    let contextual = stored.contextual.as_ref().map(|(weights, standing)| {
        Ok::<_, Unreadable>((Weights::decode(weights)?, Standing::decode(standing)?))
    });
    Ok(Learnt {
        as_of: stored.as_of,
        counts: Table::decode(&stored.counts)?,
        contextual: contextual.transpose()?,
        unreadable: false,
    })
}
