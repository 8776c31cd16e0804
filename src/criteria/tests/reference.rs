//! The reference page says what the code does.

use std::{fs, path::Path};

use crate::criteria::{
    FaultKind, Rule, Use,
    limits::{
        MAX_DEPTH, MAX_FAULTS, MAX_NESTING, MAX_NODES, MAX_SOURCE_BYTES, MAX_TOKENS,
        MAX_WINDOW_DAYS,
    },
    reference::attribute_tables,
    schema::{AttributeId, SCALES},
};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/criteria.md");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_tables_of_attributes_are_those_of_the_schema() {
    let page = page();
    let (_, rest) = page.split_once("<!-- attributes -->\n").unwrap();
    let (tables, _) = rest.split_once("<!-- /attributes -->").unwrap();
    let expected = attribute_tables();
    assert!(
        tables.trim() == expected.trim(),
        "docs/criteria.md needs these tables:\n{expected}"
    );
}

/// Blocks of the page that are fenced with a word.
fn blocks(page: &str, word: &str) -> Vec<String> {
    let fence = format!("```{word}\n");
    page.split(fence.as_str())
        .skip(1)
        .map(|block| block.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_example_is_a_rule() {
    let page = page();
    let rules: Vec<_> = blocks(&page, "cel")
        .concat()
        .lines()
        .map(str::to_owned)
        .collect();
    let rules: Vec<_> = rules
        .iter()
        .filter(|line| !line.trim().is_empty())
        .collect();
    assert!(rules.len() >= 20);
    for text in &rules {
        if let Err(faults) = Rule::parse(text, Use::Decision) {
            panic!("{text}: {}", faults[0].describe(text));
        }
    }
    // Every attribute but those that differ in their parameters from another is shown once.
    let all = rules
        .iter()
        .map(|text| text.as_str())
        .collect::<Vec<_>>()
        .join("\n");
    let shown = AttributeId::ALL
        .iter()
        .filter(|id| all.contains(id.definition().name));
    assert!(shown.count() * 2 > AttributeId::ALL.len());
}

#[test]
fn every_mistake_that_is_shown_is_told_like_this() {
    let page = page();
    let shown = blocks(&page, "mistakes").concat();
    let mut count = 0;
    for pair in shown.split("\n\n").filter(|pair| !pair.trim().is_empty()) {
        let (text, told) = pair.trim().split_once('\n').unwrap();
        let faults = Rule::parse(text, Use::Segment).unwrap_err();
        let expected: Vec<_> = faults.iter().map(|fault| fault.describe(text)).collect();
        assert_eq!(told, expected.join("\n"));
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn limits_reasons_and_scales_are_on_the_page() {
    let page = page();
    let limits = [
        format!("| bytes of the text | {MAX_SOURCE_BYTES} |"),
        format!("| words and signs | {MAX_TOKENS} |"),
        format!("| brackets and signs within each other | {MAX_NESTING} |"),
        format!("| levels of the tree | {MAX_DEPTH} |"),
        format!("| nodes of the tree | {MAX_NODES} |"),
        format!("| days of a window | {MAX_WINDOW_DAYS} |"),
        format!("| mistakes that are told | {MAX_FAULTS} |"),
    ];
    for limit in limits {
        assert!(page.contains(&limit), "{limit}");
    }
    for kind in [
        FaultKind::TooLarge,
        FaultKind::Syntax,
        FaultKind::Unsupported,
        FaultKind::UnknownName,
        FaultKind::Parameter,
        FaultKind::Type,
        FaultKind::Vocabulary,
        FaultKind::Scope,
    ] {
        assert!(page.contains(&format!("| `{}` |", kind.slug())), "{kind:?}");
    }
    for scale in SCALES {
        assert!(page.contains(&format!("`{scale}`")), "{scale}");
    }
}
