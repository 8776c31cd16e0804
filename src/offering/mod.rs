//! Deciding on next best actions for callers: reading the customer, deciding, reserving, keeping what was decided.
//!
//! What must stay true:
//!
//! - What is decided is a pure function of what is stored with it (`next_best_action::decide`); this room reads and writes, and
//!   chooses nothing.
//! - The customer is read by way of the caches, as fresh as the caller wants. What follows from something older than what holds
//!   is noticed where it matters, under the lock; then the customer is read from the primary.
//! - A decision that reserves a contact is answered after the transaction that holds it has committed. That transaction holds the
//!   profile's lock and looks at the profile once more ([`Guard`]): what does not hold any more is decided anew, on what holds now.
//!   So of any number of concurrent decisions each sees what the others reserved.
//! - A decision has one id and one outcome: whoever asks again under its id gets it, and another request under it is refused.
//! - Whatever else is decided is stored within a second ([`logbook`]).
//! - What sells or needs a consent is answered on what the primary has, though nothing be reserved (`confirm`).
//! - A dry run writes nothing.

mod attributing;
mod confirm;
pub mod evaluate;
pub mod figures;
mod fold;
pub mod learn;
mod levels;
pub mod lift;
pub mod logbook;
mod make;
mod matches;
mod noting;
pub mod outcomes;
mod period;
pub mod ready;
mod sampling;
pub mod segments;
mod situation;
pub mod watch;

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::{
    actions::Catalogues,
    clock::Clock,
    error::Error,
    ids::TenantId,
    ingest::{Guard, Ingest},
    lookup::Reader,
    next_best_action::{
        decide::{Record, Replay, replay},
        keys::DecisionKey,
        situation::{Page, Told},
    },
    storage::{Storage, offers},
    telemetry::actions::ActionLabels,
    tenants::Tenants,
};
use logbook::Logbook;
pub use make::{Call, Made, Prepare};
pub use matches::Matches;
pub use period::Period;
use ready::{Ready, Shelf};
pub use sampling::Sampled;
pub use situation::{Situation, decide_by};

/// What deciding needs.
#[derive(Debug)]
pub struct Desk {
    /// The database.
    pub storage: Storage,
    /// Look-ups of customers.
    pub reader: Reader,
    /// The way in of what is reserved and what became of offers.
    pub ingest: Arc<Ingest>,
    /// The tenants.
    pub tenants: Arc<Tenants>,
    /// What is decided by.
    pub shelf: Shelf,
    /// Where the rest is kept.
    pub logbook: Logbook,
    /// The time.
    pub clock: Clock,
    /// Names of actions that metrics show.
    pub labels: ActionLabels,
    /// Turns of those who look at many customers or decisions at once: one in the whole process, so that they hold one connection and
    /// one core at most.
    turns: Arc<Semaphore>,
    /// Turns of those who count what became of offers, in the database.
    counting: Arc<Semaphore>,
}

/// A decision that was made before.
#[derive(Clone, Debug)]
pub struct Past {
    /// The caller's id of it.
    pub id: String,
    /// What explaining needs of the request.
    pub asked: Vec<u8>,
    /// Hash of the request.
    pub request_hash: uuid::Uuid,
    /// The identifier that its outcomes are anchored at.
    pub anchor: Option<crate::ids::IdentityKey>,
    /// Its bytes.
    pub body: Vec<u8>,
    /// The same, read.
    pub record: Record,
}

impl Desk {
    /// A desk.
    #[must_use]
    pub fn new(
        (storage, reader): (&Storage, Reader),
        (ingest, tenants): (Arc<Ingest>, Arc<Tenants>),
        catalogues: Arc<Catalogues>,
        logbook: Logbook,
        clock: Clock,
    ) -> Self {
        Self {
            storage: storage.clone(),
            reader,
            ingest,
            tenants,
            shelf: Shelf::new(storage.clone(), catalogues),
            logbook,
            clock,
            labels: ActionLabels::default(),
            turns: Arc::new(Semaphore::new(1)),
            counting: Arc::new(Semaphore::new(2)),
        }
    }

    /// A decision that was made before; none when there is none under this id.
    ///
    /// # Errors
    /// When the database fails, or what is stored cannot be read.
    pub async fn past(&self, tenant: &TenantId, key: DecisionKey) -> Result<Option<Past>, Error> {
        if let Some(waiting) = self.logbook.find(tenant, key) {
            return Past::of(offers::Stored::from(&*waiting)).map(Some);
        }
        let mut connection = self.storage.acquire().await?;
        let found = offers::load(&mut connection, tenant, &[key]).await?;
        found.into_iter().next().map(Past::of).transpose()
    }
}

impl Past {
    /// Whether its contacts are reserved: they were if there was somebody to anchor them at.
    #[must_use]
    pub fn reserved(&self) -> bool {
        self.anchor.is_some() && !self.record.decision.reservations.is_empty()
    }

    /// The same decision made again by what it was made by, with every gate of every candidate.
    ///
    /// # Errors
    /// When what it was made by is not this, which is a bug.
    pub fn explained(&self, ready: &Ready, page: &[Page]) -> Result<Replay, Error> {
        let catalogue = &*ready.catalogue;
        let told = Told::new(catalogue, &ready.questions, &self.record.inputs, page);
        let made = replay(&self.body, catalogue.engine(), true, |_| {
            (&ready.models, &told)
        });
        made.map_err(|error| Error::bug("making a decision again", error))
    }

    /// From its stored form.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(stored: offers::Stored) -> Result<Self, Error> {
        let record = Record::decode(&stored.body);
        let record = record.map_err(|error| Error::bug("reading a decision", error))?;
        Ok(Self {
            anchor: stored.anchor(),
            id: stored.id,
            asked: stored.asked,
            request_hash: stored.request_hash,
            body: stored.body,
            record,
        })
    }
}
