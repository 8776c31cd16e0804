//! The settings of what callers may take of the process.

use super::{Form::Integer, Setting, setting};

/// They follow those of [`super::TABLE`].
pub(super) static TABLE: &[Setting] = &[
    setting(
        ("limits.request_mib", "128", "MiB", Integer(64, 4_096)),
        "Memory for requests that have come in and are not answered yet, as they came and decoded; an open call counts 16 KiB. An eighth is for health and reflection, and another for calls of at most 64 KiB. Beyond it callers are told to back off.",
        |s, v| v.mebibytes(&mut s.limits.request_bytes),
    ),
    setting(
        (
            "limits.connections",
            "4096",
            "connections",
            Integer(16, 1_000_000),
        ),
        "Connections at a time; one more is closed at once. Each takes a file descriptor of the process.",
        |s, v| v.integer(&mut s.limits.connections),
    ),
    setting(
        ("limits.connection_age_s", "1800", "s", Integer(1, 86_400)),
        "How long a connection begins calls; then its client is told to make another, which it does by itself, wherever its name leads by then. Calls and streams that have begun go on. At most an hour counts where certificates are the credentials.",
        |s, v| v.seconds(&mut s.limits.connection_age),
    ),
    setting(
        ("limits.calls", "8192", "calls", Integer(16, 100_000)),
        "Calls at a time; half of them of one method, three quarters of one tenant. Beyond it callers are told to back off, before what they sent is read. Streams are not counted.",
        |s, v| v.integer(&mut s.limits.calls),
    ),
    setting(
        ("limits.heavy_calls", "8", "calls", Integer(2, 100)),
        "The same for calls that may take 5 seconds or more by [operations](operations.md), which are not among the others; at most half of `database.connections` counts.",
        |s, v| v.integer(&mut s.limits.heavy_calls),
    ),
    setting(
        (
            "limits.preview_identifiers",
            "1000000",
            "identifiers",
            Integer(1_000, 50_000_000),
        ),
        "Identifiers of a tenant at most for a preview of rules, which takes about 1.2 KiB of memory for each while it lasts.",
        |s, v| v.integer(&mut s.limits.preview_identifiers),
    ),
    setting(
        ("limits.watches", "256", "watches", Integer(1, 10_000)),
        "Watches of profiles at a time, each of which holds at most 256 KiB of messages that nobody has taken. Beyond it callers are told to back off.",
        |s, v| v.integer(&mut s.limits.watches),
    ),
    setting(
        (
            "limits.watches_of_caller",
            "64",
            "watches",
            Integer(1, 10_000),
        ),
        "The same of one caller of a tenant.",
        |s, v| v.integer(&mut s.limits.watches_of_caller),
    ),
];
