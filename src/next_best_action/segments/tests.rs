use proptest::prelude::*;

use super::*;
use crate::{calendar::Zone, criteria::Use};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

/// A customer with a last order, and nothing else that is known.
#[derive(Clone, Copy)]
struct Buyer {
    now: i64,
    last_order: Option<i64>,
    orders: i64,
}

impl Facts for Buyer {
    fn moment(&self) -> Moment {
        Moment {
            now: Micros(self.now),
            zone: Zone::TOKYO,
        }
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        match attribute.id() {
            AttributeId::LastOrder => self
                .last_order
                .map_or(Value::Missing, |at| Value::Time(Micros(at))),
            AttributeId::OrderCount => Value::Integer(self.orders),
            _ => Value::Missing,
        }
    }
}

fn rule(text: &str) -> Rule {
    Rule::parse(text, Use::Segment).unwrap()
}

fn named<'r>(rules: &'r [(&'r str, Rule)]) -> Segments<'r> {
    rules
        .iter()
        .try_fold(Segments::default(), |all, (name, rule)| {
            all.with(name, rule)
        })
        .unwrap()
}

fn verdicts(segments: &Segments<'_>, buyer: &Buyer) -> Vec<(String, bool)> {
    let standings = segments.standings(buyer);
    let mut all: Vec<_> = standings
        .iter()
        .map(|one| (one.name.to_owned(), one.verdict.is_pass()))
        .collect();
    all.sort();
    all
}

#[test]
fn one_that_refers_to_another_is_worked_out_after_it() {
    let rules = [
        ("recent", rule("days_since(last_order) < 30")),
        ("loyal", rule("segment(\"recent\") && order_count >= 3")),
        ("lost", rule("!segment(\"recent\")")),
    ];
    let segments = named(&rules);
    let buyer = Buyer {
        now: 100 * DAY,
        last_order: Some(90 * DAY),
        orders: 3,
    };
    let is = |name: &str, inside| (name.to_owned(), inside);
    assert_eq!(
        verdicts(&segments, &buyer),
        [is("lost", false), is("loyal", true), is("recent", true)]
    );
    // Of somebody without an order it cannot be told whether it is recent; that counts as not.
    let stranger = Buyer {
        last_order: None,
        ..buyer
    };
    assert_eq!(
        verdicts(&segments, &stranger),
        [is("lost", true), is("loyal", false), is("recent", false)]
    );
    let standings = segments.standings(&stranger);
    let recent = standings.iter().find(|one| one.name == "recent").unwrap();
    assert!(matches!(recent.verdict, Verdict::Unknown(_)));
    let because = recent.missing().unwrap();
    assert!(because.contains("last_order"), "{because}");
}

#[test]
fn a_change_of_what_is_referred_to_is_due_there_too() {
    let rules = [
        ("recent", rule("days_since(last_order) < 30")),
        ("loyal", rule("segment(\"recent\") && order_count >= 3")),
        ("buyer", rule("order_count > 0")),
    ];
    let segments = named(&rules);
    let buyer = Buyer {
        now: 100 * DAY,
        last_order: Some(90 * DAY + HOUR),
        orders: 3,
    };
    for standing in segments.standings(&buyer) {
        let expected = (standing.name != "buyer").then_some(Micros(120 * DAY + HOUR));
        assert_eq!(standing.until, expected, "{}", standing.name);
    }
}

#[test]
fn what_a_segment_rests_on_is_what_its_references_rest_on() {
    let rules = [
        ("recent", rule("days_since(last_order) < 30")),
        ("loyal", rule("segment(\"recent\") && order_count >= 3")),
        ("other", rule("known")),
    ];
    let segments = named(&rules);
    let names: Vec<_> = segments.names().collect();
    let at = names.iter().position(|name| *name == "loyal").unwrap();
    let expected = ["last_order", "order_count"].map(str::to_owned);
    assert_eq!(segments.grounds()[at], BTreeSet::from(expected));
    let needed: Vec<_> = segments.needed_for(["loyal"]).names().collect();
    assert_eq!(needed, ["recent", "loyal"]);
    assert_eq!(segments.needed_for(["gone"]).names().count(), 0);
}

#[test]
fn another_rule_takes_the_place_of_one_and_a_circle_is_refused() {
    let rules = [("a", rule("known")), ("b", rule("segment(\"a\")"))];
    let segments = named(&rules);
    let (better, circle) = (rule("order_count > 1"), rule("segment(\"b\")"));
    let changed = segments.with("a", &better).unwrap();
    let buyer = Buyer {
        now: 0,
        last_order: None,
        orders: 2,
    };
    assert_eq!(changed.names().count(), 2);
    assert!(verdicts(&changed, &buyer).iter().all(|(_, inside)| *inside));
    assert!(segments.with("a", &circle).is_err());
    assert!(segments.with("c", &rule("segment(\"gone\")")).is_err());
}

proptest! {
    #[test]
    fn a_standing_is_the_same_until_it_is_due(
        last_order in prop::option::of(0..200_i64), orders in 0..5_i64, hour in 0..4_800_i64, later in 0..2_400_i64,
        window in 1..60_i64,
    ) {
        let within = format!("days_since(last_order) < {window}");
        let rules = [
            ("recent", rule(&within)),
            ("loyal", rule("segment(\"recent\") && order_count >= 3")),
            ("back", rule("!segment(\"loyal\") || hours_since(last_order) in [24, 25, 100]")),
        ];
        let segments = named(&rules);
        let buyer = Buyer { now: hour * HOUR, last_order: last_order.map(|day| day * DAY), orders };
        let then = Buyer { now: (hour + later) * HOUR, ..buyer };
        for (now, then) in segments.standings(&buyer).iter().zip(segments.standings(&then)) {
            prop_assert_eq!(now.name, then.name);
            let due = now.until.is_some_and(|until| until.0 <= (hour + later) * HOUR);
            prop_assert!(due || now.verdict == then.verdict, "{}", now.name);
        }
    }
}

#[test]
fn a_membership_holds_until_the_first_that_may_change() {
    let rules = [
        ("recent", rule("days_since(last_order) < 30")),
        ("buyer", rule("order_count >= 1")),
        ("lost", rule("days_since(last_order) >= 60")),
    ];
    let segments = named(&rules);
    let buyer = Buyer {
        now: 100 * DAY,
        last_order: Some(90 * DAY),
        orders: 1,
    };
    let (names, until) = segments.membership(&buyer);
    assert_eq!(names, ["buyer", "recent"]);
    assert_eq!(until, Some(Micros(120 * DAY)));
    let later = Buyer {
        now: 120 * DAY,
        ..buyer
    };
    let (names, until) = segments.membership(&later);
    assert_eq!(names, ["buyer"]);
    assert_eq!(until, Some(Micros(150 * DAY)));
}

#[test]
fn the_code_is_of_names_and_rules_and_of_no_order() {
    let one = [("a", rule("known")), ("b", rule("order_count >= 1"))];
    let turned = [("b", rule("order_count >= 1")), ("a", rule("known"))];
    let other = [("a", rule("known")), ("b", rule("order_count >= 2"))];
    let renamed = [("a", rule("known")), ("c", rule("order_count >= 1"))];
    let code = |rules: &[(&'static str, Rule)]| named(rules).code();
    assert_eq!(code(&one), code(&turned));
    assert_ne!(code(&one), code(&other));
    assert_ne!(code(&one), code(&renamed));
}
