//! The set that held an identifier at some time, found by itself, is that of everything at that time resolved at once.

use std::collections::BTreeSet;

use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    facts::{Fault, in_force},
    steps::Walk,
    stories::{Step, rules, story},
    world::World,
};
use crate::{
    clock::Micros,
    identity::{
        Rules,
        resolve::{Found, Graph, Node, SetOf, Territory},
        settle::apart,
        whole::{Told, Whole},
    },
    ids::IdentityKey,
};

/// What was told by then: interactions that occurred, and decisions that were made.
#[derive(Clone, Copy, Debug)]
struct Then {
    occurred: i64,
    made: i64,
}

fn told(world: &World, then: Then) -> Told {
    let mut told = Told::default();
    for event in world.events.values() {
        if event.at.0 <= then.occurred {
            told.interaction(event.at, &event.identifiers);
        }
    }
    let made: Vec<_> = world
        .decisions
        .iter()
        .filter(|d| d.made_at <= Micros(then.made))
        .cloned()
        .collect();
    let force = in_force(&made);
    for assertion in force.assertions.into_values().flatten() {
        if assertion.key < assertion.other {
            told.assertion(assertion);
        }
    }
    for (key, sides) in force.sides {
        for (decision, side) in sides {
            told.side(key, decision, side);
        }
    }
    told
}

/// How what a search is handed may be wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handed {
    Everything,
    /// Only the identifier asked for has links.
    NoFurtherLinks,
    /// Operators' words are kept back.
    NoAssertions,
}

/// A search that is handed what it asks for. Answers with the set, those that lend it nothing, and how many links were
/// looked at.
fn search(
    whole: &Whole,
    rules: &Rules,
    key: IdentityKey,
    handed: Handed,
) -> (BTreeSet<IdentityKey>, BTreeSet<IdentityKey>, usize) {
    let mut graph = Graph::default();
    let mut search = SetOf::new(key);
    let mut opened = 0;
    loop {
        let needs = match search.search(&graph, rules) {
            Found::Set(set) => {
                let apart = apart(&graph, rules, &set);
                return (set, apart, opened);
            }
            Found::Needs(needs) => needs,
        };
        for key in needs.nodes {
            let Some(node) = whole.graph.node(key) else {
                graph.know(Territory::New(key), []);
                continue;
            };
            let territory = Territory::New(key);
            graph.put(
                key,
                Node {
                    territory,
                    ..node.clone()
                },
            );
        }
        for asked in needs.links {
            opened += 1;
            graph.know(Territory::New(asked), [asked]);
            if asked == key || handed != Handed::NoFurtherLinks {
                graph.set_links_of(asked, whole.graph.links(asked).to_vec());
            }
            if handed != Handed::NoAssertions {
                graph.set_assertions_of(asked, whole.graph.assertions(asked).to_vec());
            }
        }
    }
}

fn walked(rules: &Rules, steps: &[Step]) -> World {
    let mut walk = Walk::new(rules.clone(), Fault::None);
    for step in steps {
        walk.take(step);
    }
    walk.world
}

fn check(world: &World, then: Then, handed: Handed) -> Result<(usize, usize), String> {
    let whole = told(world, then).resolve(&world.rules);
    let (mut opened, mut searches) = (0, 0);
    for set in &whole.sets {
        for key in &set.members {
            let (found, apart, cost) = search(&whole, &world.rules, *key, handed);
            if found != set.members || apart != set.apart {
                return Err(format!(
                    "{key} is in {found:#?}, apart {apart:#?}, but everything at once gives {set:#?}"
                ));
            }
            opened += cost;
            searches += whole.graph.len();
        }
    }
    for key in world
        .rows
        .keys()
        .filter(|k| whole.graph.node(**k).is_none())
    {
        let (found, _, _) = search(&whole, &world.rules, *key, handed);
        if !found.is_empty() {
            return Err(format!("{key} was not there, and is in {found:#?}"));
        }
    }
    Ok((opened, searches))
}

fn cases() -> u32 {
    match std::env::var("CUSTOMER_PROFILE_TEST_SCALE").as_deref() {
        Ok("full") => 20_000,
        _ => 250,
    }
}

fn then() -> impl Strategy<Value = Then> {
    (-1i64..9, 0i64..22).prop_map(|(occurred, made)| Then { occurred, made })
}

proptest! {
    #![proptest_config(Config { cases: cases(), failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_set_found_by_itself_equals_everything_at_once_at_any_time(
        rules in rules(),
        steps in story(60),
        times in proptest::collection::vec(then(), 3),
    ) {
        let world = walked(&rules, &steps);
        for then in times {
            if let Err(wrong) = check(&world, then, Handed::Everything) {
                return Err(TestCaseError::fail(format!("{then:?}: {wrong}")));
            }
        }
    }
}

/// Many stories, at the end of each.
fn stories(handed: Handed) -> Vec<Result<(usize, usize), String>> {
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let told = || {
        let rules = rules().new_tree(&mut runner).unwrap().current();
        let steps = story(60).new_tree(&mut runner).unwrap().current();
        let world = walked(&rules, &steps);
        let then = Then {
            occurred: 9,
            made: 99,
        };
        check(&world, then, handed)
    };
    std::iter::repeat_with(told).take(200).collect()
}

#[test]
fn a_search_that_does_not_follow_links_is_caught() {
    let caught = |handed| stories(handed).iter().filter(|s| s.is_err()).count();
    assert!(caught(Handed::NoFurtherLinks) > 50);
    assert!(caught(Handed::NoAssertions) > 0);
}

#[test]
fn a_search_does_not_look_at_everybody() {
    let found: Vec<_> = stories(Handed::Everything)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let opened: usize = found.iter().map(|(opened, _)| opened).sum();
    let all: usize = found.iter().map(|(_, all)| all).sum();
    assert!(opened * 2 < all, "{opened} of {all}");
}
