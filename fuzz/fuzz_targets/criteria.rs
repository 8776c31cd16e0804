//! Rules as strangers write them, and trees of the language, held against made-up customers.
//!
//! The first byte chooses: an odd one takes the rest as the text of a rule, an even one takes it as choices by which a rule of
//! the language is put together, so that evaluation is reached more often than by luck.
#![no_main]

use customer_profile::{
    calendar::{Day, Zone},
    clock::Micros,
    criteria::{
        Argument, Attribute, AttributeId, Facts, Moment, Rule, Type, Use, Value, Verdict,
        limits::{MAX_COST, MAX_DEPTH, MAX_FAULTS, MAX_NODES, MAX_SOURCE_BYTES},
        schema::{Changes, Form, Parameter, SCALES},
    },
};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use rust_decimal::Decimal;

/// Counts what is allocated.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// No rule takes more to be read, whatever is in it.
const MEMORY_OF_A_RULE: usize = 1 << 20;

/// 2026-01-01T00:00:00Z, as the start of all customers.
const NOW: i64 = 1_767_225_600_000_000;

const DAY: i64 = 86_400_000_000;

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    if choice % 2 == 1 {
        if let Ok(text) = std::str::from_utf8(bytes) {
            read(text, bytes);
        }
    } else {
        let mut text = String::new();
        let mut choices = Choices(bytes);
        choices.truth(&mut text, 5);
        read(&text, bytes);
    }
});

fn read(text: &str, bytes: &[u8]) {
    for used_in in [Use::Decision, Use::Segment] {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let parsed = Rule::parse(text, used_in);
        let taken = MEMORY.peak_usage() - before;
        assert!(taken <= MEMORY_OF_A_RULE, "{taken} bytes");
        match parsed {
            Ok(rule) => of_rule(&rule, used_in, bytes),
            Err(faults) => {
                assert!(!faults.is_empty() && faults.len() <= MAX_FAULTS);
                assert!(faults.is_sorted_by_key(|fault| fault.start));
                for fault in faults {
                    assert!(text.get(fault.start..fault.end).is_some(), "no place");
                    assert!(!fault.what.is_empty() && fault.what.len() < 1_024);
                    assert!(fault.describe(text).starts_with("line "));
                }
            }
        }
    }
}

fn of_rule(rule: &Rule, used_in: Use, bytes: &[u8]) {
    assert!(rule.nodes() <= MAX_NODES && rule.depth() <= MAX_DEPTH);
    assert!((1..=MAX_COST).contains(&rule.cost()));
    assert!(rule.text().len() <= MAX_SOURCE_BYTES);
    let again = Rule::parse(rule.text(), used_in).expect("what was printed is read");
    assert!(
        again == *rule && again.version() == rule.version(),
        "{rule}"
    );

    let customer = Customer {
        bytes,
        now: Micros(NOW),
        texts: ["gold", "a", ""].map(str::to_owned),
    };
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let verdict = rule.evaluate(&customer);
    assert_eq!(MEMORY.peak_usage(), before, "{rule} allocates");
    let name = verdict.name();
    if let Verdict::Unknown(cause) = verdict {
        assert!(!rule.because(cause).is_empty());
    }
    let why = rule.explain(&customer);
    assert_eq!(why.verdict, verdict);
    assert!(why.to_string().starts_with(name));

    let due = rule.falls_due(&customer);
    let end = due.unwrap_or(Micros(NOW + 3_000 * DAY));
    assert!(end.0 > NOW, "{rule} was due");
    let last = (end.0 - 1).min(NOW + 36_500 * DAY);
    for part in 1..=4 {
        let at = NOW + (last - NOW) / 4 * part + (last - NOW) % 4 * i64::from(part == 4);
        let later = Customer {
            now: Micros(at),
            texts: customer.texts.clone(),
            ..customer
        };
        let then = rule.evaluate(&later).name();
        assert_eq!(then, name, "{rule} at {} due {due:?}", Micros(at));
    }
}

/// Somebody whose facts are taken from the bytes.
struct Customer<'a> {
    bytes: &'a [u8],
    now: Micros,
    texts: [String; 3],
}

impl Facts for Customer<'_> {
    fn moment(&self) -> Moment {
        Moment {
            now: self.now,
            zone: Zone::TOKYO,
        }
    }

    fn get(&self, attribute: &Attribute) -> Value<'_> {
        let is = attribute.id().definition();
        let stretch = match is.changes {
            Changes::Never => 0,
            Changes::Daily => i64::from(self.moment().today().0),
            Changes::Hourly => self.now.0.div_euclid(DAY / 24),
            Changes::Quarterly => self.now.0.div_euclid(DAY / 96),
        };
        let named: usize = attribute.arguments().iter().map(length).sum();
        let at = attribute.id() as usize * 7 + named * 3 + stretch.unsigned_abs() as usize;
        let byte = |at: usize| self.bytes.get(at % self.bytes.len().max(1)).copied();
        let (choice, size) = (byte(at).unwrap_or(0), byte(at + 1).unwrap_or(0));
        if choice % 5 == 0 {
            return Value::Missing;
        }
        let kind = match (is.kind, choice / 5 % 8) {
            (Type::Any, 0) => Type::Boolean,
            (Type::Any, 1) => Type::Integer,
            (Type::Any, 2) => Type::Number,
            (Type::Any, 3) => Type::Date,
            (Type::Any, 4) => Type::Time,
            (Type::Any, 5) => Type::List,
            (Type::Any, _) => Type::Text,
            (kind, _) => kind,
        };
        let far = i64::from(size) - 100;
        let extreme = choice > 240;
        match kind {
            Type::Boolean => Value::Boolean(size % 2 == 0),
            Type::Integer if extreme => Value::Integer(i64::MIN + i64::from(size)),
            Type::Integer => Value::Integer(far),
            Type::Number if extreme => Value::Number(Decimal::MAX),
            Type::Number => Value::Number(Decimal::new(far, 2)),
            Type::Date if extreme => Value::Date(Day(i32::MIN)),
            Type::Date => Value::Date(Day(20_454 + i32::from(size) - 100)),
            Type::Time if extreme => Value::Time(Micros(i64::MAX)),
            Type::Time => Value::Time(Micros(NOW - far * DAY / 3)),
            Type::List => Value::List(&self.texts),
            Type::Text | Type::Any => Value::Text(&self.texts[usize::from(size % 3)]),
        }
    }
}

fn length(argument: &Argument) -> usize {
    match argument {
        Argument::Text(text) => text.len(),
        Argument::Number(number) => usize::from(*number),
    }
}

/// Puts a rule together.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::from(self.next()) % of.len()]
    }

    fn truth(&mut self, text: &mut String, levels: u8) {
        let choice = if levels == 0 { 8 } else { self.next() % 12 };
        match choice {
            0..=2 => {
                let sign = self.pick(&[" && ", " || "]);
                for at in 0..2 + self.next() % 3 {
                    text.push_str(if at == 0 { "(" } else { sign });
                    self.truth(text, levels - 1);
                }
                text.push(')');
            }
            3 => {
                text.push('!');
                self.truth(text, levels - 1);
            }
            4 => {
                text.push_str("within(");
                self.attribute(text, &[Type::Time, Type::Any]);
                let unit = self.pick(&["minutes", "hours", "days", "weeks"]);
                text.push_str(&format!(", {unit}({}))", self.next()));
            }
            5 => {
                self.number(text, levels - 1);
                text.push_str(&format!(" in [{}, {}.5]", self.next(), self.next()));
            }
            6 => {
                text.push_str("trait[\"a\"]");
                text.push_str(self.pick(&[
                    ".startsWith(\"g\")",
                    ".endsWith(\"\")",
                    ".contains(\"ol\")",
                    " == \"gold\"",
                    " in [\"gold\", \"a\"]",
                ]));
            }
            7 => {
                text.push_str("has(");
                self.attribute(text, &[]);
                text.push(')');
            }
            8 => self.attribute(text, &[Type::Boolean, Type::Any]),
            _ => {
                self.number(text, levels - 1);
                text.push_str(self.pick(&[" == ", " != ", " < ", " <= ", " > ", " >= "]));
                self.number(text, levels - 1);
            }
        }
    }

    fn number(&mut self, text: &mut String, levels: u8) {
        match self.next() % 8 {
            0 => text.push_str(&self.next().to_string()),
            1 => text.push_str(&format!("-{}.{}", self.next(), self.next())),
            2 => self.attribute(text, &[Type::Integer, Type::Number, Type::Any]),
            3..=5 => {
                text.push_str(self.pick(&["days_since(", "hours_since(", "days_until("]));
                self.attribute(text, &[Type::Time]);
                text.push(')');
            }
            6 => text.push_str("days_until_anniversary(trait[\"born\"])"),
            _ if levels == 0 => text.push_str("9223372036854775807"),
            _ => {
                text.push('(');
                self.number(text, levels - 1);
                text.push_str(self.pick(&[" + ", " - ", " * ", " / ", " % "]));
                self.number(text, levels - 1);
                text.push(')');
            }
        }
    }

    /// One of these types; of any without one.
    fn attribute(&mut self, text: &mut String, kinds: &[Type]) {
        let fitting: Vec<_> = AttributeId::ALL
            .iter()
            .map(|id| id.definition())
            .filter(|is| kinds.is_empty() || kinds.contains(&is.kind))
            .collect();
        let is = fitting[usize::from(self.next()) % fitting.len()];
        text.push_str(is.name);
        match is.form {
            Form::Plain => {}
            Form::Key => text.push_str(self.pick(&["[\"a\"]", "[\"born\"]"])),
            Form::Call { parameters, .. } => {
                for (at, kind) in parameters.iter().enumerate() {
                    text.push_str(if at == 0 { "(" } else { ", " });
                    match kind {
                        Parameter::Days | Parameter::Months => text.push('7'),
                        Parameter::Currency => text.push_str("\"EUR\""),
                        Parameter::Scale => text.push_str(&format!("{:?}", self.pick(SCALES))),
                        _ => text.push_str("\"email\""),
                    }
                }
                text.push(')');
            }
        }
    }
}
