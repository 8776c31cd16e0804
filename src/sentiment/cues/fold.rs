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
    /// For each byte of `text`, where its character begins in the original.
    origin: Vec<u32>,
}

impl<'a> Folded<'a> {
    /// Folds `original`; what lies beyond 4 GiB is left out.
    pub(super) fn new(original: &'a str) -> Self {
        let mut folded = Self {
            original,
            text: String::with_capacity(original.len()),
            origin: Vec::with_capacity(original.len()),
        };
        let mut before = None;
        let mut characters = original.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let Ok(at) = u32::try_from(at) else { break };
            // Kana that stay as they are and han, which are most of a Japanese text.
            if matches!(character, 'ぁ'..='ゖ' | '一'..='龥') {
                folded.text.push(character);
                folded.origin.extend([at; 3]);
                before = Some(character);
                continue;
            }
            let after = characters.peek().map(|&(_, next)| next);
            if let Some(kept) = fold(before, character, after)
                && !(kept == ' '
                    && folded
                        .text
                        .as_bytes()
                        .last()
                        .is_none_or(|&last| last == b' '))
            {
                folded.text.push(kept);
                let bytes = std::iter::repeat_n(at, kept.len_utf8());
                folded.origin.extend(bytes);
            }
            before = Some(character);
        }
        folded
    }

    /// The range of the original that the bytes `start..end` of the folded text came from.
    /// `None` for an empty range or one outside the text.
    pub(super) fn range(&self, start: usize, end: usize) -> Option<(usize, usize)> {
        if start >= end {
            return None;
        }
        let first = usize::try_from(*self.origin.get(start)?).ok()?;
        let last = usize::try_from(*self.origin.get(end - 1)?).ok()?;
        let width = self.original.get(last..)?.chars().next()?.len_utf8();
        Some((first, last + width))
    }

    /// Whether the character of the original behind byte `at` of the folded text is katakana.
    pub(super) fn is_katakana(&self, at: usize) -> bool {
        let origin = self
            .origin
            .get(at)
            .and_then(|&origin| usize::try_from(origin).ok());
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
