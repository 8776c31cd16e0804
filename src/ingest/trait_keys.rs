//! The keys under which profiles are found by what they state.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::plan::Context;
use crate::{
    profile::{State, trait_value},
    proto::v1::TraitValue,
};

/// The keys under which the trait values of an identity are found: every value that a rule could choose, and every part
/// of a union.
#[must_use]
pub fn trait_keys(state: &State, context: Context<'_>) -> BTreeSet<Uuid> {
    let mut keys = BTreeSet::new();
    for fact in &state.core().traits {
        let mut add = |value: &TraitValue| {
            let bytes = trait_value::search_bytes(value);
            keys.insert(context.secret.trait_key(context.tenant, &fact.name, &bytes));
        };
        let statements = [&fact.latest, &fact.first];
        for value in statements
            .into_iter()
            .flatten()
            .filter_map(|s| s.value.as_ref())
        {
            add(value);
            for part in trait_value::parts(value) {
                add(&trait_value::text(&part));
            }
        }
    }
    keys
}
