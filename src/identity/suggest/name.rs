//! Names: how they come apart, and how near two of them are.
//!
//! What must stay true: nearness is symmetric. Kanji are compared with kanji and sounds with sounds; a name in kanji says
//! nothing about a name in Latin letters unless one of the two people also gave a reading.

use super::{
    fold::{fold, is_han, is_kana},
    level::Level,
    sound::sound,
};

/// Words around a name that are no part of it, folded.
const TITLES: [&str; 15] = [
    "mr", "mrs", "ms", "miss", "dr", "prof", "jr", "sr", "ii", "iii", "様", "殿", "氏", "サマ",
    "サン",
];

/// A family name or a given name in one writing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// With kanji in it, folded, without spaces.
    Written(String),
    /// As it sounds.
    Heard(String),
}

impl Part {
    fn of(folded: &str) -> Option<Self> {
        if folded.chars().any(is_han) {
            let text = folded.chars().filter(|c| c.is_alphanumeric()).collect();
            return Some(Self::Written(text));
        }
        sound(folded).map(Self::Heard)
    }

    /// A text by which equal parts are found.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Written(text) | Self::Heard(text) => text,
        }
    }

    fn compare(&self, other: &Self) -> Option<Nearness> {
        match (self, other) {
            (Self::Written(a), Self::Written(b)) => Some(Nearness::written(written(a, b))),
            (Self::Heard(a), Self::Heard(b)) => Some(Nearness::heard(heard(a, b))),
            _ => None,
        }
    }
}

/// One name as it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spelling {
    /// Both parts, or one, of which it is known which is which.
    Parts {
        family: Option<Part>,
        given: Option<Part>,
        /// The two may be the other way round.
        turnable: bool,
    },
    /// In one piece, as `高橋隆`; perhaps the family name alone.
    Whole(Part),
}

impl Spelling {
    /// A full name. Kanji and kana begin with the family name. Other letters end with it, or may: both ways are tried,
    /// unless a comma says that the family name comes first. Names in the middle are left out.
    pub(super) fn full(text: &str) -> Option<Self> {
        let folded = fold(text).replace(['・', '.', '='], " ");
        let comma = folded.contains([',', '、']);
        let words: Vec<&str> = folded
            .split([' ', ',', '、'])
            .map(|word| word.trim_end_matches(['様', '殿']))
            .filter(|word| word.chars().any(char::is_alphanumeric) && !TITLES.contains(word))
            .collect();
        let (first, last) = match words.as_slice() {
            [] => return None,
            [one] => return Part::of(one).map(Self::Whole),
            [first, .., last] => (*first, *last),
        };
        let japanese = folded.chars().any(|c| is_han(c) || is_kana(c));
        let (family, given) = if japanese {
            (Part::of(first), Part::of(&words[1..].concat()))
        } else if comma {
            (Part::of(first), Part::of(words[1]))
        } else {
            (Part::of(last), Part::of(first))
        };
        Some(Self::Parts {
            family,
            given,
            turnable: !japanese && !comma,
        })
    }

    /// A name that came in parts.
    pub(super) fn parts(family: Option<&str>, given: Option<&str>) -> Option<Self> {
        let part = |text: Option<&str>| text.map(fold).and_then(|folded| Part::of(&folded));
        let (family, given) = (part(family), part(given));
        (family.is_some() || given.is_some()).then_some(Self::Parts {
            family,
            given,
            turnable: false,
        })
    }

    /// The ways in which it can be read, as (family, given), the likelier first.
    pub(super) fn readings(&self) -> Vec<(Option<&Part>, Option<&Part>)> {
        match self {
            Self::Parts {
                family,
                given,
                turnable,
            } => {
                let straight = (family.as_ref(), given.as_ref());
                let turned = (given.as_ref(), family.as_ref());
                [straight]
                    .into_iter()
                    .chain(turnable.then_some(turned))
                    .collect()
            }
            Self::Whole(_) => Vec::new(),
        }
    }

    fn compare(&self, other: &Self) -> (Nearness, Nearness) {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => whole(a, b),
            (Self::Whole(whole), split) | (split, Self::Whole(whole)) => piece(whole, split),
            (a, b) => {
                let (a, b) = (a.readings(), b.readings());
                let ways = [(0, 0), (1, 0), (0, 1)];
                ways.iter()
                    .filter_map(|(i, j)| Some((a.get(*i)?, b.get(*j)?)))
                    .map(|(a, b)| (near(a.0, b.0), near(a.1, b.1)))
                    .max_by_key(|(family, given)| (family.points() + given.points(), *given))
                    .unwrap_or_default()
            }
        }
    }
}

fn near(a: Option<&Part>, b: Option<&Part>) -> Nearness {
    a.zip(b).and_then(|(a, b)| a.compare(b)).unwrap_or_default()
}

/// Two names in one piece each: the same, or nothing that can be said of their parts but that they differ.
fn whole(a: &Part, b: &Part) -> (Nearness, Nearness) {
    match a.compare(b) {
        Some(all) if all.written == Some(Level::Exact) || all.heard == Some(Level::Exact) => {
            (all, all)
        }
        Some(all) => {
            let shared = a
                .text()
                .chars()
                .zip(b.text().chars())
                .take_while(|(a, b)| a == b)
                .count();
            let family = if matches!(a, Part::Written(_)) && shared >= 2 {
                Nearness::written(Level::Exact)
            } else {
                all
            };
            (family, all)
        }
        None => Default::default(),
    }
}

/// A name in one piece beside one in parts: the parts are looked for at its ends.
fn piece(whole: &Part, split: &Spelling) -> (Nearness, Nearness) {
    let same_kind = |part: &Part| part.compare(whole).is_some();
    let rest = |text: &str| match whole {
        Part::Written(_) => Part::Written(text.to_owned()),
        Part::Heard(_) => Part::Heard(text.to_owned()),
    };
    let mut best = (Nearness::default(), Nearness::default());
    for (family, given) in split.readings() {
        let family = family.filter(|part| same_kind(part));
        let given = given.filter(|part| same_kind(part));
        let text = whole.text();
        let found = match (family, given) {
            (Some(f), _) if f == whole => (near(Some(f), Some(whole)), Nearness::default()),
            (_, Some(g)) if g == whole => (Nearness::default(), near(Some(g), Some(whole))),
            (Some(f), g) if text.starts_with(f.text()) => (
                near(Some(f), Some(f)),
                near(g, Some(&rest(&text[f.text().len()..]))),
            ),
            (f, Some(g)) if text.ends_with(g.text()) => {
                let before = rest(&text[..text.len() - g.text().len()]);
                (near(f, Some(&before)), near(Some(g), Some(g)))
            }
            (f, g) => (near(f, Some(whole)), near(g, Some(whole))),
        };
        let points =
            |(family, given): &(Nearness, Nearness)| (family.points() + given.points(), *given);
        if points(&found) > points(&best) || best == Default::default() {
            best = found;
        }
    }
    best
}

/// How near two parts are as they are written in kanji, and as they sound; nothing where there is nothing to compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Nearness {
    written: Option<Level>,
    heard: Option<Level>,
}

impl Nearness {
    fn written(level: Level) -> Self {
        Self {
            written: Some(level),
            heard: None,
        }
    }

    fn heard(level: Level) -> Self {
        Self {
            written: None,
            heard: Some(level),
        }
    }

    fn points(self) -> u8 {
        self.level().map_or(0, |level| match level {
            Level::Different => 0,
            Level::Near => 1,
            Level::Typo => 3,
            _ => 5,
        })
    }

    fn or(self, other: Self) -> Self {
        Self {
            written: self.written.max(other.written),
            heard: self.heard.max(other.heard),
        }
    }

    /// Both together. Names that sound alike and are written otherwise (隆 and 孝) are close, not the same; so are names
    /// written alike with other readings.
    fn level(self) -> Option<Level> {
        match (self.written, self.heard) {
            (None, only) | (only, None) => only,
            (Some(Level::Exact), Some(Level::Different)) => Some(Level::Close),
            (Some(Level::Exact), Some(_)) => Some(Level::Exact),
            (Some(_), Some(Level::Exact)) => Some(Level::Close),
            (Some(written), Some(heard)) => Some(written.min(heard)),
        }
    }
}

/// How near the names of two people are: the family names, and the given names, each by the spellings that agree best.
pub(super) fn compare<'a>(
    ours: impl IntoIterator<Item = &'a Spelling>,
    theirs: &[&Spelling],
) -> (Option<Level>, Option<Level>) {
    let mut best = (Nearness::default(), Nearness::default());
    for a in ours {
        for b in theirs {
            let (family, given) = a.compare(b);
            best = (best.0.or(family), best.1.or(given));
        }
    }
    (best.0.level(), best.1.level())
}

/// Kanji: one that differs makes another name of a short one, so that only in longer names it is a slip.
fn written(a: &str, b: &str) -> Level {
    if a == b {
        return Level::Exact;
    }
    let (long, short) = lengths(a, b);
    let apart = strsim::osa_distance(a, b);
    if apart == 1 && (short >= 3 || (long == short && sorted(a) == sorted(b))) {
        Level::Typo
    } else if apart == 1 && long == 2 && short == 2 {
        Level::Near
    } else {
        Level::Different
    }
}

/// Sounds: how many slips make another name depends on the length.
fn heard(a: &str, b: &str) -> Level {
    if a == b {
        return Level::Exact;
    }
    let (long, short) = lengths(a, b);
    let one_begins_the_other = a.starts_with(b) || b.starts_with(a);
    let initial =
        |a: &str, b: &str| matches!((a, b.get(..2)), ("c", Some("ty")) | ("f", Some("hu")));
    if (short == 1 && one_begins_the_other) || initial(a, b) || initial(b, a) {
        return Level::Close;
    }
    let apart = strsim::osa_distance(a, b);
    match (apart, short) {
        (1, 5..) | (2, 8..) => Level::Typo,
        (1, 3..) | (2, 7..) => Level::Near,
        _ if short >= 3 && one_begins_the_other && long <= short + 5 => Level::Near,
        _ => Level::Different,
    }
}

fn lengths(a: &str, b: &str) -> (usize, usize) {
    let (a, b) = (a.chars().count(), b.chars().count());
    (a.max(b), a.min(b))
}

fn sorted(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort_unstable();
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full(a: &[&str], b: &[&str]) -> (Option<Level>, Option<Level>) {
        let read = |names: &[&str]| -> Vec<Spelling> {
            names.iter().filter_map(|n| Spelling::full(n)).collect()
        };
        let (a, b) = (read(a), read(b));
        let (x, y): (Vec<&Spelling>, Vec<&Spelling>) = (a.iter().collect(), b.iter().collect());
        let forth = compare(x.iter().copied(), &y);
        assert_eq!(forth, compare(y.iter().copied(), &x));
        forth
    }

    const EXACT: (Option<Level>, Option<Level>) = (Some(Level::Exact), Some(Level::Exact));

    #[test]
    fn order_width_and_script_do_not_matter() {
        assert_eq!(
            full(&["高橋 隆", "タカハシ タカシ"], &["Takashi Takahashi"]),
            EXACT
        );
        assert_eq!(
            full(&["高橋 隆", "タカハシ タカシ"], &["TAKAHASHI Takashi"]),
            EXACT
        );
        assert_eq!(full(&["髙橋　隆様"], &["高橋隆"]), EXACT);
        assert_eq!(full(&["Mr. John Smith"], &["Smith, John"]), EXACT);
        assert_eq!(full(&["たかはしたかし"], &["タカハシ タカシ"]), EXACT);
        assert_eq!(full(&["高橋 隆"], &["Takashi Takahashi"]), (None, None));
    }

    #[test]
    fn names_that_sound_alike_are_close() {
        let close = (Some(Level::Exact), Some(Level::Close));
        let ours = ["高橋 隆", "タカハシ タカシ"];
        assert_eq!(full(&ours, &["高橋 孝", "たかはし たかし"]), close);
        assert_eq!(full(&["J. Smith"], &["John Smith"]), close);
    }

    #[test]
    fn brothers_and_sisters_have_other_given_names() {
        let other = (Some(Level::Exact), Some(Level::Different));
        assert_eq!(full(&["John Smith"], &["Emma Smith"]), other);
        assert_eq!(full(&["高橋 隆"], &["高橋 花子"]), other);
        assert_eq!(full(&["高橋隆"], &["高橋花子"]), other);
        assert_eq!(full(&["高橋隆"], &["高橋 花子"]), other);
    }

    #[test]
    fn slips_are_seen() {
        let slip = (Some(Level::Typo), Some(Level::Exact));
        assert_eq!(full(&["John Thompson"], &["John Thmopson"]), slip);
        assert_eq!(
            full(&["タカハシ タカシ"], &["タカシハ タカシ"]).1,
            Some(Level::Exact)
        );
    }
}
