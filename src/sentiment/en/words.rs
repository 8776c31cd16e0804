//! Words, emoticons and emoji of a sentence, and what stands between them.

use super::lexicon::Lexicon;

/// What stands between a word and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sentiment) enum Gap {
    /// White space, hyphens, quotes.
    Space,
    /// A comma.
    Comma,
    /// A semicolon, colon, dash, bracket or full stop.
    Stop,
}

/// One word, emoticon or emoji.
#[derive(Debug, Clone, Copy)]
pub(in crate::sentiment) struct Word {
    /// First byte in the sentence.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Number in the lexicon's vocabulary; 0 when it is unknown.
    pub id: u32,
    /// Written in capitals.
    pub caps: bool,
    /// An emoticon or emoji.
    pub symbol: bool,
    /// What stands before it.
    pub gap: Gap,
}

/// The words of a sentence.
#[derive(Debug)]
pub(in crate::sentiment) struct Words<'a> {
    /// The sentence.
    pub text: &'a str,
    /// The sentence in lower case, byte for byte in the same places.
    pub lower: String,
    /// The words by position.
    pub list: Vec<Word>,
}

impl<'a> Words<'a> {
    /// Splits a sentence, looking each word up.
    pub(super) fn new(text: &'a str, lexicon: &Lexicon) -> Self {
        let mut words = Self {
            text,
            lower: text.to_ascii_lowercase(),
            list: Vec::with_capacity(text.len() / 5 + 2),
        };
        let mut gap = Gap::Space;
        let mut at = 0;
        let mut buffer = String::new();
        while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
            if c.is_whitespace() {
                at += c.len_utf8();
                continue;
            }
            if c == '-'
                && text.get(at..).is_some_and(|rest| rest.starts_with("- "))
                && text.get(..at).is_some_and(|before| before.ends_with(' '))
            {
                gap = gap.max(Gap::Stop);
            }
            let (end, symbol) = if let Some(end) = emoticon(text, at, lexicon) {
                (end, true)
            } else if c.is_alphanumeric() {
                (word_end(text, at), false)
            } else {
                let end = at + c.len_utf8();
                if c > '\u{2000}' && lexicon.id(text.get(at..end).unwrap_or_default()) > 0 {
                    (end, true)
                } else {
                    gap = gap.max(gap_of(c));
                    at = end;
                    continue;
                }
            };
            words.push(at..end, symbol, gap, lexicon, &mut buffer);
            gap = Gap::Space;
            at = end;
        }
        words
    }

    fn push(
        &mut self,
        range: std::ops::Range<usize>,
        symbol: bool,
        gap: Gap,
        lexicon: &Lexicon,
        buffer: &mut String,
    ) {
        let source = self.text.get(range.clone()).unwrap_or_default();
        let lower = self.lower.get(range.clone()).unwrap_or_default();
        let id = if symbol {
            lexicon.id(source)
        } else if lower.is_ascii() {
            lexicon.id(lower)
        } else {
            buffer.clear();
            buffer.extend(lower.chars().map(|c| if c == '’' { '\'' } else { c }));
            lexicon.id(buffer)
        };
        let id = if id == 0 && !symbol {
            squeezed(lower, lexicon, buffer)
        } else {
            id
        };
        let caps = source.len() > 1
            && source.bytes().any(|byte| byte.is_ascii_uppercase())
            && !source.bytes().any(|byte| byte.is_ascii_lowercase());
        self.list.push(Word {
            start: range.start,
            end: range.end,
            id,
            caps,
            symbol,
            gap,
        });
    }

    /// The lower-case bytes of a word.
    pub(in crate::sentiment) fn lower(&self, word: &Word) -> &str {
        self.lower.get(word.start..word.end).unwrap_or_default()
    }
}

const fn gap_of(c: char) -> Gap {
    match c {
        ',' | '、' => Gap::Comma,
        ';' | ':' | '.' | '(' | ')' | '…' | '–' | '—' | '!' | '?' | '~' => Gap::Stop,
        _ => Gap::Space,
    }
}

/// Letters and digits, with apostrophes between letters.
fn word_end(text: &str, from: usize) -> usize {
    let mut end = from;
    let mut chars = text.get(from..).unwrap_or_default().chars().peekable();
    while let Some(c) = chars.next() {
        let joins =
            matches!(c, '\'' | '’') && chars.peek().is_some_and(|next| next.is_alphanumeric());
        if !(c.is_alphanumeric() || joins) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// An emoticon such as `:-(` or `<3` that stands between white space, or after a word.
fn emoticon(text: &str, at: usize, lexicon: &Lexicon) -> Option<usize> {
    let rest = text.get(at..)?;
    let first = rest.bytes().next()?;
    if !matches!(
        first,
        b':' | b';' | b'=' | b'<' | b'8' | b'x' | b'X' | b'(' | b'>' | b'^' | b'T' | b'D' | b'\\'
    ) {
        return None;
    }
    if first.is_ascii_alphanumeric()
        && text
            .get(..at)
            .is_some_and(|before| before.ends_with(|c: char| !c.is_whitespace()))
    {
        return None;
    }
    let chunk = rest.split(char::is_whitespace).next().unwrap_or_default();
    let chunk = chunk.trim_end_matches(['.', ',', '!', '?']);
    let known = (2..=5).contains(&chunk.len())
        && chunk.bytes().any(|byte| byte.is_ascii_punctuation())
        && lexicon.symbol(chunk);
    known.then_some(at + chunk.len())
}

/// The number of a word with lengthened letters ("sooo", "baaad") written as usual.
fn squeezed(lower: &str, lexicon: &Lexicon, buffer: &mut String) -> u32 {
    let bytes = lower.as_bytes();
    if !bytes
        .windows(3)
        .any(|three| three.first() == three.get(1) && three.get(1) == three.get(2))
    {
        return 0;
    }
    for keep in [2, 1] {
        buffer.clear();
        let mut run = 0;
        let mut last = None;
        for c in lower.chars() {
            run = if last == Some(c) { run + 1 } else { 1 };
            last = Some(c);
            if run <= keep {
                buffer.push(c);
            }
        }
        let id = lexicon.id(buffer);
        if id > 0 {
            return id;
        }
    }
    0
}
