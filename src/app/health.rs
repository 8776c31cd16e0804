//! Health: what can be served, service by service.
//!
//! The database is asked every second, on a connection of the pool like any call, so a pool that has run dry shows too; and
//! whether it takes writes, since one that does not still answers look-ups. What its commits wait for is told besides: it decides
//! whether what was acknowledged outlives a failover. Liveness is another thing: the process answers `/livez` whatever the database
//! does.
//!
//! What must stay true: the process is ready while it can answer look-ups, be it only those that take old answers. Were it not,
//! all instances would be taken out of service in the moment in which their caches are needed.

use std::time::Duration;

use tokio::{sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    clock::Clock,
    lookup::Reader,
    storage::{
        self, Storage,
        store::{self, Commits},
    },
    telemetry::names,
};

/// How often the database is asked.
const EVERY: Duration = Duration::from_secs(1);

/// After which a database that does not answer is away. A server that hangs, or a host that is gone, ends no statement.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a service needs to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// The database, or something kept that who takes old answers may get.
    Anything,
    /// The database.
    Reads,
    /// A database that takes writes.
    Writes,
}

/// A service that health speaks of.
#[derive(Debug)]
struct Service {
    /// Its name; the empty one is the process.
    name: &'static str,
    /// The same in metrics.
    label: &'static str,
    needs: Needs,
}

const SERVICES: [Service; 7] = [
    service("", "readiness", Needs::Anything),
    service(
        "customer_profile.v1.IdentityService",
        "IdentityService",
        Needs::Writes,
    ),
    service(
        "customer_profile.v1.InteractionService",
        "InteractionService",
        Needs::Writes,
    ),
    service(
        "customer_profile.v1.NextBestActionService",
        "NextBestActionService",
        Needs::Writes,
    ),
    service(
        "customer_profile.v1.ProfileService",
        "ProfileService",
        Needs::Anything,
    ),
    service(
        "customer_profile.v1.SegmentService",
        "SegmentService",
        Needs::Reads,
    ),
    service(
        "customer_profile.v1.SentimentService",
        "SentimentService",
        Needs::Reads,
    ),
];

const fn service(name: &'static str, label: &'static str, needs: Needs) -> Service {
    Service { name, label, needs }
}

/// What the database was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Database {
    /// It takes writes.
    Serving,
    /// It answers, and takes no writes.
    ReadOnly,
    /// It does not answer.
    Away,
}

const DATABASES: [(Database, &str); 3] = [
    (Database::Serving, "serving"),
    (Database::ReadOnly, "read_only"),
    (Database::Away, "away"),
];

const COMMITS: [(Commits, &str); 3] = [
    (Commits::Alone, "alone"),
    (Commits::Standby, "standby"),
    (Commits::Stuck, "stuck"),
];

impl Needs {
    /// Whether a service that needs this can be of use; `kept`: something is kept that may be served while the database is away.
    fn are_met(self, database: Database, kept: bool) -> bool {
        match (self, database) {
            (_, Database::Serving) | (Self::Reads | Self::Anything, Database::ReadOnly) => true,
            (Self::Anything, Database::Away) => kept,
            (Self::Writes, Database::ReadOnly) | (Self::Reads | Self::Writes, Database::Away) => {
                false
            }
        }
    }
}

/// Makes the services known, before anyone can ask for one and hear that there is none.
pub(super) async fn begin(reporter: &HealthReporter) {
    for service in &SERVICES {
        tell(reporter, service, false).await;
    }
}

/// What is looked at, and who is told.
pub(super) struct Watched {
    pub(super) storage: Storage,
    pub(super) reader: Reader,
    pub(super) reporter: HealthReporter,
    /// Whether the process is ready.
    pub(super) ready: watch::Sender<bool>,
}

impl Watched {
    /// Keeps health up to date until told to stop, and then says that nothing is served.
    pub(super) async fn watch(self, stop: CancellationToken) {
        let mut was = [None; SERVICES.len()];
        let mut waited = None;
        while !stop.is_cancelled() {
            let asked = timeout(PATIENCE, ask(&self.storage));
            // A drain does not wait for a database that is away.
            let Some(answered) = stop.run_until_cancelled(asked).await else {
                break;
            };
            let (database, commits) = match answered {
                Ok(Ok((true, _))) => (Database::ReadOnly, None),
                Ok(Ok((false, commits))) => (Database::Serving, Some(commits)),
                Ok(Err(_)) | Err(_) => (Database::Away, None),
            };
            show(database, commits);
            if let Some(commits) = commits
                && waited.replace(commits) != Some(commits)
            {
                tell_of(commits);
            }
            let kept = database == Database::Away && self.can_answer_old();
            for (service, was) in SERVICES.iter().zip(&mut was) {
                let serving = service.needs.are_met(database, kept);
                let before = was.replace(serving);
                if before == Some(serving) {
                    continue;
                }
                self.set(service, serving).await;
                if before.is_some() {
                    let service = service.label;
                    tracing::warn!(service, serving, ?database, "health changed");
                }
            }
            if timeout(EVERY, stop.cancelled()).await.is_ok() {
                break;
            }
        }
        for service in &SERVICES {
            self.set(service, false).await;
        }
    }

    /// Whether something else than the primary has answers for who takes old ones.
    fn can_answer_old(&self) -> bool {
        let replicas = self.reader.replicas();
        let caches = self.reader.caches();
        caches.can_answer_old(replicas.is_some_and(|replicas| replicas.is_any_fit()))
    }

    async fn set(&self, service: &Service, serving: bool) {
        tell(&self.reporter, service, serving).await;
        if service.name.is_empty() {
            self.ready.send_replace(serving);
        }
    }
}

async fn tell(reporter: &HealthReporter, service: &Service, serving: bool) {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    reporter.set_service_status(service.name, status).await;
    metrics::gauge!(names::SERVING, "service" => service.label).set(f64::from(u8::from(serving)));
}

fn show(now: Database, wait_for: Option<Commits>) {
    for (database, label) in DATABASES {
        metrics::gauge!(names::DB_STATE, "state" => label)
            .set(f64::from(u8::from(database == now)));
    }
    for (commits, label) in COMMITS {
        metrics::gauge!(names::DB_COMMITS, "state" => label)
            .set(f64::from(u8::from(wait_for == Some(commits))));
    }
}

fn tell_of(commits: Commits) {
    match commits {
        Commits::Standby => tracing::info!("commits wait for a standby"),
        Commits::Alone => {
            tracing::info!(
                "commits wait for no standby: a failover can lose what was acknowledged"
            );
        }
        Commits::Stuck => {
            tracing::warn!(
                "commits wait for a standby, and none is connected: nothing is acknowledged"
            );
        }
    }
}

/// Whether the database takes no writes, and what its commits wait for. On the way, how far our clock is ahead of its own.
async fn ask(storage: &Storage) -> storage::Result<(bool, Commits)> {
    let mut connection = storage.acquire().await?;
    let clock = Clock::system();
    let before = clock.now();
    let found = store::ping(&mut connection).await?;
    let after = clock.now();
    // It said so at some moment in between: the least by which the clocks must differ.
    let (least, most) = (before.0 - found.at.0, after.0 - found.at.0);
    let millis = least.max(0).min(most.max(least)) / 1_000;
    let beyond = if millis > 0 { i32::MAX } else { i32::MIN };
    let millis = i32::try_from(millis).unwrap_or(beyond);
    metrics::gauge!(names::CLOCK_AHEAD).set(f64::from(millis) / 1e3);
    Ok((found.read_only, found.commits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_stop_one_by_one_as_what_they_need_goes() {
        let serving = |database, kept| {
            let met = |s: &&Service| s.needs.are_met(database, kept);
            let labels = SERVICES.iter().filter(met).map(|s| s.label);
            labels.collect::<Vec<_>>()
        };
        assert_eq!(serving(Database::Serving, false).len(), SERVICES.len());
        assert_eq!(
            serving(Database::ReadOnly, false),
            [
                "readiness",
                "ProfileService",
                "SegmentService",
                "SentimentService"
            ]
        );
        assert_eq!(
            serving(Database::Away, true),
            ["readiness", "ProfileService"]
        );
        assert!(serving(Database::Away, false).is_empty());
    }
}
