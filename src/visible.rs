//! Text of customers, made fit to be looked at: what cannot be seen is replaced by what can, and lengths are in columns.
//!
//! What must stay true: nothing that [`visible`] returns moves a cursor, changes a colour or the direction of writing, or
//! hides a character.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Stands for a character that must not reach a terminal.
const REPLACED: char = '\u{fffd}';
/// Stands for a line break.
const BREAK: char = '↵';
/// Carries a mark that has nothing before it.
const CARRIER: char = '\u{25cc}';
/// Marks upon one character. No script needs as many; more of them paint over the lines above.
const MARKS: usize = 8;
/// Ends what was cut.
const CUT: &str = "…";

/// The text in one line, with everything replaced that a terminal would act on or not show.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut marks = 0;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' && chars.peek() == Some(&'\n') {
            continue;
        }
        let c = replaced(c);
        if c.width() != Some(0) {
            marks = 0;
        } else if shown.is_empty() {
            shown.push(CARRIER);
            marks = 1;
        } else {
            marks += 1;
        }
        match marks {
            0..=MARKS => shown.push(c),
            // Once for all that are left out.
            n if n == MARKS + 1 => shown.push(REPLACED),
            _ => (),
        }
    }
    Cow::Owned(shown)
}

fn replaced(c: char) -> char {
    match c {
        '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => BREAK,
        '\t' => ' ',
        '\u{7f}' => '\u{2421}',
        // The pictures of control characters are in their order.
        c if c < ' ' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(REPLACED),
        c if is_hidden(c) => REPLACED,
        c => c,
    }
}

/// Whether a character is not seen but changes what is: the controls above ASCII, those of the direction of writing, and
/// fillers. Joiners and variation selectors stay, since scripts and emoji need them.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e00ff}' | '\u{e01f0}'..='\u{e0fff}')
}

/// How many columns a visible text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// At most `most` columns of a visible text, with an ellipsis where something is left out. Nothing that is seen as one
/// character is taken apart.
#[must_use]
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if width(text) <= most {
        return Cow::Borrowed(text);
    }
    let Some(room) = most.checked_sub(width(CUT)) else {
        return Cow::Borrowed("");
    };
    let (kept, _) = split(text, room);
    Cow::Owned(format!("{}{CUT}", kept.trim_end()))
}

/// A text in two at a column, between what is seen as one character.
fn split(text: &str, at: usize) -> (&str, &str) {
    let mut columns = 0;
    for (start, cluster) in text.grapheme_indices(true) {
        columns += width(cluster);
        if columns > at {
            return text.split_at(start);
        }
    }
    (text, "")
}

/// A text of several lines, made visible and broken at this many columns: at a space where there is one.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = visible(line);
        let mut rest: &str = &line;
        while width(rest) > columns {
            let (mut taken, _) = split(rest, columns);
            if let Some(space) = taken.rfind(' ').filter(|at| *at > 0) {
                taken = &taken[..space];
            }
            if taken.is_empty() {
                // Not even one character fits.
                break;
            }
            lines.push(taken.trim_end().to_owned());
            rest = rest[taken.len()..].trim_start();
        }
        lines.push(cut(rest, columns).into_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_replaced_by_what_can_be_seen() {
        assert_eq!(visible("plain 山田"), "plain 山田");
        assert_eq!(visible("\u{1b}[31mred\u{1b}[0m"), "␛[31mred␛[0m");
        assert_eq!(visible("\u{1b}]0;title\u{7}"), "␛]0;title␇");
        assert_eq!(visible("a\u{9b}31mb\u{7f}"), "a�31mb␡");
        assert_eq!(visible("a\r\nb\rc\td"), "a↵b␍c d");
        assert_eq!(visible("\u{202e}gpj.exe"), "�gpj.exe");
        assert_eq!(visible("pay\u{200b}pal\u{2066}x\u{2069}"), "pay�pal�x�");
        assert_eq!(visible("a\u{2028}b\u{85}c"), "a↵b↵c");
    }

    #[test]
    fn marks_without_a_character_or_without_end_stay_in_their_place() {
        assert_eq!(visible("\u{301}a"), "◌\u{301}a");
        let many = format!("a{}b", "\u{301}".repeat(500));
        let kept = format!("a{}�b", "\u{301}".repeat(MARKS));
        assert_eq!(visible(&many), kept);
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(visible(family), family);
    }

    #[test]
    fn lengths_are_in_columns() {
        assert_eq!(width("山田 花子"), 9);
        assert_eq!(width("ﾔﾏﾀﾞ"), 4, "half-width kana with its mark");
        assert_eq!(width("👩\u{200d}👩\u{200d}👧"), 2);
        assert_eq!(width("e\u{301}"), 1);
    }

    #[test]
    fn cutting_keeps_whole_characters() {
        assert_eq!(cut("山田花子", 8), "山田花子");
        assert_eq!(cut("山田花子", 7), "山田花…");
        assert_eq!(cut("山田花子", 6), "山田…");
        assert_eq!(cut("a👩\u{200d}👩\u{200d}👧bc", 3), "a…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_else_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(
            wrap("ご不便をおかけして", 8),
            ["ご不便を", "おかけし", "て"]
        );
        assert_eq!(wrap("a\n\nb", 8), ["a", "", "b"]);
    }

    proptest! {
        #[test]
        fn visible_text_stays_so_and_fits(text in ".{0,40}|[\\PC\\pC\\pM]{0,40}", most in 0usize..30) {
            let shown = visible(&text).into_owned();
            prop_assert!(!shown.chars().any(is_hidden), "{shown:?}");
            prop_assert_eq!(visible(&shown).into_owned(), shown.clone());
            prop_assert!(width(&cut(&shown, most)) <= most);
            for line in wrap(&text, most) {
                prop_assert!(width(&line) <= most, "{line:?}");
            }
        }
    }
}
