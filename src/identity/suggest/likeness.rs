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

    /// Whether traits of this name are looked at.
    #[must_use]
    pub fn reads_trait(name: &str) -> bool {
        says(name).is_some()
    }

    /// Whether identifiers of this namespace are looked at.
    #[must_use]
    pub fn reads_namespace(namespace: &str) -> bool {
        matches!(namespace, "phone" | "email")
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

/// What a trait says of a likeness.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    FullName,
    FamilyName,
    GivenName,
    FormerName,
    Birth,
    PostalCode,
    City,
    Region,
    Street,
}

/// What a trait of this name says, and in which spelling.
fn says(name: &str) -> Option<(Says, &'static str)> {
    let name = name.trim().to_lowercase().replace(['-', ' '], "_");
    let (stem, ending) = without_ending(&name);
    let says = match stem {
        "name" | "full_name" | "customer_name" | "contact_name" | "display_name" => Says::FullName,
        "family_name" | "last_name" | "surname" => Says::FamilyName,
        "given_name" | "first_name" | "forename" => Says::GivenName,
        "maiden_name" | "former_name" | "birth_name" => Says::FormerName,
        "birth_date" | "birthdate" | "date_of_birth" | "dob" | "birthday" => Says::Birth,
        "postal_code" | "postcode" | "zip" | "zip_code" => Says::PostalCode,
        "city" | "town" | "ward" | "municipality" => Says::City,
        "prefecture" | "state" | "region" | "province" | "county" => Says::Region,
        "address" | "street" | "street_address" | "address_line" | "address_line1"
        | "address_line_1" | "address1" => Says::Street,
        _ => return None,
    };
    Some((says, ending))
}

impl<'a> Gathered<'a> {
    fn take(&mut self, name: &str, value: &'a str) {
        let Some((says, ending)) = says(name) else {
            return;
        };
        let likeness = &mut self.likeness;
        let address = &mut likeness.address;
        match says {
            Says::FullName => likeness.names.extend(Spelling::full(value)),
            Says::FamilyName => {
                self.parts.entry(ending).or_default().0.insert(value);
            }
            Says::GivenName => {
                self.parts.entry(ending).or_default().1.insert(value);
            }
            Says::FormerName => likeness.former.extend(Spelling::parts(Some(value), None)),
            Says::Birth => likeness.births.extend(Birth::read(value)),
            Says::PostalCode => address.postal.extend(Address::postal_code(value)),
            Says::City => address.city.extend(Address::city_name(value)),
            Says::Region => self.regions.extend(Address::city_name(value)),
            Says::Street => address.street.extend(Address::street_line(value)),
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
