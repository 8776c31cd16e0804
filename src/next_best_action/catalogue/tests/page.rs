//! `docs/actions.md` says what the format has.

use super::super::limits;

const PAGE: &str = include_str!("../../../../docs/actions.md");
const EXAMPLE: &str = include_str!("sound.yaml");

#[test]
fn every_key_of_the_format_is_on_the_page() {
    let keys = EXAMPLE.lines().filter_map(|line| {
        let key = line
            .trim_start()
            .trim_start_matches("- ")
            .split(':')
            .next()?;
        let is_key = line.contains(':') && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        // Languages stand where keys stand.
        (is_key && !["en", "ja"].contains(&key)).then_some(key)
    });
    let mut count = 0;
    for key in keys.chain(["reach", "placements"]) {
        let said = PAGE.contains(&format!("`{key}`")) || PAGE.contains(&format!("\n{key}:"));
        assert!(said, "`{key}`");
        count += 1;
    }
    assert!(count > 100, "{count} keys");
}

#[test]
fn the_limits_on_the_page_are_those_that_are_enforced() {
    let thousands = |number: usize| match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    };
    for (number, around) in [
        (limits::MAX_ACTIONS, "at most # actions"),
        (limits::MAX_SEGMENTS, "At most #, each `name`"),
        (limits::MAX_VIOLATIONS, "up to # things"),
        (limits::MAX_DOCUMENTS, "takes 1 to # files"),
        (limits::MAX_YAML_DEPTH, "nests at most # deep"),
        (limits::MAX_YAML_NODES, "at most # values"),
        (limits::MAX_YAML_KEYS, "most # keys"),
        (limits::MAX_SLUG_BYTES, "a slug of at most # bytes"),
        (limits::MAX_DESCRIPTION_CHARS, "at most # characters"),
        (limits::MAX_ACTION_PLACEMENTS, "at most # placements"),
        (limits::MAX_CONTEXT_WEIGHTS, "at most # weights"),
        (limits::MAX_RULES, "at most # rules, each"),
        (limits::MAX_PURPOSES, "at most # purposes"),
        (limits::MAX_CAPS, "at most # rules of rest"),
        (limits::MAX_DEFINITION_BYTES / 1_024, "at most # KiB"),
        (limits::MAX_TITLE_CHARS, "1 to # characters in one line"),
        (limits::MAX_BODY_CHARS, "at most #, a `call_to_action`"),
        (limits::MAX_CALL_TO_ACTION_CHARS, "at most #. A `link`"),
        (limits::MAX_LINK_BYTES, "at most # bytes, percent-encoded"),
        (limits::MAX_GROUPS, "1 to #, each `name`, `issue`"),
        (limits::MAX_CHANNELS, "1 to #, each `name`, `reach`"),
        (limits::MAX_PLACEMENTS, "at most #, each `name`, `channel`"),
        (limits::MAX_CONTACT_RULES, "at most # caps that span"),
        (limits::MAX_QUIET_HOURS, "at most #, each `channels`"),
        (limits::MAX_SALT_BYTES, "`salt` (1 to # bytes)"),
    ] {
        let text = around.replace('#', &thousands(number));
        let one_line = PAGE.replace('\n', " ");
        assert!(one_line.contains(&text), "{text}");
    }
    assert_eq!(limits::MAX_YAML_BYTES, 1_024 * 1_024, "1 MiB on the page");
}

#[test]
fn the_mistakes_on_the_page_are_told_so() {
    let text = "\
catalogue: 1
actions:
  - id: offer
    issue: sell
    group: offers
    channels: [web]
    attribution_days: 7
    value:
      {points: 2, floor: 1}
    texts:
      ja:
        title: あ
    caps:
      - {scope: action, counts: impression, limit: 1, window: 1w, pause: 0m}
    #
    #
    colour: red
";
    let (policy, help) = (super::sound::policy(), super::sound::help());
    let known = super::Known {
        policy: Some(&policy),
        actions: &[(&help, crate::next_best_action::model::Status::Active)],
        segments: &[],
    };
    let mut told: Vec<String> = super::import(&[text], &known)
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect();
    told.sort();
    let said = PAGE
        .split("```text\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let mut said: Vec<&str> = said.lines().collect();
    said.sort_unstable();
    assert_eq!(told, said);
}
