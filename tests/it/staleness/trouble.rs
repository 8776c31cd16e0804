//! What befalls Redis, an instance, the database and a replica of it while everybody goes on.

use std::{sync::Arc, time::Duration};

use customer_profile::{
    cache::{
        redis::{Options, Tier, Value},
        rule::Age,
        sealed::{AGE, Seal},
    },
    config::Secret,
    identity::HashSecret,
    ids::TenantId,
};
use redis::{Client, RedisError, aio::MultiplexedConnection, cmd};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::world::World;
use crate::{
    faults::failover::Pair,
    harness::{Random, cluster::SECRET, in_full, redis::Redis},
    replicas,
};

/// Everything that happened, by name.
pub type Befell = Vec<&'static str>;

/// Longer than a read without a token may be behind; with everything, longer than anything is kept.
fn pause() -> Duration {
    Duration::from_secs(if in_full() { 70 } else { 3 })
}

/// Troubles Redis by chance, one thing at a time.
pub async fn of_redis(world: Arc<World>, mut redis: Redis, mut random: Random) -> Befell {
    let mut befell = Befell::new();
    while !world.over() {
        sleep(Duration::from_millis(700)).await;
        befell.push(match random.below(4) {
            0 => {
                let mut kept = world.kept.lock().await;
                redis.ask::<String>(&["FLUSHALL"]).await;
                kept.clear();
                "flushed"
            }
            1 => {
                redis.freeze();
                sleep(Duration::from_millis(600)).await;
                redis.thaw();
                "held still"
            }
            2 => {
                let mut kept = world.kept.lock().await;
                redis.ask::<String>(&["SAVE"]).await;
                sleep(Duration::from_millis(500)).await;
                redis.kill();
                sleep(Duration::from_millis(300)).await;
                redis.again();
                kept.clear();
                "back with old data"
            }
            _ => {
                redis
                    .ask::<i64>(&["CLIENT", "KILL", "TYPE", "pubsub"])
                    .await;
                "messages lost"
            }
        });
    }
    befell
}

/// Looks at what Redis keeps, again and again: under no name an older value takes the place of a newer one, but where all was
/// taken out of it; although somebody puts there what he has read long before.
pub async fn watch_redis(world: Arc<World>, url: String) {
    let client = Client::open(url.as_str()).unwrap();
    let mut late = Late::new(url);
    while !world.over() {
        // It may be held still, or away.
        if let Ok(mut connection) = client.get_multiplexed_async_connection().await {
            while !world.over()
                && let Ok(values) = look(&world, &mut connection).await
            {
                late.put(values).await;
                sleep(Duration::from_millis(10)).await;
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
    late.stop.cancel();
}

/// What Redis keeps, by name.
type Values = Vec<(String, Vec<u8>)>;

async fn look(world: &World, connection: &mut MultiplexedConnection) -> Result<Values, RedisError> {
    let mut kept = world.kept.lock().await;
    let names: Vec<String> = cmd("KEYS").arg("cp1:*").query_async(connection).await?;
    let is_value = |name: &String| name.contains(":d2:") || name.contains(":i:");
    let mut values = Values::new();
    for name in names.into_iter().filter(is_value) {
        let value: Vec<u8> = cmd("GET").arg(&name).query_async(connection).await?;
        let Some(Ok(age)) = value.get(..AGE).map(std::str::from_utf8) else {
            continue;
        };
        let before = kept.insert(name.clone(), age.to_owned());
        if before.as_deref().is_some_and(|before| before > age) {
            world.wrong(format!("an older value: {age} after {before:?} of {name}"));
        }
        values.push((name, value));
    }
    Ok(values)
}

/// An instance that took its time between reading and keeping.
struct Late {
    tier: Arc<Tier>,
    seal: Seal,
    read: Values,
    at: Instant,
    stop: CancellationToken,
}

impl Late {
    fn new(url: String) -> Self {
        let options = Options {
            url: Secret::new(url),
            connections: 1,
            budget: Duration::from_secs(1),
            pause: Duration::from_millis(100),
        };
        let seal = Seal::new(&HashSecret::new(SECRET.as_bytes()).unwrap());
        let tier = Tier::new(options, seal.clone()).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(Arc::clone(&tier).keep_connected(|_: &[u8]| (), stop.clone()));
        Self {
            tier,
            seal,
            read: Values::new(),
            at: Instant::now(),
            stop,
        }
    }

    /// Puts what was there some time ago, and takes what is there now.
    async fn put(&mut self, now: Values) {
        if self.at.elapsed() < Duration::from_millis(300) {
            return;
        }
        self.at = Instant::now();
        let tenant = TenantId::default_tenant();
        let read = std::mem::replace(&mut self.read, now);
        let values = read.into_iter().filter_map(|(name, value)| {
            let (kind, contents) = self.seal.open((&tenant, &name), &value)?;
            let number = |digits: std::ops::Range<usize>| {
                let digits = std::str::from_utf8(value.get(digits)?).ok()?;
                i64::from_str_radix(digits, 16).ok()
            };
            Some(Value {
                tenant: tenant.clone(),
                age: Age {
                    version: number(0..16)?,
                    position: number(16..32)?,
                },
                kind,
                contents: contents.to_vec(),
                lifetime: Duration::from_secs(10),
                name,
            })
        });
        let values: Vec<Value> = values.collect();
        self.tier.put(&values).await;
    }
}

/// Holds an instance still and lets the standby take over: once, or, with everything, again and again with new standbys.
pub async fn of_the_rest(world: Arc<World>, mut pair: Pair, mut random: Random) -> (Befell, Pair) {
    let mut befell = Befell::new();
    let mut n = 0;
    while world.left() > pause() + Duration::from_secs(5) {
        sleep(Duration::from_millis(500)).await;
        world.pause_one(&mut random, pause()).await;
        befell.push("an instance held still");
        world.fail_over();
        pair.kill_primary().await;
        sleep(Duration::from_millis(300)).await;
        pair.promote().await;
        befell.push("failover");
        if !in_full() {
            break;
        }
        n += 1;
        pair.follow(&format!("again-{n}")).await;
    }
    (befell, pair)
}

/// Pauses the replay of a standby again and again, for longer than a read may be behind, or for a moment.
pub async fn of_a_replica(world: Arc<World>, pair: &replicas::Pair, mut random: Random) {
    while !world.over() {
        sleep(Duration::from_millis(random.next() % 900)).await;
        pair.pause().await;
        let longest = if random.once_in(3) { 3_500 } else { 400 };
        sleep(Duration::from_millis(random.next() % longest)).await;
        pair.resume().await;
    }
}
