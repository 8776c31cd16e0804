//! What writers were told and what readers see, over three instances, each a process of its own.
//!
//! What must stay true: a reader looks at what is known before it asks, and a writer notes what it was told after the answer, so
//! that nothing is held against the service that it may not have known.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use customer_profile::{
    cli::client,
    clock::Clock,
    grpc::token::{TokenKey, WriteToken},
    identity::key::HashSecret,
    ids::TenantId,
    proto::v1::{
        BatchGetProfilesRequest, GetProfileRequest, MergeProfilesRequest, Profile, ReadOptions,
        ReadSource, SeparateIdentifiersRequest, identity_service_client::IdentityServiceClient,
        interaction_service_client::InteractionServiceClient,
        profile_service_client::ProfileServiceClient,
    },
};
use tokio::time::Instant;
use tonic::{Code, Status, transport::Channel};

use crate::harness::{
    Random,
    calls::{by_id, getting, recording},
    cluster::{SECRET, scratch},
    make,
    process::{Process, signal},
    refused::reason,
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
    /// The id of the profile that had it lately.
    id: Option<String>,
}

impl Known {
    /// The newest version that a writer was told of so long before a time.
    fn told_before(&self, time: Instant, by: Duration) -> i64 {
        let old = self.told.iter().filter(|(at, _)| *at + by <= time);
        old.map(|(_, version)| *version).max().unwrap_or_default()
    }
}

/// How somebody is asked for.
#[derive(Clone, Copy)]
enum By {
    Identifier,
    Id,
    /// Together with somebody else.
    Batch(usize),
}

/// An answer.
struct Seen {
    /// The versions of those whom it is about.
    versions: Vec<(usize, i64)>,
    token: String,
    source: ReadSource,
    stale_by: Duration,
}

/// Who is shown, with the version, if it is who was asked for: an id may lead to another after a separation.
fn shown(n: usize, profile: &Profile) -> Option<(usize, i64)> {
    let has = || {
        let mut identifiers = profile.identifiers.iter();
        identifiers.any(|one| one.value == format!("c{n}@example.com"))
    };
    (!profile.known || has()).then_some((n, profile.version))
}

/// What was seen.
#[derive(Default)]
pub struct Tally {
    /// Reads from memory, from Redis, from a replica, and from the primary.
    pub reads: [u64; 4],
    pub writes: u64,
    pub decisions: u64,
    pub refused: u64,
    /// Reads by id, reads of several, and answers that said that they were older than the bound.
    pub by_id: u64,
    pub batches: u64,
    pub stale: u64,
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
    /// Whether the database has failed over, or is about to.
    failed_over: AtomicBool,
    /// The ages of what Redis keeps, by name.
    pub kept: tokio::sync::Mutex<HashMap<String, String>>,
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
            failed_over: AtomicBool::new(false),
            kept: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            ends: Instant::now() + lasts,
        })
    }

    /// The database fails over.
    pub fn fail_over(&self) {
        self.failed_over.store(true, Ordering::Release);
    }

    pub fn wrong(&self, what: String) {
        self.tally.lock().unwrap().wrong.push(what);
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
            let options = ReadOptions {
                tokens: vec![token.clone()],
                ..ReadOptions::default()
            };
            let seen = self.ask(channel.clone(), n, By::Identifier, options).await;
            for (n, version) in seen.into_iter().flat_map(|seen| seen.versions) {
                self.told(n, version, None);
            }
        }
        self.tally.lock().unwrap().decisions += 1;
    }

    /// What a read answers; nothing when it is refused.
    async fn ask(&self, channel: Channel, n: usize, by: By, options: ReadOptions) -> Option<Seen> {
        let mut client = ProfileServiceClient::new(channel);
        let id = self.known[n].lock().unwrap().id.clone();
        let answered = if let By::Batch(other) = by {
            let request = BatchGetProfilesRequest {
                lookups: [n, other].map(|n| make::by(&who(n)).unwrap()).into(),
                read_options: Some(options),
                ..BatchGetProfilesRequest::default()
            };
            let answered = client.batch_get_profiles(request).await;
            answered.map(|response| {
                let response = response.into_inner();
                let profiles = response.results.into_iter().map(|one| one.profile.unwrap());
                let versions = [n, other].into_iter().zip(profiles);
                let versions = versions.map(|(n, profile)| (n, profile.version)).collect();
                (versions, response.read_info)
            })
        } else {
            let asked = getting(&who(n));
            let request = GetProfileRequest {
                lookup: match (by, id) {
                    (By::Id, Some(id)) => by_id(&id),
                    _ => asked.lookup,
                },
                read_options: Some(options),
                allow_missing: true,
                ..GetProfileRequest::default()
            };
            let answered = client.get_profile(request).await;
            answered.map(|response| {
                let response = response.into_inner();
                let profile = response.profile.unwrap();
                let versions: Vec<(usize, i64)> = match by {
                    By::Id => shown(n, &profile).into_iter().collect(),
                    _ => vec![(n, profile.version)],
                };
                if profile.known && !versions.is_empty() {
                    self.known[n].lock().unwrap().id = Some(profile.profile_id);
                }
                (versions, response.read_info)
            })
        };
        match answered {
            Ok((versions, info)) => {
                let info = info.unwrap();
                Some(Seen {
                    versions,
                    source: info.source(),
                    stale_by: info.stale_by.unwrap_or_default().try_into().unwrap(),
                    token: info.token,
                })
            }
            Err(status) => {
                self.refused(&status);
                None
            }
        }
    }

    /// A read may be refused while the database is away. That a token is lost may be said after a failover alone: a transaction that
    /// was counted and did nothing may be known to nobody then. Nothing else refuses it.
    fn refused(&self, status: &Status) {
        match status.code() {
            Code::Unavailable => (),
            Code::Aborted => {
                let lost = reason(status).as_deref() == Some("token_lost");
                if !(lost && self.failed_over.load(Ordering::Acquire)) {
                    self.wrong(format!("refused without a failover: {status:?}"));
                }
            }
            _ => panic!("{status:?}"),
        }
        self.tally.lock().unwrap().refused += 1;
    }

    /// Reads somebody and holds the answer against what is known; `own` are the last tokens of this reader.
    pub async fn read(&self, random: &mut Random, own: &mut [(String, i64)]) {
        let n = random.below(CUSTOMERS);
        let channel = self.some(random);
        let by = match random.below(4) {
            0 => By::Id,
            1 => By::Batch(random.below(CUSTOMERS)),
            _ => By::Identifier,
        };
        let allow_stale = random.once_in(4);
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
            _ => (Vec::new(), 0, "the bound"),
        };
        let handed_on = why == "what its reader saw before";
        let options = ReadOptions {
            tokens,
            allow_stale,
            ..ReadOptions::default()
        };
        let Some(seen) = self.ask(channel, n, by, options).await else {
            return;
        };
        // Who takes old answers is told how old they may be.
        let bound = if allow_stale {
            seen.stale_by.max(BOUND)
        } else {
            BOUND
        };
        for (asked, version) in &seen.versions {
            let told = self.known[*asked].lock().unwrap().told_before(begun, bound);
            let (least, why) = if *asked == n && least > told {
                (least, why)
            } else {
                (told, "the bound")
            };
            if *version < least {
                self.wrong(format!(
                    "{why}: version {version} and not {least} of {asked} from {:?}, {:?} behind",
                    seen.source, seen.stale_by
                ));
            }
        }
        let own_version = seen.versions.iter().find(|(asked, _)| *asked == n);
        if let Some((_, version)) = own_version
            && handed_on
            && !seen.token.is_empty()
        {
            own[n] = (seen.token, *version);
        }
        let place = match seen.source {
            ReadSource::Memory => 0,
            ReadSource::Redis => 1,
            ReadSource::Replica => 2,
            _ => 3,
        };
        let mut tally = self.tally.lock().unwrap();
        tally.reads[place] += 1;
        tally.stale += u64::from(seen.stale_by > BOUND);
        match by {
            By::Identifier => (),
            By::Id => tally.by_id += 1,
            By::Batch(_) => tally.batches += 1,
        }
    }
}
