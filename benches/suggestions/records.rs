//! What a department knows of a person: one record as it should be, and a second one with one or two changes.

use customer_profile::identity::suggest::Likeness;

use super::{
    names::{self, Name},
    people::{self, Home, Person},
    random::Random,
};

/// What is done to a second record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    NameSlip,
    Kana,
    Romaji,
    Width,
    Moved,
    PhoneSlip,
    NoBirthDate,
    BirthDateSlip,
    MaidenName,
}

pub(crate) const CHANGES: [Change; 9] = [
    Change::NameSlip,
    Change::Kana,
    Change::Romaji,
    Change::Width,
    Change::Moved,
    Change::PhoneSlip,
    Change::NoBirthDate,
    Change::BirthDateSlip,
    Change::MaidenName,
];

pub(crate) struct Record {
    pub(crate) person: usize,
    pub(crate) changes: Vec<Change>,
    pub(crate) facts: Facts,
}

/// What a record states: traits, and identifiers.
pub(crate) struct Facts {
    pub(crate) traits: Vec<(&'static str, String)>,
    pub(crate) identifiers: Vec<(&'static str, String)>,
}

impl Record {
    pub(crate) fn likeness(&self) -> Likeness {
        let Facts {
            traits,
            identifiers,
        } = &self.facts;
        Likeness::new(
            traits.iter().map(|(name, value)| (*name, value.as_str())),
            identifiers
                .iter()
                .map(|(name, value)| (*name, value.as_str())),
        )
    }
}

/// The fields of a record before they are written.
#[derive(Clone)]
struct Draft {
    family: Name,
    given: Name,
    /// Kanji, or else kana, or else Latin letters.
    written: Writing,
    reading: bool,
    birth: Option<(usize, usize, usize)>,
    home: Option<(Home, bool)>,
    phone: Option<String>,
    email: Option<String>,
    wide: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Writing {
    Native,
    Kana,
    Latin,
}

/// The records of all: everybody's first, and one in ten people's second.
pub(crate) fn records(random: &mut Random, people: &[Person]) -> Vec<Record> {
    let mut records = Vec::new();
    for (number, person) in people.iter().enumerate() {
        let first = draft(random, person);
        records.push(Record {
            person: number,
            changes: Vec::new(),
            facts: write(random, person, &first),
        });
        if !random.chance(10) {
            continue;
        }
        let mut second = again(random, person, &first);
        let wanted = 1 + random.below(2);
        let mut changes = Vec::new();
        while changes.len() < wanted {
            let change = *random.pick(&CHANGES[..8]);
            let change = if random.chance(3) {
                Change::MaidenName
            } else {
                change
            };
            if !changes.contains(&change) && apply(random, person, &first, &mut second, change) {
                changes.push(change);
            }
        }
        changes.sort();
        let facts = write(random, person, &second);
        records.push(Record {
            person: number,
            changes,
            facts,
        });
    }
    records
}

fn draft(random: &mut Random, person: &Person) -> Draft {
    Draft {
        family: person.family.clone(),
        given: person.given.clone(),
        written: Writing::Native,
        reading: person.japanese && random.chance(75),
        birth: random.chance(85).then_some(person.birth),
        home: random
            .chance(90)
            .then(|| (person.home.clone(), random.chance(80))),
        phone: random.chance(85).then(|| person.phone.clone()),
        email: random.chance(75).then(|| address(&person.email)),
        wide: false,
    }
}

fn address(email: &(String, &'static str)) -> String {
    format!("{}@{}", email.0, email.1)
}

/// The same person elsewhere: other identifiers, or none; most of what the first knows.
fn again(random: &mut Random, person: &Person, first: &Draft) -> Draft {
    let new_phone = people::phone(random, person.japanese);
    let email = match random.below(100) {
        0..25 => Some((
            person.email.0.clone(),
            *random.pick::<&str>(&people::DOMAINS),
        )),
        25..65 => {
            let (local, domain) = people::email(random, &person.family, &person.given);
            Some((format!("{local}{:03}", random.below(1_000)), domain))
        }
        _ => None,
    };
    let email = email.filter(|email| *email != person.email);
    Draft {
        reading: person.japanese && random.chance(75),
        birth: first
            .birth
            .or_else(|| random.chance(30).then_some(person.birth)),
        home: random
            .chance(90)
            .then(|| (person.home.clone(), random.chance(80))),
        phone: random.chance(60).then_some(new_phone),
        email: email.as_ref().map(address),
        ..first.clone()
    }
}

/// Whether the change could be made.
fn apply(
    random: &mut Random,
    person: &Person,
    first: &Draft,
    draft: &mut Draft,
    change: Change,
) -> bool {
    match change {
        Change::NameSlip => name_slip(random, person, draft),
        Change::Kana | Change::Romaji if !person.japanese || draft.written != Writing::Native => {
            return false;
        }
        Change::Kana => draft.written = Writing::Kana,
        Change::Romaji => draft.written = Writing::Latin,
        Change::Width => draft.wide = true,
        Change::Moved => draft.home = Some((people::home(random, person.japanese), true)),
        Change::PhoneSlip => {
            let Some(phone) = &first.phone else {
                return false;
            };
            draft.phone = Some(phone_slip(random, phone));
        }
        Change::NoBirthDate => {
            if draft.birth.take().is_none() {
                return false;
            }
        }
        Change::BirthDateSlip => {
            let Some((year, month, day)) = draft.birth else {
                return false;
            };
            draft.birth = Some(if day <= 12 && day != month {
                (year, day, month)
            } else {
                (year, month, if day > 20 { day - 10 } else { day + 10 })
            });
        }
        Change::MaidenName => draft.family = names::family(random, person.japanese),
    }
    true
}

/// A letter swapped, dropped or put in; of a Japanese name a kanji converted wrongly, or its reading.
fn name_slip(random: &mut Random, person: &Person, draft: &mut Draft) {
    let name = if random.chance(50) {
        &mut draft.family
    } else {
        &mut draft.given
    };
    if !person.japanese {
        name.latin = slip(random, &name.latin, "aeinorst");
        return;
    }
    if draft.reading && random.chance(60) {
        name.kana = slip(random, &name.kana, "アイコタナマリン");
    } else {
        let mut letters: Vec<char> = name.kanji.chars().collect();
        let at = random.below(letters.len());
        letters[at] = *random.pick(&['幸', '裕', '志', '史', '代', '田', '川', '島', '子', '健']);
        name.kanji = letters.into_iter().collect();
    }
    name.latin = slip(random, &name.latin, "aeinorst");
}

fn slip(random: &mut Random, text: &str, letters: &str) -> String {
    let mut all: Vec<char> = text.chars().collect();
    let letters: Vec<char> = letters.chars().collect();
    let at = random.below(all.len());
    match random.below(3) {
        0 if all.len() > 2 => {
            let at = at.min(all.len() - 2);
            all.swap(at, at + 1);
        }
        1 if all.len() > 2 => {
            all.remove(at);
        }
        _ => all.insert(at, *random.pick(&letters)),
    }
    all.into_iter().collect()
}

fn phone_slip(random: &mut Random, phone: &str) -> String {
    let mut digits: Vec<char> = phone.chars().collect();
    let at = digits.len() - 8 + random.below(7);
    if random.chance(50) && digits[at] != digits[at + 1] {
        digits.swap(at, at + 1);
    } else {
        let digit = digits[at].to_digit(10).unwrap();
        digits[at] = char::from_digit(
            (digit + 1 + u32::try_from(random.below(8)).unwrap()) % 10,
            10,
        )
        .unwrap();
    }
    digits.into_iter().collect()
}

fn write(random: &mut Random, person: &Person, draft: &Draft) -> Facts {
    let mut traits: Vec<(&'static str, String)> = Vec::new();
    write_names(random, person, draft, &mut traits);
    if let Some((year, month, day)) = draft.birth {
        traits.push(("birth_date", format!("{year}-{month:02}-{day:02}")));
    }
    if let Some((home, street)) = &draft.home {
        traits.push(("postal_code", home.postal.clone()));
        traits.push(("city", home.city.to_owned()));
        if *street {
            traits.push(("street", write_street(random, person.japanese, home)));
        }
    }
    if draft.wide {
        for (_, value) in &mut traits {
            *value = value.chars().map(wide).collect();
        }
    }
    let phone = draft.phone.iter().map(|value| ("phone", value.clone()));
    let email = draft.email.iter().map(|value| ("email", value.clone()));
    Facts {
        traits,
        identifiers: phone.chain(email).collect(),
    }
}

fn write_names(
    random: &mut Random,
    person: &Person,
    draft: &Draft,
    traits: &mut Vec<(&'static str, String)>,
) {
    let (family, given) = (&draft.family, &draft.given);
    let (family_text, given_text) = match (person.japanese, draft.written) {
        (true, Writing::Native) => (family.kanji.clone(), given.kanji.clone()),
        (true, Writing::Kana) if random.chance(30) => {
            (hiragana(&family.kana), hiragana(&given.kana))
        }
        (true, Writing::Kana) => (family.kana.clone(), given.kana.clone()),
        _ => (
            names::spelt(random, &family.latin),
            names::spelt(random, &given.latin),
        ),
    };
    let native = draft.written == Writing::Native;
    if random.chance(30) {
        traits.push(("family_name", family_text));
        traits.push(("given_name", given_text));
        if native && draft.reading {
            traits.push(("family_name_kana", family.kana.clone()));
            traits.push(("given_name_kana", given.kana.clone()));
        }
        return;
    }
    let family_first = person.japanese && (draft.written != Writing::Latin || random.chance(40));
    traits.push((
        "name",
        match (family_first, native && random.chance(15)) {
            (true, true) => format!("{family_text}{given_text}"),
            (true, false) => format!("{family_text} {given_text}"),
            (false, true) => format!("{family_text}, {given_text}").to_uppercase(),
            (false, false) => format!("{given_text} {family_text}"),
        },
    ));
    if native && draft.reading {
        traits.push(("name_kana", format!("{} {}", family.kana, given.kana)));
    }
}

fn write_street(random: &mut Random, japanese: bool, home: &Home) -> String {
    let [a, b, c] = home.numbers;
    let town = home.town;
    match (japanese, random.below(4)) {
        (true, 0) => format!("{town}{a}丁目{b}番{c}号"),
        (true, 1) => format!("{town}{a}-{b}-{c} コーポ{town}{}", 100 + c),
        (true, _) => format!("{town}{a}-{b}-{c}"),
        (false, 0) => format!("{a}{b} {}", town.to_uppercase()),
        (false, 1) => format!(
            "{a}{b} {}",
            town.replace("Street", "St.").replace("Road", "Rd")
        ),
        (false, _) => format!("{a}{b} {town}"),
    }
}

fn hiragana(kana: &str) -> String {
    let down = |c: char| match c {
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap(),
        c => c,
    };
    kana.chars().map(down).collect()
}

/// Full-width letters and digits, and other shapes of some kanji.
fn wide(c: char) -> char {
    match c {
        ' ' => '　',
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
        '高' => '髙',
        '崎' => '﨑',
        '沢' => '澤',
        '浜' => '濱',
        '辺' => '邊',
        '広' => '廣',
        c => c,
    }
}
