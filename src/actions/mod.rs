//! The catalogue of actions of each tenant: read, kept ready, changed.
//!
//! What must stay true:
//!
//! - A change is one transaction and one revision, made under the catalogue's row alone: of any number of callers each finds what the
//!   one before left, revisions have no gaps, and what a change comes to is checked against the very catalogue that it changes.
//! - A request is carried out once, however often it is sent: its operation holds what it came to, and a retry gets that.
//! - A dry run reads and writes nothing, and its operation id stays free.
//! - [`Catalogues::current`] is at most [`FRESH`] behind, and never behind a revision that is asked for. A revision that
//!   was read once is never read again, since none ever changes; versions are shared among revisions.

mod change;
mod files;
mod load;
mod outcome;
mod plan;
mod prospect;

pub use change::{Failure, Request};
pub use files::export_part;
pub use outcome::{Fate, Outcome, Touched};
pub use plan::Change;

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    error::Error,
    ids::TenantId,
    next_best_action::catalogue::Snapshot,
    storage::{Storage, catalogues},
};

/// How old the answer to which revision is in force may be.
pub const FRESH: Duration = Duration::from_secs(1);

/// Older revisions that are kept, of all tenants.
const OLDER: usize = 16;

/// Tenants without a catalogue that are remembered.
const EMPTY: usize = 4_096;

/// Locks under which revisions are read, shared by tenants.
const FLIGHTS: usize = 32;

/// The catalogues that this process has met.
#[derive(Debug)]
pub struct Catalogues {
    storage: Storage,
    current: RwLock<HashMap<TenantId, Kept>>,
    /// The one that was used last comes first.
    older: Mutex<VecDeque<(TenantId, Arc<Snapshot>)>>,
    /// One of several who ask for the same reads it.
    flights: [tokio::sync::Mutex<()>; FLIGHTS],
}

/// The revision in force, when it was last asked for.
#[derive(Clone, Debug)]
struct Kept {
    /// None where there is no catalogue.
    snapshot: Option<Arc<Snapshot>>,
    /// Before it was asked for.
    seen: Instant,
}

impl Kept {
    fn revision(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |kept| kept.revision())
    }
}

impl Catalogues {
    /// None met so far.
    #[must_use]
    pub fn new(storage: Storage) -> Self {
        Self {
            storage,
            current: RwLock::default(),
            older: Mutex::default(),
            flights: std::array::from_fn(|_| tokio::sync::Mutex::default()),
        }
    }

    /// The catalogue in force, at most [`FRESH`] behind and at least at a revision (0 for any); none when the tenant has none.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    pub async fn current(
        &self,
        tenant: &TenantId,
        at_least: u64,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        if let Some(kept) = self.fresh(tenant, at_least) {
            return Ok(kept.snapshot);
        }
        let _flight = self.flight(tenant).lock().await;
        if let Some(kept) = self.fresh(tenant, at_least) {
            return Ok(kept.snapshot);
        }
        self.refresh(tenant).await
    }

    /// The catalogue in force now: for those who keep it.
    ///
    /// # Errors
    /// As [`Catalogues::current`].
    pub async fn latest(&self, tenant: &TenantId) -> Result<Option<Arc<Snapshot>>, Error> {
        let _flight = self.flight(tenant).lock().await;
        self.refresh(tenant).await
    }

    /// The catalogue as it was at a revision; none when there is no such revision.
    ///
    /// # Errors
    /// As [`Catalogues::current`].
    pub async fn at(
        &self,
        tenant: &TenantId,
        revision: u64,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        if let Some(found) = self.known(tenant, revision) {
            return Ok(Some(found));
        }
        let _flight = self.flight(tenant).lock().await;
        if let Some(found) = self.known(tenant, revision) {
            return Ok(Some(found));
        }
        let mut connection = self.storage.acquire().await?;
        let in_force = catalogues::revision(&mut connection, tenant).await?;
        let Some(wanted) = i64::try_from(revision)
            .ok()
            .filter(|wanted| (1..=in_force).contains(wanted))
        else {
            return Ok(None);
        };
        let near = self.nearest(tenant);
        let found = load::load(&mut connection, tenant, wanted, near.as_deref()).await?;
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        older.push_front((tenant.clone(), Arc::clone(&found)));
        older.truncate(OLDER);
        Ok(Some(found))
    }

    /// What is kept, if it is new enough.
    fn fresh(&self, tenant: &TenantId, at_least: u64) -> Option<Kept> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let kept = current.get(tenant)?;
        let fresh = kept.seen.elapsed() < FRESH && kept.revision() >= at_least;
        fresh.then(|| kept.clone())
    }

    /// The newest revision that is kept.
    fn nearest(&self, tenant: &TenantId) -> Option<Arc<Snapshot>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.get(tenant)?.snapshot.clone()
    }

    /// A revision that is kept.
    fn known(&self, tenant: &TenantId, revision: u64) -> Option<Arc<Snapshot>> {
        if let Some(nearest) = self.nearest(tenant).filter(|n| n.revision() == revision) {
            return Some(nearest);
        }
        let mut older = self.older.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it =
            |(of, kept): &(TenantId, Arc<Snapshot>)| of == tenant && kept.revision() == revision;
        let at = older.iter().position(is_it)?;
        let found = older.remove(at)?;
        let snapshot = Arc::clone(&found.1);
        older.push_front(found);
        Some(snapshot)
    }

    async fn refresh(&self, tenant: &TenantId) -> Result<Option<Arc<Snapshot>>, Error> {
        let seen = Instant::now();
        let mut connection = self.storage.acquire().await?;
        let revision = catalogues::revision(&mut connection, tenant).await?;
        let snapshot = self.revision(&mut connection, tenant, revision).await?;
        drop(connection);
        let snapshot = self.keep(tenant, snapshot, seen);
        Ok(snapshot)
    }

    /// A revision that is in force, or held.
    async fn revision(
        &self,
        connection: &mut sqlx::PgConnection,
        tenant: &TenantId,
        revision: i64,
    ) -> Result<Option<Arc<Snapshot>>, Error> {
        let nearest = self.nearest(tenant);
        let wanted = u64::try_from(revision).unwrap_or_default();
        if wanted == 0 {
            return Ok(None);
        }
        if let Some(nearest) = nearest.as_ref().filter(|n| n.revision() == wanted) {
            return Ok(Some(Arc::clone(nearest)));
        }
        let found = load::load(connection, tenant, revision, nearest.as_deref()).await?;
        Ok(Some(found))
    }

    /// Keeps what was read, unless something newer is kept already.
    fn keep(
        &self,
        tenant: &TenantId,
        snapshot: Option<Arc<Snapshot>>,
        seen: Instant,
    ) -> Option<Arc<Snapshot>> {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let new = Kept { snapshot, seen };
        if let Some(kept) = current.get_mut(tenant) {
            if kept.revision() <= new.revision() {
                *kept = new;
            }
            return kept.snapshot.clone();
        }
        if new.snapshot.is_none() && current.len() >= EMPTY {
            current.retain(|_, kept| kept.snapshot.is_some());
        }
        let snapshot = new.snapshot.clone();
        current.insert(tenant.clone(), new);
        snapshot
    }

    fn flight(&self, tenant: &TenantId) -> &tokio::sync::Mutex<()> {
        let hash = blake3::hash(tenant.as_str().as_bytes());
        let [first, ..] = hash.as_bytes();
        &self.flights[usize::from(*first) % FLIGHTS]
    }
}
