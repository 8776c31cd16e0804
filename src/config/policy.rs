//! What callers of a department may not see.
//!
//! What must stay true: a department that is not named, and a caller of none, fall under `departments.other`, so that
//! a new department starts with what strangers get and not with everything.

use std::collections::{BTreeMap, BTreeSet};

use crate::ids::is_slug;

/// The name under which every department goes that has no policy of its own.
pub const OTHER: &str = "other";

/// A kind of facts that can be hidden from a department.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facts {
    /// Identifiers, also as addresses of consents.
    Identifiers,
    /// Traits.
    Traits,
    /// Orders and every amount of money.
    Orders,
    /// Support cases.
    Tickets,
    /// Survey answers.
    Surveys,
    /// Consents.
    Consents,
    /// The timeline, the touchpoints and the counts of interactions.
    Timeline,
    /// What customers and the business wrote.
    Texts,
    /// Attributes of interactions.
    Attributes,
    /// How customers feel.
    Sentiment,
}

impl Facts {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Identifiers,
        Self::Traits,
        Self::Orders,
        Self::Tickets,
        Self::Surveys,
        Self::Consents,
        Self::Timeline,
        Self::Texts,
        Self::Attributes,
        Self::Sentiment,
    ];

    /// Its name in the configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identifiers => "identifiers",
            Self::Traits => "traits",
            Self::Orders => "orders",
            Self::Tickets => "tickets",
            Self::Surveys => "surveys",
            Self::Consents => "consents",
            Self::Timeline => "timeline",
            Self::Texts => "texts",
            Self::Attributes => "attributes",
            Self::Sentiment => "sentiment",
        }
    }
}

/// What one department may not see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Nothing of these kinds.
    pub facts: BTreeSet<Facts>,
    /// Neither texts nor attributes of the interactions of these departments.
    pub texts_of: BTreeSet<String>,
    /// None of these traits.
    pub traits: BTreeSet<String>,
    /// No identifier of these namespaces; nor may one be asked by.
    pub namespaces: BTreeSet<String>,
}

/// The policies of all departments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    pub(super) named: BTreeMap<String, Policy>,
    nothing: Policy,
}

impl Policies {
    /// The policy for a caller of a department, or of none.
    #[must_use]
    pub fn of(&self, department: Option<&str>) -> &Policy {
        department
            .and_then(|name| self.named.get(name))
            .or_else(|| self.named.get(OTHER))
            .unwrap_or(&self.nothing)
    }

    /// The policy of a department, to be set.
    pub(super) fn entry(&mut self, department: &str) -> Result<&mut Policy, String> {
        if is_slug(department, 64) {
            Ok(self.named.entry(department.to_owned()).or_default())
        } else {
            Err(format!(
                "{department:?} is no department: 1 to 64 of a-z, 0-9, \"_\", \"-\" and \".\""
            ))
        }
    }
}

/// Kinds of facts between commas.
pub(super) fn facts(text: &str) -> Option<BTreeSet<Facts>> {
    let mut words = words(text);
    words.try_fold(BTreeSet::new(), |mut found, word| {
        found.insert(Facts::ALL.into_iter().find(|facts| facts.name() == word)?);
        Some(found)
    })
}

/// Slugs between commas.
pub(super) fn slugs(text: &str) -> Option<BTreeSet<String>> {
    let mut words = words(text);
    words.try_fold(BTreeSet::new(), |mut found, word| {
        is_slug(word, 64).then(|| found.insert(word.to_owned()))?;
        Some(found)
    })
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_department_without_a_policy_gets_that_of_others() {
        let mut policies = Policies::default();
        assert_eq!(policies.of(None), &Policy::default());
        policies.entry("billing").unwrap().texts_of = slugs("support, store").unwrap();
        policies.entry(OTHER).unwrap().facts = facts("texts").unwrap();
        assert!(policies.of(Some("billing")).facts.is_empty());
        for department in [None, Some("marketing")] {
            assert!(policies.of(department).facts.contains(&Facts::Texts));
        }
        assert!(policies.entry("Billing").is_err());
    }

    #[test]
    fn every_kind_of_facts_has_a_name_and_no_other_word_is_one() {
        let all = Facts::ALL.map(Facts::name).join(",");
        assert_eq!(facts(&all).unwrap().len(), Facts::ALL.len());
        assert_eq!(facts(" , "), Some(BTreeSet::new()));
        assert_eq!(facts("texts,everything"), None);
        assert_eq!(slugs("birth_date, Name"), None);
    }
}
