//! The data directory: what lies in it, and the lock that makes it one run's.
//!
//! `cluster` and `socket` belong to the user that the server runs as and are closed to all others; `lock`, `server.log`
//! and the directory itself belong to whoever runs the program.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use super::{error::Error, run_as::RunAs, supervise};

/// How long the rest of a run that was killed may take to end: its watcher is forcing it by then.
const LEFTOVER_LIMIT: Duration = Duration::from_secs(30);
/// Above this the log starts anew.
const LOG_LIMIT: u64 = 16 << 20;
/// How much of the log an error shows.
const LOG_TAIL: u64 = 4 << 10;
/// The longest directory that leaves room for the socket's name in an address of the operating system.
const SOCKET_DIR_LIMIT: usize = 106 - "/.s.PGSQL.5432".len();

/// A data directory that is ours alone for as long as this lives.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    lock: File,
}

impl Directory {
    /// Creates the directory where it is missing, and locks it.
    pub(super) fn claim(root: &Path) -> Result<Self, Error> {
        let root = create(root).map_err(|source| Error::io("create", root, source))?;
        let path = root.join("lock");
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| Error::io("open", &path, source))?;
        let mut directory = Self { root, lock };
        directory.take_lock()?;
        Ok(directory)
    }

    /// A lock whose owner has gone is still held by what it left behind, which is about to end; a living owner is named
    /// at once.
    fn take_lock(&mut self) -> Result<(), Error> {
        let begun = Instant::now();
        loop {
            match self.lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(source)) => {
                    return Err(Error::io("lock", &self.root, source));
                }
            }
            let owner = self.owner().filter(|pid| is_alive(*pid));
            let server = || self.server_pid().filter(|pid| is_alive(*pid));
            if owner.is_some() || begun.elapsed() > LEFTOVER_LIMIT {
                return Err(Error::InUse {
                    data_dir: self.root.clone(),
                    pid: owner.or_else(server),
                });
            }
            thread::sleep(Duration::from_millis(20));
        }
        self.write_owner(&std::process::id().to_string())
            .map_err(|source| Error::io("write", &self.root.join("lock"), source))
    }

    fn owner(&mut self) -> Option<u32> {
        let mut text = String::new();
        self.lock.seek(SeekFrom::Start(0)).ok()?;
        (&self.lock).take(16).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn write_owner(&mut self, owner: &str) -> std::io::Result<()> {
        self.lock.set_len(0)?;
        self.lock.seek(SeekFrom::Start(0))?;
        self.lock.write_all(owner.as_bytes())
    }

    /// No living process is named as the owner any more; the lock itself goes with the last process that holds it.
    pub(super) fn disown(&mut self) {
        // A name that stays behind is harmless once this process has ended.
        let _ = self.write_owner("");
    }

    /// The lock for a child: held until both it and we have ended.
    pub(super) fn share_lock(&self) -> Result<Stdio, Error> {
        let lock = self.lock.try_clone();
        lock.map(Stdio::from)
            .map_err(|source| Error::io("share", &self.root.join("lock"), source))
    }

    /// The directory itself, without symbolic links.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// What the server calls its data directory.
    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// The major version that made the cluster, if there is one.
    pub(super) fn made_by(&self) -> Option<String> {
        let text = fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?;
        Some(text.trim().to_owned())
    }

    /// The lines of `postmaster.pid`.
    pub(super) fn postmaster_lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.cluster().join("postmaster.pid")).unwrap_or_default();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }

    /// The server that last ran here, dead or alive.
    pub(super) fn server_pid(&self) -> Option<u32> {
        self.postmaster_lines().first()?.parse().ok()
    }

    /// Checks that the server's user can come here at all: everything above it must let that user pass.
    pub(super) fn admit(&self, run_as: &RunAs) -> Result<(), Error> {
        for dir in self.root.ancestors() {
            let found = fs::metadata(dir).map_err(|source| Error::io("read", dir, source))?;
            if run_as.may_enter(&found) {
                continue;
            }
            // The directory itself holds nothing but what is made here, and what is private in it is closed by itself.
            if dir == self.root {
                fs::set_permissions(dir, fs::Permissions::from_mode(0o711))
                    .map_err(|source| Error::io("open to its server", dir, source))?;
                continue;
            }
            return Err(Error::CannotEnter {
                data_dir: self.root.clone(),
                closed: dir.to_owned(),
                user: run_as.describe(),
            });
        }
        Ok(())
    }

    /// A directory for the socket that only the server's user and root can enter, and whether it lies outside and is to
    /// be removed at the end.
    pub(super) fn socket_dir(&self, run_as: &RunAs) -> Result<(PathBuf, bool), Error> {
        let inside = self.root.join("socket");
        if fits(&inside) {
            if !inside.is_dir() {
                run_as.create_private(&inside)?;
            }
            return Ok((inside, false));
        }
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let parent = runtime
            .filter(|dir| !run_as.is_other() && dir.is_dir() && fits(&dir.join("0".repeat(32))))
            .unwrap_or_else(|| PathBuf::from("/tmp"));
        // Never an existing one: in a directory that all share it could be anyone's.
        let name = |n: u32| parent.join(format!("customer-profile-{}-{n}", std::process::id()));
        let free = (0..1000)
            .map(name)
            .find(|dir| fs::symlink_metadata(dir).is_err());
        let dir = free.unwrap_or_else(|| name(1000));
        run_as.create_private(&dir)?;
        Ok((dir, true))
    }

    /// The server's log, to append to, and where this run's part of it begins.
    pub(super) fn open_log(&self) -> Result<(File, u64), Error> {
        let path = self.log_path();
        let open = || {
            let log = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&path)?;
            let mut length = log.metadata()?.len();
            if length > LOG_LIMIT {
                log.set_len(0)?;
                length = 0;
            }
            Ok((log, length))
        };
        open().map_err(|source| Error::io("open", &path, source))
    }

    /// The end of what was logged since then.
    pub(super) fn log_tail(&self, since: u64) -> String {
        let read = || {
            let mut log = File::open(self.log_path())?;
            let from = since.max(log.metadata()?.len().saturating_sub(LOG_TAIL));
            log.seek(SeekFrom::Start(from))?;
            let mut text = Vec::new();
            log.read_to_end(&mut text)?;
            std::io::Result::Ok(String::from_utf8_lossy(&text).trim().to_owned())
        };
        read().unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.root.join("server.log")
    }
}

/// Missing parents are made so that the server's user can pass, whatever the umask says; ones that exist are left alone.
fn create(root: &Path) -> std::io::Result<PathBuf> {
    let root = std::path::absolute(root)?;
    let missing: Vec<&Path> = root.ancestors().take_while(|dir| !dir.exists()).collect();
    for dir in missing.into_iter().rev() {
        match fs::create_dir(dir) {
            Ok(()) => fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    fs::canonicalize(root)
}

fn is_alive(pid: u32) -> bool {
    supervise::command_line(pid).is_some()
}

/// Short enough for an address, and without characters that mean something in the server's list of directories.
fn fits(dir: &Path) -> bool {
    let name = dir.as_os_str().as_bytes();
    name.len() <= SOCKET_DIR_LIMIT
        && name
            .iter()
            .all(|c| c.is_ascii_alphanumeric() || b"/._-".contains(c))
}
