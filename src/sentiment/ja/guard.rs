//! Where a word may stand: Japanese has no spaces, so short words also occur inside others.
//!
//! What must stay true: a guard looks only at the characters next to the match, so a match costs
//! the same wherever it is found.

use super::elongation::{is_han, is_hiragana, is_katakana};
use super::grammar::Kind;

/// The condition on the surroundings of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Guard {
    /// Anywhere.
    None,
    /// Latin letters: no letter or digit on either side.
    Latin,
    /// A lone han: inflection or a particle must follow.
    LoneHan,
    /// Katakana of two letters: no katakana on either side.
    Katakana,
    /// Katakana of three letters: no katakana behind.
    KatakanaEnd,
    /// Hiragana of one or two letters: a particle or no hiragana before.
    Hiragana,
    /// A han direction: its inflection must follow.
    Inflected,
    /// No han before (前は, but not 名前は).
    NotAfterHan,
    /// が as a conjunction.
    But,
    /// Conjunctions that open a clause (でも, だが).
    Opening,
    /// ものの after a predicate.
    AfterPredicate,
    /// A te-form or particle before a new word.
    Linking,
    /// し after a predicate.
    Listing,
    /// A comma that is not held open by とは and the like.
    Comma,
    /// ず and ぬ after the stem of a verb.
    AfterStem,
    /// なし after a noun or particle.
    AfterNoun,
    /// なら as a condition, not ならない.
    Condition,
    /// ん as a negation, not before one that honours or explains.
    Contracted,
    /// の方が after what is not this one.
    Compared,
    /// ない that is no ending of 少ない or 危ない.
    Negating,
    /// のではない as a suspicion, not after もの.
    Suspecting,
    /// ので as a reason, not in もので and のです.
    Because,
    /// 草 and w as laughter.
    Laugh,
    /// ばり and まじ as adverbs.
    Adverb,
}

impl Guard {
    /// The guard that a word needs.
    pub(super) fn of(text: &str, kind: Kind) -> Self {
        match text {
            "が" => return Self::But,
            "でも" | "ただ" | "だが" | "ところが" => return Self::Opening,
            "ものの" => return Self::AfterPredicate,
            "て" | "で" => return Self::Linking,
            "し" => return Self::Listing,
            "、" | "," | "." => return Self::Comma,
            "ず" | "ぬ" | "ずに" => return Self::AfterStem,
            "なし" => return Self::AfterNoun,
            "ん" | "へん" => return Self::Contracted,
            "の方が" | "のほうが" => return Self::Compared,
            "のではない" | "のではないか" => return Self::Suspecting,
            "ので" => return Self::Because,
            "なら" => return Self::Condition,
            "草" | "笑" => return Self::Laugh,
            "割に" | "一方" | "前は" | "初めは" | "超" | "十分" => {
                return Self::NotAfterHan;
            }
            "ばり" | "まじ" | "えらい" | "でら" => return Self::Adverb,
            _ => {}
        }
        if text.starts_with("十分") {
            return Self::NotAfterHan;
        }
        if matches!(kind, Kind::Negation) && text.starts_with('な') {
            return Self::Negating;
        }
        if matches!(kind, Kind::Direction) {
            return Self::Inflected;
        }
        let len = text.chars().count();
        if text.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Self::Latin;
        }
        if !matches!(kind, Kind::Word | Kind::Fixed | Kind::Cure) {
            return Self::None;
        }
        match len {
            1 if text.chars().all(is_han) => Self::LoneHan,
            1 | 2 if text.chars().all(is_hiragana) => Self::Hiragana,
            1 | 2 if text.chars().all(is_katakana) => Self::Katakana,
            3 if text.chars().all(is_katakana) => Self::KatakanaEnd,
            _ => Self::None,
        }
    }

    /// Whether the word may stand at these bytes.
    pub(super) fn admits(self, text: &str, start: usize, end: usize) -> bool {
        let before = text[..start].chars().next_back();
        let after = text[end..].chars().next();
        let is = |side: Option<char>, test: fn(char) -> bool| side.is_some_and(test);
        match self {
            Self::None => true,
            Self::Latin => {
                !is(before, |c| c.is_ascii_alphanumeric())
                    && !is(after, |c| c.is_ascii_alphanumeric())
            }
            Self::LoneHan => !is(after, is_han),
            Self::Katakana => !is(before, is_katakana) && !is(after, is_katakana),
            Self::KatakanaEnd => !is(after, is_katakana),
            Self::Hiragana => {
                !is(before, is_hiragana)
                    || is(before, |c| {
                        "はがもをにのとでてへやねよなっばりくいた".contains(c)
                    })
            }
            Self::Inflected => is(after, |c| "いくかけさすそきめなゅ".contains(c)),
            Self::NotAfterHan => !is(before, is_han),
            Self::But => is_conjunction(&text[..start], after),
            Self::Opening => {
                let named = ["何", "誰", "いつ", "今", "どこ", "それ", "これ", "どれ"];
                let comma = is(after, |c| c == '、') && text[start..].starts_with("でも");
                if comma {
                    return !named.iter().any(|word| text[..start].ends_with(word));
                }
                !is(before, |c| c.is_alphanumeric() || is_katakana(c))
                    && !is(after, |c| "いきのでけな".contains(c))
            }
            Self::AfterPredicate => is(before, |c| "いたなるだう".contains(c)),
            Self::Linking => is(after, |c| {
                (is_han(c) && !"来下頂貰居欲良見置行無参有".contains(c)) || is_katakana(c)
            }),
            Self::Listing => {
                is(before, |c| "いたるだうすんつく".contains(c))
                    && !is(after, |c| {
                        "いくかさけきてたまなよそっはばもろゃゅんつょら".contains(c)
                    })
            }
            Self::Comma => {
                let held = ["とは", "とい", "とまで", "なんて", "わけ", "と言"];
                let digits =
                    is(before, |c| c.is_ascii_digit()) && is(after, |c| c.is_ascii_digit());
                !digits && !held.iter().any(|held| text[end..].starts_with(held))
            }
            Self::AfterStem => {
                is(before, |c| "せらかれえけめべげねわきちりびぎじ".contains(c))
                    && !is(after, |c| "っかれ".contains(c))
            }
            Self::AfterNoun => !is(before, is_hiragana) || is(before, |c| "もはが".contains(c)),
            Self::Contracted => {
                is(before, |c| "れえけせめべらかまわきじ".contains(c))
                    && !is(after, |c| is_hiragana(c) && !"わけしやかね".contains(c))
            }
            Self::Compared => {
                let near = text[..start]
                    .char_indices()
                    .rev()
                    .nth(9)
                    .map_or(0, |(at, _)| at);
                [
                    "前の",
                    "以前",
                    "昔",
                    "旧",
                    "他の",
                    "ほかの",
                    "別の",
                    "よそ",
                    "他社",
                    "他店",
                    "隣",
                ]
                .iter()
                .any(|other| text[near..start].contains(other))
            }
            Self::Condition => !is(after, |c| "なずんぬびべばし".contains(c)),
            Self::Negating => !is(before, |c| "少危切".contains(c)),
            Self::Suspecting => !is(before, |c| c == 'も'),
            Self::Because => !is(after, |c| "はしすあ".contains(c)),
            Self::Laugh => {
                !is(before, is_han)
                    && !is(after, |c| c.is_alphanumeric() && c != '生')
                    && !is(before, |c| "のなを".contains(c))
            }
            Self::Adverb => {
                !is(before, is_hiragana) || is(before, |c| "はがもにのでて".contains(c))
            }
        }
    }
}

/// Whether が after these words joins clauses rather than marking a subject.
fn is_conjunction(before: &str, after: Option<char>) -> bool {
    let comma = after.is_some_and(|c| "、,".contains(c));
    let mut back = before.chars().rev();
    let (last, previous) = (back.next(), back.next());
    let Some(last) = last else { return comma };
    match last {
        'す' | 'た' | 'だ' | 'ん' | 'る' => {
            previous.is_some_and(|c| is_hiragana(c) || comma || is_han(c))
        }
        'う' => comma || previous.is_some_and(|c| "ろょ思違言".contains(c)),
        'い' => {
            comma
                || before.ends_with("ない")
                || before.ends_with("しい")
                || previous.is_some_and(|c| is_han(c) && !"違願匂思使扱払問救争".contains(c))
        }
        _ => comma && !is_hiragana(last),
    }
}
