//! Requests as they come from strangers: weighed, decoded, checked.
//!
//! The first byte chooses the request. A digit takes the rest as the protocol's JSON, which mutations leave whole more
//! often than they do the wire format; any other byte takes it as it would come over the wire.
#![no_main]

use std::{fmt::Debug, sync::LazyLock};

use customer_profile::{
    clock::Micros,
    grpc::{
        page_token::{
            self, IdentityCursor, NameCursor, PageTokenKey, SearchCursor, TimelineCursor,
        },
        token::TokenKey,
        validate::{self, Context, Lookup, limits},
        weight::weight,
    },
    identity::Region,
    ingest::model::Prepared,
    proto::{
        DESCRIPTORS,
        v1::{
            BatchGetProfilesRequest, ExplainIdentityRequest, GetProfileRequest, Identifier,
            Interaction, ListIdentifiersRequest, ListInteractionsRequest, ListTraitsRequest,
            ProfileLookup, ReadOptions, RecordInteractionsRequest, RetractInteractionsRequest,
            SearchProfilesRequest, StreamInteractionsRequest,
        },
    },
};
use customer_profile_fuzz::{NOW, SECRET, TENANT, context, sound};
use libfuzzer_sys::fuzz_target;
use peak_alloc::PeakAlloc;
use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use prost_types::FieldMask;

/// Counts what is allocated, to hold it against what was estimated.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("the descriptors are whole"));
static TOKENS: LazyLock<TokenKey> = LazyLock::new(|| TokenKey::new(&SECRET));
static PAGES: LazyLock<PageTokenKey> = LazyLock::new(|| PageTokenKey::new(&SECRET));

fuzz_target!(
    init: {
        // Made before anything is counted.
        assert!(weight("customer_profile.v1.GetProfileRequest", b"") > Some(0));
    },
    |data: &[u8]| {
        let Some((choice, bytes)) = data.split_first() else {
            return;
        };
        let (choice, json) = match choice {
            b'0'..=b'9' => (choice - b'0', true),
            other => (other % 10, false),
        };
        match choice {
            0 => request(json, bytes, record),
            1 => request(json, bytes, stream),
            2 => request(json, bytes, list_interactions),
            3 => request(json, bytes, retract),
            4 => request(json, bytes, get_profile),
            5 => request(json, bytes, batch_get),
            6 => request(json, bytes, list_identifiers),
            7 => request(json, bytes, list_traits),
            8 => request(json, bytes, search),
            _ => request(json, bytes, explain),
        }
    }
);

/// Weighs, decodes and checks one, and what it is on the wire again.
fn request<M: Message + Name + Default>(json: bool, bytes: &[u8], check: impl Fn(&M)) {
    let made = json.then(|| from_json(&M::full_name(), bytes));
    let wire = match &made {
        Some(Some(wire)) => wire.as_slice(),
        Some(None) => return,
        None => bytes,
    };
    let Some(weighed) = weight(&M::full_name(), wire) else {
        assert!(M::decode(wire).is_err(), "refused for nothing");
        return;
    };
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let decoded = M::decode(wire);
    let taken = MEMORY.current_usage() - before + size_of::<M>();
    let peak = MEMORY.peak_usage() - before + size_of::<M>();
    let Ok(message) = decoded else {
        // Errors take room themselves.
        assert!(peak <= weighed + wire.len() + 1_024, "{peak} for {weighed}");
        return;
    };
    assert!(taken <= weighed, "{taken} taken, {weighed} weighed");
    assert!(peak <= weighed + wire.len() + 64, "{peak} for {weighed}");
    check(&message);
    let canonical = message.encode_to_vec();
    let again = M::decode(canonical.as_slice()).expect("what was encoded is decoded");
    assert!(again.encode_to_vec() == canonical);
}

fn from_json(name: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let kind = POOL.get_message_by_name(name)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let message = DynamicMessage::deserialize(kind, &mut json).ok()?;
    Some(message.encode_to_vec())
}

fn ctx() -> Context<'static> {
    context(Region::JP)
}

fn record(given: &RecordInteractionsRequest) {
    interactions(&given.interactions, given.run_id.as_deref());
}

fn stream(given: &StreamInteractionsRequest) {
    interactions(&given.interactions, given.run_id.as_deref());
}

fn interactions(given: &[Interaction], run_id: Option<&str>) {
    sound(validate::items(
        "interactions",
        given.len(),
        limits::MAX_BATCH_ITEMS,
    ));
    sound(validate::run_id("run_id", run_id));
    for message in given.iter().take(limits::MAX_BATCH_ITEMS) {
        interaction(message);
    }
}

fn interaction(message: &Interaction) {
    let id = validate::interaction_id(message, &TENANT);
    let Some(prepared) = sound(validate::interaction(message.clone(), &ctx())) else {
        return;
    };
    assert_eq!(id, Some(prepared.id));
    assert_eq!(
        prepared.occurred_at.to_proto(),
        prepared.message.occurred_at.expect("an instant")
    );
    assert!(prepared.occurred_at <= Micros(NOW.0 + limits::FUTURE_TOLERANCE));
    assert!(prepared.anchor().is_some(), "nobody's");
    assert!(prepared.body.len() <= limits::MAX_INTERACTION_BYTES);
    assert!(prepared.body == prepared.message.encode_to_vec());
    let sent = Interaction::decode(prepared.body.clone()).expect("it was encoded");
    assert!(prepare(sent) == prepared, "prepared in two ways");

    let mut turned = message.clone();
    turned.identifiers.reverse();
    let turned = prepare(turned);
    assert!(
        turned.identifiers == prepared.identifiers,
        "order makes a difference"
    );
    for keyed in &prepared.identifiers {
        let value = &keyed.identifier.value;
        assert!((1..=limits::MAX_IDENTIFIER_BYTES).contains(&value.len()));
        assert!(!value.chars().any(char::is_control));
    }
}

fn prepare(message: Interaction) -> Prepared {
    sound(validate::interaction(message, &ctx())).expect("it was good before")
}

fn retract(given: &RetractInteractionsRequest) {
    sound(validate::retract(given, &TENANT));
}

fn options(given: Option<&ReadOptions>) {
    sound(validate::read_options(
        "read_options",
        given,
        &TENANT,
        NOW,
        &TOKENS,
    ));
}

fn mask(given: Option<&FieldMask>) {
    sound(validate::field_mask(given));
}

/// A look-up by what is shown of its identifiers is the same.
fn lookup(field: &str, given: Option<&ProfileLookup>) {
    let Some(found) = sound(validate::lookup(field, given, &ctx())) else {
        return;
    };
    let Lookup::Identifiers(identifiers) = &found else {
        return;
    };
    let shown = identifiers.iter().flatten().map(|keyed| Identifier {
        namespace: keyed.identifier.namespace.clone(),
        value: keyed.identifier.value.clone(),
    });
    let asked = ProfileLookup {
        profile_id: String::new(),
        identifiers: shown.collect(),
    };
    if !asked.identifiers.is_empty() {
        let usable = identifiers.iter().filter(|keyed| keyed.is_some()).cloned();
        let again = sound(validate::lookup(field, Some(&asked), &ctx()));
        assert_eq!(again, Some(Lookup::Identifiers(usable.collect())));
    }
}

fn size(given: i32, default: u32, most: u32) {
    if let Some(size) = sound(validate::page_size("page_size", given, default, most)) {
        assert!((1..=most).contains(&size));
    }
}

/// No page token is good: none was given.
fn page<C: page_token::Cursor + Debug + PartialEq>(given: &impl page_token::Paged) {
    let found = sound(page_token::decode::<C>(given, &TENANT, &PAGES));
    assert!(found.is_none() || given.page_token().is_empty());
}

fn list_interactions(given: &ListInteractionsRequest) {
    lookup("lookup", given.lookup.as_ref());
    if let Some(found) = sound(validate::timeline(given)) {
        assert_eq!(found.departments, given.departments);
        assert!(
            found
                .from
                .zip(found.before)
                .is_none_or(|(from, before)| from < before)
        );
    }
    size(given.page_size, limits::DEFAULT_PAGE, limits::MAX_PAGE);
    page::<TimelineCursor>(given);
    options(given.read_options.as_ref());
}

fn get_profile(given: &GetProfileRequest) {
    lookup("lookup", given.lookup.as_ref());
    mask(given.field_mask.as_ref());
    options(given.read_options.as_ref());
}

fn batch_get(given: &BatchGetProfilesRequest) {
    sound(validate::items(
        "lookups",
        given.lookups.len(),
        limits::MAX_LOOKUPS,
    ));
    for (n, asked) in given.lookups.iter().take(limits::MAX_LOOKUPS).enumerate() {
        lookup(&format!("lookups[{n}]"), Some(asked));
    }
    mask(given.field_mask.as_ref());
    options(given.read_options.as_ref());
}

fn list_identifiers(given: &ListIdentifiersRequest) {
    lookup("lookup", given.lookup.as_ref());
    size(given.page_size, limits::DEFAULT_PAGE, limits::MAX_PAGE);
    page::<IdentityCursor>(given);
    options(given.read_options.as_ref());
}

fn list_traits(given: &ListTraitsRequest) {
    lookup("lookup", given.lookup.as_ref());
    size(given.page_size, limits::DEFAULT_PAGE, limits::MAX_PAGE);
    page::<NameCursor>(given);
    options(given.read_options.as_ref());
}

fn search(given: &SearchProfilesRequest) {
    if let Some(found) = sound(validate::search(given)) {
        let canonical = SearchProfilesRequest {
            traits: found.traits.clone(),
            ..given.clone()
        };
        assert_eq!(sound(validate::search(&canonical)).as_ref(), Some(&found));
    }
    size(
        given.page_size,
        limits::DEFAULT_SEARCH_PAGE,
        limits::MAX_SEARCH_PAGE,
    );
    page::<SearchCursor>(given);
    mask(given.field_mask.as_ref());
    options(given.read_options.as_ref());
}

fn explain(given: &ExplainIdentityRequest) {
    lookup("lookup", given.lookup.as_ref());
    options(given.read_options.as_ref());
}
