//! Whom to look at, and when: what the outbox names, what falls due, and everybody when a rule changes.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::look::Post;
use crate::{
    cache::sealed::{Epoch, Run},
    clock::Micros,
    error::Error,
    feed::{
        Tape,
        place::{Mark, NOBODY, Place, Stage},
        seats::Seats,
    },
    ids::{self, LengthPrefixed, ProfileId, TenantId},
    next_best_action::{catalogue::Snapshot, segments::Segments},
    offering::Desk,
    profile::survivorship::Rules,
    storage::{
        self, catalogues, feed,
        memberships::{self, Walk},
        relays::{self, Relayed},
        rule_sets,
    },
    telemetry::names,
};

/// The name of the work, among a tenant's leases and those who follow its changes.
pub(super) const WORK: &str = "segments";

/// How long a lease lasts, and after how long it is prolonged, or asked for again.
pub(super) const LEASE: Duration = Duration::from_secs(15);
const PROLONG: Duration = Duration::from_secs(5);

/// How often is looked which tenants have a catalogue, and who falls due.
const LOOK: Duration = Duration::from_secs(1);

/// How often a place is noted while nothing changes.
const NOTE: Duration = Duration::from_mins(1);

/// How long it waits after a failure.
const AGAIN: Duration = Duration::from_secs(1);

/// Counts up where what rules ask for means something else than in the release before, so that everybody is looked at again.
const EVALUATION: u8 = 1;

/// Profiles that are looked at before others have their turn.
const PAGE: i64 = 500;

/// Keeps memberships up to date.
#[derive(Debug)]
pub struct Keeper {
    /// What is seen of customers, and by which rules.
    pub desk: Arc<Desk>,
    /// Turns to read changes, and how long they are kept.
    pub seats: Arc<Seats>,
}

/// What customers are looked at by, with its code.
struct By {
    catalogue: Arc<Snapshot>,
    rules: Arc<Rules>,
    /// Of the model of purchases.
    day: Option<i32>,
    code: [u8; 16],
}

/// A tenant that this instance looks after.
struct Held {
    /// The run of the database that its place is of.
    epoch: Epoch,
    tape: Tape,
    walk: Walk,
    /// What customers are looked at by, as it was last.
    by: Option<By>,
    leased_at: Instant,
    noted_at: Instant,
    /// When was looked last who falls due; none while there are more.
    looked_at: Option<Instant>,
    /// Since when the one who has waited longest has been due.
    due: Option<Micros>,
    /// It has no segments, so nothing is followed.
    idle: bool,
    /// When looking after it failed; none since it went well.
    failed_at: Option<Instant>,
    /// Everything before was looked at.
    done: Micros,
}

/// The tenants with a catalogue.
#[derive(Default)]
struct Tenants {
    held: HashMap<TenantId, Held>,
    /// Those of others, since they were asked for.
    refused: HashMap<TenantId, Instant>,
    listed_at: Option<Instant>,
}

impl Keeper {
    /// Keeps them until told to stop.
    pub async fn keep(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        let holder = ids::draw_instance_id();
        // Without them it would not be known of anybody whether they are likely to come back.
        while self.desk.tenants.models_number() == 0 {
            tokio::time::sleep(AGAIN / 10).await;
        }
        let mut tenants = Tenants::default();
        let mut looks = self.desk.reader.caches().looks();
        loop {
            looks.mark_unchanged();
            if let Err(error) = self.round(holder, &mut tenants).await {
                tracing::warn!(%error, "tenants with segments could not be listed, it is tried again");
                tokio::time::sleep(AGAIN).await;
            }
            self.show(&tenants.held);
            if looks.changed().await.is_err() {
                return;
            }
        }
    }

    async fn round(&self, holder: Uuid, tenants: &mut Tenants) -> Result<(), Error> {
        if tenants.listed_at.is_none_or(|at| at.elapsed() >= LOOK) {
            tenants.listed_at = Some(Instant::now());
            let mut connection = self.desk.storage.acquire().await?;
            let listed = catalogues::tenants(&mut connection).await?;
            drop(connection);
            for tenant in listed {
                if let Err(error) = self.hold(holder, tenants, tenant.clone()).await {
                    tracing::warn!(%tenant, %error, "segments could not be looked after, it is tried again");
                    tenants.refused.insert(tenant, Instant::now());
                }
            }
        }
        for (id, held) in &mut tenants.held {
            if held.failed_at.is_some_and(|at| at.elapsed() < PROLONG) {
                continue;
            }
            if let Err(error) = self.look_after(holder, id, held).await {
                tracing::warn!(tenant = %id, %error, "segments could not be looked at, it is tried again");
                held.failed_at = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Takes a tenant that nobody looks after, or prolongs the lease of one.
    async fn hold(
        &self,
        holder: Uuid,
        tenants: &mut Tenants,
        tenant: TenantId,
    ) -> Result<(), Error> {
        let held = tenants.held.get_mut(&tenant);
        let asked = held.as_ref().map(|held| held.leased_at);
        let asked = asked.or_else(|| tenants.refused.get(&tenant).copied());
        if asked.is_some_and(|asked| asked.elapsed() < PROLONG) {
            return Ok(());
        }
        let now = Instant::now();
        let mut connection = self.desk.storage.acquire().await?;
        let lease = rule_sets::take_lease(&mut connection, &tenant, WORK, holder, LEASE);
        let leased = lease.await?;
        drop(connection);
        match held {
            _ if !leased => {
                tenants.held.remove(&tenant);
                tenants.refused.insert(tenant, now);
            }
            Some(held) => held.leased_at = now,
            None => {
                let begun = self.begin(&tenant, false).await?;
                tenants.refused.remove(&tenant);
                tenants.held.insert(tenant, begun);
            }
        }
        Ok(())
    }

    async fn look_after(&self, holder: Uuid, id: &TenantId, held: &mut Held) -> Result<(), Error> {
        let Some(catalogue) = self.desk.shelf.catalogue(id).await? else {
            return Ok(());
        };
        if catalogue.segments().is_empty() {
            held.idle = true;
            return Ok(());
        }
        // Of another run of the database nothing is known: what was noted may lie beyond what it has.
        let is_other = held.epoch != self.desk.reader.caches().epoch();
        if held.idle || is_other || held.failed_at.is_some() {
            let leased_at = held.leased_at;
            *held = self.begin(id, held.idle || is_other).await?;
            held.leased_at = leased_at;
        }
        let tenant = self.desk.tenants.get(id).await?;
        let post = Post {
            desk: &self.desk,
            tenant: &tenant,
            catalogue: &catalogue,
            holder,
        };
        let rules = self.code(&post, &mut held.by);
        if held.walk.rules != rules {
            // Before anybody is looked at by them, so that whoever goes on knows that not all have been.
            let walked = Some(NOBODY);
            held.walk = Walk { rules, walked };
            let mut connection = self.desk.storage.acquire().await?;
            memberships::save_walk(&mut connection, id, held.walk).await?;
        }
        self.changes(&post, held).await?;
        self.dues(&post, held).await?;
        self.walk(&post, held).await
    }

    /// A code of all by which customers are looked at, but for themselves and the time: where it is another one, so may be what anybody
    /// comes to. It is made again where something that it is of is another.
    fn code(&self, post: &Post<'_>, known: &mut Option<By>) -> [u8; 16] {
        let models = self.desk.tenants.models();
        let day = models.get(&post.tenant.id).map(|model| model.day.0);
        let is_of = |by: &&By| {
            by.day == day
                && Arc::ptr_eq(&by.catalogue, post.catalogue)
                && Arc::ptr_eq(&by.rules, &post.tenant.rules)
        };
        if let Some(by) = known.as_ref().filter(is_of) {
            return by.code;
        }
        let segments = Segments::of(post.catalogue);
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(&[EVALUATION]);
        hash.add(&segments.code());
        hash.add(format!("{:?}", post.tenant.rules).as_bytes());
        if segments.age() {
            hash.add(&day.unwrap_or_default().to_be_bytes());
        }
        let code = hash.finish_128().into_bytes();
        *known = Some(By {
            catalogue: Arc::clone(post.catalogue),
            rules: Arc::clone(&post.tenant.rules),
            day,
            code,
        });
        code
    }

    /// Where looking after a tenant goes on. Everybody is looked at where that is not known, or is no longer kept, or from the
    /// beginning is asked for.
    async fn begin(&self, tenant: &TenantId, afresh: bool) -> Result<Held, Error> {
        let epoch = self.desk.reader.caches().epoch();
        let mut transaction = self.desk.storage.begin().await?;
        let now = self.desk.clock.now();
        let database = feed::now(&mut transaction).await?;
        let run = Run::of(&database.incarnation);
        let noted = relays::load(&mut transaction, tenant, WORK).await?;
        let walk = memberships::walk(&mut transaction, tenant).await?;
        let keep = i64::try_from(self.seats.keep().as_micros()).unwrap_or(i64::MAX);
        // A database that was put back to an earlier time goes on below.
        let good = |noted: &Relayed| {
            let is_kept = now.0.saturating_sub(noted.as_of.0) <= keep;
            !afresh && is_kept && noted.position <= database.next
        };
        let noted = noted.filter(good);
        let noted = noted.and_then(|noted| Tape::from_noted(tenant.clone(), noted, run));
        let (tape, walk) = if let Some(known) = noted.zip(walk) {
            known
        } else {
            let mark = Mark {
                run,
                as_of: now,
                stage: Stage::Changes(Place::from(database.oldest)),
                chain: Vec::new(),
            };
            let tape = Tape::new(tenant.clone(), mark);
            // Together, so that nobody finds a place that is good, and everybody looked at before.
            memberships::save_walk(&mut transaction, tenant, Walk::default()).await?;
            relays::delete(&mut transaction, tenant, WORK).await?;
            relays::save(&mut transaction, tenant, WORK, tape.noted()).await?;
            (tape, Walk::default())
        };
        storage::commit(transaction).await?;
        let begun = Instant::now();
        Ok(Held {
            epoch,
            done: tape.mark().as_of,
            tape,
            walk,
            by: None,
            leased_at: begun,
            noted_at: begun,
            looked_at: None,
            due: None,
            idle: false,
            failed_at: None,
        })
    }

    /// Looks at a page of those who changed.
    async fn changes(&self, post: &Post<'_>, held: &mut Held) -> Result<(), Error> {
        let caches = self.desk.reader.caches();
        let Some(seen) = held.tape.seen(caches)? else {
            return Ok(());
        };
        if !seen.is_new {
            held.tape.pass(seen, caches, self.desk.clock.now());
            held.done = held.tape.mark().as_of;
            if held.noted_at.elapsed() >= NOTE {
                self.note(&post.tenant.id, held).await?;
            }
            return Ok(());
        }
        let page = async {
            let mut connection = self.desk.storage.acquire().await?;
            held.tape.page(&mut connection, seen.horizon).await
        };
        let page = self.seats.read(Box::pin(page)).await?;
        let rows = page.changes.iter().map(|change| &change.row);
        // What only says where a look came to needs no other.
        let mut ids: Vec<ProfileId> = rows
            .filter(|row| !row.is_of_segments())
            .map(|row| row.profile)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        post.look(&ids, "change").await?;
        held.done = held.tape.mark().as_of;
        self.note(&post.tenant.id, held).await
    }

    /// Looks at those for whom time has come.
    async fn dues(&self, post: &Post<'_>, held: &mut Held) -> Result<(), Error> {
        if held.looked_at.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        let now = self.desk.clock.now();
        let mut connection = self.desk.storage.acquire().await?;
        let due = memberships::due(&mut connection, &post.tenant.id, now, PAGE).await?;
        drop(connection);
        let is_full = i64::try_from(due.len()).unwrap_or(i64::MAX) >= PAGE;
        held.looked_at = (!is_full).then(Instant::now);
        held.due = due.first().map(|(_, since)| *since);
        let ids: Vec<ProfileId> = due.into_iter().map(|(id, _)| id).collect();
        post.look(&ids, "time").await?;
        if !is_full {
            held.due = None;
        }
        Ok(())
    }

    /// Looks at the next of everybody, while not all have been looked at by the rules in force.
    async fn walk(&self, post: &Post<'_>, held: &mut Held) -> Result<(), Error> {
        let tenant = &post.tenant.id;
        let Some(after) = held.walk.walked else {
            return Ok(());
        };
        let mut connection = self.desk.storage.acquire().await?;
        let page = feed::profiles(&mut connection, tenant, after, PAGE).await?;
        drop(connection);
        let is_full = i64::try_from(page.len()).unwrap_or(i64::MAX) >= PAGE;
        let ids: Vec<ProfileId> = page.into_iter().map(|(id, _)| id).collect();
        post.look(&ids, "rules").await?;
        held.walk.walked = ids.last().copied().filter(|_| is_full);
        let mut connection = self.desk.storage.acquire().await?;
        memberships::save_walk(&mut connection, tenant, held.walk).await?;
        if held.walk.walked.is_none() {
            tracing::info!(%tenant, "every profile was looked at by the segments in force");
        }
        Ok(())
    }

    /// Notes up to where changes were looked at.
    async fn note(&self, tenant: &TenantId, held: &mut Held) -> Result<(), Error> {
        let mut connection = self.desk.storage.acquire().await?;
        relays::save(&mut connection, tenant, WORK, held.tape.noted()).await?;
        held.noted_at = Instant::now();
        Ok(())
    }

    /// How far this instance is behind, of the tenants that it looks after.
    fn show(&self, held: &HashMap<TenantId, Held>) {
        let held = held.values().filter(|held| !held.idle);
        let oldest = held
            .clone()
            .map(|held| held.due.map_or(held.done, |due| held.done.min(due)));
        let now = self.desk.clock.now().0;
        let behind = oldest
            .min()
            .map_or(0, |oldest| now.saturating_sub(oldest.0));
        let behind = Duration::from_micros(behind.max(0).unsigned_abs());
        metrics::gauge!(names::SEGMENTS_LAG).set(behind.as_secs_f64());
        let walking = held.filter(|held| held.walk.walked.is_some());
        let walking = u32::try_from(walking.count()).unwrap_or(u32::MAX);
        metrics::gauge!(names::SEGMENTS_WALKS).set(f64::from(walking));
    }
}
