//! Ends the server with the parent, also when the parent is killed and can do nothing any more.
//!
//! A shell waits at the end of a pipe whose other end only the parent holds (it is closed on exec, so no child inherits
//! it). The kernel closes it with the parent, whatever ended that, and the shell then shuts the server down: fast, then
//! at once, then by force. What must stay true: the shell starts before the server, so that there is no moment without
//! it, and it signals a process only while that process's command line names our cluster, never a recycled id.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{directory::Directory, error::Error, run_as::RunAs};

/// Waits for `<pid>` and then `done`, or for the end of the pipe. Arguments: the cluster, a socket directory to remove.
///
/// A parent that died between starting the server and telling its id leaves it to `postmaster.pid`; a new run cannot
/// write that file meanwhile, because the lock is held here too (as standard output).
const SCRIPT: &str = r#"
trap '' HUP INT TERM
pid=
while read -r word; do
    [ "$word" = done ] && exit 0
    pid=$word
done
serves() {
    [ -n "$pid" ] || return 1
    if [ -d /proc/self ]; then line=$(tr '\0' ' ' <"/proc/$pid/cmdline"); else line=$(ps -o args= -p "$pid"); fi
    case $line in *"$1"*) return 0 ;; *) return 1 ;; esac
}
signal_and_wait() {
    tries=0
    serves "$1" && kill -s "$2" "$pid" && kill -s CONT "$pid"
    while [ "$tries" -lt "$3" ] && serves "$1"; do sleep 0.1; tries=$((tries + 1)); done
}
tries=0
while [ -z "$pid" ] && [ "$tries" -lt 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
    read -r pid <"$1/postmaster.pid"
    serves "$1" || pid=
done
signal_and_wait "$1" INT 200
signal_and_wait "$1" QUIT 50
signal_and_wait "$1" KILL 10
if [ -n "$2" ]; then rm -f "$2"/.s.PGSQL.*; rmdir "$2"; fi
"#;

/// The shell that waits for our end.
#[derive(Debug)]
pub(super) struct Watcher {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Watcher {
    /// Starts to watch; a socket directory that is not part of the data directory is removed at the end.
    pub(super) fn start(
        run_as: &RunAs,
        directory: &Directory,
        remove: Option<&Path>,
    ) -> Result<Self, Error> {
        let mut shell = shell(run_as)
            .args(["-c", SCRIPT, "watcher"])
            .arg(directory.cluster())
            .arg(remove.unwrap_or(Path::new("")))
            .stdin(Stdio::piped())
            .stdout(directory.share_lock()?)
            .spawn()
            .map_err(|source| Error::run(Path::new("/bin/sh"), run_as, source))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Tells which process to end.
    pub(super) fn watch(&mut self, pid: u32) -> Result<(), Error> {
        self.tell(&pid.to_string())
            .map_err(|source| Error::io("tell the watcher of", Path::new("postgres"), source))
    }

    /// The server could not be ended from here: the shell goes on trying as if the parent had died.
    pub(super) fn abandon(&mut self) {
        self.pipe = None;
    }

    fn tell(&mut self, word: &str) -> std::io::Result<()> {
        match &mut self.pipe {
            Some(pipe) => writeln!(pipe, "{word}"),
            None => Ok(()),
        }
    }
}

impl Drop for Watcher {
    /// The server has ended, or never began: there is nothing to watch.
    fn drop(&mut self) {
        if self.pipe.is_some() {
            // A watcher that is gone already cannot be told, and need not be.
            let _ = self.tell("done");
            self.pipe = None;
            let _ = self.shell.wait();
        }
    }
}

/// `/bin/sh` as that user; it sends signals, because std cannot.
pub(super) fn shell(run_as: &RunAs) -> Command {
    run_as.command(Path::new("/bin/sh"))
}

/// Sends a signal to a child that was not waited for yet, so that its id is certainly its own. A child that stands still
/// (SIGSTOP) is set going, as it could not end otherwise.
pub(super) fn signal(run_as: &RunAs, child: &Child, name: &str) {
    // Whether it worked shows in whether the child ends.
    let _ = shell(run_as)
        .args(["-c", r#"kill -s "$1" "$2"; kill -s CONT "$2""#, "signal"])
        .arg(name)
        .arg(child.id().to_string())
        .status();
}

/// Waits for a child's end, but not for ever.
pub(super) fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if begun.elapsed() > limit {
            return None;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// The command line of a living process; a dead one that nobody has waited for yet has none.
pub(super) fn command_line(pid: u32) -> Option<String> {
    let line = if Path::new("/proc/self").exists() {
        fs::read(format!("/proc/{pid}/cmdline")).ok()?
    } else {
        let pid = pid.to_string();
        let answer = Command::new("ps")
            .args(["-o", "args=", "-p", &pid])
            .output();
        answer.ok()?.stdout
    };
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    (!line.trim().is_empty()).then_some(line)
}
