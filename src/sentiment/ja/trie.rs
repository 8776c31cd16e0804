//! Words by their characters: finds all known words that begin at a place in one walk.
//!
//! An automaton over bytes was tried first; with three bytes a character and thousands of words it
//! spent half of the scorer's time on failure links.
//!
//! What must stay true: node 0 is the root, so no edge leads to 0.

use std::collections::BTreeMap;

use crate::sentiment::hashing::Map;

/// Characters below this have their first edge in a table.
const TABLE: usize = 0x1_0000;
/// Marks a node at which no word ends.
const NO_WORD: u32 = u32::MAX;

/// A set of words, numbered as they were handed in.
#[derive(Debug)]
pub(super) struct Trie {
    first: Vec<u32>,
    /// By node: the word that ends there, or [`NO_WORD`].
    words: Vec<u32>,
    /// By node and character: the next node.
    edges: Map<u64, u32>,
}

impl Trie {
    /// Builds the trie of `words`.
    pub(super) fn of(words: &[String]) -> Self {
        let mut children: Vec<BTreeMap<char, usize>> = vec![BTreeMap::new()];
        let mut ends = vec![NO_WORD];
        for (number, word) in words.iter().enumerate() {
            let mut node = 0;
            for c in word.chars() {
                let fresh = children.len();
                node = *children[node].entry(c).or_insert(fresh);
                if node == fresh {
                    children.push(BTreeMap::new());
                    ends.push(NO_WORD);
                }
            }
            ends[node] = narrow(number);
        }
        let mut trie = Self {
            first: vec![0; TABLE],
            words: ends,
            edges: Map::default(),
        };
        for (node, edges) in children.iter().enumerate() {
            let edges = edges.iter();
            trie.edges
                .extend(edges.map(|(&c, &next)| (edge(node, c), narrow(next))));
        }
        for (&c, &node) in &children[0] {
            if let Some(slot) = trie.first.get_mut(c as usize) {
                *slot = narrow(node);
            }
        }
        trie
    }

    /// Fills `found` with number and end of each word that begins at byte `at` of `text`, the
    /// shortest first, and answers the byte of the next character.
    pub(super) fn words_at(&self, text: &str, at: usize, found: &mut Vec<(usize, usize)>) -> usize {
        found.clear();
        let mut node = 0;
        let mut next = text.len();
        for (offset, c) in text[at..].char_indices() {
            let end = at + offset + c.len_utf8();
            next = if offset == 0 { end } else { next };
            node = self.step(node, c);
            if node == 0 {
                break;
            }
            let word = self.words[node];
            if word != NO_WORD {
                found.push((word as usize, end));
            }
        }
        next
    }

    fn step(&self, node: usize, c: char) -> usize {
        if let (0, Some(&node)) = (node, self.first.get(c as usize)) {
            return node as usize;
        }
        self.edges
            .get(&edge(node, c))
            .map_or(0, |&next| next as usize)
    }
}

fn edge(node: usize, c: char) -> u64 {
    (node as u64) << 32 | u64::from(c)
}

/// Numbers of the few thousand words and nodes; a lexicon beyond `u32` is ruled out by its file.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NO_WORD)
}
