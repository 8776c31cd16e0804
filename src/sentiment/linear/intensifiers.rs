//! Japanese words that only strengthen or weaken others: they belong to the lexicon.

use std::sync::LazyLock;

use crate::sentiment::cues::trie::Trie;

/// Finds them.
pub(super) static INTENSIFIERS: LazyLock<Option<Trie>> = LazyLock::new(|| Trie::new(&INTENSIFYING));

const INTENSIFYING: [&str; 48] = [
    "とても",
    "とっても",
    "すごく",
    "すっごく",
    "凄く",
    "物凄く",
    "ものすごく",
    "かなり",
    "非常に",
    "めっちゃ",
    "めちゃくちゃ",
    "めちゃめちゃ",
    "本当に",
    "ほんとに",
    "ほんとうに",
    "極めて",
    "最も",
    "一番",
    "少し",
    "ちょっと",
    "やや",
    "若干",
    "多少",
    "まあまあ",
    "わりと",
    "割と",
    "比較的",
    "あまりにも",
    "マジで",
    "まじで",
    "相当",
    "大いに",
    "実に",
    "誠に",
    "心から",
    "ひどく",
    "なんとも",
    "けっこう",
    "すこし",
    "少々",
    "とにかく",
    "断然",
    "抜群に",
    "格段に",
    "たいへん",
    "大変",
    "そこそこ",
    "だいぶ",
];
