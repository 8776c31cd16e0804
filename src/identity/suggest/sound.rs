//! How a name sounds, so that kana and the many ways of writing Japanese in Latin letters meet.
//!
//! What must stay true: total and idempotent. Two spellings of one name have one sound; that different names sometimes
//! share one (オノ and オオノ) is accepted, since a sound is never the only evidence.
//!
//! The table of syllables is our own: what is wanted is no transliteration to show but one form for Hepburn, Kunrei and
//! passport spellings, which would have to be folded after a transliterating crate in any case.

use super::fold::is_han;

/// Syllables of U+30A1 (ァ) to U+30FA (ヺ), in the order of the code points. Small letters begin with `x`.
const SYLLABLES: [&str; 90] = [
    "xa", "a", "xi", "i", "xu", "u", "xe", "e", "xo", "o", "ka", "ga", "ki", "gi", "ku", "gu",
    "ke", "ge", "ko", "go", "sa", "za", "si", "zi", "su", "zu", "se", "ze", "so", "zo", "ta", "da",
    "ti", "zi", "xtu", "tu", "zu", "te", "de", "to", "do", "na", "ni", "nu", "ne", "no", "ha",
    "ba", "pa", "hi", "bi", "pi", "hu", "bu", "pu", "he", "be", "pe", "ho", "bo", "po", "ma", "mi",
    "mu", "me", "mo", "xya", "ya", "xyu", "yu", "xyo", "yo", "ra", "ri", "ru", "re", "ro", "xwa",
    "wa", "i", "e", "o", "n", "vu", "xka", "xke", "va", "vi", "ve", "vo",
];

/// Spellings that are one sound: Hepburn first, the form it takes second. The longest that fits is taken.
const SPELLINGS: [(&str, &str); 21] = [
    ("ccha", "ttya"),
    ("cchi", "tti"),
    ("ccho", "ttyo"),
    ("cchu", "ttyu"),
    ("cha", "tya"),
    ("che", "tye"),
    ("chi", "ti"),
    ("cho", "tyo"),
    ("chu", "tyu"),
    ("sha", "sya"),
    ("she", "sye"),
    ("shi", "si"),
    ("sho", "syo"),
    ("shu", "syu"),
    ("dzu", "zu"),
    ("tsu", "tu"),
    ("jy", "zy"),
    ("ji", "zi"),
    ("du", "zu"),
    ("dz", "z"),
    ("fu", "hu"),
];

/// The sound of a folded text ([`super::fold::fold`]), without spaces and marks; `None` when kanji hide it or there is
/// nothing to hear.
#[must_use]
pub fn sound(folded: &str) -> Option<String> {
    if folded.chars().any(is_han) {
        return None;
    }
    let mut now = latin(folded);
    // Each rule takes away an f, j, c, d, m, or a letter, and none gives one back, so this ends.
    loop {
        let next = without_length(&respelt(&now));
        if next == now {
            break;
        }
        now = next;
    }
    (!now.is_empty()).then_some(now)
}

/// Kana as syllables; letters of other scripts as they are; nothing else.
fn latin(folded: &str) -> String {
    let mut out = String::with_capacity(folded.len() * 2);
    let mut doubled = false;
    for c in folded.chars() {
        let syllable = u32::from(c)
            .checked_sub(0x30a1)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| SYLLABLES.get(at));
        match syllable {
            Some(&"xtu") => doubled = true,
            Some(small) if small.starts_with('x') => add_small(&mut out, &small[1..]),
            Some(syllable) => {
                if doubled {
                    out.extend(syllable.chars().next().filter(|c| !"aiueo".contains(*c)));
                }
                doubled = false;
                out.push_str(syllable);
            }
            None if c.is_alphanumeric() && c != 'ー' => out.push(c),
            None => {}
        }
    }
    out
}

/// A small letter changes the syllable before it: キ and ャ are kya, フ and ァ are fa, テ and ィ are ti.
fn add_small(out: &mut String, small: &str) {
    const BEFORE: [(&str, &str); 9] = [
        ("hu", "f"),
        ("vu", "v"),
        ("tu", "ts"),
        ("ku", "kw"),
        ("gu", "gw"),
        ("te", "t"),
        ("de", "d"),
        ("to", "t"),
        ("do", "d"),
    ];
    let glide = small.starts_with('y') || small.starts_with('k');
    if let Some((end, instead)) = BEFORE.iter().find(|(end, _)| !glide && out.ends_with(end)) {
        out.truncate(out.len() - end.len());
        out.push_str(instead);
    } else if out.ends_with('i') && out.len() > 1 {
        out.pop();
        if !small.starts_with('y') {
            out.push('y');
        }
    } else if out.ends_with('u') && out.len() == 1 && !glide {
        out.pop();
        out.push('w');
    }
    out.push_str(small);
}

fn respelt(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some((from, to)) = SPELLINGS.iter().find(|(from, _)| rest.starts_with(from)) {
            out.push_str(to);
            rest = &rest[from.len()..];
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match (c, rest.chars().next()) {
            ('j', Some('a' | 'e' | 'o' | 'u')) => out.push_str("zy"),
            ('j', _) => out.push('z'),
            ('m', Some('b' | 'm' | 'p')) => out.push('n'),
            _ => out.push(c),
        }
    }
    out
}

/// Long o and u become short, however they are written: おう, オー, ou, oo, oh.
fn without_length(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(c) = letters.next() {
        let last = out.chars().next_back();
        let next_is_vowel = matches!(letters.peek(), Some('a' | 'e' | 'i' | 'o' | 'u'));
        let long = match (last, c) {
            (Some('o'), 'o' | 'u') | (Some('u'), 'u') => true,
            (Some('o'), 'h') => !next_is_vowel,
            _ => false,
        };
        if !long {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::fold::fold, *};

    fn heard(text: &str) -> String {
        sound(&fold(text)).unwrap_or_default()
    }

    #[test]
    fn every_way_of_writing_a_name_has_one_sound() {
        for group in [
            &[
                "さとう",
                "サトー",
                "ｻﾄｳ",
                "Satou",
                "SATO",
                "Satoh",
                "Satō",
                "Satoo",
            ][..],
            &["ゆうき", "ユーキ", "Yuuki", "Yuki", "Yūki"],
            &["しょうじ", "Shoji", "Syouzi", "Shohji", "SHŌJI"],
            &["ほった", "Hotta"],
            &["ほっち", "Hotchi", "Hocchi", "Hotti"],
            &["なんば", "Namba", "Nanba"],
            &["ほんま", "Homma", "Honma"],
            &["しづか", "しずか", "Shizuka", "Sizuka", "Shidzuka"],
            &["ふじた", "Fujita", "Huzita"],
            &["つちや", "Tsuchiya", "Tutiya"],
            &["じゅんいち", "Jun'ichi", "Junichi", "Zyun-iti"],
            &["おおの", "Ohno", "Ono", "Oono"],
            &["チェン", "Chen"],
            &["フィン", "fin"],
            &["O'Brien", "OBRIEN", "o’brien"],
        ] {
            for other in group {
                assert_eq!(heard(group[0]), heard(other), "{} {other}", group[0]);
            }
        }
        assert_ne!(heard("かんな"), heard("かな"));
        assert_ne!(heard("はっとり"), heard("はとり"));
        assert_eq!(sound(&fold("高橋 たかし")), None);
        assert_eq!(sound("- ー"), None);
    }

    proptest! {
        #[test]
        fn hearing_is_idempotent_and_never_panics(
            text in prop_oneof![any::<String>(), "[ァ-ヺー]{0,12}", "[acdefhijmnosutyzx]{0,12}"],
        ) {
            if let Some(once) = sound(&fold(&text)) {
                prop_assert_eq!(sound(&once), Some(once));
            }
        }
    }
}
