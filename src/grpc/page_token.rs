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
        ExportActionsRequest, GetActionStatsRequest, GetSentimentHistoryRequest,
        ListActionsRequest, ListIdentifiersRequest, ListInteractionsRequest, ListTraitsRequest,
        SearchProfilesRequest, SuggestMergesRequest,
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
    SuggestMergesRequest { page_size, page_token, read_options }
    GetSentimentHistoryRequest { page_size, page_token, read_options }
    ListActionsRequest { page_size, page_token }
    GetActionStatsRequest { page_size, page_token }
}

impl Paged for ExportActionsRequest {
    fn page_token(&self) -> &str {
        &self.page_token
    }

    fn filters(&self) -> Uuid {
        hash(&Self::default())
    }
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

/// A place in a history of feelings: after this interaction, newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeelingCursor(pub TimelineCursor);

impl Cursor for FeelingCursor {
    const KIND: u8 = 6;

    fn write(&self, bytes: &mut Vec<u8>) {
        self.0.write(bytes);
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        TimelineCursor::read(bytes).map(Self)
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

/// A place among the pairs of a tenant, in the order of the profiles that are gone through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuggestionCursor {
    /// The profile that was gone through last.
    pub profile_id: ProfileId,
    /// The last partner that was given with it; none when it is done.
    pub partner: Option<ProfileId>,
    /// How many profiles have been gone through.
    pub looked_at: u64,
    /// How many there were at the beginning.
    pub total: u64,
}

impl Cursor for SuggestionCursor {
    const KIND: u8 = 5;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.profile_id.as_bytes());
        bytes.extend(self.looked_at.to_be_bytes());
        bytes.extend(self.total.to_be_bytes());
        bytes.extend(self.partner.iter().flat_map(|id| *id.as_bytes()));
    }

    fn read(mut bytes: &[u8]) -> Option<Self> {
        let profile_id = ProfileId::from_uuid(Uuid::from_bytes(take(&mut bytes)?));
        let looked_at = u64::from_be_bytes(take(&mut bytes)?);
        let total = u64::from_be_bytes(take(&mut bytes)?);
        let partner = match bytes {
            [] => None,
            _ => Some(ProfileId::from_uuid(Uuid::from_bytes(take(&mut bytes)?))),
        };
        let cursor = Self {
            profile_id,
            partner,
            looked_at,
            total,
        };
        whole(bytes, cursor)
    }
}

/// A place among the actions of a catalogue, by id: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionCursor(pub String);

impl Cursor for ActionCursor {
    const KIND: u8 = 7;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

/// A place among figures of actions, by id: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatsCursor(pub String);

impl Cursor for StatsCursor {
    const KIND: u8 = 9;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

/// A place in an export of a catalogue: after this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportCursor(pub String);

impl Cursor for ExportCursor {
    const KIND: u8 = 8;

    fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend(self.0.as_bytes());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        String::from_utf8(bytes.to_vec()).ok().map(Self)
    }
}

#[cfg(test)]
mod tests;
