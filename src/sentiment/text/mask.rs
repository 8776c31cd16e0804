//! Addresses and numbers that say nothing of a feeling.
//!
//! URLs, e-mail addresses and phone numbers become as many spaces as they had bytes, so positions do
//! not move. One pass by hand: a set of patterns would cost more than all scoring.

/// Masks in place. Only whole runs of ASCII are replaced, so the text stays valid UTF-8.
pub(super) fn mask(text: &mut String) {
    let bytes = text.as_bytes();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if !byte.is_ascii() {
            // Behind the head of a character of three bytes two more of it follow.
            at += if matches!(byte, 0xe0..=0xef) { 3 } else { 1 };
            continue;
        }
        let end = match byte {
            b'h' | b'H' | b'w' | b'W' if starts_word(bytes, at) => url(bytes, at),
            b'@' => {
                if let Some((start, end)) = email(bytes, at) {
                    found.push((start, end));
                    at = end;
                    continue;
                }
                handle(bytes, at)
            }
            b'0'..=b'9' | b'+' | b'(' if starts_number(bytes, at) => phone(bytes, at),
            _ => None,
        };
        if let Some(end) = end {
            found.push((at, end));
            at = end;
        } else {
            at += 1;
        }
    }
    for (start, end) in found {
        text.replace_range(start..end, &" ".repeat(end - start));
    }
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0
        || bytes
            .get(at - 1)
            .is_none_or(|before| !before.is_ascii_alphanumeric())
}

fn starts_number(bytes: &[u8], at: usize) -> bool {
    at == 0
        || bytes.get(at - 1).is_none_or(|before| {
            !before.is_ascii_alphanumeric() && !matches!(before, b'+' | b'.' | b'-' | b'$')
        })
}

fn run(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    from + bytes
        .get(from..)
        .unwrap_or_default()
        .iter()
        .take_while(|byte| belongs(**byte))
        .count()
}

fn url(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    let starts = |prefix: &str| {
        rest.get(..prefix.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if !(starts("http://") || starts("https://") || starts("www.")) {
        return None;
    }
    let mut end = run(bytes, at, |byte| {
        byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"')
    });
    while end > at
        && matches!(
            bytes.get(end - 1),
            Some(b'.' | b',' | b'!' | b'?' | b')' | b';' | b':')
        )
    {
        end -= 1;
    }
    Some(end)
}

fn email(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let local = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+' | b'-' | b'%')
    };
    let before = bytes
        .get(..at)?
        .iter()
        .rev()
        .take_while(|byte| local(byte))
        .count();
    let mut end = run(bytes, at + 1, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-')
    });
    while end > at + 1 && matches!(bytes.get(end - 1), Some(b'.' | b'-')) {
        end -= 1;
    }
    let dotted = bytes.get(at + 1..end)?.contains(&b'.');
    (before > 0 && dotted).then_some((at - before, end))
}

/// A name such as `@example` is whom the text is written to.
fn handle(bytes: &[u8], at: usize) -> Option<usize> {
    let end = run(bytes, at + 1, |byte| {
        byte.is_ascii_alphanumeric() || byte == b'_'
    });
    (end > at + 2).then_some(end)
}

/// Nine to fifteen digits in groups, as phone numbers are written.
fn phone(bytes: &[u8], at: usize) -> Option<usize> {
    let mut digits = 0;
    let mut end = at;
    let mut gap = 0;
    for (offset, byte) in bytes.get(at..)?.iter().enumerate().take(24) {
        match byte {
            b'0'..=b'9' => {
                digits += 1;
                gap = 0;
                end = at + offset + 1;
            }
            b'+' if offset == 0 => {}
            b'-' | b' ' | b'(' | b')' if gap < 2 => gap += 1,
            _ => break,
        }
    }
    (9..=15).contains(&digits).then_some(end)
}
