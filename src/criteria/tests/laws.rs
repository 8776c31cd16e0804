//! Laws, over random rules and customers.

use std::cell::Cell;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};

use super::{
    generate::{Random, grow},
    naive,
    world::{DAY, Held, NOW, World},
};
use crate::{
    calendar::Day,
    clock::Micros,
    criteria::{
        Facts, Rule, Use, Verdict,
        evaluate::{Evaluation, Meter},
        limits::{MAX_COST, MAX_DEPTH, MAX_NODES},
    },
};

/// A rule and a customer out of a seed.
fn case(seed: u64, levels: u32) -> (Rule, World) {
    let mut random = Random(seed);
    let (rule, _) = grown(&mut random, levels);
    let world = World::random(&mut random, rule.attributes());
    (rule, world)
}

/// A rule within the limits, with the text of the tree that it came from.
fn grown(random: &mut Random, levels: u32) -> (Rule, String) {
    let mut levels = levels;
    loop {
        let grown = grow(random, levels);
        let text = grown.text();
        levels = levels.saturating_sub(1).max(1);
        if grown.root.depth() > MAX_DEPTH || grown.root.nodes() > MAX_NODES || text.len() > 4_096 {
            continue;
        }
        let rule = match Rule::parse(&text, Use::Decision) {
            Ok(rule) => rule,
            Err(faults) => panic!("{text}: {}", faults[0].describe(&text)),
        };
        assert_eq!(rule.root, grown.root, "{text}");
        assert_eq!(&*rule.attributes, grown.attributes, "{text}");
        return (rule, text);
    }
}

fn number(of: Verdict) -> u8 {
    match of {
        Verdict::Fail => 0,
        Verdict::Unknown(_) => 1,
        Verdict::Pass => 2,
    }
}

fn parse(text: &str) -> Rule {
    Rule::parse(text, Use::Decision).unwrap_or_else(|faults| panic!("{text}: {faults:?}"))
}

/// The runner chooses seeds and sizes; as many cases as are asked for.
fn check(cases: u32, law: impl Fn(u64, u32) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let given = (any::<u64>(), 1..6_u32);
    TestRunner::new(config)
        .run(&given, |(seed, levels)| law(seed, levels))
        .unwrap();
}

#[test]
fn what_is_printed_is_parsed_as_the_same_rule() {
    check(3_000, |seed, levels| {
        let (rule, text) = grown(&mut Random(seed), levels);
        prop_assert_eq!(rule.text(), &text);
        let again = parse(rule.text());
        prop_assert_eq!(again.version(), rule.version());
        prop_assert!(again == rule);
        Ok(())
    });
}

#[test]
fn brackets_spaces_and_comments_make_no_other_rule() {
    check(500, |seed, levels| {
        let (rule, text) = grown(&mut Random(seed), levels.min(3));
        let other = format!(" // a comment\n(({text}\n)) // the end");
        prop_assert!(parse(&other) == rule);
        Ok(())
    });
}

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn evaluation_says_what_the_naive_interpreter_says() {
    let said = [const { Cell::new(0_u32) }; 3];
    check(6_000, |seed, levels| {
        let (rule, world) = case(seed, levels);
        let verdict = number(rule.evaluate(&world));
        let naive = naive::truth(&rule.root, &rule.attributes, &world);
        prop_assert_eq!(verdict, naive, "{}\n{:?}", rule, world);
        let count = &said[usize::from(verdict)];
        count.set(count.get() + 1);
        Ok(())
    });
    let said = said.map(|count| count.get());
    println!("fail, unknown, pass: {said:?}");
    assert!(said.iter().all(|count| *count > 600), "{said:?}");
}

struct Counting(u32);

impl Meter for Counting {
    fn steps(&mut self, steps: u32) {
        self.0 += steps;
    }
}

#[test]
fn an_evaluation_takes_no_more_steps_than_the_cost() {
    let full = Cell::new(0);
    check(3_000, |seed, levels| {
        let (rule, world) = case(seed, levels);
        let mut evaluation = Evaluation {
            attributes: &rule.attributes,
            facts: &world,
            moment: world.moment(),
            meter: Counting(0),
        };
        evaluation.truth(&rule.root);
        let steps = evaluation.meter.0;
        prop_assert!(0 < steps && steps <= rule.cost(), "{} {}", steps, rule);
        prop_assert!(rule.cost() <= MAX_COST);
        full.set(full.get() + u32::from(steps == rule.cost()));
        Ok(())
    });
    assert!(full.get() > 100, "the bound is never reached");
}

#[test]
#[expect(clippy::print_stdout, reason = "figures are there to be read")]
fn until_a_rule_falls_due_time_alone_changes_nothing() {
    let (dues, changed) = (Cell::new(0_u32), Cell::new(0_u32));
    check(4_000, |seed, levels| {
        let (rule, world) = case(seed, levels.min(3));
        let now = world.moment.now;
        let verdict = number(rule.evaluate(&world));
        let due = rule.falls_due(&world);
        if let Some(due) = due {
            prop_assert!(due > now, "{} due at {} before {}", rule, due, now);
            dues.set(dues.get() + 1);
            let then = number(rule.evaluate(&world.at(due)));
            changed.set(changed.get() + u32::from(then != verdict));
        }
        let end = due.map_or(now.0 + 1_500 * DAY, |due| due.0);
        let mut random = Random(seed ^ 1);
        let length = (end - now.0).min(1_500 * DAY);
        let near = [1, DAY / 24, DAY, 30 * DAY].map(|far| far.min(length));
        let mut moments = vec![now.0 + length - 1];
        for far in near.into_iter().chain([length; 12]) {
            moments.push(now.0 + random.below(far));
        }
        for at in moments {
            let later = world.at(Micros(at));
            let then = number(rule.evaluate(&later));
            prop_assert_eq!(then, verdict, "{} at {} due {:?}", rule, Micros(at), due);
        }
        Ok(())
    });
    let (dues, changed) = (dues.get(), changed.get());
    println!("{dues} of 4000 rules fall due, {changed} of them change then");
    assert!(changed * 4 > dues, "rules fall due far too often");
}

/// A rule of one test of time, close to where it changes, and what it is asked of.
fn timely(random: &mut Random) -> (String, Held) {
    let zone = World::new().moment.zone;
    let count = random.below(12) - 3;
    let (of, held) = if random.below(2) == 0 {
        let near = random.below(12 * DAY) - 3 * DAY;
        let whole = near / DAY * DAY;
        let age = if random.below(3) == 0 { whole } else { near };
        ("last_order", Held::Time(Micros(NOW.0 - age)))
    } else {
        let near = i32::try_from(random.below(12) - 3).unwrap();
        ("trait[\"a\"]", Held::Date(Day(zone.day(NOW).0 - near)))
    };
    let sign = *random.pick(&["==", "!=", "<", "<=", ">", ">="]);
    let elapsed = *random.pick(&["days_since", "days_until", "hours_since"]);
    let elapsed = if of == "last_order" {
        elapsed
    } else {
        "days_since"
    };
    let scale = if elapsed == "hours_since" { 24 } else { 1 };
    let count = count * scale;
    let text = match random.below(6) {
        0 if of == "last_order" => format!("within(last_order, days({}))", count.abs() + 1),
        1 => format!("{elapsed}({of}) in [{count}, {}]", count + 2),
        2 => format!("{count} {sign} {elapsed}({of})"),
        3 => format!("{elapsed}({of}) {sign} {count}.5"),
        4 if of != "last_order" => format!("days_until_anniversary({of}) {sign} {}", count.abs()),
        _ => format!("{elapsed}({of}) {sign} {count}"),
    };
    (text, held)
}

#[test]
fn a_test_of_time_falls_due_exactly_when_it_changes() {
    let changes = Cell::new(0_u32);
    check(4_000, |seed, _| {
        let mut random = Random(seed);
        let (text, held) = timely(&mut random);
        let of = if text.contains("trait") {
            "trait[\"a\"]"
        } else {
            "last_order"
        };
        let world = World::new().with(of, held);
        let rule = parse(&text);
        let says = |at: i64| number(rule.evaluate(&world.at(Micros(at))));
        let verdict = says(NOW.0);
        let due = rule.falls_due(&world);
        if let Some(due) = due {
            prop_assert_eq!(says(due.0 - 1), verdict, "{} due {}", text, due);
            // Of anniversaries that never change it, it is due after a year and more.
            if due.0 < NOW.0 + 390 * DAY {
                prop_assert!(says(due.0) != verdict, "{} due {}", text, due);
                changes.set(changes.get() + 1);
            }
        }
        let end = due.map_or(NOW.0 + 40 * DAY, |due| due.0);
        for at in (NOW.0..end).step_by(6 * 3_600_000_000).take(200) {
            prop_assert_eq!(says(at), verdict, "{} at {}", text, Micros(at));
        }
        Ok(())
    });
    assert!(changes.get() > 1_500, "{}", changes.get());
}

#[test]
fn what_is_learnt_later_never_turns_a_verdict_round() {
    check(3_000, |seed, levels| {
        let (rule, world) = case(seed, levels);
        if rule.text().contains("has(") {
            return Ok(());
        }
        let before = number(rule.evaluate(&world));
        let mut random = Random(!seed);
        let other = World::random(&mut random, rule.attributes());
        let mut learnt = world.clone();
        for (attribute, held) in &mut learnt.values {
            for (at, value) in held.iter_mut().enumerate() {
                if *value == Held::Missing {
                    *value = other.values[attribute][at].clone();
                }
            }
        }
        let after = number(rule.evaluate(&learnt));
        prop_assert!(
            before == 1 || before == after,
            "{} {} {}",
            before,
            after,
            rule
        );
        Ok(())
    });
}

#[test]
fn the_laws_of_kleene_hold() {
    check(1_500, |seed, levels| {
        let levels = levels.min(2);
        let mut random = Random(seed);
        let [a, b, c] = [(); 3].map(|()| grown(&mut random, levels).1);
        let both = parse(&format!("({a}) && ({b}) && ({c})"));
        let world = World::random(&mut random, both.attributes());
        let says = |text: String| number(parse(&text).evaluate(&world));
        let same = [
            (format!("({a}) && ({b})"), format!("({b}) && ({a})")),
            (format!("({a}) || ({b})"), format!("({b}) || ({a})")),
            (format!("!(({a}) && ({b}))"), format!("!({a}) || !({b})")),
            (format!("!(({a}) || ({b}))"), format!("!({a}) && !({b})")),
            (format!("!!({a})"), a.clone()),
            (format!("({a}) && ({a})"), a.clone()),
            (format!("({a}) || ({a})"), a.clone()),
            (format!("({a}) && (({a}) || ({b}))"), a.clone()),
            (format!("({a}) && true"), a.clone()),
            (format!("({a}) || false"), a.clone()),
            (format!("({a}) && false"), "false".to_owned()),
            (format!("({a}) || true"), "true".to_owned()),
            (
                format!("({a}) && (({b}) || ({c}))"),
                format!("(({a}) && ({b})) || (({a}) && ({c}))"),
            ),
        ];
        for (left, right) in same {
            prop_assert_eq!(
                says(left.clone()),
                says(right.clone()),
                "{} {}",
                left,
                right
            );
        }
        Ok(())
    });
}

#[test]
fn the_first_attribute_that_is_missing_is_named() {
    check(2_000, |seed, levels| {
        let (rule, world) = case(seed, levels);
        let Verdict::Unknown(cause) = rule.evaluate(&world) else {
            return Ok(());
        };
        if let Some(index) = cause.attribute {
            let attribute = rule.attribute(index).unwrap();
            prop_assert!(rule.because(cause).starts_with(&attribute.to_string()));
            let missing = cause.reason == crate::criteria::Reason::Missing;
            prop_assert_eq!(missing, !world.get(attribute).is_known());
        }
        Ok(())
    });
}

#[test]
fn an_explanation_says_the_verdict_and_every_attribute() {
    check(1_000, |seed, levels| {
        let (rule, world) = case(seed, levels.min(3));
        let why = rule.explain(&world);
        prop_assert_eq!(why.verdict, rule.evaluate(&world));
        prop_assert!(why.root.value.starts_with(why.verdict.name()));
        prop_assert_eq!(&why.root.text, rule.text());
        let text = why.to_string();
        for attribute in rule.attributes() {
            prop_assert!(text.contains(&attribute.to_string()));
        }
        Ok(())
    });
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn any_text_is_a_rule_or_has_mistakes_with_places(text in "[ a-z0-9_\"'()\\[\\]!&|=<>+*/%.,-]{0,80}|\\PC{0,40}") {
        sound(&text);
    }

    #[test]
    fn any_words_are_a_rule_or_have_mistakes_with_places(words in prop::collection::vec(prop::sample::select(vec![
        "order_count", "last_order", "trait", "[", "]", "\"a\"", "(", ")", "!", "-", "&&", "||", "==", "<", "in", "has",
        "within", "days", "days_since", ",", "1", "0.5", "+", "/", ".", "contains", "spend", "\"EUR\"", "segment", "true",
    ]), 0..40)) {
        sound(&words.join(" "));
    }
}

/// A text is a rule that prints as itself, or is refused with places on its characters.
fn sound(text: &str) {
    match Rule::parse(text, Use::Decision) {
        Ok(rule) => assert!(parse(rule.text()) == rule),
        Err(faults) => {
            assert!(!faults.is_empty() && faults.len() <= 32);
            for fault in faults {
                assert!(fault.start <= fault.end && fault.end <= text.len());
                assert!(text.is_char_boundary(fault.start) && text.is_char_boundary(fault.end));
                assert!(!fault.what.is_empty() && fault.what.len() < 400);
            }
        }
    }
}
