//! The comparable forms of identifiers: what docs/identifiers.md promises of them.
//!
//! The first byte chooses namespace and region, the rest is the value.
#![no_main]

use customer_profile::{
    grpc::validate::{Lookup, limits::MAX_IDENTIFIER_BYTES, lookup},
    identity::{Normalised, Region, Unusable, normalise::normalise},
    proto::v1::{Identifier, ProfileLookup},
};
use customer_profile_fuzz::{context, sound};
use libfuzzer_sys::fuzz_target;

const NAMESPACES: [&str; 8] = [
    "email",
    "phone",
    "social_handle",
    "customer_id",
    "loyalty_id",
    "device_id",
    "cookie",
    "crm_contact",
];
const REGIONS: [&str; 8] = ["JP", "US", "GB", "IT", "AR", "BR", "DE", "CN"];

fuzz_target!(|data: &[u8]| {
    let Some((choice, value)) = data.split_first() else {
        return;
    };
    let Ok(raw) = std::str::from_utf8(value) else {
        return;
    };
    let choice = usize::from(*choice);
    let region = REGIONS[choice / 8 % 8].parse().expect("a region");
    check(NAMESPACES[choice % 8], raw, region);
});

fn check(namespace: &str, raw: &str, region: Region) {
    let found = normalise(namespace, raw, region);
    let folds_case = matches!(namespace, "email" | "social_handle");
    assert_same(namespace, &wide(raw), region, &found);
    if folds_case {
        assert_same(namespace, &raw.to_ascii_uppercase(), region, &found);
    }
    let Ok(found) = found else { return };
    let value = found.value.as_str();
    assert_eq!(found.namespace, namespace);
    assert_same(namespace, value, region, &Ok(found.clone()));
    assert!(!value.is_empty() && value == value.trim());
    // The longest that folding makes of a character is eleven times its bytes.
    assert!(value.len() <= 16 * raw.len(), "{}", value.len());
    if !raw.trim().chars().any(char::is_control) {
        assert!(!value.chars().any(char::is_control));
    }
    match namespace {
        "email" => assert_eq!(value.matches('@').count(), 1),
        "phone" => {
            let digits = value.strip_prefix('+').expect("a prefix");
            assert!(digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() < 20);
        }
        "social_handle" => assert!(!value.starts_with('@')),
        _ if raw.is_ascii() => assert_eq!(value, raw.trim()),
        _ => {}
    }
    assert!(!folds_case || !value.bytes().any(|b| b.is_ascii_uppercase()));
    shown_values_find_again(namespace, raw, &found, region);
}

fn assert_same(namespace: &str, raw: &str, region: Region, wanted: &Result<Normalised, Unusable>) {
    let found = normalise(namespace, raw, region);
    assert!(
        found == *wanted,
        "{raw:?}: {:?}, {:?}",
        text(&found),
        text(wanted)
    );
}

fn text(found: &Result<Normalised, Unusable>) -> Result<&str, &Unusable> {
    found.as_ref().map(|n| n.value.as_str())
}

/// Printable ASCII as full-width forms.
fn wide(raw: &str) -> String {
    let widen = |c| match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        c => c,
    };
    raw.chars().map(widen).collect()
}

/// What is shown as an identifier of a profile finds that profile.
fn shown_values_find_again(namespace: &str, raw: &str, shown: &Normalised, region: Region) {
    let by_raw = key(namespace, raw, region);
    if by_raw.is_some() {
        assert!(shown.value.len() <= MAX_IDENTIFIER_BYTES);
        let by_shown = key(namespace, &shown.value, region);
        assert!(by_raw == by_shown, "{raw:?} is shown as {:?}", shown.value);
    }
}

fn key(namespace: &str, value: &str, region: Region) -> Option<Lookup> {
    let asked = ProfileLookup {
        profile_id: String::new(),
        identifiers: vec![Identifier {
            namespace: namespace.to_owned(),
            value: value.to_owned(),
        }],
    };
    sound(lookup("lookup", Some(&asked), &context(region)))
}
