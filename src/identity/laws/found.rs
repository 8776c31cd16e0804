//! Stories that random ones found once in very many, and that went wrong then.

use super::{
    facts::{Fault, What},
    steps::Walk,
    stories::Step,
};
use crate::identity::{
    Rules,
    rules::{Cardinality, NamespaceRules, Shared},
};

fn record(identifiers: &[(usize, u32)], at: i64) -> Step {
    Step::Record {
        identifiers: identifiers.to_vec(),
        at,
    }
}

fn separate(of: usize, chosen: u8, keep_together: bool) -> Step {
    Step::Separate {
        of,
        chosen,
        keep_together,
        apart_from: None,
    }
}

/// The merge voided a separation; a link of a device came into force with it and joined the cookie to what another separation kept
/// apart from the shared device, before the assertion of the merge had its turn.
#[test]
fn a_merge_of_what_is_shared_does_not_wake_links_that_refuse_it() {
    let of = |priority, cardinality, hub_limit, shared| NamespaceRules {
        priority,
        cardinality,
        hub_limit,
        shared,
        blocked: Vec::new(),
    };
    let unique = Cardinality::Limit(1);
    let some = Cardinality::Limit(3);
    let namespaces = [
        ("customer_id", of(0, unique, 2, Shared::Newest)),
        ("loyalty_id", of(0, unique, 2, Shared::Newest)),
        ("email", of(30, some, 1, Shared::Newest)),
        ("phone", of(40, some, 2, Shared::Newest)),
        ("device_id", of(70, Cardinality::Free, 2, Shared::Apart)),
        ("cookie", of(80, Cardinality::Free, 1, Shared::Apart)),
    ];
    let namespaces = namespaces.map(|(name, rules)| (name.to_owned(), rules));
    let mut walk = Walk::new(Rules::new(namespaces.into(), 5), Fault::None);
    let steps = [
        record(&[(4, 1), (2, 0)], 0),
        record(&[(0, 1)], 0),
        record(&[(0, 1)], 7),
        record(&[(4, 1), (0, 1), (4, 2)], 5),
        record(&[(3, 0), (2, 1)], 1),
        record(&[(3, 1), (0, 0), (4, 2)], 4),
        separate(9_242_655_944_801_278_626, 146, false),
        Step::Merge {
            stays: 7_661_814_069_511_939_300,
            goes: 6_835_684_849_385_976_743,
        },
        record(&[(2, 3), (0, 2)], 6),
        record(&[(5, 0)], 2),
        record(&[(1, 1), (2, 2), (5, 1)], 1),
        record(&[(2, 0), (1, 1), (4, 0)], 1),
        record(&[(4, 1), (4, 1), (5, 1)], 4),
        record(&[(0, 0), (2, 1)], 2),
        record(&[(4, 2), (4, 1)], 1),
        separate(12_007_955_384_022_505_004, 234, true),
        separate(3_361_930_548_661_200_415, 22, false),
        record(&[(2, 2), (0, 0), (1, 1)], 2),
    ];
    for step in &steps {
        walk.take(step);
    }
    let merges = |walk: &Walk| {
        let decisions = walk.world.decisions.iter();
        decisions
            .filter(|decision| matches!(decision.what, What::Merge { .. }))
            .count()
    };
    assert_eq!(merges(&walk), 1);
    let goes = 8_265_145_796_810_437_887;
    walk.take(&Step::Merge {
        stays: 7_523_140_771_822_683_916,
        goes,
    });
    assert_eq!(merges(&walk), 1, "it is refused");
}
