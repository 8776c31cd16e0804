//! The rules of resolution: how strong a link is, and what may not stand in one set.
//!
//! What must stay true: every rule is hereditary, so what may not stand in a set may not stand in a larger one. The fast
//! path of recording and the local form of resolution rest on it. What never changes of a namespace (anchor rank,
//! normaliser) is not here but in [`namespace`].

mod text;
mod warnings;
mod wire;

use std::collections::BTreeMap;

use super::namespace;
pub use text::{parse, parse_plain, show};
pub use warnings::{Warning, warnings};
pub use wire::wire;

/// How many different values of a namespace one profile may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cardinality {
    /// Any number.
    Free,
    /// So many at most; [`UNIQUE`] is one.
    Limit(u32),
}

/// At most one value in a profile.
pub const UNIQUE: Cardinality = Cardinality::Limit(1);

/// What an identifier means that is linked to several people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shared {
    /// It goes with its newest holder, state and all: an address that was handed on.
    Newest,
    /// It is found at its newest holder, joins nobody else through itself, and lends its state to no profile: a device that
    /// several people use.
    Apart,
    /// Two people who used it in the same time make it a hub.
    Nobody,
}

/// The rules of one namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamespaceRules {
    /// Strength of its links; lowest is strongest.
    pub priority: u8,
    /// How many values a profile may have.
    pub cardinality: Cardinality,
    /// An identifier linked to more different values of one limited namespace is a hub.
    pub hub_limit: u32,
    /// What a shared identifier means.
    pub shared: Shared,
    /// Normalised values that are nobody's, besides those that are blocked everywhere.
    pub blocked: Vec<String>,
}

/// What is said of a tenant's rules; of all else the defaults hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleSet {
    /// Namespaces of which something is said, with all their rules.
    pub namespaces: BTreeMap<String, NamespaceRules>,
    /// Identifiers of a profile at most, 2 to [`SIZE_CAP`].
    pub size_cap: usize,
}

impl Default for RuleSet {
    fn default() -> Self {
        Self {
            namespaces: BTreeMap::new(),
            size_cap: SIZE_CAP,
        }
    }
}

/// The rules of a tenant, as resolution asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    said: RuleSet,
    namespaces: BTreeMap<String, NamespaceRules>,
    others: NamespaceRules,
    limited: Vec<(String, u32)>,
}

/// Identifiers of a profile at most, by default.
pub const SIZE_CAP: usize = 10_000;

/// Values of a limited namespace that an identifier may be linked to without being a hub, by default.
pub const HUB_LIMIT: u32 = 5;

/// Values of a namespace in a profile at most, where a rule limits them.
pub const MAX_LIMIT: u32 = 1_000;

/// The largest hub limit that a rule may set.
pub const MAX_HUB_LIMIT: u32 = 10_000;

/// Blocked values of a namespace at most.
pub const MAX_BLOCKED: usize = 1_000;

/// Namespaces of which rules may say something at most.
pub const MAX_NAMESPACES: usize = 64;

/// Values of an address in one profile, where something else tells people apart.
const ADDRESSES: Cardinality = Cardinality::Limit(3);

/// The namespaces whose rules differ from those of others.
const WELL_KNOWN: [&str; 7] = [
    "customer_id",
    "loyalty_id",
    "email",
    "phone",
    "social_handle",
    "device_id",
    "cookie",
];

impl NamespaceRules {
    /// The rules of a namespace of which nothing is said.
    #[must_use]
    pub fn default_of(namespace: &str) -> Self {
        let cardinality = match namespace {
            "customer_id" | "loyalty_id" => UNIQUE,
            "email" | "phone" => ADDRESSES,
            _ => Cardinality::Free,
        };
        let shared = match namespace {
            "device_id" | "cookie" => Shared::Apart,
            _ => Shared::Newest,
        };
        Self {
            priority: namespace::rule(namespace).anchor_rank,
            cardinality,
            hub_limit: HUB_LIMIT,
            shared,
            blocked: Vec::new(),
        }
    }

    /// Whether a profile has at most one value of the namespace.
    #[must_use]
    pub fn is_unique(&self) -> bool {
        self.cardinality == UNIQUE
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::from(RuleSet::default())
    }
}

impl From<RuleSet> for Rules {
    fn from(said: RuleSet) -> Self {
        let mut namespaces: BTreeMap<String, NamespaceRules> = WELL_KNOWN
            .into_iter()
            .map(|name| (name.to_owned(), NamespaceRules::default_of(name)))
            .collect();
        namespaces.extend(said.namespaces.clone());
        let protected = namespaces
            .iter()
            .any(|(name, rules)| name != "email" && rules.is_unique());
        if !protected
            && !said.namespaces.contains_key("email")
            && let Some(email) = namespaces.get_mut("email")
        {
            email.cardinality = UNIQUE;
        }
        let limited = namespaces
            .iter()
            .filter_map(|(name, rules)| match rules.cardinality {
                Cardinality::Limit(limit) => Some((name.clone(), limit)),
                Cardinality::Free => None,
            })
            .collect();
        Self {
            said,
            namespaces,
            others: NamespaceRules::default_of(""),
            limited,
        }
    }
}

impl Rules {
    /// The defaults with some namespaces otherwise, and the greatest number of identifiers in a profile.
    #[must_use]
    pub fn new(namespaces: BTreeMap<String, NamespaceRules>, size_cap: usize) -> Self {
        Self::from(RuleSet {
            namespaces,
            size_cap,
        })
    }

    /// What was said of them.
    #[must_use]
    pub fn said(&self) -> &RuleSet {
        &self.said
    }

    /// The rules of a namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> &NamespaceRules {
        self.namespaces.get(namespace).unwrap_or(&self.others)
    }

    /// Every namespace whose rules are not those of all others, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = (&str, &NamespaceRules)> {
        self.namespaces
            .iter()
            .map(|(name, rules)| (name.as_str(), rules))
    }

    /// Identifiers of a profile at most.
    #[must_use]
    pub fn size_cap(&self) -> usize {
        self.said.size_cap
    }

    /// The namespaces of which a profile may have a limited number of values, in order, with that number.
    #[must_use]
    pub fn limited(&self) -> &[(String, u32)] {
        &self.limited
    }

    /// The place of a namespace among the limited ones.
    #[must_use]
    pub fn place_of(&self, namespace: &str) -> Option<usize> {
        self.limited.iter().position(|(name, _)| name == namespace)
    }

    /// Whether a normalised value is nobody's by these rules.
    #[must_use]
    pub fn blocks(&self, namespace: &str, value: &str) -> bool {
        self.of(namespace).blocked.iter().any(|v| v == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(namespace: &str, change: impl FnOnce(&mut NamespaceRules)) -> Rules {
        changed_all(&[namespace], change)
    }

    fn changed_all(namespaces: &[&str], change: impl FnOnce(&mut NamespaceRules)) -> Rules {
        let mut rules = NamespaceRules::default_of(namespaces[0]);
        change(&mut rules);
        let changed = namespaces.iter().map(|n| ((*n).to_owned(), rules.clone()));
        Rules::new(changed.collect(), SIZE_CAP)
    }

    #[test]
    fn an_email_is_unique_only_where_nothing_else_is() {
        assert_eq!(
            Rules::default().of("email").cardinality,
            Cardinality::Limit(3)
        );
        let none = changed_all(&["customer_id", "loyalty_id"], |r| {
            r.cardinality = Cardinality::Free;
        });
        assert_eq!(none.of("email").cardinality, UNIQUE);
        let other = changed("member_no", |r| r.cardinality = UNIQUE);
        assert_eq!(other.of("email").cardinality, Cardinality::Limit(3));
        let said = changed_all(&["customer_id", "loyalty_id", "email"], |r| {
            r.cardinality = Cardinality::Free;
        });
        assert_eq!(said.of("email").cardinality, Cardinality::Free);
    }

    #[test]
    fn limited_namespaces_are_listed_in_order() {
        let names: Vec<&str> = Rules::default()
            .limited()
            .iter()
            .map(|(name, _)| name.as_str())
            .map(|name| match name {
                "customer_id" => "customer_id",
                "email" => "email",
                "loyalty_id" => "loyalty_id",
                "phone" => "phone",
                _ => "another",
            })
            .collect();
        assert_eq!(names, ["customer_id", "email", "loyalty_id", "phone"]);
    }
}
