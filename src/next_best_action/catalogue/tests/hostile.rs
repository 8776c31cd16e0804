//! Texts that mean harm end soon and in a clear error.

use std::{fmt::Write as _, time::Duration};

use super::{
    super::{Violation, check::Known, limits},
    import,
};
use crate::worked;

fn refused(text: &str) -> Violation {
    let begun = worked::so_far();
    let mut wrong = import(&[text], &Known::default()).expect_err("refused");
    let spent = worked::since(begun);
    assert!(wrong.len() <= limits::MAX_VIOLATIONS);
    assert!(
        wrong
            .iter()
            .all(|v| v.path.len() < 1_000 && v.text.len() < 1_000)
    );
    assert!(
        spent < Duration::from_secs(5),
        "{spent:?} for {}",
        &text[..20]
    );
    wrong.remove(0)
}

/// As much of a text as an import takes.
fn full(part: &str) -> String {
    part.repeat(limits::MAX_YAML_BYTES / part.len())
}

#[test]
fn more_than_a_mebibyte_is_not_read() {
    let text = "#".repeat(limits::MAX_YAML_BYTES + 1);
    assert_eq!(refused(&text).reason, "too_large");
    let half = "#".repeat(limits::MAX_YAML_BYTES / 2 + 1);
    let wrong = import(&[&half, &half], &Known::default()).unwrap_err();
    assert_eq!((wrong.len(), wrong[0].reason), (1, "too_large"));
    let wrong = import(&["a: b"; limits::MAX_DOCUMENTS + 1], &Known::default()).unwrap_err();
    assert_eq!((wrong.len(), wrong[0].reason), (1, "too_many"));
    let wrong = import(&[], &Known::default()).unwrap_err();
    assert_eq!((wrong.len(), wrong[0].reason), (1, "required"));
}

#[test]
fn depth_is_bounded() {
    for part in ["[", "{a: ", "- ", "? ", "[[[[{"] {
        let wrong = refused(&full(part));
        assert!(
            ["too_deep", "malformed"].contains(&wrong.reason),
            "{part}: {wrong}"
        );
    }
    let nested = format!("a: {}1{}", "[".repeat(9), "]".repeat(9));
    assert_eq!(refused(&nested).reason, "too_deep");
    let nested = format!("a: {}1{}", "[".repeat(7), "]".repeat(7));
    assert_ne!(refused(&nested).reason, "too_deep");
}

#[test]
fn aliases_do_not_grow() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for i in 1..30 {
        let last = format!("*a{}, ", i - 1).repeat(9);
        writeln!(bomb, "a{i}: &a{i} [{last}]").unwrap();
    }
    let wrong = refused(&bomb);
    assert_eq!((wrong.reason, wrong.line), ("not_allowed_here", Some(1)));
    assert_eq!(refused("a: &a [*a]\n").reason, "not_allowed_here");
    let wrong = import(&["a: &a 1\nb: *a\n"], &Known::default()).unwrap_err();
    let refused = wrong.iter().filter(|v| v.reason == "not_allowed_here");
    let lines: Vec<Option<u32>> = refused.map(|v| v.line).collect();
    assert_eq!(lines, [Some(1), Some(2)], "the anchor and the alias");
}

#[test]
fn keys_values_and_lists_are_bounded() {
    let keys: Vec<String> = (0..150_000).map(|i| format!("k{i}:")).collect();
    let keys = keys.join("\n");
    assert_eq!(
        refused(&keys[..limits::MAX_YAML_BYTES - 8]).reason,
        "too_many"
    );
    let values = format!("catalogue: 1\nactions: [{}]", "a,".repeat(200_000));
    assert_eq!(refused(&values).reason, "too_many");
    let key = format!("{}: 1", "k".repeat(65));
    assert_eq!(refused(&key).reason, "too_long");
}

#[test]
fn everything_that_scans_badly_is_refused_in_time() {
    for part in [
        "!",
        "&",
        "*",
        "|",
        ">",
        "%",
        "@",
        "`",
        "\"",
        "'",
        "-",
        "?",
        ":",
        ",",
        "#",
        "]",
        "}",
        "\t",
        "\n",
        " ",
        "\r",
        "\u{feff}",
        "\0",
        "---\n",
        "...\n",
        "%YAML 1.2\n---\n",
        "a: |\n ",
        "!!str ",
        "? a\n",
        "- - ",
        "a:\n ",
        "\"\\",
        "\"\\u",
        "あ",
        "a: b\n",
        "a b c ",
        "'a",
        "{a, ",
        "[a: b, ",
    ] {
        refused(&full(part));
    }
}

#[test]
fn a_rule_that_is_refused_at_length_is_told_briefly() {
    let rule = "wrong ".repeat(600);
    let text = format!("catalogue: 1\nsegments: [{{name: a, rule: \"{rule}\"}}]\n");
    let wrong = import(&[&text], &Known::default()).unwrap_err();
    let said = wrong.iter().filter(|v| v.reason == "rule_invalid").count();
    assert_eq!(said, limits::MAX_RULE_FINDINGS);
}
