//! Going through a tenant: every pair that looks alike, once.
//!
//! Profiles are gone through in the order of their ids. A pair is given by the lower of its profiles; by the higher one
//! only when the index does not lead from the lower to it. What changes between two pages may be missed or met again.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Candidates, Context, Pair, Subject, candidates, compared, prepare};
use crate::{
    error::Error,
    identity::suggest::Score,
    ids::ProfileId,
    storage::{profile_lists, profiles},
};

/// Profiles that one page goes through.
const LOOKED_AT: usize = 500;
/// Candidates that one page compares; the profile at which it has done so is finished.
const COMPARED: usize = 5_000;
/// Profiles whose candidates are looked for at once.
const STEP: usize = 20;

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The profile that was gone through last.
    pub profile: ProfileId,
    /// The last partner that was given with it; none when it is done.
    pub partner: Option<ProfileId>,
    /// How many profiles have been gone through.
    pub looked_at: u64,
    /// How many there were at the beginning.
    pub total: u64,
}

/// A page of pairs.
#[derive(Debug)]
pub struct Walked {
    /// The pairs, by their first profile.
    pub pairs: Vec<Pair>,
    /// Keys that were passed over because too many have them.
    pub skipped: usize,
    /// Profiles that are found by nobody, though others are found from them.
    pub unindexed: usize,
    /// How far it is.
    pub at: Point,
    /// Whether nothing is left.
    pub done: bool,
}

/// A page under way.
struct Page<'a> {
    context: Context<'a>,
    size: usize,
    compared: usize,
    walked: Walked,
}

/// Goes on with the pairs of a tenant.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "lookup.suggest_all", skip_all)]
pub async fn walk(
    connection: &mut PgConnection,
    context: Context<'_>,
    after: Option<Point>,
    size: usize,
) -> Result<Walked, Error> {
    let at = match after {
        Some(point) => point,
        None => Point {
            profile: ProfileId::from_uuid(Uuid::nil()),
            partner: None,
            looked_at: 0,
            total: u64::try_from(profiles::count(connection, context.tenant).await?)
                .unwrap_or_default(),
        },
    };
    let until = at.looked_at + u64::try_from(LOOKED_AT).unwrap_or(u64::MAX);
    let mut page = Page {
        context,
        size,
        compared: 0,
        walked: Walked {
            pairs: Vec::new(),
            skipped: 0,
            unindexed: 0,
            at,
            done: false,
        },
    };
    loop {
        page.step(connection).await?;
        let walked = &page.walked;
        let full = walked.pairs.len() >= size || page.compared >= COMPARED;
        if walked.done || full || walked.at.looked_at >= until {
            return Ok(page.walked);
        }
    }
}

impl Page<'_> {
    fn is_full(&self) -> bool {
        self.walked.pairs.len() >= self.size || self.compared >= COMPARED
    }

    /// Goes through some more profiles, or fewer when the page is full.
    async fn step(&mut self, connection: &mut PgConnection) -> Result<(), Error> {
        let context = self.context;
        let Point {
            profile, partner, ..
        } = self.walked.at;
        // The profile of the point itself comes again: it may be gone, or have more partners.
        let limit = i64::try_from(STEP + 1).unwrap_or(i64::MAX);
        let mut found =
            profile_lists::live_from(connection, context.tenant, profile, limit).await?;
        let is_last = found.len() <= STEP;
        if partner.is_none() {
            found.retain(|other| other.id != profile);
        }
        let subjects = prepare(connection, context, found).await?;
        let reached = candidates(connection, context, &subjects).await?;
        for (subject, candidates) in subjects.iter().zip(reached) {
            let after = (self.walked.at)
                .partner
                .filter(|_| subject.profile.id == profile);
            self.pairs_of(connection, subject, &candidates, after)
                .await?;
            if self.is_full() {
                return Ok(());
            }
        }
        self.walked.done = is_last;
        Ok(())
    }

    /// The pairs of one profile, after a partner that was given before.
    async fn pairs_of(
        &mut self,
        connection: &mut PgConnection,
        subject: &Subject,
        candidates: &Candidates,
        after: Option<ProfileId>,
    ) -> Result<(), Error> {
        let id = subject.profile.id;
        if after.is_none() {
            self.walked.skipped += candidates.skipped;
            self.walked.unindexed += usize::from(candidates.unindexed);
        }
        self.compared += candidates.profiles.len();
        let mut alike = compared(connection, self.context, subject, &candidates.profiles).await?;
        alike.retain(|(other, _)| after.is_none_or(|after| other.profile.id > after));
        let given = given_before(connection, self.context, id, &alike).await?;
        let at = &mut self.walked.at;
        (at.profile, at.partner) = (id, after);
        for (other, score) in alike {
            if given.contains(&other.profile.id) {
                continue;
            }
            if self.walked.pairs.len() >= self.size {
                return Ok(());
            }
            self.walked.at.partner = Some(other.profile.id);
            self.walked.pairs.push(Pair {
                first: subject.profile.clone(),
                second: other.profile,
                score,
            });
        }
        let at = &mut self.walked.at;
        at.partner = None;
        at.looked_at += 1;
        Ok(())
    }
}

/// Those of some partners that were gone through before and led to this profile then.
async fn given_before(
    connection: &mut PgConnection,
    context: Context<'_>,
    id: ProfileId,
    alike: &[(Subject, Score)],
) -> Result<HashSet<ProfileId>, Error> {
    let mut given = HashSet::new();
    for (partner, _) in alike.iter().filter(|(other, _)| other.profile.id < id) {
        let partner = std::slice::from_ref(partner);
        for found in candidates(connection, context, partner).await? {
            if found.profiles.contains(&id) {
                given.insert(partner[0].profile.id);
            }
        }
    }
    Ok(given)
}
