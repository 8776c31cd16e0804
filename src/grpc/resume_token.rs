//! Resume tokens: where a watch goes on, carried by the caller from stream to stream.
//!
//! What must stay true:
//!
//! - A token goes on with the watch it came from: a code over tenant, look-up and content is checked before the content is used,
//!   so a token of another tenant, store or customer is refused.
//! - Nothing can be read in it. It holds a position, which grows with what every tenant does; so its content is hidden, under a
//!   key that differs from token to token: the code that it carries is where the hiding begins.
//! - It is good for as long as what comes after it is kept.
//!
//! Layout before hex: content, code (16). Of the content: version (1), store (4), run of the database (8), time (8), stage (1),
//! position (8), profile (16), version of the profile (8), then the profiles that are followed (16 each). Numbers are big-endian.

use prost::Message as _;
use uuid::Uuid;

use super::{
    token::{TokenKey, from_hex, same_code, take},
    validate::{
        reason::{TOKEN_INVALID, TOO_LONG},
        violations::Violations,
    },
};
use crate::{
    cache::sealed::Run,
    clock::Micros,
    error::Violation,
    feed::place::{FOLLOWED, Mark, Place, Stage},
    identity::HashSecret,
    ids::{LengthPrefixed, ProfileId, TenantId},
    proto::v1::WatchProfilesRequest,
};

const VERSION: u8 = 2;
const CODE: usize = 16;
const ID: usize = 16;

/// No token is longer.
pub const MAX_RESUME_TOKEN_BYTES: usize = 512;

/// Seals the tokens of a store.
#[derive(Clone, Debug)]
pub struct ResumeTokenKey {
    code: TokenKey,
    hide: TokenKey,
    store: [u8; 4],
}

impl ResumeTokenKey {
    /// From the store's secret and its short name.
    #[must_use]
    pub fn new(secret: &HashSecret, store: [u8; 4]) -> Self {
        let key = |purpose| TokenKey::for_purpose(secret, purpose);
        Self {
            code: key("customer-profile 2026 resume tokens"),
            hide: key("customer-profile 2026 resume tokens, content"),
            store,
        }
    }

    /// The token of a mark, for a watch of a tenant.
    #[must_use]
    pub fn seal(&self, mark: &Mark, tenant: &TenantId, watched: Uuid) -> String {
        let (stage, place) = match mark.stage {
            Stage::Snapshot { from, after } => {
                let place = Place {
                    profile: after,
                    ..Place::from(from)
                };
                (0, place)
            }
            Stage::Changes(place) => (1, place),
        };
        let mut bytes = vec![VERSION];
        bytes.extend(self.store);
        bytes.extend(mark.run.0.to_be_bytes());
        bytes.extend(mark.as_of.0.to_be_bytes());
        bytes.push(stage);
        bytes.extend(place.position.to_be_bytes());
        bytes.extend(place.profile.as_bytes());
        bytes.extend(place.version.to_be_bytes());
        let chain = mark.chain.iter().take(FOLLOWED);
        bytes.extend(chain.flat_map(|id| *id.as_bytes()));
        let code = self.code(&bytes, tenant, watched);
        self.hide(&mut bytes, &code);
        bytes.extend(code);
        hex::encode(bytes)
    }

    /// The mark of a token.
    ///
    /// # Errors
    /// When it is none that this tenant was given for this watch.
    pub fn open(
        &self,
        text: &str,
        tenant: &TenantId,
        watched: Uuid,
    ) -> Result<Mark, Vec<Violation>> {
        let mut out = Violations::default();
        let mut mark = None;
        if text.len() > MAX_RESUME_TOKEN_BYTES {
            let most = format!("at most {MAX_RESUME_TOKEN_BYTES} bytes");
            out.add(&"resume_token", TOO_LONG, most);
        } else {
            mark = self.read(text, tenant, watched);
            if mark.is_none() {
                let said = "not a token of this call with this look-up or segment";
                out.add(&"resume_token", TOKEN_INVALID, said);
            }
        }
        out.finish(mark)
    }

    fn read(&self, text: &str, tenant: &TenantId, watched: Uuid) -> Option<Mark> {
        let mut bytes = from_hex(text)?;
        let code: [u8; CODE] = bytes
            .split_off(bytes.len().checked_sub(CODE)?)
            .try_into()
            .ok()?;
        self.hide(&mut bytes, &code);
        if !same_code(&code, &self.code(&bytes, tenant, watched)) {
            return None;
        }
        let mut rest = bytes.as_slice();
        if take::<1>(&mut rest)? != [VERSION] || take::<4>(&mut rest)? != self.store {
            return None;
        }
        let run = Run(u64::from_be_bytes(take(&mut rest)?));
        let as_of = Micros(i64::from_be_bytes(take(&mut rest)?));
        let [stage] = take::<1>(&mut rest)?;
        let place = Place {
            position: i64::from_be_bytes(take(&mut rest)?),
            profile: ProfileId::from_uuid(Uuid::from_bytes(take(&mut rest)?)),
            version: i64::from_be_bytes(take(&mut rest)?),
        };
        let ids = rest.chunks_exact(ID);
        if !ids.remainder().is_empty() {
            return None;
        }
        let chain: Option<Vec<ProfileId>> = ids
            .map(|id| Uuid::from_slice(id).ok().map(ProfileId::from_uuid))
            .collect();
        let stage = match stage {
            0 => Stage::Snapshot {
                from: place.position,
                after: place.profile,
            },
            1 => Stage::Changes(place),
            _ => return None,
        };
        Some(Mark {
            run,
            as_of,
            stage,
            chain: chain?,
        })
    }

    fn code(&self, content: &[u8], tenant: &TenantId, watched: Uuid) -> [u8; CODE] {
        let tenant = tenant.as_str().as_bytes();
        self.code.code(&[tenant, watched.as_bytes(), content])
    }

    /// Hides a content under its code, and shows it again.
    fn hide(&self, content: &mut [u8], code: &[u8; CODE]) {
        for (number, part) in (0_u8..).zip(content.chunks_mut(CODE)) {
            let mask: [u8; CODE] = self.hide.code(&[code, &[number]]);
            for (byte, mask) in part.iter_mut().zip(mask) {
                *byte ^= mask;
            }
        }
    }
}

/// A hash of what must be the same for every call of a watch.
#[must_use]
pub fn watched(request: &WatchProfilesRequest) -> Uuid {
    let same = WatchProfilesRequest {
        lookup: request.lookup.clone(),
        segment: request.segment.clone(),
        ..WatchProfilesRequest::default()
    };
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(&same.encode_to_vec());
    hash.finish_128()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8, store: [u8; 4]) -> ResumeTokenKey {
        ResumeTokenKey::new(&HashSecret::new(&[byte; 32]).unwrap(), store)
    }

    fn tenant(text: &str) -> TenantId {
        TenantId::parse(text).unwrap()
    }

    fn id() -> impl Strategy<Value = ProfileId> {
        any::<[u8; 16]>().prop_map(|bytes| ProfileId::from_uuid(Uuid::from_bytes(bytes)))
    }

    fn any_mark() -> impl Strategy<Value = Mark> {
        let place = (any::<i64>(), id(), any::<i64>());
        let place = place.prop_map(|(position, profile, version)| Place {
            position,
            profile,
            version,
        });
        let stage = prop_oneof![
            place.prop_map(Stage::Changes),
            (any::<i64>(), id()).prop_map(|(from, after)| Stage::Snapshot { from, after }),
        ];
        let chain = prop::collection::vec(id(), 0..=FOLLOWED);
        (any::<u64>(), any::<i64>(), stage, chain).prop_map(|(run, as_of, stage, chain)| Mark {
            run: Run(run),
            as_of: Micros(as_of),
            stage,
            chain,
        })
    }

    const ALL: Uuid = Uuid::nil();

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_token_fits_and_comes_back(mark in any_mark()) {
            let key = key(1, *b"abcd");
            let text = key.seal(&mark, &tenant("a"), ALL);
            prop_assert!(text.len() <= MAX_RESUME_TOKEN_BYTES);
            prop_assert_eq!(key.open(&text, &tenant("a"), ALL), Ok(mark));
        }

        #[test]
        fn a_token_is_of_one_tenant_secret_store_and_watch(mark in any_mark()) {
            let text = key(1, *b"abcd").seal(&mark, &tenant("a"), ALL);
            let other = Uuid::from_u128(1);
            for (key, tenant, watched) in [
                (key(2, *b"abcd"), tenant("a"), ALL),
                (key(1, *b"abce"), tenant("a"), ALL),
                (key(1, *b"abcd"), tenant("b"), ALL),
                (key(1, *b"abcd"), tenant("a"), other),
            ] {
                let found = key.open(&text, &tenant, watched).unwrap_err();
                prop_assert_eq!(found[0].reason, TOKEN_INVALID);
            }
        }

        #[test]
        fn a_token_that_was_touched_is_none(mark in any_mark(), at in any::<prop::sample::Index>(), digit in "[0-9a-fA-F]") {
            let key = key(1, *b"abcd");
            let text = key.seal(&mark, &tenant("a"), ALL);
            let at = at.index(text.len());
            let other = format!("{}{digit}{}", &text[..at], &text[at + 1..]);
            prop_assume!(other != text);
            prop_assert!(key.open(&other, &tenant("a"), ALL).is_err());
        }

        #[test]
        fn any_text_is_answered(text in prop_oneof![any::<String>(), "[0-9a-f]{32,200}"]) {
            prop_assert!(key(1, *b"abcd").open(&text, &tenant("a"), ALL).is_err());
        }
    }

    /// Of positions that follow each other no byte of the tokens is the same for that: what others do cannot be counted.
    #[test]
    fn a_position_cannot_be_read_in_a_token() {
        let key = key(1, *b"abcd");
        let sealed = |position| {
            let mark = Mark {
                run: Run(1),
                as_of: Micros(7),
                stage: Stage::Changes(Place::from(position)),
                chain: Vec::new(),
            };
            hex::decode(key.seal(&mark, &tenant("a"), ALL)).unwrap()
        };
        let (one, next) = (sealed(1_000), sealed(1_001));
        let same = one.iter().zip(&next).filter(|(a, b)| a == b).count();
        assert!(same < 8, "{same} bytes of {} are the same", one.len());
    }
}
