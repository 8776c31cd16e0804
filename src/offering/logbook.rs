//! Decisions that reserve nothing: stored beside the calls, within a second.
//!
//! What must stay true: what waits is bounded, and a decision for which there is no room is stored before its answer; so is one whose
//! id its caller chose, since a retry may come to another instance. Outcomes find in this process what still waits; at a drain
//! everything that waits is stored.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::{
    error::Error,
    ids::TenantId,
    next_best_action::keys::DecisionKey,
    storage::{Storage, offers},
    telemetry::names,
};

/// Decisions that may wait.
const WAITING: usize = 8_192;
/// Decisions stored together at most.
const TOGETHER: usize = 500;
/// How long is waited for company.
const LINGER: Duration = Duration::from_millis(200);
/// How long is waited before a failed write is tried again.
const PAUSE: Duration = Duration::from_millis(500);

type Entry = (TenantId, Arc<offers::New>);

/// What waits, by tenant and decision.
type Waiting = Arc<Mutex<HashMap<(TenantId, DecisionKey), Arc<offers::New>>>>;

/// The way in.
#[derive(Debug)]
pub struct Logbook {
    storage: Storage,
    sender: mpsc::Sender<Entry>,
    waiting: Waiting,
}

/// The writer, to wait for when the service drains.
#[derive(Debug)]
pub struct Keeper(JoinHandle<()>);

impl Keeper {
    /// Waits until everything is stored. The last [`Logbook`] must be gone.
    pub async fn drained(self) {
        if let Err(error) = self.0.await {
            tracing::error!(%error, "the logbook ended badly");
        }
    }
}

impl Logbook {
    /// Starts the writer.
    #[must_use]
    pub fn start(storage: &Storage) -> (Self, Keeper) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let waiting = Waiting::default();
        let writer = tokio::spawn(write(storage.clone(), receiver, Arc::clone(&waiting)));
        let logbook = Self {
            storage: storage.clone(),
            sender,
            waiting,
        };
        (logbook, Keeper(writer))
    }

    /// Takes a decision to be stored.
    ///
    /// # Errors
    /// When there is no room and the database fails.
    pub async fn keep(&self, tenant: &TenantId, new: offers::New) -> Result<(), Error> {
        let new = Arc::new(new);
        let key = (tenant.clone(), new.key);
        self.lock().insert(key.clone(), Arc::clone(&new));
        let Err(refused) = self.sender.try_send((tenant.clone(), new)) else {
            return Ok(());
        };
        let (_, new) = refused.into_inner();
        let mut connection = self.storage.acquire().await?;
        let stored = offers::insert(&mut connection, tenant, &[&new]).await;
        self.lock().remove(&key);
        stored?;
        Ok(())
    }

    /// Stores a decision at once, and tells whether there was none under its id: who chose the id may ask any instance again.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn store(&self, tenant: &TenantId, new: &offers::New) -> Result<bool, Error> {
        let mut connection = self.storage.acquire().await?;
        let stored = offers::insert(&mut connection, tenant, &[new]).await?;
        Ok(!stored.is_empty())
    }

    /// A decision that waits to be stored.
    #[must_use]
    pub fn find(&self, tenant: &TenantId, key: DecisionKey) -> Option<Arc<offers::New>> {
        self.lock().get(&(tenant.clone(), key)).cloned()
    }

    fn lock(
        &self,
    ) -> std::sync::MutexGuard<'_, HashMap<(TenantId, DecisionKey), Arc<offers::New>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(storage: Storage, mut receiver: mpsc::Receiver<Entry>, waiting: Waiting) {
    while let Some(first) = receiver.recv().await {
        let deadline = Instant::now() + LINGER;
        let mut entries = vec![first];
        while entries.len() < TOGETHER {
            match tokio::time::timeout_at(deadline, receiver.recv()).await {
                Ok(Some(entry)) => entries.push(entry),
                Ok(None) | Err(_) => break,
            }
        }
        let mut by_tenant: HashMap<TenantId, Vec<Arc<offers::New>>> = HashMap::new();
        for (tenant, new) in entries {
            by_tenant.entry(tenant).or_default().push(new);
        }
        for (tenant, new) in by_tenant {
            // A database that is away comes back; one try more when the service ends meanwhile.
            while let Err(error) = store(&storage, &tenant, &new).await {
                metrics::counter!(names::ACTION_DECISIONS_UNSTORED).increment(1);
                tracing::warn!(%error, decisions = new.len(), "decisions could not be stored");
                if receiver.is_closed() {
                    break;
                }
                tokio::time::sleep(PAUSE).await;
            }
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for one in &new {
                waiting.remove(&(tenant.clone(), one.key));
            }
        }
    }
}

async fn store(
    storage: &Storage,
    tenant: &TenantId,
    new: &[Arc<offers::New>],
) -> Result<(), Error> {
    let mut connection = storage.acquire().await?;
    let new: Vec<&offers::New> = new.iter().map(Arc::as_ref).collect();
    offers::insert(&mut connection, tenant, &new).await?;
    Ok(())
}
