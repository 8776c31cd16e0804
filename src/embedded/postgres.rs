//! A private Postgres: made on first use, started in a tenth of a second later.
//!
//! What must stay true is said in [`super`]. The server is ready when the eighth line of `postmaster.pid` says so; that
//! file, unlike a connection, also tells which process wrote it.

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::{Duration, Instant},
};

pub use super::error::Error;
use super::{
    binaries::{self, Binaries},
    directory::Directory,
    run_as::RunAs,
    supervise::{self, Watcher},
};

/// How long a start may take; it replays what a killed server left.
pub(super) const START_LIMIT: Duration = Duration::from_mins(1);
/// How long a fast shutdown may take before it becomes an immediate one, and that before it is enforced.
const STOP_LIMITS: [(&str, Duration); 3] = [
    ("INT", Duration::from_secs(20)),
    ("QUIT", Duration::from_secs(5)),
    ("KILL", Duration::from_secs(5)),
];
/// The superuser of the cluster; nothing else can reach the socket, so there is no password.
const SUPERUSER: &str = "postgres";

const SETTINGS: [(&str, &str); 10] = [
    ("max_connections", "100"),
    ("shared_buffers", "256MB"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "on"),
    ("jit", "off"),
    ("random_page_cost", "1.1"),
    // What a statement failed on is personal data, and a log is no place for it.
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("unix_socket_permissions", "0700"),
];
const UNSAFE_SETTINGS: [(&str, &str); 3] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
];

/// How to start one.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it keeps everything; created when missing. Started by root, every directory above must let the unprivileged
    /// user pass, so below root's home it fails with [`Error::CannotEnter`]; `/var/tmp` or `/var/lib` are fine.
    pub data_dir: PathBuf,
    /// Whether a commit survives a crash of the machine. Without it data survives only crashes of processes: for tests.
    pub fsync: bool,
    /// Settings that win over the ones chosen here, except those that keep it private.
    pub extra_settings: Vec<(String, String)>,
}

impl Options {
    /// A server that keeps its data.
    pub fn durable(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            fsync: true,
            extra_settings: Vec::new(),
        }
    }
}

/// A running server, which ends with this value and with this process.
#[derive(Debug)]
pub struct PrivatePostgres {
    child: Child,
    // Before the lock in `directory`, so that it is gone when the lock is let go.
    watcher: Watcher,
    run_as: RunAs,
    directory: Directory,
    socket_dir: PathBuf,
    socket_is_outside: bool,
    ended: bool,
}

impl PrivatePostgres {
    /// Starts a server on a data directory, which is made when there is none, and waits until it takes connections.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from running; nothing of it is left running then.
    pub fn start(options: Options) -> Result<Self, Error> {
        let directory = Directory::claim(&options.data_dir)?;
        let binaries = binaries::find(directory.made_by().as_deref())?;
        let run_as = RunAs::choose(&directory.cluster())?;
        directory.admit(&run_as)?;
        make_cluster(&directory, &run_as, &binaries, options.fsync)?;
        free_recycled_pid(&directory, &run_as);

        let (socket_dir, socket_is_outside) = directory.socket_dir(&run_as)?;
        let remove = socket_is_outside.then_some(socket_dir.as_path());
        let mut watcher = Watcher::start(&run_as, &directory, remove)?;
        let (log, log_start) = directory.open_log()?;
        let shared_log = log.try_clone();
        let shared_log =
            shared_log.map_err(|e| Error::io("share", &directory.root().join("server.log"), e))?;
        let child = run_as
            .command(&binaries.postgres)
            .arg("-D")
            .arg(directory.cluster())
            .args(arguments(options))
            .arg("-k")
            .arg(&socket_dir)
            .stdin(directory.share_lock()?)
            .stdout(shared_log)
            .stderr(log)
            .spawn()
            .map_err(|source| Error::run(&binaries.postgres, &run_as, source))?;
        // From here on Drop ends the server, whatever goes wrong.
        let told = watcher.watch(child.id());
        let mut server = Self {
            child,
            watcher,
            run_as,
            directory,
            socket_dir,
            socket_is_outside,
            ended: false,
        };
        told?;
        server.wait_until_ready(log_start)?;
        Ok(server)
    }

    /// The directory of the unix socket, to connect to; the port is 5432.
    #[must_use]
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// The superuser, who needs no password.
    #[must_use]
    pub fn user(&self) -> &str {
        SUPERUSER
    }

    /// The server's main process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the main process has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends the server: open transactions are rolled back and everything committed is on disk.
    ///
    /// # Errors
    ///
    /// When the process cannot be ended, not even by force.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    fn wait_until_ready(&mut self, log_start: u64) -> Result<(), Error> {
        let begun = Instant::now();
        let pid = self.pid().to_string();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Error::Exited {
                    status,
                    log: self.directory.log_tail(log_start),
                });
            }
            let lines = self.directory.postmaster_lines();
            if lines.first() == Some(&pid) && lines.get(7).is_some_and(|line| line == "ready") {
                return Ok(());
            }
            if begun.elapsed() > START_LIMIT {
                return Err(Error::NotReady {
                    log: self.directory.log_tail(log_start),
                });
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        if self.ended {
            return Ok(());
        }
        self.ended = true;
        let ended = STOP_LIMITS.iter().any(|(signal, limit)| {
            if self.is_running() {
                supervise::signal(&self.run_as, &self.child, signal);
            }
            supervise::wait(&mut self.child, *limit).is_some()
        });
        self.directory.disown();
        if !ended {
            self.watcher.abandon();
            return Err(Error::NotStopped { pid: self.pid() });
        }
        if self.socket_is_outside {
            // An empty directory that stays behind under /tmp is no reason to fail.
            let _ = fs::remove_dir_all(&self.socket_dir);
        }
        Ok(())
    }
}

impl Drop for PrivatePostgres {
    fn drop(&mut self) {
        // `stop` tells; a value that goes away has nobody to tell.
        let _ = self.shut_down();
    }
}

/// `initdb` into a directory of another name, so that one that was interrupted is never taken for a cluster.
fn make_cluster(
    directory: &Directory,
    run_as: &RunAs,
    binaries: &Binaries,
    fsync: bool,
) -> Result<(), Error> {
    let cluster = directory.cluster();
    if directory.made_by().is_some() {
        return Ok(());
    }
    let new = cluster.with_extension("new");
    match fs::remove_dir_all(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &new, error));
        }
        _ => {}
    }
    run_as.create_private(&new)?;
    let mut initdb = run_as.command(&binaries.initdb);
    initdb
        .args(["-A", "trust", "-E", "UTF8", "--locale=C", "-U", SUPERUSER])
        .args((!fsync).then_some("--no-sync"))
        .arg("-D")
        .arg(&new)
        .stdin(directory.share_lock()?)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let answer = initdb
        .spawn()
        .and_then(Child::wait_with_output)
        .map_err(|source| Error::run(&binaries.initdb, run_as, source))?;
    if !answer.status.success() {
        let mut output = String::from_utf8_lossy(&answer.stderr).trim().to_owned();
        // A lack of words is a word too: killed by a signal, for one.
        let _ = write!(output, " ({})", answer.status);
        return Err(Error::Initdb { output });
    }
    fs::rename(&new, &cluster).map_err(|source| Error::io("rename", &new, source))?;
    if fsync {
        fs::File::open(directory.root())
            .and_then(|root| root.sync_all())
            .map_err(|source| Error::io("sync", directory.root(), source))?;
    }
    Ok(())
}

/// A server that was killed leaves its process id behind. When that now is some other process of the same user, as after
/// a restart of the machine, Postgres would take it for a living server and refuse to start. Holding the lock we know
/// better, and put our own id there, which Postgres knows for its parent's; the rest of the file stays, because it leads
/// Postgres to processes of the old server that might still be there.
fn free_recycled_pid(directory: &Directory, run_as: &RunAs) {
    let cluster = directory.cluster();
    let Some(line) = directory.server_pid().and_then(supervise::command_line) else {
        return;
    };
    if line.contains(&*cluster.to_string_lossy()) {
        return;
    }
    let script = r#"cd "$1" && { echo "$2"; tail -n +2 postmaster.pid; } >postmaster.new && mv postmaster.new postmaster.pid"#;
    // Where it fails PostgreSQL says why it does not start.
    let _ = supervise::shell(run_as)
        .args(["-c", script, "free"])
        .arg(cluster)
        .arg(std::process::id().to_string())
        .status();
}

fn arguments(options: Options) -> Vec<String> {
    let unsafe_settings: &[_] = if options.fsync { &[] } else { &UNSAFE_SETTINGS };
    let ours = SETTINGS.iter().chain(unsafe_settings);
    let ours = ours.map(|(name, value)| format!("{name}={value}"));
    let extra = options.extra_settings.into_iter();
    let extra = extra.map(|(name, value)| format!("{name}={value}"));
    // Last, so that nothing undoes them.
    let private = ["listen_addresses=", "port=5432"].map(str::to_owned);
    ours.chain(extra)
        .chain(private)
        .flat_map(|setting| ["-c".to_owned(), setting])
        .collect()
}

/// The socket directory of a server that another process runs on this data directory, for those that only want to
/// connect to it.
#[must_use]
pub fn socket_of_running(data_dir: &Path) -> Option<PathBuf> {
    let lines = fs::read_to_string(data_dir.join("cluster").join("postmaster.pid")).ok()?;
    let socket = PathBuf::from(lines.lines().nth(4)?.trim());
    socket.is_dir().then_some(socket)
}
