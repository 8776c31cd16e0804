//! How long facts take. Figures are printed; a test only says that they are not absurd.

use std::hint::black_box;

use super::{ATTRIBUTES, attribute, model};
use crate::{
    calendar::Zone,
    clock::Micros,
    criteria::{Attribute, Facts, Moment},
    identity::Region,
    ids::{InteractionId, TenantId},
    next_best_action::facts::{Customer, Identity, Surroundings},
    profile::{Fact, State, fold::fold, survivorship::Rules},
    proto::v1::{
        CallerSentiment, Direction, Interaction, Money, Subject, SubjectKind, Trait, TraitValue,
        trait_value::Kind,
    },
    worked,
};

const DAY: i64 = 86_400 * Micros::SECOND;
const BEGIN: i64 = 1_750_000_000 * Micros::SECOND;

/// Orders, visits, messages to them and feelings of theirs over a year: `each` of each, and 20 traits.
fn state(each: i64) -> State {
    let tenant = TenantId::default_tenant();
    let one = |n: i64, kind: &str, direction: Direction| Interaction {
        event_id: format!("{kind} {n}"),
        department: ["sales", "support", "web"][usize::try_from(n % 3).unwrap()].to_owned(),
        channel: ["web", "email"][usize::try_from(n % 2).unwrap()].to_owned(),
        r#type: kind.to_owned(),
        direction: direction.into(),
        ..Interaction::default()
    };
    let made = (0..each).flat_map(|n| {
        let order = Interaction {
            subject: Some(Subject {
                kind: SubjectKind::Order.into(),
                id: n.to_string(),
                ..Subject::default()
            }),
            money: Some(Money {
                currency: "JPY".to_owned(),
                minor_units: 1_000 + n,
            }),
            traits: vec![Trait {
                name: format!("trait_{}", n % 20),
                value: Some(TraitValue {
                    kind: Some(Kind::Text("gold".to_owned())),
                }),
            }],
            ..one(n, "order.placed", Direction::Inbound)
        };
        let felt = Interaction {
            sentiment: Some(CallerSentiment {
                polarity: if n % 3 == 0 { -0.6 } else { 0.4 },
                confidence: None,
                method: "agent".to_owned(),
            }),
            ..one(n, "message.received", Direction::Inbound)
        };
        let sent = one(n, "message.sent", Direction::Outbound);
        let at = BEGIN + n * (365 * DAY / each);
        [order, felt, sent].map(|message| (Micros(at), message))
    });
    let made: Vec<_> = made.collect();
    fold(made.iter().map(|(at, message)| Fact {
        id: InteractionId::of(&tenant, "test", &message.event_id),
        occurred_at: *at,
        message,
        analyses: &[],
        region: Region::JP,
        zone: Zone::TOKYO,
    }))
}

/// The best of short batches, which was not interrupted, in nanoseconds.
fn best(mut work: impl FnMut()) -> f64 {
    let batch = |_| {
        let begun = worked::so_far();
        for _ in 0..50 {
            work();
        }
        worked::since(begun).as_secs_f64() * 1e9 / 50.0
    };
    // What is not optimised says nothing, and takes long.
    let batches = if cfg!(debug_assertions) { 1 } else { 100 };
    (0..batches).map(batch).fold(f64::INFINITY, f64::min)
}

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn facts_take_little_time() {
    let (rules, model) = (Rules::default(), model("JPY"));
    for (name, each) in [("typical", 12), ("large", 300)] {
        let state = state(each);
        let customer = || {
            let moment = Moment {
                now: Micros(BEGIN + 370 * DAY),
                zone: Zone::TOKYO,
            };
            let around = Surroundings {
                moment,
                prior: 0.0,
                rules: &rules,
                model: Some(&model),
                segments: &[],
            };
            Customer::new(Some(&state), Identity::default(), around)
        };
        let ask = |texts: &[&str]| texts.iter().map(|text| attribute(text)).collect::<Vec<_>>();
        let usual = ask(&[
            "order_count",
            "last_order",
            "trait[\"trait_3\"]",
            "spend(\"JPY\")",
            "sentiment_level",
            "sentiment_trend",
            "last_intent",
            "open_tickets",
            "consent(\"marketing\", \"email\")",
            "contacts(\"email\", 7)",
            "p_alive",
            "leaving_risk",
        ]);
        let time = |what: &str, asked: &[Attribute]| {
            let cold = best(|| {
                let customer = customer();
                for attribute in asked {
                    black_box(customer.get(black_box(attribute)));
                }
            });
            let warm = customer();
            let again = best(|| {
                for attribute in asked {
                    black_box(warm.get(black_box(attribute)));
                }
            });
            println!("figure {name} {what}: first {cold:.0} ns, again {again:.0} ns");
            cold
        };
        time("nothing", &[]);
        time("twelve attributes", &usual);
        for text in [
            "sentiment_level",
            "trait[\"trait_3\"]",
            "p_alive",
            "expected_orders",
            "lifetime_value",
            "leaving_risk",
            "contacts(\"email\", 7)",
        ] {
            time(text, &ask(&[text]));
        }
        let all = time("every attribute", &ask(ATTRIBUTES));
        assert!(all < 20e6, "{all} ns");
    }
}
