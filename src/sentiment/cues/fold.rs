//! Spelling made equal before phrases are looked up.
//!
//! Text and phrases go through the same folding, so that a phrase is written once: letters become
//! lower case, katakana becomes hiragana, apostrophes inside a word vanish (`don't`, `dont`),
//! hyphens, quotes and runs of white space become one space, and a drawn-out vowel after hiragana
//! (`ひどーい`) is dropped.
//!
//! What must stay true: [`Folded::range`] answers ranges on character boundaries of the text that
//! was folded, for any text and any match that begins and ends on characters of the folded text.

/// A folded text with the way back to the text it came from.
#[derive(Debug)]
pub(super) struct Folded<'a> {
    original: &'a str,
    /// The folded text.
    pub(super) text: String,
    /// Where stretches begin in `text` and in the original, within which each character has as many bytes in both.
    stretches: Vec<(usize, usize)>,
}

impl<'a> Folded<'a> {
    /// Folds `original`.
    pub(super) fn new(original: &'a str) -> Self {
        let mut folded = Self {
            original,
            text: String::with_capacity(original.len()),
            stretches: Vec::new(),
        };
        let mut before = None;
        // Where what stays as it is began.
        let mut plain = 0;
        let mut characters = original.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            // Kana that stay as they are and han, which are most of a Japanese text, and small letters.
            if matches!(character, 'ぁ'..='ゖ' | '一'..='龥' | 'a'..='z') {
                before = Some(character);
                continue;
            }
            folded.keep(plain, at);
            plain = at + character.len_utf8();
            let after = characters.peek().map(|&(_, next)| next);
            if let Some(kept) = fold(before, character, after)
                && !(kept == ' '
                    && folded
                        .text
                        .as_bytes()
                        .last()
                        .is_none_or(|&last| last == b' '))
            {
                folded.begin(at);
                folded.text.push(kept);
            }
            before = Some(character);
        }
        folded.keep(plain, original.len());
        folded
    }

    /// Takes over the bytes `start..end` of the original.
    fn keep(&mut self, start: usize, end: usize) {
        if start < end {
            self.begin(start);
            self.text
                .push_str(self.original.get(start..end).unwrap_or_default());
        }
    }

    /// What comes next is from byte `at` of the original.
    fn begin(&mut self, at: usize) {
        let here = self.text.len();
        let goes_on = self
            .stretches
            .last()
            .is_some_and(|(folded, original)| here - folded == at - original);
        if !goes_on {
            self.stretches.push((here, at));
        }
    }

    /// Where the character of the original begins that byte `at` of the folded text came from.
    fn origin(&self, at: usize) -> Option<usize> {
        if at >= self.text.len() {
            return None;
        }
        let after = self.stretches.partition_point(|&(folded, _)| folded <= at);
        let (folded, original) = self.stretches.get(after.checked_sub(1)?)?;
        Some(self.original.floor_char_boundary(original + at - folded))
    }

    /// The range of the original that the bytes `start..end` of the folded text came from.
    /// `None` for an empty range or one outside the text.
    pub(super) fn range(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        if start >= end {
            return None;
        }
        let first = self.origin(start)?;
        let last = self.origin(end - 1)?;
        let width = self.original.get(last..)?.chars().next()?.len_utf8();
        Some((first, last + width))
    }

    /// Whether the character of the original behind byte `at` of the folded text is katakana.
    pub(super) fn is_katakana(&self, at: usize) -> bool {
        let origin = self.origin(at);
        origin
            .and_then(|origin| self.original.get(origin..)?.chars().next())
            .is_some_and(is_katakana)
    }
}

/// Whether a phrase is a short word in katakana that would be an everyday syllable in hiragana
/// (`ダニ` in `いまだに`), so that it counts only where the text is in katakana too.
pub(super) fn is_short_katakana(phrase: &str) -> bool {
    phrase.chars().all(is_katakana) && phrase.chars().nth(3).is_none()
}

/// The folded form of a phrase.
pub(super) fn phrase(original: &str) -> String {
    Folded::new(original).text.trim_end().to_owned()
}

fn fold(before: Option<char>, character: char, after: Option<char>) -> Option<char> {
    match character {
        'a'..='z' | '0'..='9' | 'ぁ'..='ゖ' | '一'..='龥' => Some(character),
        'A'..='Z' => Some(character.to_ascii_lowercase()),
        '\'' | '’' | '‘' | '`' | '´' => {
            let inside = before.is_some_and(char::is_alphanumeric)
                && after.is_some_and(char::is_alphanumeric);
            (!inside).then_some(' ')
        }
        '-' | '‐' | '‑' | '–' | '—' | '"' | '“' | '”' | '*' | '_' | '(' | ')' | '[' | ']' | '/' => {
            Some(' ')
        }
        'ァ'..='ヶ' => char::from_u32(u32::from(character) - 0x60),
        'ー' | '〜' | '~' | '～' if before.is_some_and(is_hiragana) => None,
        _ if character.is_whitespace() => Some(' '),
        _ => Some(character),
    }
}

fn is_katakana(character: char) -> bool {
    matches!(character, 'ァ'..='ヶ' | 'ー')
}

fn is_hiragana(character: char) -> bool {
    matches!(character, 'ぁ'..='ん')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_phrase_fold_to_one() {
        assert_eq!(phrase("Don’t  CANCEL"), "dont cancel");
        assert_eq!(phrase("on-hold"), "on hold");
        assert_eq!(phrase("ガッカリ"), "がっかり");
        assert_eq!(phrase("ひどーい"), "ひどい");
        assert_eq!(phrase("サポート"), "さぽーと");
    }

    #[test]
    fn a_range_leads_back_to_whole_characters() {
        let text = "I don’t  like ガッカリ";
        let folded = Folded::new(text);
        let start = folded.text.find("dont like").unwrap();
        let (first, end) = folded.range(start, start + "dont like".len()).unwrap();
        assert_eq!(&text[first..end], "don’t  like");
    }
}
