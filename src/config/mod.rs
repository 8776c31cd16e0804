//! Settings: what an operator can choose.
//!
//! What must stay true: settings are read once, before any port opens; every mistake in them is named at once, with the
//! place where it was made; what nobody set has a default with which the service runs. Layers, the later one wins: defaults,
//! a TOML file, the environment. The keys are those of [`table::settings`] and of `docs/configuration.md`, which is tested
//! against it.

mod access;
mod load;
mod path;
mod policy;
mod problem;
mod secret;
mod source;
pub mod table;
mod tenant;
mod value;

use std::{collections::BTreeSet, fmt, net::SocketAddr, path::PathBuf, time::Duration};

pub use access::{Auth, AuthMode, CallerSettings, Jwt, Tls};
pub use load::process_environment;
pub use path::Key;
pub use policy::{Facts, OTHER, Policies, Policy};
pub use problem::{Origin, Problem, Problems};
pub use secret::Secret;
pub use tenant::{RuleTexts, TenantSettings, Tenants};

/// Everything an operator can choose. Defaults, units and ranges: `docs/configuration.md`.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Where the service listens.
    pub listen: Listen,
    /// Which pages may call.
    pub web: Web,
    /// Who may call.
    pub auth: Auth,
    /// TLS on the address of gRPC.
    pub tls: Tls,
    /// Where profiles are kept.
    pub database: Database,
    /// The operator's secret under which identifiers are hashed, at least 32 bytes. Always there when
    /// [`Database::url`] is; without either, a private cluster brings its own.
    pub hash_secret: Option<Secret<Vec<u8>>>,
    /// Where a private cluster and its secret live.
    pub data_dir: PathBuf,
    /// What callers may take of this process.
    pub limits: Limits,
    /// How interactions are taken in.
    pub ingest: Ingest,
    /// The operator's own analyzer of texts.
    pub analyzer: Analyzer,
    /// What look-ups keep.
    pub cache: Cache,
    /// Where changes are relayed to.
    pub relay: Relay,
    /// How fresh answers are.
    pub reads: Reads,
    /// How changes are handed on.
    pub outbox: Outbox,
    /// Traces.
    pub telemetry: Telemetry,
    /// Logs.
    pub log: Log,
    /// How the service stops.
    pub drain: Drain,
    /// What differs between tenants.
    pub tenants: Tenants,
    /// What departments may not see. Default: nothing is hidden.
    pub departments: Policies,
}

/// Where the service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// gRPC. Default `127.0.0.1:7401`.
    pub grpc: Address,
    /// Metrics and probes over HTTP/1. Default `127.0.0.1:7402`; `None` is off.
    pub metrics: Option<SocketAddr>,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// The absolute path of a unix socket.
    Unix(PathBuf),
}

impl Address {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => true,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Browsers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Web {
    /// Origins of the pages that may call over gRPC-Web, for example `https://desk.example.com`. Default: none.
    pub allowed_origins: BTreeSet<String>,
}

/// Where profiles are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// A database of the operator's; `None` starts a private cluster.
    pub url: Option<Secret<String>>,
    /// Connections that are held open. Default 16; 4 to 200.
    pub connections: u32,
    /// How long a call waits for a connection. Default 2 s; 10 ms to 60 s.
    pub acquire_timeout: Duration,
    /// After which a statement is given up. Default 30 s; 100 ms to 10 min.
    pub statement_timeout: Duration,
    /// After which waiting for a lock is given up. Default 5 s; 10 ms to 10 min, at most the statement's.
    pub lock_timeout: Duration,
    /// Copies of the database that follow it and may answer look-ups. Default: none; 8 at most.
    pub replicas: Vec<Secret<String>>,
    /// Connections to each of them. Default 8; 1 to 200.
    pub replica_connections: u32,
    /// How long one of them may take for a look-up. Default 100 ms; 1 ms to 10 s.
    pub replica_timeout: Duration,
}

/// What callers may take of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of requests that have come in and are not answered yet; an open call counts 16 KiB. Default 128 MiB; 64 to
    /// 4,096 MiB.
    pub request_bytes: usize,
    /// Connections at a time. Default 4,096; 16 to 1,000,000.
    pub connections: usize,
    /// How long a connection begins calls. Default 30 min; 1 s to a day.
    pub connection_age: Duration,
    /// Calls at a time, but for streams and heavy ones. Default 8,192; 16 to 100,000.
    pub calls: usize,
    /// Heavy calls at a time. Default 8; 2 to 100.
    pub heavy_calls: usize,
    /// Identifiers of a tenant at most for a preview of rules. Default 1,000,000; 1,000 to 50,000,000.
    pub preview_identifiers: usize,
    /// Watches of profiles at a time. Default 256; 1 to 10,000.
    pub watches: usize,
    /// Those of one caller. Default 64; 1 to 10,000.
    pub watches_of_caller: usize,
}

/// How interactions are taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ingest {
    /// Batches that are committed at a time. Default 2; 1 to 8.
    pub writers: usize,
    /// Interactions in a batch at most. Default 500; 1 to 2,000.
    pub batch_items: usize,
    /// Identifiers that an interaction or a decision may look at. Default 50,000; 100 to 1,000,000.
    pub resolve_limit: usize,
    /// How long a batch waits for company. Default 2 ms; 0 to 100 ms.
    pub linger: Duration,
    /// Interactions that may wait to be stored; beyond it callers are told to back off. Default 20,000; 1,000 to 1,000,000.
    pub queue_items: usize,
    /// How long a small call may take to be stored before fewer interactions are let in. Default 50 ms; 5 ms to 60 s.
    pub target: Duration,
    /// MiB of memory for interactions that wait to be stored. Default 64; 16 to 4,096.
    pub queue_mib: usize,
    /// Interactions of one stream that may wait at a time. Default 2,000; 1,000 to 100,000, at most the queue.
    pub stream_window: usize,
}

/// The operator's own analyzer of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Analyzer {
    /// Where it is, `http://host:port` or `https://host:port`. Default: there is none.
    pub url: Option<String>,
    /// How long it may take for the texts of a call. Default 200 ms; 10 ms to 10 s.
    pub timeout: Duration,
    /// How long it is left alone once it fails. Default 5 s; 100 ms to 10 min.
    pub pause: Duration,
    /// Calls at a time. Default 16; 1 to 1,000.
    pub calls: usize,
}

/// What look-ups keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cache {
    /// Bytes in the process, about. Default 256 MiB; 0 to 65,536 MiB, where 0 is off.
    pub memory_bytes: usize,
    /// The Redis that instances have in common. Default: a private one.
    pub redis: PrivateOr,
    /// Connections to it for values. Default 4; 1 to 64.
    pub redis_connections: usize,
    /// How long a call to it may take. Default 50 ms; 1 ms to 1 s.
    pub redis_timeout: Duration,
    /// How long it is left alone once it fails. Default 500 ms; 10 ms to 60 s.
    pub redis_pause: Duration,
    /// How long a value is kept, and changes are remembered. Default 1 h; 1 min to 1 h.
    pub lifetime: Duration,
    /// Changed profiles that are remembered. Default 500,000; 1,000 to 20,000,000.
    pub remembered: usize,
}

/// Where changes are relayed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// The Redis with the streams. Default: none, which turns it off.
    pub redis: Option<Secret<String>>,
    /// What names of streams begin with. Default `customer_profile`.
    pub prefix: String,
    /// About how many events each stream keeps. Default 100,000; 1,000 to 10,000,000.
    pub kept: u64,
}

/// A server of the operator's, a private one, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrivateOr {
    /// A private one, where its program is found.
    Private,
    /// None.
    Off,
    /// The one at these addresses.
    Given(Secret<String>),
}

/// How fresh answers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads {
    /// How far a read without a token may be behind. Default 2 s; 100 ms to 60 s.
    pub max_staleness: Duration,
}

/// How changes are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outbox {
    /// How long a change can be read again. Default 168 h; 1 h to 8,760 h.
    pub keep: Duration,
}

/// Traces.
#[derive(Clone, Debug, PartialEq)]
pub struct Telemetry {
    /// Where spans are sent by OTLP over gRPC, `http://host:port`. Default: nowhere.
    pub otlp_endpoint: Option<String>,
    /// Which part of the traces that begin here are sent. Default 1; 0 to 1. The caller's choice goes first.
    pub sample_ratio: f64,
    /// `service.name` of the spans. Default `customer-profile`.
    pub service_name: String,
}

/// Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How lines look. Default text.
    pub format: LogFormat,
    /// What is logged, in the syntax of `tracing`'s `EnvFilter`. Default `info`.
    pub filter: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// How the service stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long calls in flight may take to end. Default 20 s; 0 to 10 min.
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Self {
            listen: Listen {
                grpc: Address::Tcp(local(7401)),
                metrics: Some(local(7402)),
            },
            web: Web::default(),
            auth: Auth::default(),
            tls: Tls::default(),
            database: Database {
                url: None,
                connections: 16,
                acquire_timeout: Duration::from_secs(2),
                statement_timeout: Duration::from_secs(30),
                lock_timeout: Duration::from_secs(5),
                replicas: Vec::new(),
                replica_connections: 8,
                replica_timeout: Duration::from_millis(100),
            },
            hash_secret: None,
            data_dir: PathBuf::from("/var/lib/customer-profile"),
            limits: Limits {
                request_bytes: 128 << 20,
                connections: 4_096,
                connection_age: Duration::from_mins(30),
                calls: 8_192,
                heavy_calls: 8,
                preview_identifiers: 1_000_000,
                watches: 256,
                watches_of_caller: 64,
            },
            ingest: Ingest {
                writers: 2,
                batch_items: 500,
                resolve_limit: 50_000,
                linger: Duration::from_millis(2),
                queue_items: 20_000,
                target: Duration::from_millis(50),
                queue_mib: 64,
                stream_window: 2_000,
            },
            analyzer: Analyzer {
                url: None,
                timeout: Duration::from_millis(200),
                pause: Duration::from_secs(5),
                calls: 16,
            },
            cache: Cache {
                memory_bytes: 256 << 20,
                redis: PrivateOr::Private,
                redis_connections: 4,
                redis_timeout: Duration::from_millis(50),
                redis_pause: Duration::from_millis(500),
                lifetime: Duration::from_hours(1),
                remembered: 500_000,
            },
            relay: Relay {
                redis: None,
                prefix: "customer_profile".to_owned(),
                kept: 100_000,
            },
            reads: Reads {
                max_staleness: Duration::from_secs(2),
            },
            outbox: Outbox {
                keep: Duration::from_hours(168),
            },
            telemetry: Telemetry {
                otlp_endpoint: None,
                sample_ratio: 1.0,
                service_name: "customer-profile".to_owned(),
            },
            log: Log {
                format: LogFormat::Text,
                filter: "info".to_owned(),
            },
            drain: Drain {
                timeout: Duration::from_secs(20),
            },
            tenants: Tenants::default(),
            departments: Policies::default(),
        }
    }
}
