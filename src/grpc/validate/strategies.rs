//! Made-up interactions for property tests.
//!
//! [`sound`] makes interactions that must be accepted at [`NOW`] in the tenant of [`with_context`]. Names and values come
//! from small pools, so that people, orders and tickets meet and events repeat. [`hostile`] makes anything at all.

use proptest::{collection::vec, option, prelude::*, sample::select};
use prost_types::{ListValue, Struct, Timestamp, Value, value};

use super::Context;
use crate::{
    clock::Micros,
    identity::{HashSecret, Region, Rules},
    ids::TenantId,
    proto::v1::{
        CallerSentiment, ConsentChange, Direction, Identifier, Interaction, Money, Subject,
        SurveyScore, TextList, Trait, TraitValue, trait_value::Kind,
    },
};

/// The time at which sound interactions are accepted: 2026-01-01T00:00:00Z.
pub(crate) const NOW: Micros = Micros(1_767_225_600_000_000);

/// Runs a check with the default tenant, Japan, [`NOW`] and a fixed secret.
pub(crate) fn with_context<T>(check: impl FnOnce(&Context<'_>) -> T) -> T {
    let tenant = TenantId::default_tenant();
    let secret = HashSecret::new(&[7; HashSecret::SHORTEST]).unwrap();
    check(&Context {
        tenant: &tenant,
        region: Region::JP,
        now: NOW,
        secret: &secret,
        rules: &Rules::default(),
    })
}

/// An identifier.
pub(crate) fn identifier(namespace: &str, value: &str) -> Identifier {
    Identifier {
        namespace: namespace.into(),
        value: value.into(),
    }
}

/// An interaction that is accepted and says as little as possible.
pub(crate) fn plain(event_id: &str, r#type: &str) -> Interaction {
    Interaction {
        source: "web".into(),
        event_id: event_id.into(),
        occurred_at: Some(Timestamp {
            seconds: 1_700_000_000,
            nanos: 0,
        }),
        department: "web".into(),
        channel: "web".into(),
        r#type: r#type.into(),
        identifiers: vec![identifier("customer_id", "c1")],
        ..Default::default()
    }
}

/// Interactions that must be accepted.
pub(crate) fn sound() -> impl Strategy<Value = Interaction> {
    let facts = (
        identifiers(),
        traits(),
        vec(survey_score(), 0..3),
        vec(consent_change(), 0..3),
        option::of(attributes()),
    );
    let words = (
        option::of("[ぁ-んa-z。 \n]{0,40}"),
        option::of(select(vec!["ja", "en-GB", "zh-Hant-TW"])),
        option::of(caller_sentiment()),
    );
    (names(), about(), facts, words).prop_map(|(names, about, facts, words)| {
        let (source, event, department, channel, (seconds, nanos)) = names;
        let (r#type, subject, direction, money) = about;
        let (identifiers, traits, survey_scores, consent_changes, attributes) = facts;
        Interaction {
            source: source.into(),
            event_id: format!("event {event}"),
            occurred_at: Some(Timestamp { seconds, nanos }),
            department: department.into(),
            channel: channel.into(),
            r#type: r#type.into(),
            subject,
            direction,
            identifiers,
            traits,
            text: words.0,
            language: words.1.map(str::to_owned),
            survey_scores,
            money,
            consent_changes,
            attributes,
            sentiment: words
                .2
                .filter(|_| direction != i32::from(Direction::Outbound)),
            offer: None,
        }
    })
}

fn caller_sentiment() -> impl Strategy<Value = CallerSentiment> {
    let confidence = option::of(0.001..=1.0);
    (-1.0..=1.0, confidence).prop_map(|(polarity, confidence)| CallerSentiment {
        polarity,
        confidence,
        method: "agent".into(),
    })
}

type Names = (&'static str, u16, &'static str, &'static str, (i64, i32));

fn names() -> impl Strategy<Value = Names> {
    (
        select(vec!["shop", "desk-jp", "mailer.eu"]),
        0u16..500,
        select(vec!["sales", "support", "marketing", "web"]),
        select(vec!["email", "phone", "web", "store"]),
        // A few days before NOW, few enough instants for ties; digits below a microsecond are cut off.
        (
            (0i64..400).prop_map(|step| NOW.0 / Micros::SECOND - step * 1_000),
            select(vec![0, 1, 1_000, 999_999_999]),
        ),
    )
}

type About = (&'static str, Option<Subject>, i32, Option<Money>);

fn about() -> impl Strategy<Value = About> {
    let kinds = vec![
        ("order.placed", 1, 0),
        ("order.returned", 1, 0),
        ("order.cancelled", 1, 0),
        ("ticket.opened", 2, 0),
        ("ticket.replied", 2, 1),
        ("ticket.closed", 2, 0),
        ("ticket.reopened", 2, 0),
        ("message.sent", 3, 0),
        ("page.viewed", 5, 0),
        ("note.taken", 0, 0),
        ("survey.answered", 2, 3),
    ];
    let amount = (select(vec!["JPY", "USD", "EUR"]), 0i64..100_000);
    (select(kinds), 0u8..12, 0i32..3, amount).prop_map(
        |((r#type, kind, status), id, direction, (currency, minor_units))| {
            let subject = (kind != 0).then(|| Subject {
                kind,
                id: format!("{kind}-{id}"),
                status,
            });
            let money = r#type.starts_with("order.").then(|| Money {
                currency: currency.into(),
                minor_units,
            });
            (r#type, subject, direction, money)
        },
    )
}

/// Identifiers of a few dozen people, in the forms people write them; at least one is usable.
fn identifiers() -> impl Strategy<Value = Vec<Identifier>> {
    let usable = (0u8..30, 0u8..6).prop_map(|(who, form)| match form {
        0 => identifier("customer_id", &format!("00{who}")),
        1 => identifier("email", &format!("Person{who}@Example.COM")),
        2 => identifier("email", &format!("ｐｅｒｓｏｎ{who}@example.com")),
        3 => identifier("phone", &format!("090-1234-{:04}", u16::from(who) + 1_000)),
        4 => identifier("social_handle", &format!("@Person_{who}")),
        _ => identifier("device_id", &format!("d{}", who / 4)),
    });
    let unusable = select(vec![
        ("email", "null"),
        ("email", "nobody"),
        ("phone", "12"),
        ("customer_id", "不明"),
        ("social_handle", "@"),
    ])
    .prop_map(|(namespace, value)| identifier(namespace, value));
    (vec(unusable, 0..2), vec(usable, 1..4)).prop_map(|(mut all, mut usable)| {
        // No interaction names two customers.
        let mut named = false;
        usable.retain(|i| i.namespace != "customer_id" || !std::mem::replace(&mut named, true));
        all.extend(usable);
        all
    })
}

fn traits() -> impl Strategy<Value = Vec<Trait>> {
    let kind = prop_oneof![
        "[ぁ-んa-z ]{0,20}".prop_map(Kind::Text),
        any::<i64>().prop_map(Kind::Integer),
        "-?[0-9]{1,14}(\\.[0-9]{1,14})?".prop_map(Kind::Decimal),
        any::<bool>().prop_map(Kind::Boolean),
        (1u16..=9999, 1u8..=12, 1u8..=28)
            .prop_map(|(y, m, d)| Kind::Date(format!("{y:04}-{m:02}-{d:02}"))),
        (-62_135_596_800i64..=253_402_300_799, 0i32..1_000_000_000)
            .prop_map(|(seconds, nanos)| Kind::Time(Timestamp { seconds, nanos })),
        vec("[a-z]{0,8}", 0..4).prop_map(|values| Kind::List(TextList { values })),
        Just(Kind::Unset(true)),
    ];
    let names = select(vec!["first_name", "birthday", "shoe-size", "vip", "tags"]);
    proptest::collection::btree_map(names, kind, 0..4).prop_map(|facts| {
        let facts = facts.into_iter();
        facts
            .map(|(name, kind)| Trait {
                name: name.into(),
                value: Some(TraitValue { kind: Some(kind) }),
            })
            .collect()
    })
}

fn survey_score() -> impl Strategy<Value = SurveyScore> {
    (
        1i32..=7,
        1i32..=5,
        option::of("[a-z_]{3,9}".prop_map(|q| format!("q{q}"))),
    )
        .prop_map(|(scale, value, question)| SurveyScore {
            scale,
            value,
            question,
        })
}

fn consent_change() -> impl Strategy<Value = ConsentChange> {
    let address = (0u8..9).prop_map(|who| identifier("email", &format!("person{who}@example.com")));
    (
        select(vec!["marketing", "profiling"]),
        1i32..=2,
        option::of(select(vec!["email", "phone"])),
        option::of(address),
    )
        .prop_map(|(purpose, state, channel, address)| ConsentChange {
            purpose: purpose.into(),
            state,
            channel: channel.map(str::to_owned),
            address,
        })
}

fn attributes() -> impl Strategy<Value = Struct> {
    let leaf = prop_oneof![
        Just(value::Kind::NullValue(0)),
        any::<bool>().prop_map(value::Kind::BoolValue),
        (-1e9..1e9f64).prop_map(value::Kind::NumberValue),
        "[a-zぁ-ん]{0,9}".prop_map(value::Kind::StringValue),
    ]
    .prop_map(|kind| Value { kind: Some(kind) });
    let list = vec(leaf.clone(), 0..3).prop_map(|values| Value {
        kind: Some(value::Kind::ListValue(ListValue { values })),
    });
    let fields = proptest::collection::btree_map("[a-z商品]{1,6}", prop_oneof![leaf, list], 0..5);
    fields.prop_map(|fields| Struct { fields })
}

/// Anything that the protocol can carry.
pub(crate) fn hostile() -> impl Strategy<Value = Interaction> {
    let identifier =
        (anything(), anything()).prop_map(|(namespace, value)| Identifier { namespace, value });
    let subject = (any::<i32>(), anything(), any::<i32>()).prop_map(|(kind, id, status)| Subject {
        kind,
        id,
        status,
    });
    let score = (any::<i32>(), any::<i32>(), option::of(anything())).prop_map(
        |(scale, value, question)| SurveyScore {
            scale,
            value,
            question,
        },
    );
    let money = (anything(), any::<i64>()).prop_map(|(currency, minor_units)| Money {
        currency,
        minor_units,
    });
    let consent = (
        anything(),
        any::<i32>(),
        option::of(anything()),
        option::of(identifier.clone()),
    )
        .prop_map(|(purpose, state, channel, address)| ConsentChange {
            purpose,
            state,
            channel,
            address,
        });
    let felt = (any::<f64>(), option::of(any::<f64>()), anything()).prop_map(
        |(polarity, confidence, method)| CallerSentiment {
            polarity,
            confidence,
            method,
        },
    );
    let names = (anything(), anything(), anything(), anything(), anything());
    let rest = (
        (option::of(timestamp()), option::of(subject), any::<i32>()),
        (vec(identifier, 0..40), vec(wild_trait(), 0..70)),
        (option::of(anything()), option::of(anything())),
        (vec(score, 0..20), option::of(money), vec(consent, 0..40)),
        (option::of(wild_struct()), option::of(felt)),
    );
    (names, rest).prop_map(
        |(names, (when, who, words, what, (attributes, sentiment)))| Interaction {
            source: names.0,
            event_id: names.1,
            department: names.2,
            channel: names.3,
            r#type: names.4,
            occurred_at: when.0,
            subject: when.1,
            direction: when.2,
            identifiers: who.0,
            traits: who.1,
            text: words.0,
            language: words.1,
            survey_scores: what.0,
            money: what.1,
            consent_changes: what.2,
            attributes,
            sentiment,
            offer: None,
        },
    )
}

fn anything() -> impl Strategy<Value = String> + Clone {
    prop_oneof![
        Just(String::new()),
        "[a-z.]{1,8}",
        "\\PC{0,20}",
        any::<String>(),
        select(vec![
            "email",
            "phone",
            "order.placed",
            "ticket.opened",
            "JPY",
            "\0",
            "@"
        ])
        .prop_map(str::to_owned),
        (0usize..600).prop_map(|length| "x".repeat(length)),
    ]
}

fn timestamp() -> impl Strategy<Value = Timestamp> + Clone {
    let seconds = prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -9i64..9];
    let nanos = prop_oneof![any::<i32>(), 0i32..1_000_000_000];
    (seconds, nanos).prop_map(|(seconds, nanos)| Timestamp { seconds, nanos })
}

fn wild_trait() -> impl Strategy<Value = Trait> {
    let kind = prop_oneof![
        anything().prop_map(Kind::Text),
        prop_oneof![anything(), "[-+0-9.eE_]{0,40}"].prop_map(Kind::Decimal),
        prop_oneof![anything(), "[-0-9]{10}"].prop_map(Kind::Date),
        timestamp().prop_map(Kind::Time),
        vec(anything(), 0..70).prop_map(|values| Kind::List(TextList { values })),
        any::<bool>().prop_map(Kind::Unset),
    ];
    let value = option::of(option::of(kind).prop_map(|kind| TraitValue { kind }));
    (anything(), value).prop_map(|(name, value)| Trait { name, value })
}

fn wild_struct() -> impl Strategy<Value = Struct> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(value::Kind::NullValue),
        any::<f64>().prop_map(value::Kind::NumberValue),
        anything().prop_map(value::Kind::StringValue),
    ]
    .prop_map(|kind| Value { kind: Some(kind) });
    let leaf = prop_oneof![Just(Value { kind: None }), leaf];
    let fields = |inner: BoxedStrategy<Value>| {
        proptest::collection::btree_map(anything(), inner, 0..5)
            .prop_map(|fields| Struct { fields })
    };
    let value = leaf.prop_recursive(7, 80, 5, move |inner| {
        prop_oneof![
            fields(inner.clone().boxed()).prop_map(value::Kind::StructValue),
            vec(inner, 0..5).prop_map(|values| value::Kind::ListValue(ListValue { values })),
        ]
        .prop_map(|kind| Value { kind: Some(kind) })
    });
    fields(value.boxed())
}
