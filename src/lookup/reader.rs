//! Look-ups by way of the caches: memory, then Redis, then a replica, then the primary.
//!
//! What must stay true:
//!
//! - A value is used only where `cache::rule` says so for this very caller; what is not enough is read again, further down.
//! - What is read from the primary is read in the order entries, profiles, identifiers, and is kept under the run of the store
//!   and the position that were known before it was read.
//! - Many who want the same person cause one read of an instance, and with Redis one of all; who is not served by it, because it
//!   began too long before, waits for the next.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use metrics::Counter;

use super::{
    Who,
    tiers::{Sought, Source},
};
use crate::{
    cache::{Caches, flight::Flights, memory::Standing, rule::Wish, settled::Ask},
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
    flights: Arc<Flights<(TenantId, Who), Flown>>,
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

/// What a shared read came to.
#[derive(Clone, Debug)]
enum Flown {
    Read {
        found: Option<(Arc<Document>, Option<usize>)>,
        source: Source,
        /// When it began, since the caches did.
        began: Duration,
        /// When it was right.
        as_of: Duration,
    },
    /// The database is away.
    Away,
    /// Something else; each finds out by itself.
    Failed,
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
            hits: Arc::default(),
        }
    }

    /// With replicas, which answer what they may before the primary is asked.
    #[must_use]
    pub fn with_replicas(self, replicas: Option<Arc<Replicas>>) -> Self {
        Self { replicas, ..self }
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
                self.alone(tenant, who, wish).await
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
    #[tracing::instrument(name = "lookup.find_many", skip_all, fields(lookups = who.len()))]
    pub async fn find_many(
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
        answers.ok_or_else(|| Error::bug("finding many", "not all are answered"))
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

    async fn alone(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Result<Answer, Error> {
        let mut sought = Sought::new(self, tenant, std::slice::from_ref(who), wish);
        sought.in_redis().await;
        if sought.is_open() {
            sought.in_replica(Ask::Fresh).await;
            sought.in_primary().await?;
            sought.keep(None);
        }
        sought.only().ok_or(Error::Conflict { reason: "conflict" })
    }

    /// Joins a read of the same that is under way, or begins one.
    async fn together(&self, tenant: &TenantId, who: &Who, wish: &Wish) -> Result<Answer, Error> {
        let asked = self.caches.now();
        // One that is under way may have begun too long ago, or before what the one who asks has just written; the next one after
        // it has not.
        for _ in 0..2 {
            let key = (tenant.clone(), who.clone());
            let flight = || self.clone().shared(tenant.clone(), who.clone(), wish.bound);
            match self.flights.join(key, flight).await {
                Some(Flown::Read {
                    found,
                    source,
                    began,
                    as_of,
                }) => {
                    let behind = asked.saturating_sub(as_of);
                    let left_behind = began < asked && self.may_have_changed(found.as_ref());
                    if behind <= wish.bound / 2 && !left_behind {
                        return Ok(Answer {
                            found,
                            source,
                            behind,
                        });
                    }
                }
                Some(Flown::Away) => {
                    return Err(Error::StorageAway {
                        source: "a read of the same found it away".into(),
                    });
                }
                Some(Flown::Failed) | None => break,
            }
        }
        self.alone(tenant, who, wish).await
    }

    /// Whether what somebody else began to read may have changed meanwhile: of nobody that is not known.
    fn may_have_changed(&self, found: Option<&(Arc<Document>, Option<usize>)>) -> bool {
        found.is_none_or(|(document, _)| {
            let profile = &document.profile;
            let memory = self.caches.memory();
            memory.standing(profile.id, profile.version, document.position) == Standing::Changed
        })
    }

    /// A read for all who want the same; whoever bears less than this looks at when it was right.
    async fn shared(self, tenant: TenantId, who: Who, bound: Duration) -> Flown {
        let wish = Wish {
            tokens: Vec::new(),
            bound,
            allow_stale: false,
        };
        let mut sought = Sought::new(&self, &tenant, std::slice::from_ref(&who), &wish);
        // Who looked there before the read of another was kept, and came here after it had ended, does not read once more.
        sought.look_in_memory();
        if !sought.is_open() {
            sought.count(Source::Memory);
        }
        let read = async {
            sought.in_redis().await;
            if sought.is_open() {
                let turn = sought.take_turn().await;
                if sought.is_open() {
                    sought.in_replica(Ask::Fresh).await;
                    sought.in_primary().await?;
                }
                sought.keep(turn);
            }
            Ok::<_, Error>(())
        };
        match read.await {
            Ok(()) => (),
            Err(Error::StorageAway { .. }) => return Flown::Away,
            Err(_) => return Flown::Failed,
        }
        let began = sought.began;
        let Some((found, source, as_of)) = sought.first() else {
            return Flown::Failed;
        };
        Flown::Read {
            found,
            source,
            began,
            as_of,
        }
    }
}
