//! NFKC with a map back to the original.
//!
//! The text is cut where normalisation cannot reach across: before every character that is a starter
//! and never composes with what stands before it. Each cluster is normalised by itself, which equals
//! normalising the whole, and every byte it yields points to the whole cluster. Clusters that do not
//! change join into runs that are mapped by offset, so plain text costs one run.

use std::ops::Range;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::mask;

/// A stretch of prepared text and where it came from.
#[derive(Debug, Clone, Copy)]
struct Run {
    prepared: usize,
    original: usize,
    original_len: usize,
    /// Byte for byte the same as the original.
    same: bool,
}

/// A text in NFKC, with addresses and numbers masked by as many spaces.
#[derive(Debug, Clone)]
pub struct Prepared {
    text: String,
    runs: Vec<Run>,
}

impl Prepared {
    /// Prepares a text; positions of the answer map to bytes of `original`.
    #[must_use]
    pub fn new(original: &str) -> Self {
        let mut prepared = Self {
            text: String::with_capacity(original.len() + original.len() / 8),
            runs: Vec::new(),
        };
        if original.is_ascii() {
            prepared.text.push_str(original);
            prepared.push(0, 0, original.len(), true);
        } else {
            prepared.normalise(original);
        }
        mask::mask(&mut prepared.text);
        prepared
    }

    /// The prepared text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of the original that a range of the prepared text came from.
    ///
    /// `range` must lie on character boundaries of the prepared text and hold a character.
    #[must_use]
    pub fn original(&self, range: &Range<usize>) -> Range<usize> {
        let (Some(first), Some(last)) = (
            self.run_at(range.start),
            self.run_at(range.end.saturating_sub(1)),
        ) else {
            return 0..0;
        };
        let start = if first.same {
            first.original + (range.start - first.prepared)
        } else {
            first.original
        };
        let end = if last.same {
            last.original + (range.end - last.prepared)
        } else {
            last.original + last.original_len
        };
        start..end
    }

    fn run_at(&self, position: usize) -> Option<Run> {
        let after = self.runs.partition_point(|run| run.prepared <= position);
        self.runs.get(after.checked_sub(1)?).copied()
    }

    fn push(&mut self, prepared: usize, original: usize, original_len: usize, same: bool) {
        if let Some(last) = self.runs.last_mut()
            && same
            && last.same
            && last.original + last.original_len == original
        {
            last.original_len += original_len;
            return;
        }
        self.runs.push(Run {
            prepared,
            original,
            original_len,
            same,
        });
    }

    fn normalise(&mut self, original: &str) {
        let mut start = 0;
        while let Some(rest) = original.get(start..).filter(|rest| !rest.is_empty()) {
            let plain = plain_stretch(rest);
            if plain > 0 {
                self.push_cluster(original, start..start + plain, true);
                start += plain;
                continue;
            }
            let mut chars = rest.char_indices();
            let Some((_, first)) = chars.next() else {
                return;
            };
            let next = chars.find(|&(_, c)| starts_cluster(c));
            let length = next.map_or(rest.len(), |(at, _)| at);
            let alone = length == first.len_utf8();
            let cluster = start..start + length;
            self.push_cluster(original, cluster, alone && unchanged(first));
            start += length;
        }
    }

    fn push_cluster(&mut self, original: &str, cluster: Range<usize>, same: bool) {
        let Some(source) = original.get(cluster.clone()) else {
            return;
        };
        let at = self.text.len();
        if same {
            self.text.push_str(source);
            self.push(at, cluster.start, cluster.len(), true);
            return;
        }
        self.text.extend(source.nfkc());
        let same = self.text.get(at..) == Some(source);
        if self.text.len() > at {
            self.push(at, cluster.start, cluster.len(), same);
        }
    }
}

/// Bytes at the head of a text that stay as they are: plain characters, but for the last of them when
/// what follows may change it.
fn plain_stretch(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut last) = (0, 0);
    while let Some(&byte) = bytes.get(at) {
        let width = if byte.is_ascii() {
            1
        } else if bytes.get(at..at + 3).is_some_and(plain_bytes) {
            3
        } else {
            let behind = text.get(at..).and_then(|rest| rest.chars().next());
            return if behind.is_some_and(starts_cluster) {
                at
            } else {
                last
            };
        };
        last = at;
        at += width;
    }
    text.len()
}

/// [`plain`] of a character of three bytes, before it is decoded.
fn plain_bytes(bytes: &[u8]) -> bool {
    match *bytes {
        [0xe5..=0xe9, ..] | [0xe4, 0xb8..=0xbf, _] | [0xe3, 0x81, 0x81..=0xbf] => true,
        [0xe3, 0x82, last] => !matches!(last, 0x97..=0xa0),
        [0xe3, 0x83, last] => last != 0xbf,
        [0xe3, 0x80, last] => matches!(last, 0x81..=0x82 | 0x8c..=0x8f),
        _ => false,
    }
}

/// Hiragana, katakana, common han and ASCII: starters that compose with nothing before them.
const fn plain(c: char) -> bool {
    matches!(c, '\0'..='\u{7f}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fe}' | '\u{4e00}'..='\u{9fff}' | '\u{3001}'..='\u{3002}' | '\u{300c}'..='\u{300f}')
}

fn starts_cluster(c: char) -> bool {
    if plain(c) {
        return true;
    }
    let mut decomposed = std::iter::once(c).nfkd();
    decomposed.next().is_none_or(|first| {
        unicode_normalization::char::canonical_combining_class(first) == 0
            && is_nfkc_quick(std::iter::once(first)) != IsNormalized::Maybe
    })
}

fn unchanged(c: char) -> bool {
    plain(c) || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes
}
