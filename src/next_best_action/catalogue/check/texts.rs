//! The words of an action.

use super::{
    super::{
        limits::{
            MAX_BODY_CHARS, MAX_CALL_TO_ACTION_CHARS, MAX_LINK_BYTES, MAX_TEXTS, MAX_TITLE_CHARS,
        },
        violation::{
            Findings, Path,
            reason::{CONTRADICTS, DUPLICATE_NAME, MALFORMED, REQUIRED, TEXT_MISSING, TOO_LONG},
        },
    },
    fields::{count, each_once, line, prose},
};
use crate::next_best_action::model::{LanguageTag, Text, choose};

pub(super) fn texts(path: Path<'_>, texts: &[Text], default: &LanguageTag, found: &mut Findings) {
    count(path, texts.len(), MAX_TEXTS, found);
    if choose(texts, default, default).is_none() {
        let text = "needs a text in the default language of the policy";
        found.add(path, TEXT_MISSING, text);
    }
    for text in texts {
        words(path.key(text.locale.as_str()), text, found);
    }
    let names = texts.iter().map(|text| text.locale.as_str());
    each_once(names, |place| {
        let Some(text) = texts.get(place) else { return };
        let path = path.key(text.locale.as_str());
        found.add(path, DUPLICATE_NAME, "is said twice");
    });
}

fn words(path: Path<'_>, text: &Text, found: &mut Findings) {
    let title = path.key("title");
    if text.title.trim().is_empty() {
        found.add(title, REQUIRED, "may not be empty");
    }
    line(title, &text.title, MAX_TITLE_CHARS, found);
    prose(path.key("body"), &text.body, MAX_BODY_CHARS, found);
    let button = path.key("call_to_action");
    line(
        button,
        &text.call_to_action,
        MAX_CALL_TO_ACTION_CHARS,
        found,
    );
    link(path.key("link"), &text.link, found);
    if !text.link.is_empty() && text.call_to_action.is_empty() {
        found.add(button, CONTRADICTS, "a link needs words on its button");
    }
}

/// A link that leads to a page over an encrypted connection, or to one of the own site. No other scheme: a link is put on a page as
/// it is.
fn link(path: Path<'_>, link: &str, found: &mut Findings) {
    if link.is_empty() {
        return;
    }
    if link.len() > MAX_LINK_BYTES {
        found.add(path, TOO_LONG, format!("at most {MAX_LINK_BYTES} bytes"));
    }
    let clean = link
        .bytes()
        .all(|b| b.is_ascii_graphic() && !b"\"'<>\\`{}|^".contains(&b));
    let own = link.starts_with('/') && !link.starts_with("//");
    let away = link.strip_prefix("https://").is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && !host.starts_with([':', '.'])
    });
    if !(clean && (own || away)) {
        let form = "https:// and a host, or a path that starts with one /, percent-encoded";
        found.add(path, MALFORMED, form);
    }
}
