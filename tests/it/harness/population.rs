//! Made-up people and what they do: the same for the same seed.
//!
//! People have several identifiers, written in the forms that people write them; some share a phone or a device, which
//! joins them. Events come late, at the same instants, and about the same orders and tickets. A few people do a lot, so
//! that their orders lie beside their states. No two interactions have one name: repeats are the sender's.

use customer_profile::proto::v1::{
    ConsentChange, ConsentState, Direction, Identifier, Interaction, Money, Subject, SubjectKind,
    SubjectStatus, SurveyScale, SurveyScore, TextList, Trait, TraitValue, trait_value::Kind,
};
use prost_types::Timestamp;

use super::random::Random;

/// The first of them, 2023-11-14T22:13:00Z.
const BEGIN: i64 = 1_699_999_980;

/// `count` interactions over `people` people.
pub fn interactions(seed: u64, count: usize, people: usize) -> Vec<Interaction> {
    let mut random = Random::new(seed);
    (0..count)
        .map(|n| interaction(&mut random, n, people))
        .collect()
}

/// The same and every tenth of them once more.
pub fn with_repeats(interactions: &[Interaction]) -> Vec<Interaction> {
    let repeats = interactions.iter().step_by(10);
    interactions.iter().chain(repeats).cloned().collect()
}

fn interaction(random: &mut Random, n: usize, people: usize) -> Interaction {
    // A tenth of everything is about five people.
    let busy = random.once_in(10);
    let person = random.below(if busy { people.min(5) } else { people });
    let mut made = about(random, person, busy);
    made.event_id = format!("{}-{n}", made.source);
    made.occurred_at = Some(when(random, n));
    made.identifiers = identifiers(random, person);
    if random.once_in(3) {
        made.traits = traits(random, person);
    }
    if random.once_in(4) {
        let (language, text) = *random.pick(&TEXTS);
        made.language = Some(language.into());
        made.text = Some(text.into());
    }
    made
}

/// A minute each, a few in the same one; some come weeks late.
fn when(random: &mut Random, n: usize) -> Timestamp {
    let step = i64::try_from(n / 3).unwrap();
    let late = if random.once_in(7) {
        i64::try_from(random.below(40_000)).unwrap()
    } else {
        0
    };
    Timestamp {
        seconds: BEGIN + (step - late) * 60,
        nanos: 0,
    }
}

fn identifier(namespace: &str, value: String) -> Identifier {
    Identifier {
        namespace: namespace.into(),
        value,
    }
}

/// One to four of a person's identifiers.
fn identifiers(random: &mut Random, person: usize) -> Vec<Identifier> {
    let known = 1 + random.below(3);
    let mut found: Vec<Identifier> = (0..known).map(|_| own(random, person)).collect();
    // One household in four shares a phone and a device; a few people share one with a stranger.
    let household = person / 3;
    if household.is_multiple_of(4) && random.once_in(6) {
        found.push(match random.below(2) {
            0 => phone(random, 3 * household),
            _ => identifier("device_id", format!("home-{household}")),
        });
    }
    if person.is_multiple_of(50) && random.once_in(8) {
        found.push(identifier("device_id", format!("kiosk-{}", person / 100)));
    }
    if random.once_in(40) {
        found.push(identifier("email", "不明".into()));
    }
    found
}

fn own(random: &mut Random, person: usize) -> Identifier {
    match random.below(8) {
        0 | 1 => identifier("customer_id", format!("C-{person:06}")),
        2 | 3 => email(random, person),
        4 | 5 => phone(random, person),
        6 => identifier("device_id", format!("d-{person}-{}", random.below(2))),
        _ => identifier("cookie", format!("c-{person}-{}", random.below(4))),
    }
}

fn email(random: &mut Random, person: usize) -> Identifier {
    let value = match random.below(4) {
        0 => format!("Person{person}@Example.COM"),
        1 => format!("ｐｅｒｓｏｎ{person}@example.com"),
        2 => format!("person{person}@mail.example.jp"),
        _ => format!("person{person}@example.com"),
    };
    identifier("email", value)
}

fn phone(random: &mut Random, person: usize) -> Identifier {
    let (middle, last) = (1_000 + person / 10_000, person % 10_000);
    let value = match random.below(3) {
        0 => format!("+81 90 {middle} {last:04}"),
        1 => format!("０９０ー{middle}ー{last:04}"),
        _ => format!("090-{middle}-{last:04}"),
    };
    identifier("phone", value)
}

const TEXTS: [(&str, &str); 6] = [
    ("ja", "荷物がまだ届きません。"),
    ("ja", "対応がとても早くて助かりました。"),
    ("ja", "サイズが合わないため返品したいです。"),
    ("en", "My parcel has not arrived."),
    ("en", "Great service, thank you!"),
    ("en", "It is the wrong size, I would like to return it."),
];

fn traits(random: &mut Random, person: usize) -> Vec<Trait> {
    let text = |text: &str| Kind::Text(text.into());
    let city = *random.pick(&["京都", "大阪", "Berlin", "東京"]);
    let interests = [vec!["茶", "陶器"], vec!["coffee"], vec![]];
    let interests = random.pick(&interests).iter().map(|i| (*i).to_owned());
    let choices = [
        ("full_name", text(&format!("山田 {person}"))),
        ("city", text(city)),
        ("city", Kind::Unset(true)),
        (
            "age",
            Kind::Integer(20 + i64::try_from(person % 50).unwrap()),
        ),
        ("vip", Kind::Boolean(random.once_in(2))),
        ("shoe_size", Kind::Decimal("39.5".into())),
        (
            "interests",
            Kind::List(TextList {
                values: interests.collect(),
            }),
        ),
    ];
    let (name, kind) = random.pick(&choices).clone();
    vec![Trait {
        name: name.into(),
        value: Some(TraitValue { kind: Some(kind) }),
    }]
}

fn about(random: &mut Random, person: usize, busy: bool) -> Interaction {
    let of_source = |source: &str, department: &str, channel: &str, r#type: &str| Interaction {
        source: source.into(),
        department: department.into(),
        channel: channel.into(),
        r#type: r#type.into(),
        direction: Direction::Inbound.into(),
        ..Interaction::default()
    };
    let mut made = match random.below(20) {
        0..=5 => of_source("shop", "sales", "web", "order.placed"),
        6 => of_source("shop", "sales", "web", "order.cancelled"),
        7 => of_source("pos", "store", "store", "order.returned"),
        8 | 9 => of_source("desk", "support", "email", "ticket.opened"),
        10 => of_source("desk", "support", "chat", "ticket.closed"),
        11 => of_source("desk", "support", "phone", "ticket.replied"),
        12 => of_source("desk", "support", "phone", "ticket.reopened"),
        13 | 14 => of_source("survey", "support", "email", "survey.answered"),
        15 | 16 => of_source("mailer", "marketing", "email", "consent.changed"),
        17 => of_source("mailer", "marketing", "email", "message.sent"),
        _ => of_source("web", "web", "web", "page.viewed"),
    };
    let subjects = if busy { 150 } else { 8 };
    match made.r#type.split_once('.').map(|(thing, _)| thing) {
        Some("order") => {
            made.subject = Some(subject(random, SubjectKind::Order, person, subjects));
            made.money = Some(money(random));
        }
        Some("ticket") => {
            made.subject = Some(subject(random, SubjectKind::Ticket, person, subjects));
        }
        Some("survey") => {
            made.subject = Some(subject(random, SubjectKind::Ticket, person, subjects));
            made.survey_scores = vec![score(random)];
        }
        Some("consent") => made.consent_changes = vec![consent(random, person)],
        _ => (),
    }
    if made.r#type == "message.sent" {
        made.direction = Direction::Outbound.into();
    }
    made
}

fn subject(random: &mut Random, kind: SubjectKind, person: usize, of: usize) -> Subject {
    let status = match kind {
        SubjectKind::Ticket if random.once_in(3) => *random.pick(&[
            SubjectStatus::Open,
            SubjectStatus::Pending,
            SubjectStatus::Closed,
        ]),
        _ => SubjectStatus::Unspecified,
    };
    Subject {
        kind: kind.into(),
        id: format!("{person}-{}", random.below(of)),
        status: status.into(),
    }
}

fn money(random: &mut Random) -> Money {
    let currency = *random.pick(&["JPY", "JPY", "USD"]);
    Money {
        currency: currency.into(),
        minor_units: i64::try_from(random.below(20_000)).unwrap(),
    }
}

fn score(random: &mut Random) -> SurveyScore {
    let (scale, value, question) = match random.below(2) {
        0 => (SurveyScale::Nps, random.below(11), "recommend"),
        _ => (SurveyScale::Csat5, 1 + random.below(5), "ticket-solved"),
    };
    SurveyScore {
        scale: scale.into(),
        value: i32::try_from(value).unwrap(),
        question: Some(question.into()),
    }
}

fn consent(random: &mut Random, person: usize) -> ConsentChange {
    let state = *random.pick(&[ConsentState::Granted, ConsentState::Denied]);
    ConsentChange {
        purpose: "marketing".into(),
        state: state.into(),
        channel: random.once_in(2).then(|| "email".into()),
        address: random.once_in(3).then(|| email(random, person)),
    }
}
