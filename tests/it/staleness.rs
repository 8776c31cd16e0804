//! What concurrent readers see of concurrent writers over three instances, while Redis is killed, flushed, held still and comes back
//! with old data: a checker in the manner of Jepsen.
//!
//! Checked of each read, by the identifier that it asks for: with the token of a write it is not older than that write; without one
//! it is not older than what was answered to a writer longer ago than the bound; and along the reads of one reader that hands on
//! its last token versions never go back. Reads that are refused as UNAVAILABLE are counted.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use customer_profile::{
    clock::Clock,
    grpc::token::{TokenKey, WriteToken},
    ids::TenantId,
    proto::v1::{
        GetProfileRequest, MergeProfilesRequest, ReadOptions, ReadSource,
        SeparateIdentifiersRequest,
    },
};
use tokio::time::Instant;
use tonic::Code;

use crate::harness::{
    Database, Random, Service,
    calls::{getting, recording},
    in_full, make,
    random::seed_of_now,
    redis::Redis,
    say,
};

const CUSTOMERS: usize = 12;

/// How far a read without a token may be behind.
const BOUND: Duration = Duration::from_secs(2);

/// What is known of one identifier.
#[derive(Default)]
struct Known {
    /// Versions, and when a writer was told of them.
    told: Vec<(Instant, i64)>,
    /// The newest token of a write, with its version.
    token: Option<(String, i64)>,
}

#[derive(Default)]
struct Tally {
    reads: [u64; 3],
    writes: u64,
    decisions: u64,
    refused: u64,
    wrong: Vec<String>,
}

struct World {
    services: Vec<Service>,
    key: TokenKey,
    known: Vec<Mutex<Known>>,
    tally: Mutex<Tally>,
    ends: Instant,
}

fn who(n: usize) -> String {
    format!("email=c{n}@example.com")
}

impl World {
    async fn start(database: &Database, redis: &Redis, lasts: Duration) -> Arc<Self> {
        let mut services = Vec::new();
        for _ in 0..3 {
            let settings = [("REDIS_URL", redis.url())];
            let settings = settings.each_ref().map(|(name, url)| (*name, url.as_str()));
            services.push(Service::with(database.clone(), &settings).await);
        }
        let key = TokenKey::new(&services[0].server().opened().secret);
        Arc::new(Self {
            services,
            key,
            known: std::iter::repeat_with(Mutex::default)
                .take(CUSTOMERS)
                .collect(),
            tally: Mutex::default(),
            ends: Instant::now() + lasts,
        })
    }

    fn over(&self) -> bool {
        Instant::now() >= self.ends
    }

    fn wrong(&self, what: String) {
        self.tally.lock().unwrap().wrong.push(what);
    }

    async fn write(&self, random: &mut Random, event: &str) {
        let n = random.below(CUSTOMERS);
        let service = random.pick(&self.services);
        let request = recording(vec![make::seen(event, 0, &[&who(n)])]);
        let answered = service.interactions().record_interactions(request).await;
        let Ok(answered) = answered else {
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
    async fn decide(&self, random: &mut Random, name: &str) {
        let (a, b) = (random.below(CUSTOMERS), random.below(CUSTOMERS));
        let service = random.pick(&self.services);
        let mut client = service.identities();
        let token = if random.once_in(2) {
            let merge = MergeProfilesRequest {
                operation_id: name.into(),
                reason: "a test".into(),
                target: make::by(&who(a)),
                source: make::by(&who(b)),
                dry_run: false,
            };
            client
                .merge_profiles(merge)
                .await
                .map(|r| r.into_inner().token)
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
            let seen = self.ask(service, n, vec![token.clone()], None).await;
            if let Some((version, _, _)) = seen {
                self.told(n, version, None);
            }
        }
        self.tally.lock().unwrap().decisions += 1;
    }

    /// The version that a read answers, its token and source; nothing when it is refused.
    async fn ask(
        &self,
        service: &Service,
        n: usize,
        tokens: Vec<String>,
        bound: Option<Duration>,
    ) -> Option<(i64, String, ReadSource)> {
        let request = GetProfileRequest {
            read_options: Some(ReadOptions {
                tokens,
                max_staleness: bound.map(|bound| bound.try_into().unwrap()),
                allow_stale: false,
            }),
            allow_missing: true,
            ..getting(&who(n))
        };
        match service.profiles().get_profile(request).await {
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

    async fn read(&self, random: &mut Random, own: &mut [(String, i64)]) {
        let n = random.below(CUSTOMERS);
        let service = random.pick(&self.services);
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
        let Some((version, token, source)) = self.ask(service, n, tokens, None).await else {
            return;
        };
        if version < least {
            self.wrong(format!(
                "{why}: version {version} and not {least} of {n} from {source:?}"
            ));
        }
        if handed_on && !token.is_empty() {
            own[n] = (token, version);
        }
        let place = match source {
            ReadSource::Memory => 0,
            ReadSource::Redis => 1,
            _ => 2,
        };
        self.tally.lock().unwrap().reads[place] += 1;
    }
}

/// What befalls Redis.
async fn trouble(world: Arc<World>, mut redis: Redis, mut random: Random) {
    while !world.over() {
        tokio::time::sleep(Duration::from_millis(700)).await;
        match random.below(4) {
            0 => {
                redis.ask::<String>(&["FLUSHALL"]).await;
            }
            1 => {
                redis.freeze();
                tokio::time::sleep(Duration::from_millis(600)).await;
                redis.thaw();
            }
            2 => {
                // It comes back with what it had a while ago.
                redis.ask::<String>(&["SAVE"]).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
                redis.kill();
                tokio::time::sleep(Duration::from_millis(300)).await;
                redis.again();
            }
            _ => {
                // Nobody hears of anything.
                redis
                    .ask::<i64>(&["CLIENT", "KILL", "TYPE", "pubsub"])
                    .await;
            }
        }
    }
}

/// Runs for a while; answers with what was seen.
async fn run(
    name: &str,
    lasts: Duration,
    seed: u64,
    prepare: impl AsyncFnOnce(&Database),
) -> Tally {
    let database = Database::new().await;
    let redis = Redis::start(name);
    prepare(&database).await;
    let world = World::start(&database, &redis, lasts).await;
    let mut random = Random::new(seed);
    let mut tasks = Vec::new();
    for writer in 0..3 {
        let (world, mut random) = (Arc::clone(&world), Random::new(random.next()));
        tasks.push(tokio::spawn(async move {
            let mut n = 0;
            while !world.over() {
                n += 1;
                if writer == 0 && random.once_in(4) {
                    world.decide(&mut random, &format!("d{n}")).await;
                } else {
                    world.write(&mut random, &format!("{writer}-{n}")).await;
                }
                let pause = Duration::from_millis(random.next() % 60);
                tokio::time::sleep(pause).await;
            }
        }));
    }
    for _ in 0..6 {
        let (world, mut random) = (Arc::clone(&world), Random::new(random.next()));
        tasks.push(tokio::spawn(async move {
            let mut own = vec![(String::new(), 0); CUSTOMERS];
            while !world.over() {
                world.read(&mut random, &mut own).await;
            }
        }));
    }
    tasks.push(tokio::spawn(trouble(
        Arc::clone(&world),
        redis,
        Random::new(random.next()),
    )));
    for task in tasks {
        task.await.unwrap();
    }
    let world = Arc::into_inner(world).unwrap();
    for service in world.services {
        service.stop().await;
    }
    world.tally.into_inner().unwrap()
}

fn lasting() -> Duration {
    Duration::from_secs(if in_full() { 600 } else { 12 })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_is_older_than_its_token_or_the_bound_whatever_befalls_redis() {
    let seed = seed_of_now();
    let tally = run("redis_staleness", lasting(), seed, async |_| ()).await;
    let [memory, redis, primary] = tally.reads;
    say(format_args!(
        "staleness: seed {seed}: {memory} reads from memory, {redis} from redis, {primary} from the primary, {} writes, {} decisions, {} refused",
        tally.writes, tally.decisions, tally.refused
    ));
    assert!(
        tally.wrong.is_empty(),
        "{} wrong, first {:?}",
        tally.wrong.len(),
        tally.wrong.first()
    );
    assert!(memory > 0 && redis > 0 && tally.writes > 0 && tally.decisions > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_tells_nothing_is_noticed_by_this_checker() {
    let blind = async |database: &Database| {
        let mut connection = database.connect().await;
        for statement in [
            "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
            "CREATE TRIGGER lose BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose()",
        ] {
            sqlx::query(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    };
    let tally = run("redis_blind", Duration::from_secs(6), seed_of_now(), blind).await;
    let wrong = &tally.wrong;
    assert!(
        wrong.iter().any(|what| what.starts_with("the bound")),
        "{} wrong",
        wrong.len()
    );
}
