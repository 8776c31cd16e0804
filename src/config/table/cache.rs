//! The settings of the caches of the read path.

use super::{
    Form::{Integer, Text},
    Setting, setting,
};
use crate::config::{PrivateOr, value};

const URL: &str =
    "redis://.., rediss://.. or unix:/.., more with commas between them, off, or empty";

/// They follow those of [`super::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("cache.memory_mib", "256", "MiB", Integer(0, 65_536)),
        "Memory of the process for profiles that are read again, about; 0 turns that off. See [caching](caching.md).",
        |s, v| v.mebibytes(&mut s.cache.memory_bytes),
    ),
    setting(
        ("cache.redis_url", "", "", Text(URL)),
        "A Redis that instances have in common, or nodes of a Redis Cluster; also `REDIS_URL`. A secret. Empty starts a private one in `data_dir` if there is a `redis-server`, `off` does without.",
        |s, v| {
            s.cache.redis = match v.text()? {
                "" => PrivateOr::Private,
                "off" => PrivateOr::Off,
                url => PrivateOr::Given(value::redis_url(url)?),
            };
            Ok(())
        },
    ),
    setting(
        (
            "cache.redis_connections",
            "4",
            "connections",
            Integer(1, 64),
        ),
        "Connections to Redis for values; one more hears of changes.",
        |s, v| v.integer(&mut s.cache.redis_connections),
    ),
    setting(
        ("cache.redis_timeout_ms", "50", "ms", Integer(1, 1_000)),
        "How long a call to Redis may take. Then the read goes on without it.",
        |s, v| v.millis(&mut s.cache.redis_timeout),
    ),
    setting(
        ("cache.redis_pause_ms", "500", "ms", Integer(10, 60_000)),
        "How long Redis is left alone after 5 failures in a row, or 10 among 20 calls; up to 16 times as long when it goes on failing.",
        |s, v| v.millis(&mut s.cache.redis_pause),
    ),
    setting(
        ("cache.lifetime_s", "3600", "s", Integer(60, 3_600)),
        "How long a value is kept, and changes are remembered, at most.",
        |s, v| v.seconds(&mut s.cache.lifetime),
    ),
    setting(
        (
            "cache.remembered_changes",
            "500000",
            "profiles",
            Integer(1_000, 20_000_000),
        ),
        "Changed profiles that are remembered at most, about 50 bytes each. Beyond it values from before the older half are not used any more.",
        |s, v| v.integer(&mut s.cache.remembered),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn a_redis_is_given_or_private_or_off_and_never_shown() {
        let load =
            |name: &str, url: &str| Settings::load(None, [(name.to_owned(), url.to_owned())]);
        let redis = |url| load("REDIS_URL", url).unwrap().cache.redis;
        assert_eq!(redis(""), PrivateOr::Private);
        assert_eq!(redis("off"), PrivateOr::Off);
        let url = "rediss://:word@a.example.com:6380/0, rediss://b.example.com";
        let given = redis(url);
        assert!(matches!(&given, PrivateOr::Given(said) if said.expose() == url));
        assert!(!format!("{given:?}").contains("word"));
        let wrong = load("CUSTOMER_PROFILE_CACHE__REDIS_URL", "http://:word@a");
        let problems = wrong.unwrap_err().to_string();
        assert!(!problems.contains("word"), "{problems}");
    }
}
