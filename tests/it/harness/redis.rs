//! A Redis of a test's own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use redis::{Client, Cmd, FromRedisValue};

use super::process::signal;

/// A server that listens on a unix socket.
pub struct Redis {
    child: Option<Child>,
    directory: PathBuf,
    arguments: Vec<String>,
}

/// What makes the script that compares ages find none, so that every value takes the place of any other: it asks for the age of what
/// is held by `GETRANGE`, which is another command of three arguments then. Nothing else asks for either.
pub const WITHOUT_COMPARING: [&str; 6] = [
    "--rename-command",
    "GETRANGE",
    "OTHER",
    "--rename-command",
    "MGET",
    "GETRANGE",
];

impl Redis {
    /// Starts one; `name` is its directory among those of the run.
    pub fn start(name: &str) -> Self {
        Self::start_with(name, &[])
    }

    /// The same with more arguments.
    pub fn start_with(name: &str, arguments: &[&str]) -> Self {
        let directory = super::cluster::scratch().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let mut server = Self {
            child: None,
            directory,
            arguments: arguments.iter().map(|word| (*word).to_owned()).collect(),
        };
        server.again();
        server
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.directory.join("redis.sock")
    }

    pub fn url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Starts it again, with what it last saved.
    pub fn again(&mut self) {
        let socket = self.socket();
        let program = customer_profile::embedded::redis::program()
            .expect("scripts/setup.sh installs redis-server");
        let child = Command::new(program)
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(&self.directory)
            .args(&self.arguments)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while !answers(&socket) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "redis does not answer"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            signal("CONT", child.id());
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Holds it still.
    pub fn freeze(&self) {
        signal("STOP", self.child.as_ref().unwrap().id());
    }

    /// Sets it going again.
    pub fn thaw(&self) {
        signal("CONT", self.child.as_ref().unwrap().id());
    }

    /// What it answers to a command.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        let client = Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }

    /// The names of what it keeps.
    pub async fn names(&self) -> Vec<String> {
        self.ask(&["KEYS", "cp1:*"]).await
    }
}

/// Whether a Redis answers on a socket.
pub fn answers(socket: &Path) -> bool {
    use std::io::{Read as _, Write as _};
    let ask = || {
        let mut stream = std::os::unix::net::UnixStream::connect(socket)?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0; 7];
        stream.read_exact(&mut answer)?;
        std::io::Result::Ok(answer == *b"+PONG\r\n")
    };
    ask().unwrap_or(false)
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}
