//! Opening a store: the database, its schema, and the secret that its keys were made with.

use std::{
    collections::HashMap,
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    str::FromStr as _,
    sync::Arc,
    time::Duration,
};

use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;

use super::private::Private;
use crate::{
    config::{Problems, Secret, Settings, TenantSettings},
    decide::index,
    embedded,
    error::Error,
    identity::{
        self, HashSecret,
        rules::{self, RuleSet},
    },
    ids,
    profile::survivorship::{Rule, Rules},
    sentiment::{Listening, Taxonomy},
    storage::{self, Storage, migrate, store},
    tenants::{Configured, Tenants},
};

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Settings that only show when they are used.
    #[error("{0}")]
    Settings(#[from] Problems),
    /// The address of the database is none.
    #[error("database.url is not the address of a Postgres database")]
    Url,
    /// The address of a replica is none.
    #[error("database.replica_urls: number {0} is not the address of a Postgres database")]
    ReplicaUrl(usize),
    /// The keys of the store were made with another secret.
    #[error(
        "the hash secret is not the one that this store was made with: its identifiers could not be found; set the right one"
    )]
    WrongSecret,
    /// The secret of the private cluster is not there or cannot be made.
    #[error("the hash secret in {}: {source}", path.display())]
    SecretFile {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The private database does not start.
    #[error(transparent)]
    Private(#[from] embedded::postgres::Error),
    /// The schema does not fit.
    #[error(transparent)]
    Schema(#[from] migrate::Error),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] storage::Error),
    /// What an older release stored cannot be completed.
    #[error("completing what an older release stored: {0}")]
    Older(#[from] Error),
}

impl OpenError {
    /// Whether the operator has to change the configuration (exit code 64).
    #[must_use]
    pub fn is_configuration(&self) -> bool {
        matches!(
            self,
            Self::Settings(_) | Self::Url | Self::ReplicaUrl(_) | Self::WrongSecret
        )
    }
}

/// What to do about the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// Bring it up to date.
    Migrate,
    /// Bring that of a private database up to date; another must fit.
    Check,
}

/// A store that is open.
#[derive(Debug)]
pub struct Opened {
    /// The database.
    pub storage: Storage,
    /// Its replicas; nobody has looked whether they are any.
    pub replicas: Vec<Storage>,
    /// The hash secret.
    pub secret: HashSecret,
    /// Which store it is.
    pub store: store::Store,
    /// Its tenants.
    pub tenants: Arc<Tenants>,
    /// The private database, if it is one.
    pub private: Option<Private>,
}

impl Opened {
    /// Closes the database.
    pub async fn close(self) {
        self.storage.close().await;
        // Connections to one that hangs do not come back.
        let replicas = self.replicas.iter().map(Storage::close);
        let _ = tokio::time::timeout(GIVEN_UP, join_all(replicas)).await;
        if let Some(private) = self.private {
            private.stop().await;
        }
    }
}

/// Opens the store that the settings name.
///
/// # Errors
/// When it cannot be reached, or does not fit this release or its secret.
pub async fn open(settings: &Settings, schema: Schema) -> Result<Opened, OpenError> {
    let (defaults, named) = tenants(settings)?;
    let replicas = replicas(settings)?;
    let (connect, private) = if let Some(url) = &settings.database.url {
        let connect = PgConnectOptions::from_str(url.expose()).map_err(|_| OpenError::Url)?;
        (connect, None)
    } else {
        let private = Private::start(&settings.data_dir).await?;
        (private.connect_options(), Some(private))
    };
    let secret = match &settings.hash_secret {
        Some(secret) => secret.expose().clone(),
        None => private_secret(&settings.data_dir)?,
    };
    // The settings have checked its length; a private one is made long enough.
    let secret = HashSecret::new(&secret).ok_or(OpenError::WrongSecret)?;
    let storage = Storage::new(storage::Options {
        connect,
        // One more follows the outbox.
        connections: settings.database.connections - 1,
        acquire_timeout: settings.database.acquire_timeout,
        statement_timeout: settings.database.statement_timeout,
        lock_timeout: settings.database.lock_timeout,
    });
    if schema == Schema::Migrate || private.is_some() {
        migrate::run(storage.pool()).await?;
        index::complete(&storage).await?;
    } else {
        migrate::check(storage.pool()).await?;
    }
    let candidate = store::Store {
        id: ids::draw_store_id(),
        fingerprint: secret.fingerprint(),
    };
    let mut connection = storage.acquire().await?;
    let store = store::open(&mut connection, candidate).await?;
    drop(connection);
    if store.fingerprint != secret.fingerprint() {
        return Err(OpenError::WrongSecret);
    }
    let tenants = Arc::new(Tenants::new(
        storage.clone(),
        defaults,
        named,
        settings.ingest.resolve_limit,
    ));
    Ok(Opened {
        storage,
        replicas,
        secret,
        store,
        tenants,
        private,
    })
}

/// Nobody waits longer for a look-up on a replica, so it need not go on much longer either.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// Replicas, each with a pool of its own. Connections are made when they are needed.
fn replicas(settings: &Settings) -> Result<Vec<Storage>, OpenError> {
    let chosen = &settings.database;
    let replica = |(n, url): (usize, &Secret<String>)| {
        let connect = PgConnectOptions::from_str(url.expose());
        Ok(Storage::new(storage::Options {
            connect: connect.map_err(|_| OpenError::ReplicaUrl(n + 1))?,
            connections: chosen.replica_connections,
            acquire_timeout: chosen.acquire_timeout,
            statement_timeout: chosen.replica_timeout.max(GIVEN_UP),
            lock_timeout: chosen.lock_timeout,
        }))
    };
    chosen.replicas.iter().enumerate().map(replica).collect()
}

type TenantTable = (Configured, HashMap<ids::TenantId, Configured>);

fn tenants(settings: &Settings) -> Result<TenantTable, Problems> {
    let defaults = configured(settings.tenants.defaults())?;
    let mut named = HashMap::new();
    for (tenant, chosen) in settings.tenants.named() {
        named.insert(tenant.clone(), configured(chosen)?);
    }
    Ok((defaults, named))
}

fn configured(chosen: &TenantSettings) -> Result<Configured, Problems> {
    let by_trait = chosen
        .survivorship
        .parse(|_, rule| rule.parse::<Rule>().map_err(str::to_owned))?;
    let region = chosen.default_region;
    let said = chosen
        .identity
        .parse(|namespace, text| rules::parse(namespace, text, region))?;
    let resolution = identity::Rules::from(RuleSet {
        namespaces: said,
        ..RuleSet::default()
    });
    Ok(Configured {
        region,
        time_zone: chosen.time_zone,
        rules: Arc::new(Rules { by_trait }),
        listening: Arc::new(listening(chosen)?),
        resolution: Arc::new(resolution),
    })
}

/// How a tenant has texts read. Topics of its own come beside the usual ones, and in place of those of the same name.
fn listening(chosen: &TenantSettings) -> Result<Listening, Problems> {
    let mut listening = Listening {
        han: chosen.han_language,
        ..Listening::default()
    };
    let number = chosen.topics.iter().count();
    if number == 0 {
        return Ok(listening);
    }
    let own = chosen.topics.parse(|name, text| {
        let terms: Vec<String> = text.split(',').map(|term| term.trim().to_owned()).collect();
        if number > Taxonomy::TOPICS_MAX {
            return Err(format!("at most {} topics", Taxonomy::TOPICS_MAX));
        }
        // Each by itself, so that a fault is named where it was said.
        match Taxonomy::new(vec![(name.to_owned(), terms.clone())]) {
            Ok(_) => Ok(terms),
            Err(violations) => {
                let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
                Err(violations.join("; "))
            }
        }
    })?;
    match Taxonomy::extended(own.into_iter().collect()) {
        Ok(taxonomy) => listening.taxonomy = taxonomy,
        Err(violations) => {
            let all: Vec<String> = violations.iter().map(ToString::to_string).collect();
            let together = |_: &str, _: &str| Err::<(), _>(all.join("; "));
            chosen.topics.parse(together)?;
        }
    }
    Ok(listening)
}

/// The secret of a private cluster: made once, kept beside the data, readable by the owner alone.
///
/// It is written under another name and then renamed, so a start that is killed leaves no half of one. Whoever renames
/// last wins, and everyone reads what stands there afterwards.
fn private_secret(data_dir: &Path) -> Result<Vec<u8>, OpenError> {
    let path = data_dir.join("hash_secret");
    let failed = |source| OpenError::SecretFile {
        path: path.clone(),
        source,
    };
    match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let draft = data_dir.join(format!("hash_secret.{}", std::process::id()));
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&draft)
                .map_err(failed)?;
            file.write_all(hex::encode(ids::draw_secret()).as_bytes())
                .map_err(failed)?;
            file.sync_all().map_err(failed)?;
            fs::rename(&draft, &path).map_err(failed)?;
            fs::read(&path).map_err(failed)
        }
        other => other.map_err(failed),
    }
}
