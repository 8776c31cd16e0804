//! One form for texts that people write differently: width, case, accents, kana and the shapes of kanji.
//!
//! What must stay true: every function here is total and idempotent, since stored blocking keys are made of its results.

use unicode_normalization::UnicodeNormalization as _;

/// Letters beyond this are cut off: no name or street is longer, and the time of a comparison stays bounded.
pub(super) const LETTERS: usize = 96;

/// Rounds after which a text that has not settled is taken as it is. Two are enough for all that is known.
const ROUNDS: usize = 4;

/// Shapes of one kanji that registers, keyboards and people mix in names; the first of a group stands for it.
/// From the variants listed for names in the Japanese family register's table of old and new forms.
const SHAPES: [&str; 66] = [
    "高髙",
    "崎﨑嵜碕",
    "斉斎齊齋",
    "辺邊邉",
    "沢澤",
    "浜濱濵",
    "広廣",
    "国國",
    "真眞",
    "竜龍",
    "島嶋嶌",
    "桜櫻",
    "静靜",
    "恵惠",
    "徳德",
    "栄榮",
    "寿壽",
    "瀬瀨",
    "槙槇",
    "富冨",
    "峰峯",
    "桑桒",
    "淵渕渊",
    "薮藪籔",
    "条條",
    "円圓",
    "滝瀧",
    "万萬",
    "与與",
    "豊豐",
    "鉄鐵",
    "関關",
    "黒黑",
    "総總",
    "学學",
    "実實",
    "宝寶",
    "厳嚴",
    "曽曾",
    "為爲",
    "戸戶",
    "増增",
    "郎郞",
    "横橫",
    "浅淺",
    "渉涉",
    "館舘",
    "柳栁",
    "芦蘆",
    "桧檜",
    "昇曻",
    "熙煕熈",
    "弥彌",
    "礼禮",
    "吉𠮷",
    "角⻆",
    "亀龜",
    "塩鹽",
    "児兒",
    "凛凜",
    "遥遙",
    "尭堯",
    "巌巖",
    "顕顯",
    "灯燈",
    "当當",
];

/// The comparable form of a text: NFKC, lower case, Latin letters without accents, katakana for hiragana, one shape of
/// each kanji, `々` written out, single spaces, at most 96 characters.
#[must_use]
pub fn fold(text: &str) -> String {
    let mut now: String = text.chars().take(4 * LETTERS).collect();
    for _ in 0..ROUNDS {
        let next = round(&now);
        if next == now {
            break;
        }
        now = next;
    }
    now
}

fn round(text: &str) -> String {
    let bare: String = text
        .nfkd()
        .filter(|c| !('\u{300}'..='\u{36f}').contains(c))
        .collect();
    let lower: String = bare.to_lowercase().nfkc().collect();
    let mut folded = String::with_capacity(lower.len());
    let mut last = ' ';
    for c in lower.chars().take(LETTERS) {
        let c = match c {
            '々' if is_han(last) => last,
            c if c.is_whitespace() || c.is_control() => ' ',
            c => shape(katakana(c)),
        };
        if c != ' ' || last != ' ' {
            folded.push(c);
        }
        last = c;
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn katakana(c: char) -> char {
    match c {
        'ぁ'..='ゖ' => char::from_u32(u32::from(c) + 0x60).unwrap_or(c),
        c => c,
    }
}

fn shape(c: char) -> char {
    if !is_han(c) {
        return c;
    }
    SHAPES
        .iter()
        .find(|group| group.contains(c))
        .and_then(|group| group.chars().next())
        .unwrap_or(c)
}

/// Whether the character is a kanji, which has no sound of its own.
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{2fdf}' | '々' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// Whether the character is kana or the long-vowel mark.
pub(super) fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{309f}' | '\u{30a1}'..='\u{30fa}' | 'ー')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn width_case_accents_kana_and_shapes_are_one() {
        assert_eq!(fold(" Ｓａｔｏ　　Zoë "), "sato zoe");
        assert_eq!(fold("ﾀｶﾊｼ ﾊﾞﾝ"), "タカハシ バン");
        assert_eq!(fold("たかはし がく"), "タカハシ ガク");
        assert_eq!(fold("髙橋"), fold("高橋"));
        assert_eq!(fold("渡邉"), fold("渡辺"));
        assert_eq!(fold("齋藤"), fold("斎藤"));
        assert_eq!(fold("佐々木"), fold("佐佐木"));
    }

    #[test]
    fn a_kanji_is_in_one_group_only() {
        let all: Vec<char> = SHAPES.iter().flat_map(|g| g.chars()).collect();
        for c in &all {
            assert_eq!(all.iter().filter(|d| *d == c).count(), 1, "{c}");
        }
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_never_panics(
            text in prop_oneof![any::<String>(), "[ぁ-んァ-ヶｦ-ﾟ髙﨑々 　ーA-zÀ-ž]{0,40}"],
        ) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
