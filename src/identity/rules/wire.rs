//! Rules of a namespace as the protocol shows them.

use super::{Cardinality, NamespaceRules, Shared};
use crate::proto::v1::{self, SharedMeaning};

/// The rules of a namespace, whole.
#[must_use]
pub fn wire(namespace: &str, rules: &NamespaceRules) -> v1::NamespaceRules {
    let integer = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
    let shared = match rules.shared {
        Shared::Newest => SharedMeaning::Newest,
        Shared::Apart => SharedMeaning::Apart,
        Shared::Nobody => SharedMeaning::Nobody,
    };
    v1::NamespaceRules {
        namespace: namespace.to_owned(),
        priority: Some(i32::from(rules.priority)),
        limit: Some(match rules.cardinality {
            Cardinality::Free => 0,
            Cardinality::Limit(limit) => integer(limit),
        }),
        hub_limit: Some(integer(rules.hub_limit)),
        shared: shared.into(),
        blocked_values: rules.blocked.clone(),
    }
}
