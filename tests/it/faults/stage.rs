//! A service as a process of its own, and a fault that it undergoes.

use std::{
    collections::BTreeSet,
    fs::File,
    net::TcpListener,
    path::PathBuf,
    time::{Duration, Instant},
};

use customer_profile::{
    cli::client,
    proto::v1::{
        InteractionOutcome, ListInteractionsRequest, ReadOptions,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use tokio::time::sleep;
use tonic_health::pb::health_client::HealthClient;

use super::{
    callers::{Callers, KNOWN, known},
    figures::{Kind, Part, Seen},
};
use crate::{
    harness::{
        calls::{getting, listing, recording},
        cluster::{SECRET, scratch},
        make,
        process::{Process, program},
        wait::until,
    },
    health::serving,
};

/// How long callers call before a fault.
const CALM: Duration = Duration::from_millis(600);

/// The service, which waits for its database for 2.5 s at most.
pub struct Stage {
    pub process: Process,
    pub metrics: String,
    directory: PathBuf,
}

/// What a fault is to be.
pub struct Fault {
    pub name: &'static str,
    /// How long it lasts.
    pub lasts: Duration,
    /// Whether writes are to fill pages of the database.
    pub heavy: bool,
    /// Whether acknowledged writes may be gone afterwards.
    pub loses: bool,
}

impl Fault {
    pub fn of(name: &'static str, lasts_ms: u64) -> Self {
        Self {
            name,
            lasts: Duration::from_millis(lasts_ms),
            heavy: false,
            loses: false,
        }
    }
}

impl Stage {
    /// A service of a database and a Redis that serves those whom everybody knows.
    pub async fn start(name: &str, database: &str, redis: &str, more: &[(&str, &str)]) -> Self {
        let directory = scratch().join(format!("faults-{name}"));
        std::fs::create_dir_all(&directory).unwrap();
        let log = File::create(directory.join("log")).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let metrics = free.local_addr().unwrap().to_string();
        drop(free);
        let (database, redis, at) = (database.to_owned(), redis.to_owned(), metrics.clone());
        let more: Vec<(String, String)> = more
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let data_dir = directory.clone();
        let started = tokio::task::spawn_blocking(move || {
            let mut settings = vec![
                ("DATABASE_URL", database.as_str()),
                ("REDIS_URL", redis.as_str()),
                ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
                ("CUSTOMER_PROFILE_LISTEN__METRICS", at.as_str()),
                ("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500"),
                ("CUSTOMER_PROFILE_DATABASE__STATEMENT_TIMEOUT_MS", "1000"),
                ("CUSTOMER_PROFILE_DATABASE__LOCK_TIMEOUT_MS", "500"),
            ];
            settings.extend(
                more.iter()
                    .map(|(key, value)| (key.as_str(), value.as_str())),
            );
            Process::serve_logging(&data_dir, &settings, log.into())
        });
        let stage = Self {
            process: started.await.unwrap(),
            metrics: format!("http://{metrics}"),
            directory,
        };
        let people = (0..KNOWN).map(|n| make::seen(&format!("known-{n}"), 0, &[&known(n)]));
        let recorded = stage
            .interactions()
            .record_interactions(recording(people.collect()))
            .await;
        for result in recorded.unwrap().into_inner().results {
            assert_eq!(result.outcome(), InteractionOutcome::Recorded);
        }
        stage
    }

    pub fn interactions(&self) -> InteractionServiceClient<tonic::transport::Channel> {
        InteractionServiceClient::new(client::channel(&self.process.url).unwrap())
    }

    pub fn profiles(&self) -> ProfileServiceClient<tonic::transport::Channel> {
        ProfileServiceClient::new(client::channel(&self.process.url).unwrap())
    }

    /// Which services it says that it serves.
    pub async fn serving(&self) -> Vec<&'static str> {
        let channel = client::channel(&self.process.url).unwrap();
        serving(&mut HealthClient::new(channel)).await
    }

    /// Lets everybody who is known be read, so that caches have them.
    async fn warm(&self) {
        let mut client = self.profiles();
        for n in 0..KNOWN {
            until("the known are read", async || {
                client.get_profile(getting(&known(n))).await.is_ok()
            })
            .await;
        }
    }

    /// Lets a fault begin, last and end while callers call; looks at what is left afterwards through `direct`, an address of the
    /// database. `begin` and `end` are handed `with`.
    pub async fn undergo<W>(
        &self,
        fault: Fault,
        with: &mut W,
        begin: impl AsyncFnOnce(&mut W),
        end: impl AsyncFnOnce(&mut W),
        direct: impl Fn(&W) -> String,
    ) -> Seen {
        self.warm().await;
        let run = fault.name.replace([' ', '\''], "-");
        let callers = Callers::start(&self.process.url, &run, fault.heavy);
        sleep(CALM).await;
        let from = Instant::now();
        begin(with).await;
        sleep(fault.lasts).await;
        end(with).await;
        let to = Instant::now();
        let recovered = callers.recovered(to).await;
        let noted = callers.end().await;
        if !fault.loses {
            assert!(noted.wrong.is_empty(), "{}: {:?}", fault.name, noted.wrong);
        }
        let mut lost = 0;
        for (who, events) in &noted.acknowledged {
            let there = self.events(who).await;
            lost += events
                .iter()
                .filter(|event| !there.contains(*event))
                .count();
        }
        assert!(lost == 0 || fault.loses, "{}: {lost} are lost", fault.name);
        verify(&direct(with)).await;
        let part = |kind| Part::of(&noted.calls, kind, from, to);
        let seen = Seen {
            fault: fault.name,
            read: part(Kind::Read),
            stale: part(Kind::Stale),
            write: part(Kind::Write),
            recovered: recovered - to,
            acknowledged: noted.acknowledged.values().map(Vec::len).sum(),
            lost,
        };
        seen.tell();
        seen
    }

    /// The events of somebody's timeline, straight from the database.
    async fn events(&self, who: &str) -> BTreeSet<String> {
        let mut client = self.interactions();
        let mut request = ListInteractionsRequest {
            page_size: 1_000,
            read_options: Some(ReadOptions::default()),
            ..listing(who)
        };
        let mut all = BTreeSet::new();
        loop {
            let answer = client.list_interactions(request.clone()).await;
            let page = match answer {
                // Nothing of theirs is left.
                Err(status) if status.code() == tonic::Code::NotFound => return all,
                other => other.unwrap().into_inner(),
            };
            let events = page.interactions.into_iter();
            all.extend(events.map(|recorded| recorded.interaction.unwrap().event_id));
            if page.next_page_token.is_empty() {
                return all;
            }
            request.page_token = page.next_page_token;
        }
    }

    /// Ends it as an operator does; answers with what its log says.
    pub async fn end(self) -> String {
        let ended = tokio::task::spawn_blocking(|| self.process.terminate());
        assert!(ended.await.unwrap().success());
        std::fs::read_to_string(self.directory.join("log")).unwrap()
    }
}

/// Recomputes everything from what is stored; nothing may differ.
pub async fn verify(url: &str) {
    let url = url.to_owned();
    let done = tokio::task::spawn_blocking(move || {
        program()
            .arg("verify")
            .env("DATABASE_URL", url)
            .env("CUSTOMER_PROFILE_HASH_SECRET", SECRET)
            .output()
            .unwrap()
    });
    let output = done.await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.trim().ends_with(" 0 differences"),
        "{text}{said}"
    );
}
