//! What is likely to go wrong under some rules, whatever the population.

use super::{Rules, Shared};

/// Something about rules that a steward should know before they are applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// No namespace is unique: strangers are kept apart by nothing but limits.
    NothingUnique,
    /// Two namespaces whose values people swap are both unique: one interaction that carries a value of each can flip a
    /// whole chain of profiles.
    UniqueSwapped(String, String),
    /// Links of this namespace come before those of every unique one, and a profile may have several values of it.
    FreeAndStrong(String),
}

/// Namespaces whose values people hand on, change and share.
const SWAPPED: [&str; 5] = ["email", "phone", "social_handle", "device_id", "cookie"];

/// What is likely to go wrong.
#[must_use]
pub fn warnings(rules: &Rules) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let unique = || rules.namespaces().filter(|(_, of)| of.is_unique());
    let Some(strongest) = unique().map(|(_, of)| of.priority).min() else {
        warnings.push(Warning::NothingUnique);
        return warnings;
    };
    let swapped: Vec<&str> = unique()
        .map(|(name, _)| name)
        .filter(|name| SWAPPED.contains(name))
        .collect();
    for (n, one) in swapped.iter().enumerate() {
        for other in &swapped[n + 1..] {
            let (one, other) = ((*one).to_owned(), (*other).to_owned());
            warnings.push(Warning::UniqueSwapped(one, other));
        }
    }
    for (name, of) in rules.namespaces() {
        if of.priority < strongest && of.shared != Shared::Apart {
            warnings.push(Warning::FreeAndStrong(name.to_owned()));
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Cardinality, NamespaceRules, RuleSet, UNIQUE},
        *,
    };

    fn with(changes: &[(&str, Cardinality)]) -> Rules {
        let mut set = RuleSet::default();
        for (name, cardinality) in changes {
            let mut rules = NamespaceRules::default_of(name);
            rules.cardinality = *cardinality;
            set.namespaces.insert((*name).to_owned(), rules);
        }
        Rules::from(set)
    }

    #[test]
    fn the_defaults_are_sound() {
        assert_eq!(warnings(&Rules::default()), []);
    }

    #[test]
    fn rules_that_protect_nobody_or_swap_everybody_are_named() {
        let free = with(&[
            ("customer_id", Cardinality::Free),
            ("loyalty_id", Cardinality::Free),
            ("email", Cardinality::Free),
        ]);
        assert_eq!(warnings(&free), [Warning::NothingUnique]);
        let swapped = with(&[("email", UNIQUE), ("phone", UNIQUE)]);
        assert_eq!(
            warnings(&swapped),
            [Warning::UniqueSwapped("email".into(), "phone".into())]
        );
        let strong = with(&[("customer_id", Cardinality::Free)]);
        assert_eq!(
            warnings(&strong),
            [Warning::FreeAndStrong("customer_id".into())]
        );
    }
}
