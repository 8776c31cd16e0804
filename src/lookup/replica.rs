//! Asking a replica what a look-up needs.
//!
//! What must stay true: everything of one asking is read in one snapshot, of which the replica itself says how it stands; what is
//! read is used, and kept, only where [`settled`] says so. What is not enough is left to the primary, as is whatever the replica does
//! not know: that there is no profile of an id, and who brings a token and finds nobody.

use std::{collections::HashSet, time::Duration};

use sqlx::PgConnection;
use tokio::time::timeout;

use super::{
    gathered::Needs,
    primary::shown,
    tiers::{Sought, Source, facts, stale},
};
use crate::{
    cache::{
        local::Entry,
        rule::{self, Why},
        settled::{self, Ask},
    },
    clock::Micros,
    ids::{IdentityKey, ProfileId},
    replicas::{Call, Outcome, fit},
    storage::{
        self, identities, identity_cards,
        profile_documents::{self, Document},
        standby::{self, Stand},
    },
};

impl Sought<'_> {
    /// Asks a replica, if one may be asked. Whatever goes wrong, the primary can still be.
    pub(super) async fn in_replica(&mut self, ask: Ask) {
        let Some(replicas) = self.reader.replicas.clone() else {
            return;
        };
        let vouched = || {
            let memory = self.reader.caches.memory();
            rule::vouched(&memory, self.wish.bound, self.began).is_some()
        };
        if !self.is_open() || ask == Ask::Fresh && !vouched() {
            return;
        }
        let Some(call) = replicas.call(self.epoch) else {
            return;
        };
        let outcome = match timeout(replicas.budget(), self.ask_replica(&call, ask)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(storage::Error::Conflict(_))) => Outcome::Conflict,
            Ok(Err(error)) => {
                tracing::debug!(replica = call.number(), %error, "a replica failed");
                Outcome::Failed
            }
            Err(_) => Outcome::Slow,
        };
        call.end(outcome);
        self.count(Source::Replica);
    }

    #[tracing::instrument(name = "lookup.replica", skip_all, fields(replica = call.number(), lookups = self.who.len()))]
    async fn ask_replica(&mut self, call: &Call<'_>, ask: Ask) -> storage::Result<Outcome> {
        let mut snapshot = call.storage().begin_snapshot().await?;
        let stand = standby::stand(&mut snapshot).await?;
        if let Err(unfit) = fit(call.primary(), &stand) {
            return Ok(Outcome::Unfit(unfit));
        }
        let (mut missed, mut keys) = (HashSet::new(), HashSet::new());
        loop {
            let needs = self.needs(Source::Replica, &missed, &keys);
            if needs.is_empty() {
                // The transaction ends as its connection goes back to the pool.
                return Ok(Outcome::Answered);
            }
            let Needs { keys: of, profiles } = needs;
            if !of.is_empty() {
                keys.extend(&of);
                self.read_entries_of(&mut snapshot, &stand, &of).await?;
            }
            if !profiles.is_empty() {
                missed.extend(&profiles);
                self.read_documents_of(&mut snapshot, &profiles, ask)
                    .await?;
            }
        }
    }

    async fn read_entries_of(
        &mut self,
        snapshot: &mut PgConnection,
        stand: &Stand,
        keys: &[IdentityKey],
    ) -> storage::Result<()> {
        let caches = &self.reader.caches;
        let local = caches.local();
        let number = |key: &IdentityKey| local.map(|local| local.number(*key));
        let numbers: Vec<Option<u32>> = keys.iter().map(number).collect();
        let found = identities::profiles_of(snapshot, self.tenant, keys).await?;
        for (key, number) in keys.iter().zip(numbers) {
            let holder = found.iter().find(|(found, _)| found == key);
            let lies_in = holder.map(|(_, profile)| *profile);
            if lies_in.is_none() {
                match self.judge_nobody(stand) {
                    Ok(right) => self.used(right),
                    Err(why) => {
                        stale(Source::Replica, why.label());
                        continue;
                    }
                }
            }
            // Whether it still lies there is asked of the profile.
            self.gathered.entries.insert(*key, lies_in);
            let position = stand.oldest;
            self.keep_entry(*key, Entry { lies_in, position }, number);
        }
        Ok(())
    }

    fn judge_nobody(&self, stand: &Stand) -> Result<Duration, Why> {
        if !self.wish.tokens.is_empty() {
            return Err(Why::Token);
        }
        let memory = self.reader.caches.memory();
        if self.reader.caches.epoch() != self.epoch {
            return Err(Why::TooOld);
        }
        let snapshot = (stand.oldest, stand.next);
        settled::judge_unknown(snapshot, self.wish, &memory, self.began)
    }

    async fn read_documents_of(
        &mut self,
        snapshot: &mut PgConnection,
        ids: &[ProfileId],
        ask: Ask,
    ) -> storage::Result<()> {
        let now = self.reader.clock.now();
        let read = profile_documents::read_with_origin(snapshot, self.tenant, ids, now).await?;
        let mut found = Vec::with_capacity(read.len());
        for (document, origin) in read {
            match self.judge_reading(&document, origin, ask) {
                Ok((right, next)) => {
                    self.used(right);
                    // Whoever takes old answers counts from when it was right.
                    let since = self.reader.caches.now().saturating_sub(right);
                    let since = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
                    let read_at = Micros(now.0.saturating_sub(since));
                    found.push(document.as_of(read_at, next));
                }
                Err(why) => stale(Source::Replica, why.label()),
            }
        }
        let mut keys: Vec<IdentityKey> = found.iter().flat_map(shown).collect();
        keys.sort_unstable();
        keys.dedup();
        let cards = if keys.is_empty() {
            Vec::new()
        } else {
            identity_cards::cards(snapshot, self.tenant, &keys).await?
        };
        for document in found {
            let own: HashSet<IdentityKey> = shown(&document).collect();
            let cards = cards.iter().filter(|card| own.contains(&card.key)).cloned();
            let document = self.keep_document(document.with_cards(cards.collect()));
            let id = document.profile.id;
            self.gathered.documents.insert(id, Some(document));
        }
        Ok(())
    }

    /// When a document was right, and from which position on nothing is in it.
    fn judge_reading(
        &self,
        document: &Document,
        origin: Option<i64>,
        ask: Ask,
    ) -> Result<(Duration, i64), Why> {
        let caches = &self.reader.caches;
        let memory = caches.memory();
        // Both change under the same lock.
        if caches.epoch() != self.epoch {
            return Err(Why::TooOld);
        }
        let reading = (&facts(document), origin);
        let right = settled::judge(reading, (self.wish, ask), &memory, self.began)?;
        Ok((right, settled::next(document.next, origin, &memory)))
    }
}
