//! Page tokens: where a listing goes on, carried by the caller from page to page.
//!
//! What must stay true:
//!
//! - A token goes on with the listing it came from: a code over tenant, kind of listing, filters and cursor is checked
//!   before the cursor is used, so a token of another tenant, call or filter is refused. The filters themselves are not
//!   in the token; a caller sends them again.
//! - How many items a page has, which fields are shown and how fresh they are may change between pages.
//! - A cursor is a place in an order, never a count, so pages stay stable while writes go on.
//! - Tokens have no end: a cursor stays a place in the order for as long as the store lives.
//!
//! Layout before hex: version (1), kind (1), cursor, code (8). Numbers are big-endian.

use prost::Message;
use uuid::Uuid;

use super::{
    token::{TokenKey, from_hex, same_code, take},
    validate::{
        reason::{PAGE_TOKEN_INVALID, TOO_LONG},
        violations::Violations,
    },
};
use crate::{
    clock::Micros,
    error::Violation,
    identity::HashSecret,
    ids::{IdentityKey, InteractionId, LengthPrefixed, ProfileId, TenantId},
    proto::v1::{
        ListIdentifiersRequest, ListInteractionsRequest, ListTraitsRequest, SearchProfilesRequest,
    },
};

const VERSION: u8 = 1;
const CODE: usize = 8;

/// No token is longer.
pub const MAX_PAGE_TOKEN_BYTES: usize = 512;

/// The key of page tokens.
#[derive(Clone, Debug)]
pub struct PageTokenKey(TokenKey);

impl PageTokenKey {
    /// From the store's secret.
    #[must_use]
    pub fn new(secret: &HashSecret) -> Self {
        let purpose = "customer-profile 2026 page tokens";
        Self(TokenKey::for_purpose(secret, purpose))
    }
}

/// A place in the order of a listing.
pub trait Cursor: Sized {
    /// Tells the kinds of listing apart. Never used again for another.
    const KIND: u8;

    /// Its bytes; at most 128.
    fn write(&self, bytes: &mut Vec<u8>);

    /// From exactly these bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// A request for a page.
pub trait Paged {
    /// The token that it carries; empty for the first page.
    fn page_token(&self) -> &str;

    /// A hash of what must be the same for every page.
    fn filters(&self) -> Uuid;
}

macro_rules! paged {
    ($($request:ident { $($may_change:ident),+ })+) => {
        $(impl Paged for $request {
            fn page_token(&self) -> &str {
                &self.page_token
            }

            fn filters(&self) -> Uuid {
                hash(&Self { $($may_change: Default::default(),)+ ..self.clone() })
            }
        })+
    };
}

paged! {
    ListInteractionsRequest { page_size, page_token, read_options }
    ListIdentifiersRequest { page_size, page_token, read_options }
    ListTraitsRequest { page_size, page_token, read_options }
    SearchProfilesRequest { page_size, page_token, read_options, field_mask }
}

fn hash(message: &impl Message) -> Uuid {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(&message.encode_to_vec());
    hash.finish_128()
}

/// The token for the page after `cursor` of what `request` lists.
#[must_use]
pub fn encode<C: Cursor>(
    cursor: &C,
    request: &impl Paged,
    tenant: &TenantId,
    key: &PageTokenKey,
) -> String {
    let mut bytes = vec![VERSION, C::KIND];
    cursor.write(&mut bytes);
    let code = code(&bytes, request, tenant, key);
    bytes.extend(code);
    hex::encode(bytes)
}

/// Where the page that `request` asks for begins; `None` for the first page.
///
/// # Errors
/// When the token is none that this tenant was given for these filters.
pub fn decode<C: Cursor>(
    request: &impl Paged,
    tenant: &TenantId,
    key: &PageTokenKey,
) -> Result<Option<C>, Vec<Violation>> {
    let text = request.page_token();
    if text.is_empty() {
        return Ok(None);
    }
    let mut out = Violations::default();
    let mut cursor = None;
    if text.len() > MAX_PAGE_TOKEN_BYTES {
        let most = format!("at most {MAX_PAGE_TOKEN_BYTES} bytes");
        out.add(&"page_token", TOO_LONG, most);
    } else {
        cursor = read(text, request, tenant, key);
        if cursor.is_none() {
            out.add(
                &"page_token",
                PAGE_TOKEN_INVALID,
                "not a token of this call with these filters",
            );
        }
    }
    out.finish(cursor.map(Some))
}

fn read<C: Cursor>(
    text: &str,
    request: &impl Paged,
    tenant: &TenantId,
    key: &PageTokenKey,
) -> Option<C> {
    let bytes = from_hex(text)?;
    let (content, given) = bytes.split_last_chunk::<CODE>()?;
    if !same_code(given, &code(content, request, tenant, key)) {
        return None;
    }
    match content.split_first_chunk::<2>()? {
        ([VERSION, kind], cursor) if *kind == C::KIND => C::read(cursor),
        _ => None,
    }
}

fn code(content: &[u8], request: &impl Paged, tenant: &TenantId, key: &PageTokenKey) -> [u8; CODE] {
    let (tenant, filters) = (tenant.as_str().as_bytes(), request.filters());
    key.0.code(&[tenant, filters.as_bytes(), content])
}

fn whole<T>(rest: &[u8], value: T) -> Option<T> {
    rest.is_empty().then_some(value)
}

/// A place in a timeline: after this interaction, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimelineCursor {
    /// When it happened.
    pub occurred_at: Micros,
    /// Its id.
    pub interaction_id: InteractionId,
}

impl Cursor for TimelineCursor {
    const KIND: u8 = 1;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.occurred_at.0.to_be_bytes());
        bytes.extend(self.interaction_id.as_bytes());
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let occurred_at = Micros(i64::from_be_bytes(take(&mut bytes)?));
        let id = InteractionId::from_uuid(Uuid::from_bytes(take(&mut bytes)?));
        let cursor = Self {
            occurred_at,
            interaction_id: id,
        };
        whole(bytes, cursor)
    }
}

/// A place among the identifiers of a profile: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentityCursor {
    /// The first part of the order, for example the rank of the namespace.
    pub position: i64,
    /// The identifier's key, which tells those of one position apart.
    pub key: IdentityKey,
}

impl Cursor for IdentityCursor {
    const KIND: u8 = 2;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.position.to_be_bytes());
        bytes.extend(self.key.as_bytes());
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let position = i64::from_be_bytes(take(&mut bytes)?);
        let key = IdentityKey::from_uuid(Uuid::from_bytes(take(&mut bytes)?));
        whole(bytes, Self { position, key })
    }
}

/// A place among names in byte order: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameCursor {
    /// The name, a slug.
    pub name: String,
}

impl Cursor for NameCursor {
    const KIND: u8 = 3;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.name.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let name = String::from_utf8(bytes.to_vec()).ok()?;
        Some(Self { name })
    }
}

/// A place among the profiles of a search: after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchCursor {
    /// Of a search by traits, in the order of the identities that led to candidates.
    ByTrait {
        /// The last identity looked at.
        identity: IdentityKey,
    },
    /// Of a search by period alone, newest day first, then in the order of ids.
    ByDay {
        /// The day last seen, counted from 1970-01-01.
        day: i32,
        /// The last profile looked at.
        profile_id: ProfileId,
    },
}

impl Cursor for SearchCursor {
    const KIND: u8 = 4;

    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::ByTrait { identity } => bytes.extend(identity.as_bytes()),
            Self::ByDay { day, profile_id } => {
                bytes.extend(profile_id.as_bytes());
                bytes.extend(day.to_be_bytes());
            }
        }
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let id = Uuid::from_bytes(take(&mut bytes)?);
        if bytes.is_empty() {
            let identity = IdentityKey::from_uuid(id);
            return Some(Self::ByTrait { identity });
        }
        let profile_id = ProfileId::from_uuid(id);
        let day = i32::from_be_bytes(take(&mut bytes)?);
        whole(bytes, Self::ByDay { day, profile_id })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::proto::v1::{ProfileLookup, ReadOptions};

    fn key(byte: u8) -> PageTokenKey {
        PageTokenKey::new(&HashSecret::new(&[byte; 32]).unwrap())
    }

    fn tenant(text: &str) -> TenantId {
        TenantId::parse(text).unwrap()
    }

    fn request(department: &str) -> ListInteractionsRequest {
        ListInteractionsRequest {
            departments: vec![department.into()],
            ..Default::default()
        }
    }

    fn with_token(page_token: String) -> ListInteractionsRequest {
        ListInteractionsRequest {
            page_token,
            ..request("support")
        }
    }

    fn cursor() -> TimelineCursor {
        TimelineCursor {
            occurred_at: Micros(7),
            interaction_id: InteractionId::from_halves(1, 2),
        }
    }

    fn reason<C: Cursor + std::fmt::Debug>(
        request: &impl Paged,
        tenant: &TenantId,
        key: &PageTokenKey,
    ) -> &'static str {
        let found = decode::<C>(request, tenant, key).unwrap_err();
        assert_eq!((found.len(), found[0].field.as_str()), (1, "page_token"));
        found[0].reason
    }

    #[test]
    fn a_page_goes_on_with_other_sizes_and_freshness() {
        let text = encode(&cursor(), &request("support"), &tenant("a"), &key(1));
        let next = ListInteractionsRequest {
            page_size: 7,
            read_options: Some(ReadOptions::default()),
            ..with_token(text)
        };
        assert_eq!(decode(&next, &tenant("a"), &key(1)), Ok(Some(cursor())));
        let first = decode::<TimelineCursor>(&request("x"), &tenant("a"), &key(1));
        assert_eq!(first, Ok(None));
    }

    #[test]
    fn a_token_of_another_tenant_filter_call_or_secret_is_refused() {
        let text = encode(&cursor(), &request("support"), &tenant("a"), &key(1));
        let same = with_token(text.clone());
        let (a, b) = (tenant("a"), tenant("b"));
        assert_eq!(
            reason::<TimelineCursor>(&same, &b, &key(1)),
            PAGE_TOKEN_INVALID
        );
        assert_eq!(
            reason::<TimelineCursor>(&same, &a, &key(2)),
            PAGE_TOKEN_INVALID
        );
        assert_eq!(
            reason::<IdentityCursor>(&same, &a, &key(1)),
            PAGE_TOKEN_INVALID
        );
        let other_filter = ListInteractionsRequest {
            channels: vec!["email".into()],
            ..same.clone()
        };
        assert_eq!(
            reason::<TimelineCursor>(&other_filter, &a, &key(1)),
            PAGE_TOKEN_INVALID
        );
        let other_person = ListInteractionsRequest {
            lookup: Some(ProfileLookup {
                profile_id: "p".into(),
                identifiers: vec![],
            }),
            ..same
        };
        assert_eq!(
            reason::<TimelineCursor>(&other_person, &a, &key(1)),
            PAGE_TOKEN_INVALID
        );
        let shouted = with_token(text.to_uppercase());
        assert_eq!(
            reason::<TimelineCursor>(&shouted, &a, &key(1)),
            PAGE_TOKEN_INVALID
        );
        let long = with_token("0".repeat(513));
        assert_eq!(reason::<TimelineCursor>(&long, &a, &key(1)), TOO_LONG);
    }

    /// Writes a cursor into a token and reads it back.
    fn round<C: Cursor>(cursor: &C) -> Option<C> {
        let text = encode(cursor, &request("support"), &tenant("a"), &key(1));
        assert!(text.len() <= MAX_PAGE_TOKEN_BYTES);
        decode(&with_token(text), &tenant("a"), &key(1)).unwrap()
    }

    proptest! {
        #[test]
        fn every_cursor_comes_back(
            number in any::<i64>(), day in any::<i32>(), id in any::<[u8; 16]>(), name in "[a-z][a-z0-9_.-]{0,63}",
        ) {
            let id = Uuid::from_bytes(id);
            let timeline = TimelineCursor {
                occurred_at: Micros(number),
                interaction_id: InteractionId::from_uuid(id),
            };
            prop_assert_eq!(round(&timeline), Some(timeline));
            let identity = IdentityCursor { position: number, key: IdentityKey::from_uuid(id) };
            prop_assert_eq!(round(&identity), Some(identity));
            let named = NameCursor { name };
            prop_assert_eq!(round(&named), Some(named));
            let profile_id = ProfileId::from_uuid(id);
            for search in [SearchCursor::ByTrait { identity: IdentityKey::from_uuid(profile_id.as_uuid()) }, SearchCursor::ByDay { day, profile_id }] {
                prop_assert_eq!(round(&search), Some(search));
            }
        }

        #[test]
        fn a_token_that_was_touched_is_refused(
            at in any::<prop::sample::Index>(), digit in "[0-9a-fA-F]", cut in any::<bool>(),
        ) {
            let text = encode(&cursor(), &request("support"), &tenant("a"), &key(1));
            let at = at.index(text.len());
            let other = if cut {
                text[..at].to_owned()
            } else {
                format!("{}{digit}{}", &text[..at], &text[at + 1..])
            };
            prop_assume!(other != text && !other.is_empty());
            let found = reason::<TimelineCursor>(&with_token(other), &tenant("a"), &key(1));
            prop_assert_eq!(found, PAGE_TOKEN_INVALID);
        }

        #[test]
        fn any_text_and_any_cursor_bytes_are_answered(
            text in prop_oneof!["\\PC{1,40}", "[0-9a-f]{1,99}", any::<String>()], bytes in any::<Vec<u8>>(),
        ) {
            let found = decode::<SearchCursor>(&with_token(text.clone()), &tenant("a"), &key(1));
            prop_assert!(found.is_err() || text.is_empty());
            let _ = TimelineCursor::read(&bytes);
            let _ = IdentityCursor::read(&bytes);
            let _ = NameCursor::read(&bytes);
            let _ = SearchCursor::read(&bytes);
        }
    }
}
