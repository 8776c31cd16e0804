//! The rules of resolution: how strong a link is, and what may not stand in one set.
//!
//! What must stay true: every rule is hereditary, so what may not stand in a set may not stand in a larger one. The fast
//! path of recording and the local form of resolution rest on it. What never changes of a namespace (anchor rank,
//! normaliser) is not here but in [`namespace`].

use std::collections::BTreeMap;

use super::namespace;

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

/// The rules of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    namespaces: BTreeMap<String, NamespaceRules>,
    others: NamespaceRules,
    size_cap: usize,
    limited: Vec<(String, u32)>,
}

/// Identifiers of a profile at most, by default.
pub const SIZE_CAP: usize = 10_000;

/// Identifiers that one change may have to look at before it is left to the background, by default.
pub const RESOLVE_LIMIT: usize = 50_000;

/// Values of a limited namespace that an identifier may be linked to without being a hub, by default.
pub const HUB_LIMIT: u32 = 5;

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
        Self::new(BTreeMap::new(), SIZE_CAP)
    }
}

impl Rules {
    /// The defaults with some namespaces otherwise, and the greatest number of identifiers in a profile.
    #[must_use]
    pub fn new(changed: BTreeMap<String, NamespaceRules>, size_cap: usize) -> Self {
        let mut namespaces: BTreeMap<String, NamespaceRules> = WELL_KNOWN
            .into_iter()
            .map(|name| (name.to_owned(), NamespaceRules::default_of(name)))
            .collect();
        let says_email = changed.contains_key("email");
        namespaces.extend(changed);
        let protected = namespaces
            .iter()
            .any(|(name, rules)| name != "email" && rules.is_unique());
        if !protected
            && !says_email
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
            namespaces,
            others: NamespaceRules::default_of(""),
            size_cap,
            limited,
        }
    }

    /// The rules of a namespace.
    #[must_use]
    pub fn of(&self, namespace: &str) -> &NamespaceRules {
        self.namespaces.get(namespace).unwrap_or(&self.others)
    }

    /// Every namespace of which something is said, in order.
    pub fn namespaces(&self) -> impl Iterator<Item = (&str, &NamespaceRules)> {
        self.namespaces
            .iter()
            .map(|(name, rules)| (name.as_str(), rules))
    }

    /// Identifiers of a profile at most.
    #[must_use]
    pub fn size_cap(&self) -> usize {
        self.size_cap
    }

    /// Identifiers that one change may have to look at before it is left to the background.
    #[must_use]
    pub fn resolve_limit(&self) -> usize {
        RESOLVE_LIMIT
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

    /// Whether anything keeps strangers apart.
    #[must_use]
    pub fn protects(&self) -> bool {
        !self.limited.is_empty()
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
