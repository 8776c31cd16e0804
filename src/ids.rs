//! Names of things. The only file that draws random ids.
//!
//! An interaction id is a plain hash of its name and an identity key a keyed hash of an identifier, so both are known
//! without asking a database; a profile id is drawn and says nothing about the person. Inputs of a hash are prefixed with
//! their length, so that ("ab", "c") and ("a", "bc") differ.

use std::{fmt, str::FromStr, sync::Arc};

use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// From a stored or received value.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// As stored.
            #[must_use]
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// Its 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::from_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// 128-bit plain hash of (tenant, source, event id).
    InteractionId
}
uuid_id! {
    /// 128-bit keyed hash of (tenant, namespace, normalised value).
    IdentityKey
}
uuid_id! {
    /// Opaque id of a profile (UUID version 7).
    ProfileId
}
uuid_id! {
    /// Id of an import run.
    RunId
}

uuid_id! {
    /// 128-bit plain hash of (tenant, operation id): names an operator's decision.
    DecisionId
}

impl DecisionId {
    /// The id of the decision that a caller made under this operation id.
    #[must_use]
    pub fn of(tenant: &TenantId, operation_id: &str) -> Self {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(b"decision");
        hash.add(tenant.as_str().as_bytes());
        hash.add(operation_id.as_bytes());
        Self(hash.finish_128())
    }
}

impl InteractionId {
    /// The id of the interaction with this name.
    #[must_use]
    pub fn of(tenant: &TenantId, source: &str, event_id: &str) -> Self {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(b"interaction");
        hash.add(tenant.as_str().as_bytes());
        hash.add(source.as_bytes());
        hash.add(event_id.as_bytes());
        Self(hash.finish_128())
    }

    /// As two halves, the higher first.
    #[must_use]
    pub fn halves(self) -> (u64, u64) {
        self.0.as_u64_pair()
    }

    /// From two halves.
    #[must_use]
    pub fn from_halves(high: u64, low: u64) -> Self {
        Self(Uuid::from_u64_pair(high, low))
    }
}

impl ProfileId {
    /// A new id.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }
}

impl RunId {
    /// A new id.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
    pub fn draw() -> Self {
        Self(Uuid::now_v7())
    }
}

/// A name for something of which nobody gave one: a UUID.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
pub fn draw_name() -> String {
    Uuid::now_v7().to_string()
}

/// A random 128-bit value that names a store for as long as it lives.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
pub fn draw_store_id() -> Uuid {
    Uuid::new_v4()
}

/// A random 128-bit value that names this process among the instances of a service.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that draws ids")]
pub fn draw_instance_id() -> Uuid {
    Uuid::new_v4()
}

/// A part of 2^32.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws randomness"
)]
pub fn draw_part() -> u32 {
    let [a, b, c, d, ..] = *Uuid::new_v4().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Fresh bytes for a hash secret.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that draws randomness"
)]
pub fn draw_secret() -> [u8; 64] {
    let mut secret = [0; 64];
    for part in secret.chunks_exact_mut(16) {
        part.copy_from_slice(Uuid::new_v4().as_bytes());
    }
    secret
}

/// A brand or business unit; nothing crosses it. 1 to 64 of a-z, 0-9, `_`, `-` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The tenant of callers that name none.
    #[must_use]
    pub fn default_tenant() -> Self {
        Self(Arc::from("default"))
    }

    /// From its text, or `None` when that is no slug.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        is_slug(text, 64).then(|| Self(Arc::from(text)))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is 1 to `longest` bytes of a-z, 0-9, `_`, `-` and `.`, starting with a letter or digit.
#[must_use]
pub fn is_slug(text: &str, longest: usize) -> bool {
    let mut bytes = text.bytes();
    text.len() <= longest
        && bytes
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b))
}

/// A hash over parts that are prefixed with their length.
#[derive(Debug)]
pub struct LengthPrefixed(pub blake3::Hasher);

impl LengthPrefixed {
    /// Adds one part.
    pub fn add(&mut self, part: &[u8]) {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        self.0.update(&length.to_le_bytes());
        self.0.update(part);
    }

    /// The first 128 bits of the hash.
    #[must_use]
    pub fn finish_128(&self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.finalize_xof().fill(&mut bytes);
        Uuid::from_bytes(bytes)
    }

    /// The first 64 bits of the hash.
    #[must_use]
    pub fn finish_64(&self) -> u64 {
        self.finish_128().as_u64_pair().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_name_do_not_run_together() {
        let tenant = TenantId::default_tenant();
        assert_ne!(
            InteractionId::of(&tenant, "ab", "c"),
            InteractionId::of(&tenant, "a", "bc")
        );
    }

    #[test]
    fn slugs_are_short_lower_case_and_start_with_a_letter_or_digit() {
        assert!(is_slug("order.placed", 64));
        assert!(is_slug("0x", 2));
        for bad in ["", "-a", "A", "a b", "日本", "abc"] {
            assert!(!is_slug(bad, 2), "{bad}");
        }
    }
}
