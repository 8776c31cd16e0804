//! What a rule costs. Figures are printed; a test only says that they are not absurd.

use std::hint::black_box;

use super::world::NOW;
use crate::{
    calendar::Zone,
    clock::Micros,
    criteria::{Attribute, AttributeId, Facts, Moment, Rule, Use, Value},
    worked,
};

/// Facts as a decision has them: fields of a struct.
struct Fields {
    moment: Moment,
    tier: String,
}

impl Facts for Fields {
    fn moment(&self) -> Moment {
        self.moment
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        match attribute.id() {
            AttributeId::Known => Value::Boolean(true),
            AttributeId::OrderCount => Value::Integer(5),
            AttributeId::LastOrder => Value::Time(Micros(NOW.0 - 40 * 86_400_000_000)),
            AttributeId::Trait if attribute.text(0) == "tier" => Value::Text(&self.tier),
            _ => Value::Missing,
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn a_typical_rule_is_evaluated_and_parsed_in_little_time() {
    // `&&`, four tests, seven operands: two ages and times among them.
    let text =
        "order_count >= 3 && days_since(last_order) > 30 && trait[\"tier\"] == \"gold\" && known";
    let twelve = Rule::parse(text, Use::Segment).unwrap();
    assert_eq!((twelve.nodes(), twelve.cost()), (12, 12));
    let facts = Fields {
        moment: Moment {
            now: NOW,
            zone: Zone::TOKYO,
        },
        tier: "gold".to_owned(),
    };
    let time = |name: &str, rounds: u32, mut work: Box<dyn FnMut() + '_>| {
        let mut best = f64::INFINITY;
        // Short batches, of which the best was not interrupted.
        for _ in 0..200 {
            let begun = worked::so_far();
            for _ in 0..rounds {
                work();
            }
            best = best.min(worked::since(begun).as_secs_f64() * 1e9 / f64::from(rounds));
        }
        println!("figure {name} {best:.1} ns");
        best
    };
    let took = time(
        "criteria_evaluate_12_nodes",
        2_000,
        Box::new(|| {
            assert!(black_box(&twelve).evaluate(black_box(&facts)).is_pass());
        }),
    );
    assert!(took < 50_000.0, "{took} ns");
    time(
        "criteria_falls_due_12_nodes",
        500,
        Box::new(|| {
            black_box(black_box(&twelve).falls_due(black_box(&facts)));
        }),
    );
    time(
        "criteria_parse_12_nodes",
        20,
        Box::new(|| {
            black_box(Rule::parse(black_box(text), Use::Segment).unwrap());
        }),
    );
}
