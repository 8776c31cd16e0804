//! Types of the profile algebra.

use std::fmt;

use crate::proto::state::v1 as stored;

/// The fold of a set of interactions.
///
/// `Debug` shows only how much it holds: the rest is personal data.
#[derive(Clone, PartialEq)]
pub struct State {
    /// Everything but the subjects; its own `subjects` and `subjects_beside` are left at their defaults.
    pub(super) core: stored::State,
    pub(super) subjects: Slot,
}

/// Where the subjects of a state are.
#[derive(Clone, PartialEq)]
pub(super) enum Slot {
    Held(stored::Subjects),
    /// In their own column, not loaded.
    Beside,
}

/// A merge needs subjects that were not loaded: load them and merge again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subjects lie beside the state and are not loaded")]
pub struct SubjectsBeside;

/// Format of stored states that this release writes.
pub const FORMAT: u32 = 1;

/// Touchpoints kept in a state.
pub const TOUCHES: usize = 20;

/// Open tickets kept in the totals of a state.
pub const OPEN_TICKETS: usize = 20;

/// Subjects up to this number are kept inside the state, more beside it.
pub const SUBJECTS_INLINE: usize = 32;

impl Default for State {
    fn default() -> Self {
        Self {
            core: stored::State {
                format: FORMAT,
                ..stored::State::default()
            },
            subjects: Slot::Held(stored::Subjects::default()),
        }
    }
}

impl State {
    /// Everything but the subjects.
    #[must_use]
    pub fn core(&self) -> &stored::State {
        &self.core
    }

    /// How many interactions it is the fold of.
    #[must_use]
    pub fn interactions(&self) -> u64 {
        self.core.interactions
    }

    /// Whether its subjects are not loaded.
    #[must_use]
    pub fn subjects_are_beside(&self) -> bool {
        self.subjects == Slot::Beside
    }

    /// Its orders; `None` when its subjects are not loaded.
    #[must_use]
    pub fn orders(&self) -> Option<&[stored::Order]> {
        match &self.subjects {
            Slot::Held(held) => Some(&held.orders),
            Slot::Beside => None,
        }
    }

    /// Whether a merge of this state into one whose subjects are beside needs them.
    #[must_use]
    pub fn touches_subjects(&self) -> bool {
        match &self.subjects {
            Slot::Held(held) => !held.orders.is_empty() || !held.tickets.is_empty(),
            Slot::Beside => true,
        }
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("interactions", &self.core.interactions)
            .field("traits", &self.core.traits.len())
            .field("beside", &self.subjects_are_beside())
            .finish_non_exhaustive()
    }
}
