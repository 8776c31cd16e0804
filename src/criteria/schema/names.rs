//! The name that was meant.

use super::AttributeId;

/// Functions of the language; no attribute has such a name.
pub(in super::super) const FUNCTIONS: &[&str] = &[
    "has",
    "within",
    "days_since",
    "hours_since",
    "days_until",
    "days_until_anniversary",
    "minutes",
    "hours",
    "days",
    "weeks",
    "date",
    "timestamp",
    "contains",
    "startsWith",
    "endsWith",
    "in",
    "true",
    "false",
];

/// Bytes of a word for which a name is looked for.
const MAX_WORD: usize = 40;

/// What people write who know other systems, and what it is here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("now", "ages are written `days_since(last_order) > 30`"),
    (
        "null",
        "whether there is a value is asked by `has(last_order)`",
    ),
    ("today", "ages are written `days_since(last_order) > 30`"),
    ("profile_age", "write `days_since(first_seen)`"),
    ("tenure", "write `days_since(first_seen)`"),
    ("days_since_last_order", "write `days_since(last_order)`"),
    (
        "recency",
        "write `days_since(last_order)`, or `recency_score`",
    ),
    ("age", "write `days_since(trait[\"birth_date\"])`"),
    ("email", "write `has_identifier(\"email\")`"),
    ("phone", "write `has_identifier(\"phone\")`"),
    ("nps", "write `survey_latest(\"nps\")`"),
    ("csat", "write `survey_latest(\"csat_5\")`"),
    ("ces", "write `survey_latest(\"ces_7\")`"),
    ("churn_risk", "write `leaving_risk`"),
    ("clv", "write `lifetime_value`"),
    ("ltv", "write `lifetime_value`"),
    ("revenue", "write `spend(\"EUR\")`"),
    ("traits", "write `trait[\"tier\"]`"),
    ("locale_language", "write `locale.startsWith(\"ja\")`"),
    ("duration", "write `days(30)` or `hours(12)`"),
    ("size", "lists and texts have no size here"),
    (
        "matches",
        "patterns are not supported; use `startsWith`, `endsWith` or `contains`",
    ),
    ("exists", "lists are asked by `\"a\" in trait[\"tags\"]`"),
    ("all", "lists are asked by `\"a\" in trait[\"tags\"]`"),
    ("int", "types are not converted"),
    ("double", "types are not converted"),
    ("string", "types are not converted"),
];

/// The name out of `names` that was probably meant.
pub(in super::super) fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    nearest_of(word, names.iter().copied())
}

fn nearest_of<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Distances take as long as both words together; names are short, and so is what was meant for one.
    if word.len() > MAX_WORD {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let letters_of_word = letters(&word);
    let near = names.filter_map(|name| {
        let far = (word.len().max(name.len()) / 3).max(1);
        // What is quickly seen to be another word is not measured: a change touches two letters at most.
        let other = (letters_of_word ^ letters(name)).count_ones();
        let may_be = word.len().abs_diff(name.len()) <= far
            && usize::try_from(other).is_ok_and(|other| other <= 2 * far);
        let distance = may_be.then(|| strsim::osa_distance(&word, name))?;
        (distance <= far).then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Which letters a word has, one a bit.
fn letters(word: &str) -> u32 {
    word.bytes()
        .fold(0, |letters, byte| letters | 1 << (byte & 31))
}

/// What to write instead of a name that nothing has.
///
/// Looking for a name takes longer than all else, so it is done when `search` says so.
pub(in super::super) fn unknown_attribute(word: &str, search: bool) -> String {
    if let Some((_, hint)) = OTHER_WORDS.iter().find(|(other, _)| *other == word) {
        return (*hint).to_owned();
    }
    let attributes = AttributeId::ALL.iter().map(|id| id.definition().name);
    let mut names = attributes.chain(FUNCTIONS.iter().copied());
    match search.then(|| nearest_of(word, &mut names)).flatten() {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/criteria.md lists all attributes; facts of your own are traits, as \
                 trait[\"tier\"]"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_name_and_nonsense_none() {
        assert_eq!(
            unknown_attribute("last_oder", true),
            "did you mean `last_order`?"
        );
        assert_eq!(
            unknown_attribute("Order_Count", true),
            "did you mean `order_count`?"
        );
        assert_eq!(
            unknown_attribute("nps", true),
            "write `survey_latest(\"nps\")`"
        );
        assert!(unknown_attribute("xyzzy_plugh_quux", true).starts_with("docs/"));
        assert_eq!(nearest("nsp", super::super::SCALES), Some("nps"));
    }

    #[test]
    fn words_of_other_systems_are_no_names_here() {
        for (word, _) in OTHER_WORDS {
            assert_eq!(super::super::find(word), None, "{word}");
            assert!(!FUNCTIONS.contains(word), "{word}");
        }
    }
}
