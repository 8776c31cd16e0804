//! Files of rules: TOML with `size_cap` and, under `[identity]`, a line for each namespace that is otherwise than by
//! default.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

use crate::{
    identity::rules::{Cardinality, NamespaceRules, Shared, parse_plain, show, wire},
    proto::v1::{self, IdentityRules, SharedMeaning},
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    size_cap: i32,
    #[serde(default)]
    identity: BTreeMap<String, String>,
}

/// Reads a file of rules. Blocked values are sent as they are written; the service normalises them.
pub(super) fn read(path: &Path) -> Result<IdentityRules, String> {
    let shown = path.display();
    let text = fs::read_to_string(path).map_err(|error| format!("{shown}: {error}"))?;
    rules(&text).map_err(|problem| format!("{shown}: {problem}"))
}

fn rules(text: &str) -> Result<IdentityRules, String> {
    let file: RulesFile = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut problems = Vec::new();
    let mut namespaces = Vec::new();
    for (namespace, text) in &file.identity {
        match parse_plain(namespace, text) {
            Ok(rules) => namespaces.push(wire(namespace, &rules)),
            Err(problem) => problems.push(format!("{namespace}: {problem}")),
        }
    }
    if !problems.is_empty() {
        return Err(problems.join("; "));
    }
    Ok(IdentityRules {
        namespaces,
        size_cap: file.size_cap,
    })
}

/// Rules of a namespace as a line of a file.
pub(super) fn describe(given: &v1::NamespaceRules) -> String {
    let mut rules = NamespaceRules::default_of(&given.namespace);
    if let Some(priority) = given.priority.and_then(|n| u8::try_from(n).ok()) {
        rules.priority = priority;
    }
    if let Some(limit) = given.limit.and_then(|n| u32::try_from(n).ok()) {
        rules.cardinality = match limit {
            0 => Cardinality::Free,
            limit => Cardinality::Limit(limit),
        };
    }
    if let Some(limit) = given.hub_limit.and_then(|n| u32::try_from(n).ok()) {
        rules.hub_limit = limit;
    }
    rules.shared = match given.shared() {
        SharedMeaning::Newest | SharedMeaning::Unspecified => Shared::Newest,
        SharedMeaning::Apart => Shared::Apart,
        SharedMeaning::Nobody => Shared::Nobody,
    };
    rules.blocked.clone_from(&given.blocked_values);
    show(&rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_is_otherwise_and_shows_as_it_was_written() {
        let read =
            rules("size_cap = 900\n[identity]\nemail = \"limit 5, block 不明さん\"\n").unwrap();
        assert_eq!(read.size_cap, 900);
        assert_eq!(
            describe(&read.namespaces[0]),
            "limit 5, hub 5, newest, priority 30, block 不明さん"
        );
        assert_eq!(rules("").unwrap(), IdentityRules::default());
        let wrong = rules("[identity]\nemail = \"limit x\"\ncookie = \"twice\"\n").unwrap_err();
        assert!(
            wrong.contains("cookie: `twice`") && wrong.contains("email: limit"),
            "{wrong}"
        );
        assert!(rules("[identities]\n").is_err());
    }
}
