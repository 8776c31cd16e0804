//! Values as they lie outside the process, and messages about changes. Pure.
//!
//! What must stay true: whatever is read from outside is used only if this very store wrote it under this very name: a code
//! under the hash secret is checked before anything in it is believed. So a cache that was tampered with, mixed up or filled by
//! somebody else is as good as empty.
//!
//! Layout of a value: its age as text (32), its kind (1), the code (16), its contents. The age stands in front so that a script
//! can compare it.

use std::time::Duration;

use uuid::Uuid;

use super::{memory::Changed, rule::Age};
use crate::{
    identity::HashSecret,
    ids::{IdentityKey, LengthPrefixed, ProfileId, TenantId},
};

/// Bytes of an age as text.
pub const AGE: usize = 32;

const CODE: usize = 16;

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A document.
    Document,
    /// The profile in which an identifier lies, 16 bytes.
    LiesIn,
    /// A mark that a version exists.
    Mark,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Document, Self::LiesIn, Self::Mark];

    const fn code(self) -> u8 {
        match self {
            Self::Document => b'D',
            Self::LiesIn => b'L',
            Self::Mark => b'M',
        }
    }
}

/// Which run of which store values are of: a number that another run does not share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(pub u64);

impl Epoch {
    /// Of a run of a store.
    #[must_use]
    pub fn of(store: Uuid, incarnation: &str) -> Self {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(store.as_bytes());
        hash.add(incarnation.as_bytes());
        Self(hash.finish_64())
    }
}

/// Which run of a database a position is of. In its upper half: of which history, which is one cluster, database and timeline; a
/// failover and a restore begin another. In its lower half: since which start of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run(pub u64);

impl Run {
    /// Of an incarnation: cluster, database, timeline and start.
    #[must_use]
    pub fn of(incarnation: &str) -> Self {
        let half = |text: &str| {
            let mut hash = LengthPrefixed(blake3::Hasher::new());
            hash.add(text.as_bytes());
            hash.finish_64() >> 32
        };
        let (history, _) = incarnation.rsplit_once(' ').unwrap_or((incarnation, ""));
        Self(half(history) << 32 | half(incarnation))
    }

    /// Whether what was committed in one of them is in the other, or will be.
    #[must_use]
    pub const fn shares_history(self, other: Self) -> bool {
        self.0 >> 32 == other.0 >> 32
    }
}

/// The name of a profile's document.
#[must_use]
pub fn document_name(epoch: Epoch, profile: ProfileId) -> String {
    format!("cp1:{:016x}:d2:{}", epoch.0, profile.as_uuid().simple())
}

/// The name of what is known of an identifier.
#[must_use]
pub fn entry_name(epoch: Epoch, key: IdentityKey) -> String {
    format!("cp1:{:016x}:i:{}", epoch.0, key.as_uuid().simple())
}

/// The name of the turn of whoever reads for all.
#[must_use]
pub fn turn_name(epoch: Epoch, tenant: &TenantId, about: &[u8]) -> String {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(tenant.as_str().as_bytes());
    hash.add(about);
    format!("cp1:{:016x}:t:{}", epoch.0, hash.finish_128().simple())
}

/// Where changes are told of.
pub const CHANNEL: &str = "cp1:changes";

/// Seals and opens.
#[derive(Clone)]
pub struct Seal([u8; 32]);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Of a store.
    #[must_use]
    pub fn new(secret: &HashSecret) -> Self {
        Self(secret.derive("customer-profile 2026 values in caches"))
    }

    fn code(&self, parts: [&[u8]; 4]) -> [u8; CODE] {
        let mut hash = LengthPrefixed(blake3::Hasher::new_keyed(&self.0));
        for part in parts {
            hash.add(part);
        }
        hash.finish_128().into_bytes()
    }

    /// A value of a tenant without its age, which stands in front of it.
    #[must_use]
    pub fn seal(
        &self,
        (tenant, name): (&TenantId, &str),
        age: Age,
        kind: Kind,
        contents: &[u8],
    ) -> Vec<u8> {
        let kind = kind.code();
        let head = [age.text().as_bytes(), &[kind]].concat();
        let code = self.code([tenant.as_str().as_bytes(), name.as_bytes(), &head, contents]);
        [&[kind], code.as_slice(), contents].concat()
    }

    /// What a value is and holds; nothing when it is none of ours, of another tenant or another name.
    #[must_use]
    pub fn open<'a>(
        &self,
        (tenant, name): (&TenantId, &str),
        value: &'a [u8],
    ) -> Option<(Kind, &'a [u8])> {
        let (head, rest) = value.split_at_checked(AGE + 1)?;
        let kind = head.last()?;
        let (code, contents) = rest.split_first_chunk::<CODE>()?;
        let want = self.code([tenant.as_str().as_bytes(), name.as_bytes(), head, contents]);
        let known = Kind::ALL.into_iter().find(|known| known.code() == *kind)?;
        (want == *code).then_some((known, contents))
    }

    /// A message about changes.
    #[must_use]
    pub fn tell(&self, epoch: Epoch, changes: &[Changed]) -> Vec<u8> {
        let mut contents = epoch.0.to_be_bytes().to_vec();
        for change in changes {
            contents.extend(change.profile.as_bytes());
            contents.extend(change.version.to_be_bytes());
            contents.extend(change.position.to_be_bytes());
        }
        let code = self.code([CHANNEL.as_bytes(), &[], &[], &contents]);
        [&code, contents.as_slice()].concat()
    }

    /// The changes that a message tells of, if it is of this store's run.
    #[must_use]
    pub fn hear(&self, epoch: Epoch, message: &[u8]) -> Option<Vec<Changed>> {
        let (code, contents) = message.split_first_chunk::<CODE>()?;
        if self.code([CHANNEL.as_bytes(), &[], &[], contents]) != *code {
            return None;
        }
        let (said, changes) = contents.split_first_chunk::<8>()?;
        let (changes, rest) = changes.as_chunks::<32>();
        if u64::from_be_bytes(*said) != epoch.0 || !rest.is_empty() {
            return None;
        }
        let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).ok().map(i64::from_be_bytes);
        changes
            .iter()
            .map(|change| {
                Some(Changed {
                    profile: ProfileId::from_uuid(Uuid::from_slice(&change[..16]).ok()?),
                    version: number(&change[16..24])?,
                    position: number(&change[24..])?,
                })
            })
            .collect()
    }
}

/// How long a value lives: up to a tenth less than the longest, by some bytes of it, so that what was filled together does not
/// end together.
#[must_use]
pub fn lifetime(longest: Duration, seed: u64) -> Duration {
    let part = u32::try_from(seed % 1_000).unwrap_or_default();
    longest.saturating_sub(longest / 10_000 * part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::new(&HashSecret::new(&[byte; 32]).unwrap())
    }

    fn open<'a>(seal: &Seal, name: &str, value: &'a [u8]) -> Option<(Kind, &'a [u8])> {
        seal.open((&TenantId::default_tenant(), name), value)
    }

    fn stored(seal: &Seal, name: &str, age: Age, kind: Kind, contents: &[u8]) -> Vec<u8> {
        let value = seal.seal((&TenantId::default_tenant(), name), age, kind, contents);
        [age.text().as_bytes(), &value].concat()
    }

    const SOME: Age = Age {
        version: 3,
        position: 9,
    };

    #[test]
    fn a_value_is_of_one_name_one_secret_and_one_age() {
        let value = stored(&seal(1), "a", SOME, Kind::Document, b"x");
        assert_eq!(
            open(&seal(1), "a", &value),
            Some((Kind::Document, b"x".as_slice()))
        );
        assert_eq!(open(&seal(1), "b", &value), None);
        assert_eq!(open(&seal(2), "a", &value), None);
        let other = TenantId::parse("other").unwrap();
        assert_eq!(seal(1).open((&other, "a"), &value), None);
        let mut older = value;
        older[15] = b'1';
        assert_eq!(open(&seal(1), "a", &older), None);
    }

    #[test]
    fn a_message_is_of_one_run_of_a_store() {
        let store = Uuid::from_u128(1);
        let (epoch, other) = (Epoch::of(store, "a"), Epoch::of(store, "b"));
        assert_ne!(epoch, other);
        let changes = [1, 2].map(|n| Changed {
            profile: ProfileId::from_uuid(Uuid::from_u128(n)),
            version: 3,
            position: 4,
        });
        let message = seal(1).tell(epoch, &changes);
        assert_eq!(seal(1).hear(epoch, &message), Some(changes.to_vec()));
        assert_eq!(seal(1).hear(other, &message), None);
        assert_eq!(seal(2).hear(epoch, &message), None);
        assert_eq!(seal(1).hear(epoch, &message[..message.len() - 1]), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_touched_is_as_good_as_absent(
            contents in prop::collection::vec(any::<u8>(), 0..100), at in any::<prop::sample::Index>(), flip in 1..=255u8,
        ) {
            let mut value = stored(&seal(1), "a", SOME, Kind::LiesIn, &contents);
            let at = at.index(value.len());
            value[at] ^= flip;
            prop_assert_eq!(open(&seal(1), "a", &value), None);
        }

        #[test]
        fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(open(&seal(1), "a", &bytes), None);
            prop_assert_eq!(seal(1).hear(Epoch(0), &bytes), None);
        }

        #[test]
        fn lives_are_up_to_a_tenth_shorter(seed in any::<u64>()) {
            let hour = Duration::from_hours(1);
            let life = lifetime(hour, seed);
            prop_assert!(life <= hour && life > hour * 9 / 10, "{life:?}");
        }
    }
}
