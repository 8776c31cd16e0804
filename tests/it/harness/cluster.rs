//! The cluster of the run and a database for each test.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use customer_profile::{
    embedded::postgres::{Options, PrivatePostgres},
    storage::migrate,
};
use sqlx::{
    AssertSqlSafe, Connection as _, Executor as _, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::OnceCell;

/// The secret of every test store.
pub const SECRET: &str = "a secret of tests that is long enough";

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A private Postgres without fsync. It ends with this process, by its watcher, since nothing drops a static.
struct Cluster {
    socket: PathBuf,
    _server: PrivatePostgres,
}

const TEMPLATE: &str = "migrated";

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let server = tokio::task::spawn_blocking(|| {
                let data_dir = scratch().join("postgres");
                PrivatePostgres::start(Options {
                    data_dir,
                    fsync: false,
                    extra_settings: vec![
                        ("max_connections".into(), "400".into()),
                        // What was committed first is asked by tests that repeat what many did.
                        ("track_commit_timestamp".into(), "on".into()),
                    ],
                })
                .unwrap()
            })
            .await
            .unwrap();
            let socket = server.socket_dir().to_owned();
            let mut admin = PgConnection::connect_with(&options(&socket, "postgres"))
                .await
                .unwrap();
            admin.execute("CREATE DATABASE migrated").await.unwrap();
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .connect_with(options(&socket, TEMPLATE))
                .await
                .unwrap();
            migrate::run(&pool).await.unwrap();
            pool.close().await;
            Cluster {
                socket,
                _server: server,
            }
        })
        .await
}

/// A directory for this run; those of runs that ended are removed first.
pub fn scratch() -> PathBuf {
    let root = std::env::temp_dir();
    let prefix = "customer-profile-tests-";
    for entry in std::fs::read_dir(&root).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let ended = name
            .strip_prefix(prefix)
            .and_then(|pid| pid.parse::<u32>().ok())
            .is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if ended {
            // Another run may be removing it too.
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let own = root.join(format!("{prefix}{}", std::process::id()));
    std::fs::create_dir_all(&own).unwrap();
    open_to_all(&own);
    own
}

/// Started by root the database runs as somebody else, who must be able to come here.
fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
}

fn options(socket: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket)
        .username("postgres")
        .database(database)
}

/// A database of one test.
#[derive(Clone)]
pub struct Database {
    pub socket: PathBuf,
    pub name: String,
}

impl Database {
    /// A migrated, empty database.
    pub async fn new() -> Self {
        let cluster = cluster().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect_with(&options(&cluster.socket, "postgres"))
            .await
            .unwrap();
        // The template admits one copy at a time.
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        sqlx::query("SELECT pg_advisory_lock(1)")
            .execute(&mut admin)
            .await
            .unwrap();
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        admin.close().await.unwrap();
        Self {
            socket: cluster.socket.clone(),
            name,
        }
    }

    /// A database without any schema.
    pub async fn empty() -> Self {
        let cluster = cluster().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = PgConnection::connect_with(&options(&cluster.socket, "postgres"))
            .await
            .unwrap();
        admin
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        Self {
            socket: cluster.socket.clone(),
            name,
        }
    }

    /// A migrated database on a server of its own, which syncs as it does in use; for tests that kill it.
    pub async fn alone(data_dir: PathBuf) -> (PrivatePostgres, Self) {
        let starting = tokio::task::spawn_blocking(|| {
            PrivatePostgres::start(Options {
                data_dir,
                fsync: true,
                extra_settings: Vec::new(),
            })
            .unwrap()
        });
        let server = starting.await.unwrap();
        let database = Self {
            socket: server.socket_dir().to_owned(),
            name: "postgres".into(),
        };
        let pool = database.pool().await;
        migrate::run(&pool).await.unwrap();
        pool.close().await;
        (server, database)
    }

    /// Its address, as an operator would write it.
    pub fn url(&self) -> String {
        let host: String = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{host}/{}", self.name)
    }

    /// A pool of a test's own.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(4)
            .connect_with(options(&self.socket, &self.name))
            .await
            .unwrap()
    }

    /// A connection of a test's own.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect_with(&options(&self.socket, &self.name))
            .await
            .unwrap()
    }

    /// The same, unless the database is away.
    pub async fn try_connect(&self) -> Option<PgConnection> {
        let options = options(&self.socket, &self.name);
        PgConnection::connect_with(&options).await.ok()
    }
}
