//! The tail of the outbox: what changed, read by every instance many times a second.
//!
//! What must stay true: a look counts from when it began; the next reads what the first page of this one could not show, which is
//! the changes of transactions that ran then and of all that began later; a look that was cut off does not count, but the next goes on
//! after the last page of it (`place`), so that no backlog is too large.
//! It has a connection of its own, so that it does not wait behind the calls that it is there to spare.

mod place;

use std::{sync::atomic::Ordering, time::Duration};

use sqlx::PgConnection;
use tokio_util::sync::CancellationToken;

use self::place::{Look, Place, Then};
use super::{
    Caches,
    encoded::Encoded,
    memory::{Changed, Standing},
    redis::Value,
    rule::Age,
    sealed::{Epoch, Kind, document_name},
};
use crate::{
    error::Error,
    ids::TenantId,
    storage::{Storage, outbox},
    telemetry::names,
};

/// How often the outbox is looked at when nobody asks for it.
const EVERY: Duration = Duration::from_millis(100);

/// The longest that a look may take: after that its connection is given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// Changes in a page.
const PAGE: i64 = 10_000;

/// The same after a look that failed, perhaps because it read too many.
const FEWER: i64 = 1_000;

/// Changes that a new instance looks back on.
const LOOK_BACK: i64 = 100_000;

/// Changes that one message tells of.
const TOLD: usize = 500;

/// How long a mark is needed: longer than a read takes.
const MARKED: Duration = Duration::from_mins(2);

/// Where the next look begins.
struct Begun {
    incarnation: String,
    place: Place,
}

/// Looks until told to stop.
pub async fn follow(caches: &Caches, storage: &Storage, stop: CancellationToken) {
    let mut connection: Option<PgConnection> = None;
    let mut begun: Option<Begun> = None;
    let mut failing = false;
    while !stop.is_cancelled() {
        let asked = caches.looks.asked.load(Ordering::Acquire);
        let limit = if failing { FEWER } else { PAGE };
        let look = look(caches, storage, (&mut connection, &mut begun), limit);
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(PATIENCE, look) => outcome,
            () = stop.cancelled() => return,
        };
        match outcome {
            Ok(Ok(changes)) => {
                if failing {
                    tracing::info!("the outbox is read again");
                }
                failing = false;
                let ours = asked > *caches.looks.done.borrow();
                caches.looks.done.send_replace(asked);
                caches.away.store(false, Ordering::Release);
                if ours && !changes.is_empty() {
                    caches.tell(changes);
                }
            }
            failed => {
                // With a new connection; what it had asked may still come on this one.
                connection = None;
                caches.away.store(true, Ordering::Release);
                if !failing {
                    let error = failed.map_or_else(|_| None, Result::err);
                    let error = error.map_or_else(|| "no answer in time".into(), |e| e.to_string());
                    tracing::warn!(%error, "the outbox cannot be read: caches are not used meanwhile");
                }
                failing = true;
            }
        }
        caches.show();
        if caches.looks.asked.load(Ordering::Acquire) == asked || failing {
            let wait = tokio::time::timeout(EVERY, async {
                if failing {
                    std::future::pending::<()>().await;
                }
                caches.looks.wake.notified().await;
            });
            tokio::select! {
                _ = wait => (),
                () = stop.cancelled() => return,
            }
        }
    }
}

/// One look, of pages of so many changes. Answers with what it saw for the first time.
async fn look(
    caches: &Caches,
    storage: &Storage,
    (connection, known): (&mut Option<PgConnection>, &mut Option<Begun>),
    limit: i64,
) -> Result<Vec<Changed>, Error> {
    let began = caches.now();
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(storage.acquire().await?.detach()),
    };
    let mut look = match known {
        Some(known) => Look::at(&known.place, limit),
        None => Look::nowhere(),
    };
    let mut seen = Vec::new();
    loop {
        let page = outbox::since(connection, look.from, &look.before, look.limit).await?;
        let same = |known: &&mut Begun| known.incarnation == page.incarnation;
        let Some(same) = known.as_mut().filter(same) else {
            let from = outbox::lately(connection, caches.options.lifetime / 2, LOOK_BACK).await?;
            caches.begin(&page.incarnation, from);
            let place = Place {
                position: from,
                running: Vec::new(),
            };
            look = Look::at(&place, limit);
            *known = Some(Begun {
                incarnation: page.incarnation,
                place,
            });
            continue;
        };
        let changes = page.changes.iter();
        let changes = changes.map(|(profile, version, position)| Changed {
            profile: *profile,
            version: *version,
            position: *position,
        });
        seen.extend(caches.saw(changes));
        caches.memory_mut().moved(page.tenants);
        let then = Then {
            oldest: page.oldest,
            next: page.next,
            running: page.running,
        };
        let positions = page.changes.iter().map(|(_, _, position)| *position);
        if let Some(oldest) = look.read(&mut same.place, then, positions) {
            caches.memory_mut().looked(began, oldest);
            return Ok(seen);
        }
    }
}

/// Says that a version exists, so that nobody who read an older one a moment ago puts that in its place.
fn mark(epoch: Epoch, change: Changed) -> Value {
    Value {
        // Nobody opens it, so it is nobody's.
        tenant: TenantId::default_tenant(),
        name: document_name(epoch, change.profile),
        age: Age {
            version: change.version,
            position: 0,
        },
        kind: Kind::Mark,
        contents: Vec::new(),
        lifetime: MARKED,
    }
}

impl Caches {
    /// Takes note of changes; answers with those that were not known.
    pub(super) fn saw(&self, changes: impl Iterator<Item = Changed>) -> Vec<Changed> {
        let changes: Vec<Changed> = changes.collect();
        if changes.is_empty() {
            return changes;
        }
        let mut memory = self.memory_mut();
        let mut new = Vec::new();
        for change in changes {
            let before = change.version - 1;
            if memory.standing(change.profile, before, i64::MAX) == Standing::Unchanged {
                new.push(change);
            }
            memory.saw(change);
        }
        new
    }

    /// Tells other instances, and marks in Redis that these versions exist. It waits for nothing: what is lost is seen by others
    /// when they look.
    fn tell(&self, changes: Vec<Changed>) {
        let Some(redis) = self.redis.clone() else {
            return;
        };
        let Ok(turn) = self.telling.clone().try_acquire_owned() else {
            return;
        };
        let epoch = self.epoch();
        tokio::spawn(async move {
            for some in changes.chunks(TOLD) {
                redis.tell(epoch, some).await;
                let marks: Vec<Value> = some.iter().map(|change| mark(epoch, *change)).collect();
                redis.put(&marks).await;
            }
            drop(turn);
        });
    }

    pub(super) fn show(&self) {
        let now = self.now();
        let (as_of, remembered) = {
            let memory = self.memory();
            (memory.as_of(), memory.len())
        };
        let lag = now.saturating_sub(as_of.unwrap_or_default());
        metrics::gauge!(names::CACHE_OUTBOX_LAG).set(lag.as_secs_f64());
        let count = f64::from(u32::try_from(remembered).unwrap_or(u32::MAX));
        metrics::gauge!(names::CACHE_REMEMBERED).set(count);
        if let Some(local) = &self.local {
            let encoded = self.encoded().map_or(0, Encoded::bytes);
            let bytes = (local.bytes() + encoded) >> 10;
            let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) * 1_024.0;
            metrics::gauge!(names::CACHE_BYTES, "tier" => "memory").set(bytes);
        }
    }
}
