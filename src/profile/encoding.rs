//! States as bytes.
//!
//! Equal states have equal bytes, since prost writes fields in their order and every list here is sorted. A state of a
//! newer format is refused rather than read and written back with fields lost.

use prost::Message as _;

use super::model::{FORMAT, SUBJECTS_INLINE, Slot, State};
use crate::proto::state::v1 as stored;

/// A stored state that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not a state.
    #[error("not a state: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// Written by a newer release.
    #[error("a state of format {0}, but this release reads up to {FORMAT}")]
    NewerFormat(u32),
}

/// A state as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The state.
    pub state: Vec<u8>,
    /// The column beside it.
    pub beside: Beside,
}

/// What becomes of the column beside a state.
#[derive(Clone, PartialEq, Eq)]
pub enum Beside {
    /// It stays as it is: it was not loaded, so it did not change.
    Keep,
    /// It is empty: the subjects are inside the state.
    Nothing,
    /// It holds the subjects.
    Subjects(Vec<u8>),
}

impl State {
    /// As it is stored.
    #[must_use]
    pub fn encode(self) -> Encoded {
        let Self { mut core, subjects } = self;
        let beside = match subjects {
            Slot::Beside => {
                core.subjects_beside = true;
                Beside::Keep
            }
            Slot::Held(held) if held.orders.len() + held.tickets.len() > SUBJECTS_INLINE => {
                core.subjects_beside = true;
                Beside::Subjects(held.encode_to_vec())
            }
            Slot::Held(held) => {
                core.subjects = (held != stored::Subjects::default()).then_some(held);
                Beside::Nothing
            }
        };
        Encoded {
            state: core.encode_to_vec(),
            beside,
        }
    }

    /// From its stored form; `beside` is the column beside it, when that was loaded.
    ///
    /// # Errors
    /// When the bytes are no state of a format that this release reads.
    pub fn decode(state: &[u8], beside: Option<&[u8]>) -> Result<Self, DecodeError> {
        let mut core = stored::State::decode(state)?;
        if core.format > FORMAT {
            return Err(DecodeError::NewerFormat(core.format));
        }
        let subjects = match (core.subjects_beside, beside) {
            (false, _) => Slot::Held(core.subjects.take().unwrap_or_default()),
            (true, None) => Slot::Beside,
            (true, Some(beside)) => Slot::Held(stored::Subjects::decode(beside)?),
        };
        core.subjects_beside = false;
        Ok(Self { core, subjects })
    }

    /// The bytes that the digest is made of: the same wherever the subjects are kept. `None` while they are not loaded.
    #[must_use]
    pub fn canonical(&self) -> Option<Vec<u8>> {
        let Slot::Held(subjects) = &self.subjects else {
            return None;
        };
        let mut core = self.core.clone();
        core.subjects = Some(subjects.clone());
        Some(core.encode_to_vec())
    }
}
