//! A catalogue as files.
//!
//! What must stay true: the parts of a catalogue can be imported one after the other. So actions that the policy names as fallbacks
//! come first, with the policy, and all others after them by id; the same catalogue has the same parts.

use std::{collections::HashSet, sync::Arc};

use super::plan::segments;
use crate::next_best_action::{
    catalogue::{Document, Entry, Snapshot, Version, export_begin},
    model::{Policy, Status},
};

/// A text of at most 1 MiB with the settings and segments and as many actions as fit, or, after a place, with the actions that come
/// after it. Retired ones are left out. And the place of the last action in it, when there are more.
#[must_use]
pub fn export_part(current: &Snapshot, after: Option<&str>) -> (String, Option<String>) {
    let fallbacks = fallbacks(current.policy());
    let mut actions: Vec<(String, Entry)> = current
        .actions()
        .iter()
        .filter(|(_, status)| *status != Status::Retired)
        .map(|(version, status)| (place(version, &fallbacks), entry(version, *status)))
        .filter(|(place, _)| after.is_none_or(|after| place.as_str() > after))
        .collect();
    actions.sort_by(|(a, _), (b, _)| a.cmp(b));
    let (places, actions): (Vec<String>, Vec<Entry>) = actions.into_iter().unzip();
    let mut document = Document {
        actions,
        ..Document::default()
    };
    if after.is_none() {
        document.policy = Some(current.policy().clone());
        document.segments = segments(current).into_iter().cloned().collect();
    }
    let (text, rest) = export_begin(document);
    let last = rest.map(|rest| {
        let written = places.len().saturating_sub(rest.actions.len());
        let last = written.checked_sub(1).and_then(|at| places.get(at));
        // Where settings fill a text alone, all actions come after it, as they do after the empty place.
        last.cloned().unwrap_or_default()
    });
    (text, last)
}

fn fallbacks(policy: &Policy) -> HashSet<&str> {
    let of_places = policy.placements.iter().map(|place| &place.fallback);
    let all = of_places.chain([&policy.fallback]);
    all.filter_map(Option::as_deref).collect()
}

/// Sorts as actions are written.
fn place(version: &Arc<Version>, fallbacks: &HashSet<&str>) -> String {
    let first = fallbacks.contains(version.id());
    let rank = if first { '0' } else { '1' };
    format!("{rank}{}", version.id())
}

fn entry(version: &Arc<Version>, status: Status) -> Entry {
    Entry {
        definition: version.definition.get().clone(),
        status,
    }
}
