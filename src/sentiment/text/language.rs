//! Language by script.
//!
//! Any kana is Japanese; han alone is what the tenant says, unless it holds characters that only
//! Chinese writes; Latin letters are English unless the small words are those of another language.

use std::sync::LazyLock;

use crate::sentiment::hashing::Map;
use crate::sentiment::model::Language;

/// Letters and digits, the frequent ones told by range: the tables of Unicode are slow.
pub(in crate::sentiment) fn spoken(c: char) -> bool {
    match c {
        '\0'..='\u{7f}' => c.is_ascii_alphanumeric(),
        '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{4e00}'..='\u{9fff}' => true,
        '\u{3000}'..='\u{3002}' | '\u{3008}'..='\u{3011}' => false,
        _ => c.is_alphanumeric(),
    }
}

/// Letters of a text by script.
#[derive(Debug, Default, Clone, Copy)]
struct Letters {
    kana: u32,
    han: u32,
    latin: u32,
    other: u32,
    accented: u32,
}

/// The language of a whole prepared text; `han` is that of text in han only.
#[must_use]
pub fn of_text(text: &str, han: Language) -> Language {
    decide(text, han)
}

/// The language of one sentence in a text of language `text`.
///
/// A sentence without a sign of its own is read like the text around it.
#[must_use]
pub fn of_sentence(sentence: &str, text: Language) -> Language {
    if text == Language::English && sentence.is_ascii() {
        return text;
    }
    // Without Latin letters no sentence of a Japanese text is anything else.
    if text == Language::Japanese && !has_latin(sentence) {
        return text;
    }
    match decide(sentence, text) {
        Language::Unknown => text,
        found => found,
    }
}

/// Whether some byte belongs to a Latin letter, or may do so. Pieces are looked at as a whole, which costs least.
fn has_latin(text: &str) -> bool {
    let latin = |byte: &u8| byte.is_ascii_alphabetic() | matches!(byte, 0xc3..=0xc9 | 0xe1);
    let some = |piece: &[u8]| piece.iter().fold(false, |some, byte| some | latin(byte));
    text.as_bytes().chunks(64).any(some)
}

/// A character of a text, decoded only where its first bytes do not tell what it is.
enum Sign {
    Ascii(u8),
    Kana,
    Han,
    Other(char),
}

fn signs(text: &str) -> impl Iterator<Item = Sign> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let &byte = bytes.get(at)?;
        let sign = match byte {
            0..=0x7f => {
                at += 1;
                return Some(Sign::Ascii(byte));
            }
            0xe5..=0xe9 => Sign::Han,
            0xe3 => match (bytes.get(at + 1), bytes.get(at + 2)) {
                (Some(0x81), Some(0x81..))
                | (Some(0x82), Some(0x80..=0x96 | 0xa1..))
                | (Some(0x83), Some(..=0xba)) => Sign::Kana,
                _ => Sign::Other(text.get(at..)?.chars().next()?),
            },
            _ => Sign::Other(text.get(at..)?.chars().next()?),
        };
        at += match sign {
            Sign::Other(c) => c.len_utf8(),
            _ => 3,
        };
        Some(sign)
    })
}

/// How many letters and digits a text has.
pub(in crate::sentiment) fn spoken_count(text: &str) -> usize {
    let spoken = signs(text).map(|sign| match sign {
        Sign::Ascii(byte) => usize::from(byte.is_ascii_alphanumeric()),
        Sign::Kana | Sign::Han => 1,
        Sign::Other(c) => usize::from(spoken(c)),
    });
    spoken.sum()
}

fn decide(text: &str, han: Language) -> Language {
    let letters = count(text);
    // A stray kana in a long Latin text (a shop's name) does not make it Japanese.
    if letters.kana > 0 && letters.latin < 20 * (letters.kana + letters.han) {
        return Language::Japanese;
    }
    if letters.latin > letters.han + letters.other {
        return if foreign(text, letters) {
            Language::Unknown
        } else {
            Language::English
        };
    }
    if letters.han > 0 && letters.other <= letters.han {
        return if text.chars().any(chinese_only) {
            Language::Unknown
        } else {
            han
        };
    }
    Language::Unknown
}

fn count(text: &str) -> Letters {
    let mut letters = Letters::default();
    for sign in signs(text) {
        match sign {
            Sign::Ascii(byte) => letters.latin += u32::from(byte.is_ascii_alphabetic()),
            Sign::Kana => letters.kana += 1,
            Sign::Han => letters.han += 1,
            Sign::Other(c) => match c {
                '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' => letters.kana += 1,
                '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{2ffff}' => {
                    letters.han += 1;
                }
                '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
                    letters.latin += 1;
                    letters.accented += 1;
                }
                // The tables of Unicode are slow: what Japanese writes most is told by range.
                '\u{3001}'..='\u{3002}' | '\u{300c}'..='\u{300f}' => {}
                'ー' => letters.other += 1,
                c if c > '\u{24f}' && c.is_alphabetic() => letters.other += 1,
                _ => {}
            },
        }
    }
    letters
}

/// Frequent characters of modern Chinese that Japanese does not write.
const fn chinese_only(c: char) -> bool {
    matches!(
        c,
        '与' | '东'
            | '个'
            | '为'
            | '么'
            | '买'
            | '些'
            | '什'
            | '们'
            | '你'
            | '关'
            | '卖'
            | '发'
            | '吗'
            | '吧'
            | '呀'
            | '呢'
            | '哪'
            | '啊'
            | '对'
            | '开'
            | '很'
            | '怎'
            | '您'
            | '时'
            | '样'
            | '没'
            | '给'
            | '见'
            | '觉'
            | '让'
            | '语'
            | '说'
            | '请'
            | '谁'
            | '谢'
            | '货'
            | '车'
            | '边'
            | '过'
            | '还'
            | '这'
            | '钱'
            | '门'
            | '问'
            | '间'
            | '题'
            | '马'
            | '鱼'
            | '鸟'
    )
}

/// Small words of English; a word that another language shares is not here.
const ENGLISH: [&str; 32] = [
    "the", "and", "is", "was", "it", "my", "you", "to", "of", "this", "that", "for", "not", "with",
    "have", "are", "your", "i", "we", "they", "what", "how", "very", "good", "but", "when",
    "please", "thanks", "can", "so", "at", "great",
];

/// Small words of French, Spanish, German, Italian, Portuguese and Dutch.
const FOREIGN: [&str; 72] = [
    "le", "la", "les", "est", "et", "je", "vous", "nous", "pas", "une", "des", "du", "que", "qui",
    "pour", "avec", "très", "mon", "votre", "el", "los", "las", "y", "es", "muy", "mi", "con",
    "por", "una", "un", "su", "más", "der", "die", "das", "und", "ist", "nicht", "ich", "sie",
    "ein", "eine", "mit", "sehr", "zu", "il", "di", "che", "è", "non", "sono", "molto", "o", "os",
    "não", "muito", "uma", "com", "het", "een", "niet", "ik", "van", "merci", "bonjour", "gracias",
    "hola", "danke", "bitte", "pero", "mais", "ma",
];

/// Small words and whether they are English.
static SMALL_WORDS: LazyLock<Map<&str, bool>> = LazyLock::new(|| {
    let foreign = FOREIGN.iter().map(|word| (*word, false));
    foreign
        .chain(ENGLISH.iter().map(|word| (*word, true)))
        .collect()
});

fn foreign(text: &str, letters: Letters) -> bool {
    let (mut english, mut foreign, mut words) = (0_u32, 0_u32, 0_u32);
    let mut lower = String::new();
    for word in text
        .split(|c: char| !c.is_alphabetic())
        .filter(|word| !word.is_empty())
        .take(40)
    {
        words += 1;
        lower.clear();
        lower.extend(word.chars().map(|c| c.to_ascii_lowercase()));
        match SMALL_WORDS.get(lower.as_str()) {
            Some(true) => english += 1,
            Some(false) => foreign += 1,
            None => {}
        }
    }
    let accents = letters.accented * 25 > letters.latin;
    words >= 3
        && (foreign > english + 1 || (foreign + u32::from(accents) > english && english == 0))
}
