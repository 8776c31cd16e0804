//! A database of one test's own, which may stop and hang.

use std::path::PathBuf;

use customer_profile::{
    embedded::postgres::{Options, PrivatePostgres},
    storage::migrate,
};

use super::{
    Database,
    cluster::{scratch, small_log},
    process::{send, signal},
};

/// A cluster of its own.
pub struct OwnCluster {
    server: Option<PrivatePostgres>,
    data_dir: PathBuf,
}

impl OwnCluster {
    /// A running one, migrated.
    pub async fn start(name: &str) -> Self {
        let mut cluster = Self {
            server: None,
            data_dir: scratch().join(name),
        };
        cluster.run().await;
        let pool = cluster.database().pool().await;
        migrate::run(&pool).await.unwrap();
        pool.close().await;
        cluster
    }

    /// Runs it, again.
    pub async fn run(&mut self) {
        let options = Options {
            data_dir: self.data_dir.clone(),
            fsync: false,
            extra_settings: vec![small_log()],
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

    /// Its one database.
    pub fn database(&self) -> Database {
        Database::of_server(self.server.as_ref().unwrap())
    }

    /// Holds every process of it still: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.signal_all("STOP");
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.signal_all("CONT");
    }

    fn signal_all(&self, name: &str) {
        let main = self.server.as_ref().unwrap().pid();
        // The main process first, so that it starts no other one meanwhile.
        signal(name, main);
        for child in children(main) {
            // A worker may have ended by itself.
            let _ = send(name, child);
        }
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        // A server that is held still cannot be stopped.
        if self.server.is_some() {
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
