//! The tier in the process: documents and entries of identifiers, weighted by bytes.
//!
//! What must stay true: a value is of one tenant and of one run of the store, and is given to no other; it takes the place of an
//! older one only.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use moka::{ops::compute::Op, sync::Cache};

use super::{lives::Lives, rule::Age, sealed::Epoch};
use crate::{
    ids::{IdentityKey, ProfileId, TenantId},
    storage::profile_documents::Document,
};

/// What a decoded document takes for each byte of its encoding, about.
const DECODED: usize = 4;

/// What a value takes beside its contents, about: its maps hold places for more than they have.
const OVERHEAD: usize = 2_048;

/// What an entry of an identifier takes, about.
const ENTRY: u32 = 192;

/// Which part of the memory is for entries of identifiers: one of so many.
const ENTRIES: u64 = 8;

/// Groups of identifiers by which it is noticed that one was written while it was read.
const GROUPS: usize = 1_024;

/// What is known of an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The profile in which it lies; none where nobody has it.
    pub lies_in: Option<ProfileId>,
    /// Every change below is in it.
    pub position: i64,
}

#[derive(Clone, Debug)]
struct Kept<V> {
    tenant: TenantId,
    epoch: Epoch,
    value: V,
    weight: u32,
}

/// The tier.
#[derive(Debug)]
pub struct Local {
    documents: Cache<ProfileId, Kept<Arc<Document>>>,
    entries: Cache<IdentityKey, Kept<Entry>>,
    written: Vec<AtomicU32>,
}

impl Local {
    /// Of at most so many bytes, for at most so long.
    #[must_use]
    pub fn new(bytes: u64, longest: Duration) -> Self {
        let for_entries = bytes / ENTRIES;
        Self {
            documents: Cache::builder()
                .max_capacity(bytes - for_entries)
                .weigher(|_, kept: &Kept<Arc<Document>>| kept.weight)
                .expire_after(Lives(longest))
                .build(),
            entries: Cache::builder()
                .max_capacity(for_entries)
                .weigher(|_, kept: &Kept<Entry>| kept.weight)
                .expire_after(Lives(longest))
                .build(),
            written: std::iter::repeat_with(AtomicU32::default)
                .take(GROUPS)
                .collect(),
        }
    }

    /// The document of a profile.
    #[must_use]
    pub fn document(
        &self,
        epoch: Epoch,
        tenant: &TenantId,
        profile: ProfileId,
    ) -> Option<Arc<Document>> {
        let kept = self.documents.get(&profile)?;
        (kept.epoch == epoch && kept.tenant == *tenant).then_some(kept.value)
    }

    /// What is known of an identifier.
    #[must_use]
    pub fn entry(&self, epoch: Epoch, tenant: &TenantId, key: IdentityKey) -> Option<Entry> {
        let kept = self.entries.get(&key)?;
        (kept.epoch == epoch && kept.tenant == *tenant).then_some(kept.value)
    }

    /// Keeps a document, unless a newer one is kept. `bytes` is the length of its encoding.
    pub fn put_document(
        &self,
        epoch: Epoch,
        tenant: &TenantId,
        document: &Arc<Document>,
        bytes: usize,
    ) {
        let age = age(document);
        let new = Kept {
            tenant: tenant.clone(),
            epoch,
            value: Arc::clone(document),
            weight: u32::try_from(bytes * DECODED + OVERHEAD).unwrap_or(u32::MAX),
        };
        self.documents
            .entry(document.profile.id)
            .and_compute_with(|held| match held {
                Some(held)
                    if held.value().epoch == epoch && self::age(&held.value().value) >= age =>
                {
                    Op::Nop
                }
                _ => Op::Put(new),
            });
    }

    /// Keeps what is known of an identifier, unless newer is kept, or it was written since the number was taken.
    pub fn put_entry(
        &self,
        epoch: Epoch,
        tenant: &TenantId,
        key: IdentityKey,
        entry: Entry,
        number: u32,
    ) {
        if self.number(key) != number {
            return;
        }
        let new = Kept {
            tenant: tenant.clone(),
            epoch,
            value: entry,
            weight: ENTRY,
        };
        self.entries.entry(key).and_compute_with(|held| match held {
            Some(held)
                if held.value().epoch == epoch && held.value().value.position > entry.position =>
            {
                Op::Nop
            }
            _ => Op::Put(new),
        });
        if self.number(key) != number {
            self.entries.invalidate(&key);
        }
    }

    /// A number that changes when an identifier is written.
    #[must_use]
    pub fn number(&self, key: IdentityKey) -> u32 {
        self.group(key)
            .map_or(0, |group| group.load(Ordering::Acquire))
    }

    fn group(&self, key: IdentityKey) -> Option<&AtomicU32> {
        let (_, low) = key.as_uuid().as_u64_pair();
        let place = usize::try_from(low % 1_024).unwrap_or_default();
        self.written.get(place)
    }

    /// An identifier was written by this process.
    pub fn forget_entry(&self, key: IdentityKey) {
        if let Some(group) = self.group(key) {
            group.fetch_add(1, Ordering::AcqRel);
        }
        self.entries.invalidate(&key);
    }

    /// Lets go of everything.
    pub fn clear(&self) {
        self.documents.invalidate_all();
        self.entries.invalidate_all();
    }

    /// Whether it holds any document.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        // What has expired is counted until somebody asks for it.
        self.documents.run_pending_tasks();
        self.documents.entry_count() > 0
    }

    /// About how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.documents.weighted_size() + self.entries.weighted_size()
    }
}

/// What orders documents.
#[must_use]
pub fn age(document: &Document) -> Age {
    Age {
        version: document.profile.version,
        position: document.position,
    }
}
