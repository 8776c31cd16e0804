//! Identifiers: which ones a person has, and how people and systems write them.
//!
//! They are unique by construction: each is made of a number that is given out once. A phone number ends in a check digit,
//! so that a slip of the pen gives nobody else's number, and the digits of an e-mail address belong to one person alone.

use super::{
    catalogue::{Locale, Name},
    random::{Random, scrambled, unique},
};

/// Kinds of numbers that are given out.
const CUSTOMER: u64 = 1;
const LOYALTY: u64 = 2;
const EMAIL: u64 = 3;
const PHONE: u64 = 4;
const SOCIAL: u64 = 5;
const COOKIE: u64 = 6;
const DEVICE: u64 = 7;
const TABLET: u64 = 8;

/// Values that stand for nobody, which forms and hurried people fill in. The service blocks them or cannot use them.
pub(super) const NOBODY: [(&str, &str); 8] = [
    ("email", "test@test.com"),
    ("email", "noreply@example.com"),
    ("email", "なし"),
    ("phone", "000-0000-0000"),
    ("phone", "0"),
    ("phone", "不明"),
    ("customer_id", "null"),
    ("customer_id", "guest"),
];

/// A value of the same kind that is not blocked: it joins whoever gave it.
pub(super) const ANYBODY: (&str, &str) = ("email", "test@example.com");

/// A number of the customer register. A person may have two.
pub(super) fn customer_id(seed: u64, person: u64, slot: u64) -> String {
    format!(
        "C{:08}",
        scrambled(seed, CUSTOMER, person * 2 + slot, 100_000_000)
    )
}

/// A store card.
pub(super) fn loyalty_id(seed: u64, person: u64) -> String {
    let number = format!("29{:09}", scrambled(seed, LOYALTY, person, 1_000_000_000));
    let check = luhn(&number);
    format!("{number}{check}")
}

pub(super) fn cookie(seed: u64, person: u64, slot: u64) -> String {
    format!("{:016x}", unique(seed, COOKIE, person * 8 + slot))
}

pub(super) fn device(seed: u64, person: u64, slot: u64) -> String {
    device_of(unique(seed, DEVICE, person * 8 + slot))
}

/// The tablet of a household.
pub(super) fn tablet(seed: u64, household: u64) -> String {
    device_of(unique(seed, TABLET, household))
}

fn device_of(number: u64) -> String {
    let hex = format!("{number:016X}");
    format!("{}-{}-{}", &hex[..4], &hex[4..8], &hex[8..])
}

pub(super) fn handle(seed: u64, person: u64, given: &Name) -> String {
    let mut left = scrambled(seed, SOCIAL, person, 36_u64.pow(5));
    let mut suffix = String::new();
    for _ in 0..5 {
        let digit = u32::try_from(left % 36).unwrap_or_default();
        suffix.push(char::from_digit(digit, 36).unwrap_or('0'));
        left /= 36;
    }
    format!("{}_{suffix}", given.latin)
}

const HOSTS: [&str; 10] = [
    "mail", "post", "home", "mobile", "net", "my", "inbox", "web", "cloud", "office",
];
const JAPANESE_ROOTS: [&str; 5] = [
    "example.com",
    "example.jp",
    "example.co.jp",
    "example.ne.jp",
    "example.net",
];
const ENGLISH_ROOTS: [&str; 5] = [
    "example.com",
    "example.org",
    "example.net",
    "us.example.com",
    "uk.example.org",
];
const ADDRESSES: u64 = 3_000_000;

/// An address of a person, who may have three.
pub(super) fn email(
    seed: u64,
    person: u64,
    slot: u64,
    locale: Locale,
    (family, given): (&Name, &Name),
) -> String {
    let number = scrambled(seed, EMAIL, person * 3 + slot, ADDRESSES);
    let (digits, rest) = (number % 10_000, number / 10_000);
    let at = |n: u64| usize::try_from(n).unwrap_or_default();
    let sign = ['.', '_', '-'][at(rest % 3)];
    let (first, last) = if rest / 3 % 2 == 0 {
        (given.latin, family.latin)
    } else {
        (family.latin, given.latin)
    };
    let host = HOSTS[at(rest / 6 % 10)];
    let root = match locale {
        Locale::Japan => JAPANESE_ROOTS[at(rest / 60)],
        Locale::States | Locale::Britain => ENGLISH_ROOTS[at(rest / 60)],
    };
    format!("{first}{sign}{last}{digits:04}@{host}.{root}")
}

/// An address with two letters of the first name swapped, if that makes another one.
pub(super) fn slip_of_email(random: &mut Random, email: &str) -> Option<String> {
    let letters: Vec<char> = email.chars().collect();
    let name = letters
        .iter()
        .take_while(|c| c.is_ascii_lowercase())
        .count();
    let last = u64::try_from(name.checked_sub(1)?).ok()?;
    let at = usize::try_from(random.below(last)).ok()?;
    let mut slipped = letters;
    slipped.swap(at, at + 1);
    let slipped: String = slipped.into_iter().collect();
    (slipped != email).then_some(slipped)
}

/// How an address comes in.
pub(super) fn written_email(random: &mut Random, email: &str) -> String {
    match random.below(40) {
        0 => email.to_uppercase(),
        1 => format!(" {email}"),
        2 => {
            let mut letters = email.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
        _ => email.to_owned(),
    }
}

/// A phone number: the country's prefix and the national digits without a leading zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Phone {
    locale: Locale,
    digits: String,
}

const AREAS: [&str; 32] = [
    "206", "503", "415", "312", "617", "212", "512", "303", "404", "213", "305", "214", "713",
    "602", "702", "801", "612", "414", "216", "313", "412", "215", "202", "704", "615", "504",
    "816", "314", "505", "808", "907", "203",
];
const MOBILES: [&str; 20] = [
    "740", "741", "742", "743", "753", "754", "755", "757", "758", "771", "772", "773", "774",
    "775", "784", "785", "786", "787", "794", "795",
];

impl Phone {
    /// A number of a person, who may have two.
    pub(super) fn of(seed: u64, person: u64, slot: u64, locale: Locale) -> Self {
        let n = person * 2 + slot;
        let at = |n: u64| usize::try_from(n).unwrap_or_default();
        let body = match locale {
            Locale::Japan => {
                let number = scrambled(seed, PHONE, n, 27_000_000);
                let prefix = ["70", "80", "90"][at(number / 9_000_000)];
                format!("{prefix}{}", 1_000_000 + number % 9_000_000)
            }
            Locale::States => {
                let number = scrambled(seed, PHONE, n, 25_600_000);
                let (area, rest) = (number / 800_000, number % 800_000);
                format!("{}{}", AREAS[at(area)], 200_000 + rest)
            }
            Locale::Britain => {
                let number = scrambled(seed, PHONE, n, 20_000_000);
                let (prefix, rest) = (number / 1_000_000, number % 1_000_000);
                format!("{}{rest:06}", MOBILES[at(prefix)])
            }
        };
        let check = luhn(&body);
        Self {
            locale,
            digits: format!("{body}{check}"),
        }
    }

    /// The number with one of its last digits mistyped.
    pub(super) fn slipped(&self, random: &mut Random) -> Self {
        let mut digits: Vec<char> = self.digits.chars().collect();
        let back = usize::try_from(random.below(4)).unwrap_or_default();
        let at = digits.len() - 1 - back;
        let old = digits[at].to_digit(10).unwrap_or_default();
        let new = (old + u32::try_from(1 + random.below(9)).unwrap_or(1)) % 10;
        digits[at] = char::from_digit(new, 10).unwrap_or('0');
        Self {
            locale: self.locale,
            digits: digits.into_iter().collect(),
        }
    }

    /// As E.164.
    pub(super) fn e164(&self) -> String {
        let country = match self.locale {
            Locale::Japan => "81",
            Locale::States => "1",
            Locale::Britain => "44",
        };
        format!("+{country}{}", self.digits)
    }

    /// As one of many writes it. Only Japanese numbers are written without their country: the shop is at home there.
    pub(super) fn written(&self, random: &mut Random) -> String {
        let d = &self.digits;
        match (self.locale, random.below(12)) {
            (Locale::Japan, 0..=5) => format!("0{}-{}-{}", &d[..2], &d[2..6], &d[6..]),
            (Locale::Japan, 6 | 7) => format!("0{d}"),
            (Locale::Japan, 8) => full_width(&format!("0{}ー{}ー{}", &d[..2], &d[2..6], &d[6..])),
            (Locale::Japan, 9) => format!("+81 {}-{}-{}", &d[..2], &d[2..6], &d[6..]),
            (Locale::Japan, 10) => format!("(0{}){}-{}", &d[..2], &d[2..6], &d[6..]),
            (Locale::States, 0..=4) => format!("+1 ({}) {}-{}", &d[..3], &d[3..6], &d[6..]),
            (Locale::States, 5 | 6) => format!("+1-{}-{}-{}", &d[..3], &d[3..6], &d[6..]),
            (Locale::Britain, 0..=4) => format!("+44 {} {}", &d[..4], &d[4..]),
            (Locale::Britain, 5) => format!("tel:+44-{}-{}", &d[..4], &d[4..]),
            _ => self.e164(),
        }
    }
}

fn full_width(text: &str) -> String {
    text.chars()
        .map(|c| match c.to_digit(10) {
            Some(digit) => char::from_u32(0xff10 + digit).unwrap_or(c),
            None => c,
        })
        .collect()
}

/// The check digit that finds every single wrong digit.
fn luhn(digits: &str) -> u32 {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, doubled @ 10..) => doubled - 9,
            (0, doubled) => doubled,
            _ => digit,
        })
        .sum();
    (10 - sum % 10) % 10
}
