//! A private `PostgreSQL` as shipped, and the service on a database of it, as a process of its own with everything on that
//! is on by default.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use customer_profile::embedded::postgres::{Options, PrivatePostgres};
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

/// The secret that identity keys are made with.
pub(crate) const SECRET: &str = "a benchmark needs a secret, too, of 32 bytes";

pub(crate) struct Stage {
    /// Where the service is called.
    pub(crate) url: String,
    /// For whatever a benchmark needs; it is gone with the stage.
    pub(crate) scratch: PathBuf,
    pub(crate) socket: PathBuf,
    service: Option<Service>,
    postgres: Option<PrivatePostgres>,
}

/// The service as a process, which ends with this value, whatever goes wrong.
pub(crate) struct Service {
    /// Where it is called.
    pub(crate) url: String,
    metrics: SocketAddr,
    process: Process,
}

/// A process that ends with this value.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already when all went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Stage {
    /// The service on an empty database `service`.
    pub(crate) async fn set_up() -> Self {
        let scratch =
            std::env::temp_dir().join(format!("customer-profile-bench-{}", std::process::id()));
        let data_dir = scratch.join("postgres");
        let mut stage = Self::open(scratch, Options::durable(data_dir)).await;
        stage.admin("CREATE DATABASE service").await;
        assert!(stage.program("migrate").status().unwrap().success());
        stage.serve().await;
        stage
    }

    /// A server with whatever its directory holds, and nobody who uses it yet.
    pub(crate) async fn open(scratch: PathBuf, options: Options) -> Self {
        std::fs::create_dir_all(&scratch).unwrap();
        open_to_all(&scratch);
        let postgres = tokio::task::spawn_blocking(move || PrivatePostgres::start(options))
            .await
            .unwrap()
            .unwrap();
        Self {
            url: String::new(),
            scratch,
            socket: postgres.socket_dir().to_owned(),
            service: None,
            postgres: Some(postgres),
        }
    }

    /// Ends the server, and leaves what it holds.
    pub(crate) async fn close(mut self) {
        if let Some(postgres) = self.postgres.take() {
            tokio::task::spawn_blocking(move || postgres.stop())
                .await
                .unwrap()
                .unwrap();
        }
    }

    /// How a database of the server is reached.
    pub(crate) fn database(&self, name: &str) -> String {
        let socket = self.socket.to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{name}")
    }

    fn program(&self, command: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_customer-profile"));
        program
            .arg(command)
            .env("DATABASE_URL", self.database("service"))
            .env("CUSTOMER_PROFILE_HASH_SECRET", SECRET)
            .env_remove("REDIS_URL")
            .stdin(Stdio::null());
        program
    }

    /// Starts the service.
    pub(crate) async fn serve(&mut self) {
        self.serve_with(&[]).await;
    }

    /// Starts the service with settings by the names of their variables.
    pub(crate) async fn serve_with(&mut self, settings: &[(&str, &str)]) {
        let service = self.start("main", settings).await;
        self.url.clone_from(&service.url);
        self.service = Some(service);
    }

    /// One more instance of the service, with settings by the names of their variables; one of a name at a time.
    pub(crate) async fn start(&self, name: &str, settings: &[(&str, &str)]) -> Service {
        let own = self.scratch.join(name);
        std::fs::create_dir_all(&own).unwrap();
        open_to_all(&own);
        let grpc = own.join("grpc.sock");
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let metrics = free.local_addr().unwrap();
        drop(free);
        let url = format!("unix:{}", grpc.display());
        let log = std::fs::File::create(own.join("log")).unwrap();
        let process = self
            .program("serve")
            .env("CUSTOMER_PROFILE_DATA_DIR", &own)
            .env("CUSTOMER_PROFILE_LISTEN__GRPC", &url)
            .env("CUSTOMER_PROFILE_LISTEN__METRICS", metrics.to_string())
            .envs(settings.iter().copied())
            .stderr(log)
            .spawn();
        let process = Process(process.unwrap());
        answers(&grpc).await;
        Service {
            url,
            metrics,
            process,
        }
    }

    /// Ends the service as an operator would.
    pub(crate) fn drain(&mut self) {
        self.service.take().unwrap().drain();
    }

    /// A statement on the cluster itself.
    pub(crate) async fn admin(&self, statement: &'static str) {
        let mut admin = self.connect("postgres").await;
        admin.execute(statement).await.unwrap();
    }

    /// What a server does by itself within minutes of a large change: it counts what is in its tables, to plan by.
    pub(crate) async fn settle(&self) {
        let mut connection = self.connect("service").await;
        connection.execute("VACUUM ANALYZE").await.unwrap();
        connection.execute("CHECKPOINT").await.unwrap();
    }

    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("postgres")
            .database(database);
        PgConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    pub(crate) async fn tear_down(mut self) {
        self.drain();
        let scratch = self.scratch.clone();
        self.close().await;
        std::fs::remove_dir_all(scratch).unwrap();
    }
}

impl Service {
    /// Of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.0.id()
    }

    /// Ends it as an operator would.
    pub(crate) fn drain(mut self) {
        let child = &mut self.process.0;
        let told = Command::new("sh")
            .args(["-c", "kill \"$0\"", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(
            told.success() && child.wait().unwrap().success(),
            "the service drains"
        );
    }

    /// The most memory that it had so far, in MB.
    pub(crate) fn peak_memory_mb(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Its memory in MB, by a name of the kernel's, such as `VmRSS:`.
    pub(crate) fn memory(&self, which: &str) -> u64 {
        let id = self.id().to_string();
        let status = std::fs::read_to_string(Path::new("/proc").join(id).join("status")).unwrap();
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix(which))
            .unwrap();
        let kilobytes: u64 = memory.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes / 1024
    }

    /// What it counts: the sum of a metric over all series whose labels hold these texts.
    pub(crate) fn counted(&self, name: &str, labels: &[&str]) -> f64 {
        self.page()
            .lines()
            .filter(|line| {
                line.starts_with(name) && labels.iter().all(|label| line.contains(label))
            })
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .fold(0.0, |sum, value| sum + value)
    }

    /// The page of its metrics.
    pub(crate) fn page(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }
}

/// Waits until somebody listens at a socket.
pub(crate) async fn answers(socket: &Path) {
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(socket).is_err() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "nobody listens at {}",
            socket.display()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Started by root the database runs as somebody else, who must be able to come here.
fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
}
