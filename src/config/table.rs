//! The table of settings: every key with its default, unit, range, meaning and reader. `docs/configuration.md` shows it.
//!
//! What must stay true: a key that is not here is a mistake wherever it is said; `default` is the text of what
//! [`Settings::default`] holds (tested).

mod access;
mod analyzer;
mod cache;
mod limits;
mod relay;
mod replicas;
mod tenants;

use tracing_subscriber::EnvFilter;

use super::{
    LogFormat, Settings, policy,
    value::{self, Read, Value},
};

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A whole number, from the first to the second.
    Integer(u64, u64),
    /// A number from 0 to 1.
    Ratio,
    /// Text of this form.
    Text(&'static str),
}

/// One setting.
pub struct Setting {
    /// Its key; `<..>` stands for a name.
    pub key: &'static str,
    /// Its default as text.
    pub default: &'static str,
    /// Unit of a number.
    pub unit: &'static str,
    /// What it takes.
    pub form: Form,
    /// What it does.
    pub meaning: &'static str,
    pub(super) read: fn(&mut Settings, &Value<'_>) -> Read,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

/// Shortens the table: one line says what a setting is, one how it is read.
const fn setting(
    (key, default, unit, form): (&'static str, &'static str, &'static str, Form),
    meaning: &'static str,
    read: fn(&mut Settings, &Value<'_>) -> Read,
) -> Setting {
    Setting {
        key,
        default,
        unit,
        form,
        meaning,
        read,
    }
}

use Form::{Integer, Ratio, Text};

/// Every setting, in the order of the page.
pub fn settings() -> impl Iterator<Item = &'static Setting> {
    let first = TABLE.iter().chain(limits::TABLE).chain(analyzer::TABLE);
    let first = first.chain(cache::TABLE).chain(replicas::TABLE);
    let first = first.chain(relay::TABLE);
    first.chain(tenants::TABLE).chain(access::TABLE)
}

/// The settings but those of who may call.
static TABLE: &[Setting] = &[
    setting(
        (
            "listen.grpc",
            "127.0.0.1:7401",
            "",
            Text("address:port, or unix:/path"),
        ),
        "Where gRPC is served. With `auth.mode = \"none\"` only a loopback address or a unix socket.",
        |s, v| {
            v.parsed(
                &mut s.listen.grpc,
                "an address and port such as 127.0.0.1:7401, or unix:/path",
                value::address,
            )
        },
    ),
    setting(
        (
            "listen.metrics",
            "127.0.0.1:7402",
            "",
            Text("address:port, or empty"),
        ),
        "Where `/metrics`, `/livez` and `/readyz` are served over HTTP. Empty turns them off.",
        |s, v| {
            v.optional(
                &mut s.listen.metrics,
                "an address and port such as 127.0.0.1:7402, or empty",
                value::tcp,
            )
        },
    ),
    setting(
        ("web.allowed_origins", "", "", Text(ORIGINS)),
        "Pages that may call over gRPC-Web. A request that names any other origin is answered 403.",
        |s, v| v.parsed(&mut s.web.allowed_origins, ORIGINS, value::origins),
    ),
    setting(
        ("database.url", "", "", Text("postgres://.., or empty")),
        "The database; also `DATABASE_URL`. A secret. Empty starts a private PostgreSQL in `data_dir`.",
        |s, v| {
            s.database.url = value::database_url(v.text()?)?;
            Ok(())
        },
    ),
    setting(
        ("database.connections", "16", "connections", Integer(4, 200)),
        "Connections that are held open, one of them to follow changes; at least two more than `ingest.writers`.",
        |s, v| v.integer(&mut s.database.connections),
    ),
    setting(
        (
            "database.acquire_timeout_ms",
            "2000",
            "ms",
            Integer(10, 60_000),
        ),
        "How long a call waits for a connection before it is told that storage is away.",
        |s, v| v.millis(&mut s.database.acquire_timeout),
    ),
    setting(
        (
            "database.statement_timeout_ms",
            "30000",
            "ms",
            Integer(100, 600_000),
        ),
        "After which a statement is given up.",
        |s, v| v.millis(&mut s.database.statement_timeout),
    ),
    setting(
        (
            "database.lock_timeout_ms",
            "5000",
            "ms",
            Integer(10, 600_000),
        ),
        "After which waiting for a lock is given up; at most `database.statement_timeout_ms`.",
        |s, v| v.millis(&mut s.database.lock_timeout),
    ),
    setting(
        ("hash_secret", "", "", Text("at least 32 bytes")),
        "The secret under which identifiers are hashed. A secret. Needed, by itself or as a file, with `database.url`; never changes during the life of a database.",
        |s, v| {
            s.hash_secret = Some(value::long_enough(v.text()?.as_bytes())?);
            Ok(())
        },
    ),
    setting(
        (
            "hash_secret_file",
            "",
            "",
            Text("path of a file that holds at least 32 bytes"),
        ),
        "The same, read from a file; one newline at its end is cut off.",
        |s, v| {
            s.hash_secret = Some(value::secret_file(v.text()?)?);
            Ok(())
        },
    ),
    setting(
        ("data_dir", "see below", "", Text("path")),
        "Where a private PostgreSQL and its secret live.",
        |s, v| v.parsed(&mut s.data_dir, "an absolute path", value::absolute),
    ),
    setting(
        ("ingest.writers", "2", "batches", Integer(1, 8)),
        "Batches that are committed at a time.",
        |s, v| v.integer(&mut s.ingest.writers),
    ),
    setting(
        (
            "ingest.resolve_limit",
            "50000",
            "identifiers",
            Integer(100, 1_000_000),
        ),
        "Identifiers that an interaction or a decision may look at. An interaction that reaches more is stored and resolved in the background; a decision is refused.",
        |s, v| v.integer(&mut s.ingest.resolve_limit),
    ),
    setting(
        (
            "ingest.batch_items",
            "500",
            "interactions",
            Integer(1, 2_000),
        ),
        "Interactions in a batch at most.",
        |s, v| v.integer(&mut s.ingest.batch_items),
    ),
    setting(
        ("ingest.linger_ms", "2", "ms", Integer(0, 100)),
        "How long a batch waits for company.",
        |s, v| v.millis(&mut s.ingest.linger),
    ),
    setting(
        (
            "ingest.queue_items",
            "20000",
            "interactions",
            Integer(1_000, 1_000_000),
        ),
        "Interactions of small calls, and as many of larger ones and streams, that may be under way at most, whatever `ingest.target_ms` allows; beyond it callers wait for a moment and are told to back off then. At least `ingest.batch_items` and `ingest.stream_window`.",
        |s, v| v.integer(&mut s.ingest.queue_items),
    ),
    setting(
        ("ingest.target_ms", "50", "ms", Integer(5, 60_000)),
        "How long a call with at most 16 interactions may take to be stored. While they take longer fewer interactions of such calls are let in, down to 64, and callers are told to back off; or fewer of larger calls and streams, which may take 20 times as long. To be raised where a commit by itself takes about as long.",
        |s, v| v.millis(&mut s.ingest.target),
    ),
    setting(
        ("ingest.queue_mib", "64", "MiB", Integer(16, 4_096)),
        "The same in bytes: each interaction counts twice its encoded size, in whole KiB.",
        |s, v| v.integer(&mut s.ingest.queue_mib),
    ),
    setting(
        (
            "ingest.stream_window",
            "2000",
            "interactions",
            Integer(1_000, 100_000),
        ),
        "Interactions of one stream that may wait at a time; a faster sender is held back.",
        |s, v| v.integer(&mut s.ingest.stream_window),
    ),
    setting(
        ("reads.max_staleness_ms", "2000", "ms", Integer(100, 60_000)),
        "How far a read without a token may be behind.",
        |s, v| v.millis(&mut s.reads.max_staleness),
    ),
    setting(
        ("outbox.keep_hours", "168", "hours", Integer(1, 8_760)),
        "How long changes can be read again.",
        |s, v| v.hours(&mut s.outbox.keep),
    ),
    setting(
        (
            "telemetry.otlp_endpoint",
            "",
            "",
            Text("http://host:port, or empty"),
        ),
        "Where spans are sent by OTLP over gRPC. Empty turns it off.",
        |s, v| {
            v.optional(
                &mut s.telemetry.otlp_endpoint,
                "http://host:port, or empty",
                value::endpoint,
            )
        },
    ),
    setting(
        ("telemetry.sample_ratio", "1", "", Ratio),
        "Which part of the traces that begin here is sent; a caller that sends a trace context has chosen itself. Slow and failed ones are sent in any case.",
        |s, v| v.ratio(&mut s.telemetry.sample_ratio),
    ),
    setting(
        (
            "telemetry.service_name",
            "customer-profile",
            "",
            Text("1 to 128 bytes"),
        ),
        "`service.name` of the spans.",
        |s, v| {
            v.parsed(&mut s.telemetry.service_name, "1 to 128 bytes", |text| {
                (1..=128).contains(&text.len()).then(|| text.to_owned())
            })
        },
    ),
    setting(
        ("log.format", "text", "", Text("text or json")),
        "How log lines look.",
        |s, v| {
            v.choice(
                &mut s.log.format,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )
        },
    ),
    setting(
        (
            "log.filter",
            "info",
            "",
            Text("directives such as info,customer_profile=debug"),
        ),
        "What is logged.",
        |s, v| {
            v.parsed(
                &mut s.log.filter,
                "directives such as info,customer_profile=debug",
                |text| EnvFilter::try_new(text).ok().map(|_| text.to_owned()),
            )
        },
    ),
    setting(
        ("drain.timeout_ms", "20000", "ms", Integer(0, 600_000)),
        "How long calls in flight may take to end when the service stops.",
        |s, v| v.millis(&mut s.drain.timeout),
    ),
    setting(
        ("departments.<department>.hidden", "", "", Text(FACTS)),
        "Kinds of facts that callers of this department do not see; `other` is every department that is not named, and callers of none.",
        |s, v| v.parsed(&mut v.policy(s)?.facts, FACTS, policy::facts),
    ),
    setting(
        (
            "departments.<department>.hidden_texts_of",
            "",
            "",
            Text(SLUGS),
        ),
        "Departments whose interactions they see without text and attributes.",
        |s, v| v.parsed(&mut v.policy(s)?.texts_of, SLUGS, policy::slugs),
    ),
    setting(
        (
            "departments.<department>.hidden_traits",
            "",
            "",
            Text(SLUGS),
        ),
        "Traits that they neither see nor search by.",
        |s, v| v.parsed(&mut v.policy(s)?.traits, SLUGS, policy::slugs),
    ),
    setting(
        (
            "departments.<department>.hidden_namespaces",
            "",
            "",
            Text(SLUGS),
        ),
        "Namespaces of identifiers that they neither see nor ask by.",
        |s, v| v.parsed(&mut v.policy(s)?.namespaces, SLUGS, policy::slugs),
    ),
];

const ORIGINS: &str = "origins such as https://desk.example.com, between commas";
const SLUGS: &str = "names between commas";
const FACTS: &str = "of identifiers, traits, orders, tickets, surveys, consents, timeline, texts, attributes and sentiment, between commas";

impl Setting {
    /// The range as text.
    #[must_use]
    pub fn range(&self) -> String {
        match self.form {
            Integer(least, most) => format!("{least} to {most}"),
            Ratio => "0 to 1".to_owned(),
            Text(form) => form.to_owned(),
        }
    }

    /// The environment variable, with `<..>` in capitals.
    #[must_use]
    pub fn variable(&self) -> String {
        super::source::variable(&super::Key::dotted(self.key))
    }

    /// Its line in `docs/configuration.md`.
    #[must_use]
    pub fn row(&self) -> String {
        let default = match self.default {
            "" => "none".to_owned(),
            said if said.contains(' ') => said.to_owned(),
            said => format!("`{said}`"),
        };
        let (key, unit, range) = (self.key, self.unit, self.range());
        let (variable, meaning) = (self.variable(), self.meaning);
        format!("| `{key}` | {default} | {unit} | {range} | `{variable}` | {meaning} |")
    }
}
