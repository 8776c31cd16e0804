//! Filling a store by `COPY`.
//!
//! What must stay true: a block of people is one transaction, which also notes that they are there; so whenever it is killed, it goes
//! on with those who are missing. Nobody else may write meanwhile: nothing is claimed and nothing is locked. A block is no larger
//! than what ingest writes in one transaction, since readers of the outbox take the changes of a transaction whole.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use customer_profile::{
    figures::{Counting, count_page},
    ids::ProfileId,
    storage::Storage,
};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use crate::{
    binary::Rows,
    rows::{Block, Maker},
    stage::Stage,
    steps::{Limits, Stop},
};

/// People in a transaction.
const TOGETHER: usize = 500;

/// Blocks under way at once: while one waits for the server another is made.
const WORKERS: usize = 3;

/// How often is told how far it is.
const TELL: Duration = Duration::from_secs(10);

const NOTE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS growth_blocks (first bigint PRIMARY KEY, people bigint NOT NULL)";
const NOTED: &str = "SELECT first FROM growth_blocks";
const NOTE: &str = "INSERT INTO growth_blocks (first, people) VALUES ($1, $2)";
const POSITION: &str = "SELECT pg_current_xact_id()::text::bigint";

const EVENT_KEYS: &str = "
COPY event_keys (tenant, event_key, body_hash, anchor, occurred_at)
FROM STDIN (FORMAT binary)";
const INTERACTIONS: &str = "
COPY interactions (tenant, anchor, occurred_at, interaction_id, identity_keys, body)
FROM STDIN (FORMAT binary)";
const ANALYSES: &str = "
COPY analyses (tenant, anchor, occurred_at, interaction_id, method, version, body)
FROM STDIN (FORMAT binary)";
const LINKS: &str = "
COPY links (tenant, identity_key, other_key, anchored, first_seen, last_seen, seen)
FROM STDIN (FORMAT binary)";
const IDENTITIES: &str = "
COPY identities (
    tenant, identity_key, namespace, value, profile_id, first_seen, last_seen, state, subjects, standing, apart, neighbours
)
FROM STDIN (FORMAT binary)";
const TRAITS: &str = "
COPY identity_traits (tenant, trait_key, identity_key)
FROM STDIN (FORMAT binary)";
const PROFILES: &str = "
COPY profiles (tenant, profile_id, version, home, summary, last_day, state, members, subjects, rules)
FROM STDIN (FORMAT binary)";
const OUTBOX: &str = "
COPY outbox (tenant, profile_id, version, position, kind, merged_into)
FROM STDIN (FORMAT binary)";

/// What the workers have in common.
struct Work {
    left: Mutex<VecDeque<Range<usize>>>,
    done: AtomicUsize,
    stop: AtomicBool,
    /// Microseconds in which rows were made, and in which they were copied.
    making: AtomicU64,
    copying: AtomicU64,
}

impl Work {
    fn take(&self) -> Option<Range<usize>> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        self.left.lock().unwrap().pop_front()
    }
}

/// Puts people of these numbers into a database, but for those who are there; answers with how many a second that were.
pub(crate) async fn fill(
    (stage, database): (&Stage, &str),
    maker: &Arc<Maker>,
    people: Range<usize>,
    limits: &Limits,
) -> Result<f64, Stop> {
    let left = missing(stage, database, people.clone()).await;
    let wanted: usize = left.iter().map(ExactSizeIterator::len).sum();
    let work = Arc::new(Work {
        left: Mutex::new(left),
        done: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        making: AtomicU64::new(0),
        copying: AtomicU64::new(0),
    });
    let begun = Instant::now();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..WORKERS {
        let connection = stage.connect(database).await;
        workers.spawn(keep_putting(
            connection,
            Arc::clone(maker),
            Arc::clone(&work),
        ));
    }
    let rate =
        |done: usize| f64::from(u32::try_from(done).unwrap()) / begun.elapsed().as_secs_f64();
    let mut stopped = Ok(());
    let mut told = tokio::time::interval_at((begun + TELL).into(), TELL);
    loop {
        tokio::select! {
            ended = workers.join_next() => match ended {
                Some(ended) => ended.unwrap(),
                None => break,
            },
            _ = told.tick() => {
                let done = work.done.load(Ordering::Relaxed);
                println!(
                    "  {} of {} people are there, {:.0} a second",
                    people.len() - wanted + done,
                    people.len(),
                    rate(done)
                );
                stopped = stopped.and_then(|()| limits.check());
                work.stop.store(stopped.is_err(), Ordering::Relaxed);
            }
        }
    }
    stopped?;
    let each =
        |micros: &AtomicU64| micros.load(Ordering::Relaxed) / u64::try_from(wanted).unwrap().max(1);
    println!(
        "  a worker takes {} us to make a person's rows and {} us to copy them",
        each(&work.making),
        each(&work.copying)
    );
    Ok(rate(wanted))
}

/// The blocks of people that are not there yet.
async fn missing(stage: &Stage, database: &str, people: Range<usize>) -> VecDeque<Range<usize>> {
    let mut connection = stage.connect(database).await;
    connection.execute(NOTE_TABLE).await.unwrap();
    let noted = connection.fetch_all(NOTED).await.unwrap();
    let noted: BTreeSet<i64> = noted.iter().map(|row| row.get(0)).collect();
    let end = people.end;
    people
        .step_by(TOGETHER)
        .filter(|first| !noted.contains(&i64::try_from(*first).unwrap()))
        .map(|first| first..end.min(first + TOGETHER))
        .collect()
}

async fn keep_putting(mut connection: PgConnection, maker: Arc<Maker>, work: Arc<Work>) {
    while let Some(people) = work.take() {
        let (rows, of) = (Arc::clone(&maker), people.clone());
        let begun = Instant::now();
        let block = tokio::task::spawn_blocking(move || rows.block(of)).await;
        let made = Instant::now();
        put(&mut connection, maker.tenant(), block.unwrap(), &people).await;
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap();
        (work.making).fetch_add(micros(made - begun), Ordering::Relaxed);
        (work.copying).fetch_add(micros(made.elapsed()), Ordering::Relaxed);
        work.done.fetch_add(people.len(), Ordering::Relaxed);
    }
}

async fn put(connection: &mut PgConnection, tenant: &str, block: Block, people: &Range<usize>) {
    let mut transaction = connection.begin().await.unwrap();
    let position: i64 = transaction.fetch_one(POSITION).await.unwrap().get(0);
    let mut outbox = Rows::new(6);
    for change in &block.changes {
        let into = change.merged_into.map(ProfileId::as_uuid);
        outbox
            .row()
            .text(tenant)
            .uuid(change.profile.as_uuid())
            .long(change.version)
            .long(position)
            .short(change.kind.code())
            .bytes(into.as_ref().map(|id| id.as_bytes().as_slice()));
    }
    for (statement, rows) in [
        (EVENT_KEYS, block.event_keys),
        (INTERACTIONS, block.interactions),
        (ANALYSES, block.analyses),
        (LINKS, block.links),
        (IDENTITIES, block.identities),
        (TRAITS, block.traits),
        (PROFILES, block.profiles),
        (OUTBOX, outbox),
    ] {
        let mut copy = transaction.copy_in_raw(statement).await.unwrap();
        copy.send(rows.finish()).await.unwrap();
        copy.finish().await.unwrap();
    }
    sqlx::query(NOTE)
        .bind(i64::try_from(people.start).unwrap())
        .bind(i64::try_from(people.len()).unwrap())
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.commit().await.unwrap();
}

/// Counts all changes into the figures of the population, as a service does beside its calls.
pub(crate) async fn count(storage: &Storage, limits: &Limits) -> Result<(), Stop> {
    let mut looked = Instant::now();
    loop {
        match count_page(storage).await.unwrap() {
            Counting::Done(_) => return Ok(()),
            Counting::Counted(_) => (),
            Counting::Busy => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        if looked.elapsed() > TELL {
            looked = Instant::now();
            limits.check()?;
        }
    }
}
