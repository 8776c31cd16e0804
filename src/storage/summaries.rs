//! The summary in a profile's row, as bytes: what is decided from the row without looking at members.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use uuid::Uuid;

use super::{Error, Result, identities::namespace_counts, profiles::Write};
use crate::{
    identity::Makeup,
    ids::{DecisionId, IdentityKey},
    proto::state::v1::{SeparationSides, Summary},
};

pub(super) fn makeup(summary: &Summary) -> Result<Makeup> {
    let values: BTreeMap<String, u32> = summary
        .values
        .iter()
        .map(|v| (v.namespace.clone(), v.count))
        .collect();
    let size: u64 = values.values().map(|n| u64::from(*n)).sum();
    let mut sides = BTreeMap::new();
    for stored in &summary.sides {
        let id = Uuid::from_slice(&stored.decision_id)
            .map_err(|e| Error::corrupt("profile summary", e))?;
        let bits = u8::try_from(stored.sides).map_err(|e| Error::corrupt("profile summary", e))?;
        sides.insert(DecisionId::from_uuid(id), bits);
    }
    Ok(Makeup {
        size: usize::try_from(size).unwrap_or(usize::MAX),
        values,
        sides,
    })
}

pub(super) fn keys(bytes: &[u8]) -> Result<BTreeSet<IdentityKey>> {
    let chunks = bytes.chunks_exact(16);
    if !chunks.remainder().is_empty() {
        return Err(Error::corrupt("profile summary", "its keys are cut off"));
    }
    Ok(chunks
        .filter_map(|chunk| Uuid::from_slice(chunk).ok())
        .map(IdentityKey::from_uuid)
        .collect())
}

pub(super) fn encode(write: &Write) -> Vec<u8> {
    let values = &write.makeup.values;
    Summary {
        home_namespace: write.home.identifier.namespace.clone(),
        home_value: write.home.identifier.value.clone(),
        home_first_seen: write.home.first_seen.0,
        values: namespace_counts(values.iter().map(|(name, count)| (name.as_str(), *count))),
        sides: write
            .makeup
            .sides
            .iter()
            .map(|(decision, sides)| SeparationSides {
                decision_id: decision.as_bytes().to_vec().into(),
                sides: u32::from(*sides),
            })
            .collect(),
        keeps_home: write.keeps_home,
        apart: write
            .apart
            .iter()
            .flat_map(|key| *key.as_bytes())
            .collect::<Vec<u8>>()
            .into(),
    }
    .encode_to_vec()
}
