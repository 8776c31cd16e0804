//! What the index by trait holds of an identity: keyed hashes of the values that it states, to search by, and of its
//! blocking keys, to find look-alikes by.
//!
//! What must stay true: entries depend on the identifier and its state alone, so whoever writes a state writes the
//! difference, and a verification computes them again. An identity that nothing speaks of has none.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::{plan::Context, trait_keys::trait_keys};
use crate::{
    identity::{
        Normalised,
        suggest::{Likeness, stored_keys},
    },
    ids::IdentityKey,
    profile::State,
    storage::identity_traits::Entry,
};

/// What to write to the index.
#[derive(Debug, Default)]
pub struct Changes {
    /// Entries that come; some may be there already.
    pub added: Vec<Entry>,
    /// Entries that go.
    pub removed: Vec<Entry>,
}

impl Changes {
    /// Adds what becomes of an identity: its state before and after, `None` where nothing speaks of it.
    pub(crate) fn follow(
        &mut self,
        context: Context<'_>,
        (key, identifier): (IdentityKey, &Normalised),
        before: Option<&State>,
        after: Option<&State>,
    ) {
        let traits = |state: Option<&State>| {
            state.map_or_else(BTreeSet::new, |state| trait_keys(state, context))
        };
        self.differ(key, &traits(before), &traits(after));
        if let (Some(before), Some(after)) = (before, after)
            && facts(before) == facts(after)
        {
            // Most statements repeat what is known; reading names is not cheap.
            return;
        }
        let likeness = |state: Option<&State>| {
            state.map_or_else(BTreeSet::new, |state| {
                likeness_keys(identifier, state, context)
            })
        };
        let (was, is) = (likeness(before), likeness(after));
        // All that is, not only what is new: what an earlier release recorded is mended when it changes.
        self.added.extend(is.iter().map(|entry| (*entry, key)));
        (self.removed).extend(was.difference(&is).map(|entry| (*entry, key)));
    }

    fn differ(&mut self, key: IdentityKey, was: &BTreeSet<Uuid>, is: &BTreeSet<Uuid>) {
        let entry = |index_key: &Uuid| (*index_key, key);
        self.added.extend(is.difference(was).map(entry));
        self.removed.extend(was.difference(is).map(entry));
    }
}

/// Everything that the index holds of an identity.
#[must_use]
pub fn index_keys(identifier: &Normalised, state: &State, context: Context<'_>) -> BTreeSet<Uuid> {
    let mut keys = trait_keys(state, context);
    keys.append(&mut likeness_keys(identifier, state, context));
    keys
}

/// The keys under which an identity is found by whoever looks like it.
fn likeness_keys(identifier: &Normalised, state: &State, context: Context<'_>) -> BTreeSet<Uuid> {
    let own = (identifier.namespace.as_str(), identifier.value.as_str());
    let likeness = Likeness::new(state.stated_texts(), [own]);
    stored_keys(&likeness)
        .iter()
        .map(|key| context.secret.likeness_key(context.tenant, key))
        .collect()
}

/// What of a state is looked at.
fn facts(state: &State) -> BTreeSet<(&str, &str)> {
    let stated = state.stated_texts();
    stated
        .filter(|(name, _)| Likeness::reads_trait(name))
        .collect()
}
