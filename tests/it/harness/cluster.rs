//! The cluster of the run and a database for each test.
//!
//! A test's database goes with the last handle to it: hundreds of them, kept until the run ends, need gigabytes.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
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
    server: PrivatePostgres,
}

const TEMPLATE: &str = "migrated";

/// Servers of tests keep little of their log: what is in use keeps gigabytes.
pub fn small_log() -> (String, String) {
    ("max_wal_size".into(), "256MB".into())
}

async fn cluster() -> &'static Cluster {
    CLUSTER
        .get_or_init(|| async {
            let server = tokio::task::spawn_blocking(|| {
                let data_dir = scratch().join("postgres");
                PrivatePostgres::start(Options {
                    data_dir,
                    fsync: false,
                    extra_settings: [
                        small_log(),
                        ("max_connections".into(), "400".into()),
                        // What was committed first is asked by tests that repeat what many did.
                        ("track_commit_timestamp".into(), "on".into()),
                    ]
                    .into(),
                })
                .unwrap()
            })
            .await
            .unwrap();
            let socket = server.socket_dir().to_owned();
            let mut admin = administrator(&socket).await;
            admin.execute("CREATE DATABASE migrated").await.unwrap();
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .connect_with(options(&socket, TEMPLATE))
                .await
                .unwrap();
            migrate::run(&pool).await.unwrap();
            pool.close().await;
            Cluster { socket, server }
        })
        .await
}

/// A program that came with a server.
pub fn program(server: &PrivatePostgres, name: &str) -> PathBuf {
    let own = std::fs::read_link(format!("/proc/{}/exe", server.pid())).unwrap();
    own.with_file_name(name)
}

/// A program that came with the server of the run.
pub async fn program_of_the_run(name: &str) -> PathBuf {
    program(&cluster().await.server, name)
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

async fn administrator(socket: &Path) -> PgConnection {
    PgConnection::connect_with(&options(socket, "postgres"))
        .await
        .unwrap()
}

/// A database of the cluster of the run, for as long as anybody holds this.
struct Lease {
    socket: PathBuf,
    name: String,
}

impl Drop for Lease {
    /// Removes it, whoever is still connected: a test that ends leaves services behind, whose pools end with its runtime.
    fn drop(&mut self) {
        let (socket, name) = (self.socket.clone(), self.name.clone());
        let remove = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            let remove = format!("DROP DATABASE {name} WITH (FORCE)");
            // At the end of the run the server may be gone first.
            let _ = runtime.block_on(async {
                let mut admin = PgConnection::connect_with(&options(&socket, "postgres")).await?;
                admin.execute(AssertSqlSafe(remove)).await
            });
        };
        // A runtime cannot block in another one; and a test that failed is told of its failure, not of this.
        let _ = std::thread::Builder::new().spawn(remove);
    }
}

/// A database of one test.
#[derive(Clone)]
pub struct Database {
    pub socket: PathBuf,
    pub name: String,
    /// None of a server of its own, with which it goes.
    _lease: Option<Arc<Lease>>,
}

impl Database {
    fn leased(cluster: &Cluster, name: String) -> Self {
        let socket = cluster.socket.clone();
        Self {
            _lease: Some(Arc::new(Lease {
                socket: socket.clone(),
                name: name.clone(),
            })),
            socket,
            name,
        }
    }

    /// The one database of a server of its own.
    pub fn of_server(server: &PrivatePostgres) -> Self {
        Self {
            socket: server.socket_dir().to_owned(),
            name: "postgres".into(),
            _lease: None,
        }
    }

    /// A migrated, empty database.
    pub async fn new() -> Self {
        let cluster = cluster().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = administrator(&cluster.socket).await;
        // The template admits one copy at a time.
        let create = format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}");
        sqlx::query("SELECT pg_advisory_lock(1)")
            .execute(&mut admin)
            .await
            .unwrap();
        admin.execute(AssertSqlSafe(create)).await.unwrap();
        admin.close().await.unwrap();
        Self::leased(cluster, name)
    }

    /// A database without any schema.
    pub async fn empty() -> Self {
        let cluster = cluster().await;
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut admin = administrator(&cluster.socket).await;
        admin
            .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .await
            .unwrap();
        Self::leased(cluster, name)
    }

    /// A migrated database on a server of its own, which syncs as it does in use; for tests that kill it.
    pub async fn alone(data_dir: PathBuf) -> (PrivatePostgres, Self) {
        let starting = tokio::task::spawn_blocking(|| {
            PrivatePostgres::start(Options {
                data_dir,
                fsync: true,
                extra_settings: vec![small_log()],
            })
            .unwrap()
        });
        let server = starting.await.unwrap();
        let database = Self::of_server(&server);
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
