//! The checks can fail: combinations that are wrong on purpose, and which check catches each.

use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use super::{
    algebra::{Combination, exact, is_what_was_said, obeys_the_laws},
    made_up::{Case, cases},
};
use crate::{
    calendar::Day,
    profile::{State, model::Slot, stamp::Stamped as _},
    proto::state::v1::Counter,
};

type Check = fn(&Case, Combination) -> Result<(), TestCaseError>;

/// Whether a check finds a case in which a combination is wrong.
fn is_caught(check: Check, combination: Combination) -> bool {
    let config = Config {
        cases: 300,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let found = runner.run(&cases(40, 3), |case| check(&case, combination));
    match found {
        Ok(()) => false,
        Err(TestError::Fail(..)) => true,
        Err(TestError::Abort(why)) => panic!("the check did not run: {why}"),
    }
}

fn newest_by_arrival(mine: State, theirs: State) -> State {
    let arrived = theirs.core.traits.clone();
    let mut sum = exact(mine, theirs);
    for fact in &mut sum.core.traits {
        if let Some(later) = arrived
            .iter()
            .find(|a| (&a.name, &a.source) == (&fact.name, &fact.source))
        {
            fact.latest.clone_from(&later.latest);
        }
    }
    sum
}

fn consent_by_arrival(mine: State, theirs: State) -> State {
    let arrived = theirs.core.consents.clone();
    let mut sum = exact(mine, theirs);
    for fact in &mut sum.core.consents {
        let later = arrived
            .iter()
            .find(|a| a.purpose == fact.purpose && a.channel == fact.channel && a.at == fact.at);
        if let Some(later) = later.filter(|l| l.address_value == fact.address_value) {
            fact.denied = later.denied;
        }
    }
    sum
}

fn status_by_arrival(mine: State, theirs: State) -> State {
    let Slot::Held(arrived) = theirs.subjects.clone() else {
        return exact(mine, theirs);
    };
    let mut sum = exact(mine, theirs);
    if let Slot::Held(subjects) = &mut sum.subjects {
        for ticket in &mut subjects.tickets {
            if let Some(later) = arrived.tickets.iter().find(|t| t.hash == ticket.hash) {
                ticket.status = later.status;
            }
        }
    }
    sum
}

fn touches_as_they_came(mine: State, theirs: State) -> State {
    let mut touches = [theirs.core.touches.clone(), mine.core.touches.clone()].concat();
    touches.truncate(20);
    let mut sum = exact(mine, theirs);
    sum.core.touches = touches;
    sum
}

fn last_feeling_by_arrival(mine: State, theirs: State) -> State {
    let arrived = theirs.core.last_feeling.clone();
    let mut sum = exact(mine, theirs);
    sum.core.last_feeling = arrived.or(sum.core.last_feeling);
    sum
}

/// Sums by month whatever lies before the month of the newest day.
fn months_too_soon(mine: State, theirs: State) -> State {
    let mut sum = exact(mine, theirs);
    let newest = sum.core.feelings.last().map(|last| last.day);
    for entry in &mut sum.core.feelings {
        let month = Day(entry.day).month();
        if newest.is_some_and(|newest| month < Day(newest).month()) {
            (entry.day, entry.month) = (month.0, true);
        }
    }
    sum
}

/// Counts no contact that is a year older than those that were there before.
fn contacts_forgotten_by_arrival(mine: State, theirs: State) -> State {
    let days = mine.core.contacts.iter().flat_map(|one| &one.days);
    let newest = days.map(|contacts| contacts.day).max();
    let mut sum = exact(mine, theirs);
    for one in &mut sum.core.contacts {
        one.days
            .retain(|contacts| newest.is_none_or(|newest| contacts.day > newest - 365));
    }
    sum
}

/// Keeps contacts for a year only.
fn contacts_forgotten_too_soon(mine: State, theirs: State) -> State {
    let mut sum = exact(mine, theirs);
    let days = sum.core.contacts.iter().flat_map(|one| &one.days);
    let newest = days.map(|contacts| contacts.day).max();
    for one in &mut sum.core.contacts {
        one.days
            .retain(|contacts| newest.is_none_or(|newest| contacts.day > newest - 365));
    }
    sum
}

fn the_larger_counter(mine: State, theirs: State) -> State {
    let before = mine.core.counters.clone();
    let mut sum = exact(mine, theirs);
    for counter in &mut sum.core.counters {
        let key = |c: &Counter| (c.department.clone(), c.channel.clone(), c.r#type.clone());
        if let Some(mine) = before.iter().find(|b| key(b) == key(counter)) {
            counter.count = mine.count.max(counter.count - mine.count);
        }
    }
    sum
}

fn oldest_for_newest(mine: State, theirs: State) -> State {
    let mut sum = exact(mine, theirs);
    for fact in &mut sum.core.traits {
        // In the state of a sum the older stands first whatever the sides held, so swapping is the same in any order.
        let older = fact.first.as_ref().zip(fact.latest.as_ref());
        if older.is_some_and(|(first, latest)| first.stamp() < latest.stamp()) {
            std::mem::swap(&mut fact.first, &mut fact.latest);
        }
    }
    sum
}

fn cancelled_orders_still_count(mine: State, theirs: State) -> State {
    let mut sum = exact(mine, theirs);
    if let Some(totals) = &mut sum.core.totals {
        totals.orders += totals.orders_cancelled;
    }
    sum
}

#[test]
fn the_checks_pass_what_is_right() {
    assert!(!is_caught(obeys_the_laws, exact));
    assert!(!is_caught(is_what_was_said, exact));
}

#[test]
fn the_laws_catch_whatever_depends_on_the_order_of_arrival() {
    let broken: [(&str, Combination); 6] = [
        (
            "contacts forgotten by arrival",
            contacts_forgotten_by_arrival,
        ),
        ("last feeling by arrival", last_feeling_by_arrival),
        ("newest by arrival", newest_by_arrival),
        ("consent by arrival", consent_by_arrival),
        ("status by arrival", status_by_arrival),
        ("touches as they came", touches_as_they_came),
    ];
    for (name, combination) in broken {
        assert!(is_caught(obeys_the_laws, combination), "{name}");
    }
}

#[test]
fn the_model_catches_a_mistake_that_is_the_same_in_any_order() {
    let broken: [(&str, Combination); 5] = [
        ("contacts forgotten too soon", contacts_forgotten_too_soon),
        ("months too soon", months_too_soon),
        ("the larger of two counters", the_larger_counter),
        ("oldest for newest", oldest_for_newest),
        ("cancelled orders still count", cancelled_orders_still_count),
    ];
    for (name, combination) in broken {
        assert!(is_caught(is_what_was_said, combination), "{name}");
    }
}
