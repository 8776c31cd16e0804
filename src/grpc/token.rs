//! Consistency tokens: what a write or a read has seen, carried by the caller to its next read.
//!
//! What must stay true:
//!
//! - A token is opaque text of at most 128 bytes that any instance with the store's secret can read.
//! - It proves nothing but what an instance of this service said to a caller of the same tenant: a code over tenant and
//!   content is checked before anything in it is used. Text that is none of ours is refused, never a failure.
//! - It ends 24 hours after it was issued, which is how long instances remember positions. Clocks of instances differ,
//!   so one that was issued a little ahead of this instance's clock is good.
//!
//! Layout before hex: version (1), store (4), position (8), issued at (8), then key (16) and version (8) of the anchor if
//! there is one, then the code (12). Numbers are big-endian. The length tells whether there is an anchor.

use super::validate::reason::{TOKEN_EXPIRED, TOKEN_INVALID};
use crate::{
    clock::Micros,
    identity::HashSecret,
    ids::{IdentityKey, LengthPrefixed, TenantId},
};

/// How long a token is valid, in microseconds.
pub const LIFETIME: i64 = 24 * 3_600 * Micros::SECOND;

const VERSION: u8 = 1;
const CODE: usize = 12;
const BARE: usize = 1 + 4 + 8 + 8;
const WITH_ANCHOR: usize = BARE + 16 + 8;

/// A key for codes over text that callers hold for us.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

impl TokenKey {
    /// The key of consistency tokens.
    #[must_use]
    pub fn new(secret: &HashSecret) -> Self {
        Self::for_purpose(secret, "customer-profile 2026 consistency tokens")
    }

    /// A key that makes no code another purpose would accept.
    pub(super) fn for_purpose(secret: &HashSecret, purpose: &str) -> Self {
        Self(secret.derive(purpose))
    }

    /// The code over some parts, cut to `N` of at most 16 bytes.
    pub(super) fn code<const N: usize>(&self, parts: &[&[u8]]) -> [u8; N] {
        const { assert!(N <= 16, "a code has at most 128 bits") };
        let mut hash = LengthPrefixed(blake3::Hasher::new_keyed(&self.0));
        for part in parts {
            hash.add(part);
        }
        let mut code = [0; N];
        for (to, from) in code.iter_mut().zip(hash.finish_128().as_bytes()) {
            *to = *from;
        }
        code
    }
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey(..)")
    }
}

/// Whether two codes are equal, in a time that says nothing about where they differ.
pub(super) fn same_code<const N: usize>(a: &[u8; N], b: &[u8; N]) -> bool {
    a.iter().zip(b).fold(0, |bits, (a, b)| bits | (a ^ b)) == 0
}

/// Why a token cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None of this tenant's tokens.
    #[error("not a token of this service and tenant")]
    Invalid,
    /// Issued more than 24 hours ago.
    #[error("issued more than 24 hours ago")]
    Expired,
}

impl TokenError {
    /// Its stable slug.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Invalid => TOKEN_INVALID,
            Self::Expired => TOKEN_EXPIRED,
        }
    }
}

/// What a write or a read has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteToken {
    /// Short name of the store: a token of another is of no use. Not of its timeline: after a failover tokens are good as long as
    /// what they stand for is there. Of one with an anchor that can be known; one without is lost until the new primary has begun
    /// as many transactions as it counts, and taken to be met from then on, also when its write is gone.
    pub store: [u8; 4],
    /// Database transaction id up to which everything was seen.
    pub position: u64,
    /// The anchor that was written and its profile's version, when there was but one.
    pub anchor: Option<(IdentityKey, i64)>,
    /// When it was issued.
    pub issued_at: Micros,
}

/// Stands in the place of an anchor in the token of a change of the catalogue; the number beside it is the revision. Anchors are
/// hashes, so none is this one.
pub const CATALOGUE: IdentityKey =
    IdentityKey::from_uuid(uuid::Uuid::from_bytes(*b"action catalogue"));

impl WriteToken {
    /// The revision of the catalogue that a reader has to see; none when the token is of something else.
    #[must_use]
    pub fn catalogue(&self) -> Option<u64> {
        let (anchor, revision) = self.anchor.as_ref()?;
        (*anchor == CATALOGUE).then(|| u64::try_from(*revision).ok())?
    }

    /// As text for a caller of a tenant.
    #[must_use]
    pub fn encode(&self, tenant: &TenantId, key: &TokenKey) -> String {
        let mut bytes = Vec::with_capacity(WITH_ANCHOR + CODE);
        bytes.push(VERSION);
        bytes.extend(self.store);
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.issued_at.0.to_be_bytes());
        if let Some((anchor, version)) = &self.anchor {
            bytes.extend(anchor.as_bytes());
            bytes.extend(version.to_be_bytes());
        }
        let code: [u8; CODE] = key.code(&[tenant.as_str().as_bytes(), &bytes]);
        bytes.extend(code);
        hex::encode(bytes)
    }

    /// From the text that a caller of a tenant sent.
    ///
    /// # Errors
    /// When the text is no token of that tenant, or one that was issued too long ago.
    pub fn decode(
        text: &str,
        tenant: &TenantId,
        now: Micros,
        key: &TokenKey,
    ) -> Result<Self, TokenError> {
        let token = Self::read(text, tenant, key).ok_or(TokenError::Invalid)?;
        if now.0.saturating_sub(token.issued_at.0) > LIFETIME {
            return Err(TokenError::Expired);
        }
        Ok(token)
    }

    fn read(text: &str, tenant: &TenantId, key: &TokenKey) -> Option<Self> {
        // Looked at before decoding, so that a long text costs nothing.
        let length = text.len() / 2;
        if length != BARE + CODE && length != WITH_ANCHOR + CODE {
            return None;
        }
        let bytes = from_hex(text)?;
        let (content, code) = bytes.split_last_chunk::<CODE>()?;
        let want = key.code(&[tenant.as_str().as_bytes(), content]);
        if !same_code(code, &want) {
            return None;
        }
        let mut rest = content;
        if take::<1>(&mut rest)? != [VERSION] {
            return None;
        }
        let store = take(&mut rest)?;
        let position = u64::from_be_bytes(take(&mut rest)?);
        let issued_at = Micros(i64::from_be_bytes(take(&mut rest)?));
        let anchor = if rest.is_empty() {
            None
        } else {
            let anchor = uuid::Uuid::from_bytes(take(&mut rest)?);
            let version = i64::from_be_bytes(take(&mut rest)?);
            Some((IdentityKey::from_uuid(anchor), version))
        };
        rest.is_empty().then_some(Self {
            store,
            position,
            anchor,
            issued_at,
        })
    }
}

/// The bytes that a text was made of. Small letters alone, so that what was sealed has one text and not thousands.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let small = !text.bytes().any(|b| b.is_ascii_uppercase());
    small.then(|| hex::decode(text).ok()).flatten()
}

/// Cuts the next `N` bytes off.
pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> TokenKey {
        TokenKey::new(&HashSecret::new(&[byte; 32]).unwrap())
    }

    fn tenant(text: &str) -> TenantId {
        TenantId::parse(text).unwrap()
    }

    fn any_token() -> impl Strategy<Value = WriteToken> {
        let anchor = prop::option::of((any::<[u8; 16]>(), any::<i64>()));
        (any::<[u8; 4]>(), any::<u64>(), anchor, any::<i64>()).prop_map(
            |(store, position, anchor, at)| WriteToken {
                store,
                position,
                anchor: anchor.map(|(key, version)| {
                    let key = IdentityKey::from_uuid(uuid::Uuid::from_bytes(key));
                    (key, version)
                }),
                issued_at: Micros(at),
            },
        )
    }

    fn one() -> WriteToken {
        WriteToken {
            store: *b"abcd",
            position: 7,
            anchor: None,
            issued_at: Micros(LIFETIME),
        }
    }

    #[test]
    fn a_token_ends_after_a_day() {
        let text = one().encode(&tenant("a"), &key(1));
        let at = |now| WriteToken::decode(&text, &tenant("a"), Micros(now), &key(1));
        assert_eq!(at(2 * LIFETIME), Ok(one()));
        assert_eq!(at(2 * LIFETIME + 1), Err(TokenError::Expired));
        assert_eq!(at(0), Ok(one()), "another instance's clock may be ahead");
    }

    #[test]
    fn a_token_is_of_one_tenant_and_one_secret() {
        let text = one().encode(&tenant("a"), &key(1));
        for (tenant, key) in [(tenant("b"), key(1)), (tenant("a"), key(2))] {
            let found = WriteToken::decode(&text, &tenant, Micros(0), &key);
            assert_eq!(found, Err(TokenError::Invalid));
        }
    }

    #[test]
    fn a_token_has_one_text() {
        let text = one().encode(&tenant("a"), &key(1)).to_uppercase();
        let found = WriteToken::decode(&text, &tenant("a"), Micros(LIFETIME), &key(1));
        assert_eq!(found, Err(TokenError::Invalid));
    }

    proptest! {
        #[test]
        fn every_token_fits_and_comes_back(token in any_token()) {
            let text = token.encode(&tenant("a"), &key(1));
            prop_assert!(text.len() <= 128);
            let found = WriteToken::decode(&text, &tenant("a"), token.issued_at, &key(1));
            prop_assert_eq!(found, Ok(token));
        }

        #[test]
        fn a_token_that_was_touched_is_none(
            token in any_token(), at in any::<prop::sample::Index>(), digit in "[0-9a-fA-F]", cut in any::<bool>(),
        ) {
            let text = token.encode(&tenant("a"), &key(1));
            let at = at.index(text.len());
            let other = if cut {
                text[..at].to_owned()
            } else {
                format!("{}{digit}{}", &text[..at], &text[at + 1..])
            };
            prop_assume!(other != text);
            let found = WriteToken::decode(&other, &tenant("a"), Micros(0), &key(1));
            prop_assert_eq!(found, Err(TokenError::Invalid));
        }

        #[test]
        fn any_text_is_answered(text in prop_oneof![any::<String>(), "[0-9a-f]{66}", "[0-9a-f]{114}", "\\PC{33}"]) {
            let found = WriteToken::decode(&text, &tenant("a"), Micros(i64::MIN), &key(1));
            prop_assert_eq!(found, Err(TokenError::Invalid));
        }
    }
}
