//! Group commit: interactions of all callers are collected for a few milliseconds and recorded together.
//!
//! Each writer is a task with a queue; an interaction goes to the writer of its anchor, so that what belongs to one person
//! meets in one batch and not in each other's locks, and in the order in which it came. While a writer commits, its queue
//! fills, so batches grow with the load by themselves. What waits is bounded, in interactions ([`Gate`]) and in bytes: a unary
//! call that finds no room waits for a moment and is told so then, a stream waits, which holds its sender back. What nobody
//! waits for any more when its batch begins is not written.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant as Moment},
};

use tokio::{
    sync::{OwnedSemaphorePermit, mpsc, oneshot},
    task::JoinHandle,
    time::Instant,
};
use tracing::Instrument as _;

use super::{
    gate::{Class, Gate, Held, Patience},
    limit::Bounds,
    memory::Memory,
    record::{Answer, Item, Outcome, record},
};
use crate::{
    error::Error,
    identity::HashSecret,
    ids::{InteractionId, TenantId},
    storage::Storage,
    telemetry::{names, sampling},
    tenants::Tenant,
};

/// A batch that takes longer has its trace sent.
const SLOW_BATCH: Duration = Duration::from_secs(1);

/// A unary call of so many interactions at most is small.
const SMALL: usize = 16;

/// Interactions of small calls that may be under way at least, however slow storage is, and at the start.
const SMALL_LEAST: usize = 64;
const SMALL_FIRST: usize = 128;

/// One part in so many of the memory is for small calls.
const FOR_SMALL: usize = 4;

/// How many batches of bulk may be under way at the start.
const BULK_FIRST: usize = 8;

/// How much longer bulk may take than a small call.
const BULK_PATIENCE: u32 = 20;

/// How to collect and write.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Writers.
    pub writers: usize,
    /// Interactions that a writer takes together at most.
    pub batch_items: usize,
    /// How long a writer waits for company when there is little.
    pub linger: Duration,
    /// Interactions that may wait in all.
    pub queue_items: usize,
    /// How long a small call may take to be stored, before fewer are let in.
    pub target: Duration,
    /// KiB of interactions that may wait in all.
    pub queue_kib: usize,
    /// The longest that a transaction may take. A server that hangs, or a host that is gone, ends no statement by itself.
    pub patience: Duration,
}

/// A part of a call, for one writer.
struct Job {
    tenant: Tenant,
    items: Vec<Item>,
    reply: oneshot::Sender<Result<Vec<Answer>, Error>>,
    request: tracing::Span,
    /// When it was queued.
    since: Moment,
    room: Room,
}

/// The way in.
#[derive(Debug)]
pub struct Ingest {
    writers: Vec<mpsc::UnboundedSender<Job>>,
    gate: Arc<Gate>,
    /// Of small calls and of the others, so that who sends much does not take all there is.
    kib: [Memory; 2],
}

/// Room in the queue for some interactions, given back when it is dropped.
#[derive(Debug)]
pub struct Room {
    items: Held,
    kib: OwnedSemaphorePermit,
}

impl Room {
    /// Takes the part of some of them.
    fn split(&mut self, items: &[Item]) -> Option<Self> {
        let (count, kib) = size(items);
        Some(Self {
            items: self.items.split(count)?,
            // One that is larger than all the memory there is holds all of it.
            kib: self.kib.split(kib.min(self.kib.num_permits()))?,
        })
    }
}

/// How many interactions these are, and how much room they take, each in whole KiB.
fn size(items: &[Item]) -> (usize, usize) {
    // The message and its canonical encoding.
    let kib = items.iter().map(|item| {
        // What is made of a text comes later: as a rule less than 2 KiB, and twice that with an operator's analyzer.
        let heard = if item.prepared.message.text.is_some() {
            4
        } else {
            0
        };
        2 * item.prepared.body.len() / 1024 + 1 + heard
    });
    (items.len(), kib.sum())
}

/// The writers, to wait for when the service drains.
#[derive(Debug)]
pub struct Writers(Vec<JoinHandle<()>>);

impl Writers {
    /// Waits until every interaction that was accepted is answered. The last [`Ingest`] must be gone.
    pub async fn drained(self) {
        for writer in self.0 {
            if let Err(error) = writer.await {
                tracing::error!(%error, "a writer ended badly");
            }
        }
    }
}

impl Ingest {
    /// Starts the writers.
    #[must_use]
    pub fn start(storage: &Storage, secret: &HashSecret, options: Options) -> (Self, Writers) {
        let small = Bounds {
            least: SMALL_LEAST,
            most: options.queue_items,
            first: SMALL_FIRST,
            target: options.target,
        };
        let bulk = Bounds {
            least: options.batch_items,
            first: BULK_FIRST * options.batch_items,
            target: BULK_PATIENCE * options.target,
            ..small
        };
        let gate = Gate::new(small, bulk);
        let (senders, tasks) = (0..options.writers)
            .map(|_| {
                // Bounded by the room that every job holds.
                let (sender, receiver) = mpsc::unbounded_channel();
                let writer = Writer {
                    storage: storage.clone(),
                    secret: secret.clone(),
                    options,
                    gate: Arc::clone(&gate),
                    queue: receiver,
                };
                (sender, tokio::spawn(writer.run()))
            })
            .unzip();
        let for_small = options.queue_kib / FOR_SMALL;
        let ingest = Self {
            writers: senders,
            gate,
            kib: [
                Memory::new(for_small),
                Memory::new(options.queue_kib - for_small),
            ],
        };
        (ingest, Writers(tasks))
    }

    /// The way in.
    #[must_use]
    pub const fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Records the interactions of one call, for which there is room; answers in their order.
    ///
    /// # Errors
    /// When the database fails for any of them; the others may be stored then.
    pub async fn record(
        &self,
        tenant: &Tenant,
        items: Vec<Item>,
        mut room: Room,
    ) -> Result<Vec<Answer>, Error> {
        let total = items.len();
        let mut parts: HashMap<usize, (Vec<usize>, Vec<Item>)> = HashMap::new();
        let mut writer_of: HashMap<InteractionId, usize> = HashMap::new();
        for (n, item) in items.into_iter().enumerate() {
            let writer = *writer_of
                .entry(item.prepared.id)
                .or_insert_with(|| self.writer_of(&item));
            let (places, part) = parts.entry(writer).or_default();
            places.push(n);
            part.push(item);
        }
        let mut pending = Vec::with_capacity(parts.len());
        for (writer, (places, items)) in parts {
            let (reply, answer) = oneshot::channel();
            let room = room
                .split(&items)
                .ok_or_else(|| Error::bug("queueing", "room for fewer items than came"))?;
            let job = Job {
                tenant: tenant.clone(),
                items,
                reply,
                request: tracing::Span::current(),
                since: Moment::now(),
                room,
            };
            self.writers[writer]
                .send(job)
                .map_err(|_| Error::bug("queueing", "a writer is gone"))?;
            pending.push((places, answer));
        }
        let mut answers: Vec<Option<Answer>> = vec![None; total];
        for (places, answer) in pending {
            let part = answer
                .await
                .map_err(|_| Error::bug("recording", "a writer dropped a job"))??;
            for (place, answer) in places.into_iter().zip(part) {
                answers[place] = Some(answer);
            }
        }
        answers
            .into_iter()
            .map(|a| a.ok_or_else(|| Error::bug("recording", "an item has no answer")))
            .collect()
    }

    /// Whether a unary call of so many interactions would find no room and no place in line, so that nothing need be done for it.
    #[must_use]
    pub fn turns_away(&self, tenant: &TenantId, items: usize) -> bool {
        self.gate.turns_away(tenant, class(items))
    }

    /// Room in the queue for the interactions of one call.
    ///
    /// # Errors
    /// [`Error::Overloaded`] when there is none within the patience of the call.
    pub async fn room(
        &self,
        tenant: &TenantId,
        items: &[Item],
        patience: Patience,
    ) -> Result<Room, Error> {
        let (items, kib) = size(items);
        let class = match patience {
            Patience::Brief => class(items),
            Patience::Endless => Class::Bulk,
        };
        // Memory first, for all alike: nobody waits for it who holds a place that others wait for.
        let memory = self.kib[class as usize].take(kib);
        let kib = match patience {
            Patience::Brief => tokio::time::timeout(self.gate.target(class), memory).await,
            Patience::Endless => Ok(memory.await),
        };
        let kib = kib.ok().flatten().ok_or_else(full)?;
        let held = self.gate.enter(tenant, class, items, patience).await;
        let items = held.ok_or_else(full)?;
        Ok(Room { items, kib })
    }

    fn writer_of(&self, item: &Item) -> usize {
        let (_, low) = item
            .prepared
            .anchor()
            .map_or((0, 0), |anchor| anchor.as_uuid().as_u64_pair());
        usize::try_from(low >> 32).unwrap_or_default() % self.writers.len()
    }
}

/// What a unary call of so many interactions is.
const fn class(items: usize) -> Class {
    if items <= SMALL {
        Class::Small
    } else {
        Class::Bulk
    }
}

/// What is said to those for whom there is no room.
#[must_use]
pub const fn full() -> Error {
    Error::Overloaded {
        what: "the ingest queue",
    }
}

struct Writer {
    storage: Storage,
    secret: HashSecret,
    options: Options,
    gate: Arc<Gate>,
    queue: mpsc::UnboundedReceiver<Job>,
}

impl Writer {
    async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let batch = self.collect(first).await;
            for jobs in by_tenant(batch) {
                self.write(jobs).await;
            }
        }
    }

    /// Collects jobs until there are enough interactions or the time is up.
    async fn collect(&mut self, first: Job) -> Vec<Job> {
        let deadline = Instant::now() + self.options.linger;
        let mut items = first.items.len();
        let mut batch = vec![first];
        while items < self.options.batch_items {
            let next = match self.queue.try_recv() {
                Ok(job) => Some(job),
                Err(_) => tokio::time::timeout_at(deadline, self.queue.recv())
                    .await
                    .ok()
                    .flatten(),
            };
            let Some(job) = next else { break };
            items += job.items.len();
            batch.push(job);
        }
        batch
    }

    /// Writes jobs of one tenant and answers each.
    async fn write(&self, mut jobs: Vec<Job>) {
        jobs.retain(|job| !job.reply.is_closed());
        let Some(tenant) = jobs.first().map(|job| job.tenant.clone()) else {
            return;
        };
        let sizes: Vec<usize> = jobs.iter().map(|job| job.items.len()).collect();
        let items: Vec<Item> = jobs
            .iter_mut()
            .flat_map(|job| job.items.drain(..))
            .collect();
        let span = tracing::info_span!("ingest.batch", tenant = %tenant.id, items = items.len(), calls = jobs.len(), slow = tracing::field::Empty);
        for job in &jobs {
            link(&span, &job.request);
        }
        let started = Instant::now();
        metrics::histogram!(names::INGEST_BATCH_ITEMS)
            .record(f64::from(u32::try_from(items.len()).unwrap_or(u32::MAX)));
        let context = tenant.context(&self.secret);
        let result = record(&self.storage, context, &items, self.options.patience)
            .instrument(span.clone())
            .await;
        let took = started.elapsed();
        metrics::histogram!(names::INGEST_BATCH_SECONDS).record(took.as_secs_f64());
        if took > SLOW_BATCH {
            span.record(sampling::SLOW, true);
        }
        drop(span);
        let slowest = |class| {
            let of_class = jobs.iter().filter(|job| job.room.items.class() == class);
            of_class.map(|job| job.since.elapsed()).max()
        };
        let [small, bulk] = [Class::Small, Class::Bulk].map(slowest);
        // What failed at once was not stored quickly.
        let says = |took: &Duration| result.is_ok() || *took > self.options.target;
        self.gate.observe(small.filter(says), bulk.filter(says));
        answer(jobs, &sizes, result);
    }
}

fn link(batch: &tracing::Span, request: &tracing::Span) {
    use opentelemetry::trace::TraceContextExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    let context = request.context();
    let span = context.span().span_context().clone();
    if span.is_valid() {
        batch.add_link(span);
    }
}

fn answer(jobs: Vec<Job>, sizes: &[usize], result: Result<Vec<Answer>, Error>) {
    match result {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for (job, size) in jobs.into_iter().zip(sizes) {
                // A caller that went away needs no answer; what it sent is stored all the same.
                let of_job: Vec<Answer> = answers.by_ref().take(*size).collect();
                let broken = of_job.iter().any(|a| a.outcome == Outcome::Broken);
                let _ = job.reply.send(if broken {
                    let what = "what is stored of someone cannot be read";
                    Err(Error::bug("recording", what))
                } else {
                    Ok(of_job)
                });
            }
        }
        Err(error) => {
            let mut jobs = jobs.into_iter();
            let first = jobs.next();
            for job in jobs {
                let _ = job.reply.send(Err(error.for_another()));
            }
            if let Some(job) = first {
                let _ = job.reply.send(Err(error));
            }
        }
    }
}

fn by_tenant(batch: Vec<Job>) -> Vec<Vec<Job>> {
    let mut parts: Vec<(TenantId, Vec<Job>)> = Vec::new();
    for job in batch {
        match parts
            .iter_mut()
            .find(|(tenant, _)| *tenant == job.tenant.id)
        {
            Some((_, jobs)) => jobs.push(job),
            None => parts.push((job.tenant.id.clone(), vec![job])),
        }
    }
    parts.into_iter().map(|(_, jobs)| jobs).collect()
}
