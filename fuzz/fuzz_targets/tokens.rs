//! Consistency tokens and page tokens, under a fixed key: what was not sealed here is refused.
//!
//! The first byte chooses between the rest as a text that a caller sends, and the rest as what is sealed.
#![no_main]

use std::{fmt::Debug, sync::LazyLock};

use customer_profile::{
    clock::Micros,
    grpc::{
        page_token::{
            self, Cursor, IdentityCursor, MAX_PAGE_TOKEN_BYTES, NameCursor, PageTokenKey,
            SearchCursor, TimelineCursor,
        },
        token::{TokenError, TokenKey, WriteToken},
        validate::limits::MAX_TOKEN_BYTES,
    },
    identity::HashSecret,
    ids::{IdentityKey, InteractionId, ProfileId, TenantId},
    proto::v1::ListInteractionsRequest,
};
use customer_profile_fuzz::{NOW, SECRET, TENANT, sound, tenant};
use libfuzzer_sys::fuzz_target;
use uuid::Uuid;

/// The keys of the store, and of another one.
static KEYS: LazyLock<[(TokenKey, PageTokenKey); 2]> = LazyLock::new(|| {
    let other = HashSecret::new(&[8; 64]).expect("64 bytes are enough");
    [&*SECRET, &other].map(|secret| (TokenKey::new(secret), PageTokenKey::new(secret)))
});
static OTHER: LazyLock<TenantId> = LazyLock::new(|| tenant("spa"));

fuzz_target!(|data: &[u8]| {
    let Some((choice, bytes)) = data.split_first() else {
        return;
    };
    match choice % 6 {
        0 => {
            if let Ok(text) = std::str::from_utf8(bytes) {
                of_text(text);
            }
        }
        1 => sealed(bytes),
        kind => paged(kind, bytes),
    }
});

/// Whatever is taken is, to the character, what this store would write.
fn of_text(text: &str) {
    let [(key, page_key), _] = &*KEYS;
    match WriteToken::decode(text, &TENANT, Micros(i64::MIN), key) {
        Ok(token) => assert_eq!(token.encode(&TENANT, key), text),
        Err(why) => assert_eq!(why, TokenError::Invalid),
    }
    page_of_text::<TimelineCursor>(text, page_key);
    page_of_text::<IdentityCursor>(text, page_key);
    page_of_text::<NameCursor>(text, page_key);
    page_of_text::<SearchCursor>(text, page_key);
}

fn request(department: &str, page_token: &str) -> ListInteractionsRequest {
    ListInteractionsRequest {
        departments: vec![department.to_owned()],
        page_token: page_token.to_owned(),
        ..Default::default()
    }
}

fn page_of_text<C: Cursor>(text: &str, key: &PageTokenKey) {
    let request = request("support", text);
    if let Some(Some(cursor)) = sound(page_token::decode::<C>(&request, &TENANT, key)) {
        assert_eq!(page_token::encode(&cursor, &request, &TENANT, key), text);
    }
}

/// Takes what is to be sealed from the bytes.
struct Contents<'a>(&'a [u8]);

impl Contents<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut taken = [0; N];
        let length = N.min(self.0.len());
        let (head, rest) = self.0.split_at(length);
        taken[..length].copy_from_slice(head);
        self.0 = rest;
        taken
    }

    fn number(&mut self) -> i64 {
        i64::from_be_bytes(self.take())
    }

    fn id(&mut self) -> Uuid {
        Uuid::from_bytes(self.take())
    }

    /// The text with one bit of it turned over.
    fn touched(&mut self, text: &str) -> Option<String> {
        let at = usize::from(u16::from_be_bytes(self.take()));
        let mut bytes = text.as_bytes().to_vec();
        bytes[at / 8 % text.len()] ^= 1 << (at % 8);
        String::from_utf8(bytes).ok()
    }
}

fn sealed(bytes: &[u8]) {
    let [(key, _), (other_key, _)] = &*KEYS;
    let mut contents = Contents(bytes);
    let token = WriteToken {
        store: contents.take(),
        position: u64::from_be_bytes(contents.take()),
        issued_at: Micros(contents.number()),
        anchor: (contents.take::<1>() != [0])
            .then(|| (IdentityKey::from_uuid(contents.id()), contents.number())),
    };
    let text = token.encode(&TENANT, key);
    assert!(text.len() <= MAX_TOKEN_BYTES);
    assert_eq!(
        WriteToken::decode(&text, &TENANT, token.issued_at, key),
        Ok(token)
    );
    // Now it may be too old, and is nothing worse.
    let now = WriteToken::decode(&text, &TENANT, NOW, key);
    assert!(matches!(now, Ok(_) | Err(TokenError::Expired)));
    let refused = Err(TokenError::Invalid);
    let at = token.issued_at;
    assert_eq!(WriteToken::decode(&text, &OTHER, at, key), refused);
    assert_eq!(WriteToken::decode(&text, &TENANT, at, other_key), refused);
    if let Some(touched) = contents.touched(&text) {
        assert_eq!(
            WriteToken::decode(&touched, &TENANT, at, key),
            refused,
            "{touched}"
        );
    }
}

fn paged(kind: u8, bytes: &[u8]) {
    let mut contents = Contents(bytes);
    match kind {
        2 => {
            let cursor = TimelineCursor {
                occurred_at: Micros(contents.number()),
                interaction_id: InteractionId::from_uuid(contents.id()),
            };
            page::<_, IdentityCursor>(&cursor, contents);
        }
        3 => {
            let cursor = IdentityCursor {
                position: contents.number(),
                key: IdentityKey::from_uuid(contents.id()),
            };
            page::<_, TimelineCursor>(&cursor, contents);
        }
        4 => {
            let [length] = contents.take();
            let (name, rest) = contents
                .0
                .split_at(contents.0.len().min(usize::from(length) % 65));
            let Ok(name) = String::from_utf8(name.to_vec()) else {
                return;
            };
            page::<_, SearchCursor>(&NameCursor { name }, Contents(rest));
        }
        _ => {
            let by_trait = contents.take::<1>() == [0];
            let id = contents.id();
            let cursor = if by_trait {
                let identity = IdentityKey::from_uuid(id);
                SearchCursor::ByTrait { identity }
            } else {
                let profile_id = ProfileId::from_uuid(id);
                let day = i32::from_be_bytes(contents.take());
                SearchCursor::ByDay { day, profile_id }
            };
            page::<_, NameCursor>(&cursor, contents);
        }
    }
}

/// A cursor comes back to whom it was given, and as no other kind of cursor.
fn page<C: Cursor + Debug + PartialEq, Other: Cursor>(cursor: &C, mut contents: Contents<'_>) {
    let [(_, key), (_, other_key)] = &*KEYS;
    let text = page_token::encode(cursor, &request("support", ""), &TENANT, key);
    assert!(text.len() <= MAX_PAGE_TOKEN_BYTES);
    let asked = request("support", &text);
    let back = sound(page_token::decode::<C>(&asked, &TENANT, key));
    assert_eq!(back.flatten().as_ref(), Some(cursor));
    assert!(sound(page_token::decode::<C>(&asked, &OTHER, key)).is_none());
    assert!(sound(page_token::decode::<C>(&asked, &TENANT, other_key)).is_none());
    assert!(sound(page_token::decode::<Other>(&asked, &TENANT, key)).is_none());
    let filtered = request("sales", &text);
    assert!(sound(page_token::decode::<C>(&filtered, &TENANT, key)).is_none());
    if let Some(touched) = contents.touched(&text) {
        let asked = request("support", &touched);
        let back = sound(page_token::decode::<C>(&asked, &TENANT, key));
        assert_eq!(back, None, "{touched}");
    }
}
