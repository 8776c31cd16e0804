//! Look-ups by way of the caches: memory, then Redis, then a replica, then the primary.
//!
//! What must stay true:
//!
//! - A value is used only where `cache::rule` says so for this very caller; what is not enough is read again, further down.
//! - What is read from the primary is read in the order entries, profiles, identifiers, and is kept under the run of the store
//!   and the position that were known before it was read.
//! - Many who want the same person cause one read of an instance, and with Redis one of all (`together`).

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics::Counter;

use super::{
    Who,
    tiers::{Sought, Source},
    together::{Flown, What},
};
use crate::{
    cache::{Caches, flight::Flights, rule::Wish, settled::Ask},
    clock::Clock,
    error::Error,
    ids::TenantId,
    replicas::Replicas,
    storage::{Storage, profile_documents::Document, profiles::Profile},
};

/// How often who takes old answers looks whether the database is away.
const GLANCE: Duration = Duration::from_millis(50);

/// Reads profiles.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) storage: Storage,
    pub(super) caches: Arc<Caches>,
    pub(super) clock: Clock,
    pub(super) replicas: Option<Arc<Replicas>>,
    pub(super) flights: Arc<Flights<What, Flown>>,
    /// The longest that a read for many may take.
    pub(super) patience: Duration,
    /// Counts what memory answers by itself.
    pub(super) hits: Arc<OnceLock<Counter>>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The profile, and which identifier answered; none when nobody is known.
    pub found: Option<(Arc<Document>, Option<usize>)>,
    /// The tier furthest away that was needed.
    pub source: Source,
    /// The most that it is behind.
    pub behind: Duration,
}

impl Answer {
    /// The profile; none when nobody is known.
    #[must_use]
    pub fn profile(&self) -> Option<&Profile> {
        let (document, _) = self.found.as_ref()?;
        Some(&document.profile)
    }

    /// Tells the current span which tier answered.
    pub(super) fn tell(&self) {
        tracing::Span::current().record("cache.source", self.source.label());
    }

    /// Which of the identifiers that were asked by answered.
    #[must_use]
    pub fn answered_by(&self) -> Option<usize> {
        self.found
            .as_ref()
            .and_then(|(_, answered_by)| *answered_by)
    }
}

impl Reader {
    /// On a database, with caches.
    #[must_use]
    pub fn new(storage: Storage, caches: Arc<Caches>, clock: Clock) -> Self {
        Self {
            storage,
            caches,
            clock,
            replicas: None,
            flights: Arc::default(),
            patience: Duration::from_mins(1),
            hits: Arc::default(),
        }
    }

    /// With replicas, which answer what they may before the primary is asked.
    #[must_use]
    pub fn with_replicas(self, replicas: Option<Arc<Replicas>>) -> Self {
        Self { replicas, ..self }
    }

    /// With a longest time that a read for many may take: that of a call. Nobody may wait for it any more by then.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The replicas, if there are any.
    #[must_use]
    pub fn replicas(&self) -> Option<&Arc<Replicas>> {
        self.replicas.as_ref()
    }

    /// The caches.
    #[must_use]
    pub fn caches(&self) -> &Arc<Caches> {
        &self.caches
    }

    /// Finds one profile.
    ///
    /// The span that asks is told which tier answered; what is found in memory has no span of its own: with two
    /// spans a call they were a sixth of what it took, and finding the profile an eighth.
    ///
    /// # Errors
    /// When no tier that may answer does.
    pub async fn find(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Result<Answer, Error> {
        let mut sought = Sought::new(self, tenant, std::slice::from_ref(who), wish);
        sought.in_memory();
        let answer = match sought.only() {
            Some(answer) => answer,
            // On the heap, so that a look-up that ends before moves little.
            None => Box::pin(self.find_further(tenant, who, wish)).await?,
        };
        answer.tell();
        Ok(answer)
    }

    #[tracing::instrument(name = "lookup.find", skip_all, fields(cache.source = tracing::field::Empty))]
    async fn find_further(
        &self,
        tenant: &TenantId,
        who: &Who,
        wish: &Wish,
    ) -> Result<Answer, Error> {
        let answer = self.find_beyond_memory(tenant, who, wish).await?;
        answer.tell();
        Ok(answer)
    }

    async fn find_beyond_memory(
        &self,
        tenant: &TenantId,
        who: &Who,
        wish: &Wish,
    ) -> Result<Answer, Error> {
        if let Some(answer) = self.stale_first(tenant, who, wish).await {
            return Ok(answer);
        }
        let mut read = std::pin::pin!(async {
            if wish.tokens.is_empty() && !wish.bound.is_zero() {
                self.together(tenant, who, wish).await
            } else {
                self.exactly(tenant, who, wish).await
            }
        });
        let in_time = self.unless_away(wish, read.as_mut()).await;
        let read = match in_time {
            Some(read) => read,
            None => match self.stale(tenant, who, wish).await {
                Some(answer) => return Ok(answer),
                None => read.await,
            },
        };
        match read {
            Err(away @ Error::StorageAway { .. }) if wish.allow_stale => {
                let old = self.stale(tenant, who, wish).await;
                old.ok_or(away)
            }
            other => other,
        }
    }

    /// Finds many profiles; answers in the order of the questions.
    ///
    /// # Errors
    /// When no tier that may answer does.
    pub async fn find_many(
        &self,
        tenant: &TenantId,
        who: &[Who],
        wish: &Wish,
    ) -> Result<Vec<Answer>, Error> {
        let answers = self.find_each(tenant, who, wish).await?;
        tell_furthest(&answers);
        Ok(answers)
    }

    #[tracing::instrument(
        name = "lookup.find_many",
        skip_all,
        fields(lookups = who.len(), cache.source = tracing::field::Empty)
    )]
    async fn find_each(
        &self,
        tenant: &TenantId,
        who: &[Who],
        wish: &Wish,
    ) -> Result<Vec<Answer>, Error> {
        let at_once = who.iter().map(|who| self.remembered(tenant, who, wish));
        let mut answers: Vec<Option<Answer>> = at_once.collect();
        let open = who
            .iter()
            .zip(&answers)
            .filter(|(_, at_once)| at_once.is_none());
        let open: Vec<Who> = open.map(|(who, _)| who.clone()).collect();
        let remembered = who.len() - open.len();
        self.count_remembered(u64::try_from(remembered).unwrap_or(u64::MAX));
        if !open.is_empty() {
            let found = Box::pin(self.find_many_further(tenant, &open, wish)).await?;
            let mut found = found.into_iter();
            for answer in answers.iter_mut().filter(|answer| answer.is_none()) {
                *answer = found.next();
            }
        }
        let answers: Option<Vec<Answer>> = answers.into_iter().collect();
        let answers = answers.ok_or_else(|| Error::bug("finding many", "not all are answered"))?;
        tell_furthest(&answers);
        Ok(answers)
    }

    async fn find_many_further(
        &self,
        tenant: &TenantId,
        who: &[Who],
        wish: &Wish,
    ) -> Result<Vec<Answer>, Error> {
        let mut sought = Sought::new(self, tenant, who, wish);
        sought.in_memory();
        sought.in_redis().await;
        if self.caches.is_away() && wish.allow_stale {
            sought.stale().await;
        }
        if sought.is_open() {
            Box::pin(sought.in_replica(Ask::Fresh)).await;
        }
        let read = Box::pin(sought.in_primary());
        let mut read = self.unless_away(wish, read).await;
        if read.is_none() {
            sought.stale().await;
            read = Some(Box::pin(sought.in_primary()).await);
        }
        match read.unwrap_or(Ok(())) {
            Err(away @ Error::StorageAway { .. }) if wish.allow_stale => {
                sought.stale().await;
                sought.all().ok_or(away)
            }
            Err(error) => Err(error),
            Ok(()) => {
                sought.keep(None);
                sought.all().ok_or(Error::Conflict { reason: "conflict" })
            }
        }
    }

    /// While the database is away nobody who takes old answers has to wait until that shows again.
    async fn stale_first(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Option<Answer> {
        if self.caches.is_away() && wish.allow_stale {
            self.stale(tenant, who, wish).await
        } else {
            None
        }
    }

    /// What a read comes to; nothing when the database turns out to be away before it ends, and old answers are welcome. A
    /// database that hangs would keep who takes them waiting until there is no time left to give one.
    async fn unless_away<T>(&self, wish: &Wish, read: impl Future<Output = T>) -> Option<T> {
        let mut read = std::pin::pin!(read);
        if !wish.allow_stale || self.caches.is_away() {
            return Some(read.await);
        }
        loop {
            match tokio::time::timeout(GLANCE, read.as_mut()).await {
                Ok(done) => return Some(done),
                Err(_) if self.caches.is_away() => return None,
                Err(_) => (),
            }
        }
    }

    async fn stale(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Option<Answer> {
        let mut sought = Sought::new(self, tenant, std::slice::from_ref(who), wish);
        sought.stale().await;
        sought.only()
    }

    pub(super) async fn alone(
        &self,
        tenant: &TenantId,
        who: &Who,
        wish: &Wish,
    ) -> Result<Answer, Error> {
        let mut sought = Sought::new(self, tenant, std::slice::from_ref(who), wish);
        sought.in_redis().await;
        if sought.is_open() {
            sought.in_replica(Ask::Fresh).await;
            sought.in_primary().await?;
            sought.keep(None);
        }
        sought.only().ok_or(Error::Conflict { reason: "conflict" })
    }
}

/// Tells the current span which tier answered, of all that answered the one that is furthest away.
fn tell_furthest(answers: &[Answer]) {
    if let Some(furthest) = answers.iter().max_by_key(|answer| answer.source) {
        furthest.tell();
    }
}
