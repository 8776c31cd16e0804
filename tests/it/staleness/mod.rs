//! What concurrent readers see of concurrent writers over three instances, while Redis is killed, flushed, held still and comes back
//! with old data, an instance is held still for longer than anything is kept, and the database fails over to a synchronous standby,
//! or while a replica stops following: a checker in the manner of Jepsen.
//!
//! Checked of each read, whether it asks for an identifier, for an id, or for several at a time: with the token of a write it is not
//! older than that write; it is not older than what was answered to a writer longer ago than the bound, or, where old answers are
//! welcome, than it says itself; and along the reads of one reader that hands on its last token versions never go back. Reads that
//! are refused as UNAVAILABLE are counted; ABORTED has to be `token_lost`, after a failover. In Redis no older value takes the place
//! of a newer one, although some are put there late. In the end all is recomputed from what is stored.
//!
//! The same checker is run on what is broken on purpose: without the tail of the outbox, without the comparison of what is newer, and
//! with a standby that lacks commits.

mod trouble;
mod world;

use std::{sync::Arc, time::Duration};

use self::{
    trouble::{Befell, of_a_replica, of_redis, of_the_rest, watch_redis},
    world::{CUSTOMERS, Tally, World},
};
use crate::{
    faults::{
        failover::{Pair, direct},
        postgres::ROLE,
        stage::verify,
    },
    harness::{
        Random, in_full,
        random::seed_of_now,
        redis::{Redis, WITHOUT_COMPARING},
        say,
    },
    replicas::{self, cold},
};

/// Lets callers write and read while something befalls what they stand on; answers with what they saw and with what that says.
async fn undergo<B>(
    world: Arc<World>,
    mut random: Random,
    befalls: impl AsyncFnOnce(&Arc<World>, &mut Random) -> B,
) -> (Tally, B) {
    let run = random.next();
    let mut tasks = Vec::new();
    for writer in 0..3 {
        let (world, mut random) = (Arc::clone(&world), Random::new(random.next()));
        tasks.push(tokio::spawn(async move {
            let mut n = 0;
            while !world.over() {
                n += 1;
                let name = format!("{run}-{writer}-{n}");
                if writer == 0 && random.once_in(4) {
                    world.decide(&mut random, &name).await;
                } else {
                    world.write(&mut random, &name).await;
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
    let befell = befalls(&world, &mut random).await;
    for task in tasks {
        task.await.unwrap();
    }
    (Arc::into_inner(world).unwrap().end().await, befell)
}

/// Runs for a while with everything in trouble but replicas; answers with what was seen and what befell.
async fn run(
    name: &str,
    lasts: Duration,
    seed: u64,
    redis: &[&str],
    prepare: impl AsyncFnOnce(&mut Pair),
) -> (Tally, Befell) {
    let mut pair = Pair::start(name).await;
    let redis = Redis::start_with(&format!("{name}-redis"), redis);
    prepare(&mut pair).await;
    let url = redis.url();
    let world = World::start(name, &pair.link.url(ROLE), &[("REDIS_URL", &url)], lasts).await;
    let befalls = async |world: &Arc<World>, random: &mut Random| {
        let watching = tokio::spawn(watch_redis(Arc::clone(world), redis.url()));
        let of_redis = of_redis(Arc::clone(world), redis, Random::new(random.next()));
        let of_the_rest = of_the_rest(Arc::clone(world), pair, Random::new(random.next()));
        let (mut befell, (more, pair)) = tokio::join!(of_redis, of_the_rest);
        befell.extend(more);
        watching.await.unwrap();
        (befell, pair)
    };
    let (tally, (befell, pair)) = undergo(world, Random::new(seed), befalls).await;
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
    let (tally, befell) = run("stale", lasts, seed, &[], prepare).await;
    let [memory, redis, _, primary] = tally.reads;
    let times = |what: &str| befell.iter().filter(|one| **one == what).count();
    say(format_args!(
        "staleness: seed {seed}: {memory} reads from memory, {redis} from redis, {primary} from the primary, {} writes, \
         {} decisions, {} refused, {} by id, {} of several, {} older than the bound; {} failovers, {} times an instance was held still, {} troubles of redis",
        tally.writes,
        tally.decisions,
        tally.refused,
        tally.by_id,
        tally.batches,
        tally.stale,
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
    assert!(tally.by_id > 0 && tally.batches > 0);
    assert!(times("failover") > 0 && times("an instance held still") > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_read_is_older_than_its_token_or_the_bound_whatever_a_replica_lacks() {
    let seed = seed_of_now();
    let pair = replicas::Pair::start("staleness").await;
    let database = pair.primary.database().url();
    let url = pair.standby.database().url();
    let lasts = Duration::from_secs(if in_full() { 300 } else { 6 });
    let mut random = Random::new(seed);
    let mut all = [0; 4];
    let mut writes = 0;
    // With nothing kept, so that the replica is asked for everything, and with what is read from it kept.
    let settings = cold(&url);
    for (name, settings) in [("bare", &settings[..]), ("keeping", &settings[..2])] {
        let settings = [&[("REDIS_URL", "off")], settings].concat();
        let world = World::start(&format!("stale-{name}"), &database, &settings, lasts).await;
        let befalls = async |world: &Arc<World>, random: &mut Random| {
            of_a_replica(Arc::clone(world), &pair, Random::new(random.next())).await;
        };
        let (tally, ()) = undergo(world, Random::new(random.next()), befalls).await;
        let (wrong, first) = (tally.wrong.len(), tally.wrong.first());
        assert_eq!(wrong, 0, "seed {seed}: {first:?}");
        for (all, reads) in all.iter_mut().zip(tally.reads) {
            *all += reads;
        }
        writes += tally.writes;
    }
    let [memory, _, replica, primary] = all;
    say(format_args!(
        "staleness: seed {seed}: {replica} reads from a replica, {memory} from memory, {primary} from the primary, {writes} writes"
    ));
    assert!(replica > 0 && memory > 0 && primary > 0 && writes > 0);
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
    let lasts = Duration::from_secs(6);
    let (tally, _) = run("blind", lasts, seed_of_now(), &[], blind).await;
    let wrong = &tally.wrong;
    assert!(
        wrong.iter().any(|what| what.starts_with("the bound")),
        "{} wrong",
        wrong.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn older_values_in_the_place_of_newer_ones_are_noticed_by_this_checker() {
    let lasts = Duration::from_secs(6);
    let sound = async |_: &mut Pair| ();
    let seed = seed_of_now();
    let (tally, _) = run("older", lasts, seed, &WITHOUT_COMPARING, sound).await;
    let (older, read): (Vec<_>, Vec<_>) = tally
        .wrong
        .iter()
        .partition(|what| what.starts_with("an older value"));
    assert!(!older.is_empty());
    // They are noticed where they are read: what is remembered of the outbox decides.
    assert!(read.is_empty(), "seed {seed}: {:?}", read.first());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_lacks_commits_is_noticed_by_this_checker() {
    let lacking = async |pair: &mut Pair| pair.part().await;
    let lasts = Duration::from_secs(14);
    let (tally, befell) = run("lacking", lasts, seed_of_now(), &[], lacking).await;
    assert!(befell.contains(&"failover"));
    let wrong = &tally.wrong;
    assert!(
        wrong.iter().any(|what| what.starts_with("the bound")),
        "{} wrong",
        wrong.len()
    );
}
