//! Who is in which segment, and until when.
//!
//! What must stay true:
//!
//! - A segment is worked out after those that it refers to. One of which it cannot be told whether a customer is in it counts, for
//!   rules that refer to it, as one that they are not in: here as in decisions, which ask by way of the same view.
//! - With unchanged facts a standing stays what it is until its `until`, also where a segment that it refers to changes then.
//! - It is a function of the rules, the facts and the moment, so there is nothing that could be late.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use super::catalogue::Snapshot;
use crate::{
    clock::Micros,
    criteria::{
        Attribute, AttributeId, Facts, Moment, Rule, Segment, SegmentFault, Value, Verdict,
        evaluation_order,
    },
    ids::LengthPrefixed,
};

/// Segments in an order in which each comes after those that it refers to.
#[derive(Clone, Debug, Default)]
pub struct Segments<'c>(Vec<(&'c str, &'c Rule)>);

/// How a customer stands to a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing<'c> {
    /// Its name.
    pub name: &'c str,
    /// Its rule.
    pub rule: &'c Rule,
    /// Whether the customer is in it.
    pub verdict: Verdict,
    /// Until when time alone does not change that; none: never.
    pub until: Option<Micros>,
}

impl<'c> Segments<'c> {
    /// Those of a catalogue.
    #[must_use]
    pub fn of(catalogue: &'c Snapshot) -> Self {
        let all = catalogue.segments().iter();
        Self(all.map(|one| (name_of(one), &one.rule)).collect())
    }

    /// The same with one more, or with another rule for one of them.
    ///
    /// # Errors
    /// When it refers to one that is not there, or they refer to each other in a circle.
    pub fn with(&self, name: &'c str, rule: &'c Rule) -> Result<Self, Vec<SegmentFault>> {
        let others = self.0.iter().copied().filter(|(other, _)| *other != name);
        let all: Vec<(&str, &Rule)> = others.chain([(name, rule)]).collect();
        let segments: Vec<Segment<'_>> = all
            .iter()
            .map(|(name, rule)| Segment { name, rule })
            .collect();
        let order = evaluation_order(&segments)?;
        Ok(Self(
            order
                .into_iter()
                .filter_map(|at| all.get(at).copied())
                .collect(),
        ))
    }

    /// Only some of them, and those that they refer to, directly or not.
    #[must_use]
    pub fn needed_for<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Self
    where
        'c: 'n,
    {
        let mut wanted: BTreeSet<&str> = names.into_iter().collect();
        let mut needed = Vec::new();
        // Each comes after those that it refers to.
        for (name, rule) in self.0.iter().rev() {
            if wanted.contains(name) {
                wanted.extend(rule.segments());
                needed.push((*name, *rule));
            }
        }
        needed.reverse();
        Self(needed)
    }

    /// Their names, in that order.
    pub fn names(&self) -> impl Iterator<Item = &'c str> {
        self.0.iter().map(|(name, _)| *name)
    }

    /// How a customer stands to each, in that order.
    #[must_use]
    pub fn standings<F: Facts>(&self, customer: &F) -> Vec<Standing<'c>> {
        self.work_out(&Within::new(customer))
    }

    /// The same, of a customer of whom it is learned, so that what led to it can be asked for.
    #[must_use]
    pub fn work_out<'a, F: Facts>(&'a self, within: &Within<'a, F>) -> Vec<Standing<'c>> {
        let mut dues: HashMap<&str, Micros> = HashMap::new();
        self.0
            .iter()
            .map(|(name, rule)| {
                let verdict = rule.evaluate(within);
                let referred = rule.segments().filter_map(|name| dues.get(name).copied());
                let until = rule.falls_due(within).into_iter().chain(referred).min();
                within.learn(name, verdict.is_pass());
                if let Some(until) = until {
                    dues.insert(name, until);
                }
                Standing {
                    name,
                    rule,
                    verdict,
                    until,
                }
            })
            .collect()
    }

    /// The names of those that a customer is in, in their order, and until when time alone does not change that.
    #[must_use]
    pub fn membership<F: Facts>(&self, customer: &F) -> (Vec<String>, Option<Micros>) {
        let standings = self.standings(customer);
        let members = standings.iter().filter(|one| one.verdict.is_pass());
        let mut names: Vec<String> = members.map(|one| one.name.to_owned()).collect();
        names.sort_unstable();
        (names, standings.iter().filter_map(|one| one.until).min())
    }

    /// Whether time alone changes something that any of them asks for.
    #[must_use]
    pub fn age(&self) -> bool {
        self.0.iter().any(|(_, rule)| rule.ages())
    }

    /// A code of the names and rules: another for others.
    #[must_use]
    pub fn code(&self) -> [u8; 16] {
        let mut all = self.0.clone();
        all.sort_unstable_by_key(|(name, _)| *name);
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        for (name, rule) in all {
            hash.add(name.as_bytes());
            hash.add(rule.text().as_bytes());
        }
        hash.finish_128().into_bytes()
    }

    /// What each rests on, in that order: everything that its rule asks for, and the rules of the segments that it refers to, as it
    /// stands in rules.
    #[must_use]
    pub fn grounds(&self) -> Vec<BTreeSet<String>> {
        let mut of: HashMap<&str, BTreeSet<String>> = HashMap::new();
        let mut all = Vec::with_capacity(self.0.len());
        for (name, rule) in &self.0 {
            let mut grounds = BTreeSet::new();
            for attribute in rule.attributes() {
                if attribute.id() != AttributeId::Segment {
                    grounds.insert(attribute.to_string());
                } else if let Some(referred) = of.get(attribute.text(0)) {
                    grounds.extend(referred.iter().cloned());
                }
            }
            of.insert(name, grounds.clone());
            all.push(grounds);
        }
        all
    }
}

fn name_of(one: &super::catalogue::SegmentRule) -> &str {
    &one.segment.get().name
}

impl Standing<'_> {
    /// What is not known, where it cannot be told.
    #[must_use]
    pub fn missing(&self) -> Option<String> {
        match self.verdict {
            Verdict::Unknown(cause) => Some(self.rule.because(cause)),
            Verdict::Pass | Verdict::Fail => None,
        }
    }
}

/// A customer with the segments that are worked out so far.
#[derive(Debug)]
pub struct Within<'a, F> {
    customer: &'a F,
    segments: RefCell<BTreeMap<&'a str, bool>>,
}

impl<'a, F: Facts> Within<'a, F> {
    /// A customer of whom nothing is worked out.
    #[must_use]
    pub fn new(customer: &'a F) -> Self {
        Self {
            customer,
            segments: RefCell::default(),
        }
    }

    /// Notes whether the customer is in a segment.
    pub(super) fn learn(&self, name: &'a str, inside: bool) {
        self.segments.borrow_mut().insert(name, inside);
    }
}

impl<F: Facts> Facts for Within<'_, F> {
    fn moment(&self) -> Moment {
        self.customer.moment()
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        if attribute.id() == AttributeId::Segment {
            let segments = self.segments.borrow();
            let known = segments.get(attribute.text(0)).copied();
            return known.map_or(Value::Missing, Value::Boolean);
        }
        self.customer.get(attribute)
    }
}

#[cfg(test)]
mod tests;
