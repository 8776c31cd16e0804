//! Keys of identifiers.

use std::fmt;

use super::{model::Normalised, namespace::rule};
use crate::ids::{IdentityKey, LengthPrefixed, TenantId};

/// The secret under which identifiers are hashed.
///
/// Whoever has the database without it cannot test whether an address is in there. It must stay the same for the life of
/// a store; the store remembers its fingerprint.
#[derive(Clone)]
pub struct HashSecret {
    key: [u8; 32],
}

impl HashSecret {
    /// The least length of a secret in bytes.
    pub const SHORTEST: usize = 32;

    /// From the operator's secret, or `None` when it is shorter than [`Self::SHORTEST`].
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        (secret.len() >= Self::SHORTEST).then(|| Self {
            key: blake3::derive_key("customer-profile 2026 identity keys", secret),
        })
    }

    /// What a store remembers of the secret: a hash that reveals neither it nor any key.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        blake3::derive_key("customer-profile 2026 secret fingerprint", &self.key)
    }

    /// A key for another purpose, derived from the secret.
    #[must_use]
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        blake3::derive_key(purpose, &self.key)
    }

    /// The key of an identifier.
    #[must_use]
    pub fn identity_key(&self, tenant: &TenantId, identifier: &Normalised) -> IdentityKey {
        let mut hash = LengthPrefixed(blake3::Hasher::new_keyed(&self.key));
        hash.add(b"identity");
        hash.add(tenant.as_str().as_bytes());
        hash.add(identifier.namespace.as_bytes());
        hash.add(identifier.value.as_bytes());
        IdentityKey::from_uuid(hash.finish_128())
    }

    /// The key under which profiles with a trait value are found; it reveals no value.
    #[must_use]
    pub fn trait_key(&self, tenant: &TenantId, name: &str, value: &[u8]) -> uuid::Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new_keyed(&self.key));
        hash.add(b"trait");
        hash.add(tenant.as_str().as_bytes());
        hash.add(name.as_bytes());
        hash.add(value);
        hash.finish_128()
    }

    /// The key under which look-alikes are found by a blocking key; it reveals nothing of it.
    #[must_use]
    pub fn likeness_key(&self, tenant: &TenantId, blocking_key: &str) -> uuid::Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new_keyed(&self.key));
        hash.add(b"likeness");
        hash.add(tenant.as_str().as_bytes());
        hash.add(blocking_key.as_bytes());
        hash.finish_128()
    }
}

impl fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashSecret(..)")
    }
}

/// The order in which an interaction's identifiers stand for anchor: lowest first.
#[must_use]
pub fn anchor_order(identifier: &Normalised) -> (u8, &str, &str) {
    (
        rule(&identifier.namespace).anchor_rank,
        &identifier.namespace,
        &identifier.value,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(value: &str) -> Normalised {
        Normalised {
            namespace: "email".into(),
            value: value.into(),
        }
    }

    #[test]
    fn a_short_secret_is_no_secret() {
        assert!(HashSecret::new(&[1; 31]).is_none());
        assert!(HashSecret::new(&[1; 32]).is_some());
    }

    #[test]
    fn keys_differ_by_secret_and_by_tenant() {
        let (one, two) = (
            HashSecret::new(&[1; 32]).unwrap(),
            HashSecret::new(&[2; 32]).unwrap(),
        );
        let (a, b) = (TenantId::parse("a").unwrap(), TenantId::parse("b").unwrap());
        let who = email("a@b.example");
        assert_ne!(one.identity_key(&a, &who), two.identity_key(&a, &who));
        assert_ne!(one.identity_key(&a, &who), one.identity_key(&b, &who));
        assert_ne!(one.fingerprint(), two.fingerprint());
    }
}
