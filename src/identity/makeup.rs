//! What a set is made of, as far as rules look at it.
//!
//! A profile's row keeps its makeup, so whether two profiles may be one is decided from two rows. Identifiers lie in one
//! set each, so the makeup of a union is the sum of the parts'. A makeup counts the values of every namespace, limited or
//! not, so that it stands when the rules change.

use std::collections::BTreeMap;

use super::rules::Rules;
use crate::ids::{DecisionId, IdentityKey};

/// A side of a separation. No set holds identifiers of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The identifiers that were chosen.
    Chosen,
    /// All others of the profile.
    Rest,
}

impl Side {
    /// A bit for each side.
    #[must_use]
    pub fn bit(self) -> u8 {
        match self {
            Self::Chosen => 1,
            Self::Rest => 2,
        }
    }
}

/// Both sides.
const BOTH: u8 = 3;

/// What a set is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makeup {
    /// Identifiers.
    pub size: usize,
    /// Values by namespace.
    pub values: BTreeMap<String, u32>,
    /// Sides of separations in force, as bits.
    pub sides: BTreeMap<DecisionId, u8>,
}

/// Why two sets are not one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Together they have too many values of a namespace.
    Limit {
        /// The namespace.
        namespace: String,
        /// How many a profile may have.
        limit: u32,
    },
    /// An operator separated them.
    Separated(DecisionId),
    /// Together they have too many identifiers.
    Size,
    /// The end with this key is shared by several people and goes with one of them.
    Shared(IdentityKey),
    /// The end with this key is a hub.
    Hub(IdentityKey),
}

impl Makeup {
    /// Of one identifier.
    #[must_use]
    pub fn of(namespace: &str, sides: &[(DecisionId, Side)]) -> Self {
        let mut makeup = Self {
            size: 1,
            ..Self::default()
        };
        makeup.values.insert(namespace.to_owned(), 1);
        for (decision, side) in sides {
            *makeup.sides.entry(*decision).or_default() |= side.bit();
        }
        makeup
    }

    /// Adds another set's.
    pub fn add(&mut self, other: &Self) {
        self.size += other.size;
        for (namespace, count) in &other.values {
            match self.values.get_mut(namespace) {
                Some(known) => *known += count,
                None => {
                    self.values.insert(namespace.clone(), *count);
                }
            }
        }
        for (decision, sides) in &other.sides {
            *self.sides.entry(*decision).or_default() |= sides;
        }
    }

    /// Why this set and another may not be one, or `None` when they may.
    #[must_use]
    pub fn refuses(&self, other: &Self, rules: &Rules) -> Option<Refusal> {
        self.weigh(rules).refuses(&other.weigh(rules), rules)
    }

    /// What the rules look at.
    #[must_use]
    pub fn weigh(&self, rules: &Rules) -> Weight {
        Weight {
            size: self.size,
            limited: rules
                .limited()
                .iter()
                .map(|(namespace, _)| self.values.get(namespace).copied().unwrap_or(0))
                .collect(),
            sides: self.sides.iter().map(|(d, side)| (*d, *side)).collect(),
        }
    }

    /// Whether it counts every identifier of a set of this size. A set stored by an earlier release may lack its makeup.
    #[must_use]
    pub fn is_of(&self, size: usize) -> bool {
        self.size == size && self.values.values().map(|n| *n as usize).sum::<usize>() == size
    }
}

/// A makeup in the form that resolution adds and compares: only what the rules at hand look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    size: usize,
    /// Values of the limited namespaces, in the order of [`Rules::limited`].
    limited: Vec<u32>,
    /// Sides by separation, sorted.
    sides: Vec<(DecisionId, u8)>,
}

impl Weight {
    /// Of one identifier.
    #[must_use]
    pub fn of(namespace: &str, sides: &[(DecisionId, Side)], rules: &Rules) -> Self {
        let mut limited = vec![0; rules.limited().len()];
        if let Some(place) = rules.place_of(namespace) {
            limited[place] = 1;
        }
        let mut weight = Self {
            size: 1,
            limited,
            sides: Vec::new(),
        };
        for (decision, side) in sides {
            weight.add_sides(*decision, side.bit());
        }
        weight
    }

    fn add_sides(&mut self, decision: DecisionId, sides: u8) {
        match self.sides.binary_search_by_key(&decision, |(d, _)| *d) {
            Ok(at) => self.sides[at].1 |= sides,
            Err(at) => self.sides.insert(at, (decision, sides)),
        }
    }

    /// Identifiers.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Adds another set's.
    pub fn add(&mut self, other: &Self) {
        self.size += other.size;
        for (count, more) in self.limited.iter_mut().zip(&other.limited) {
            *count += more;
        }
        for (decision, sides) in &other.sides {
            self.add_sides(*decision, *sides);
        }
    }

    /// Why this set and another may not be one, or `None` when they may.
    #[must_use]
    pub fn refuses(&self, other: &Self, rules: &Rules) -> Option<Refusal> {
        for (decision, sides) in &self.sides {
            let at = other.sides.binary_search_by_key(decision, |(d, _)| *d);
            if at.map_or(0, |at| other.sides[at].1) | sides == BOTH {
                return Some(Refusal::Separated(*decision));
            }
        }
        let counts = self.limited.iter().zip(&other.limited);
        for ((mine, theirs), (namespace, limit)) in counts.zip(rules.limited()) {
            if mine + theirs > *limit {
                return Some(Refusal::Limit {
                    namespace: namespace.clone(),
                    limit: *limit,
                });
            }
        }
        (self.size + other.size > rules.size_cap()).then_some(Refusal::Size)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_union_is_refused_by_limit_separation_and_size() {
        let rules = Rules::new(BTreeMap::new(), 3);
        let decision = DecisionId::from_uuid(Uuid::from_u128(7));
        let one = Makeup::of("customer_id", &[(decision, Side::Chosen)]);
        let two = Makeup::of("customer_id", &[]);
        assert_eq!(
            one.refuses(&two, &rules),
            Some(Refusal::Limit {
                namespace: "customer_id".into(),
                limit: 1
            })
        );
        let cookie = Makeup::of("cookie", &[(decision, Side::Rest)]);
        assert_eq!(
            one.refuses(&cookie, &rules),
            Some(Refusal::Separated(decision))
        );
        let mut free = Makeup::of("cookie", &[]);
        assert_eq!(one.refuses(&free, &rules), None);
        free.add(&Makeup::of("cookie", &[]));
        free.add(&Makeup::of("device_id", &[]));
        assert_eq!(one.refuses(&free, &rules), Some(Refusal::Size));
        assert!(free.is_of(3));
    }
}
