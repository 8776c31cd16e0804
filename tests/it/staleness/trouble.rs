//! What befalls Redis, an instance, the database and a replica of it while everybody goes on.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::world::World;
use crate::{
    faults::failover::Pair,
    harness::{Random, in_full, redis::Redis},
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
                redis.ask::<String>(&["FLUSHALL"]).await;
                "flushed"
            }
            1 => {
                redis.freeze();
                sleep(Duration::from_millis(600)).await;
                redis.thaw();
                "held still"
            }
            2 => {
                redis.ask::<String>(&["SAVE"]).await;
                sleep(Duration::from_millis(500)).await;
                redis.kill();
                sleep(Duration::from_millis(300)).await;
                redis.again();
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

/// Holds an instance still and lets the standby take over: once, or, with everything, again and again with new standbys.
pub async fn of_the_rest(world: Arc<World>, mut pair: Pair, mut random: Random) -> (Befell, Pair) {
    let mut befell = Befell::new();
    let mut n = 0;
    while world.left() > pause() + Duration::from_secs(5) {
        sleep(Duration::from_millis(500)).await;
        world.pause_one(&mut random, pause()).await;
        befell.push("an instance held still");
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
