//! A decision as it is stored.
//!
//! What must stay true: decoding what was encoded gives the same inputs and the same answer, bit for bit, and encoding them
//! again the same bytes. A record that says something impossible is refused, never mended: a replay of it would prove
//! nothing. The explanation of gates is left out: it follows from the rest.

mod answer;
mod inputs;

use prost::Message as _;

use super::{Decision, Inputs};
use crate::proto::state::v1 as stored;

/// Format of records that this release writes. A situation is an addition to it: a release that knows none reads the rest, so that
/// both can serve side by side.
pub const FORMAT: u32 = 1;

/// A decision with what it was made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What it was made from.
    pub inputs: Inputs,
    /// What it was; without an explanation.
    pub decision: Decision,
}

/// A stored decision that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not a record.
    #[error("not a decision: {0}")]
    Malformed(#[from] prost::DecodeError),
    /// Written by a newer release.
    #[error("a decision of format {0}, but this release reads up to {FORMAT}")]
    NewerFormat(u32),
    /// It says something impossible.
    #[error("a decision with an impossible {0}")]
    Impossible(&'static str),
}

/// The bytes of a decision with its inputs.
#[must_use]
pub fn encode(inputs: &Inputs, decision: &Decision) -> Vec<u8> {
    stored::DecisionRecord {
        format: FORMAT,
        inputs: Some(inputs::to_proto(inputs)),
        answer: Some(answer::to_proto(decision)),
    }
    .encode_to_vec()
}

impl Record {
    /// From its bytes.
    ///
    /// # Errors
    /// When they are no record of a format that this release reads, or say something impossible.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let record = stored::DecisionRecord::decode(bytes)?;
        if record.format > FORMAT {
            return Err(Unreadable::NewerFormat(record.format));
        }
        let inputs = record.inputs.ok_or(Unreadable::Impossible("inputs"))?;
        let inputs = inputs::from_proto(inputs)?;
        let answer = record.answer.ok_or(Unreadable::Impossible("answer"))?;
        let decision = answer::from_proto(answer, &inputs)?;
        Ok(Self { inputs, decision })
    }

    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(&self.inputs, &self.decision)
    }
}

/// A number that has to fit into a smaller type.
fn fit<T: TryFrom<u32>>(value: u32, what: &'static str) -> Result<T, Unreadable> {
    T::try_from(value).map_err(|_| Unreadable::Impossible(what))
}

/// The place of a kind in a list, counted from 1.
fn place<T: PartialEq>(list: &[T], kind: &T) -> u32 {
    let at = list.iter().position(|known| known == kind);
    at.and_then(|at| u32::try_from(at + 1).ok()).unwrap_or(0)
}

/// The kind at a place, counted from 1.
fn at_place<T: Copy>(list: &[T], place: u32, what: &'static str) -> Result<T, Unreadable> {
    let at = place.checked_sub(1).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| list.get(at))
        .copied()
        .ok_or(Unreadable::Impossible(what))
}
