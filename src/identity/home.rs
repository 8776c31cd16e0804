//! Homes: the identifier of a profile that its id follows.
//!
//! The home is the strongest oldest identifier, by (rank of the namespace, first seen, namespace, normalised value). It
//! moves up as members come: the home of a union is the better of the two homes, so a home never needs a look at all
//! members unless some leave.

use super::{model::Normalised, namespace::rule};
use crate::clock::Micros;

/// The identifier that a profile's id follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// The identifier.
    pub identifier: Normalised,
    /// When it was first in an interaction.
    pub first_seen: Micros,
}

impl Home {
    /// Lowest is the stronger home. Total, since no two identifiers are equal.
    #[must_use]
    pub fn order(&self) -> (u8, Micros, &str, &str) {
        let Normalised { namespace, value } = &self.identifier;
        (
            rule(namespace).anchor_rank,
            self.first_seen,
            namespace,
            value,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(namespace: &str, value: &str, at: i64) -> Home {
        Home {
            identifier: Normalised {
                namespace: namespace.into(),
                value: value.into(),
            },
            first_seen: Micros(at),
        }
    }

    #[test]
    fn a_stronger_namespace_wins_then_the_older_then_the_smaller_value() {
        let login = home("customer_id", "z", 9);
        let mail = home("email", "a@b.example", 1);
        assert!(login.order() < mail.order());
        let older = home("email", "z@b.example", 0);
        assert!(older.order() < mail.order());
        let same_age = home("email", "b@b.example", 1);
        assert!(mail.order() < same_age.order());
    }
}
