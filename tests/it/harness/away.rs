//! A database of one test's own, which may stop, hang, be killed, and be followed by another.

use std::{
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::PathBuf,
    process::{Command, Stdio},
};

use customer_profile::{
    embedded::postgres::{Options, PrivatePostgres},
    storage::migrate,
};
use sqlx::AssertSqlSafe;

use super::{
    Database,
    cluster::{program, scratch, small_log},
    process::{send, signal},
    wait::until,
};

/// A cluster of its own.
pub struct OwnCluster {
    server: Option<PrivatePostgres>,
    data_dir: PathBuf,
    settings: Vec<(String, String)>,
}

impl OwnCluster {
    /// A running one, migrated.
    pub async fn start(name: &str) -> Self {
        Self::start_with(scratch().join(name), &[]).await
    }

    /// The same somewhere else, with more settings.
    pub async fn start_with(data_dir: PathBuf, settings: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).into(), (*value).into());
        let more = settings.iter().map(owned);
        let mut cluster = Self {
            server: None,
            data_dir,
            settings: std::iter::once(small_log()).chain(more).collect(),
        };
        cluster.run().await;
        let pool = cluster.database().pool().await;
        migrate::run(&pool).await.unwrap();
        pool.close().await;
        cluster
    }

    /// A running copy that follows it.
    pub async fn standby(&self, name: &str) -> Self {
        let mut standby = Self {
            server: None,
            data_dir: scratch().join(name),
            settings: self.settings.clone(),
        };
        let server = self.server.as_ref().unwrap();
        let copier = program(server, "pg_basebackup");
        let owner = std::fs::metadata(self.data_dir.join("cluster")).unwrap();
        let ourselves = std::fs::metadata("/proc/self").unwrap().uid();
        std::fs::create_dir_all(&standby.data_dir).unwrap();
        let mut copy = Command::new(copier);
        if owner.uid() != ourselves {
            copy.uid(owner.uid()).gid(owner.gid());
            std::os::unix::fs::chown(&standby.data_dir, Some(owner.uid()), Some(owner.gid()))
                .unwrap();
        }
        copy.arg("-h")
            .arg(server.socket_dir())
            .args([
                "-U", "postgres", "-R", "-X", "stream", "-c", "fast", "-N", "-D",
            ])
            .arg(standby.data_dir.join("cluster"))
            .current_dir("/")
            .stdin(Stdio::null());
        let working = tokio::task::spawn_blocking(move || copy.output().unwrap());
        let done = working.await.unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
        standby.run().await;
        standby
    }

    /// Runs it, again.
    pub async fn run(&mut self) {
        let options = Options {
            data_dir: self.data_dir.clone(),
            fsync: false,
            extra_settings: self.settings.clone(),
        };
        let started = tokio::task::spawn_blocking(|| PrivatePostgres::start(options).unwrap());
        self.server = Some(started.await.unwrap());
    }

    /// Ends it.
    pub async fn stop(&mut self) {
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(|| server.stop().unwrap())
            .await
            .unwrap();
    }

    /// kill -9 for all of it.
    pub async fn kill(&mut self) {
        self.signal_all("KILL");
        let server = self.server.take().unwrap();
        tokio::task::spawn_blocking(|| drop(server)).await.unwrap();
    }

    /// Whether it runs. One that cannot write its log ends by itself.
    pub fn is_running(&mut self) -> bool {
        let server = self.server.as_mut();
        server.is_some_and(PrivatePostgres::is_running)
    }

    /// Its one database.
    pub fn database(&self) -> Database {
        Database::of_server(self.server.as_ref().unwrap())
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.database().socket.join(".s.PGSQL.5432")
    }

    /// Executes a statement as its superuser.
    pub async fn tell(&self, statement: &str) {
        let mut connection = self.database().connect().await;
        let statement = AssertSqlSafe(statement.to_owned());
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// The one value that a question has.
    pub async fn ask(&self, question: &str) -> String {
        let mut connection = self.database().connect().await;
        let question = AssertSqlSafe(question.to_owned());
        let answer: Option<String> = sqlx::query_scalar(question)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        answer.unwrap_or_default()
    }

    /// Waits until a question is answered so.
    pub async fn until(&self, question: &str, answer: &str) {
        until(question, async || self.ask(question).await == answer).await;
    }

    /// Holds every process of it still: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    /// All of its processes, the main one first.
    pub fn processes(&self) -> Vec<u32> {
        let main = self.server.as_ref().unwrap().pid();
        std::iter::once(main).chain(children(main)).collect()
    }

    fn signal_all(&self, name: &str) {
        let main = self.server.as_ref().unwrap().pid();
        let before = children(main);
        // The main process first, so that it starts no other one meanwhile.
        signal(name, main);
        for child in children(main).into_iter().chain(before) {
            // A worker may have ended by itself.
            let _ = send(name, child);
        }
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        // A server that is held still cannot be stopped.
        if self.is_running() {
            self.thaw();
        }
        drop(self.server.take());
        // Its data is of no use to anybody after the test.
        let _ = std::fs::remove_dir_all(&self.data_dir);
    }
}

fn children(of: u32) -> Vec<u32> {
    let parent = |pid: u32| -> Option<u32> {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("PPid:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().parse().ok())
        .filter(|pid| parent(*pid) == Some(of))
        .collect()
}
