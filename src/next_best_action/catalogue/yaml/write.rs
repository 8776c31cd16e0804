//! From a tree to its one text.
//!
//! Maps and lists of maps are written in block style, lists of values in one line. A text is written without quotes where every
//! reader takes it for that text, as a block where it has several lines, else in quotes.

use std::fmt::Write as _;

use super::super::node::{Node, Pair};

/// The text of a tree whose root is a map.
pub(in super::super) fn write(root: &Node) -> String {
    let mut out = String::new();
    if let Node::Map { entries, .. } = root {
        pairs(&mut out, entries, 0);
    }
    out
}

fn pairs(out: &mut String, entries: &[Pair], indent: usize) {
    for (place, pair) in entries.iter().enumerate() {
        // The first key of an item stands behind its dash.
        if place > 0 || out.is_empty() || out.ends_with('\n') {
            spaces(out, indent);
        }
        text(out, &pair.key, indent);
        out.push(':');
        value(out, &pair.value, indent + 2);
    }
}

/// What stands behind a colon, with the end of the line.
fn value(out: &mut String, node: &Node, indent: usize) {
    match node {
        Node::Map { entries, .. } if entries.is_empty() => out.push_str(" {}\n"),
        Node::Map { entries, .. } => {
            out.push('\n');
            pairs(out, entries, indent);
        }
        Node::List { items, .. } if items.iter().all(is_short) => {
            out.push_str(" [");
            for (place, item) in items.iter().enumerate() {
                if place > 0 {
                    out.push_str(", ");
                }
                scalar(out, item, indent);
            }
            out.push_str("]\n");
        }
        Node::List { items, .. } => {
            out.push('\n');
            for item in items {
                spaces(out, indent);
                out.push('-');
                match item {
                    Node::Map { entries, .. } if !entries.is_empty() => {
                        out.push(' ');
                        pairs(out, entries, indent + 2);
                    }
                    other => value(out, other, indent + 2),
                }
            }
        }
        Node::Scalar { .. } => {
            out.push(' ');
            scalar(out, node, indent);
            out.push('\n');
        }
    }
}

fn is_short(node: &Node) -> bool {
    matches!(node, Node::Scalar { text, .. } if !text.contains('\n'))
}

fn scalar(out: &mut String, node: &Node, indent: usize) {
    match node {
        Node::Scalar {
            text: written,
            plain: true,
            ..
        } => out.push_str(written),
        Node::Scalar { text: written, .. } => text(out, written, indent),
        Node::List { .. } | Node::Map { .. } => {}
    }
}

fn text(out: &mut String, written: &str, indent: usize) {
    if is_plain(written) {
        out.push_str(written);
    } else if written.contains('\n') && is_block(written) {
        out.push_str("|-");
        for line in written.split('\n') {
            out.push('\n');
            if !line.is_empty() {
                spaces(out, indent);
                out.push_str(line);
            }
        }
    } else if written.contains(['"', '\\']) && written.chars().all(shows) {
        out.push('\'');
        out.push_str(&written.replace('\'', "''"));
        out.push('\'');
    } else {
        quoted(out, written);
    }
}

/// Words that no reader takes for anything else: letters first, or a length of time such as `7d`.
fn is_plain(text: &str) -> bool {
    const TAKEN: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-/".contains(&b));
    let is_time = text
        .strip_suffix(['m', 'h', 'd'])
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    is_time || (is_word && !TAKEN.contains(&text.to_ascii_lowercase().as_str()))
}

/// Whether lines can stand as they are: none is blank, begins with a space, or ends with white space.
fn is_block(text: &str) -> bool {
    let mut lines = text.split('\n');
    let ends_well = !text.ends_with('\n') && !text.starts_with('\n');
    ends_well
        && lines.all(|line| {
            line.chars().all(shows)
                && !line.starts_with([' ', '\t'])
                && !line.ends_with([' ', '\t'])
        })
}

/// Whether a character can stand in a line as it is.
fn shows(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if shows(c) => out.push(c),
            c => {
                // Writing to a text cannot fail.
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

fn spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(of: &str) -> String {
        let mut out = String::new();
        text(&mut out, of, 2);
        out
    }

    #[test]
    fn what_other_readers_take_for_something_else_is_quoted() {
        for taken in [
            "true",
            "False",
            "NO",
            "y",
            "null",
            "~",
            "1",
            "1.5",
            "1e3",
            "0x1f",
            "0o7",
            ".inf",
            "21:00",
            "2026-01-01",
            "",
            "a: b",
            "a #b",
            "- a",
            "[a]",
            "&a",
            "*a",
            "!a",
            "@a",
            "%a",
            " a",
            "a ",
            "=",
            "<<",
            "=1",
        ] {
            let written = written(taken);
            assert!(written.starts_with(['"', '\'']), "{written}");
        }
        for plain in [
            "vip",
            "Asia/Tokyo",
            "JPY",
            "web_home_hero",
            "7d",
            "90m",
            "a-b",
        ] {
            assert_eq!(written(plain), plain);
        }
    }

    #[test]
    fn the_quotes_are_those_that_need_least_escapes() {
        assert_eq!(written("segment(\"it's\")"), "'segment(\"it''s\")'");
        assert_eq!(written("あ、い"), "\"あ、い\"");
        assert_eq!(written("a\nb"), "|-\n  a\n  b");
        assert_eq!(written("a\n b"), "\"a\\n b\"");
        assert_eq!(written("a\u{feff}"), "\"a\\U0000feff\"");
    }
}
