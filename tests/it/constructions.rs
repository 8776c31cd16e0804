//! Pairs of texts that differ in one construction: both signs right, or the order right by 0.05.

use std::collections::BTreeMap;

use customer_profile::sentiment::{Language, Options, Taxonomy, analyze};

use crate::harness::say;

fn polarity(text: &str) -> i16 {
    let options = Options {
        han: Language::Japanese,
        chat: false,
        taxonomy: Taxonomy::standard(),
    };
    analyze(text, &options)
        .feeling
        .map_or(0, |feeling| feeling.polarity)
}

fn right(expect: &str, first: i16, second: i16) -> bool {
    let sign = |sign: &str, polarity: i16| {
        if sign == "+" {
            polarity > 0
        } else {
            polarity < 0
        }
    };
    match expect {
        ">" => first >= second + 50,
        "<" => first + 50 <= second,
        _ => expect
            .split_once(' ')
            .is_some_and(|(a, b)| sign(a, first) && sign(b, second)),
    }
}

fn share_of_right(name: &str, file: &str) -> f64 {
    let mut kinds: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for line in file.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [kind, expect, first, second] = fields[..] else {
            panic!("four fields: {line}");
        };
        let (a, b) = (polarity(first), polarity(second));
        let (good, all) = kinds.entry(kind).or_default();
        *all += 1;
        if right(expect, a, b) {
            *good += 1;
        } else {
            say(format_args!(
                "{name} {kind} [{expect}] {a} {first} | {b} {second}"
            ));
        }
    }
    say(format_args!("{name} {kinds:?}"));
    let (good, all) = kinds
        .values()
        .fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    say(format_args!("{name} constructions {good}/{all}"));
    f64::from(good) / f64::from(all)
}

#[test]
fn english_pairs_are_right_in_95_of_100() {
    assert!(share_of_right("en", include_str!("data/sentiment/constructions/en.tsv")) >= 0.95);
}

#[test]
fn japanese_pairs_are_right_in_95_of_100() {
    assert!(share_of_right("ja", include_str!("data/sentiment/constructions/ja.tsv")) >= 0.95);
}
