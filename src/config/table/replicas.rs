//! The settings of read replicas.

use super::{
    Form::{Integer, Text},
    Setting, setting,
};
use crate::config::value;

const URLS: &str = "postgres://.., more with commas between them, or empty";

/// They follow those of [`super::cache::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("database.replica_urls", "", "", Text(URLS)),
        "Standbys of the database that answer look-ups which no cache answers, 8 at most; also `DATABASE_REPLICA_URL`. A secret. Empty does without. See [caching](caching.md#replicas).",
        |s, v| {
            s.database.replicas = value::replica_urls(v.text()?)?;
            Ok(())
        },
    ),
    setting(
        (
            "database.replica_connections",
            "8",
            "connections",
            Integer(1, 200),
        ),
        "Connections to each of them; one more looks after it.",
        |s, v| v.integer(&mut s.database.replica_connections),
    ),
    setting(
        (
            "database.replica_timeout_ms",
            "100",
            "ms",
            Integer(1, 10_000),
        ),
        "How long a replica may take for a look-up. Then the primary is asked.",
        |s, v| v.millis(&mut s.database.replica_timeout),
    ),
];

#[cfg(test)]
mod tests {
    use crate::config::{Settings, problem::Problems};

    fn load(pairs: &[(&str, &str)]) -> Result<Settings, Problems> {
        let usual = [
            ("DATABASE_URL", "postgres://a"),
            (
                "CUSTOMER_PROFILE_HASH_SECRET",
                "0123456789abcdef0123456789abcdef",
            ),
        ];
        let all = usual.iter().chain(pairs);
        Settings::load(None, all.map(|(k, v)| ((*k).to_owned(), (*v).to_owned())))
    }

    #[test]
    fn replicas_are_several_and_never_shown() {
        let urls = "postgres://u:word@b/d, postgresql://u:word@c/d";
        let settings = load(&[("DATABASE_REPLICA_URL", urls)]).unwrap();
        let replicas = &settings.database.replicas;
        let exposed: Vec<_> = replicas.iter().map(|url| url.expose().as_str()).collect();
        assert_eq!(
            exposed,
            ["postgres://u:word@b/d", "postgresql://u:word@c/d"]
        );
        assert!(!format!("{settings:?}").contains("word"));
        assert!(load(&[]).unwrap().database.replicas.is_empty());
        let many = ["postgres://u:word@b"; 9].join(",");
        for wrong in ["mysql://u:word@b", "postgres://u:word@b,", &many] {
            let problems = load(&[("DATABASE_REPLICA_URL", wrong)])
                .unwrap_err()
                .to_string();
            assert!(problems.starts_with("DATABASE_REPLICA_URL: "), "{problems}");
            assert!(!problems.contains("word"), "{problems}");
        }
    }

    #[test]
    fn replicas_of_nothing_are_a_mistake() {
        let alone = load(&[
            ("DATABASE_URL", ""),
            ("DATABASE_REPLICA_URL", "postgres://b"),
        ]);
        let problems = alone.unwrap_err().to_string();
        assert!(problems.contains("which is not given"), "{problems}");
    }
}
