//! Putting settings together: what was said, over the defaults, then what only makes sense together.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    AuthMode, Settings, access,
    path::{Key, distance},
    problem::{Origin, Problem, Problems},
    source::{self, Said, Values},
    table::{self, Setting},
    value::Value,
};

impl Settings {
    /// Reads the settings: defaults, then the file, then the environment.
    ///
    /// # Errors
    /// Every mistake there is, each with the place where it was made.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let environment: BTreeMap<String, String> = environment.into_iter().collect();
        let (mut values, mut problems) = (Values::new(), Vec::new());
        if let Some(path) = file {
            source::read_file(path, &mut values, &mut problems);
        }
        source::read_environment(&environment, &mut values, &mut problems);

        let mut settings = Self {
            data_dir: default_data_dir(&environment, is_root()),
            ..Self::default()
        };
        settings.apply(&values, &mut problems);
        settings.check_together(&values, &mut problems);
        Problems::unless_none(problems).map(|()| settings)
    }

    /// Sets what was said. A tenant starts with the defaults of tenants: `tenant_defaults` sorts before `tenants`.
    fn apply(&mut self, values: &Values, problems: &mut Vec<Problem>) {
        for (key, said) in values {
            let found = table::settings().find_map(|setting| {
                let names = key.matches(setting.key)?;
                Some((setting, names))
            });
            let outcome = match found {
                Some((setting, names)) => (setting.read)(
                    self,
                    &Value {
                        raw: &said.raw,
                        origin: &said.origin,
                        form: &setting.form,
                        names,
                    },
                ),
                None => Err(unknown(key, said)),
            };
            if let Err(text) = outcome {
                problems.push(Problem::new(said.origin.clone(), text));
            }
        }
    }

    /// What only makes sense together.
    fn check_together(&self, values: &Values, problems: &mut Vec<Problem>) {
        let origin = |key: &str| {
            let key = Key::dotted(key);
            let said = values.get(&key).map(|said| said.origin.clone());
            said.unwrap_or(Origin::Default(key))
        };
        let mut wrong = |keys: &[&str], text: String| {
            // Said at the first of the keys that somebody set: a default is nobody's mistake.
            let said = keys
                .iter()
                .find(|key| values.contains_key(&Key::dotted(key)));
            let key = said.or(keys.first()).copied().unwrap_or_default();
            problems.push(Problem::new(origin(key), text));
        };

        if self.auth.mode == AuthMode::None && !self.listen.grpc.is_local() {
            let grpc = &self.listen.grpc;
            let text =
                format!("with auth.mode none only a loopback address or a unix socket, not {grpc}");
            wrong(&["listen.grpc", "auth.mode"], text);
        }
        let secrets = ["hash_secret", "hash_secret_file"];
        let given = secrets.map(|key| values.contains_key(&Key::dotted(key)));
        if given == [true, true] {
            let text = "hash_secret and hash_secret_file are both given; one of them must go";
            wrong(&secrets, text.to_owned());
        }
        if self.database.url.is_some() && given == [false, false] {
            let text = "a database needs the secret under which its identifiers are hashed: set \
                        hash_secret_file (CUSTOMER_PROFILE_HASH_SECRET_FILE) or hash_secret (CUSTOMER_PROFILE_HASH_SECRET)";
            wrong(&["database.url"], text.to_owned());
        }
        if self.database.url.is_none() && !self.database.replicas.is_empty() {
            let text = "replicas are copies of the database of database.url (DATABASE_URL), which is not given";
            wrong(&["database.replica_urls"], text.to_owned());
        }
        for (keys, text) in access::contradictions(&self.auth, &self.tls) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            wrong(&keys, text);
        }
        self.check_sizes(&mut wrong);
    }

    fn check_sizes(&self, wrong: &mut impl FnMut(&[&str], String)) {
        let (database, ingest) = (&self.database, &self.ingest);
        let millis = Duration::as_millis;
        if database.lock_timeout > database.statement_timeout {
            let (lock, statement) = (
                millis(&database.lock_timeout),
                millis(&database.statement_timeout),
            );
            wrong(
                &["database.lock_timeout_ms", "database.statement_timeout_ms"],
                format!(
                    "database.lock_timeout_ms ({lock}) must not be above database.statement_timeout_ms ({statement})"
                ),
            );
        }
        let (connections, writers) = (database.connections, ingest.writers);
        if usize::try_from(connections).is_ok_and(|c| c < writers + 2) {
            wrong(
                &["database.connections", "ingest.writers"],
                format!(
                    "database.connections ({connections}) must be at least two more than ingest.writers ({writers})"
                ),
            );
        }
        let queue = ingest.queue_items;
        for (key, items) in [
            ("ingest.batch_items", ingest.batch_items),
            ("ingest.stream_window", ingest.stream_window),
        ] {
            if items > queue {
                wrong(
                    &[key, "ingest.queue_items"],
                    format!("{key} ({items}) must not be above ingest.queue_items ({queue})"),
                );
            }
        }
    }
}

/// What to say of a key that is no setting.
fn unknown(key: &Key, said: &Said) -> String {
    let shown = key.to_string();
    let nearest = table::settings()
        .map(|setting: &Setting| key.fill(setting.key))
        .map(|candidate| (distance(&shown, &candidate.to_string()), candidate))
        .min();
    match (nearest, &said.origin) {
        (Some((0..=3, meant)), Origin::Environment(_)) => {
            let meant = source::variable(&meant);
            format!("is no setting; {meant} is")
        }
        (Some((0..=3, meant)), _) => format!("is no setting; {meant} is"),
        _ => "is no setting".to_owned(),
    }
}

/// Where data goes when nobody says: root has no home that others may enter.
fn default_data_dir(environment: &BTreeMap<String, String>, root: bool) -> PathBuf {
    let home = |name: &str| {
        let path = environment.get(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    if root {
        return PathBuf::from("/var/lib/customer-profile");
    }
    let below =
        home("XDG_DATA_HOME").or_else(|| home("HOME").map(|home| home.join(".local/share")));
    below.map_or_else(
        || PathBuf::from("/var/lib/customer-profile"),
        |path| path.join("customer-profile"),
    )
}

/// Whether this process is root's, where the system tells; elsewhere nobody runs a service as root.
fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The environment of this process. What is not Unicode is passed on with replacement characters, so that a setting that
/// holds it is refused rather than the whole process stopped.
pub fn process_environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().map(|(name, text)| {
        let plain = |s: std::ffi::OsString| s.to_string_lossy().into_owned();
        (plain(name), plain(text))
    })
}

#[cfg(test)]
mod tests;
