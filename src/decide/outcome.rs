//! What came of a decision, as it is recorded and given again.

use std::collections::{BTreeSet, HashMap, VecDeque};

use prost::Message as _;
use uuid::Uuid;

use super::frozen::{ids, joined, keys};
use crate::{
    clock::Micros,
    error::Error,
    identity::{Standing, namespace::rule, resolve::Graph},
    ids::{DecisionId, IdentityKey, ProfileId},
    proto::state::v1::{DecisionOutcome, DecisionPart},
};

/// What came of a decision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The decision; `None` in a dry run.
    pub decision: Option<DecisionId>,
    /// When it was made.
    pub made_at: Micros,
    /// Every set that has identifiers the decision was about.
    pub parts: Vec<Part>,
    /// Whether links alone hold together what an undone merge had joined.
    pub still_joined: bool,
    /// The links that do, from one end to the other.
    pub joined_by: Vec<Tie>,
    /// The separations that a merge voided, or that its undo brought back.
    pub separations: Vec<DecisionId>,
    /// The transaction that answered.
    pub position: i64,
    /// Whether it was recorded before.
    pub repeated: bool,
}

/// A set as a decision left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The profile; `None` for one that a dry run did not make.
    pub profile: Option<ProfileId>,
    /// Its version.
    pub version: i64,
    /// Its strongest identifiers, at most 256.
    pub identifiers: Vec<IdentityKey>,
    /// How many it has.
    pub identifiers_total: usize,
}

/// Two identifiers that a link holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tie {
    /// One end.
    pub key: IdentityKey,
    /// The other.
    pub other: IdentityKey,
}

/// Identifiers of a part that are shown.
pub(super) const SHOWN: usize = 256;

impl Outcome {
    pub(super) fn encode(&self) -> Vec<u8> {
        let ties = self.joined_by.iter();
        DecisionOutcome {
            parts: self
                .parts
                .iter()
                .map(|part| DecisionPart {
                    profile_id: joined(part.profile.iter().map(|id| *id.as_bytes())),
                    version: part.version,
                    identifiers: joined(part.identifiers.iter().map(|key| *key.as_bytes())),
                    identifiers_total: u32::try_from(part.identifiers_total).unwrap_or(u32::MAX),
                })
                .collect(),
            still_joined: self.still_joined,
            joined_by: joined(ties.flat_map(|tie| [*tie.key.as_bytes(), *tie.other.as_bytes()])),
            separations: joined(self.separations.iter().map(|id| *id.as_bytes())),
        }
        .encode_to_vec()
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let stored =
            DecisionOutcome::decode(bytes).map_err(|e| Error::bug("reading an outcome", e))?;
        let parts: Result<Vec<Part>, Error> = stored
            .parts
            .iter()
            .map(|part| {
                Ok(Part {
                    profile: Uuid::from_slice(&part.profile_id)
                        .ok()
                        .map(ProfileId::from_uuid),
                    version: part.version,
                    identifiers: keys(&part.identifiers)?,
                    identifiers_total: usize::try_from(part.identifiers_total)
                        .unwrap_or(usize::MAX),
                })
            })
            .collect();
        let ends = keys(&stored.joined_by)?;
        Ok(Self {
            parts: parts?,
            still_joined: stored.still_joined,
            joined_by: ends
                .chunks_exact(2)
                .map(|pair| Tie {
                    key: pair[0],
                    other: pair[1],
                })
                .collect(),
            separations: ids(&stored.separations)?,
            repeated: true,
            ..Self::default()
        })
    }
}

/// The parts among some sets that have identifiers a decision was about.
pub(super) fn parts<'a>(
    graph: &Graph,
    sets: impl Iterator<Item = (Option<ProfileId>, i64, &'a BTreeSet<IdentityKey>)>,
    about: &BTreeSet<IdentityKey>,
) -> Vec<Part> {
    let order = |key: &IdentityKey| {
        graph.node(*key).map(|node| {
            let name = &node.identifier;
            (
                rule(&name.namespace).anchor_rank,
                node.first_seen,
                name.clone(),
            )
        })
    };
    let mut parts: Vec<Part> = sets
        .filter(|(_, _, set)| set.iter().any(|key| about.contains(key)))
        .map(|(profile, version, set)| {
            let mut identifiers: Vec<IdentityKey> = set.iter().copied().collect();
            identifiers.sort_by_cached_key(order);
            identifiers.truncate(SHOWN);
            Part {
                profile,
                version,
                identifiers,
                identifiers_total: set.len(),
            }
        })
        .collect();
    parts.sort_by_cached_key(|part| part.identifiers.first().map(order));
    parts
}

/// The links by which two identifiers of one set hang together: the fewest.
pub(super) fn path(graph: &Graph, set: &BTreeSet<IdentityKey>, ends: Tie) -> Vec<Tie> {
    let mut came_from: HashMap<IdentityKey, IdentityKey> = HashMap::new();
    let mut open = VecDeque::from([ends.key]);
    let usable = |key: &IdentityKey| {
        set.contains(key)
            && graph
                .node(*key)
                .is_some_and(|n| n.standing != Standing::Hub)
    };
    while let Some(key) = open.pop_front() {
        if key == ends.other {
            break;
        }
        let links = graph.links(key).iter().map(|link| link.other);
        let asserted = graph.assertions(key).iter().map(|a| a.other);
        let next: BTreeSet<IdentityKey> = links.chain(asserted).filter(usable).collect();
        for other in next {
            if other != ends.key && !came_from.contains_key(&other) {
                came_from.insert(other, key);
                open.push_back(other);
            }
        }
    }
    let mut path = Vec::new();
    let mut at = ends.other;
    while at != ends.key {
        let Some(from) = came_from.get(&at) else {
            return Vec::new();
        };
        path.push(Tie {
            key: *from,
            other: at,
        });
        at = *from;
    }
    path.reverse();
    path
}
