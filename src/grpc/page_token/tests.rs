//! Page tokens: whose they are, and that every cursor comes back.

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
        prop_assert_eq!(round(&FeelingCursor(timeline)), Some(FeelingCursor(timeline)));
        let identity = IdentityCursor { position: number, key: IdentityKey::from_uuid(id) };
        prop_assert_eq!(round(&identity), Some(identity));
        let named = NameCursor { name };
        prop_assert_eq!(round(&named), Some(named));
        let profile_id = ProfileId::from_uuid(id);
        for partner in [None, Some(profile_id)] {
            let pairs = SuggestionCursor { profile_id, partner, looked_at: 7, total: u64::MAX };
            prop_assert_eq!(round(&pairs), Some(pairs));
        }
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
        let _ = SuggestionCursor::read(&bytes);
        let _ = SearchCursor::read(&bytes);
    }
}
