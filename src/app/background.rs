//! What a serving process does beside its calls, and whom it asks.

use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::open::Opened;
use crate::{
    analyzer::{self, External, Unusable},
    cache::redis,
    config::Settings,
    feed::seats::GRACE,
    grpc::Api,
    memberships,
    relay::{
        Relay,
        redis_streams::{self, RedisStreams},
    },
    worker,
};

/// The analyzer of the settings, if they name one.
pub(super) fn analyzer(settings: &Settings) -> Result<Option<External>, Unusable> {
    let Some(url) = &settings.analyzer.url else {
        return Ok(None);
    };
    External::new(&analyzer::Options {
        url: url.clone(),
        timeout: settings.analyzer.timeout,
        pause: settings.analyzer.pause,
        calls: settings.analyzer.calls,
    })
    .map(Some)
}

/// Starts what goes on until it is told to stop.
pub(super) fn start(
    settings: &Settings,
    opened: &Opened,
    api: &Api,
    stop: &CancellationToken,
) -> Result<Vec<JoinHandle<()>>, redis::Unusable> {
    let storage = || opened.storage.clone();
    let needed = worker::Needed {
        storage: storage(),
        tenants: Arc::clone(&api.tenants),
        secret: api.secret.clone(),
    };
    let watch = worker::watch(
        storage(),
        Arc::clone(api.ingest.gate()),
        (Arc::clone(&api.seats), api.clock),
        stop.clone(),
    );
    let clean = worker::clean(storage(), settings.outbox.keep + GRACE, stop.clone());
    let counter = worker::figures::Counter {
        storage: storage(),
        tenants: Arc::clone(&api.tenants),
        clock: api.clock,
    };
    let count = worker::figures::count(counter.clone(), stop.clone());
    let model = worker::figures::model(counter, stop.clone());
    let learn = worker::learning::keep(Arc::clone(&api.desk), stop.clone());
    let keeper = memberships::Keeper {
        desk: Arc::clone(&api.desk),
        seats: Arc::clone(&api.seats),
    };
    let rules = worker::rules::keep(needed.clone(), stop.clone());
    let reanalysis = worker::reanalysis::keep(needed, stop.clone());
    let mut tasks = vec![
        tokio::spawn(count),
        tokio::spawn(model),
        tokio::spawn(watch),
        tokio::spawn(clean),
        tokio::spawn(rules),
        tokio::spawn(learn),
        tokio::spawn(keeper.keep(stop.clone())),
        tokio::spawn(reanalysis),
    ];
    if let Some(url) = &settings.relay.redis {
        let sink = RedisStreams::new(redis_streams::Options {
            url: url.clone(),
            prefix: settings.relay.prefix.clone(),
            kept: settings.relay.kept,
        })?;
        let relay = Relay {
            storage: storage(),
            caches: Arc::clone(api.reader.caches()),
            seats: Arc::clone(&api.seats),
            clock: api.clock,
            sink,
        };
        tasks.push(tokio::spawn(relay.keep(stop.clone())));
    }
    Ok(tasks)
}
