//! The English lexica as one table of phrases.
//!
//! Words are numbered; phrases are paths in a trie over those numbers. Later files win over earlier
//! ones: VADER, emoji, customer language, boosters, negators, rules.

use std::sync::LazyLock;

use super::words::{Gap, Words};
use crate::sentiment::hashing::Map;

/// What a phrase does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Plain,
    /// Carries feeling.
    Valence,
    /// Turns what follows.
    Negate,
    /// Makes what follows stronger or weaker.
    Boost,
    /// What follows counts more than what came before.
    But,
    /// What follows, to the end of the clause, counts less.
    Concede,
    /// What follows is wished for or was promised.
    Irrealis,
    /// What follows may or may not be.
    If,
    /// Praise after this, with blame near, is irony.
    Ironic,
    /// Opens a question that is a reproach.
    Rhetorical,
    /// No feeling by itself; bad when it is missing.
    Wanted,
}

/// What the lexica say of a phrase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// What it does.
    pub role: Role,
    /// Valence, or the share by which a booster raises.
    pub value: f32,
    /// Valence of a word that is also a booster.
    pub valence: f32,
}

/// A phrase at a place in a sentence, or one word that no lexicon knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// First word.
    pub from: usize,
    /// Word after the last.
    pub to: usize,
    /// What it is; plain when unknown.
    pub entry: Entry,
}

/// The lexica.
#[derive(Debug, Default)]
pub(super) struct Lexicon {
    ids: Map<Box<str>, u32>,
    /// By node: what the phrase that ends there is.
    nodes: Vec<Option<Entry>>,
    /// By node: some phrase goes on.
    inner: Vec<bool>,
    edges: Map<u64, u32>,
}

const PLAIN: Entry = Entry {
    role: Role::Plain,
    value: 0.0,
    valence: 0.0,
};
const PHRASE_MAX: usize = 8;

static LEXICON: LazyLock<Lexicon> = LazyLock::new(Lexicon::embedded);

/// The embedded lexica, parsed once.
pub(super) fn lexicon() -> &'static Lexicon {
    &LEXICON
}

impl Lexicon {
    fn embedded() -> Self {
        let mut lexicon = Self {
            nodes: vec![None],
            inner: vec![true],
            ..Self::default()
        };
        for file in [
            include_str!("../lexicon/vader.tsv"),
            include_str!("../lexicon/emoji.tsv"),
            include_str!("../lexicon/customer_en.tsv"),
        ] {
            for (phrase, value) in rows(file) {
                lexicon.add(phrase, Role::Valence, value);
            }
        }
        for (phrase, value) in rows(include_str!("../lexicon/boosters_en.tsv")) {
            lexicon.add(phrase, Role::Boost, value);
        }
        for phrase in include_str!("../lexicon/negators_en.txt").lines() {
            lexicon.add(phrase, Role::Negate, 0.0);
        }
        for line in include_str!("../lexicon/rules_en.tsv").lines() {
            if let Some((role, rest)) = line.split_once('\t')
                && let Some((phrase, value)) = rest.split_once('\t')
                && let (Some(role), Ok(value)) = (role_of(role), value.parse())
            {
                lexicon.add(phrase, role, value);
            }
        }
        lexicon
    }

    /// The number of a word in lower case, 0 when unknown.
    pub(super) fn id(&self, word: &str) -> u32 {
        self.ids.get(word).copied().unwrap_or(0)
    }

    /// Whether an emoticon is known.
    pub(super) fn symbol(&self, chunk: &str) -> bool {
        self.ids.contains_key(chunk)
    }

    fn intern(&mut self, word: &str) -> u32 {
        let next = u32::try_from(self.ids.len() + 1).unwrap_or(u32::MAX);
        *self.ids.entry(word.into()).or_insert(next)
    }

    fn add(&mut self, phrase: &str, role: Role, value: f32) {
        let phrase = phrase.trim();
        if phrase.is_empty() || phrase.starts_with('#') {
            return;
        }
        let ids: Vec<u32> = if written(phrase) {
            let words = Words::new(phrase, &Self::default());
            // One letter or digit is the rest of something else ("a+", "=3"), not a word.
            if let [only] = words.list.as_slice()
                && only.end - only.start < 2
                && role == Role::Valence
            {
                return;
            }
            words
                .list
                .iter()
                .map(|word| self.intern(words.lower(word)))
                .collect()
        } else {
            vec![self.intern(phrase.trim_end_matches('\u{fe0f}'))]
        };
        let mut node = 0;
        for id in ids.iter().take(PHRASE_MAX) {
            node = self.step_or_add(node, *id);
        }
        let Some(slot) = usize::try_from(node)
            .ok()
            .and_then(|node| self.nodes.get_mut(node))
        else {
            return;
        };
        let before = slot
            .filter(|entry| entry.role == Role::Valence)
            .map_or(0.0, |entry| entry.value);
        let valence = if role == Role::Valence { value } else { before };
        *slot = Some(Entry {
            role,
            value,
            valence,
        });
    }

    fn step_or_add(&mut self, node: u32, id: u32) -> u32 {
        let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let found = *self.edges.entry(edge(node, id)).or_insert(next);
        if found == next {
            self.nodes.push(None);
            self.inner.push(false);
        }
        if let Some(inner) = usize::try_from(node)
            .ok()
            .and_then(|node| self.inner.get_mut(node))
        {
            *inner = true;
        }
        found
    }

    /// The longest phrase at each place; words that belong to none stand alone.
    pub(super) fn pieces(&self, words: &Words<'_>) -> Vec<Piece> {
        let mut pieces = Vec::with_capacity(words.list.len());
        let mut from = 0;
        while from < words.list.len() {
            let (to, entry) = self.longest(words, from).unwrap_or((from + 1, PLAIN));
            pieces.push(Piece { from, to, entry });
            from = to;
        }
        pieces
    }

    fn longest(&self, words: &Words<'_>, from: usize) -> Option<(usize, Entry)> {
        let mut node = 0_u32;
        let mut found = None;
        for (offset, word) in words.list.get(from..)?.iter().enumerate().take(PHRASE_MAX) {
            if word.id == 0 || (offset > 0 && word.gap != Gap::Space) {
                break;
            }
            let Some(&next) = self.edges.get(&edge(node, word.id)) else {
                break;
            };
            node = next;
            let at = usize::try_from(node).ok()?;
            if let Some(Some(entry)) = self.nodes.get(at) {
                found = Some((from + offset + 1, *entry));
            }
            if !self.inner.get(at).copied().unwrap_or(false) {
                break;
            }
        }
        found
    }
}

fn edge(node: u32, id: u32) -> u64 {
    (u64::from(node) << 32) | u64::from(id)
}

/// Whether a phrase is made of words, and is no emoticon.
fn written(phrase: &str) -> bool {
    let joins = |c: char| matches!(c, ' ' | '\'' | '’' | '-' | '/' | '.' | ',' | '&' | '%');
    phrase.chars().any(char::is_alphabetic)
        && phrase.chars().all(|c| c.is_alphanumeric() || joins(c))
        || phrase.contains('/') && phrase.chars().all(|c| c.is_ascii_digit() || joins(c))
        || phrase == "0"
}

fn rows(file: &str) -> impl Iterator<Item = (&str, f32)> {
    file.lines().filter_map(|line| {
        let (phrase, value) = line.split_once('\t')?;
        Some((phrase, value.trim().parse().ok()?))
    })
}

fn role_of(name: &str) -> Option<Role> {
    Some(match name {
        "plain" => Role::Plain,
        "valence" => Role::Valence,
        "negate" => Role::Negate,
        "boost" => Role::Boost,
        "but" => Role::But,
        "concede" => Role::Concede,
        "irrealis" => Role::Irrealis,
        "if" => Role::If,
        "ironic" => Role::Ironic,
        "rhetorical" => Role::Rhetorical,
        "wanted" => Role::Wanted,
        _ => return None,
    })
}
