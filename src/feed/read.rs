//! Reading what is to be told, page by page.

use std::{collections::BTreeMap, time::Duration};

use sqlx::PgConnection;

use super::{
    follow::Chain,
    order::{Ahead, Told, arrange, strayed},
    place::{Mark, Place, Stage},
};
use crate::{
    cache::{Caches, sealed::Run},
    clock::Micros,
    error::Error,
    ids::{ProfileId, TenantId},
    lookup::{self, Who},
    storage::{
        feed::{self, Row, Stretch},
        outbox::Kind,
        relays::Relayed,
    },
};

/// Changes of anybody that are looked at for a page.
const PAGE: i64 = 1_000;

/// Earlier versions that are read at a time.
const EARLIER: i64 = 100;

/// A change that is to be told.
#[derive(Clone, Debug)]
pub struct Change {
    /// The change.
    pub row: Row,
    /// Into which profile it went.
    pub merged_into: Option<ProfileId>,
    /// Where a watch goes on that was told it.
    pub mark: Mark,
}

/// What is to be told next.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The changes, in their order.
    pub changes: Vec<Change>,
    /// Whether there may be more below the horizon.
    pub more: bool,
}

/// What this instance knows of how far a watch can go.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// Nothing below is missing.
    pub horizon: i64,
    /// When everything that was committed lay below, since the caches began; none while something above is committed.
    pub as_of: Option<Duration>,
    /// Whether there is something to read up to there.
    pub is_new: bool,
}

/// What this instance knows of the outbox is of another run of the database than the place of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the outbox that was looked at is of another run of the database")]
pub struct OtherRun;

impl From<OtherRun> for Error {
    fn from(error: OtherRun) -> Self {
        Self::StorageAway {
            source: Box::new(error),
        }
    }
}

/// The changes of a tenant, or of one customer of it, from a place on.
#[derive(Clone, Debug)]
pub struct Tape {
    tenant: TenantId,
    /// Of one customer; none when it is of everybody.
    chain: Option<Chain>,
    /// The run of the database that the place is of.
    run: Run,
    place: Place,
    as_of: Micros,
    ahead: Ahead,
}

impl Tape {
    /// From a place on, of the profiles of a mark or, where there are none, of everybody.
    #[must_use]
    pub fn new(tenant: TenantId, mark: Mark) -> Self {
        let place = match mark.stage {
            Stage::Snapshot { from, .. } => Place::from(from),
            Stage::Changes(place) => place,
        };
        let chain = mark.chain;
        Self {
            tenant,
            chain: (!chain.is_empty()).then(|| Chain::new(chain)),
            run: mark.run,
            place,
            as_of: mark.as_of,
            ahead: Ahead::default(),
        }
    }

    /// Where a watch goes on that was told everything so far.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark_at(self.place)
    }

    fn mark_at(&self, place: Place) -> Mark {
        let chain = self.chain.as_ref().map(|chain| chain.ids().to_vec());
        // Of several profiles some may have been told of a transaction and others not.
        let place = match chain {
            Some(_) => Place::from(place.position),
            None => place,
        };
        Mark {
            run: self.run,
            as_of: self.as_of,
            stage: Stage::Changes(place),
            chain: chain.unwrap_or_default(),
        }
    }

    /// How far it can go, and whether it has to be read for that; nothing before the outbox was looked at.
    ///
    /// # Errors
    /// When the outbox that was looked at is of another run of the database: its positions say nothing of this place.
    pub fn seen(&self, caches: &Caches) -> Result<Option<Seen>, OtherRun> {
        let memory = caches.memory();
        let Some(as_of) = memory.as_of() else {
            return Ok(None);
        };
        if caches.run() != self.run {
            return Err(OtherRun);
        }
        let from = self.place.position;
        let quiet = match &self.chain {
            None => memory.is_still(&self.tenant, from),
            Some(chain) => chain.ids().iter().all(|id| memory.is_left(*id, from)),
        };
        let horizon = memory.horizon();
        Ok(Some(Seen {
            horizon,
            as_of: memory.is_still(&self.tenant, horizon).then_some(as_of),
            is_new: !quiet && from < horizon,
        }))
    }

    /// Goes on in a run of the database. Answers whether it can; if not, it stays where it was.
    #[must_use]
    pub fn take_up(&mut self, now: Run) -> bool {
        let Some(place) = self.place.taken_up(self.run, now) else {
            return false;
        };
        if self.run != now {
            (self.run, self.place) = (now, place);
            self.ahead = Ahead::default();
        }
        true
    }

    /// There is nothing to tell below a horizon, and above it nothing was committed before a time, if one is known.
    fn go_to(&mut self, horizon: i64, as_of: Option<Micros>) {
        if horizon >= self.place.position {
            self.place = self.place.max(Place::from(horizon));
            self.as_of = as_of.map_or(self.as_of, |as_of| self.as_of.max(as_of));
        }
    }

    /// There is nothing to tell of what was seen.
    pub fn pass(&mut self, seen: Seen, caches: &Caches, now: Micros) {
        let time = |as_of: Duration| {
            let ago = caches.now().saturating_sub(as_of).as_micros();
            Micros(now.0.saturating_sub(i64::try_from(ago).unwrap_or(i64::MAX)))
        };
        self.go_to(seen.horizon, seen.as_of.map(time));
    }

    /// As it is noted, to go on with.
    #[must_use]
    pub fn noted(&self) -> Relayed {
        let Place {
            position,
            profile,
            version,
        } = self.place;
        Relayed {
            position,
            profile,
            version,
            as_of: self.as_of,
            run: Some(self.run.0.cast_signed()),
        }
    }

    /// From where it was noted on, of everybody, in a run of the database; none when the place is of another history. What an earlier
    /// release noted does not say of which it is, and is taken to be of this one.
    #[must_use]
    pub fn from_noted(tenant: TenantId, noted: Relayed, now: Run) -> Option<Self> {
        let place = Place {
            position: noted.position,
            profile: noted.profile,
            version: noted.version,
        };
        let run = noted.run.map_or(now, |run| Run(run.cast_unsigned()));
        let mark = Mark {
            run,
            as_of: noted.as_of,
            stage: Stage::Changes(place),
            chain: Vec::new(),
        };
        Some(Self::new(tenant, mark.taken_up(now)?))
    }

    /// Whether everything below a position was told.
    #[must_use]
    pub fn is_beyond(&self, position: i64) -> bool {
        self.place >= Place::from(position)
    }

    /// The next changes below a horizon, up to which it goes when there is no more.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "feed.page", skip_all)]
    pub async fn page(
        &mut self,
        connection: &mut PgConnection,
        horizon: i64,
    ) -> Result<Page, Error> {
        let stretch = Stretch {
            tenant: &self.tenant,
            from: self.place.position,
            to: horizon,
        };
        let page = match &self.chain {
            None => {
                let after = (self.place.profile, self.place.version);
                feed::page(connection, stretch, after, PAGE).await?
            }
            Some(chain) => feed::page_of(connection, stretch, &chain.wanted(), PAGE).await?,
        };
        let mut earlier = BTreeMap::new();
        for row in page.rows.iter().filter(|row| strayed(row)) {
            let before = self.earlier(connection, row).await?;
            earlier.insert((row.profile, row.version), before);
        }
        let mut place = self.place;
        let told = arrange(&page.rows, &earlier, &mut place, &mut self.ahead);
        let ended = match page.full {
            Some((position, profile, version)) => Place {
                position,
                profile,
                version,
            },
            None => Place::from(horizon),
        };
        let mut changes = Vec::with_capacity(told.len());
        for Told { row, resume } in told {
            let merged_into = match row.kind {
                Kind::MergedAway => self.merged_into(connection, &row).await?,
                _ => None,
            };
            self.as_of = self.as_of.max(row.written_at);
            let others = match &mut self.chain {
                Some(chain) => chain.note(&row, merged_into),
                None => false,
            };
            changes.push(Change {
                row,
                merged_into,
                mark: self.mark_at(resume),
            });
            if others {
                // What the same transaction did to them, and all after it, is to be read of others too.
                self.ahead = Ahead::default();
                self.place = self.place.max(Place::from(resume.position));
                return Ok(Page {
                    changes,
                    more: true,
                });
            }
        }
        self.place = match self.chain {
            Some(_) => Place::from(ended.position),
            None => ended,
        };
        Ok(Page {
            changes,
            more: page.full.is_some(),
        })
    }

    /// The versions before one that strayed, back to one at an earlier position.
    async fn earlier(&self, connection: &mut PgConnection, row: &Row) -> Result<Vec<Row>, Error> {
        let mut found: Vec<Row> = Vec::new();
        loop {
            let version = found.last().map_or(row.version, |last| last.version);
            let of = (row.profile, version);
            let more = feed::before(connection, &self.tenant, of, EARLIER).await?;
            let ended = more.len() < usize::try_from(EARLIER).unwrap_or(usize::MAX);
            let behind = more.iter().any(|one| one.position < row.position);
            found.extend(more);
            if ended || behind {
                return Ok(found);
            }
        }
    }

    /// Who took a profile in; of what an earlier release wrote, whoever holds its people now.
    async fn merged_into(
        &self,
        connection: &mut PgConnection,
        row: &Row,
    ) -> Result<Option<ProfileId>, Error> {
        if row.merged_into.is_some() {
            return Ok(row.merged_into);
        }
        let who = Who::Id(row.profile);
        let found = lookup::find(connection, &self.tenant, &who).await?;
        let holder = found.map(|found| found.profile.id);
        Ok(holder.filter(|holder| *holder != row.profile))
    }
}
