//! What is wrong with the form of a text, with its lines.

use super::wrong_with;

fn with(lines: &str) -> String {
    format!("catalogue: 1\n{lines}")
}

fn first(text: &str) -> (String, &'static str, Option<u32>) {
    let mut wrong = wrong_with(text);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let (path, reason, line) = wrong.remove(0);
    let path = path.strip_prefix("documents[0]").unwrap_or(&path);
    let path = path.strip_prefix('.').unwrap_or(path);
    (path.to_owned(), reason, line)
}

#[test]
fn what_is_no_catalogue_is_told_by_line_and_path() {
    for (text, path, reason, line) in [
        ("", "", "required", 1),
        ("# nothing\n", "", "required", 1),
        ("just text", "", "malformed", 1),
        ("- 1\n- 2\n", "", "malformed", 1),
        ("actions: [\n", "actions[0]", "malformed", 2),
        ("a: b: c\n", "", "malformed", 1),
        ("catalogue: 2\n", "catalogue", "out_of_range", 1),
        ("actions: []\n", "catalogue", "required", 1),
        ("catalogue: \"1\"\n", "catalogue", "malformed", 1),
        ("catalogue: one\n", "catalogue", "malformed", 1),
        ("catalogue:\n", "catalogue", "required", 1),
        (
            "catalogue: 99999999999999999999\n",
            "catalogue",
            "out_of_range",
            1,
        ),
        (
            "catalogue: 1\ncatalogue: 1\n",
            "catalogue",
            "duplicate_name",
            2,
        ),
        (
            "catalogue: 1\n---\ncatalogue: 1\n",
            "",
            "not_allowed_here",
            2,
        ),
        ("catalogue: 1\nactionz: []\n", "actionz", "unknown_key", 2),
        ("catalogue: 1\nactions: 7\n", "actions", "malformed", 2),
        ("catalogue: 1\nactions: {}\n", "actions", "malformed", 2),
        ("catalogue: !!int 1\n", "catalogue", "not_allowed_here", 1),
        ("catalogue: &a 1\n", "catalogue", "not_allowed_here", 1),
        ("catalogue: 1\n? [a]\n: b\n", "", "malformed", 2),
        ("catalogue: 1\n? {a: b}\n: b\n", "", "malformed", 2),
        ("catalogue: 1\n<<: {actions: []}\n", "<<", "unknown_key", 2),
    ] {
        let (found_path, found_reason, found_line) = first_of(text);
        assert_eq!(
            (found_path.as_str(), found_reason, found_line),
            (path, reason, Some(line)),
            "{text:?}"
        );
    }
}

/// The first violation, where others may follow from it.
fn first_of(text: &str) -> (String, &'static str, Option<u32>) {
    let (path, reason, line) = wrong_with(text).remove(0);
    let path = path.strip_prefix("documents[0]").unwrap_or(&path);
    let path = path.strip_prefix('.').unwrap_or(path);
    (path.to_owned(), reason, line)
}

#[test]
fn every_part_is_told_where_it_is() {
    let text = with(
        "\
actions:
  - id: a
    issue: serv
    group: [x]
    channels: web
    value: {points: 1, currency: JPY}
    attribution_days: -1
    mandatory: yes
    valid_from: tomorrow
    caps:
      - {scope: action, counts: seen, limit: 1.5, window: 1w, pause: 0m}
    prior: {propensity: 1e-2, evidence: .5}
    texts:
      ja: {title: a, colour: red}
      JA: {title: a}
      日本: {title: a}
    colour: red
",
    );
    let expected = [
        ("issue", "unknown_enum_value", 4),
        ("group", "malformed", 5),
        ("channels", "malformed", 6),
        ("value", "contradicts", 7),
        ("attribution_days", "out_of_range", 8),
        ("valid_from", "malformed", 10),
        ("caps[0].counts", "unknown_enum_value", 12),
        ("caps[0].limit", "malformed", 12),
        ("caps[0].window", "malformed", 12),
        ("prior.propensity", "malformed", 13),
        ("prior.evidence", "malformed", 13),
        ("mandatory", "malformed", 9),
        ("texts.ja.colour", "unknown_key", 15),
        ("texts.JA", "duplicate_name", 16),
        ("texts.日本", "malformed", 17),
        ("colour", "unknown_key", 18),
    ];
    let mut wrong = wrong_with(&text);
    wrong.retain(|(path, ..)| path.starts_with("documents[0].actions[0]."));
    let expected = expected.map(|(path, reason, line)| {
        (
            format!("documents[0].actions[0].{path}"),
            reason,
            Some(line),
        )
    });
    wrong.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(wrong, expected);
}

#[test]
fn of_what_is_no_map_nothing_is_missing() {
    for text in [
        "policy: x\n",
        "segments: [x]\n",
        "actions: [x]\n",
        "actions: [[]]\n",
    ] {
        let (_, reason, line) = first(&with(text));
        assert_eq!((reason, line), ("malformed", Some(2)), "{text}");
    }
}

#[test]
fn a_value_is_money_or_points() {
    for (value, path, reason) in [
        ("{}", "value", "required"),
        ("{floor: 1}", "value", "required"),
        ("{currency: JPY}", "value.minor_units", "required"),
        ("{minor_units: 1}", "value.currency", "required"),
        ("{points: 1, minor_units: 1}", "value", "contradicts"),
        ("{points: 1, colour: red}", "value.colour", "unknown_key"),
        ("{points: }", "value.points", "required"),
    ] {
        let text = with(&format!("actions: [{{id: a, value: {value}}}]\n"));
        let path = format!("documents[0].actions[0].{path}");
        let mut wrong = wrong_with(&text);
        wrong.retain(|(path, ..)| path.contains("value"));
        assert_eq!(wrong, [(path, reason, Some(2))], "{value}");
    }
}

#[test]
fn a_policy_says_what_it_has_to() {
    let text = with("policy: {}\n");
    let needed = ["default_locale", "time_zone", "worth", "holdouts"];
    let mut wrong: Vec<_> = wrong_with(&text)
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    wrong.truncate(needed.len());
    assert_eq!(
        wrong,
        needed.map(|key| format!("documents[0].policy.{key}"))
    );
}

#[test]
fn words_mean_themselves_without_quotes() {
    // A country is not a truth value, and a version no number.
    let text = with("segments: [{name: no, rule: 1.10}]\n");
    assert_eq!(first(&text).1, "required", "only the policy is missing");
    let taken = super::super::take_apart(&[&text]);
    let segment = taken.segments().next().unwrap();
    assert_eq!(
        (segment.name.as_str(), segment.rule.as_str()),
        ("no", "1.10")
    );
}
