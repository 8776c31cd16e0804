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

pub(crate) struct Stage {
    /// Where the service is called.
    pub(crate) url: String,
    scratch: PathBuf,
    socket: PathBuf,
    metrics: SocketAddr,
    service: Option<Service>,
    postgres: Option<PrivatePostgres>,
}

/// The service as a process, which ends with this value, whatever goes wrong.
struct Service(Child);

impl Drop for Service {
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
        std::fs::create_dir_all(&scratch).unwrap();
        open_to_all(&scratch);
        let data_dir = scratch.join("postgres");
        let postgres =
            tokio::task::spawn_blocking(move || PrivatePostgres::start(Options::durable(data_dir)))
                .await
                .unwrap()
                .unwrap();
        let socket = postgres.socket_dir().to_owned();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut stage = Self {
            url: format!("unix:{}", scratch.join("grpc.sock").display()),
            scratch,
            socket,
            metrics: free.local_addr().unwrap(),
            service: None,
            postgres: Some(postgres),
        };
        drop(free);
        stage.admin("CREATE DATABASE service").await;
        assert!(stage.program("migrate").status().unwrap().success());
        stage.serve().await;
        stage
    }

    fn program(&self, command: &str) -> Command {
        let socket = self.socket.to_string_lossy().replace('/', "%2F");
        let mut program = Command::new(env!("CARGO_BIN_EXE_customer-profile"));
        program
            .arg(command)
            .env(
                "DATABASE_URL",
                format!("postgres://postgres@{socket}/service"),
            )
            .env(
                "CUSTOMER_PROFILE_HASH_SECRET",
                "a benchmark needs a secret, too, of 32 bytes",
            )
            .env("CUSTOMER_PROFILE_LISTEN__GRPC", &self.url)
            .env("CUSTOMER_PROFILE_LISTEN__METRICS", self.metrics.to_string())
            .env("CUSTOMER_PROFILE_LOG__FILTER", "warn")
            .stdin(Stdio::null());
        program
    }

    /// Starts the service.
    pub(crate) async fn serve(&mut self) {
        let service = Service(self.program("serve").spawn().unwrap());
        let begun = Instant::now();
        let grpc = self.scratch.join("grpc.sock");
        while std::os::unix::net::UnixStream::connect(&grpc).is_err() {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "the service does not listen"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.service = Some(service);
    }

    /// Ends the service as an operator would.
    pub(crate) fn drain(&mut self) {
        let mut service = self.service.take().unwrap();
        let told = Command::new("sh")
            .args(["-c", "kill \"$0\"", &service.0.id().to_string()])
            .status()
            .unwrap();
        assert!(
            told.success() && service.0.wait().unwrap().success(),
            "the service drains"
        );
    }

    /// A statement on the cluster itself.
    pub(crate) async fn admin(&self, statement: &'static str) {
        let mut admin = self.connect("postgres").await;
        admin.execute(statement).await.unwrap();
    }

    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&self.socket)
            .username("postgres")
            .database(database);
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// The most memory that the service had so far, in MB.
    pub(crate) fn peak_memory_mb(&self) -> u64 {
        let id = self.service.as_ref().unwrap().0.id();
        let status =
            std::fs::read_to_string(Path::new("/proc").join(id.to_string()).join("status"));
        let status = status.unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes / 1024
    }

    /// The service's metrics page.
    pub(crate) fn metrics(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        let request = "GET /metrics HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut page = String::new();
        stream.read_to_string(&mut page).unwrap();
        page
    }

    pub(crate) async fn tear_down(mut self) {
        self.drain();
        if let Some(postgres) = self.postgres.take() {
            tokio::task::spawn_blocking(move || postgres.stop())
                .await
                .unwrap()
                .unwrap();
        }
        std::fs::remove_dir_all(&self.scratch).unwrap();
    }
}

/// Started by root the database runs as somebody else, who must be able to come here.
fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
}
