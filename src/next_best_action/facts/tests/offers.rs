//! Offers and complaints.

use proptest::{prelude::*, sample::select};

use super::attribute;
use crate::{
    calendar::Zone,
    clock::Micros,
    criteria::{Facts as _, Moment, Value},
    next_best_action::{
        facts::{Customer, Identity, Surroundings, offers},
        keys::ActionKey,
        outcome::Outcome,
    },
    profile::{
        State,
        fold::fold,
        laws::made_up::{Recorded, interactions},
        survivorship::Rules,
    },
    proto::state::v1::OfferFact,
};

fn fact(action: &str, decision: u64, decided_at: i64, outcome: Outcome, at: i64) -> OfferFact {
    OfferFact {
        outcome: u32::try_from(outcome.index()).unwrap() + 1,
        decision_lo: decision,
        decided_at,
        action: ActionKey::id_of(action),
        at,
        ..OfferFact::default()
    }
}

/// As a state holds them.
fn sorted(mut facts: Vec<OfferFact>) -> Vec<OfferFact> {
    facts.sort_by_key(|f| (f.action, f.outcome, f.decided_at, f.decision_lo));
    facts
}

fn says(facts: &[OfferFact], name: &str) -> String {
    offers::get(facts, &attribute(name)).to_string()
}

#[test]
fn the_last_offer_says_what_came_of_it() {
    let facts = sorted(vec![
        fact("spring", 1, 10, Outcome::Pending, 11),
        fact("spring", 1, 10, Outcome::Impression, 90),
        fact("spring", 1, 10, Outcome::Clicked, 91),
        fact("spring", 1, 10, Outcome::Accepted, 92),
        fact("spring", 2, 20, Outcome::Pending, 21),
        fact("spring", 2, 20, Outcome::Impression, 22),
        fact("autumn", 3, 30, Outcome::NotDelivered, 31),
    ]);
    assert_eq!(says(&facts, "offers_shown(\"spring\")"), "2");
    let shown = Value::Time(Micros(90)).to_string();
    assert_eq!(says(&facts, "last_offer(\"spring\")"), shown);
    // The first was accepted, later than the second was shown: the second is the last all the same.
    assert_eq!(says(&facts, "last_outcome(\"spring\")"), "\"impression\"");
    assert_eq!(says(&facts, "offers_shown(\"autumn\")"), "0");
    assert_eq!(says(&facts, "last_offer(\"autumn\")"), "no value");
    assert_eq!(
        says(&facts, "last_outcome(\"autumn\")"),
        "\"not_delivered\""
    );
    assert_eq!(says(&facts, "last_outcome(\"winter\")"), "no value");
}

fn complaints(state: &State, now: Micros) -> i64 {
    let rules = Rules::default();
    let around = Surroundings {
        moment: Moment {
            now,
            zone: Zone::TOKYO,
        },
        prior: 0.0,
        rules: &rules,
        model: None,
        segments: &[],
    };
    let customer = Customer::new(Some(state), Identity::default(), around);
    let Value::Integer(count) = customer.get(&attribute("open_complaints")) else {
        panic!("never missing");
    };
    count
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn complaints_are_those_of_the_state_at_the_hour(
        made in interactions(1..30, 3),
        // Near the end of the week of a complaint, as often as not.
        day in select(vec![0, 3, 40, 370, 800_i64]),
        off in -7_200..7_200_i64,
    ) {
        let state = fold(made.iter().map(Recorded::fact));
        let now = Micros((1_700_000_000 + (day + 7) * 86_400 + off) * Micros::SECOND);
        let hour = Micros(now.0 - now.0 % (3_600 * Micros::SECOND));
        prop_assert_eq!(complaints(&state, now), i64::try_from(state.open_complaints(hour)).unwrap());
    }

    #[test]
    fn offers_are_those_of_the_state(made in interactions(1..40, 3)) {
        let state = fold(made.iter().map(Recorded::fact));
        let all = state.offers();
        let slots = made.iter().filter_map(|r| r.message.offer.as_ref()).flat_map(|note| &note.slots);
        for name in slots.map(|slot| slot.action_id.as_str()).chain(["never"]) {
            let of_action = all.of_action(ActionKey::id_of(name));
            let shown = || of_action.iter().filter(|e| e.outcome == Outcome::Impression);
            let ask = |what: &str| attribute(&format!("{what}(\"{name}\")"));
            let says = |what: &str| offers::get(&state.core().offers, &ask(what));
            prop_assert_eq!(says("offers_shown"), Value::Integer(i64::try_from(shown().count()).unwrap()));
            prop_assert_eq!(says("last_offer"), shown().map(|e| e.at).max().map_or(Value::Missing, Value::Time));
            let last = of_action.iter().map(|e| (e.decided_at, e.decision, e.slot)).max();
            let of_last = of_action.iter().filter(|e| Some((e.decided_at, e.decision, e.slot)) == last);
            let outcome = of_last.map(|e| e.outcome).max();
            let names = ["not_delivered", "pending", "impression", "clicked", "accepted", "rejected"];
            let outcome = outcome.map_or(Value::Missing, |outcome| Value::Text(names[outcome.index()]));
            prop_assert_eq!(says("last_outcome"), outcome);
        }
    }
}
