//! The program as a process of its own, for what can only be tried by killing it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use customer_profile::{cli::client, proto::v1::identity_service_client::IdentityServiceClient};
use tonic::transport::Channel;

use super::{Database, cluster::SECRET};

/// The program under test.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_customer-profile"));
    command.env_clear();
    for kept in ["PATH", "CUSTOMER_PROFILE_POSTGRES_BIN", "TMPDIR"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
}

/// A `serve`, on a private database unless it is given another.
pub struct Process {
    child: Child,
    pub data_dir: PathBuf,
    pub url: String,
    socket: PathBuf,
}

impl Process {
    /// Starts it on a data directory and waits until it listens.
    pub fn serve(data_dir: &Path) -> Self {
        Self::serve_with(data_dir, &[])
    }

    /// The same on a database of the cluster of the run, which outlives it.
    pub fn serve_on(database: &Database, data_dir: &Path) -> Self {
        let url = database.url();
        let settings = [
            ("DATABASE_URL", url.as_str()),
            ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
        ];
        Self::serve_with(data_dir, &settings)
    }

    fn serve_with(data_dir: &Path, settings: &[(&str, &str)]) -> Self {
        Self::serve_logging(data_dir, settings, Stdio::inherit())
    }

    /// The same with any settings, and with its log elsewhere.
    pub fn serve_logging(data_dir: &Path, settings: &[(&str, &str)], log: Stdio) -> Self {
        let socket = data_dir.join("grpc.sock");
        // A socket file that a killed service left must not be taken for a living one.
        let _ = std::fs::remove_file(&socket);
        let child = program()
            .arg("serve")
            .env("CUSTOMER_PROFILE_DATA_DIR", data_dir)
            .env(
                "CUSTOMER_PROFILE_LISTEN__GRPC",
                format!("unix:{}", socket.display()),
            )
            .env("CUSTOMER_PROFILE_LISTEN__METRICS", "")
            .env("CUSTOMER_PROFILE_LOG__FILTER", "warn")
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let process = Self {
            child,
            data_dir: data_dir.to_owned(),
            url: format!("unix:{}", socket.display()),
            socket,
        };
        process.wait_until_listening();
        process
    }

    fn wait_until_listening(&self) {
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(&self.socket).is_err() {
            assert!(
                begun.elapsed() < Duration::from_mins(1),
                "the service does not listen"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A connection for decisions.
    pub fn identities(&self) -> IdentityServiceClient<Channel> {
        IdentityServiceClient::new(client::channel(&self.url).unwrap())
    }

    /// kill -9.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end it leads to.
    pub fn terminate(mut self) -> std::process::ExitStatus {
        signal("TERM", self.child.id());
        self.child.wait().unwrap()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The main process of its private database.
    pub fn postgres_pid(&self) -> Option<u32> {
        let path = self.data_dir.join("postgres/cluster/postmaster.pid");
        std::fs::read_to_string(path)
            .ok()?
            .lines()
            .next()?
            .trim()
            .parse()
            .ok()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Ended already in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a process that the test started.
pub fn signal(name: &str, pid: u32) {
    assert!(send(name, pid), "kill -{name} {pid}");
}

/// Sends a signal to a process that may have ended; answers whether it was there.
pub fn send(name: &str, pid: u32) -> bool {
    // The shell brings its own `kill`; a bare system has no program of that name.
    Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}
