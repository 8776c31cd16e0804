//! The standing of an identifier: what its own links alone say about it.
//!
//! What must stay true: a standing is a function of the identifier, its links (cut or not) and the rules; which set it
//! lies in does not matter. So a transaction that holds an identifier's lock can tell its standing from its own row and
//! the links it adds. More links never take a standing away.
//!
//! - A **hub** is linked to more values of a limited namespace than one person has, or to more identifiers than a profile
//!   may have, or is a value that the rules block. Its links join nothing.
//! - A **shared** identifier, in a namespace whose shared values stay [`Apart`](super::rules::Shared::Apart), is linked to
//!   two values of a unique namespace. It goes with one of them; nothing joins through it.

use std::collections::BTreeMap;

use super::{
    link::Link,
    model::Normalised,
    rules::{Cardinality, Rules, Shared},
};

/// What an identifier is by its links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// One person's.
    #[default]
    Own,
    /// Several people's; it goes with one of them and joins nobody.
    Shared,
    /// Nobody's in particular.
    Hub,
}

/// To how many different values an identifier is linked, by namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbours(BTreeMap<String, u32>);

impl Neighbours {
    /// Counts one more value of a namespace.
    pub fn add(&mut self, namespace: &str) {
        match self.0.get_mut(namespace) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(namespace.to_owned(), 1);
            }
        }
    }

    /// From counts by namespace.
    #[must_use]
    pub fn from_counts(counts: impl IntoIterator<Item = (String, u32)>) -> Self {
        Self(counts.into_iter().filter(|(_, n)| *n > 0).collect())
    }

    /// Counts by namespace, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Values of one namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> u32 {
        self.0.get(namespace).copied().unwrap_or(0)
    }

    /// Values of all namespaces.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().map(|n| u64::from(*n)).sum()
    }
}

/// The standing of an identifier. `nobodys` says whether two of its links make it a hub under
/// [`Nobody`](Shared::Nobody); see [`meet`].
#[must_use]
pub fn standing(
    rules: &Rules,
    identifier: &Normalised,
    neighbours: &Neighbours,
    nobodys: bool,
) -> Standing {
    let own = rules.of(&identifier.namespace);
    let size_cap = u64::try_from(rules.size_cap()).unwrap_or(u64::MAX);
    let crowded = || {
        rules
            .limited()
            .iter()
            .any(|(namespace, _)| neighbours.of(namespace) > own.hub_limit)
    };
    if rules.blocks(&identifier.namespace, &identifier.value)
        || neighbours.total() > size_cap
        || crowded()
        || (own.shared == Shared::Nobody && nobodys)
    {
        return Standing::Hub;
    }
    let shared = own.shared == Shared::Apart
        && rules
            .limited()
            .iter()
            .any(|(namespace, limit)| *limit == 1 && neighbours.of(namespace) > 1);
    if shared {
        Standing::Shared
    } else {
        Standing::Own
    }
}

/// Whether two links of an identifier to different values of one unique namespace overlap in time and were each seen
/// twice: two people used it at once. `links` are those to values of unique namespaces, with the namespaces.
#[must_use]
pub fn meet(links: &[(&str, Link)]) -> bool {
    let twice: Vec<&(&str, Link)> = links.iter().filter(|(_, link)| link.seen >= 2).collect();
    twice.iter().enumerate().any(|(n, (namespace, link))| {
        twice[n + 1..].iter().any(|(other_namespace, other)| {
            namespace == other_namespace
                && link.other != other.other
                && link.first_seen <= other.last_seen
                && other.first_seen <= link.last_seen
        })
    })
}

/// Whether links to values of a namespace can change a standing at all.
#[must_use]
pub fn counts(rules: &Rules, namespace: &str) -> bool {
    rules.of(namespace).cardinality != Cardinality::Free
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{clock::Micros, identity::rules::NamespaceRules, ids::IdentityKey};

    fn identifier(namespace: &str) -> Normalised {
        Normalised {
            namespace: namespace.into(),
            value: "v".into(),
        }
    }

    fn neighbours(counts: &[(&str, u32)]) -> Neighbours {
        Neighbours::from_counts(counts.iter().map(|(n, c)| ((*n).to_owned(), *c)))
    }

    #[test]
    fn a_device_of_two_is_shared_and_one_of_six_is_a_hub() {
        let rules = Rules::default();
        let of = |n| {
            standing(
                &rules,
                &identifier("device_id"),
                &neighbours(&[("customer_id", n), ("cookie", 900)]),
                false,
            )
        };
        assert_eq!(of(1), Standing::Own);
        assert_eq!(of(2), Standing::Shared);
        assert_eq!(of(5), Standing::Shared);
        assert_eq!(of(6), Standing::Hub);
    }

    #[test]
    fn an_email_of_two_is_still_somebodys() {
        let of = |n| {
            let linked = neighbours(&[("customer_id", n)]);
            standing(&Rules::default(), &identifier("email"), &linked, false)
        };
        assert_eq!(of(2), Standing::Own);
        assert_eq!(of(6), Standing::Hub);
    }

    #[test]
    fn too_many_of_any_kind_and_blocked_values_are_hubs() {
        let mut till = NamespaceRules::default_of("till");
        till.blocked.push("v".into());
        let rules = Rules::new([("till".to_owned(), till)].into(), 10);
        let of = |namespace: &str, n| {
            let linked = neighbours(&[("cookie", n)]);
            standing(&rules, &identifier(namespace), &linked, false)
        };
        assert_eq!(of("customer_id", 10), Standing::Own);
        assert_eq!(of("customer_id", 11), Standing::Hub);
        assert_eq!(of("till", 0), Standing::Hub);
    }

    #[test]
    fn two_who_use_it_at_once_meet() {
        let link = |other, first, last, seen| Link {
            key: IdentityKey::from_uuid(Uuid::nil()),
            other: IdentityKey::from_uuid(Uuid::from_u128(other)),
            anchored: false,
            first_seen: Micros(first),
            last_seen: Micros(last),
            seen,
        };
        let a = ("customer_id", link(1, 0, 10, 2));
        assert!(meet(&[a, ("customer_id", link(2, 10, 12, 2))]));
        assert!(!meet(&[a, ("customer_id", link(2, 11, 12, 2))]));
        assert!(!meet(&[a, ("customer_id", link(2, 5, 12, 1))]));
        assert!(!meet(&[a, ("loyalty_id", link(2, 5, 12, 2))]));
    }
}
