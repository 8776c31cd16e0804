//! The order in which links are tried: strongest first.
//!
//! Operators' assertions come first, newest first. Then links by the priority of their weaker end, then of their stronger
//! end (a login outranks a click, however new the click), then the newest; ties fall by the identifiers themselves, never
//! by a hash or an arrival. Links of shared identifiers come after all others: a shared identifier joins nobody, it only
//! goes with one of those there are.

use std::cmp::Reverse;

use super::graph::{Assertion, Node};
use crate::{
    clock::Micros,
    identity::{Link, Standing, rules::Rules},
    ids::DecisionId,
};

/// Place in the order; lowest is strongest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strength<'a> {
    of_shared: bool,
    by: By<'a>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By<'a> {
    Operator {
        made_at: Reverse<Micros>,
        decision: DecisionId,
        ends: [(&'a str, &'a str); 2],
    },
    Evidence {
        weaker: u8,
        stronger: u8,
        last_seen: Reverse<Micros>,
        ends: [(&'a str, &'a str); 2],
    },
}

fn ends<'a>(a: &'a Node, b: &'a Node) -> [(&'a str, &'a str); 2] {
    let end = |node: &'a Node| {
        (
            node.identifier.namespace.as_str(),
            node.identifier.value.as_str(),
        )
    };
    let (a, b) = (end(a), end(b));
    if a <= b { [a, b] } else { [b, a] }
}

fn of_shared(a: &Node, b: &Node) -> bool {
    a.standing == Standing::Shared || b.standing == Standing::Shared
}

impl<'a> Strength<'a> {
    /// Of a link between two identifiers.
    #[must_use]
    pub fn of_link(link: &Link, a: &'a Node, b: &'a Node, rules: &Rules) -> Self {
        let priority = |node: &Node| rules.of(&node.identifier.namespace).priority;
        let (one, other) = (priority(a), priority(b));
        Self {
            of_shared: of_shared(a, b),
            by: By::Evidence {
                weaker: one.max(other),
                stronger: one.min(other),
                last_seen: Reverse(link.last_seen),
                ends: ends(a, b),
            },
        }
    }

    /// Of an operator's assertion about two identifiers.
    #[must_use]
    pub fn of_assertion(assertion: &Assertion, a: &'a Node, b: &'a Node) -> Self {
        Self {
            of_shared: of_shared(a, b),
            by: By::Operator {
                made_at: Reverse(assertion.made_at),
                decision: assertion.decision,
                ends: ends(a, b),
            },
        }
    }
}
