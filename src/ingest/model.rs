//! Types of recording.

use std::fmt;

use bytes::Bytes;
use uuid::Uuid;

use crate::{
    calendar::Zone,
    clock::Micros,
    identity::{Keyed, Region, Unusable},
    ids::{IdentityKey, InteractionId},
    profile::Fact,
    proto::v1,
};

/// An interaction that may be stored.
///
/// `body` is the canonical encoding of `message` and `body_hash` its hash: the same interaction sent again has the same
/// hash, whatever client encoded it, and preparing `body` again gives the same again.
#[derive(Clone, PartialEq)]
pub struct Prepared {
    /// Its id.
    pub id: InteractionId,
    /// First 128 bits of the hash of the canonical encoding.
    pub body_hash: Uuid,
    /// When it happened.
    pub occurred_at: Micros,
    /// Its usable identifiers in anchor order, the anchor first, each once. Never empty.
    pub identifiers: Vec<Keyed>,
    /// Canonical encoding.
    pub body: Bytes,
    /// The canonical message.
    pub message: v1::Interaction,
    /// What was made of its text, to be stored with it: of each method one.
    pub analyses: Vec<v1::Analysis>,
    /// Why the values that are in the payload only are no identifiers.
    pub unusable: Vec<Unusable>,
}

impl Prepared {
    /// What it is folded from.
    #[must_use]
    pub fn fact(&self, region: Region, zone: Zone) -> Fact<'_> {
        Fact {
            id: self.id,
            occurred_at: self.occurred_at,
            message: &self.message,
            analyses: &self.analyses,
            region,
            zone,
        }
    }

    /// The key of its anchor.
    #[must_use]
    pub fn anchor(&self) -> Option<IdentityKey> {
        self.identifiers.first().map(|keyed| keyed.key)
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message is personal data and never reaches a log.
        f.debug_struct("Prepared")
            .field("id", &self.id)
            .field("identifiers", &self.identifiers.len())
            .field("unusable", &self.unusable.len())
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}
