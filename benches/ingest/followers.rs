//! Who follows what is recorded: a consumer of the feed of all profiles, and the relay to a Redis of its own.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use customer_profile::{
    cli::client,
    embedded::redis::{PrivateRedis, program},
    proto::v1::{
        WatchProfilesRequest, profile_service_client::ProfileServiceClient,
        watch_profiles_response::Event,
    },
};

const REDIS_MIB: u32 = 512;
/// Who hears nothing for so long has heard everything.
const QUIET: Duration = Duration::from_millis(300);

/// A Redis for the relay, where this machine has one.
pub(crate) fn redis(scratch: &Path) -> Option<PrivateRedis> {
    let program = program()?;
    Some(PrivateRedis::start(&program, &scratch.join("relay"), REDIS_MIB).unwrap())
}

/// A consumer of the feed of all profiles.
pub(crate) struct Watcher {
    heard: Arc<AtomicU64>,
    task: tokio::task::JoinHandle<()>,
}

impl Watcher {
    /// Follows from now on.
    pub(crate) async fn follow(url: &str) -> Self {
        let mut client = ProfileServiceClient::new(client::channel(url).unwrap());
        let request = WatchProfilesRequest::default();
        let mut stream = client.watch_profiles(request).await.unwrap().into_inner();
        let heard = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Some(answer) = stream.message().await.unwrap() {
                if matches!(answer.event, Some(Event::Change(_))) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Self { heard, task }
    }

    /// How many changes it has heard of.
    pub(crate) fn heard(&self) -> u64 {
        self.heard.load(Ordering::Relaxed)
    }

    /// Waits until it has nothing more to hear, so that it takes nothing from who comes next.
    pub(crate) async fn settle(&self) {
        let mut before = self.heard();
        loop {
            tokio::time::sleep(QUIET).await;
            let now = self.heard();
            if now == before {
                return;
            }
            before = now;
        }
    }

    /// Ends it.
    pub(crate) fn leave(self) {
        self.task.abort();
    }
}
