//! Phone numbers one slip of the hand away from another.
//!
//! What must stay true: `b` is among the slips of `a` exactly when `a` is among those of `b`, as long as both begin with
//! the same country code; and these are the numbers whose phones agree as a typo does when two likenesses are compared.

use std::collections::BTreeSet;

use super::likeness::Likeness;

/// The sign and the digits in which nobody slips: a plus and the country code, or the longer part of it.
const KEPT: usize = 3;
/// The fewest characters of a number that is compared so.
const SHORTEST: usize = 9;
/// The most (E.164, with its plus).
const LONGEST: usize = 16;

/// Every number that is one wrong, missing, added or swapped digit away from a phone number of a likeness, at most 786
/// of three numbers. Numbers are in E.164, and need not be anybody's.
#[must_use]
pub fn slips(likeness: &Likeness) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for phone in &likeness.phones {
        add(phone, &mut all);
    }
    all
}

fn add(phone: &str, all: &mut BTreeSet<String>) {
    let digits = phone.as_bytes();
    if !phone.is_ascii() || digits.len() < SHORTEST || digits.len() > LONGEST {
        return;
    }
    let mut put = |parts: &[&[u8]]| {
        let bytes = parts.concat();
        if bytes.len() >= SHORTEST
            && bytes.len() <= LONGEST
            && bytes != digits
            && let Ok(number) = String::from_utf8(bytes)
        {
            all.insert(number);
        }
    };
    for at in KEPT..=digits.len() {
        let (before, after) = digits.split_at(at);
        for digit in b'0'..=b'9' {
            put(&[before, &[digit], after]);
            if let Some((_, rest)) = after.split_first() {
                put(&[before, &[digit], rest]);
            }
        }
        if let Some((_, rest)) = after.split_first() {
            put(&[before, rest]);
        }
        if let [one, two, rest @ ..] = after {
            put(&[before, &[*two, *one], rest]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Field, Level, compare},
        *,
    };

    fn of(phone: &str) -> Likeness {
        Likeness::new([], [("phone", phone)])
    }

    #[test]
    fn a_japanese_number_has_some_two_hundred() {
        let found = slips(&of("+819012345678"));
        assert!((190..=262).contains(&found.len()), "{}", found.len());
        assert!(found.contains("+819012345687") && found.contains("+81901234567"));
        assert!(slips(&of("+1234567")).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn slips_are_mutual_and_are_what_is_compared_as_typos(phone in "\\+81[1-9][0-9]{5,12}") {
            for other in slips(&of(&phone)) {
                prop_assert!(slips(&of(&other)).contains(&phone), "{other}");
                let reasons = compare(&of(&phone), &of(&other)).reasons;
                prop_assert_eq!((reasons[0].field, reasons[0].level), (Field::Phone, Level::Typo));
            }
        }
    }
}
