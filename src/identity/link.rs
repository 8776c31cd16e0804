//! Links: evidence that two identifiers are one person.

use std::collections::BTreeMap;

use crate::{clock::Micros, ids::IdentityKey};

/// A link as seen from one of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// This end.
    pub key: IdentityKey,
    /// The other end.
    pub other: IdentityKey,
    /// Whether this end was the anchor.
    pub anchored: bool,
    /// When the two were first together in an interaction.
    pub first_seen: Micros,
    /// When they last were.
    pub last_seen: Micros,
    /// In how many interactions they were.
    pub seen: i64,
}

/// Links by their ends.
pub type Links = BTreeMap<(IdentityKey, IdentityKey), Link>;

impl Link {
    /// As seen from the other end.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            key: self.other,
            other: self.key,
            anchored: !self.anchored,
            ..self
        }
    }

    /// Adds evidence for the same two ends.
    pub fn add(&mut self, more: &Self) {
        self.first_seen = self.first_seen.min(more.first_seen);
        self.last_seen = self.last_seen.max(more.last_seen);
        self.seen += more.seen;
    }
}

/// The links of one interaction, from its anchor. The first key is the anchor's.
pub fn links_of(
    occurred_at: Micros,
    keys: impl IntoIterator<Item = IdentityKey>,
) -> impl Iterator<Item = Link> {
    let mut keys = keys.into_iter();
    let anchor = keys.next();
    keys.filter_map(move |other| {
        Some(Link {
            key: anchor?,
            other,
            anchored: true,
            first_seen: occurred_at,
            last_seen: occurred_at,
            seen: 1,
        })
    })
}

/// Adds evidence to a set of links.
pub fn add_link(links: &mut Links, link: Link) {
    links
        .entry((link.key, link.other))
        .and_modify(|known| known.add(&link))
        .or_insert(link);
}

/// Links seen from one end, and from the other as well.
#[must_use]
pub fn from_both_ends(links: &Links) -> Links {
    links
        .values()
        .flat_map(|link| [*link, link.reversed()])
        .map(|link| ((link.key, link.other), link))
        .collect()
}
