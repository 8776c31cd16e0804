//! What must be true of the check of interactions.

use proptest::prelude::*;
use prost::Message as _;
use prost_types::Timestamp;

use super::{
    breaks::{BREAKS, fact},
    interaction, interaction_id,
    limits::{FUTURE_TOLERANCE, MAX_INTERACTION_BYTES, MAX_TEXT_BYTES, MAX_VIOLATIONS},
    strategies::{NOW, hostile, identifier, plain, sound, with_context},
};
use crate::{
    clock::Micros,
    error::Violation,
    identity::Unusable,
    ids::TenantId,
    ingest::model::Prepared,
    proto::v1::{ConsentChange, Interaction, Money, Subject, trait_value::Kind},
};

fn prepare(message: Interaction) -> Result<Prepared, Vec<Violation>> {
    with_context(|ctx| interaction(message, ctx))
}

fn found(message: Interaction) -> Vec<(String, &'static str)> {
    let found = prepare(message).unwrap_err();
    found.into_iter().map(|v| (v.field, v.reason)).collect()
}

fn one(field: &str, reason: &'static str) -> [(String, &'static str); 1] {
    [(field.to_owned(), reason)]
}

#[expect(clippy::unnecessary_wraps, reason = "goes into an optional field")]
fn seconds(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

#[test]
fn the_first_identifier_is_the_strongest_and_none_comes_twice() {
    let mut message = plain("1", "page.viewed");
    message.identifiers = vec![
        identifier("cookie", "k"),
        identifier("email", "b@x.example"),
        identifier("email", "A@x.example"),
        identifier("email", "ａ@X.example "),
        identifier("loyalty_id", "9\r\n"),
        identifier("email", "guest"),
    ];
    let prepared = prepare(message).unwrap();
    let values: Vec<_> = prepared
        .identifiers
        .iter()
        .map(|keyed| keyed.identifier.value.as_str())
        .collect();
    assert_eq!(values, ["9", "a@x.example", "b@x.example", "k"]);
    assert_eq!(prepared.unusable, [Unusable::Blocked]);
    assert_eq!(prepared.message.identifiers.len(), 6, "kept as sent");
}

#[test]
fn without_a_usable_identifier_each_is_named_with_its_reason() {
    let mut message = plain("1", "page.viewed");
    message.identifiers = vec![
        identifier("email", "null"),
        identifier("email", "taro"),
        identifier("phone", "12"),
        identifier("social_handle", "@@"),
    ];
    let value = |i: usize| format!("identifiers[{i}].value");
    assert_eq!(
        found(message),
        [
            (value(0), "identifier_blocked"),
            (value(1), "identifier_not_an_email"),
            (value(2), "identifier_not_a_phone"),
            (value(3), "identifier_empty"),
            ("identifiers".into(), "no_usable_identifier"),
        ]
    );
}

#[test]
fn an_unusable_consent_address_is_refused_although_others_are_left_out() {
    let mut message = plain("1", "consent.changed");
    message.consent_changes = vec![ConsentChange {
        purpose: "marketing".into(),
        state: 2,
        channel: None,
        address: Some(identifier("email", "unknown")),
    }];
    let want = one("consent_changes[0].address.value", "identifier_blocked");
    assert_eq!(found(message), want);
}

#[test]
fn orders_need_an_order_and_an_amount_and_tickets_a_ticket() {
    let about = |kind| {
        Some(Subject {
            kind,
            id: "1".into(),
            status: 0,
        })
    };
    let order = plain("1", "order.placed");
    let want = [
        ("subject".to_owned(), "subject_required"),
        ("money".to_owned(), "money_required"),
    ];
    assert_eq!(found(order), want);
    let mut order = plain("1", "order.returned");
    order.subject = about(2);
    order.money = Some(Money {
        currency: "JPY".into(),
        minor_units: -1,
    });
    let want = [
        ("subject.kind".to_owned(), "subject_required"),
        ("money.minor_units".to_owned(), "out_of_range"),
    ];
    assert_eq!(found(order), want);
    let mut ticket = plain("1", "ticket.merged");
    assert_eq!(found(ticket.clone()), one("subject", "subject_required"));
    ticket.subject = about(2);
    assert!(prepare(ticket).is_ok());
    for free in ["order", "orders.placed", "ticketing.opened"] {
        assert!(prepare(plain("1", free)).is_ok(), "{free}");
    }
}

#[test]
fn the_future_begins_five_minutes_ahead_and_the_past_ends_in_1970() {
    let mut message = plain("1", "page.viewed");
    let latest = Micros(NOW.0 + FUTURE_TOLERANCE);
    message.occurred_at = Some(latest.to_proto());
    assert_eq!(prepare(message.clone()).unwrap().occurred_at, latest);
    for (at, want) in [
        (Some(Micros(latest.0 + 1).to_proto()), "in_the_future"),
        (seconds(i64::MAX), "in_the_future"),
        (Some(Micros(-1).to_proto()), "before_1970"),
        (seconds(i64::MIN), "before_1970"),
        (
            Some(Timestamp {
                seconds: 0,
                nanos: -1,
            }),
            "malformed",
        ),
        (None, "required"),
    ] {
        message.occurred_at = at;
        assert_eq!(found(message.clone()), one("occurred_at", want));
    }
}

#[test]
fn digits_below_a_microsecond_make_no_other_interaction() {
    let mut message = plain("1", "page.viewed");
    let before = prepare(message.clone()).unwrap();
    message.occurred_at.as_mut().unwrap().nanos = 999;
    assert_eq!(prepare(message).unwrap(), before);
}

#[test]
fn the_hash_of_a_message_is_the_same_in_every_release() {
    let mut message = plain("1", "page.viewed");
    message.identifiers.push(identifier("email", "A@b.example"));
    message.traits = vec![fact("size", Kind::Decimal("26.50".into()))];
    let hash = prepare(message).unwrap().body_hash;
    assert_eq!(hash.to_string(), "da41a6b9-78c1-3fac-04b2-907cc6cc5d65");
}

#[test]
fn an_interaction_as_a_whole_has_a_limit() {
    let mut message = plain("1", "page.viewed");
    let text = "x".repeat(2_048);
    message.text = Some("x".repeat(MAX_TEXT_BYTES));
    message.traits = (0..16)
        .map(|i| fact(&format!("t{i}"), Kind::Text(text.clone())))
        .collect();
    assert!(message.encoded_len() > MAX_INTERACTION_BYTES);
    assert_eq!(found(message), one("", "too_large"));
}

#[test]
fn what_is_printed_of_it_names_nobody() {
    let mut message = plain("1", "page.viewed");
    message.identifiers = vec![identifier("email", "taro@x.example")];
    message.text = Some("secret words".into());
    let printed = format!("{:?}", prepare(message).unwrap());
    for hidden in ["taro", "secret"] {
        assert!(!printed.contains(hidden), "{printed}");
    }
}

#[test]
fn a_rejected_interaction_has_an_id_when_its_name_is_sound() {
    let tenant = TenantId::default_tenant();
    let message = plain("1", "");
    assert!(prepare(message.clone()).is_err());
    let id = prepare(plain("1", "x")).unwrap().id;
    assert_eq!(interaction_id(&message, &tenant), Some(id));
    assert_eq!(interaction_id(&plain("", "x"), &tenant), None);
}

proptest! {
    #[test]
    fn a_sound_interaction_is_accepted_and_preparing_it_again_changes_nothing(message in sound()) {
        let once = prepare(message).map_err(|v| TestCaseError::fail(format!("{v:?}")))?;
        prop_assert_eq!(once.body.as_ref(), once.message.encode_to_vec());
        let decoded = Interaction::decode(once.body.clone()).unwrap();
        prop_assert_eq!(prepare(decoded), Ok(once));
    }

    #[test]
    fn any_message_is_answered(message in hostile()) {
        match prepare(message) {
            Ok(once) => {
                let decoded = Interaction::decode(once.body.clone()).unwrap();
                prop_assert_eq!(prepare(decoded), Ok(once));
            }
            Err(found) => prop_assert!((1..=MAX_VIOLATIONS).contains(&found.len())),
        }
    }

    #[test]
    fn a_part_of_a_sound_interaction_that_is_anything_is_answered(
        mut message in sound(), other in hostile(), parts in any::<[bool; 6]>(),
    ) {
        if parts[0] { message.traits = other.traits; }
        if parts[1] { message.identifiers = other.identifiers; }
        if parts[2] { message.attributes = other.attributes; }
        if parts[3] { message.consent_changes = other.consent_changes; }
        if parts[4] { message.occurred_at = other.occurred_at; }
        if parts[5] { message.text = other.text; }
        if let Ok(once) = prepare(message) {
            let decoded = Interaction::decode(once.body.clone()).unwrap();
            prop_assert_eq!(prepare(decoded), Ok(once));
        }
    }

    #[test]
    fn a_field_over_its_limit_is_named(message in sound(), at in any::<prop::sample::Index>()) {
        let (field, reason, change) = BREAKS[at.index(BREAKS.len())];
        let mut message = message;
        change(&mut message);
        prop_assert!(found(message).contains(&(field.to_owned(), reason)), "{field} {reason}");
    }

    #[test]
    fn other_content_has_another_hash(a in sound(), b in sound()) {
        let (a, b) = (prepare(a).unwrap(), prepare(b).unwrap());
        prop_assert_eq!(a.message == b.message, a.body_hash == b.body_hash);
    }
}

#[test]
fn every_limit_is_named() {
    for (field, reason, change) in BREAKS {
        let mut message = plain("1", "page.viewed");
        change(&mut message);
        let found = found(message);
        assert!(
            found.contains(&((*field).to_owned(), reason)),
            "{field} {reason}: {found:?}"
        );
    }
}
