//! The settings of the relay.

use super::{
    Form::{Integer, Text},
    Setting, setting,
};
use crate::{config::value, ids};

const URL: &str = "redis://.., rediss://.. or unix:/.., more with commas between them, or empty";

/// They follow those of the caches.
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("relay.redis_url", "", "", Text(URL)),
        "A Redis, or nodes of a Redis Cluster, to whose streams changes of profiles are relayed, see [the feed](feed.md#the-relay). A secret. Empty turns it off.",
        |s, v| {
            s.relay.redis = match v.text()? {
                "" => None,
                url => Some(value::redis_url(url)?),
            };
            Ok(())
        },
    ),
    setting(
        (
            "relay.prefix",
            "customer_profile",
            "",
            Text("a slug of at most 64 bytes"),
        ),
        "What the names of those streams begin with.",
        |s, v| {
            v.parsed(&mut s.relay.prefix, "a slug of at most 64 bytes", |text| {
                ids::is_slug(text, 64).then(|| text.to_owned())
            })
        },
    ),
    setting(
        (
            "relay.kept_events",
            "100000",
            "events",
            Integer(1_000, 10_000_000),
        ),
        "About how many events each of the 16 streams keeps; older ones are dropped, read or not.",
        |s, v| v.integer(&mut s.relay.kept),
    ),
];
