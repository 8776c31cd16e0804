//! The stage: a private `PostgreSQL` as shipped, the service on one database, a copy of that database for the other side.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use customer_profile::embedded::postgres::{Options, PrivatePostgres};
use sqlx::{Connection as _, Executor as _, PgConnection, postgres::PgConnectOptions};

use crate::workload;

pub(crate) struct Stage {
    pub(crate) url: String,
    scratch: PathBuf,
    socket: PathBuf,
    service: Service,
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
    pub(crate) async fn set_up(people: usize) -> Self {
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
        let mut admin = connect(&socket, "postgres").await;
        admin.execute("CREATE DATABASE service").await.unwrap();
        let database = format!(
            "postgres://postgres@{}/service",
            socket.to_string_lossy().replace('/', "%2F")
        );
        let grpc = scratch.join("grpc.sock");
        let url = format!("unix:{}", grpc.display());
        let run = |command: &str| {
            let mut program = Command::new(env!("CARGO_BIN_EXE_customer-profile"));
            program
                .arg(command)
                .env("DATABASE_URL", &database)
                .env(
                    "CUSTOMER_PROFILE_HASH_SECRET",
                    "a benchmark needs a secret, too, of 32 bytes",
                )
                .env(
                    "CUSTOMER_PROFILE_LISTEN__GRPC",
                    format!("unix:{}", grpc.display()),
                )
                .env("CUSTOMER_PROFILE_LISTEN__METRICS", "127.0.0.1:0")
                .env("CUSTOMER_PROFILE_LOG__FILTER", "warn")
                .stdin(Stdio::null());
            program
        };
        assert!(run("migrate").status().unwrap().success());
        let mut first = serve(run("serve"), &grpc).await;
        workload::introduce(&url, people).await;
        let told = Command::new("sh")
            .args(["-c", "kill \"$0\"", &first.0.id().to_string()])
            .status()
            .unwrap();
        assert!(
            told.success() && first.0.wait().unwrap().success(),
            "the service drains"
        );
        // A template may have no connections, so it is copied while nobody serves.
        admin
            .execute("CREATE DATABASE baseline TEMPLATE service")
            .await
            .unwrap();
        admin.execute("CHECKPOINT").await.unwrap();
        Self {
            service: serve(run("serve"), &grpc).await,
            url,
            scratch,
            socket,
            postgres: Some(postgres),
        }
    }

    pub(crate) async fn connect(&self, database: &str) -> PgConnection {
        connect(&self.socket, database).await
    }

    pub(crate) fn peak_memory_mb(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.service.0.id())).unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        kilobytes / 1024
    }

    pub(crate) async fn tear_down(mut self) {
        drop(self.service);
        if let Some(postgres) = self.postgres.take() {
            tokio::task::spawn_blocking(move || postgres.stop())
                .await
                .unwrap()
                .unwrap();
        }
        std::fs::remove_dir_all(&self.scratch).unwrap();
    }
}

async fn serve(mut program: Command, grpc: &std::path::Path) -> Service {
    let service = Service(program.spawn().unwrap());
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(grpc).is_err() {
        assert!(
            begun.elapsed() < Duration::from_mins(1),
            "the service does not listen"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    service
}

async fn connect(socket: &std::path::Path, database: &str) -> PgConnection {
    let options = PgConnectOptions::new_without_pgpass()
        .socket(socket)
        .username("postgres")
        .database(database);
    PgConnection::connect_with(&options).await.unwrap()
}

/// Started by root the database runs as somebody else, who must be able to come here.
fn open_to_all(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o711)).unwrap();
}
