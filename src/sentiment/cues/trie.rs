//! Finds which of many phrases a text goes on with at a place.
//!
//! Characters of the phrases are numbered, the frequent ones first; all other characters have the
//! number 0. The phrases form a trie over these numbers, kept in one array: the child of a node for
//! a number lies at the node's base plus the number, and names its parent. What must stay true: a
//! walk answers exactly the phrases that the text begins with, the shortest first; of equal phrases
//! the first one given counts.

use std::cmp::Reverse;
use std::collections::HashMap;

pub(in crate::sentiment) use super::letter::{Letter, Mask};
use super::letter::{low, pair};

/// A set of phrases.
#[derive(Debug, Clone)]
pub(in crate::sentiment) struct Trie {
    /// For each 256 characters where their numbers begin in `numbers`.
    pages: Vec<u32>,
    /// Numbers of characters; the first 256 are 0 for pages without any.
    numbers: Vec<u16>,
    nodes: Vec<Node>,
    /// A bit for each sum of two characters that are a phrase and of three that one begins with.
    heads: Vec<u64>,
    /// For each number whether a phrase begins with it or is it.
    firsts: Vec<First>,
    /// For each number the phrase that it is, or [`FREE`].
    alone: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Added, with wrapping, to a character's number gives the index of the child.
    base: u32,
    /// Index of the parent, or [`FREE`], or [`ROOT`].
    parent: u32,
    /// Index of the phrase that ends here, or [`FREE`].
    phrase: u32,
}

/// What a character is to the phrases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum First {
    /// None begins with it.
    None,
    /// Some begin with it.
    Part,
    /// It is one.
    Whole,
}

const FREE: u32 = u32::MAX;
const ROOT: u32 = u32::MAX - 1;
/// How many places at the end of the array are tried for a node with several children.
const WINDOW: usize = 2048;

/// A phrase as numbers, with its index; part of the list under one node.
type Numbered = (Vec<u16>, u32);

impl Trie {
    /// Compiles `phrases`; `None` when there are too many different characters or phrases.
    pub(in crate::sentiment) fn new(phrases: &[&str]) -> Option<Self> {
        let mut often: HashMap<char, usize> = HashMap::new();
        for character in phrases.iter().flat_map(|phrase| phrase.chars()) {
            *often.entry(character).or_default() += 1;
        }
        let mut characters: Vec<(char, usize)> = often.into_iter().collect();
        characters.sort_unstable_by_key(|&(character, count)| (Reverse(count), character));
        let mut trie = Self {
            pages: vec![0; 0x1100],
            numbers: vec![0; 256],
            nodes: vec![Node {
                base: 0,
                parent: ROOT,
                phrase: FREE,
            }],
            heads: Vec::new(),
            firsts: Vec::new(),
            alone: Vec::new(),
        };
        for (number, (character, _)) in (1_u16..).zip(&characters) {
            trie.assign(*character, number)?;
        }
        u16::try_from(characters.len() + 1).ok()?;
        trie.take(phrases)?;
        Some(trie)
    }

    /// A trie of other phrases for the letters of this one; characters that this one does not have
    /// occur in no phrase.
    pub(super) fn sibling(&self, phrases: &[&str]) -> Option<Self> {
        let mut trie = Self {
            pages: self.pages.clone(),
            numbers: self.numbers.clone(),
            nodes: vec![self.nodes.first().copied()?],
            heads: Vec::new(),
            firsts: Vec::new(),
            alone: Vec::new(),
        };
        trie.take(phrases)?;
        Some(trie)
    }

    fn take(&mut self, phrases: &[&str]) -> Option<()> {
        let mut list: Vec<Numbered> = Vec::with_capacity(phrases.len());
        for (index, phrase) in (0_u32..).zip(phrases) {
            let numbers = phrase.chars().map(|character| self.number(character));
            list.push((numbers.collect(), index));
        }
        list.sort_unstable();
        list.dedup_by(|later, kept| later.0 == kept.0);
        u32::try_from(list.iter().map(|(numbers, _)| numbers.len()).sum::<usize>() * 2).ok()?;
        self.heads = vec![0; 1 << 10];
        let most = list.iter().flat_map(|(numbers, _)| numbers).max();
        self.firsts = vec![First::None; usize::from(*most.unwrap_or(&0)) + 1];
        self.alone = vec![FREE; self.firsts.len()];
        for (numbers, phrase) in &list {
            if let [only] = numbers[..] {
                self.firsts[usize::from(only)] = First::Whole;
                self.alone[usize::from(only)] = *phrase;
            } else if let [one, other, ref rest @ ..] = numbers[..] {
                let two = pair(one, other);
                let sum = rest.first().map_or(two, |&third| pair(two, third));
                self.heads[usize::from(sum >> 6)] |= 1 << (sum & 63);
                let first = &mut self.firsts[usize::from(one)];
                *first = (*first).max(First::Part);
            }
        }
        self.fill(&list);
        Some(())
    }

    /// Adds how `phrase` begins and ends.
    pub(super) fn mark(&self, phrase: &str, first: &mut Mask, last: &mut Mask) {
        let letters = self.letters(phrase);
        let Some(letters) = letters.get(..letters.len() - 1) else {
            return;
        };
        if let [only] = letters {
            first.add(only.one());
            last.add(only.one());
        } else if let [one, .., before, _] | [one @ before, _] = letters {
            first.add(low(one.two));
            last.add(low(before.two));
        }
    }

    fn assign(&mut self, character: char, number: u16) -> Option<()> {
        let (page, low) = split(character);
        let begin = self.pages.get_mut(page)?;
        if *begin == 0 {
            *begin = u32::try_from(self.numbers.len()).ok()?;
            self.numbers.resize(self.numbers.len() + 256, 0);
        }
        self.numbers[*begin as usize + low] = number;
        Some(())
    }

    /// Lays the nodes of all phrases, which are in order and different.
    fn fill(&mut self, list: &[Numbered]) {
        let mut first_free = 1;
        let mut open = vec![(0, 0, list)];
        let mut children: Vec<(u16, &[Numbered])> = Vec::new();
        while let Some((node, depth, mut list)) = open.pop() {
            if let Some(((numbers, phrase), others)) = list.split_first()
                && numbers.len() == depth
            {
                self.nodes[node].phrase = *phrase;
                list = others;
            }
            children.clear();
            children.extend(
                list.chunk_by(|one, other| one.0[depth] == other.0[depth])
                    .map(|same| (same[0].0[depth], same)),
            );
            let Some(base) = self.room(&children, &mut first_free) else {
                continue;
            };
            self.nodes[node].base = base;
            for &(number, same) in &children {
                let at = base.wrapping_add(u32::from(number)) as usize;
                let missing = (at + 1).saturating_sub(self.nodes.len());
                let free = Node {
                    base: 0,
                    parent: FREE,
                    phrase: FREE,
                };
                self.nodes.extend(std::iter::repeat_n(free, missing));
                self.nodes[at].parent = u32::try_from(node).unwrap_or(FREE);
                open.push((at, depth + 1, same));
            }
        }
    }

    /// A base with free places for all `children`; `None` when there are none.
    fn room(&self, children: &[(u16, &[Numbered])], first_free: &mut usize) -> Option<u32> {
        let least = children.first()?.0;
        let is_free = |at: usize| self.nodes.get(at).is_none_or(|node| node.parent == FREE);
        while !is_free(*first_free) {
            *first_free += 1;
        }
        let from = if children.len() == 1 {
            *first_free
        } else {
            (*first_free).max(self.nodes.len().saturating_sub(WINDOW))
        };
        let first = (from..=from.max(self.nodes.len())).find(|&first| {
            let mut others = children.iter();
            others.all(|&(number, _)| is_free(first + usize::from(number - least)))
        })?;
        Some(u32::try_from(first).ok()?.wrapping_sub(u32::from(least)))
    }

    fn number(&self, character: char) -> u16 {
        let (page, low) = split(character);
        self.numbers[self.pages[page] as usize + low]
    }

    /// The characters of `text`, and one more for its end.
    pub(in crate::sentiment) fn letters(&self, text: &str) -> Vec<Letter> {
        let mut letters = vec![Letter::default(); text.chars().count() + 1];
        let mut at = 0;
        for (letter, character) in letters.iter_mut().zip(text.chars()) {
            letter.at = at;
            letter.number = self.number(character);
            at = at.saturating_add(width(character));
        }
        if let Some(end) = letters.last_mut() {
            end.at = at;
        }
        let (mut next, mut third) = (0, 0);
        for letter in letters.iter_mut().rev() {
            letter.two = pair(letter.number, next);
            letter.three = pair(letter.two, third);
            (next, third) = (letter.number, next);
        }
        letters
    }

    /// Whether a phrase may begin at `letter`, judged by it and the next two.
    pub(in crate::sentiment) fn may_begin(&self, letter: &Letter) -> bool {
        match self.first(letter.number) {
            First::None => false,
            First::Part => self.head(letter.two) || self.head(letter.three),
            First::Whole => true,
        }
    }

    /// The phrases that `letters` begin with, the shortest first, and how many letters each has. Where only the first of
    /// them can be a phrase, nothing is walked.
    pub(in crate::sentiment) fn beginnings(
        &self,
        letters: &[Letter],
        found: &mut Vec<(usize, usize)>,
    ) {
        let Some(letter) = letters.first() else {
            return;
        };
        let longer = self.head(letter.two) || self.head(letter.three);
        match self.first(letter.number) {
            First::Part | First::Whole if longer => found.extend(self.walk(letters.iter())),
            First::Whole => {
                let alone = self.alone.get(usize::from(letter.number));
                found.extend(alone.map(|phrase| (*phrase as usize, 1)));
            }
            _ => {}
        }
    }

    /// Of a trie of phrases written backwards: whether a phrase may end with the last of `letters`, judged by it and the
    /// two before.
    pub(super) fn may_end(&self, letters: &[Letter]) -> bool {
        let mut back = letters.iter().rev().map(|letter| letter.number);
        let mut next = || back.next().unwrap_or(0);
        let last = next();
        match self.first(last) {
            First::None => false,
            First::Part => {
                let two = pair(last, next());
                self.head(two) || self.head(pair(two, next()))
            }
            First::Whole => true,
        }
    }

    /// The phrases that `letters` begin with, the shortest first, and how many letters each has.
    pub(in crate::sentiment) fn walk<'a>(
        &self,
        letters: impl Iterator<Item = &'a Letter>,
    ) -> impl Iterator<Item = (usize, usize)> {
        let mut at = 0;
        let nodes = letters.map_while(move |letter| {
            let next = self.nodes[at].base.wrapping_add(u32::from(letter.number));
            let next = next as usize;
            let node = self.nodes.get(next)?;
            if node.parent as usize != at {
                return None;
            }
            at = next;
            Some(node.phrase)
        });
        (1..)
            .zip(nodes)
            .filter(|&(_, phrase)| phrase != FREE)
            .map(|(length, phrase)| (phrase as usize, length))
    }

    /// Phrase, start and end of the occurrences in `text` from left to right that do not overlap;
    /// of those with the same start the longest.
    pub(in crate::sentiment) fn longest(
        &self,
        text: &str,
    ) -> impl Iterator<Item = (usize, usize, usize)> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let mut rest = text.get(from..)?.chars();
            loop {
                let start = text.len() - rest.as_str().len();
                let first = self.number(rest.next()?);
                let begins = match self.first(first) {
                    First::None => false,
                    First::Part => {
                        let mut ahead = rest.clone().map(|character| self.number(character));
                        let two = pair(first, ahead.next().unwrap_or(0));
                        self.head(two) || self.head(pair(two, ahead.next().unwrap_or(0)))
                    }
                    First::Whole => true,
                };
                if !begins {
                    continue;
                }
                if let Some((phrase, length)) = self.last(&text[start..]) {
                    from = start + length;
                    return Some((phrase, start, from));
                }
            }
        })
    }

    /// The bytes of the longest phrase that `text`, whose first character is `first`, begins with.
    pub(in crate::sentiment) fn beginning(&self, first: char, text: &str) -> Option<usize> {
        match self.first(self.number(first)) {
            First::None => None,
            First::Part | First::Whole => self.last(text).map(|(_, length)| length),
        }
    }

    /// The longest phrase that `text` begins with, and its bytes.
    fn last(&self, text: &str) -> Option<(usize, usize)> {
        let mut at = 0;
        let mut longest = None;
        for (start, character) in text.char_indices() {
            let next = self.nodes[at]
                .base
                .wrapping_add(u32::from(self.number(character)));
            let next = next as usize;
            let Some(node) = self
                .nodes
                .get(next)
                .filter(|node| node.parent as usize == at)
            else {
                break;
            };
            at = next;
            if node.phrase != FREE {
                longest = Some((node.phrase as usize, start + character.len_utf8()));
            }
        }
        longest
    }

    fn first(&self, number: u16) -> First {
        let first = self.firsts.get(usize::from(number));
        first.copied().unwrap_or(First::None)
    }

    /// Whether a phrase may be or begin with the characters that have this sum.
    fn head(&self, sum: u16) -> bool {
        self.heads[usize::from(sum >> 6)] >> (sum & 63) & 1 != 0
    }
}

/// Bytes of a character.
fn width(character: char) -> u32 {
    match character {
        '\0'..='\u{7f}' => 1,
        '\u{80}'..='\u{7ff}' => 2,
        '\u{800}'..='\u{ffff}' => 3,
        _ => 4,
    }
}

/// The page of a character and its place there.
fn split(character: char) -> (usize, usize) {
    let character = u32::from(character) as usize;
    (character >> 8, character & 0xff)
}

#[cfg(test)]
mod tests;
