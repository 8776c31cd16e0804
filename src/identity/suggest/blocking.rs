//! Blocking keys: texts of which two profiles must share one to be compared at all.
//!
//! What must stay true: keys depend on the likeness alone, and there are at most [`MOST_KEYS`] of them. No key is of one
//! frequent value: each joins two that have little to do with each other (a name and a birth date, a name and a place), so
//! that among a million profiles a key is expected to hold a few. One of two values may be mistyped or changed, and
//! another key still holds:
//!
//! | key | of | still found when |
//! |---|---|---|
//! | `fb` | family name, birth date | the given name is mistyped |
//! | `gb` | given name, birth date | the family name is mistyped or was changed by a marriage, the address is new |
//! | `ny`, `nd` | full name, year of birth; or month and day | the birth date is mistyped, or day and month are swapped |
//! | `bp` | birth date, postal code | one name is in kanji and the other in kana |
//! | `pf` | postal code, family name, first letter of the given name | there is no birth date, the given name is mistyped |
//! | `pg` | postal code, given name, first letter of the family name | there is no birth date, the family name is mistyped |
//! | `nc` | full name, city | there is neither birth date nor postal code |
//! | `ph` | phone number without one digit, each in turn | a digit is mistyped or two are swapped, and names differ |
//! | `el` | local part of an e-mail address | the provider is another one |
//! | `es` | its letters as they sound, family name | its digits differ |
//!
//! A caller that finds more than [`BLOCK_LIMIT`] profiles under a key passes that key over: it is of a value that says
//! nothing (a placeholder, the address of a hotel), and pairs that are alike share other keys.

use std::collections::BTreeSet;

use super::{
    likeness::Likeness,
    name::{Part, Spelling},
};

/// Names, as pairs, that keys are made of.
const PAIRS: usize = 6;
/// Earlier family names that keys are made of.
const FORMER: usize = 2;
/// Values of other fields that keys are made of.
const VALUES: usize = 2;
/// Digits of a phone number at most (E.164).
const DIGITS: usize = 15;
/// Digits of the country code that are never left out. Slips in them make no valid number.
const COUNTRY: usize = 2;

/// The greatest number of keys of a likeness.
pub const MOST_KEYS: usize = VALUES * 2 * (PAIRS + FORMER)
    + VALUES * 2 * PAIRS
    + VALUES * VALUES
    + VALUES * 2 * PAIRS
    + VALUES * PAIRS
    + VALUES * (DIGITS - COUNTRY)
    + VALUES * (1 + PAIRS);

/// The number of profiles under one key above which the key is passed over. At 50, a key costs at most 1,225
/// comparisons.
pub const BLOCK_LIMIT: usize = 50;

/// Family and given name.
type Pair = (Option<String>, Option<String>);

/// The keys of a likeness, at most [`MOST_KEYS`]. They hold personal data in the clear: store keyed hashes of them.
#[must_use]
pub fn blocking_keys(likeness: &Likeness) -> BTreeSet<String> {
    let mut keys = stored_keys(likeness);
    for phone in likeness.phones.iter().take(VALUES) {
        let digits: Vec<char> = phone
            .chars()
            .filter(char::is_ascii_digit)
            .take(DIGITS)
            .collect();
        for gone in COUNTRY..digits.len() {
            let left: String = [&digits[..gone], &digits[gone + 1..]]
                .concat()
                .iter()
                .collect();
            keys.insert(format!("ph|{left}"));
        }
    }
    keys
}

/// The keys of a likeness that a store keeps: all but those of phone numbers. Whoever asks by a phone number asks for
/// every number that is one slip away ([`super::slips`]), which needs nothing stored.
#[must_use]
pub fn stored_keys(likeness: &Likeness) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let pairs = pairs(likeness);
    by_birth(likeness, &pairs, &mut keys);
    by_place(likeness, &pairs, &mut keys);
    for email in likeness.emails.iter().take(VALUES).filter(|e| e.tells()) {
        keys.insert(format!("el|{}", email.local));
        for family in pairs.iter().filter_map(|(family, _)| family.as_ref()) {
            if email.stem.len() >= 4 {
                keys.insert(format!("es|{}|{family}", email.stem));
            }
        }
    }
    keys
}

fn by_birth(likeness: &Likeness, pairs: &BTreeSet<Pair>, keys: &mut BTreeSet<String>) {
    let former = likeness.former.iter().take(FORMER);
    let former: Vec<&str> = former
        .flat_map(Spelling::readings)
        .filter_map(|(family, _)| family.map(Part::text))
        .collect();
    for birth in likeness.births.iter().take(VALUES) {
        let date = birth.digits();
        for family in &former {
            keys.insert(format!("fb|{family}|{date}"));
        }
        for (family, given) in pairs {
            if let Some(family) = family {
                keys.insert(format!("fb|{family}|{date}"));
            }
            if let Some(given) = given {
                keys.insert(format!("gb|{given}|{date}"));
            }
            if let (Some(family), Some(given)) = (family, given) {
                keys.insert(format!("ny|{family}|{given}|{}", &date[..4]));
                keys.insert(format!("nd|{family}|{given}|{}", &date[4..]));
            }
        }
        for postal in likeness.address.postal.iter().take(VALUES) {
            keys.insert(format!("bp|{date}|{postal}"));
        }
    }
}

fn by_place(likeness: &Likeness, pairs: &BTreeSet<Pair>, keys: &mut BTreeSet<String>) {
    let first = |text: &str| text.chars().take(1).collect::<String>();
    for (family, given) in pairs {
        let (Some(family), Some(given)) = (family, given) else {
            continue;
        };
        for postal in likeness.address.postal.iter().take(VALUES) {
            keys.insert(format!("pf|{postal}|{family}|{}", first(given)));
            keys.insert(format!("pg|{postal}|{given}|{}", first(family)));
        }
        for city in likeness.address.city.iter().take(VALUES) {
            keys.insert(format!("nc|{family}|{given}|{city}"));
        }
    }
}

/// The names as they may be read. A name of kanji in one piece is cut behind the second, as most are.
fn pairs(likeness: &Likeness) -> BTreeSet<Pair> {
    let mut pairs = BTreeSet::new();
    for spelling in &likeness.names {
        if let Spelling::Whole(Part::Written(text)) = spelling {
            let cut = text.char_indices().nth(2).map_or(text.len(), |(at, _)| at);
            let given = Some(text[cut..].to_owned()).filter(|given| !given.is_empty());
            pairs.insert((Some(text[..cut].to_owned()), given));
        }
        for (family, given) in spelling.readings() {
            let text = |part: Option<&Part>| part.map(|part| part.text().to_owned());
            pairs.insert((text(family), text(given)));
        }
    }
    while pairs.len() > PAIRS {
        pairs.pop_last();
    }
    pairs
}
