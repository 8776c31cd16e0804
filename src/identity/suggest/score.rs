//! How likely two likenesses are one person, and why.
//!
//! What must stay true: `compare(a, b) == compare(b, a)`; the same two give the same score on every machine (probabilities
//! are multiplied and divided in a fixed order, which floating point defines exactly); and reasons hold no value of either
//! profile.

use super::{
    email::Email,
    level::{Field, Level},
    likeness::Likeness,
    name::{self, Part, Spelling},
    weights::{self, Odds, PRIOR},
};

/// The probability, in thousandths, from which on a pair is proposed. Chosen on a generated development set (the
/// benchmark `suggestions` with seed 1): of what 500 adds to it nearly every other pair is wrong, and of what 900 takes
/// away nine pairs in ten are right, mostly those whose names are in kanji here and in Latin letters there.
pub const DEFAULT_THRESHOLD: u16 = 850;

/// How alike two profiles are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Score {
    /// That they are one person: thousandths, 0 to 1,000, rounded down.
    pub probability: u16,
    /// What was compared, in the order of [`Field`]. Fields that one of them lacks, or that cannot be compared, are not
    /// there.
    pub reasons: Vec<Reason>,
}

/// One field that was compared. It holds no value: whoever shows it reads the profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What was compared.
    pub field: Field,
    /// How far it agrees.
    pub level: Level,
    /// What that says for one person rather than two strangers: thousandths of a bit, negative against. It is
    /// `log2(m / u)` of Fellegi and Sunter. At most 20,000 either way.
    pub weight: i32,
    /// What it says for one person rather than two of one household, likewise.
    pub against_household: i32,
}

/// How likely the two are one person.
#[must_use]
pub fn compare(a: &Likeness, b: &Likeness) -> Score {
    let levels = levels(a, b);
    let mut odds = PRIOR;
    for (field, level) in &levels {
        let of = weights::of(*field, *level);
        odds = Odds {
            same: odds.same * of.same,
            household: odds.household * of.household,
            stranger: odds.stranger * of.stranger,
        };
    }
    let share = odds.same / (odds.same + odds.household + odds.stranger);
    Score {
        probability: u16::try_from(thousandths(share)).unwrap_or(0),
        reasons: levels
            .into_iter()
            .map(|(field, level)| reason(field, level))
            .collect(),
    }
}

fn levels(a: &Likeness, b: &Likeness) -> Vec<(Field, Level)> {
    let (family, given) = names(a, b);
    let birth = best(&a.births, &b.births, |x, y| Some(x.compare(*y)));
    let phone = best(&a.phones, &b.phones, |x, y| Some(phones(x, y)));
    let sounds: Vec<&str> = sounds(a).chain(sounds(b)).collect();
    let email = best(&a.emails, &b.emails, |x: &Email, y| x.compare(y, &sounds));
    [
        (Field::FamilyName, family),
        (Field::GivenName, given),
        (Field::BirthDate, birth),
        (Field::Address, a.address.compare(&b.address)),
        (Field::Phone, phone),
        (Field::Email, email),
    ]
    .into_iter()
    .filter_map(|(field, level)| Some((field, level?)))
    .collect()
}

fn best<'a, T: 'a>(
    ours: impl IntoIterator<Item = &'a T>,
    theirs: impl IntoIterator<Item = &'a T> + Copy,
    compare: impl Fn(&T, &T) -> Option<Level>,
) -> Option<Level> {
    ours.into_iter()
        .filter_map(|x| theirs.into_iter().filter_map(|y| compare(x, y)).max())
        .max()
}

fn names(a: &Likeness, b: &Likeness) -> (Option<Level>, Option<Level>) {
    let ours: Vec<&Spelling> = a.names.iter().chain(&a.former).collect();
    let theirs: Vec<&Spelling> = b.names.iter().chain(&b.former).collect();
    let (family, given) = name::compare(ours.iter().copied(), &theirs);
    let frequent = family == Some(Level::Exact)
        && families(&ours).any(weights::is_common)
        && families(&theirs).any(weights::is_common);
    (
        if frequent {
            Some(Level::ExactCommon)
        } else {
            family
        },
        given,
    )
}

fn families<'a>(spellings: &'a [&Spelling]) -> impl Iterator<Item = &'a str> {
    let readings = spellings.iter().flat_map(|spelling| spelling.readings());
    readings.filter_map(|(family, _)| family.map(Part::text))
}

fn sounds(likeness: &Likeness) -> impl Iterator<Item = &str> {
    likeness
        .names
        .iter()
        .flat_map(Spelling::readings)
        .flat_map(|(family, given)| [family, given])
        .flatten()
        .filter_map(|part| match part {
            Part::Heard(sound) => Some(sound.as_str()),
            Part::Written(_) => None,
        })
}

/// Numbers in E.164: one digit wrong, missing or too many, or two neighbours swapped, is a slip.
fn phones(a: &str, b: &str) -> Level {
    if a == b {
        Level::Exact
    } else if a.len().min(b.len()) >= 9 && strsim::osa_distance(a, b) == 1 {
        Level::Typo
    } else {
        Level::Different
    }
}

fn reason(field: Field, level: Level) -> Reason {
    let of = weights::of(field, level);
    let bits = |against: f64| i32::try_from(thousandths((of.same / against).log2())).unwrap_or(0);
    Reason {
        field,
        level,
        weight: bits(of.stranger),
        against_household: bits(of.household),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "probabilities are at most 1 and bits at most 20"
)]
fn thousandths(value: f64) -> i64 {
    (value * 1_000.0).floor() as i64
}
