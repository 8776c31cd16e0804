//! Looking at profiles: in which segments each is now, and storing where that is something new.

use std::sync::Arc;

use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::keep::{LEASE, WORK};
use crate::{
    clock::Micros,
    error::Error,
    ids::{ProfileId, TenantId},
    next_best_action::{catalogue::Snapshot, segments::Segments},
    offering::Desk,
    storage::{
        self,
        locks::{self, Stripes},
        memberships::{self, Moved},
        outbox::{self, Kind},
        profiles::{self, Profile, Wanted},
        rule_sets,
    },
    telemetry::names,
    tenants::Tenant,
};

/// Profiles that are looked at in one go.
const AT_ONCE: usize = 100;

/// Profiles whose locks are held at a time: few, since others write to their neighbours.
const LOCKED: usize = 16;

/// The end of the year 9999: what falls due later never does.
const NEVER: Micros = Micros(253_402_300_799_000_000);

/// Whoever looks, at whom, by which rules.
#[derive(Clone, Copy)]
pub(super) struct Post<'a> {
    pub(super) desk: &'a Desk,
    pub(super) tenant: &'a Tenant,
    pub(super) catalogue: &'a Arc<Snapshot>,
    /// Who has the lease.
    pub(super) holder: Uuid,
}

/// What a profile was found to be.
struct Seen {
    id: ProfileId,
    version: i64,
    is_there: bool,
    before: Vec<String>,
    now: Vec<String>,
    due: Option<Micros>,
}

impl Post<'_> {
    /// Looks at some profiles, each given once.
    ///
    /// # Errors
    /// When the database fails, or another has the lease. What was stored by then stays, and looking again does it again.
    #[tracing::instrument(name = "memberships.look", skip_all, fields(profiles = ids.len(), why))]
    pub(super) async fn look(&self, ids: &[ProfileId], why: &'static str) -> Result<(), Error> {
        for ids in ids.chunks(AT_ONCE) {
            let seen = self.see(ids).await?;
            let count = u64::try_from(seen.len()).unwrap_or(u64::MAX);
            metrics::counter!(names::SEGMENTS_LOOKS, "why" => why).increment(count);
            let differing: Vec<&Seen> = seen.iter().filter(|one| one.now != one.before).collect();
            for some in differing.chunks(LOCKED) {
                self.store(some).await?;
            }
            let dues = seen.iter().map(|one| (one.id, one.due));
            let dues: Vec<(ProfileId, Option<Micros>)> = dues.collect();
            if !dues.is_empty() {
                let mut transaction = self.desk.storage.begin().await?;
                memberships::put_dues(&mut transaction, &self.tenant.id, &dues).await?;
                self.commit(transaction).await?;
            }
        }
        Ok(())
    }

    async fn see(&self, ids: &[ProfileId]) -> Result<Vec<Seen>, Error> {
        let wanted: Vec<Wanted> = ids.iter().map(|id| Wanted::row(*id)).collect();
        let mut connection = self.desk.storage.acquire().await?;
        let found = profiles::load(&mut connection, &self.tenant.id, &wanted).await?;
        drop(connection);
        let seeing = self.desk.seeing(self.tenant);
        let catalogue = Arc::clone(self.catalogue);
        // Two hundred rules take their time, which is not the callers'.
        let seen = tokio::task::spawn_blocking(move || {
            let segments = Segments::of(&catalogue);
            let see = |profile: &Profile| {
                let is_there = profile.members_total > 0;
                let (now, due) = if is_there {
                    segments.membership(&seeing.profile(profile))
                } else {
                    (Vec::new(), None)
                };
                Seen {
                    id: profile.id,
                    version: profile.version,
                    is_there,
                    before: profile.segments.clone(),
                    now,
                    due: due.filter(|due| *due < NEVER),
                }
            };
            found.iter().map(see).collect()
        });
        seen.await.map_err(|e| Error::bug("looking at segments", e))
    }

    /// Stores what is new of profiles that are as they were seen.
    async fn store(&self, differing: &[&Seen]) -> Result<(), Error> {
        let tenant = &self.tenant.id;
        let mut stripes = Stripes::default();
        for one in differing {
            stripes.add(one.id.as_uuid());
        }
        let ids: Vec<ProfileId> = differing.iter().map(|one| one.id).collect();
        let mut transaction = self.desk.storage.begin().await?;
        let position = locks::take(&mut transaction, tenant, &stripes).await?;
        let standing = memberships::standing(&mut transaction, tenant, &ids).await?;
        let as_seen = |one: &&&Seen| standing.get(&one.id) == Some(&(one.version, one.is_there));
        let (mut moved, mut changes) = (Vec::new(), Vec::new());
        for one in differing.iter().filter(as_seen) {
            let came = moved_of(one);
            changes.push(outbox::Change {
                joined: came.joined.clone(),
                parted: came.parted.clone(),
                ..outbox::Change::new(came.profile, came.version, kind(one))
            });
            moved.push(came);
        }
        if moved.is_empty() {
            return Ok(());
        }
        memberships::write(&mut transaction, tenant, &moved).await?;
        outbox::append(&mut transaction, tenant, position, &changes).await?;
        self.commit(transaction).await?;
        count("joined", moved.iter().map(|one| one.joined.len()).sum());
        count("parted", moved.iter().map(|one| one.parted.len()).sum());
        Ok(())
    }

    /// Commits while the lease is held, which is prolonged by it; nobody takes it over before. It is the last thing that is locked, so
    /// nobody waits in a circle.
    async fn commit(&self, mut transaction: Transaction<'static, Postgres>) -> Result<(), Error> {
        let tenant: &TenantId = &self.tenant.id;
        let lease = rule_sets::take_lease(&mut transaction, tenant, WORK, self.holder, LEASE);
        if !lease.await? {
            let reason = "conflict";
            return Err(Error::Conflict { reason });
        }
        storage::commit(transaction).await?;
        Ok(())
    }
}

fn kind(seen: &Seen) -> Kind {
    if seen.is_there {
        Kind::Updated
    } else {
        // Merged away by the release before, which takes nobody out of segments.
        Kind::Emptied
    }
}

fn moved_of(seen: &Seen) -> Moved {
    let without = |some: &[String], others: &[String]| {
        let left = some.iter().filter(|name| !others.contains(name));
        left.cloned().collect()
    };
    Moved {
        profile: seen.id,
        version: seen.version + 1,
        joined: without(&seen.now, &seen.before),
        parted: without(&seen.before, &seen.now),
        segments: seen.now.clone(),
    }
}

fn count(what: &'static str, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    metrics::counter!(names::SEGMENTS_MOVES, "what" => what).increment(count);
}
