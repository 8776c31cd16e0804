//! Addresses: postal code, city and street, in one form.
//!
//! What must stay true: nearness is symmetric, and a street alone (an "1-2-3" of any town) is never the same address: a
//! postal code or a city has to agree as well.

use std::collections::BTreeSet;

use super::{fold::fold, level::Level};

/// English words for streets and their short forms.
const SHORT: [(&str, &str); 14] = [
    ("street", "st"),
    ("road", "rd"),
    ("avenue", "ave"),
    ("boulevard", "blvd"),
    ("drive", "dr"),
    ("lane", "ln"),
    ("court", "ct"),
    ("place", "pl"),
    ("square", "sq"),
    ("terrace", "ter"),
    ("apartment", "apt"),
    ("north", "n"),
    ("south", "s"),
    ("saint", "st"),
];

/// Rounds after which a street that has not settled is taken as it is.
const ROUNDS: usize = 8;

/// Where somebody lives or has lived. The values of several addresses are not kept apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// Letters and digits of postal codes.
    pub(super) postal: BTreeSet<String>,
    /// Cities, towns and wards.
    pub(super) city: BTreeSet<String>,
    /// Streets with house numbers, without spaces.
    pub(super) street: BTreeSet<String>,
}

impl Address {
    /// The form of a postal code; `None` when it is too short for one.
    pub(super) fn postal_code(text: &str) -> Option<String> {
        let code: String = fold(text)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        // Of a longer American one the first five digits are told more often.
        let code = match code.len() {
            9 if code.chars().all(|c| c.is_ascii_digit()) => code[..5].to_owned(),
            _ => code,
        };
        (code.len() >= 4).then_some(code)
    }

    /// The form of a city.
    pub(super) fn city_name(text: &str) -> Option<String> {
        let name: String = fold(text).chars().filter(|c| c.is_alphanumeric()).collect();
        (!name.is_empty()).then_some(name)
    }

    /// The form of a street: `三丁目２番１号`, `3丁目2-1` and `3-2-1` are one, and so are `Street` and `St.`.
    pub(super) fn street_line(text: &str) -> Option<String> {
        let mut now = fold(text);
        // What a dash parted may be a number when the dash is gone.
        for _ in 0..ROUNDS {
            let next = joined(&fold(&now));
            if next == now {
                break;
            }
            now = next;
        }
        (!now.is_empty()).then_some(now)
    }

    /// Takes the names of places off the streets that begin with them.
    pub(super) fn strip(&mut self, regions: &BTreeSet<String>) {
        let strip = |street: &String| {
            let mut rest = street.as_str();
            for places in [regions, &self.city] {
                rest = places
                    .iter()
                    .find_map(|place| rest.strip_prefix(place.as_str()))
                    .filter(|rest| !rest.is_empty())
                    .unwrap_or(rest);
            }
            rest.to_owned()
        };
        self.street = self.street.iter().map(strip).collect();
    }

    /// How far two people's addresses agree; `None` when one of them has none that the other could agree with.
    pub(super) fn compare(&self, other: &Self) -> Option<Level> {
        let postal = shared(&self.postal, &other.postal);
        let city = shared(&self.city, &other.city);
        let place = match (postal, city) {
            (None, None) => return None,
            (Some(true), _) | (None, Some(true)) => true,
            (Some(false), city) => city == Some(true),
            (None, Some(false)) => false,
        };
        let street = self
            .street
            .iter()
            .flat_map(|a| other.street.iter().map(|b| street(a, b)))
            .max();
        Some(match (place, street) {
            (true, Some(level @ (Level::Exact | Level::Close))) => level,
            (true, None) if postal == Some(true) => Level::Close,
            (true, _) => Level::Near,
            (false, _) => Level::Different,
        })
    }
}

/// Numbers as digits with dashes between them, words short, and no spaces.
fn joined(folded: &str) -> String {
    let counted = arabic(folded);
    let marked = ["丁目", "番地", "番", "号", "ノ"]
        .iter()
        .fold(counted, |text, mark| after_digits(&text, mark));
    let mut out = String::with_capacity(marked.len());
    for word in marked.split(|c: char| !(c.is_alphanumeric() || is_dash(c))) {
        let short = SHORT.iter().find(|(long, _)| *long == word);
        let word = short.map_or(word, |(_, short)| short);
        let digits = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        if digits(out.chars().next_back()) && digits(word.chars().next()) {
            out.push('-');
        }
        for c in word.chars() {
            if !is_dash(c) {
                out.push(c);
            } else if digits(out.chars().next_back()) {
                out.push('-');
            }
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}

/// Whether two sets have something in common, if both have something.
fn shared(a: &BTreeSet<String>, b: &BTreeSet<String>) -> Option<bool> {
    (!a.is_empty() && !b.is_empty()).then(|| !a.is_disjoint(b))
}

/// Two streets: the same, the same with a building or a slip, or another.
fn street(a: &str, b: &str) -> Level {
    if a == b {
        return Level::Exact;
    }
    let begins = |long: &str, short: &str| {
        short.chars().count() >= 5
            && long
                .strip_prefix(short)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    if begins(a, b) || begins(b, a) {
        return Level::Close;
    }
    // A slip in a house number is another house.
    let names = |text: &str| -> String { text.chars().filter(|c| !c.is_ascii_digit()).collect() };
    let numbers = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let (x, y) = (names(a), names(b));
    let long = x.chars().count().min(y.chars().count()) >= 6;
    if numbers(a) == numbers(b) && long && strsim::osa_distance(&x, &y) <= 2 {
        Level::Close
    } else {
        Level::Different
    }
}

fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | 'ー' | '\u{2500}'
    )
}

/// Kanji numerals up to 99 as digits where they number a part of a town (`三丁目`, `十二番`).
fn arabic(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < letters.len() {
        let run = letters[at..]
            .iter()
            .take_while(|c| numeral(**c).is_some())
            .count();
        let next = letters.get(at + run);
        let after_next = letters.get(at + run + 1);
        let counted = matches!(
            (next, after_next),
            (Some('丁'), Some('目')) | (Some('番' | '号'), _)
        );
        match value(&letters[at..at + run]) {
            Some(number) if counted => {
                out.push_str(&number.to_string());
                at += run;
            }
            _ => {
                let step = run.max(1);
                out.extend(&letters[at..at + step]);
                at += step;
            }
        }
    }
    out
}

fn numeral(c: char) -> Option<u16> {
    "〇一二三四五六七八九十"
        .chars()
        .zip(0..)
        .find_map(|(numeral, value)| (numeral == c).then_some(value))
}

fn value(numerals: &[char]) -> Option<u16> {
    let values: Vec<u16> = numerals.iter().filter_map(|c| numeral(*c)).collect();
    match values.as_slice() {
        [10] => Some(10),
        [one] => Some(*one),
        [10, ones @ 1..=9] => Some(10 + ones),
        [tens @ 1..=9, 10] => Some(10 * tens),
        [tens @ 1..=9, 10, ones @ 1..=9] => Some(10 * tens + ones),
        _ => None,
    }
}

/// A mark behind a digit as a dash.
fn after_digits(text: &str, mark: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        out.push_str(&rest[..at]);
        let counts = out.ends_with(|c: char| c.is_ascii_digit());
        out.push_str(if counts { "-" } else { mark });
        rest = &rest[at + mark.len()..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(text: &str) -> String {
        Address::street_line(text).unwrap_or_default()
    }

    #[test]
    fn ways_of_writing_a_street_are_one() {
        for same in [
            "丸の内三丁目２番１号",
            "丸の内3丁目2-1",
            "丸ノ内３－２－１",
            "丸の内 3ー2ー1",
        ] {
            assert_eq!(line(same), line("丸の内3-2-1"), "{same}");
        }
        assert_eq!(line("12 Pike Street"), line("12 PIKE ST."));
        assert_eq!(line("本町十二番三号"), line("本町12-3"));
    }

    #[test]
    fn a_street_needs_a_place() {
        let at = |postal: &str, street: &str| Address {
            postal: Address::postal_code(postal).into_iter().collect(),
            street: Address::street_line(street).into_iter().collect(),
            ..Address::default()
        };
        let level = |a: &Address, b: &Address| {
            assert_eq!(a.compare(b), b.compare(a));
            a.compare(b)
        };
        let home = at("150-0002", "渋谷1-2-3");
        assert_eq!(
            level(&home, &at("〒１５０－０００２", "渋谷1-2-3")),
            Some(Level::Exact)
        );
        assert_eq!(
            level(&home, &at("1500002", "渋谷1-2-3 メゾン101")),
            Some(Level::Close)
        );
        assert_eq!(level(&home, &at("1500002", "")), Some(Level::Close));
        assert_eq!(level(&home, &at("1500002", "渋谷1-2-4")), Some(Level::Near));
        assert_eq!(
            level(&home, &at("5300001", "渋谷1-2-3")),
            Some(Level::Different)
        );
        assert_eq!(level(&home, &at("", "渋谷1-2-3")), None);
    }

    proptest! {
        #[test]
        fn folding_a_street_is_idempotent_and_never_panics(
            text in prop_oneof![any::<String>(), "[一二十丁目番地号ノの0-9ー -]{0,16}"],
        ) {
            if let Some(once) = Address::street_line(&text) {
                prop_assert_eq!(Address::street_line(&once), Some(once));
            }
        }
    }
}
