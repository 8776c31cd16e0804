//! How long it takes to refuse what strangers write as rules, which should be within 10 ms, and to hold the dearest rules that are
//! taken against a customer.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use customer_profile::{
    calendar::Zone,
    clock::Micros,
    criteria::{Attribute, Facts, Moment, Rule, Use, Value, limits::MAX_SOURCE_BYTES},
};

#[path = "../../src/criteria/tests/texts.rs"]
mod texts;

const RUNS: usize = 21;

/// A customer with texts in every list, so that every look-up goes to the end.
struct Busy(Vec<String>);

impl Facts for Busy {
    fn get(&self, _: &Attribute) -> Value<'_> {
        Value::List(&self.0)
    }

    fn moment(&self) -> Moment {
        Moment {
            now: Micros(1_790_000_000_000_000),
            zone: Zone::TOKYO,
        }
    }
}

fn usual(mut work: impl FnMut()) -> Duration {
    let took = (0..RUNS).map(|_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    });
    let mut took: Vec<Duration> = took.collect();
    took.sort_unstable();
    // The median: the machine does other things too.
    took[RUNS / 2]
}

fn milliseconds(took: Duration) -> f64 {
    took.as_secs_f64() * 1e3
}

pub(crate) fn run() {
    let mut slowest = (Duration::ZERO, "");
    for (name, text) in texts::hostile() {
        let took = usual(|| {
            black_box(Rule::parse(black_box(&text), Use::Decision)).unwrap_err();
        });
        println!(
            "{name:28} {:>8} bytes {:.3} ms",
            text.len(),
            milliseconds(took)
        );
        slowest = slowest.max((took, name));
    }
    let (took, name) = slowest;
    println!("hostile_rule_ms_refused {:.3} ({name})", milliseconds(took));
    // As many look-ups in full lists as a rule may have.
    let term = r#""zz" in trait["t"]"#;
    let most = (1..).take_while(|n| n * (term.len() + 4) < MAX_SOURCE_BYTES);
    let rule = most
        .map_while(|n| Rule::parse(&vec![term; n].join(" || "), Use::Decision).ok())
        .last()
        .unwrap();
    let customer = Busy((0..64).map(|n| format!("text {n:02}")).collect());
    let took = usual(|| {
        black_box(rule.evaluate(black_box(&customer)));
    });
    println!(
        "hostile_rule_ms_evaluated {:.4} (cost {})",
        milliseconds(took),
        rule.cost()
    );
}
