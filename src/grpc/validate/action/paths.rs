//! What the catalogue finds wrong, by the fields of the protocol.

use std::borrow::Cow;

use super::super::limits::MAX_VIOLATIONS;
use crate::{
    error::Violation,
    next_best_action::{catalogue, model::LanguageTag},
    proto::v1::ActionDefinition,
};

/// Something that is wrong with the definition of a request.
#[must_use]
pub fn definition_violation(
    found: &catalogue::Violation,
    said: Option<&ActionDefinition>,
) -> Violation {
    Violation {
        field: field(&found.path, said),
        reason: found.reason,
        description: found.text.clone(),
    }
}

/// Something that is wrong with the texts of an import; it begins with the line.
#[must_use]
pub fn document_violation(found: &catalogue::Violation) -> Violation {
    let description = match found.line {
        Some(line) => Cow::Owned(format!("line {line}: {}", found.text)),
        None => found.text.clone(),
    };
    Violation {
        field: found.path.clone(),
        reason: found.reason,
        description,
    }
}

/// The path of a file's key as the path of a field.
fn field(path: &str, said: Option<&ActionDefinition>) -> String {
    let Some(rest) = path.strip_prefix("definition.") else {
        return path.to_owned();
    };
    let (key, below) = match rest.find(['.', '[']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    match key {
        "id" => "definition.action_id".to_owned(),
        "consent" => format!("definition.consent_purposes{below}"),
        "value" => match below {
            ".currency" | ".minor_units" => format!("definition.value.money{below}"),
            _ => format!("definition.value{below}"),
        },
        "caps" => {
            let timed = [".window", ".pause"].iter().any(|end| below.ends_with(end));
            let unit = if timed { "_minutes" } else { "" };
            format!("definition.caps{below}{unit}")
        }
        "texts" => text(below, said),
        _ => path.to_owned(),
    }
}

/// A file has a text under its locale, a request in a list.
fn text(below: &str, said: Option<&ActionDefinition>) -> String {
    let Some(rest) = below.strip_prefix('.') else {
        return format!("definition.texts{below}");
    };
    let (tag, key) = match rest.split_once('.') {
        Some((tag, key)) => (tag, format!(".{key}")),
        None => (rest, String::new()),
    };
    let is_it = |locale: &str| {
        let spelled = locale.parse::<LanguageTag>();
        spelled.is_ok_and(|spelled| spelled.as_str() == tag)
    };
    let mut texts = said.iter().flat_map(|said| said.texts.iter());
    // Of a locale that is said twice the last one is the one too many.
    let last = texts.by_ref().enumerate().filter(|(_, t)| is_it(&t.locale));
    match last.last() {
        Some((n, _)) if key.is_empty() => format!("definition.texts[{n}].locale"),
        Some((n, _)) => format!("definition.texts[{n}]{key}"),
        None => "definition.texts".to_owned(),
    }
}

/// Adds violations, but for those that only follow from what is there: whatever lies on the way to it or below it.
pub fn add_what_does_not_follow(wrong: &mut Vec<Violation>, more: impl Iterator<Item = Violation>) {
    let before = wrong.len();
    for violation in more {
        let known = wrong.iter().take(before);
        let follows = |first: &Violation| {
            is_on_the_way(&first.field, &violation.field)
                || is_on_the_way(&violation.field, &first.field)
        };
        let new = !known.into_iter().any(follows);
        if new && wrong.len() < MAX_VIOLATIONS {
            wrong.push(violation);
        }
    }
}

/// Whether a path is another's or leads to it.
fn is_on_the_way(outer: &str, inner: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::ActionText;

    #[test]
    fn what_is_wrong_is_named_by_fields_of_the_protocol() {
        let text = |locale: &str| ActionText {
            locale: locale.to_owned(),
            ..ActionText::default()
        };
        let said = ActionDefinition {
            texts: vec![text("JA"), text("en"), text("ja")],
            ..ActionDefinition::default()
        };
        for (path, expected) in [
            ("definition.id", "definition.action_id"),
            ("definition.consent[1]", "definition.consent_purposes[1]"),
            (
                "definition.value.minor_units",
                "definition.value.money.minor_units",
            ),
            ("definition.value.points", "definition.value.points"),
            (
                "definition.caps[2].window",
                "definition.caps[2].window_minutes",
            ),
            ("definition.caps[2].limit", "definition.caps[2].limit"),
            ("definition.texts.en.title", "definition.texts[1].title"),
            ("definition.texts.ja", "definition.texts[2].locale"),
            ("definition.texts", "definition.texts"),
            (
                "definition.eligibility[0].rule",
                "definition.eligibility[0].rule",
            ),
            (
                "stored.placements[0].fallback",
                "stored.placements[0].fallback",
            ),
        ] {
            assert_eq!(field(path, Some(&said)), expected);
        }
    }

    #[test]
    fn what_follows_is_left_out() {
        let one = |field: &str| Violation {
            field: field.to_owned(),
            reason: "required",
            description: "".into(),
        };
        let mut wrong = vec![one("a.b"), one("c")];
        let more = ["a.b", "a", "c.d", "c[1]", "cd", "a.x"].map(one);
        add_what_does_not_follow(&mut wrong, more.into_iter());
        let fields: Vec<&str> = wrong.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["a.b", "c", "cd", "a.x"]);
    }
}
