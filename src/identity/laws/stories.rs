//! Random rules and random histories over pools so small that everything meets and ties.

use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    clock::Micros,
    identity::{
        HashSecret, Keyed, Normalised, Rules,
        key::anchor_order,
        rules::{Cardinality, NamespaceRules, Shared},
    },
    ids::TenantId,
};

use super::facts::Event;

const NAMESPACES: [(&str, u32); 6] = [
    ("customer_id", 3),
    ("loyalty_id", 2),
    ("email", 4),
    ("phone", 2),
    ("device_id", 3),
    ("cookie", 2),
];

/// One thing that happens. Numbers choose among what there is at the time.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Record {
        identifiers: Vec<(usize, u32)>,
        at: i64,
    },
    Merge {
        stays: usize,
        goes: usize,
    },
    Separate {
        of: usize,
        chosen: u8,
        keep_together: bool,
        apart_from: Option<usize>,
    },
    Undo {
        which: usize,
    },
    Retract {
        which: usize,
    },
}

fn cardinality() -> impl Strategy<Value = Cardinality> {
    prop_oneof![
        2 => Just(Cardinality::Limit(1)),
        1 => (2u32..4).prop_map(Cardinality::Limit),
        2 => Just(Cardinality::Free),
    ]
}

fn namespace(name: &'static str) -> impl Strategy<Value = NamespaceRules> {
    let shared = select(vec![
        Shared::Newest,
        Shared::Apart,
        Shared::Apart,
        Shared::Nobody,
    ]);
    (0u8..4, cardinality(), 1u32..4, shared, any::<bool>()).prop_map(
        move |(priority, cardinality, hub_limit, shared, usual)| {
            if usual {
                return NamespaceRules {
                    hub_limit,
                    ..NamespaceRules::default_of(name)
                };
            }
            NamespaceRules {
                priority,
                cardinality,
                hub_limit,
                shared,
                blocked: Vec::new(),
            }
        },
    )
}

pub(super) fn rules() -> impl Strategy<Value = Rules> {
    let namespaces: Vec<_> = NAMESPACES
        .into_iter()
        .map(|(name, _)| namespace(name).prop_map(move |rules| (name.to_owned(), rules)))
        .collect();
    let size_cap = prop_oneof![Just(3usize), Just(5), Just(100)];
    (namespaces, size_cap)
        .prop_map(|(namespaces, size_cap)| Rules::new(namespaces.into_iter().collect(), size_cap))
}

fn step() -> impl Strategy<Value = Step> {
    let identifier = (0..NAMESPACES.len()).prop_flat_map(|n| (Just(n), 0..NAMESPACES[n].1));
    prop_oneof![
        20 => (vec(identifier, 1..4), 0i64..8)
            .prop_map(|(identifiers, at)| Step::Record { identifiers, at }),
        2 => (any::<usize>(), any::<usize>()).prop_map(|(stays, goes)| Step::Merge { stays, goes }),
        3 => (any::<usize>(), any::<u8>(), any::<bool>(), any::<Option<usize>>())
            .prop_map(|(of, chosen, keep_together, apart_from)| {
                Step::Separate { of, chosen, keep_together, apart_from }
            }),
        2 => any::<usize>().prop_map(|which| Step::Undo { which }),
        2 => any::<usize>().prop_map(|which| Step::Retract { which }),
    ]
}

pub(super) fn story(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..steps)
}

/// The keys of identifiers, with a fixed secret.
pub(super) struct Names {
    secret: HashSecret,
    tenant: TenantId,
}

impl Names {
    pub(super) fn new() -> Self {
        Self {
            secret: HashSecret::new(&[7; 32]).unwrap(),
            tenant: TenantId::parse("laws").unwrap(),
        }
    }

    pub(super) fn keyed(&self, namespace: &str, value: &str) -> Keyed {
        let identifier = Normalised {
            namespace: namespace.to_owned(),
            value: value.to_owned(),
        };
        Keyed {
            key: self.secret.identity_key(&self.tenant, &identifier),
            identifier,
        }
    }

    /// The same of one of the namespaces of stories, by its place.
    pub(super) fn keyed_at(&self, namespace: usize, value: u32) -> Keyed {
        self.keyed(NAMESPACES[namespace].0, &value.to_string())
    }

    /// An interaction, its anchor first; `None` when it is refused for two values of a unique namespace.
    pub(super) fn event(
        &self,
        rules: &Rules,
        id: u32,
        identifiers: &[(usize, u32)],
        at: i64,
    ) -> Option<Event> {
        let mut keyed: Vec<Keyed> = identifiers
            .iter()
            .map(|(n, value)| self.keyed_at(*n, *value))
            .collect();
        keyed.sort_by(|a, b| anchor_order(&a.identifier).cmp(&anchor_order(&b.identifier)));
        keyed.dedup();
        let twice = keyed.windows(2).any(|pair| {
            pair[0].identifier.namespace == pair[1].identifier.namespace
                && rules.of(&pair[0].identifier.namespace).is_unique()
        });
        (!twice).then_some(Event {
            id,
            at: Micros(at),
            identifiers: keyed,
        })
    }
}
