//! Rules that change under a store: profiles come under them one by one, in any order, while others write.

use std::collections::BTreeSet;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    facts::Fault,
    steps::{cases, walked},
    stories::{Names, Step, rules, story},
    whole::{stored, whole, wrong_rows},
    world::World,
};
use crate::{
    identity::{Rules, resolve::Territory, settle::Wishes},
    ids::ProfileId,
};

impl World {
    /// Brings other rules into force. What identifiers are by their links is derived from the rules whenever it is read, so
    /// it changes at once; profiles come under the rules by and by.
    pub(super) fn switch(&mut self, rules: Rules) {
        self.rules = rules;
        let keys: Vec<_> = self.rows.keys().copied().collect();
        for key in keys {
            if self.rows[&key].present {
                self.stand(key);
            }
        }
        let live = self.profiles.iter().filter(|(_, p)| !p.members.is_empty());
        self.behind = live.map(|(id, _)| *id).collect();
    }

    /// What the background does with one profile.
    pub(super) fn catch_up(&mut self, id: ProfileId) {
        if self.behind.contains(&id) {
            let inside = BTreeSet::from([Territory::Profile(id)]);
            self.resolve_inside(inside, Wishes::default());
        }
    }
}

/// A store after some steps, then under other rules, brought under them in an order while others record.
fn switched(
    old: &Rules,
    new: &Rules,
    steps: &[Step],
    meanwhile: &[Step],
    order: u64,
    fault: Fault,
) -> World {
    let mut world = walked(old, steps);
    world.fault = fault;
    world.switch(new.clone());
    let names = Names::new();
    let mut coming = meanwhile.iter().enumerate();
    let mut number = order;
    while let Some(id) = pick(&world.behind, number) {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        world.catch_up(id);
        for (n, step) in coming.by_ref().take(4) {
            if let Step::Record { identifiers, at } = step {
                let id = 1_000_000 + u32::try_from(n).unwrap();
                if let Some(event) = names.event(new, id, identifiers, *at) {
                    world.record(&event);
                }
            }
        }
    }
    world
}

fn pick(ids: &BTreeSet<ProfileId>, number: u64) -> Option<ProfileId> {
    let place = usize::try_from(number >> 33)
        .unwrap()
        .checked_rem(ids.len())?;
    ids.iter().nth(place).copied()
}

fn check(world: &World) -> Result<(), String> {
    let (sets, standings) = whole(world);
    let stored = stored(world);
    if sets != stored {
        return Err(format!(
            "stored {stored:#?}\nbut everything at once gives {sets:#?}"
        ));
    }
    wrong_rows(world, &standings).map_or(Ok(()), Err)
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_switch_comes_to_what_the_new_rules_make_of_everything(
        old in rules(),
        new in rules(),
        steps in story(50),
        meanwhile in story(40),
        order in any::<u64>(),
    ) {
        let world = switched(&old, &new, &steps, &meanwhile, order, Fault::None);
        if let Err(wrong) = check(&world) {
            return Err(TestCaseError::fail(wrong));
        }
    }

    #[test]
    fn going_back_gives_what_there_was(old in rules(), new in rules(), steps in story(50), order in any::<u64>()) {
        let before = walked(&old, &steps);
        let mut world = switched(&old, &new, &steps, &[], order, Fault::None);
        world.switch(old);
        while let Some(id) = pick(&world.behind, order) {
            world.catch_up(id);
        }
        prop_assert_eq!(stored(&before), stored(&world));
    }
}

#[test]
fn a_switch_that_does_not_look_across_its_border_or_lets_the_fast_path_in_is_caught() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let (mut border, mut fast) = (0, 0);
    for n in 0..300 {
        let (old, new) = (rules(), rules());
        let (old, new) = (
            old.new_tree(&mut runner).unwrap().current(),
            new.new_tree(&mut runner).unwrap().current(),
        );
        let steps = story(50).new_tree(&mut runner).unwrap().current();
        let meanwhile = story(40).new_tree(&mut runner).unwrap().current();
        let wrong = |fault| {
            let world = switched(&old, &new, &steps, &meanwhile, n << 33, fault);
            usize::from(check(&world).is_err())
        };
        border += wrong(Fault::IgnoresTheBorder);
        fast += wrong(Fault::AdmitsWaiting);
    }
    assert!(
        border > 0,
        "a border that is not looked at was never missed"
    );
    assert!(fast > 0, "the fast path beside a switch did no harm");
}
