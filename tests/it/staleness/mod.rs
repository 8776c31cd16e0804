//! What concurrent readers see of concurrent writers over three instances, while Redis is killed, flushed, held still and comes back
//! with old data, an instance is held still for longer than anything is kept, and the database fails over to a synchronous standby:
//! a checker in the manner of Jepsen.
//!
//! Checked of each read, by the identifier that it asks for: with the token of a write it is not older than that write; without one
//! it is not older than what was answered to a writer longer ago than the bound; and along the reads of one reader that hands on
//! its last token versions never go back. Reads that are refused as UNAVAILABLE or ABORTED are counted. In the end all is recomputed
//! from what is stored.

mod trouble;
mod world;

use std::{sync::Arc, time::Duration};

use self::{
    trouble::{Befell, of_redis, of_the_rest},
    world::{CUSTOMERS, Tally, World},
};
use crate::{
    faults::{
        failover::{Pair, direct},
        postgres::ROLE,
        stage::verify,
    },
    harness::{Random, in_full, random::seed_of_now, redis::Redis, say},
};

/// Runs for a while; answers with what was seen and what befell.
async fn run(
    name: &str,
    lasts: Duration,
    seed: u64,
    prepare: impl AsyncFnOnce(&mut Pair),
) -> (Tally, Befell) {
    let mut pair = Pair::start(name).await;
    let redis = Redis::start(&format!("{name}-redis"));
    prepare(&mut pair).await;
    let world = World::start(name, &pair.link.url(ROLE), &redis.url(), lasts).await;
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
    let of_redis = of_redis(Arc::clone(&world), redis, Random::new(random.next()));
    let of_the_rest = of_the_rest(Arc::clone(&world), pair, Random::new(random.next()));
    let (mut befell, (more, pair)) = tokio::join!(of_redis, of_the_rest);
    befell.extend(more);
    for task in tasks {
        task.await.unwrap();
    }
    let tally = Arc::into_inner(world).unwrap().end().await;
    if tally.wrong.is_empty() {
        verify(&direct(&pair)).await;
    }
    (tally, befell)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_is_older_than_its_token_or_the_bound_whatever_befalls() {
    let seed = seed_of_now();
    let lasts = Duration::from_secs(if in_full() { 600 } else { 14 });
    let prepare = async |pair: &mut Pair| pair.be_synchronous().await;
    let (tally, befell) = run("stale", lasts, seed, prepare).await;
    let [memory, redis, primary] = tally.reads;
    let times = |what: &str| befell.iter().filter(|one| **one == what).count();
    say(format_args!(
        "staleness: seed {seed}: {memory} reads from memory, {redis} from redis, {primary} from the primary, {} writes, \
         {} decisions, {} refused; {} failovers, {} times an instance was held still, {} troubles of redis",
        tally.writes,
        tally.decisions,
        tally.refused,
        times("failover"),
        times("an instance held still"),
        befell.len() - times("failover") - times("an instance held still"),
    ));
    assert!(
        tally.wrong.is_empty(),
        "{} wrong, first {:?}",
        tally.wrong.len(),
        tally.wrong.first()
    );
    assert!(memory > 0 && redis > 0 && tally.writes > 0 && tally.decisions > 0);
    assert!(times("failover") > 0 && times("an instance held still") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_tells_nothing_is_noticed_by_this_checker() {
    let blind = async |pair: &mut Pair| {
        pair.primary
            .tell("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
            .await;
        pair.primary
            .tell(
                "CREATE TRIGGER lose BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose()",
            )
            .await;
    };
    let (tally, _) = run("blind", Duration::from_secs(6), seed_of_now(), blind).await;
    let wrong = &tally.wrong;
    assert!(
        wrong.iter().any(|what| what.starts_with("the bound")),
        "{} wrong",
        wrong.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lacks_commits_is_noticed_by_this_checker() {
    let lacking = async |pair: &mut Pair| pair.part().await;
    let (tally, befell) = run("lacking", Duration::from_secs(14), seed_of_now(), lacking).await;
    assert!(befell.contains(&"failover"));
    let wrong = &tally.wrong;
    assert!(
        wrong.iter().any(|what| what.starts_with("the bound")),
        "{} wrong",
        wrong.len()
    );
}
