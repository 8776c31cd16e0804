//! The catalogue of `examples/actions`: it is sound, covers what it says it covers, and can be written and read again.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    super::{Document, Entry, Import, check::Known, export},
    import,
};
use crate::next_best_action::model::{
    Definition, Issue, LanguageTag, Reach, Status, Valid, choose,
};

const FILES: [&str; 7] = [
    "policy", "segments", "serve", "retain", "sell", "nurture", "listen",
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/actions")
}

fn starter() -> Import {
    let texts =
        FILES.map(|name| fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap());
    let texts = texts.each_ref().map(String::as_str);
    match import(&texts, &Known::default()) {
        Ok(import) => import,
        Err(wrong) => {
            let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            panic!(
                "{}",
                wrong.join(
                    "
"
                )
            )
        }
    }
}

fn definitions(import: &Import) -> impl Iterator<Item = &Definition> {
    import
        .actions
        .iter()
        .map(|(definition, _)| definition.get())
}

#[test]
fn every_file_is_one_of_those_that_are_read_here() {
    let mut there: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    there.sort();
    let mut known = FILES;
    known.sort_unstable();
    assert_eq!(there, known);
}

#[test]
fn it_covers_every_issue_every_channel_and_every_placement() {
    let import = starter();
    let policy = import.policy.as_ref().unwrap().get();
    let issues: BTreeSet<Issue> = definitions(&import).map(|action| action.issue).collect();
    assert_eq!(issues.len(), Issue::ALL.len());
    for channel in ["web", "app", "email", "phone", "store"] {
        let through = |action: &Definition| action.channels.iter().any(|name| name == channel);
        assert!(
            definitions(&import)
                .filter(|action| through(action))
                .count()
                >= 3,
            "{channel}"
        );
    }
    for place in &policy.placements {
        let fills = |action: &Definition| {
            action.channels.contains(&place.channel)
                && (action.placements.is_empty() || action.placements.contains(&place.name))
        };
        assert!(definitions(&import).any(fills), "{}", place.name);
        // Who is there already is never left without an answer; nobody is disturbed for a fallback's sake.
        let inbound = policy.reach(place) == Some(Reach::Inbound);
        let has_own_fallback = place.fallback.is_some() || place.name == "web_cart";
        assert_eq!(inbound, has_own_fallback, "{}", place.name);
    }
    assert!(definitions(&import).count() >= 24);
    assert!(
        import
            .actions
            .iter()
            .all(|(_, status)| *status == Status::Active)
    );
}

#[test]
fn every_action_speaks_japanese_and_english() {
    let import = starter();
    let [ja, en, fr]: [LanguageTag; 3] = ["ja-JP", "en-GB", "fr"].map(|tag| tag.parse().unwrap());
    for action in definitions(&import) {
        let of = |wanted| choose(&action.texts, wanted, &ja).unwrap();
        let is_japanese = |text: &str| text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c));
        let (japanese, english) = (of(&ja), of(&en));
        assert!(
            is_japanese(&format!("{}{}", japanese.title, japanese.body)),
            "{}",
            action.id
        );
        assert!(
            !is_japanese(&format!("{}{}", english.title, english.body)),
            "{}",
            action.id
        );
        assert_eq!(of(&fr).locale, japanese.locale);
        assert_eq!(japanese.link, english.link, "{}", action.id);
    }
}

#[test]
fn it_is_read_as_it_is_written() {
    let import = starter();
    let entry = |(definition, status): &(Valid<Definition>, Status)| Entry {
        definition: definition.get().clone(),
        status: *status,
    };
    let document = Document {
        policy: import.policy.as_ref().map(|policy| policy.get().clone()),
        segments: import
            .segments
            .iter()
            .map(|one| one.get().clone())
            .collect(),
        actions: import.actions.iter().map(entry).collect(),
    };
    let text = export(&document);
    assert_eq!(super::import(&[&text], &Known::default()).unwrap(), import);
}

#[test]
fn what_reaches_out_is_capped_and_what_sells_spares_the_upset() {
    let import = starter();
    let policy = import.policy.as_ref().unwrap().get();
    for action in definitions(&import) {
        let outbound = policy.placements.iter().any(|place| {
            policy.reach(place) == Some(Reach::Outbound) && action.placements.contains(&place.name)
        });
        assert!(
            !outbound || !action.caps.is_empty(),
            "{} has no cap",
            action.id
        );
        assert!(
            !action.placements.is_empty() || action.issue == Issue::Serve,
            "{}",
            action.id
        );
        assert!(action.prior.is_some(), "{} has no prior", action.id);
    }
}

#[test]
fn every_segment_that_a_rule_asks_for_is_there() {
    let import = starter();
    let there: BTreeSet<&str> = import
        .segments
        .iter()
        .map(|one| one.get().name.as_str())
        .collect();
    let mut asked = BTreeSet::new();
    for action in definitions(&import) {
        let rules = action
            .rules()
            .flat_map(|(_, rules)| rules)
            .map(|rule| &rule.rule);
        let weights = action.context.iter().map(|weight| &weight.when);
        for text in rules.chain(weights) {
            let named = text.split("segment(\"").skip(1);
            asked.extend(named.filter_map(|rest| rest.split('"').next()));
        }
    }
    assert!(!asked.is_empty());
    assert_eq!(
        asked.difference(&there).count(),
        0,
        "{asked:?} of {there:?}"
    );
}

#[test]
fn the_readme_names_every_action_and_segment() {
    let import = starter();
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for action in definitions(&import) {
        assert!(
            readme.contains(&format!("`{}`", action.id)),
            "{}",
            action.id
        );
    }
    for segment in &import.segments {
        assert!(readme.contains(&format!("`{}`", segment.get().name)));
    }
}
