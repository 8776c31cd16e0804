//! Which interactions of a batch take the fast path: pure.
//!
//! [`Fast`] decides by what identity resolution says. Besides, an interaction takes the slow path when one of its
//! identifiers comes back from having been spoken of by nothing, when profiles would meet of which one keeps its home, when
//! its anchor lends its state to no profile but consents bind all the same, and when a profile waits to be resolved. What is not admitted leaves no trace, so
//! the others of the batch are planned as if it were not there.

use std::collections::{HashMap, HashSet};

use super::{
    model::Prepared,
    plan::{Context, Known},
};
use crate::{
    identity::{
        Keyed,
        fast::{Denied, Fast, Stored},
        resolve::Territory,
    },
    ids::IdentityKey,
    storage::links::Ends,
};

/// Why an interaction takes the slow path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slow {
    /// An identifier changes its standing, or rules or shared identifiers stand in the way.
    Resolution(Denied),
    /// An identifier is spoken of again.
    Returning,
    /// Profiles meet of which one keeps its home.
    KeptHome,
    /// Consents at an anchor that lends nothing else.
    BindingConsent,
    /// A profile waits to be resolved, under these rules or at all.
    Waiting,
}

impl Slow {
    /// Its label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Resolution(Denied::Standing) => "standing",
            Self::Resolution(Denied::Shared) => "shared",
            Self::Resolution(Denied::Rules) => "rules",
            Self::Resolution(Denied::Makeup) => "makeup",
            Self::Returning => "returning",
            Self::KeptHome => "kept_home",
            Self::BindingConsent => "binding_consent",
            Self::Waiting => "waiting",
        }
    }
}

/// The gate of a batch.
pub struct Gate<'a> {
    fast: Fast<'a>,
    known: &'a Known,
    revision: i64,
}

impl<'a> Gate<'a> {
    /// With what is known of the identifiers of a batch and their profiles.
    #[must_use]
    pub fn new(context: Context<'a>, known: &'a Known) -> Self {
        let stored: HashMap<IdentityKey, Stored> = known
            .identities
            .iter()
            .map(|(key, identity)| {
                let stored = Stored {
                    territory: Territory::Profile(identity.profile),
                    standing: identity.standing,
                    neighbours: identity.neighbours.clone(),
                };
                (*key, stored)
            })
            .collect();
        let makeups = known
            .profiles
            .values()
            .filter(|profile| profile.makeup.is_of(profile.members_total))
            .map(|profile| (Territory::Profile(profile.id), profile.makeup.clone()))
            .collect();
        Self {
            fast: Fast::new(context.rules, stored, makeups),
            known,
            revision: context.revision,
        }
    }

    /// The links of which it has to be known whether they are stored.
    #[must_use]
    pub fn doubtful(&self, items: &[&Prepared]) -> Vec<Ends> {
        let doubtful: HashSet<Ends> = items
            .iter()
            .flat_map(|item| self.fast.doubtful(&item.identifiers))
            .collect();
        let mut doubtful: Vec<Ends> = doubtful.into_iter().collect();
        doubtful.sort_unstable();
        doubtful
    }

    /// Says which of the doubtful links are stored.
    pub fn know(&mut self, stored: &[Ends]) {
        for (key, other) in stored {
            self.fast.know_link(*key, *other);
        }
    }

    /// Admits an interaction to the fast path.
    ///
    /// # Errors
    /// Why it is not admitted.
    pub fn admit(&mut self, item: &Prepared) -> Result<(), Slow> {
        let stored = |key| self.known.identities.get(&key);
        let mut identities = item.identifiers.iter().filter_map(|i| stored(i.key));
        if identities.any(|identity| !identity.present) {
            return Err(Slow::Returning);
        }
        let profile = |i: &Keyed| self.known.profiles.get(&stored(i.key)?.profile);
        let mut profiles = item.identifiers.iter().filter_map(profile);
        if profiles.any(|profile| profile.rules != self.revision) {
            return Err(Slow::Waiting);
        }
        let apart = item.anchor().and_then(stored).is_some_and(|i| i.apart);
        if apart && !item.message.consent_changes.is_empty() {
            return Err(Slow::BindingConsent);
        }
        let joined = self.fast.joined(&item.identifiers);
        let keeps = |territory: &Territory| match territory {
            Territory::Profile(id) => self.known.profiles.get(id).is_some_and(|p| p.keeps_home),
            Territory::New(_) => false,
        };
        if joined.len() > 1 && joined.iter().any(keeps) {
            return Err(Slow::KeptHome);
        }
        self.fast.admit(&item.identifiers).map_err(Slow::Resolution)
    }
}
