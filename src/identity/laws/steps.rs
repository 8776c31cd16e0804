//! The laws after every step, and engines that are wrong on purpose, which the checks must catch.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    facts::{Decision, Event, Fault, What, in_force},
    stories::{Names, Step, rules, story},
    whole::{stored, whole, wrong_rows},
    world::World,
};
use crate::{
    clock::Micros,
    identity::{Rules, fast::Denied},
    ids::{DecisionId, IdentityKey, ProfileId, TenantId},
};

/// Walks a story, and says at once what goes wrong.
pub(super) struct Walk {
    names: Names,
    pub(super) world: World,
    next: u32,
    by_id: BTreeMap<ProfileId, i64>,
    by_key: BTreeMap<IdentityKey, i64>,
}

impl Walk {
    pub(super) fn new(rules: Rules, fault: Fault) -> Self {
        Self {
            names: Names::new(),
            world: World::new(rules, fault),
            next: 0,
            by_id: BTreeMap::new(),
            by_key: BTreeMap::new(),
        }
    }

    fn live(&self) -> Vec<ProfileId> {
        let live = self
            .world
            .profiles
            .iter()
            .filter(|(_, p)| !p.members.is_empty());
        live.map(|(id, _)| *id).collect()
    }

    fn decision(&mut self) -> (DecisionId, Micros) {
        self.next += 1;
        let tenant = TenantId::parse("laws").unwrap();
        // Several decisions of one instant.
        let made_at = Micros(i64::from(self.next / 3));
        (DecisionId::of(&tenant, &self.next.to_string()), made_at)
    }

    pub(super) fn take(&mut self, step: &Step) {
        let live = self.live();
        let choose = |n: usize| live[n % live.len()];
        match step {
            Step::Record { identifiers, at } => {
                self.next += 1;
                if let Some(event) =
                    self.names
                        .event(&self.world.rules, self.next, identifiers, *at)
                {
                    self.world.record(&event);
                }
            }
            _ if live.is_empty() => (),
            Step::Merge { stays, goes } => {
                let (stays, goes) = (choose(*stays), choose(*goes));
                let decision = self.decision();
                if self.world.merge(decision, stays, goes) {
                    self.merged(stays, goes);
                }
            }
            Step::Separate {
                of,
                chosen,
                keep_together,
                apart_from,
            } => {
                let (of, other) = (choose(*of), apart_from.map(choose));
                let chosen: BTreeSet<IdentityKey> = self.world.profiles[&of]
                    .members
                    .iter()
                    .enumerate()
                    .filter(|(n, _)| chosen & (1 << (n % 8)) != 0)
                    .map(|(_, key)| *key)
                    .collect();
                let decision = self.decision();
                let before = stored(&self.world);
                let world = &mut self.world;
                let done = world.separate(decision, of, &chosen, *keep_together, other);
                let sound = self.world.fault == Fault::None;
                if done && sound && other.is_some() && !keep_together {
                    // Two profiles that are kept apart are two already.
                    assert_eq!(stored(&self.world), before);
                }
            }
            Step::Undo { which } => {
                if let Some(n) = self.world.decisions.len().checked_sub(1) {
                    let of = self.world.decisions[which % (n + 1)].id;
                    let decision = self.decision();
                    self.world.undo(decision, of);
                }
            }
            Step::Retract { which } => {
                let ids: Vec<u32> = self.world.events.keys().copied().collect();
                if !ids.is_empty() {
                    self.world.retract(ids[which % ids.len()]);
                }
            }
        }
    }

    /// A merge makes one of both, under the id that was to stay. Where it voids a separation, others may be joined and
    /// parted by that; then only the identifiers that it asserts to be one person must be together.
    fn merged(&self, stays: ProfileId, goes: ProfileId) {
        let Some(What::Merge { ends, voids }) = self.world.decisions.last().map(|d| &d.what) else {
            unreachable!("a merge was just made");
        };
        assert_eq!(self.world.holder(ends.0), self.world.holder(ends.1));
        if voids.is_empty() {
            assert_eq!(self.answering(stays), Some(stays));
            assert_eq!(self.answering(goes), Some(stays));
        }
    }

    /// Who answers for an id.
    fn answering(&self, id: ProfileId) -> Option<ProfileId> {
        let profile = &self.world.profiles[&id];
        if profile.members.is_empty() {
            self.world.holder(profile.home_key)
        } else {
            Some(id)
        }
    }

    fn check(&mut self) -> Result<(), String> {
        let (sets, standings) = whole(&self.world);
        let stored = stored(&self.world);
        if sets != stored {
            return Err(format!(
                "stored {stored:#?}\nbut everything at once gives {sets:#?}"
            ));
        }
        if let Some(wrong) = wrong_rows(&self.world, &standings) {
            return Err(wrong);
        }
        let ids: Vec<ProfileId> = self.world.profiles.keys().copied().collect();
        for id in ids {
            if let Some(holder) = self.answering(id) {
                let version = self.world.profiles[&holder].version;
                let last = self.by_id.insert(id, version).unwrap_or(0);
                if version < last {
                    return Err(format!("{id} goes back from {last} to {version}"));
                }
            }
        }
        let keys: Vec<IdentityKey> = self.world.rows.keys().copied().collect();
        for key in keys {
            if let Some(holder) = self.world.holder(key) {
                let version = self.world.profiles[&holder].version;
                let last = self.by_key.insert(key, version).unwrap_or(0);
                if version < last {
                    return Err(format!("{key} goes back from {last} to {version}"));
                }
            }
        }
        Ok(())
    }
}

/// A store after some steps, after each of which the laws held.
pub(super) fn walked(rules: &Rules, steps: &[Step]) -> World {
    walk(rules, steps, Fault::None).unwrap().world
}

fn walk(rules: &Rules, steps: &[Step], fault: Fault) -> Result<Walk, String> {
    let mut walk = Walk::new(rules.clone(), fault);
    for (n, step) in steps.iter().enumerate() {
        walk.take(step);
        walk.check()
            .map_err(|wrong| format!("after step {n}, {step:?}: {wrong}"))?;
    }
    Ok(walk)
}

pub(super) fn cases() -> u32 {
    match std::env::var("CUSTOMER_PROFILE_TEST_SCALE").as_deref() {
        Ok("full") => 20_000,
        _ => 250,
    }
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_store_equals_everything_at_once_after_every_step(rules in rules(), steps in story(60)) {
        walk(&rules, &steps, Fault::None).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn any_order_of_the_same_interactions_and_decisions_gives_the_same(
        rules in rules(),
        steps in story(40),
        order in any::<u64>(),
    ) {
        let walk = walk(&rules, &steps, Fault::None).map_err(TestCaseError::fail)?;
        let mut told: Vec<Told> = walk.world.events.values().cloned().map(Told::Event).collect();
        told.extend(walk.world.decisions.iter().map(|d| Told::Decision(d.clone())));
        shuffle(&mut told, order);
        let mut other = World::new(rules, Fault::None);
        for one in told {
            match one {
                Told::Event(event) => {
                    other.record(&event);
                    // Repetition does not matter.
                    other.record(&event);
                }
                Told::Decision(decision) => other.replay(decision),
            }
        }
        prop_assert_eq!(stored(&walk.world), stored(&other));
    }

    #[test]
    fn an_undone_decision_leaves_no_trace(rules in rules(), steps in story(40)) {
        let walk = walk(&rules, &steps, Fault::None).map_err(TestCaseError::fail)?;
        let undone: BTreeSet<DecisionId> = walk.world.decisions.iter().filter_map(|d| match d.what {
            What::Undo(of) => Some(of),
            _ => None,
        }).collect();
        let mut without = walk.world.clone();
        without.decisions.retain(|d| !undone.contains(&d.id) && !matches!(d.what, What::Undo(_)));
        prop_assert_eq!(&in_force(&without.decisions), &walk.world.force);
        prop_assert_eq!(whole(&without).0, stored(&walk.world));
    }
}

enum Told {
    Event(Event),
    Decision(Decision),
}

fn shuffle<T>(list: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for n in (1..list.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (n + 1);
        list.swap(n, other);
    }
}

/// How many of many stories catch an engine with this fault.
fn caught(fault: Fault) -> usize {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut caught = 0;
    for _ in 0..400 {
        let rules = rules().new_tree(&mut runner).unwrap().current();
        let steps = story(60).new_tree(&mut runner).unwrap().current();
        caught += usize::from(walk(&rules, &steps, fault).is_err());
    }
    caught
}

#[test]
fn a_fast_path_without_its_conditions_is_caught() {
    for denied in [Denied::Standing, Denied::Shared, Denied::Rules] {
        let caught = caught(Fault::Admits(denied));
        assert!(caught > 0, "{denied:?} was never missed");
    }
}

#[test]
fn a_slow_path_that_does_not_look_across_its_border_is_caught() {
    assert!(caught(Fault::IgnoresTheBorder) > 0);
}

#[test]
fn a_slow_path_that_forgets_the_neighbours_of_a_hub_is_caught() {
    assert!(caught(Fault::ForgetsNeighbours) > 0);
}

#[test]
fn both_paths_are_taken() {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut paths: HashMap<&str, usize> = HashMap::new();
    for _ in 0..50 {
        let rules = rules().new_tree(&mut runner).unwrap().current();
        let steps = story(60).new_tree(&mut runner).unwrap().current();
        let walk = walk(&rules, &steps, Fault::None).unwrap();
        *paths.entry("fast").or_default() += walk.world.fast;
        *paths.entry("slow").or_default() += walk.world.slow;
    }
    assert!(paths["fast"] > 200 && paths["slow"] > 200, "{paths:?}");
}
