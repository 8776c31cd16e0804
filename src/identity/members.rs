//! The identifiers of a profile, as its row holds them.
//!
//! Pairs of (anchor rank, identity key), sorted, so the strongest namespaces come first and a page of a large profile is
//! a slice. 17 bytes each.

use std::collections::BTreeSet;

use crate::ids::IdentityKey;

const WIDTH: usize = 17;

/// A sorted set of (rank, key).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members(BTreeSet<(u8, IdentityKey)>);

/// Bytes that are no set of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("members are not a whole number of entries in order")]
pub struct Malformed;

impl Members {
    /// Adds a member.
    pub fn insert(&mut self, rank: u8, key: IdentityKey) {
        self.0.insert((rank, key));
    }

    /// Adds all members of another set.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = (u8, IdentityKey)> + '_ {
        self.0.iter().copied()
    }

    /// Their keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = IdentityKey> + '_ {
        self.0.iter().map(|(_, key)| *key)
    }

    /// Those after a given one.
    pub fn after(
        &self,
        last: Option<(u8, IdentityKey)>,
    ) -> impl Iterator<Item = (u8, IdentityKey)> + '_ {
        use std::ops::Bound;
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((start, Bound::Unbounded)).copied()
    }

    /// How many members an encoded set of this length has.
    #[must_use]
    pub fn count_of(encoded_length: usize) -> usize {
        encoded_length / WIDTH
    }

    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * WIDTH);
        for (rank, key) in &self.0 {
            bytes.push(*rank);
            bytes.extend_from_slice(key.as_bytes());
        }
        bytes
    }

    /// From its stored form.
    ///
    /// # Errors
    /// When the bytes are no set of members.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let entries = bytes.chunks_exact(WIDTH);
        if !entries.remainder().is_empty() {
            return Err(Malformed);
        }
        let members: BTreeSet<_> = entries
            .filter_map(|entry| {
                let (rank, key) = entry.split_first()?;
                let key = uuid::Uuid::from_slice(key).ok()?;
                Some((*rank, IdentityKey::from_uuid(key)))
            })
            .collect();
        if members.len() * WIDTH == bytes.len() {
            Ok(Self(members))
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_survive_encoding_and_repeats_are_refused() {
        let mut members = Members::default();
        for n in [5u128, 3, 9] {
            members.insert(30, IdentityKey::from_uuid(uuid::Uuid::from_u128(n)));
        }
        let bytes = members.encode();
        assert_eq!(Members::decode(&bytes), Ok(members));
        assert_eq!(Members::decode(&bytes[1..]), Err(Malformed));
        assert_eq!(
            Members::decode(&[&bytes[..17], &bytes[..17]].concat()),
            Err(Malformed)
        );
    }
}
