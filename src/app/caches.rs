//! The caches and replicas of a serving process, and what keeps them right.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{open::Opened, serve::patience};
use crate::{
    cache::{
        self, Caches,
        redis::{self, Tier, Unusable},
        sealed::Seal,
        tail,
    },
    clock::Clock,
    config::{PrivateOr, Secret, Settings},
    embedded::{self, redis::PrivateRedis},
    lookup::Reader,
    replicas::Replicas,
};

/// MiB that a private Redis holds.
const PRIVATE_MIB: u32 = 256;

/// How often a private Redis is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A Redis of our own, where the settings name none and there is a program for it.
pub(super) async fn private(settings: &Settings) -> Option<PrivateRedis> {
    if settings.cache.redis != PrivateOr::Private {
        return None;
    }
    let root = settings.data_dir.join("redis");
    let start = move || {
        let program = embedded::redis::program()?;
        Some(PrivateRedis::start(&program, &root, PRIVATE_MIB))
    };
    match tokio::task::spawn_blocking(start).await {
        Ok(Some(Ok(server))) => Some(server),
        Ok(Some(Err(error))) => {
            tracing::warn!(%error, "a private redis does not start");
            None
        }
        Ok(None) => None,
        Err(error) => {
            tracing::error!(%error, "starting a private redis failed");
            None
        }
    }
}

/// Looks after a private Redis until told to stop, and then ends it: one that died is started again.
pub(super) async fn look_after(
    mut server: PrivateRedis,
    settings: Settings,
    stop: CancellationToken,
) {
    while tokio::time::timeout(LOOK, stop.cancelled()).await.is_err() {
        if server.is_running() {
            continue;
        }
        tracing::warn!("the private redis died, it is started again");
        // Letting go of the dead one releases its directory.
        let _ = tokio::task::spawn_blocking(move || drop(server)).await;
        server = loop {
            match private(&settings).await {
                Some(server) => break server,
                None if stop.is_cancelled() => return,
                None => tokio::time::sleep(LOOK).await,
            }
        };
    }
    let _ = tokio::task::spawn_blocking(move || drop(server)).await;
}

/// What look-ups are answered by: caches as the settings say, replicas and the primary. `private` is the address of a Redis of
/// our own.
pub(super) fn reader(
    settings: &Settings,
    opened: &Opened,
    private: Option<String>,
) -> Result<Reader, Unusable> {
    let chosen = &settings.cache;
    let url = match &chosen.redis {
        PrivateOr::Given(url) => Some(url.clone()),
        PrivateOr::Private => private.map(Secret::new),
        PrivateOr::Off => None,
    };
    let redis = url.map(|url| {
        let options = redis::Options {
            url,
            connections: chosen.redis_connections,
            budget: chosen.redis_timeout,
            pause: chosen.redis_pause,
        };
        Tier::new(options, Seal::new(&opened.secret))
    });
    let redis = redis.transpose()?;
    if redis.is_none() {
        tracing::info!("there is no redis: profiles are kept in this process alone");
    }
    let options = cache::Options {
        store: opened.store.id,
        memory: u64::try_from(chosen.memory_bytes).unwrap_or(u64::MAX),
        lifetime: chosen.lifetime,
        remembered: chosen.remembered,
    };
    let caches = Arc::new(Caches::new(options, redis));
    let budget = settings.database.replica_timeout;
    let replicas = (!opened.replicas.is_empty())
        .then(|| Arc::new(Replicas::new(opened.replicas.clone(), budget)));
    let reader = Reader::new(opened.storage.clone(), caches, Clock::system());
    let reader = reader.with_patience(patience(settings));
    Ok(reader.with_replicas(replicas))
}

/// Starts what keeps them right, and looks after replicas, until it is told to stop.
pub(super) fn start(
    reader: &Reader,
    opened: &Opened,
    stop: &CancellationToken,
) -> Vec<JoinHandle<()>> {
    let caches = reader.caches();
    let (storage, own, until) = (opened.storage.clone(), Arc::clone(caches), stop.clone());
    let mut tasks = vec![tokio::spawn(async move {
        tail::follow(&own, &storage, until).await;
    })];
    if let Some(redis) = caches.redis() {
        let (redis, caches) = (Arc::clone(redis), Arc::clone(caches));
        let seal = Seal::new(&opened.secret);
        let heard = move |message: &[u8]| caches.hear(&seal, message);
        tasks.push(tokio::spawn(redis.keep_connected(heard, stop.clone())));
    }
    if let Some(replicas) = reader.replicas() {
        let (replicas, caches) = (Arc::clone(replicas), Arc::clone(reader.caches()));
        let (storage, until) = (opened.storage.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            replicas.watch(&storage, &caches, until).await;
        }));
    }
    tasks
}
