//! Where values are said: a TOML file and the environment, both flattened to keys.
//!
//! What must stay true: a value keeps its origin, so that whatever is wrong with it can be pointed at; the environment wins
//! over the file; of a secret only the origin is ever printed.

use std::{collections::BTreeMap, fs, path::Path};

use super::{
    path::Key,
    problem::{Origin, Problem},
};

/// What begins the name of every variable of ours.
pub(super) const PREFIX: &str = "CUSTOMER_PROFILE_";

/// Variables that begin like ours but are none of the service's settings: the file itself, and what tests, tools and commands
/// that call a service read.
const OTHERS: [&str; 5] = ["CONFIG", "DATA", "POSTGRES_BIN", "TOKEN_FILE", "URL"];

/// A value as it was said.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Raw {
    /// Text of an environment variable, to be read as whatever the setting is.
    Text(String),
    /// A value of the file, which has a type.
    Typed(toml::Value),
}

/// A value and its origin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// What.
    pub(super) raw: Raw,
    /// Where.
    pub(super) origin: Origin,
}

/// Everything that was said, by key.
pub(super) type Values = BTreeMap<Key, Said>;

/// Adds the values of a file.
pub(super) fn read_file(path: &Path, values: &mut Values, problems: &mut Vec<Problem>) {
    let origin = Origin::file(path);
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new(origin, format!("cannot be read: {error}")));
            return;
        }
    };
    match text.parse::<toml::Table>() {
        Ok(table) => {
            let mut flat = Flat {
                path: path.display().to_string(),
                values,
            };
            for (name, value) in table {
                flat.add(Key::new(vec![name]), value);
            }
        }
        Err(error) => problems.push(Problem::new(origin, syntax(&text, &error))),
    }
}

/// The message of a syntax error with its line, without the line's text, which may be a secret.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| {
        let before = text.get(..span.start).unwrap_or(text);
        before.matches('\n').count() + 1
    });
    format!("line {line}: {}", error.message().replace('\n', ", "))
}

struct Flat<'a> {
    path: String,
    values: &'a mut Values,
}

impl Flat<'_> {
    fn add(&mut self, key: Key, value: toml::Value) {
        if let toml::Value::Table(table) = value {
            for (name, value) in table {
                self.add(key.child(&name), value);
            }
            return;
        }
        let origin = Origin::File(self.path.clone(), Some(key.clone()));
        let raw = Raw::Typed(value);
        self.values.insert(key, Said { raw, origin });
    }
}

/// Adds the values of the environment, over those of the file.
pub(super) fn read_environment(
    environment: &BTreeMap<String, String>,
    values: &mut Values,
    problems: &mut Vec<Problem>,
) {
    let mut add = |key: Key, name: &str, text: &str| {
        let origin = Origin::Environment(name.to_owned());
        let raw = Raw::Text(text.to_owned());
        values.insert(key, Said { raw, origin })
    };
    for (name, text) in environment {
        if let Some(key) = name.strip_prefix(PREFIX).and_then(key_of) {
            add(key, name, text);
        }
    }
    for (name, key, what) in USUAL {
        let Some(url) = environment.get(name) else {
            continue;
        };
        if let Some(Said {
            raw: Raw::Text(other),
            origin,
        }) = add(Key::dotted(key), name, url)
            && other != *url
        {
            problems.push(Problem::new(
                origin,
                format!("says another {what} than {name}"),
            ));
        }
    }
}

/// Variables of settings under their usual names, and what they are.
const USUAL: [(&str, &str, &str); 3] = [
    ("DATABASE_URL", "database.url", "database"),
    ("DATABASE_REPLICA_URL", "database.replica_urls", "replica"),
    ("REDIS_URL", "cache.redis_url", "Redis"),
];

/// The key that a variable stands for; `rest` is its name without the prefix.
fn key_of(rest: &str) -> Option<Key> {
    if OTHERS.contains(&rest) || is_service_link(rest) {
        return None;
    }
    let segments = rest.split("__").map(str::to_ascii_lowercase).collect();
    Some(Key::new(segments))
}

/// Whether the variable is one that Kubernetes puts into every pod beside a Service called `customer-profile` or
/// `customer-profile-*`, such as `.._SERVICE_HOST` or `.._PORT_7401_TCP_ADDR`. No setting is called so.
fn is_service_link(rest: &str) -> bool {
    let numbered = rest.split("PORT_").skip(1);
    rest.ends_with("SERVICE_HOST")
        || rest.ends_with("SERVICE_PORT")
        || rest.contains("SERVICE_PORT_")
        || rest == "PORT"
        || rest.ends_with("_PORT")
        || numbered.into_iter().any(|after| {
            after.starts_with(|c: char| c.is_ascii_digit())
                && (after.contains("_TCP") || after.contains("_UDP"))
        })
}

/// The name of the variable that stands for a key.
#[must_use]
pub(super) fn variable(key: &Key) -> String {
    format!("{PREFIX}{}", key.segments().join("__").to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_environment(pairs: &[(&str, &str)]) -> (Values, Vec<Problem>) {
        let environment = pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        let (mut values, mut problems) = (Values::new(), Vec::new());
        read_environment(&environment, &mut values, &mut problems);
        (values, problems)
    }

    #[test]
    fn variables_of_tools_and_of_kubernetes_are_no_settings() {
        let (values, problems) = from_environment(&[
            ("CUSTOMER_PROFILE_DATA", "x"),
            ("CUSTOMER_PROFILE_POSTGRES_BIN", "x"),
            ("CUSTOMER_PROFILE_CONFIG", "x"),
            ("CUSTOMER_PROFILE_TOKEN_FILE", "x"),
            ("CUSTOMER_PROFILE_URL", "x"),
            ("CUSTOMER_PROFILE_SERVICE_HOST", "10.0.0.1"),
            ("CUSTOMER_PROFILE_SERVICE_PORT_GRPC", "7401"),
            ("CUSTOMER_PROFILE_PORT", "tcp://10.0.0.1:7401"),
            ("CUSTOMER_PROFILE_PORT_7401_TCP_ADDR", "10.0.0.1"),
            ("CUSTOMER_PROFILE_METRICS_PORT", "tcp://10.0.0.1:7402"),
            ("PATH", "/bin"),
        ]);
        assert!(values.is_empty() && problems.is_empty(), "{values:?}");
    }

    #[test]
    fn double_underscores_part_levels() {
        let (values, _) = from_environment(&[("CUSTOMER_PROFILE_INGEST__BATCH_ITEMS", "7")]);
        let key = Key::dotted("ingest.batch_items");
        assert!(values.contains_key(&key));
        assert_eq!(variable(&key), "CUSTOMER_PROFILE_INGEST__BATCH_ITEMS");
    }

    #[test]
    fn two_different_databases_in_one_environment_are_a_mistake() {
        let (_, problems) = from_environment(&[
            ("DATABASE_URL", "postgres://a"),
            ("CUSTOMER_PROFILE_DATABASE__URL", "postgres://b"),
        ]);
        assert_eq!(problems.len(), 1);
        assert!(!problems[0].to_string().contains("postgres://"));
    }

    #[test]
    fn a_syntax_error_names_its_line_and_prints_no_text_of_it() {
        let text = "a = 1\nurl = \"postgres://u:secret@h\" x\n";
        let error = text.parse::<toml::Table>().unwrap_err();
        let shown = syntax(text, &error);
        assert!(shown.starts_with("line 2: "), "{shown}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}
