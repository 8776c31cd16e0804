//! Keeping what the database said, in this process at once and in Redis when the look-up is over.

use std::sync::Arc;

use super::tiers::Sought;
use crate::{
    cache::{
        local::{Entry, age},
        redis::Value,
        rule::Age,
        sealed::{Kind, document_name, entry_name, lifetime},
    },
    ids::IdentityKey,
    storage::profile_documents::Document,
};

impl Sought<'_> {
    /// Keeps where an identifier lies; `number` is that of the identifier before it was asked for.
    pub(super) fn keep_entry(&mut self, key: IdentityKey, entry: Entry, number: Option<u32>) {
        let caches = &self.reader.caches;
        if let (Some(local), Some(number)) = (caches.local(), number) {
            local.put_entry(self.epoch, self.tenant, key, entry, number);
        }
        if let (Some(profile), Some(_)) = (entry.lies_in, caches.redis()) {
            self.fresh.push(Value {
                tenant: self.tenant.clone(),
                name: entry_name(self.epoch, key),
                age: Age {
                    version: entry.position,
                    position: 0,
                },
                kind: Kind::LiesIn,
                contents: profile.as_bytes().to_vec(),
                lifetime: lifetime(caches.lifetime(), key.as_uuid().as_u64_pair().1),
            });
        }
    }

    /// Keeps a document, and answers with it.
    pub(super) fn keep_document(&mut self, document: Document) -> Arc<Document> {
        let caches = &self.reader.caches;
        let (id, bytes) = (document.profile.id, document.encoded_len());
        if caches.redis().is_some() {
            self.fresh.push(Value {
                tenant: self.tenant.clone(),
                name: document_name(self.epoch, id),
                age: age(&document),
                kind: Kind::Document,
                contents: document.encode(),
                lifetime: lifetime(caches.lifetime(), id.as_uuid().as_u64_pair().1),
            });
        }
        let document = Arc::new(document.lean());
        if let Some(local) = caches.local() {
            local.put_document(self.epoch, self.tenant, &document, bytes);
        }
        document
    }
}
