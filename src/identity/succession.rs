//! Which id a set has: ids follow homes.
//!
//! What must stay true: an id goes to the set that holds its home. If several meet, the one with the strongest oldest home
//! stays, or the one an operator chose; the others are merged away, each frozen with its home, and answer with whoever
//! holds that home. A set without an id takes back the merged-away id with the strongest oldest home in it, else a new one.
//! So taking a join back gives each part the id it had.
//!
//! A home moves up as stronger identifiers come. The one exception is the profile that an operator chose to keep: while
//! its set has stronger identifiers from the profiles it took in, it *keeps* its own home, so that its id goes back to its
//! own people when the decision is undone.
//!
//! Every profile that a change touches gets one version more than the greatest of all of them, merged-away ones included;
//! so along an id and along an identifier a version never goes back.

use std::collections::{BTreeMap, HashMap};

use super::Home;
use crate::ids::{IdentityKey, ProfileId};

/// A profile's id before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standpoint {
    /// The id.
    pub id: ProfileId,
    /// Its version.
    pub version: i64,
    /// Key of its home.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// Whether it keeps its home beside stronger identifiers.
    pub keeps: bool,
}

/// An id after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Succeeded {
    /// The id; `None` for one that has to be drawn.
    pub id: Option<ProfileId>,
    /// Key of its home.
    pub home_key: IdentityKey,
    /// Its home.
    pub home: Home,
    /// Whether it keeps its home beside stronger identifiers.
    pub keeps: bool,
    /// Whether the id was merged away and came back.
    pub returned: bool,
    /// The ids that are merged away into it by this change.
    pub merged: Vec<ProfileId>,
}

/// What identifiers would be as homes.
pub type Homes = HashMap<IdentityKey, Home>;

/// Gives sets their ids.
///
/// Answers in the order of the sets, with `None` for one that has no member in `homes`. `old` are the profiles whose identifiers make up the sets, with their homes as they are now (a late interaction makes
/// an identifier older); a home whose identifier is gone is the caller's to replace. `former` are merged-away ids by the
/// key of their home; an id that comes back is taken off, one that is merged away is not yet on.
#[must_use]
pub fn succeed(
    sets: &[Vec<IdentityKey>],
    homes: &Homes,
    old: &[Standpoint],
    former: &mut BTreeMap<IdentityKey, Vec<ProfileId>>,
    chosen: Option<ProfileId>,
) -> Vec<Option<Succeeded>> {
    let mut at_home: HashMap<IdentityKey, Vec<&Standpoint>> = HashMap::new();
    for standpoint in old {
        at_home
            .entry(standpoint.home_key)
            .or_default()
            .push(standpoint);
    }
    sets.iter()
        .map(|set| {
            let (key, home) = strongest(set, homes)?;
            let mut meeting: Vec<&Standpoint> = set
                .iter()
                .filter_map(|key| at_home.get(key))
                .flatten()
                .copied()
                .collect();
            let order = |s: &&Standpoint| (chosen != Some(s.id), s.id);
            meeting.sort_by(|a, b| {
                let ((a_first, a_id), (b_first, b_id)) = (order(a), order(b));
                (a_first, a.home.order(), a_id).cmp(&(b_first, b.home.order(), b_id))
            });
            let mut meeting = meeting.into_iter();
            let Some(first) = meeting.next() else {
                let id = returning(set, homes, former);
                return Some(Succeeded {
                    id,
                    home_key: key,
                    home: home.clone(),
                    keeps: false,
                    returned: id.is_some(),
                    merged: Vec::new(),
                });
            };
            let keeps = (first.keeps || chosen == Some(first.id)) && first.home_key != key;
            let (home_key, home) = if keeps {
                (first.home_key, homes.get(&first.home_key).unwrap_or(home))
            } else {
                (key, home)
            };
            Some(Succeeded {
                id: Some(first.id),
                home_key,
                home: home.clone(),
                keeps,
                returned: false,
                merged: meeting.map(|other| other.id).collect(),
            })
        })
        .collect()
}

/// The strongest oldest identifier of a set; `None` when it is empty.
fn strongest<'a>(set: &[IdentityKey], homes: &'a Homes) -> Option<(IdentityKey, &'a Home)> {
    set.iter()
        .filter_map(|key| homes.get(key).map(|home| (*key, home)))
        .min_by(|(_, a), (_, b)| a.order().cmp(&b.order()))
}

/// The merged-away id with the strongest oldest home in a set, which it takes back.
fn returning(
    set: &[IdentityKey],
    homes: &Homes,
    former: &mut BTreeMap<IdentityKey, Vec<ProfileId>>,
) -> Option<ProfileId> {
    let with_former: Vec<IdentityKey> = set
        .iter()
        .filter(|key| former.get(key).is_some_and(|ids| !ids.is_empty()))
        .copied()
        .collect();
    let (home, _) = strongest(&with_former, homes)?;
    let ids = former.get_mut(&home)?;
    ids.sort_unstable();
    (!ids.is_empty()).then(|| ids.remove(0))
}
