//! What one person did on a shared device never shows in another's profile.
//!
//! People have accounts; devices and cookies go from hand to hand. The law, by the default rules, after every step and so
//! in every order of arrival:
//!
//! - What somebody did shows in no profile of another, if it was done under an identifier of their own; or under a device
//!   or cookie with which a sign-in of theirs is recorded, however early or late. A *sign-in* is an interaction with the
//!   device and a value of a unique namespace that is linked to their account. What is done under several is judged by
//!   the strongest of them, the anchor, since that is where it is folded.
//! - Once sign-ins of two people are recorded with a device, nothing that was done under it alone shows in any profile,
//!   by whomever and whenever it was done; denials of consent for an address are lent all the same ([`State::binding`]).
//!
//! The condition cannot be left out: what a stranger does on Anna's device before signing in there looks like Anna's. And
//! an e-mail address is not enough for a sign-in where profiles may have several: what a cut link to it says is not known
//! to be about another person.
//!
//! [`State::binding`]: crate::profile::State::binding

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    option,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{facts::Fault, stories::Names, world::World};
use crate::identity::{
    Rules,
    rules::{NamespaceRules, SIZE_CAP, Shared},
};

/// Places of namespaces among those of stories.
const CUSTOMER: usize = 0;
const LOYALTY: usize = 1;
const EMAIL: usize = 2;
const DEVICES: [(usize, u32); 6] = [(4, 0), (4, 1), (4, 2), (5, 0), (5, 1), (5, 2)];

/// More than make a device a hub.
const PEOPLE: u32 = 7;

type Identifier = (usize, u32);

/// What somebody does.
#[derive(Clone, Debug)]
struct Act {
    person: u32,
    what: What,
    at: i64,
}

#[derive(Clone, Debug)]
enum What {
    /// Orders, or writes from the own address.
    Own { by_mail: bool },
    /// Signs in on a device, by the account or the loyalty card.
    SignIn {
        on: usize,
        and: Option<usize>,
        by_card: bool,
    },
    /// Does something on a device, signed in nowhere.
    Anonymous { on: usize, and: Option<usize> },
}

fn act() -> impl Strategy<Value = Act> {
    let device = || 0..DEVICES.len();
    let what = prop_oneof![
        1 => any::<bool>().prop_map(|by_mail| What::Own { by_mail }),
        3 => (device(), option::of(device()), any::<bool>())
            .prop_map(|(on, and, by_card)| What::SignIn { on, and, by_card }),
        4 => (device(), option::of(device())).prop_map(|(on, and)| What::Anonymous { on, and }),
    ];
    (0..PEOPLE, what, 10i64..40).prop_map(|(person, what, at)| Act { person, what, at })
}

fn history() -> impl Strategy<Value = Vec<Act>> {
    // Often only two or three people, so that most devices are between them.
    (2..=PEOPLE, vec(act(), 1..50)).prop_map(|(people, mut acts)| {
        for act in &mut acts {
            act.person %= people;
        }
        acts
    })
}

impl Act {
    fn identifiers(&self) -> Vec<Identifier> {
        let devices = |on: usize, and: Option<usize>| {
            let and = and.map(|and| DEVICES[and]);
            [DEVICES[on]].into_iter().chain(and)
        };
        match self.what {
            What::Own { by_mail: true } => vec![(EMAIL, self.person)],
            What::Own { by_mail: false } => vec![(CUSTOMER, self.person)],
            What::SignIn { on, and, by_card } => {
                let by = if by_card { LOYALTY } else { CUSTOMER };
                [(by, self.person)]
                    .into_iter()
                    .chain(devices(on, and))
                    .collect()
            }
            What::Anonymous { on, and } => devices(on, and).collect(),
        }
    }
}

/// A store with what is known of who did what.
struct Shop {
    names: Names,
    world: World,
    /// Who did an interaction, and what it is anchored at.
    done: BTreeMap<u32, (u32, Identifier)>,
    /// Who has signed in with a device.
    signed_in: BTreeMap<Identifier, BTreeSet<u32>>,
    /// Interactions of a shared device that were kept from everyone, and of others' that were shown, over all steps.
    withheld: usize,
    shown: usize,
}

impl Shop {
    fn new(rules: Rules) -> Self {
        let mut shop = Self {
            names: Names::new(),
            world: World::new(rules, Fault::None),
            done: BTreeMap::new(),
            signed_in: BTreeMap::new(),
            withheld: 0,
            shown: 0,
        };
        for person in 0..PEOPLE {
            let account = [(CUSTOMER, person), (LOYALTY, person), (EMAIL, person)];
            shop.record(person, &account, i64::from(person));
        }
        shop
    }

    fn record(&mut self, person: u32, identifiers: &[Identifier], at: i64) {
        let id = u32::try_from(self.done.len()).unwrap();
        let event = self.names.event(&self.world.rules, id, identifiers, at);
        let event = event.unwrap();
        let anchor = &event.identifiers[0].identifier;
        let anchor = identifiers.iter().find(|(namespace, value)| {
            self.names.keyed_at(*namespace, *value).identifier == *anchor
        });
        self.done.insert(id, (person, *anchor.unwrap()));
        if identifiers
            .iter()
            .any(|(namespace, _)| *namespace <= LOYALTY)
        {
            for device in identifiers.iter().filter(|i| DEVICES.contains(i)) {
                self.signed_in.entry(*device).or_default().insert(person);
            }
        }
        self.world.record(&event);
    }

    /// Whose profiles a set of identifiers is.
    fn people_of(&self, profile: &super::world::Profile) -> BTreeSet<u32> {
        (0..PEOPLE)
            .filter(|person| {
                [CUSTOMER, LOYALTY, EMAIL].iter().any(|namespace| {
                    let key = self.names.keyed_at(*namespace, *person).key;
                    profile.members.contains(&key)
                })
            })
            .collect()
    }

    fn check(&mut self) -> Result<(), String> {
        for profile in self.world.profiles.values() {
            let people = self.people_of(profile);
            if people.len() > 1 {
                return Err(format!("one profile of {people:?}"));
            }
            for event in &profile.state {
                let (person, anchor) = self.done[event];
                let signed_in = self.signed_in.get(&anchor);
                let own = !DEVICES.contains(&anchor);
                let known = own || signed_in.is_some_and(|people| people.contains(&person));
                let others = people.iter().any(|of| *of != person);
                if known && others {
                    return Err(format!(
                        "{event} of {person} at {anchor:?} shows to {people:?}"
                    ));
                }
                if signed_in.is_some_and(|people| people.len() > 1) && !people.is_empty() {
                    return Err(format!("{event} at {anchor:?} of many shows to {people:?}"));
                }
                self.shown += usize::from(others);
            }
        }
        let shared = self.done.values().filter(|(_, anchor)| {
            let signed_in = self.signed_in.get(anchor);
            signed_in.is_some_and(|people| people.len() > 1)
        });
        self.withheld += shared.count();
        Ok(())
    }
}

fn live(rules: Rules, history: &[Act]) -> Result<Shop, String> {
    let mut shop = Shop::new(rules);
    for (n, act) in history.iter().enumerate() {
        let mut identifiers = act.identifiers();
        identifiers.dedup();
        shop.record(act.person, &identifiers, act.at);
        shop.check()
            .map_err(|wrong| format!("after act {n}, {act:?}: {wrong}"))?;
    }
    Ok(shop)
}

fn cases() -> u32 {
    match std::env::var("CUSTOMER_PROFILE_TEST_SCALE").as_deref() {
        Ok("full") => 20_000,
        _ => 250,
    }
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_one_did_on_a_shared_device_never_shows_in_anothers_profile(history in history()) {
        live(Rules::default(), &history).map_err(TestCaseError::fail)?;
    }
}

fn histories(count: usize) -> Vec<Vec<Act>> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..count)
        .map(|_| history().new_tree(&mut runner).unwrap().current())
        .collect()
}

#[test]
fn a_device_that_goes_with_its_newest_holder_is_caught() {
    let devices = ["device_id", "cookie"].map(|name| {
        let rules = NamespaceRules {
            shared: Shared::Newest,
            ..NamespaceRules::default_of(name)
        };
        (name.to_owned(), rules)
    });
    let rules = Rules::new(devices.into(), SIZE_CAP);
    let histories = histories(100);
    let caught = histories
        .iter()
        .filter(|history| live(rules.clone(), history).is_err());
    assert!(caught.count() > 50, "the law hardly sees it");
}

#[test]
fn histories_have_what_is_withheld_and_what_cannot_be_known() {
    let (mut withheld, mut shown) = (0, 0);
    for history in histories(50) {
        let shop = live(Rules::default(), &history).unwrap();
        withheld += shop.withheld;
        shown += shop.shown;
    }
    assert!(withheld > 1_000 && shown > 100, "{withheld} {shown}");
}
