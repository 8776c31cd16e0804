//! Thirty-two connections to three services decide about the same few hundred people at once.
//!
//! Merges in both directions, chains, stars, separations, undos and purposely repeated operations. Nobody may hear of a
//! conflict or of a deadlock, and what is stored must be what the recorded links and decisions come to (`harness::pure`).
//!
//! Every recorded outcome is also that of the operations one by one (`replay`). Their order is that of their commits, by
//! the times that the database keeps of them: of two that met, one waited until the other had ended, and those that did
//! not meet may be put in either order. Twelve seconds of it; sixty each with `CUSTOMER_PROFILE_TEST_SCALE=full`.

pub mod crowd;
mod replay;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use customer_profile::proto::v1::{DecisionOutcome, Interaction};
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::{
    Database, Random, Service, in_full,
    pure::{expected_with, recorded_decisions, stored_partition},
    random::seed_of_now,
    say, send,
};
use crowd::{Ask, Crowd};

const CONNECTIONS: usize = 32;
const INSTANCES: usize = 3;

/// Nobody gives up waiting: on a slow machine so many in one queue may take longer than the usual seconds, and what waits
/// in a circle would still be found by the database, and be counted.
const PATIENT: [(&str, &str); 2] = [
    ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "30000"),
    ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "30000"),
];

/// Refusals that say no more than that somebody was there before.
const REFUSED: [&str; 6] = [
    "already_one_profile",
    "merge_refused",
    "nothing_to_separate",
    "not_one_profile",
    "not_undoable",
    "already_undone",
];

fn how_long() -> Duration {
    Duration::from_secs(if in_full() { 60 } else { 6 })
}

/// What the connections did.
#[derive(Default)]
struct Done {
    /// Operations that were carried out, with what was asked and answered.
    made: BTreeMap<String, (Ask, DecisionOutcome)>,
    interactions: Vec<Interaction>,
    refused: BTreeMap<String, usize>,
    in_progress: usize,
    faults: Vec<String>,
}

type Shared = Arc<Mutex<Done>>;

fn reason_of(status: &Status) -> String {
    let details = status.get_error_details();
    let info = details.error_info().map(|info| info.reason.clone());
    info.unwrap_or_else(|| format!("{status:?}"))
}

impl Done {
    /// Notes what a call was answered. Only what was sent twice at once may hear that it is in progress.
    fn note(&mut self, operation: &str, ask: &Ask, answers: Vec<Result<DecisionOutcome, Status>>) {
        let at_once = answers.len() > 1;
        for answer in answers {
            match answer {
                Ok(outcome) => {
                    let first = self.made.get(operation);
                    if first.is_some_and(|(_, first)| !same(first, &outcome)) {
                        self.faults.push(format!("{operation}: two outcomes"));
                    }
                    let made = (ask.clone(), outcome);
                    self.made.entry(operation.to_owned()).or_insert(made);
                }
                Err(status) => {
                    let reason = reason_of(&status);
                    let known = REFUSED.contains(&reason.as_str());
                    if status.code() == Code::FailedPrecondition && known {
                        *self.refused.entry(reason).or_default() += 1;
                    } else if at_once && reason == "operation_in_progress" {
                        self.in_progress += 1;
                    } else {
                        self.faults.push(format!("{ask:?}: {status:?}"));
                    }
                }
            }
        }
    }

    fn some_operation(&self, random: &mut Random) -> Option<String> {
        let most = self.made.len();
        (most > 0)
            .then(|| self.made.keys().nth(random.below(most)).cloned())
            .flatten()
    }
}

/// Whether two answers say the same, but for which of them came first.
fn same(one: &DecisionOutcome, other: &DecisionOutcome) -> bool {
    let plain = |outcome: &DecisionOutcome| DecisionOutcome {
        repeated: false,
        ..outcome.clone()
    };
    plain(one) == plain(other)
}

/// One steward: decides until it is time.
async fn decide(services: [Arc<Service>; 2], seed: u64, n: usize, end: Instant, done: Shared) {
    let mut random = Random::new(seed);
    let clients = [services[0].identities(), services[1].identities()];
    for step in 0.. {
        if Instant::now() >= end {
            return;
        }
        let undoable = done.lock().unwrap().some_operation(&mut random);
        let ask = crowd::ask(&mut random, n, step, undoable);
        let operation = format!("{n:02}-{step:05}");
        let times = if random.once_in(12) { 2 } else { 1 };
        let asking = clients.iter().take(times).map(|client| {
            let (mut client, ask, operation) = (client.clone(), ask.clone(), operation.clone());
            async move { ask.send(&mut client, &operation).await }
        });
        let answers = futures_util::future::join_all(asking).await;
        done.lock().unwrap().note(&operation, &ask, answers);
    }
}

/// A department: records what joins people, until it is time.
async fn record(service: Arc<Service>, seed: u64, n: usize, end: Instant, done: Shared) {
    let mut random = Random::new(seed);
    for step in 0.. {
        if Instant::now() >= end {
            return;
        }
        let batch = crowd::sightings(&mut random, &format!("{n}-{step}"));
        let tally = send::unary(service.interactions(), vec![batch.clone()]).await;
        let mut done = done.lock().unwrap();
        assert_eq!((tally.recorded, tally.others), (batch.len(), vec![]));
        done.interactions.extend(batch);
    }
}

/// Lets stewards decide, and so many departments record beside them; answers with what they did.
async fn a_busy_time(services: &[Arc<Service>], seed: u64, departments: usize) -> Done {
    let done = Shared::default();
    let end = Instant::now() + how_long();
    let working: Vec<_> = (0..CONNECTIONS)
        .map(|n| {
            let at = |n: usize| Arc::clone(&services[n % services.len()]);
            let (seed, done) = (seed ^ (n as u64) << 32, Arc::clone(&done));
            if n < departments {
                tokio::spawn(record(at(n), seed, n, end, done))
            } else {
                tokio::spawn(decide([at(n), at(n + 1)], seed, n, end, done))
            }
        })
        .collect();
    for one in working {
        one.await.unwrap();
    }
    Arc::into_inner(done).unwrap().into_inner().unwrap()
}

async fn deadlocks(database: &Database) -> i64 {
    let mut connection = database.connect().await;
    sqlx::query_scalar("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn all_at_once(departments: usize) {
    let seed = seed_of_now();
    let crowd = Crowd::new();
    let database = Database::new().await;
    let mut services = Vec::new();
    while services.len() < INSTANCES {
        let another = Service::with(database.clone(), &PATIENT).await;
        services.push(Arc::new(another));
    }
    crowd.come(&services[0]).await;
    let done = a_busy_time(&services, seed, departments).await;
    say(format_args!(
        "stewards: seed {seed}, {} operations, {} interactions beside them, refused {:?}, in progress {}",
        done.made.len(),
        done.interactions.len(),
        done.refused,
        done.in_progress
    ));
    assert_eq!(done.faults, Vec::<String>::new());
    assert_eq!(deadlocks(&database).await, 0);

    services[0].assert_agrees().await;
    let decisions = recorded_decisions(&database).await;
    assert_eq!(decisions.len(), done.made.len(), "one record an operation");
    let all = [crowd.alone.clone(), done.interactions.clone()].concat();
    let expected = expected_with(&all, &decisions);
    let stored = stored_partition(&database).await;
    assert!(stored == expected.partition, "not what was recorded");
    assert_eq!(services[0].digest("default").await, expected.digest);

    repeated(&services[1], &done).await;
    let replayed = replay::one_by_one(&database, &crowd, &done, departments == 0).await;
    assert!(stored_partition(&replayed.database).await == stored);
    assert_eq!(replayed.digest("default").await, expected.digest);
    replay::same_marks(&database, &replayed.database).await;
    replayed.stop().await;
    for service in services {
        Arc::into_inner(service).unwrap().stop().await;
    }
}

/// Whoever asks again hears what was answered at first.
async fn repeated(service: &Service, done: &Done) {
    let mut client = service.identities();
    for (operation, (ask, first)) in done.made.iter().step_by(7) {
        let again = ask.send(&mut client, operation).await.unwrap();
        assert!(again.repeated && same(first, &again), "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_stewards_decide_as_if_one_by_one() {
    all_at_once(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stewards_decide_while_departments_record() {
    all_at_once(8).await;
}
