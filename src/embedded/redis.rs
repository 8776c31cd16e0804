//! A private Redis: a cache, so it keeps nothing on disk and starts empty.
//!
//! What must stay true of it is what is true of the private Postgres: a unix socket in a directory of mode 0700 and no TCP port,
//! one server per directory, not run by root, and it does not outlive its parent. Its parent is a shell that waits at the end of a
//! pipe whose other end only this process holds: when that is closed, however this process ended, the shell ends the server. The
//! shell ends with the server, so a server that died shows.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{directory::Directory, error::Error, run_as::RunAs, supervise};

/// Where the program may be besides in PATH.
const PLACES: [&str; 3] = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// How long a start may take.
const START_LIMIT: Duration = Duration::from_secs(10);

/// How long the end may take; the shell uses force before.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// Runs the server until it ends or the pipe does. Arguments: the command. What waits does not hold the lock, which is standard
/// output: it may outlive the server by its pause.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
exec 3<&0
"$@" </dev/null &
pid=$!
{
    read -r word
    kill -s TERM "$pid"
    sleep 2
    kill -s CONT "$pid"
    kill -s KILL "$pid"
} <&3 3<&- >/dev/null &
reader=$!
exec 3<&-
wait "$pid"
kill -s KILL "$reader"
"#;

/// A running server, which ends with this value and with this process.
#[derive(Debug)]
pub struct PrivateRedis {
    shell: Child,
    directory: Directory,
    socket_dir: PathBuf,
    socket_is_outside: bool,
}

/// The program, if this machine has it.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let named = PLACES.iter().map(PathBuf::from);
    let mut candidates = env::split_paths(&path).chain(named);
    candidates.find_map(|dir| {
        let program = dir.join("redis-server");
        program.is_file().then_some(program)
    })
}

impl PrivateRedis {
    /// Starts a server in a directory, which is made when there is none, and waits until it answers. It holds at most this many
    /// MiB and lets go of what was not used for longest.
    ///
    /// # Errors
    /// Whatever keeps it from running; nothing of it is left running then.
    pub fn start(program: &Path, root: &Path, memory_mib: u32) -> Result<Self, Error> {
        let directory = Directory::claim(root)?;
        let run_as = RunAs::choose(&directory.root().join("socket"))?;
        directory.admit(&run_as)?;
        let (socket_dir, socket_is_outside) = directory.socket_dir(&run_as)?;
        let socket = socket_dir.join("redis.sock");
        let memory = format!("{memory_mib}mb");
        let mut command = supervise::shell(&run_as);
        command
            .args(["-c", SCRIPT, "redis"])
            .arg(program)
            .args(["--port", "0", "--unixsocketperm", "700", "--unixsocket"])
            .arg(&socket)
            .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--maxmemory-policy", "allkeys-lru", "--maxmemory", &memory])
            .args(["--logfile", "/dev/null", "--dir"])
            .arg(&socket_dir)
            .stdin(Stdio::piped())
            .stdout(directory.share_lock()?);
        let shell = command
            .spawn()
            .map_err(|source| Error::run(program, &run_as, source))?;
        let mut server = Self {
            shell,
            directory,
            socket_dir,
            socket_is_outside,
        };
        server.wait_until_ready(&socket)?;
        Ok(server)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.socket_dir.join("redis.sock")
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Whether it has not ended.
    pub fn is_running(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    fn wait_until_ready(&mut self, socket: &Path) -> Result<(), Error> {
        let begun = Instant::now();
        while !answers(socket) {
            if let Ok(Some(status)) = self.shell.try_wait() {
                let program = "redis-server".to_owned();
                return Err(Error::Ended { program, status });
            }
            if begun.elapsed() > START_LIMIT {
                let program = "redis-server".to_owned();
                return Err(Error::Silent { program });
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        // Closing it tells the shell.
        drop(self.shell.stdin.take());
        let _ = supervise::wait(&mut self.shell, STOP_LIMIT);
        self.directory.disown();
        if self.socket_is_outside {
            // An empty directory that stays behind under /tmp is no reason to fail.
            let _ = fs::remove_dir_all(&self.socket_dir);
        }
    }
}

fn answers(socket: &Path) -> bool {
    let ask = || {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_secs(1)))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        std::io::Result::Ok(answer == *b"+PONG\r\n")
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_on_its_socket_alone_and_ends_with_its_value() {
        let Some(program) = program() else {
            return;
        };
        let root = tempfile::tempdir_in("/tmp").unwrap();
        let mut server = PrivateRedis::start(&program, root.path(), 16).unwrap();
        let socket = server.socket();
        assert!(answers(&socket) && server.is_running());
        let second = PrivateRedis::start(&program, root.path(), 16);
        assert!(matches!(second, Err(Error::InUse { .. })));
        drop(server);
        assert!(!answers(&socket));
        let again = PrivateRedis::start(&program, root.path(), 16).unwrap();
        assert!(answers(&again.socket()));
    }
}
