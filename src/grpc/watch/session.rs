//! A watch under way: reads a page, tells it, waits for more.
//!
//! What must stay true:
//!
//! - A watch holds a page of changes without their profiles, a handful of profiles, and a bounded number of messages that nobody has
//!   taken ([`Unread`]). It reads on only when they are taken: who does not read is waited for, and costs no more.
//! - Whatever ends it is said after everything that was told before, and the last token that was taken is good to go on with.
//! - A message of progress follows whenever nothing else was told for [`PROGRESS`], so that a token in the hands of a caller
//!   who is told nothing does not grow old.

use std::{collections::HashSet, sync::Arc, time::Duration};

use sqlx::PgConnection;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::{still_kept, unread::Unread};
use crate::{
    auth::Caller,
    cache::sealed::Run,
    error::Error,
    feed::{
        Change, OtherRun, Page, Seen, Tape,
        place::{Mark, NOBODY, Stage},
    },
    grpc::{Api, validate::ProfileMask},
    ids::{ProfileId, TenantId},
    proto::v1::{WatchProfilesResponse, watch_profiles_response::Event},
    storage::{feed, memberships},
    tenants::Tenant,
};

/// How long nothing is told at most.
pub(super) const PROGRESS: Duration = Duration::from_secs(3);

/// How long a watch lasts. Then its caller shows its credential again.
const AGE: Duration = Duration::from_hours(1);

/// Profiles of a snapshot that are listed at a time.
const LISTED: i64 = 1_000;

/// A watch.
pub(super) struct Session {
    pub(super) api: Arc<Api>,
    pub(super) caller: Caller,
    pub(super) tenant: Tenant,
    pub(super) mask: Option<ProfileMask>,
    /// The segment whose members are told of; none for everybody.
    pub(super) segment: Option<String>,
    /// What tokens are of.
    pub(super) watched: Uuid,
    pub(super) goal: Option<i64>,
    pub(super) last_told: Instant,
    pub(super) unread: Unread,
}

impl Session {
    pub(super) async fn run_to_its_end(self, mark: Mark) -> Result<(), Error> {
        let (draining, unread) = (self.api.draining.clone(), self.unread.clone());
        tokio::select! {
            biased;
            () = unread.closed() => Ok(()),
            () = draining.cancelled() => Err(Error::Ended),
            () = sleep(AGE) => Err(Error::Ended),
            outcome = self.run(mark) => outcome,
        }
    }

    async fn run(mut self, mark: Mark) -> Result<(), Error> {
        self.progress(&mark, false).await?;
        let is_snapshot = matches!(mark.stage, Stage::Snapshot { .. });
        if let Stage::Snapshot { from, after } = mark.stage {
            self.snapshot(&mark, from, after).await?;
        }
        let tape = Tape::new(self.tenant.id.clone(), mark);
        if is_snapshot {
            self.progress(&tape.mark(), true).await?;
        }
        self.changes(tape).await
    }

    async fn changes(&mut self, mut tape: Tape) -> Result<(), Error> {
        let caches = Arc::clone(self.api.reader.caches());
        let mut looks = caches.looks();
        loop {
            looks.mark_unchanged();
            match tape.seen(&caches) {
                Ok(Some(seen)) => {
                    if self.read(&mut tape, seen).await? {
                        continue;
                    }
                    tape.pass(seen, &caches, self.api.clock.now());
                }
                Ok(None) => {}
                // One of the two is behind. It is gone on in the run that the database says.
                Err(OtherRun) => {
                    if !tape.take_up(self.run_of_database().await?) {
                        return Err(Error::Expired);
                    }
                }
            }
            if self.goal.is_some_and(|goal| tape.is_beyond(goal)) {
                return self.progress(&tape.mark(), false).await;
            }
            still_kept(&self.api, tape.mark().as_of)?;
            let due = self.last_told + PROGRESS;
            if timeout_at(due, looks.changed()).await.is_err() {
                self.progress(&tape.mark(), false).await?;
            }
        }
    }

    async fn run_of_database(&self) -> Result<Run, Error> {
        let asked = async {
            let mut connection = self.api.storage.acquire().await?;
            Ok(feed::now(&mut connection).await?)
        };
        let now = self
            .api
            .seats
            .read(Box::pin(self.api.within(asked)))
            .await?;
        Ok(Run::of(&now.incarnation))
    }

    /// Tells a page of changes, if there is one; answers whether there may be more.
    async fn read(&mut self, tape: &mut Tape, seen: Seen) -> Result<bool, Error> {
        if !seen.is_new {
            return Ok(false);
        }
        let page = async {
            let mut connection = self.api.storage.acquire().await?;
            let mut page = tape.page(&mut connection, seen.horizon).await?;
            if let Some(segment) = &self.segment {
                let tenant = &self.tenant.id;
                of_segment(&mut connection, tenant, segment, &mut page.changes).await?;
            }
            Ok(page)
        };
        let Page { changes, more } = self.api.seats.read(Box::pin(self.api.within(page))).await?;
        for some in changes.chunks(Self::PROFILES) {
            let ids = some.iter().map(|change| change.row.profile);
            let newest = some.iter().map(|change| change.row.position).max();
            let documents = self.documents(ids, newest.unwrap_or_default()).await?;
            for change in some {
                let event = self.changed(change, &documents).await?;
                self.tell(&change.mark, event).await?;
            }
        }
        Ok(more)
    }

    /// Tells the profiles that are there, after one of them.
    async fn snapshot(&mut self, mark: &Mark, from: i64, after: ProfileId) -> Result<(), Error> {
        let mut after = after;
        loop {
            let listed = self.api.within(self.listed(mark, after));
            let listed = self.api.seats.read(Box::pin(listed)).await?;
            let most = usize::try_from(LISTED).unwrap_or(usize::MAX);
            let ended = listed.len() < most;
            for some in listed.chunks(Self::PROFILES) {
                let ids = some.iter().map(|(id, _)| *id);
                // What is told later begins at this position, so everything below is in what is shown.
                let documents = self.documents(ids, from - 1).await?;
                for (id, version) in some {
                    after = *id;
                    if let Some(event) = self.there(*id, *version, &documents).await? {
                        let mark = Mark {
                            stage: Stage::Snapshot { from, after },
                            ..mark.clone()
                        };
                        self.tell(&mark, event).await?;
                    }
                }
            }
            if ended {
                return Ok(());
            }
        }
    }

    /// The next profiles of a snapshot, with their versions.
    async fn listed(&self, mark: &Mark, after: ProfileId) -> Result<Vec<(ProfileId, i64)>, Error> {
        let mut connection = self.api.storage.acquire().await?;
        let tenant = &self.tenant.id;
        if let Some(segment) = &self.segment {
            let after = (segment.as_str(), after);
            return Ok(memberships::members(&mut connection, tenant, after, LISTED).await?);
        }
        if mark.chain.is_empty() {
            return Ok(feed::profiles(&mut connection, tenant, after, LISTED).await?);
        }
        if after != NOBODY {
            return Ok(Vec::new());
        }
        Ok(feed::versions(&mut connection, tenant, &mark.chain).await?)
    }

    async fn progress(&mut self, mark: &Mark, snapshot_complete: bool) -> Result<(), Error> {
        let event = Self::progressed(mark, snapshot_complete);
        self.tell(mark, event).await
    }

    /// Tells something, as soon as there is room for it.
    async fn tell(&mut self, mark: &Mark, event: Event) -> Result<(), Error> {
        let message = WatchProfilesResponse {
            resume_token: self
                .api
                .resume_tokens
                .seal(mark, &self.tenant.id, self.watched),
            event: Some(event),
        };
        let room = self.unread.room(&message).await?;
        still_kept(&self.api, mark.as_of)?;
        Self::count(message.event.as_ref());
        room.tell(message, mark.as_of);
        self.last_told = Instant::now();
        Ok(())
    }
}

/// Leaves of a page what happened to those who are in a segment, and who came into it or went from it. Who has gone since is not told
/// of until then, and who has come since from a little before.
async fn of_segment(
    connection: &mut PgConnection,
    tenant: &TenantId,
    segment: &str,
    changes: &mut Vec<Change>,
) -> Result<(), Error> {
    let mut ids: Vec<ProfileId> = changes.iter().map(|change| change.row.profile).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(());
    }
    let members = memberships::among(connection, tenant, segment, &ids).await?;
    let members: HashSet<ProfileId> = members.into_iter().collect();
    changes.retain(|change| {
        let row = &change.row;
        let mut moved = row.joined.iter().chain(&row.parted);
        members.contains(&row.profile) || moved.any(|name| name == segment)
    });
    Ok(())
}
