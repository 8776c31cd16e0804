//! What is compared of a profile, in the form in which it is compared.
//!
//! What must stay true: two profiles with the same values have the same likeness, in whatever order the values came; and
//! its size is bounded, whatever a profile holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::{address::Address, birth::Birth, email::Email, name::Spelling};

/// Spellings of a name that are kept. The first in order are, so that it is always the same ones.
pub(super) const SPELLINGS: usize = 6;
/// Values of every other field that are kept, in the same way.
pub(super) const VALUES: usize = 3;

/// What is compared of a profile. Empty fields agree with nothing and contradict nothing.
///
/// Holds personal data: its `Debug` output is a count of values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Likeness {
    pub(super) names: BTreeSet<Spelling>,
    /// Family names before a marriage.
    pub(super) former: BTreeSet<Spelling>,
    pub(super) births: BTreeSet<Birth>,
    pub(super) address: Address,
    /// E.164.
    pub(super) phones: BTreeSet<String>,
    pub(super) emails: BTreeSet<Email>,
}

impl fmt::Debug for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Likeness")
            .field("names", &self.names.len())
            .field("births", &self.births.len())
            .field("phones", &self.phones.len())
            .field("emails", &self.emails.len())
            .finish_non_exhaustive()
    }
}

impl Likeness {
    /// Of the traits of a profile, as (name, value), and its identifiers, as (namespace, normalised value). Names of traits
    /// are compared without case, and `-` or a space is as good as `_`; others than these, and other namespaces, are
    /// passed over:
    ///
    /// | for | traits |
    /// |---|---|
    /// | full names | `name`, `full_name`, `customer_name`, `contact_name`, `display_name` |
    /// | family names | `family_name`, `last_name`, `surname`; earlier ones `maiden_name`, `former_name`, `birth_name` |
    /// | given names | `given_name`, `first_name`, `forename` |
    /// | birth date | `birth_date`, `birthdate`, `date_of_birth`, `dob`, `birthday` |
    /// | address | `postal_code`, `postcode`, `zip`, `zip_code`; `city`, `town`, `ward`, `municipality`; `prefecture`, `state`, `region`, `province`, `county`; `address`, `street`, `street_address`, `address_line`, `address_line1`, `address_line_1`, `address1` |
    ///
    /// Names may end in `_kana`, `_furigana`, `_hiragana`, `_katakana`, `_romaji`, `_latin`, `_roman` or `_en`: parts with
    /// one ending belong together. Identifiers are `phone` (E.164) and `email`.
    pub fn new<'a>(
        traits: impl IntoIterator<Item = (&'a str, &'a str)>,
        identifiers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut gathered = Gathered::default();
        for (name, value) in traits {
            gathered.take(name, value);
        }
        let mut likeness = gathered.finish();
        for (namespace, value) in identifiers {
            match namespace {
                "phone" => {
                    likeness.phones.insert(value.to_owned());
                }
                "email" => likeness.emails.extend(Email::read(value)),
                _ => {}
            }
        }
        keep(&mut likeness.phones, VALUES);
        keep(&mut likeness.emails, VALUES);
        likeness
    }

    /// Whether there is nothing to compare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Parts of names by their ending.
type Parts<'a> = BTreeMap<&'static str, (BTreeSet<&'a str>, BTreeSet<&'a str>)>;

#[derive(Default)]
struct Gathered<'a> {
    likeness: Likeness,
    parts: Parts<'a>,
    regions: BTreeSet<String>,
}

impl<'a> Gathered<'a> {
    fn take(&mut self, name: &str, value: &'a str) {
        let name = name.trim().to_lowercase().replace(['-', ' '], "_");
        let (stem, ending) = without_ending(&name);
        let address = &mut self.likeness.address;
        match stem {
            "name" | "full_name" | "customer_name" | "contact_name" | "display_name" => {
                self.likeness.names.extend(Spelling::full(value));
            }
            "family_name" | "last_name" | "surname" => {
                self.parts.entry(ending).or_default().0.insert(value);
            }
            "given_name" | "first_name" | "forename" => {
                self.parts.entry(ending).or_default().1.insert(value);
            }
            "maiden_name" | "former_name" | "birth_name" => {
                self.likeness
                    .former
                    .extend(Spelling::parts(Some(value), None));
            }
            "birth_date" | "birthdate" | "date_of_birth" | "dob" | "birthday" => {
                self.likeness.births.extend(Birth::read(value));
            }
            "postal_code" | "postcode" | "zip" | "zip_code" => {
                address.postal.extend(Address::postal_code(value));
            }
            "city" | "town" | "ward" | "municipality" => {
                address.city.extend(Address::city_name(value));
            }
            "prefecture" | "state" | "region" | "province" | "county" => {
                self.regions.extend(Address::city_name(value));
            }
            "address" | "street" | "street_address" | "address_line" | "address_line1"
            | "address_line_1" | "address1" => {
                address.street.extend(Address::street_line(value));
            }
            _ => {}
        }
    }

    fn finish(mut self) -> Likeness {
        for (families, givens) in self.parts.values() {
            let options = |texts: &BTreeSet<&'a str>| -> Vec<Option<&'a str>> {
                if texts.is_empty() {
                    return vec![None];
                }
                texts.iter().take(VALUES).map(|text| Some(*text)).collect()
            };
            for family in options(families) {
                for given in options(givens) {
                    self.likeness.names.extend(Spelling::parts(family, given));
                }
            }
        }
        let likeness = &mut self.likeness;
        likeness.address.strip(&self.regions);
        keep(&mut likeness.names, SPELLINGS);
        keep(&mut likeness.former, VALUES);
        keep(&mut likeness.births, VALUES);
        keep(&mut likeness.address.postal, VALUES);
        keep(&mut likeness.address.city, VALUES);
        keep(&mut likeness.address.street, VALUES);
        self.likeness
    }
}

fn without_ending(name: &str) -> (&str, &'static str) {
    const ENDINGS: [(&str, &str); 8] = [
        ("_kana", "kana"),
        ("_furigana", "kana"),
        ("_hiragana", "kana"),
        ("_katakana", "kana"),
        ("_romaji", "latin"),
        ("_latin", "latin"),
        ("_roman", "latin"),
        ("_en", "latin"),
    ];
    ENDINGS
        .iter()
        .find_map(|(ending, kind)| name.strip_suffix(ending).map(|stem| (stem, *kind)))
        .unwrap_or((name, ""))
}

fn keep<T: Ord>(values: &mut BTreeSet<T>, most: usize) {
    while values.len() > most {
        values.pop_last();
    }
}
