//! Redis is away, hangs, is slow, is another one, takes no writes, has no connections left, forgets everything: no call fails, none
//! is wrong.

use std::time::Duration;

use redis::{Client, Cmd, aio::MultiplexedConnection};

use super::{
    figures::Seen,
    stage::{Fault, Stage},
};
use crate::harness::{Database, link::Link, redis::Redis};

/// The longest that a call may take: much more than the 50 ms that one waits for Redis, on a busy machine.
const BOUND: Duration = Duration::from_secs(3);

struct Set {
    redis: Redis,
    /// Another, which has nothing.
    other: Redis,
    link: Link,
    database: Database,
    /// A connection that is there before the fault.
    operator: Option<MultiplexedConnection>,
}

impl Set {
    async fn connect(&mut self) {
        let client = Client::open(self.redis.url()).unwrap();
        let connection = client.get_multiplexed_async_connection().await;
        self.operator = Some(connection.unwrap());
    }

    async fn tell(&mut self, words: &[&str]) {
        let mut command = Cmd::new();
        for word in words {
            command.arg(word);
        }
        let operator = self.operator.as_mut().unwrap();
        command.query_async::<redis::Value>(operator).await.unwrap();
    }
}

fn direct(set: &Set) -> String {
    set.database.url()
}

fn nobody_noticed(seen: &Seen) {
    for part in [&seen.read, &seen.stale, &seen.write] {
        let (ok, total) = (part.ok(), part.total());
        assert_eq!(ok, total, "{}: {:?}", seen.fault, part.outcomes);
        assert!(
            total > 0 && part.slowest() < BOUND,
            "{}: {part:?}",
            seen.fault
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_or_waits_long_whatever_redis_does() {
    let (database, redis) = (Database::new().await, Redis::start("faults-redis"));
    let link = Link::to(&redis.socket()).await;
    // Every look-up goes to Redis.
    let memory = [("CUSTOMER_PROFILE_CACHE__MEMORY_MIB", "0")];
    let stage = Stage::start("redis-service", &database.url(), &link.redis_url(), &memory).await;
    let mut set = Set {
        redis,
        other: Redis::start("faults-redis-other"),
        link,
        database,
        operator: None,
    };
    let nothing = async |_: &mut Set| ();

    let kill = async |set: &mut Set| set.redis.kill();
    let start = async |set: &mut Set| set.redis.again();
    let fault = Fault::of("Redis killed", 2_000);
    let seen = stage.undergo(fault, &mut set, kill, start, direct).await;
    nobody_noticed(&seen);

    let freeze = async |set: &mut Set| set.redis.freeze();
    let thaw = async |set: &mut Set| set.redis.thaw();
    let fault = Fault::of("Redis frozen", 2_000);
    let seen = stage.undergo(fault, &mut set, freeze, thaw, direct).await;
    nobody_noticed(&seen);

    // Longer than a call waits for it.
    let slow = async |set: &mut Set| set.link.delay(Duration::from_millis(150));
    let quick = async |set: &mut Set| set.link.delay(Duration::ZERO);
    let fault = Fault::of("Redis slow", 2_000);
    let seen = stage.undergo(fault, &mut set, slow, quick, direct).await;
    nobody_noticed(&seen);

    let fail = async |set: &mut Set| set.redis.kill();
    let fail_over = async |set: &mut Set| set.link.lead_to(&set.other.socket());
    let fault = Fault::of("failover to another Redis", 1_500);
    let seen = stage
        .undergo(fault, &mut set, fail, fail_over, direct)
        .await;
    nobody_noticed(&seen);
    set.redis.again();
    set.link.lead_to(&set.redis.socket());

    set.connect().await;
    let fill = async |set: &mut Set| {
        set.tell(&["CONFIG", "SET", "maxmemory-policy", "noeviction"])
            .await;
        set.tell(&["CONFIG", "SET", "maxmemory", "1"]).await;
    };
    let empty = async |set: &mut Set| set.tell(&["CONFIG", "SET", "maxmemory", "0"]).await;
    let fault = Fault::of("Redis out of memory", 1_500);
    let seen = stage.undergo(fault, &mut set, fill, empty, direct).await;
    nobody_noticed(&seen);

    // Of a primary that is not there: it serves what it has and takes no writes.
    let follow = async |set: &mut Set| set.tell(&["REPLICAOF", "127.0.0.1", "1"]).await;
    let lead = async |set: &mut Set| set.tell(&["REPLICAOF", "NO", "ONE"]).await;
    let fault = Fault::of("Redis read-only", 1_500);
    let seen = stage.undergo(fault, &mut set, follow, lead, direct).await;
    nobody_noticed(&seen);

    let refuse = async |set: &mut Set| {
        set.tell(&["CONFIG", "SET", "maxclients", "1"]).await;
        for kind in ["normal", "pubsub"] {
            set.tell(&["CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes"])
                .await;
        }
    };
    let admit = async |set: &mut Set| set.tell(&["CONFIG", "SET", "maxclients", "1000"]).await;
    let fault = Fault::of("Redis out of connections", 2_000);
    let seen = stage.undergo(fault, &mut set, refuse, admit, direct).await;
    nobody_noticed(&seen);

    let flush = async |set: &mut Set| set.tell(&["FLUSHALL"]).await;
    let fault = Fault::of("Redis flushed", 1_000);
    let seen = stage.undergo(fault, &mut set, flush, nothing, direct).await;
    nobody_noticed(&seen);
    stage.end().await;
}
