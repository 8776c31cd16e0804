//! Suggestions: pairs of profiles that look as if they were one person.
//!
//! What must stay true:
//!
//! - Nothing is written and nothing is joined. A pair is compared by what its profiles hold now; the index only leads to
//!   candidates, so an entry that is out of date can hide a pair and never make one up.
//! - Candidates are found by the index alone. Each identity is found under the blocking keys of its own state; whoever asks
//!   asks with the keys of its whole profile, which is the merge of all states and so has combinations that no single state
//!   has. A pair of which either profile was told a combination at once is thus found from the other.
//! - A phone number one slip away is found by its identity key: all numbers one slip away are asked for.
//! - A call does a bounded amount of work: a block of too many profiles is passed over and counted.
//! - Pairs that a separation keeps apart, and pairs with two values of a unique namespace, are no suggestions.

mod candidates;
mod walk;

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::{
    error::Error,
    identity::{
        HashSecret, Makeup, Refusal, Rules,
        suggest::{Score, compare},
    },
    ids::{ProfileId, TenantId},
    storage::profiles::{self, Profile},
};
use candidates::{Candidates, Subject, candidates, prepare};
pub use walk::{Point, Walked, walk};

/// What suggestions are made under.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The tenant.
    pub tenant: &'a TenantId,
    /// Its rules of resolution.
    pub rules: &'a Rules,
    /// The hash secret.
    pub secret: &'a HashSecret,
    /// Pairs less likely than this are left out, in thousandths.
    pub threshold: u16,
}

/// Two profiles that look alike.
#[derive(Debug)]
pub struct Pair {
    /// The one that was asked for, or gone through.
    pub first: Profile,
    /// The other.
    pub second: Profile,
    /// How likely they are one person, and why.
    pub score: Score,
}

/// Those who look like one profile.
#[derive(Debug, Default)]
pub struct Alike {
    /// The most likely first.
    pub pairs: Vec<Pair>,
    /// Keys that were passed over because too many have them.
    pub skipped: usize,
    /// Whether the profile is found by nobody, though others are found from it.
    pub unindexed: bool,
}

/// Profiles that are read at once.
const READ: usize = 200;

/// Who looks like a profile.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "lookup.suggest", skip_all)]
pub async fn alike(
    connection: &mut PgConnection,
    context: Context<'_>,
    profile: Profile,
) -> Result<Alike, Error> {
    let subjects = prepare(connection, context, vec![profile]).await?;
    let mut found = candidates(connection, context, &subjects).await?;
    let (Some(subject), Some(candidates)) = (subjects.into_iter().next(), found.pop()) else {
        return Ok(Alike::default());
    };
    let mut pairs = Vec::new();
    for (other, score) in compared(connection, context, &subject, &candidates.profiles).await? {
        pairs.push(Pair {
            first: subject.profile.clone(),
            second: other.profile,
            score,
        });
    }
    pairs.sort_by(|a, b| {
        let likely = b.score.probability.cmp(&a.score.probability);
        likely.then(a.second.id.cmp(&b.second.id))
    });
    Ok(Alike {
        pairs,
        skipped: candidates.skipped,
        unindexed: candidates.unindexed,
    })
}

/// Those of some candidates that look enough like a subject, in the order of their ids.
async fn compared(
    connection: &mut PgConnection,
    context: Context<'_>,
    subject: &Subject,
    candidates: &BTreeSet<ProfileId>,
) -> Result<Vec<(Subject, Score)>, Error> {
    let ids: Vec<ProfileId> = candidates.iter().copied().collect();
    let mut found = Vec::new();
    for part in ids.chunks(READ) {
        let read = profiles::read(connection, context.tenant, part).await?;
        let others = read.into_iter().map(|(other, _)| other).filter(|other| {
            let (one, two) = (&subject.profile.makeup, &other.makeup);
            other.members_total > 0 && !kept_apart(one, two, context.rules)
        });
        let others = prepare(connection, context, others.collect()).await?;
        found.extend(others.into_iter().filter_map(|other| {
            let score = compare(&subject.likeness, &other.likeness);
            (score.probability >= context.threshold).then_some((other, score))
        }));
    }
    found.sort_by_key(|(other, _)| other.profile.id);
    Ok(found)
}

/// Whether an operator keeps two apart, or both have a value of which a person has one.
fn kept_apart(one: &Makeup, two: &Makeup, rules: &Rules) -> bool {
    match one.refuses(two, rules) {
        Some(Refusal::Separated(_) | Refusal::Limit { limit: 1, .. }) => true,
        Some(Refusal::Limit { .. }) => {
            // Another limit may have been met before a unique namespace was looked at.
            let unique = rules.limited().iter().filter(|(_, limit)| *limit == 1);
            let has = |makeup: &Makeup, namespace: &str| makeup.values.contains_key(namespace);
            let mut unique = unique.map(|(namespace, _)| namespace.as_str());
            unique.any(|namespace| has(one, namespace) && has(two, namespace))
        }
        _ => false,
    }
}
