//! Asking the primary what a look-up needs, and keeping it.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::{
    gathered::{Gathered, Needs},
    lost::{LOST, check_of_nobody, lacks},
    tiers::{Sought, Source},
};
use crate::{
    cache::local::Entry,
    error::Error,
    identity::Members,
    ids::{IdentityKey, ProfileId},
    profile::view,
    storage::{
        identities, identity_cards,
        profile_documents::{self, Document},
    },
};

/// How often a look-up starts again when people are joined or parted under it.
const ATTEMPTS: usize = 5;

impl Sought<'_> {
    /// Asks the primary.
    ///
    /// # Errors
    /// When it fails, or people are joined and parted under it too often.
    #[tracing::instrument(name = "lookup.primary", skip_all, fields(lookups = self.who.len()))]
    pub(super) async fn in_primary(&mut self) -> Result<(), Error> {
        if !self.is_open() {
            return Ok(());
        }
        let mut connection = self.reader.storage.acquire().await?;
        let nothing = (HashSet::new(), HashSet::new());
        // A round reads entries, profiles, homes or their holders.
        for _ in 0..4 * ATTEMPTS {
            let needs = self.needs(Source::Primary, &nothing.0, &nothing.1);
            if !needs.is_empty() {
                self.read(&mut connection, needs).await?;
            } else if !self.is_open() {
                break;
            }
        }
        let nobody = |answer: &Option<_>| matches!(answer, Some((None, Source::Primary)));
        if !self.wish.tokens.is_empty() && self.answers.iter().any(nobody) {
            check_of_nobody(&mut connection, self.tenant, self.who, &self.wish.tokens).await?;
        }
        drop(connection);
        self.reader.caches.count_primary();
        self.count(Source::Primary);
        if self.is_open() {
            return Err(Error::Conflict { reason: "conflict" });
        }
        Ok(())
    }

    async fn read(&mut self, connection: &mut PgConnection, needs: Needs) -> Result<(), Error> {
        let mut read = Gathered::default();
        if !needs.keys.is_empty() {
            self.read_entries(connection, &needs.keys, &mut read)
                .await?;
        }
        if !needs.profiles.is_empty() {
            self.read_documents(connection, &needs.profiles, &mut read)
                .await?;
        }
        self.gathered.add(read);
        Ok(())
    }

    async fn read_entries(
        &mut self,
        connection: &mut PgConnection,
        keys: &[IdentityKey],
        read: &mut Gathered,
    ) -> Result<(), Error> {
        let caches = &self.reader.caches;
        let position = caches.memory().horizon();
        let local = caches.local();
        let numbers = keys.iter().map(|key| local.map(|local| local.number(*key)));
        let numbers: Vec<Option<u32>> = numbers.collect();
        let found = identities::profiles_of(connection, self.tenant, keys).await?;
        read.entries.extend(keys.iter().map(|key| (*key, None)));
        let found = found.into_iter().map(|(key, profile)| (key, Some(profile)));
        read.entries.extend(found);
        for (key, number) in keys.iter().zip(numbers) {
            let lies_in = read.entries.get(key).copied().flatten();
            self.keep_entry(*key, Entry { lies_in, position }, number);
        }
        Ok(())
    }

    async fn read_documents(
        &mut self,
        connection: &mut PgConnection,
        ids: &[ProfileId],
        read: &mut Gathered,
    ) -> Result<(), Error> {
        let now = self.reader.clock.now();
        let found = profile_documents::read(connection, self.tenant, ids, now).await?;
        if found
            .iter()
            .any(|document| lacks(document, &self.wish.tokens))
        {
            return Err(LOST);
        }
        let mut keys: Vec<IdentityKey> = found.iter().flat_map(shown).collect();
        keys.sort_unstable();
        keys.dedup();
        let cards = if keys.is_empty() {
            Vec::new()
        } else {
            identity_cards::cards(connection, self.tenant, &keys).await?
        };
        read.documents.extend(ids.iter().map(|id| (*id, None)));
        for document in found {
            let own: HashSet<IdentityKey> = shown(&document).collect();
            let cards = cards.iter().filter(|card| own.contains(&card.key)).cloned();
            let document = document.with_cards(cards.collect());
            let document = self.keep_document(document);
            let id = document.profile.id;
            read.documents.insert(id, Some(document));
        }
        Ok(())
    }
}

/// The members whose identifiers a document shows: the first by rank.
pub(super) fn shown(document: &Document) -> impl Iterator<Item = IdentityKey> + '_ {
    let members = document.profile.members.iter().flat_map(Members::keys);
    members.take(view::IDENTIFIERS)
}
