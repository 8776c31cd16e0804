//! The words the scorer knows, and what each does.
//!
//! What must stay true: every word is in NFKC form without lengthening marks after hiragana, as
//! sentences are when they are matched; a word stands once in the trie, so a word of the
//! grammar that also carries feeling in the lexicon keeps both meanings in one [`Entry`].

use std::collections::HashMap;
use std::sync::LazyLock;

use super::elongation;
use super::guard::Guard;
use crate::sentiment::cues::trie::Trie;

/// What a word does to the reading of its sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Carries feeling that a negation can turn; by itself it may carry none (使え).
    Word,
    /// Carries feeling that no negation turns (二度と, emoji).
    Fixed,
    /// Takes a bad thing away (解消); hurts when it does not happen.
    Cure,
    /// なくな: negation after a verb or adjective, a cure after a noun.
    Vanish,
    /// Good or bad by what it is said of (高, 早).
    Direction,
    /// A noun that only says how directions are meant.
    Head,
    /// Turns the feeling before it.
    Negation,
    /// Turns a stem that it follows at once (壊れん).
    Attached,
    /// Turns it, but leaves little (わけではない).
    WeakNegation,
    /// Means nothing here and keeps others from matching inside (かもしれない).
    Inert,
    /// A negative question that affirms (高くないですか).
    Confirm,
    /// Asks that something be not done (待たせないで).
    Forbid,
    /// Does not want to (買いたくない).
    Unwilling,
    /// しか: the negation to come affirms.
    Only,
    /// これほど: a negation further on means that nothing is more so.
    Peak,
    /// Strengthens what follows.
    Up,
    /// Weakens what follows.
    Down,
    /// Weakens a negation to come (あまり, それほど).
    Slight,
    /// A concession: what follows weighs more.
    But,
    /// Ends the clause.
    Break,
    /// A condition: what stands in it is not so.
    If,
    /// What was feared or thought before and is not so (かと思ったら).
    Thought,
    /// A wish: the good in its clause is missing.
    Wish,
    /// Makes a wish or request in its clause a reproach (もっと, ちゃんと).
    Prompt,
    /// A polite request: the good in its clause is only asked for.
    Ask,
    /// Says that something else is better (他店の方が).
    Elsewhere,
    /// A question that accuses.
    Rhetoric,
    /// How it used to be (以前は).
    Past,
    /// Asks for a reason.
    Why,
    /// Doubts the good that follows (どこが, 誰が); 2 in any question, 1 where it asks for an account.
    Doubt,
    /// Says that the praise is not meant.
    Sarcasm,
    /// Laughter: good mood or mockery.
    Laugh,
    /// すぎ after a stem.
    Excess,
}

/// In which respect a direction word says more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    /// 高い and 低い.
    Level,
    /// 多い and 少ない.
    Amount,
    /// 長い and 短い.
    Span,
    /// 早い and 遅い.
    Speed,
    /// 重い and 軽い.
    Weight,
    /// 大きい and 小さい.
    Size,
}

/// For each [`Dimension`] whether more of a noun is good (1), bad (-1) or unknown (0).
pub(super) type Senses = [i8; 6];

/// What one word does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// What it does.
    pub(super) kind: Kind,
    /// Valence or factor, as the kind asks.
    pub(super) value: f32,
    /// Valence under negation; 0 where a rule makes it from `value`.
    pub(super) negated: f32,
    /// For a cure: valence where there is nothing to cure.
    pub(super) alone: f32,
    /// How directions said of it are meant.
    pub(super) senses: Senses,
    /// For a direction: its dimension and whether it means more (1) or less (-1).
    pub(super) direction: Option<(Dimension, i8)>,
    /// Where it may stand.
    pub(super) guard: Guard,
}

/// All words and what they do.
#[derive(Debug)]
pub(super) struct Grammar {
    /// Entries by the number of their word.
    pub(super) entries: Vec<Entry>,
    /// Finds the words; absent when they could not be compiled.
    pub(super) words: Option<Trie>,
}

/// The grammar and lexicon of Japanese, read once.
pub(super) static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
    Grammar::read(
        include_str!("../lexicon/ja_grammar.tsv"),
        &[
            include_str!("../lexicon/ja.tsv"),
            include_str!("../lexicon/emoji.tsv"),
        ],
    )
});

impl Grammar {
    fn read(grammar: &str, lexica: &[&str]) -> Self {
        let mut words = Words::default();
        for (kind, list, value) in grammar.lines().filter_map(columns) {
            for word in list.split(' ') {
                words.rule(kind, word, value);
            }
        }
        for (word, value) in lexica
            .iter()
            .flat_map(|lexicon| lexicon.lines())
            .filter_map(pair)
        {
            words.feeling(word, value);
        }
        Self {
            words: Trie::new(&words.texts.iter().map(String::as_str).collect::<Vec<_>>()),
            entries: words.entries,
        }
    }
}

fn columns(line: &str) -> Option<(&str, &str, &str)> {
    let mut cells = line.split('\t');
    let row = (cells.next()?, cells.next()?, cells.next()?);
    (!line.starts_with('#')).then_some(row)
}

fn pair(line: &str) -> Option<(&str, f32)> {
    let (word, value) = line.split_once('\t')?;
    let value = value.split('\t').next()?.trim().parse().ok()?;
    (!word.is_empty() && !line.starts_with("# ")).then_some((word, value))
}

#[derive(Default)]
struct Words {
    texts: Vec<String>,
    entries: Vec<Entry>,
    numbers: HashMap<String, usize>,
}

impl Words {
    /// The entry of a word and whether it is new.
    fn entry(&mut self, word: &str, kind: Kind) -> (&mut Entry, bool) {
        let text = elongation::shortened(word);
        let before = self.entries.len();
        let number = *self.numbers.entry(text.to_string()).or_insert(before);
        if number == before {
            self.entries.push(Entry {
                kind,
                value: 0.0,
                negated: 0.0,
                alone: 0.0,
                senses: [0; 6],
                direction: None,
                guard: Guard::of(&text, kind),
            });
            self.texts.push(text.into_owned());
        }
        (&mut self.entries[number], number == before)
    }

    fn rule(&mut self, kind: &str, word: &str, value: &str) {
        let number = value.trim().parse().unwrap_or(0.0);
        if kind == "head" {
            let (entry, _) = self.entry(word, Kind::Head);
            mark(&mut entry.senses, value);
            return;
        }
        let Some(meant) = named(kind) else { return };
        let (entry, new) = self.entry(word, meant);
        if !new && entry.kind != Kind::Head {
            return;
        }
        entry.kind = meant;
        match kind {
            "need" => entry.negated = number,
            "pair" => {
                let (plain, negated) = value.split_once(' ').unwrap_or((value, "0"));
                entry.value = plain.parse().unwrap_or(0.0);
                entry.negated = negated.trim().parse().unwrap_or(0.0);
            }
            "cure" => {
                let mut parts = value.split(' ').filter_map(|part| part.trim().parse().ok());
                entry.negated = parts.next().unwrap_or(0.0);
                entry.value = parts.next().unwrap_or(0.4);
                entry.alone = parts.next().unwrap_or(entry.value);
            }
            "dir" => {
                let mut parts = value.split(' ');
                let dimension = parts.next().and_then(dimension);
                let sign = if parts.next() == Some("-") { -1 } else { 1 };
                entry.direction = dimension.map(|dimension| (dimension, sign));
                entry.value = parts
                    .next()
                    .and_then(|part| part.parse().ok())
                    .unwrap_or(0.0);
            }
            _ => entry.value = number,
        }
    }

    /// A word of a lexicon: it adds feeling to a word without, and yields to grammar otherwise.
    fn feeling(&mut self, word: &str, value: f32) {
        let kana_or_han = word
            .chars()
            .all(|c| c.is_alphanumeric() || "ー・".contains(c));
        let kind = if kana_or_han { Kind::Word } else { Kind::Fixed };
        let (entry, new) = self.entry(word, kind);
        match (new, entry.kind) {
            (false, Kind::Head) => {
                entry.kind = kind;
                entry.value = value;
            }
            (false, Kind::Word) if entry.value == 0.0 && value * entry.negated <= 0.0 => {
                entry.value = value;
            }
            (false, _) => {}
            (true, _) => entry.value = value,
        }
    }
}

pub(super) fn named(kind: &str) -> Option<Kind> {
    Some(match kind {
        "clue" | "need" | "pair" => Kind::Word,
        "fixed" => Kind::Fixed,
        "cure" => Kind::Cure,
        "vanish" => Kind::Vanish,
        "dir" => Kind::Direction,
        "attached" => Kind::Attached,
        "thought" => Kind::Thought,
        "neg" => Kind::Negation,
        "weak" => Kind::WeakNegation,
        "inert" => Kind::Inert,
        "confirm" => Kind::Confirm,
        "forbid" => Kind::Forbid,
        "unwilling" => Kind::Unwilling,
        "only" => Kind::Only,
        "peak" => Kind::Peak,
        "up" => Kind::Up,
        "down" => Kind::Down,
        "slight" => Kind::Slight,
        "but" => Kind::But,
        "break" => Kind::Break,
        "if" => Kind::If,
        "wish" => Kind::Wish,
        "prompt" => Kind::Prompt,
        "ask" => Kind::Ask,
        "else" => Kind::Elsewhere,
        "rhet" => Kind::Rhetoric,
        "past" => Kind::Past,
        "why" => Kind::Why,
        "doubt" => Kind::Doubt,
        "sarcasm" => Kind::Sarcasm,
        "laugh" => Kind::Laugh,
        "excess" => Kind::Excess,
        _ => return None,
    })
}

fn dimension(name: &str) -> Option<Dimension> {
    Some(match name {
        "level" => Dimension::Level,
        "amount" => Dimension::Amount,
        "span" => Dimension::Span,
        "speed" => Dimension::Speed,
        "weight" => Dimension::Weight,
        "size" => Dimension::Size,
        _ => return None,
    })
}

/// Reads `level+,amount-` into the senses.
fn mark(senses: &mut Senses, list: &str) {
    for item in list.trim().split(',') {
        let (name, sign) = item.split_at(item.len().saturating_sub(1));
        if let Some(dimension) = dimension(name) {
            senses[dimension as usize] = if sign == "-" { -1 } else { 1 };
        }
    }
}
