//! What writers were told and what readers see, over three instances, each a process of its own.
//!
//! What must stay true: a reader looks at what is known before it asks, and a writer notes what it was told after the answer, so
//! that nothing is held against the service that it may not have known.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use customer_profile::{
    cli::client,
    clock::Clock,
    grpc::token::{TokenKey, WriteToken},
    identity::key::HashSecret,
    ids::TenantId,
    proto::v1::{
        GetProfileRequest, MergeProfilesRequest, ReadOptions, ReadSource,
        SeparateIdentifiersRequest, identity_service_client::IdentityServiceClient,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use tokio::time::Instant;
use tonic::{Code, transport::Channel};

use crate::harness::{
    Random,
    calls::{getting, recording},
    cluster::{SECRET, scratch},
    make,
    process::{Process, signal},
};

pub const CUSTOMERS: usize = 12;

/// How far a read without a token may be behind.
pub const BOUND: Duration = Duration::from_secs(2);

/// Callers that ask an instance while it is held still.
const STUCK: usize = 2;

/// What is known of one identifier.
#[derive(Default)]
struct Known {
    /// Versions, and when a writer was told of them.
    told: Vec<(Instant, i64)>,
    /// The newest token of a write, with its version.
    token: Option<(String, i64)>,
}

/// What was seen.
#[derive(Default)]
pub struct Tally {
    /// Reads from memory, from Redis, from a replica, and from the primary.
    pub reads: [u64; 4],
    pub writes: u64,
    pub decisions: u64,
    pub refused: u64,
    pub wrong: Vec<String>,
}

/// An instance and the way to it.
struct Instance {
    process: Process,
    channel: Channel,
}

/// Instances, and what is known of whom.
pub struct World {
    instances: Vec<Instance>,
    key: TokenKey,
    known: Vec<Mutex<Known>>,
    tally: Mutex<Tally>,
    /// The instance that is held still, and how many have asked it since.
    held: Mutex<Option<(usize, usize)>>,
    ends: Instant,
}

fn who(n: usize) -> String {
    format!("email=c{n}@example.com")
}

impl World {
    /// Three instances on a database, with more settings.
    pub async fn start(
        name: &str,
        database: &str,
        settings: &[(&str, &str)],
        lasts: Duration,
    ) -> Arc<Self> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let mut instances = Vec::new();
        for n in 0..3 {
            let directory = scratch().join(format!("{name}-{n}"));
            std::fs::create_dir_all(&directory).unwrap();
            let log = std::fs::File::create(directory.join("log")).unwrap();
            let database = database.to_owned();
            let more: Vec<(String, String)> = settings.iter().map(owned).collect();
            let started = tokio::task::spawn_blocking(move || {
                let mut settings = vec![
                    ("DATABASE_URL", database.as_str()),
                    ("CUSTOMER_PROFILE_HASH_SECRET", SECRET),
                    ("CUSTOMER_PROFILE_CACHE__LIFETIME_S", "60"),
                    ("CUSTOMER_PROFILE_INGEST__TARGET_MS", "1000"),
                ];
                let more = more.iter();
                settings.extend(more.map(|(key, value)| (key.as_str(), value.as_str())));
                Process::serve_logging(&directory, &settings, log.into())
            });
            let process = started.await.unwrap();
            let channel = client::channel(&process.url).unwrap();
            instances.push(Instance { process, channel });
        }
        Arc::new(Self {
            instances,
            key: TokenKey::new(&HashSecret::new(SECRET.as_bytes()).unwrap()),
            known: std::iter::repeat_with(Mutex::default)
                .take(CUSTOMERS)
                .collect(),
            tally: Mutex::default(),
            held: Mutex::default(),
            ends: Instant::now() + lasts,
        })
    }

    pub fn over(&self) -> bool {
        Instant::now() >= self.ends
    }

    /// How long it goes on.
    pub fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// One that is held still is asked by a few only: they wait until it goes on, and the others have to go on meanwhile.
    fn some(&self, random: &mut Random) -> Channel {
        let mut at = random.below(self.instances.len());
        if let Some((held, asked)) = &mut *self.held.lock().unwrap()
            && at == *held
        {
            if *asked >= STUCK {
                at = (at + 1) % self.instances.len();
            }
            *asked += 1;
        }
        self.instances[at].channel.clone()
    }

    /// Holds an instance still for a while, with whatever it was about to do.
    pub async fn pause_one(&self, random: &mut Random, lasts: Duration) {
        let at = random.below(self.instances.len());
        let process = self.instances[at].process.pid();
        *self.held.lock().unwrap() = Some((at, 0));
        signal("STOP", process);
        tokio::time::sleep(lasts).await;
        signal("CONT", process);
        *self.held.lock().unwrap() = None;
    }

    /// Ends the instances; answers with what was seen.
    pub async fn end(self) -> Tally {
        for instance in self.instances {
            let ended = tokio::task::spawn_blocking(|| instance.process.terminate());
            assert!(ended.await.unwrap().success());
        }
        self.tally.into_inner().unwrap()
    }

    pub async fn write(&self, random: &mut Random, event: &str) {
        let n = random.below(CUSTOMERS);
        let mut client = InteractionServiceClient::new(self.some(random));
        let request = recording(vec![make::seen(event, 0, &[&who(n)])]);
        let Ok(answered) = client.record_interactions(request).await else {
            return;
        };
        let token = answered.into_inner().token;
        let (tenant, now) = (TenantId::default_tenant(), Clock::system().now());
        let read = WriteToken::decode(&token, &tenant, now, &self.key).unwrap();
        let version = read.anchor.unwrap().1;
        self.told(n, version, Some(token));
        self.tally.lock().unwrap().writes += 1;
    }

    fn told(&self, n: usize, version: i64, token: Option<String>) {
        let mut known = self.known[n].lock().unwrap();
        known.told.push((Instant::now(), version));
        if let Some(token) = token
            && known.token.as_ref().is_none_or(|(_, old)| *old < version)
        {
            known.token = Some((token, version));
        }
    }

    /// Joins two customers, and parts them again.
    pub async fn decide(&self, random: &mut Random, name: &str) {
        let (a, b) = (random.below(CUSTOMERS), random.below(CUSTOMERS));
        let channel = self.some(random);
        let mut client = IdentityServiceClient::new(channel.clone());
        let token = if random.once_in(2) {
            let merge = MergeProfilesRequest {
                operation_id: name.into(),
                reason: "a test".into(),
                target: make::by(&who(a)),
                source: make::by(&who(b)),
                dry_run: false,
            };
            let merged = client.merge_profiles(merge).await;
            merged.map(|r| r.into_inner().token)
        } else {
            let separate = SeparateIdentifiersRequest {
                operation_id: name.into(),
                reason: "a test".into(),
                identifiers: vec![make::identifier(&who(a))],
                ..SeparateIdentifiersRequest::default()
            };
            let separated = client.separate_identifiers(separate).await;
            separated.map(|r| r.into_inner().token)
        };
        // Most are refused: they are one already, or alone.
        let Ok(token) = token else {
            return;
        };
        for n in [a, b] {
            // What the decision left is there at once for who brings its token.
            let seen = self.ask(channel.clone(), n, vec![token.clone()]).await;
            if let Some((version, _, _)) = seen {
                self.told(n, version, None);
            }
        }
        self.tally.lock().unwrap().decisions += 1;
    }

    /// The version that a read answers, its token and source; nothing when it is refused.
    async fn ask(
        &self,
        channel: Channel,
        n: usize,
        tokens: Vec<String>,
    ) -> Option<(i64, String, ReadSource)> {
        let request = GetProfileRequest {
            read_options: Some(ReadOptions {
                tokens,
                ..ReadOptions::default()
            }),
            allow_missing: true,
            ..getting(&who(n))
        };
        match ProfileServiceClient::new(channel)
            .get_profile(request)
            .await
        {
            Ok(response) => {
                let response = response.into_inner();
                let info = response.read_info.unwrap();
                let source = info.source();
                Some((response.profile.unwrap().version, info.token, source))
            }
            Err(status) => {
                assert!(
                    matches!(status.code(), Code::Unavailable | Code::Aborted),
                    "{status:?}"
                );
                self.tally.lock().unwrap().refused += 1;
                None
            }
        }
    }

    /// Reads somebody and holds the answer against what is known; `own` are the last tokens of this reader.
    pub async fn read(&self, random: &mut Random, own: &mut [(String, i64)]) {
        let n = random.below(CUSTOMERS);
        let channel = self.some(random);
        let begun = Instant::now();
        // What it must see, and why.
        let (tokens, least, why) = match random.below(3) {
            0 => {
                let known = self.known[n].lock().unwrap();
                let Some((token, version)) = known.token.clone() else {
                    return;
                };
                (vec![token], version, "the write of its token")
            }
            1 => {
                let (token, version) = own[n].clone();
                (vec![token], version, "what its reader saw before")
            }
            _ => {
                let known = self.known[n].lock().unwrap();
                let old = known.told.iter().filter(|(at, _)| *at + BOUND <= begun);
                let version = old.map(|(_, version)| *version).max();
                (Vec::new(), version.unwrap_or_default(), "the bound")
            }
        };
        let handed_on = why == "what its reader saw before";
        let Some((version, token, source)) = self.ask(channel, n, tokens).await else {
            return;
        };
        let mut tally = self.tally.lock().unwrap();
        if version < least {
            tally.wrong.push(format!(
                "{why}: version {version} and not {least} of {n} from {source:?}"
            ));
        }
        if handed_on && !token.is_empty() {
            own[n] = (token, version);
        }
        let place = match source {
            ReadSource::Memory => 0,
            ReadSource::Redis => 1,
            ReadSource::Replica => 2,
            _ => 3,
        };
        tally.reads[place] += 1;
    }
}
