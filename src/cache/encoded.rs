//! What was shown of documents, encoded, so that it need not be worked out again for every caller: weighted by bytes.
//!
//! What must stay true: whether a document may be served is decided before anything is looked for here; what was shown of a
//! document is used for the very same reading of it, and for a view that is the same in everything that it depends on.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use moka::sync::Cache;

use super::lives::Lives;
use crate::{
    clock::Micros,
    ids::{ProfileId, TenantId},
    storage::profile_documents::Document,
};

/// What a value takes beside its bytes, about.
const OVERHEAD: usize = 320;

/// Whatever makes a difference to what is shown of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// The fields that are asked for, as bits.
    pub fields: u32,
    /// What the caller may do, as bits.
    pub permissions: u8,
    /// The department that the caller is of.
    pub department: Option<Arc<str>>,
    /// To which hour it is computed.
    pub hour: Micros,
    /// By which models of the tenant's customers.
    pub models: u64,
}

/// Encoded answers, by profile and view.
#[derive(Debug)]
pub struct Encoded(Cache<(ProfileId, View), Kept>);

/// What was shown of one reading.
#[derive(Clone, Debug)]
struct Kept {
    tenant: TenantId,
    reading: Reading,
    bytes: Bytes,
}

/// A reading of a profile: what a document holds follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    version: i64,
    position: i64,
    next: i64,
    read_at: Micros,
}

impl Reading {
    fn of(document: &Document) -> Self {
        Self {
            version: document.profile.version,
            position: document.position,
            next: document.next,
            read_at: document.read_at,
        }
    }
}

impl Encoded {
    /// Of at most so many bytes, for up to so long.
    #[must_use]
    pub fn new(bytes: u64, longest: Duration) -> Self {
        let weigh = |_: &(ProfileId, View), kept: &Kept| {
            u32::try_from(kept.bytes.len() + OVERHEAD).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weigh);
        Self(cache.expire_after(Lives(longest)).build())
    }

    /// What was shown of a document to a view.
    #[must_use]
    pub fn get(&self, tenant: &TenantId, document: &Document, view: &View) -> Option<Bytes> {
        let kept = self.0.get(&(document.profile.id, view.clone()))?;
        let same = kept.reading == Reading::of(document) && kept.tenant == *tenant;
        same.then_some(kept.bytes)
    }

    /// Keeps what was shown.
    pub fn put(&self, tenant: &TenantId, document: &Document, view: View, bytes: &Bytes) {
        let kept = Kept {
            tenant: tenant.clone(),
            reading: Reading::of(document),
            bytes: bytes.clone(),
        };
        self.0.insert((document.profile.id, view), kept);
    }

    /// About how many bytes it holds.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_is_shown_again_of_the_same_reading_to_the_same_view() {
        let encoded = Encoded::new(1 << 20, Duration::from_mins(1));
        let tenant = TenantId::default_tenant();
        let document = Document::of_nothing(3, 9);
        let view = View {
            fields: 1,
            permissions: 2,
            department: None,
            hour: Micros(0),
            models: 1,
        };
        let shown = Bytes::from_static(b"shown");
        encoded.put(&tenant, &document, view.clone(), &shown);
        assert_eq!(encoded.get(&tenant, &document, &view), Some(shown));
        let other = TenantId::parse("other").unwrap();
        assert_eq!(encoded.get(&other, &document, &view), None);
        for other in [(4, 9), (3, 10)] {
            let later = Document::of_nothing(other.0, other.1);
            assert_eq!(encoded.get(&tenant, &later, &view), None);
        }
        let views = [
            View {
                fields: 3,
                ..view.clone()
            },
            View {
                permissions: 3,
                ..view.clone()
            },
            View {
                department: Some("billing".into()),
                ..view.clone()
            },
            View {
                hour: Micros(1),
                ..view.clone()
            },
            View { models: 2, ..view },
        ];
        for other in views {
            assert_eq!(encoded.get(&tenant, &document, &other), None, "{other:?}");
        }
    }
}
