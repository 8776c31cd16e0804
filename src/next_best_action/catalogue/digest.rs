//! A digest of what a definition means: two definitions with one digest say the same, however they were spelled.
//!
//! The input of the hash is the canonical tree, each part prefixed with its length: first `"action.v1"`, then a value as `"s"` and
//! its text, a list as `"l"`, its count and its items, a map as `"m"`, its count and its keys and values in turn; counts are 64
//! bits, little endian. It is stored with versions, so it never changes: a field that is added later is left out of the tree while
//! it says nothing.

use std::fmt;

use super::{
    encode,
    node::{Node, Pair},
};
use crate::{ids::LengthPrefixed, next_best_action::model::Definition};

/// 128 bits of BLAKE3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The digest of a definition, which is that of its version: neither version nor status is part of it.
#[must_use]
pub fn of_action(definition: &Definition) -> Digest {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(b"action.v1");
    add(&mut hash, &encode::definition(definition));
    Digest(*hash.finish_128().as_bytes())
}

/// The tree is ours: its depth is that of a definition.
fn add(hash: &mut LengthPrefixed, node: &Node) {
    match node {
        Node::Scalar { text, .. } => {
            hash.add(b"s");
            hash.add(text.as_bytes());
        }
        Node::List { items, .. } => {
            begin(hash, b"l", items.len());
            for item in items {
                add(hash, item);
            }
        }
        Node::Map { entries, .. } => {
            begin(hash, b"m", entries.len());
            for Pair { key, value, .. } in entries {
                hash.add(key.as_bytes());
                add(hash, value);
            }
        }
    }
}

fn begin(hash: &mut LengthPrefixed, kind: &[u8], count: usize) {
    hash.add(kind);
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    hash.add(&count.to_le_bytes());
}
