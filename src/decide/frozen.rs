//! What requests are frozen into: identifiers, by their keys.

use bytes::Bytes;
use prost::Message;
use uuid::Uuid;

use crate::{
    error::Error,
    identity::Side,
    ids::{DecisionId, IdentityKey},
    proto::state::v1::{FrozenMerge, FrozenSeparation, FrozenUndo},
    storage::decisions::{Decision, Kind},
};

/// A frozen request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frozen {
    /// Two identifiers are one person.
    Merge {
        /// That of the profile that was to stay.
        stays: IdentityKey,
        /// That of the other.
        goes: IdentityKey,
        /// The separations that it voids.
        voids: Vec<DecisionId>,
    },
    /// No set holds identifiers of both sides.
    Separation {
        /// One side.
        chosen: Vec<IdentityKey>,
        /// The other.
        rest: Vec<IdentityKey>,
        /// By which of them the chosen are held together, if they are.
        center: Option<IdentityKey>,
    },
    /// A decision is out of force.
    Undo {
        /// That decision.
        of: DecisionId,
    },
}

impl Frozen {
    /// What kind of decision it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Merge { .. } => Kind::Merge,
            Self::Separation { .. } => Kind::Separation,
            Self::Undo { .. } => Kind::Undo,
        }
    }

    /// Pairs of identifiers that it says are one person.
    #[must_use]
    pub fn assertions(&self) -> Vec<(IdentityKey, IdentityKey)> {
        match self {
            Self::Merge { stays, goes, .. } => vec![(*stays, *goes)],
            Self::Separation {
                chosen,
                center: Some(center),
                ..
            } => chosen
                .iter()
                .filter(|key| *key != center)
                .map(|key| (*center, *key))
                .collect(),
            Self::Separation { .. } | Self::Undo { .. } => Vec::new(),
        }
    }

    /// The identifiers that it puts on a side.
    #[must_use]
    pub fn sides(&self) -> Vec<(IdentityKey, Side)> {
        match self {
            Self::Separation { chosen, rest, .. } => {
                let chosen = chosen.iter().map(|key| (*key, Side::Chosen));
                chosen
                    .chain(rest.iter().map(|key| (*key, Side::Rest)))
                    .collect()
            }
            Self::Merge { .. } | Self::Undo { .. } => Vec::new(),
        }
    }

    /// Every identifier that it names.
    #[must_use]
    pub fn keys(&self) -> Vec<IdentityKey> {
        match self {
            Self::Merge { stays, goes, .. } => vec![*stays, *goes],
            Self::Separation { chosen, rest, .. } => chosen.iter().chain(rest).copied().collect(),
            Self::Undo { .. } => Vec::new(),
        }
    }

    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Merge { stays, goes, voids } => FrozenMerge {
                stays: joined([*stays.as_bytes()]),
                goes: joined([*goes.as_bytes()]),
                voids: joined(voids.iter().map(|id| *id.as_bytes())),
            }
            .encode_to_vec(),
            Self::Separation {
                chosen,
                rest,
                center,
            } => FrozenSeparation {
                chosen: joined(chosen.iter().map(|key| *key.as_bytes())),
                rest: joined(rest.iter().map(|key| *key.as_bytes())),
                center: joined(center.iter().map(|key| *key.as_bytes())),
            }
            .encode_to_vec(),
            Self::Undo { of } => FrozenUndo {
                decision_id: joined([*of.as_bytes()]),
            }
            .encode_to_vec(),
        }
    }
}

/// What a stored decision was frozen into.
///
/// # Errors
/// When it cannot be read.
pub fn read(decision: &Decision) -> Result<Frozen, Error> {
    Ok(match decision.kind {
        Kind::Merge => {
            let stored: FrozenMerge = decode(&decision.body)?;
            Frozen::Merge {
                stays: one(&stored.stays)?,
                goes: one(&stored.goes)?,
                voids: ids(&stored.voids)?,
            }
        }
        Kind::Separation => {
            let stored: FrozenSeparation = decode(&decision.body)?;
            Frozen::Separation {
                chosen: keys(&stored.chosen)?,
                rest: keys(&stored.rest)?,
                center: keys(&stored.center)?.first().copied(),
            }
        }
        Kind::Undo => {
            let stored: FrozenUndo = decode(&decision.body)?;
            let of = ids(&stored.decision_id)?;
            let of = of.first().copied();
            Frozen::Undo {
                of: of.ok_or_else(|| broken("it names no decision"))?,
            }
        }
    })
}

fn broken(what: &'static str) -> Error {
    Error::bug("reading a decision", what)
}

fn decode<T: Message + Default>(bytes: &[u8]) -> Result<T, Error> {
    T::decode(bytes).map_err(|e| Error::bug("reading a decision", e))
}

/// Ids one after the other.
pub(super) fn joined(ids: impl IntoIterator<Item = [u8; 16]>) -> Bytes {
    ids.into_iter().flatten().collect::<Vec<u8>>().into()
}

fn uuids(bytes: &[u8]) -> Result<Vec<Uuid>, Error> {
    let chunks = bytes.chunks_exact(16);
    if !chunks.remainder().is_empty() {
        return Err(broken("its keys are cut off"));
    }
    Ok(chunks.filter_map(|c| Uuid::from_slice(c).ok()).collect())
}

pub(super) fn keys(bytes: &[u8]) -> Result<Vec<IdentityKey>, Error> {
    Ok(uuids(bytes)?
        .into_iter()
        .map(IdentityKey::from_uuid)
        .collect())
}

pub(super) fn ids(bytes: &[u8]) -> Result<Vec<DecisionId>, Error> {
    Ok(uuids(bytes)?
        .into_iter()
        .map(DecisionId::from_uuid)
        .collect())
}

fn one(bytes: &[u8]) -> Result<IdentityKey, Error> {
    let keys = keys(bytes)?;
    let key = keys.first().copied();
    key.ok_or_else(|| broken("it names no identifier"))
}
