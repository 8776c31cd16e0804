//! Names of actions as labels of metrics.
//!
//! What must stay true: no more than [`ActionLabels::MOST`] names are labels in a process, whatever tenants put into their
//! catalogues, and a name that is one stays one. Only names of actions of catalogues are handed in, never what a caller says.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

/// The names that are labels. Actions of one name of several tenants have one label.
#[derive(Debug, Default)]
pub struct ActionLabels(Mutex<BTreeSet<Arc<str>>>);

impl ActionLabels {
    /// Names that are labels at most: the first of which something is told.
    pub const MOST: usize = 100;
    /// The label of all others.
    pub const OTHER: &'static str = "other";

    /// The label of an action.
    #[must_use]
    pub fn of(&self, action: &str) -> Arc<str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(label) = known.get(action) {
            return Arc::clone(label);
        }
        if known.len() >= Self::MOST {
            return Self::OTHER.into();
        }
        let label: Arc<str> = action.into();
        known.insert(Arc::clone(&label));
        label
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_most_share_a_label_and_those_before_keep_theirs() {
        let labels = ActionLabels::default();
        for round in 0..2 {
            for n in 0..ActionLabels::MOST * 2 {
                let name = format!("action-{n}");
                let wanted = if n < ActionLabels::MOST {
                    name.as_str()
                } else {
                    ActionLabels::OTHER
                };
                assert_eq!(&*labels.of(&name), wanted, "{round}");
            }
        }
    }
}
