//! What was gathered to answer a look-up, from whatever tiers. Pure.
//!
//! What must stay true: a profile answers for an identifier only if it lists it; of several identifiers the first that is known
//! answers, so all before it have to be known to be nobody's.

use std::{collections::HashMap, sync::Arc};

use super::Who;
use crate::{
    ids::{IdentityKey, ProfileId},
    storage::profile_documents::Document,
};

/// What is known so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    /// In which profiles identifiers lie; none where nobody has one.
    pub(super) entries: HashMap<IdentityKey, Option<ProfileId>>,
    /// Profiles; none where there is none of that id.
    pub(super) documents: HashMap<ProfileId, Option<Arc<Document>>>,
}

/// What a look-up comes to.
#[derive(Debug)]
pub(super) enum Seen {
    /// A profile, and which identifier answered.
    Found(Arc<Document>, Option<usize>),
    /// Nobody.
    Unknown,
    /// An identifier lies elsewhere than was thought.
    Moved(IdentityKey),
    /// More has to be known.
    Needs(Needs),
}

/// What has to be known.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Where these identifiers lie.
    pub(super) keys: Vec<IdentityKey>,
    /// These profiles.
    pub(super) profiles: Vec<ProfileId>,
}

impl Needs {
    pub(super) fn add(&mut self, more: Self) {
        self.keys.extend(more.keys);
        self.profiles.extend(more.profiles);
        self.keys.sort_unstable();
        self.keys.dedup();
        self.profiles.sort_unstable();
        self.profiles.dedup();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.profiles.is_empty()
    }

    fn key(key: IdentityKey) -> Seen {
        Seen::Needs(Self {
            keys: vec![key],
            ..Self::default()
        })
    }

    fn profile(profile: ProfileId) -> Seen {
        Seen::Needs(Self {
            profiles: vec![profile],
            ..Self::default()
        })
    }
}

impl Gathered {
    /// What it comes to for somebody.
    pub(super) fn answer(&self, who: &Who) -> Seen {
        match who {
            Who::Id(id) => match self.documents.get(id) {
                None => Needs::profile(*id),
                Some(None) => Seen::Unknown,
                Some(Some(document)) if document.profile.members_total == 0 => {
                    // An id that was merged away leads to whoever holds its home.
                    let home = document.profile.home_key;
                    match self.entries.get(&home) {
                        None => Needs::key(home),
                        Some(None) => Seen::Unknown,
                        Some(Some(holder)) => self.holder(home, *holder, None),
                    }
                }
                Some(Some(document)) => Seen::Found(Arc::clone(document), None),
            },
            Who::Identifiers(identifiers) => self.first_of(identifiers),
        }
    }

    fn first_of(&self, identifiers: &[Option<IdentityKey>]) -> Seen {
        for (n, key) in identifiers.iter().enumerate() {
            let Some(key) = key else {
                continue;
            };
            match self.entries.get(key) {
                Some(None) => (),
                Some(Some(holder)) => return self.holder(*key, *holder, Some(n)),
                // All at once, rather than one after the other.
                None => {
                    let rest = identifiers.iter().skip(n).flatten();
                    let unknown = rest.filter(|key| !self.entries.contains_key(key));
                    return Seen::Needs(Needs {
                        keys: unknown.copied().collect(),
                        ..Needs::default()
                    });
                }
            }
        }
        Seen::Unknown
    }

    fn holder(&self, key: IdentityKey, holder: ProfileId, answered_by: Option<usize>) -> Seen {
        match self.documents.get(&holder) {
            None => Needs::profile(holder),
            Some(Some(document)) if document.lists(&key) => {
                Seen::Found(Arc::clone(document), answered_by)
            }
            Some(_) => Seen::Moved(key),
        }
    }

    /// Takes over what another knows.
    pub(super) fn add(&mut self, more: Self) {
        self.entries.extend(more.entries);
        self.documents.extend(more.documents);
    }
}
