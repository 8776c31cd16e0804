//! The kinds of finding that the phrase tables speak of.

use crate::sentiment::model::{Emotion, Intent};

/// What a rule can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Hard,
    Easy,
    Leaving,
    Safety,
    /// Looks like a question and is none; nothing is reported.
    Rhetorical,
    Intent(Intent),
    Emotion(Emotion),
}

/// Every kind with its name in the tables; the position is its bit in [`Kinds`].
const ALL: [(&str, Kind); 21] = [
    ("hard", Kind::Hard),
    ("easy", Kind::Easy),
    ("leaving", Kind::Leaving),
    ("safety", Kind::Safety),
    ("rhetorical", Kind::Rhetorical),
    ("complaint", Kind::Intent(Intent::Complaint)),
    ("cancel", Kind::Intent(Intent::Cancel)),
    ("refund", Kind::Intent(Intent::Refund)),
    ("question", Kind::Intent(Intent::Question)),
    ("purchase", Kind::Intent(Intent::Purchase)),
    ("praise", Kind::Intent(Intent::Praise)),
    ("request", Kind::Intent(Intent::Request)),
    ("escalation", Kind::Intent(Intent::Escalation)),
    ("anger", Kind::Emotion(Emotion::Anger)),
    ("frustration", Kind::Emotion(Emotion::Frustration)),
    ("disappointment", Kind::Emotion(Emotion::Disappointment)),
    ("worry", Kind::Emotion(Emotion::Worry)),
    ("confusion", Kind::Emotion(Emotion::Confusion)),
    ("joy", Kind::Emotion(Emotion::Joy)),
    ("gratitude", Kind::Emotion(Emotion::Gratitude)),
    ("relief", Kind::Emotion(Emotion::Relief)),
];

impl Kind {
    pub(super) fn from_name(name: &str) -> Option<Self> {
        ALL.iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, kind)| kind)
    }
}

/// A set of kinds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u32);

impl Kinds {
    pub(super) fn insert(&mut self, kind: Kind) {
        if let Some(bit) = ALL.iter().position(|&(_, known)| known == kind) {
            self.0 |= 1 << bit;
        }
    }

    pub(super) fn merge(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub(super) fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Kind> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            ALL.get(bit as usize).map(|&(_, kind)| kind)
        })
    }
}
