//! One read for all who want the same person at the same time.
//!
//! What must stay true:
//!
//! - Whoever is served by the read of another is served nothing that it would not have had by reading itself: it looks at when that
//!   read began and of what run of the store it is, and at its own tokens. Who is not served by it waits for the next, which has
//!   begun after it asked.
//! - A read that fails fails nobody who waited for it: they share one more, and what that comes to is what they are told.
//! - No read keeps its place for ever: one that takes longer than a call ends, and who comes long after it began does not wait for
//!   it, but begins anew.

use std::{sync::Arc, time::Duration};

use super::{
    Who,
    counted::{self, SHARED},
    lost::{LOST, lacks},
    reader::{Answer, Reader},
    tiers::{Sought, Source},
};
use crate::{
    cache::{flight::Role, memory::Standing, rule::Wish, sealed::Epoch, settled::Ask},
    error::Error,
    ids::TenantId,
    storage::profile_documents::Document,
};

/// How many reads of others a look-up waits for before it reads by itself.
const ROUNDS: usize = 4;

/// Who comes longer than this after a read began does not wait for it, unless it would be served by it.
const LONG: Duration = Duration::from_secs(1);

/// What a shared read is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct What {
    tenant: TenantId,
    who: Who,
    depth: Depth,
}

/// Where a shared read looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Depth {
    /// In every tier, for who bears so much; whoever bears less looks at when it was right.
    Tiers,
    /// In the primary alone.
    Primary,
}

/// What a shared read came to.
#[derive(Clone, Debug)]
pub(super) enum Flown {
    Read(Read),
    /// The database is away.
    Away,
    /// Something else.
    Failed(Arc<Error>),
}

/// What was read.
#[derive(Clone, Debug)]
pub(super) struct Read {
    found: Option<(Arc<Document>, Option<usize>)>,
    source: Source,
    /// Of which run of the store.
    epoch: Epoch,
    /// When it began, since the caches did.
    began: Duration,
    /// When it was right.
    as_of: Duration,
}

impl Read {
    fn answer(self, asked: Duration) -> Answer {
        Answer {
            found: self.found,
            source: self.source,
            behind: asked.saturating_sub(self.as_of),
        }
    }
}

/// Failures of shared reads that a look-up has met.
#[derive(Debug, Default)]
struct Failures(bool);

impl Failures {
    /// What a shared read has read; none where it failed for the first time.
    fn past(&mut self, flown: Option<Flown>) -> Result<Option<Read>, Error> {
        match flown {
            Some(Flown::Read(read)) => return Ok(Some(read)),
            Some(Flown::Away) => return Err(away()),
            Some(Flown::Failed(error)) => self.met(Some(&error))?,
            None => self.met(None)?,
        }
        Ok(None)
    }

    /// The first is tried again, together with all who met it; what the second is, its look-up is told.
    fn met(&mut self, failed: Option<&Arc<Error>>) -> Result<(), Error> {
        if !std::mem::replace(&mut self.0, true) {
            return Ok(());
        }
        Err(failed.map_or_else(
            || Error::bug("reading for many", "it ended without an outcome"),
            |error| error.for_another(),
        ))
    }
}

fn away() -> Error {
    Error::StorageAway {
        source: "a read of the same found it away".into(),
    }
}

impl Reader {
    /// Joins a read of the same that is under way, or begins one: for who brings no tokens and bears something.
    pub(super) async fn together(
        &self,
        tenant: &TenantId,
        who: &Who,
        wish: &Wish,
    ) -> Result<Answer, Error> {
        let asked = self.caches.now();
        let mut failures = Failures::default();
        // One that is under way may have begun too long ago, or before what the one who asks has just written; the next one after
        // it has not.
        for _ in 0..ROUNDS {
            let (flown, role) = self.fly((tenant, who), Depth::Tiers, wish.bound).await;
            if let Some(read) = failures.past(flown)?
                && self.serves(&read, asked, wish.bound)
            {
                return Ok(shared(read, role).answer(asked));
            }
        }
        self.alone(tenant, who, wish).await
    }

    /// The same for who brings tokens, or bears nothing: what Redis and a replica do not answer is read from the primary, together
    /// with all others of whom it is so. A read that began after they asked includes whatever their tokens have seen.
    pub(super) async fn exactly(
        &self,
        tenant: &TenantId,
        who: &Who,
        wish: &Wish,
    ) -> Result<Answer, Error> {
        let asked = self.caches.now();
        let mut sought = Sought::new(self, tenant, std::slice::from_ref(who), wish);
        sought.in_redis().await;
        sought.in_replica(Ask::Fresh).await;
        sought.keep(None);
        let mut failures = Failures::default();
        for _ in 0..ROUNDS {
            if !sought.is_open() {
                break;
            }
            let (flown, role) = self.fly((tenant, who), Depth::Primary, wish.bound).await;
            let read = failures.past(flown)?;
            let Some(read) = read.filter(|read| read.began >= asked) else {
                continue;
            };
            match &read.found {
                Some((document, _)) if lacks(document, &wish.tokens) => return Err(LOST),
                // Whether somebody is missing whom the database has lost, it has to be asked.
                None if !wish.tokens.is_empty() => break,
                _ => return Ok(shared(read, role).answer(asked)),
            }
        }
        sought.in_primary().await?;
        sought.keep(None);
        sought.only().ok_or(Error::Conflict { reason: "conflict" })
    }

    /// What a shared read comes to, begun now or already under way.
    async fn fly(
        &self,
        (tenant, who): (&TenantId, &Who),
        depth: Depth,
        bound: Duration,
    ) -> (Option<Flown>, Role) {
        let what = What {
            tenant: tenant.clone(),
            who: who.clone(),
            depth,
        };
        // Who comes later than that is not served by it, whenever it ends.
        let longest = (bound / 2).max(LONG);
        let begin = || self.clone().read_for_many(what.clone(), bound);
        self.flights.join(what.clone(), longest, begin).await
    }

    /// Whether a read in the tiers is good for who asked for no more than what it bears.
    fn serves(&self, read: &Read, asked: Duration, bound: Duration) -> bool {
        let memory = self.caches.memory();
        // Both change under the same lock.
        let same_run = self.caches.epoch() == read.epoch;
        // Of nobody nothing is known.
        let may_have_changed = read.found.as_ref().is_none_or(|(document, _)| {
            let profile = &document.profile;
            memory.standing(profile.id, profile.version, document.position) == Standing::Changed
        });
        drop(memory);
        let in_time = asked.saturating_sub(read.as_of) <= bound / 2;
        same_run && in_time && !(read.began < asked && may_have_changed)
    }

    async fn read_for_many(self, what: What, bound: Duration) -> Flown {
        let wish = Wish {
            tokens: Vec::new(),
            bound,
            allow_stale: false,
        };
        let who = std::slice::from_ref(&what.who);
        let mut sought = Sought::new(&self, &what.tenant, who, &wish);
        let read = async {
            match what.depth {
                Depth::Tiers => sought.in_tiers().await,
                Depth::Primary => {
                    let read = sought.in_primary().await;
                    sought.keep(None);
                    read
                }
            }
        };
        // Nobody waits for longer; a server that hangs ends no read.
        match tokio::time::timeout(self.patience, read).await {
            Ok(Ok(())) => (),
            Ok(Err(Error::StorageAway { .. })) | Err(_) => return Flown::Away,
            Ok(Err(error)) => return Flown::Failed(Arc::new(error)),
        }
        let (epoch, began) = (sought.epoch, sought.began);
        let Some((found, source, as_of)) = sought.first() else {
            return Flown::Failed(Arc::new(Error::Conflict { reason: "conflict" }));
        };
        Flown::Read(Read {
            found,
            source,
            epoch,
            began,
            as_of,
        })
    }
}

impl Sought<'_> {
    /// Asks tier after tier, the primary only when it is this instance's turn.
    async fn in_tiers(&mut self) -> Result<(), Error> {
        // Who looked there before the read of another was kept, and came here after it had ended, does not read once more.
        self.look_in_memory();
        if !self.is_open() {
            self.count_found(Source::Memory, SHARED);
            return Ok(());
        }
        self.in_redis().await;
        if !self.is_open() {
            return Ok(());
        }
        let turn = self.take_turn().await;
        let mut read = Ok(());
        if self.is_open() {
            self.in_replica(Ask::Fresh).await;
            read = self.in_primary().await;
        }
        // Whatever came of it: others wait for the turn.
        self.keep(turn);
        read
    }
}

/// A read that answers a look-up: one that joined it is counted.
fn shared(read: Read, role: Role) -> Read {
    if role == Role::Joined {
        counted::shared(read.source, 1);
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_is_tried_again_and_the_second_is_told() {
        let conflict = Arc::new(Error::Conflict { reason: "conflict" });
        let mut failures = Failures::default();
        assert!(failures.met(Some(&conflict)).is_ok());
        let told = failures.met(Some(&conflict));
        assert!(matches!(told, Err(Error::Conflict { reason: "conflict" })));
        let bug = Arc::new(Error::bug("in a statement", "what the driver said"));
        assert!(matches!(failures.met(Some(&bug)), Err(Error::Bug { .. })));
        let mut failures = Failures::default();
        assert!(failures.met(None).is_ok());
        assert!(matches!(failures.met(None), Err(Error::Bug { .. })));
    }
}
