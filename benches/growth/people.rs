//! Customers with twenty interactions each, under four identifiers.
//!
//! What must stay true: the person of a number is the same in every run, so that a store that was half filled is filled up with the
//! right people; and nobody has an identifier in common with another, so that each can be worked out alone.

use customer_profile::proto::v1::{
    ConsentChange, ConsentState, Direction, GetProfileRequest, Identifier, Interaction, Money,
    ProfileLookup, Subject, SubjectKind, SubjectStatus, SurveyScale, SurveyScore, Trait,
    TraitValue, trait_value,
};
use prost::{Message as _, bytes::Bytes};

/// Interactions of each person.
pub(crate) const EACH: usize = 20;

/// Grows with every change of what is made here: what a store holds of an earlier form is of no use.
pub(crate) const FORM: u32 = 1;

const CITIES: [&str; 5] = ["Sapporo", "Sendai", "Nagoya", "Kobe", "Hakata"];
const NAMES: [&str; 8] = [
    "Anna", "Ben", "Chiyo", "Daichi", "Emi", "Felix", "Grace", "Haruto",
];
const LEVELS: [&str; 3] = ["bronze", "silver", "gold"];

const LETTERS: [&str; 4] = [
    "The parcel was late again and nobody could tell me why. Please call me back.",
    "Thank you, the shoes fit very well and came a day early.",
    "I would like to change the address of my order, if that is still possible.",
    "配送がとても遅くて困りました。もう一度確認してください。",
];
const TICKETS: [&str; 3] = [
    "The lamp arrived broken. This is the second time, I am really disappointed.",
    "How do I reset the timer? The manual does not say.",
    "返品の手続きが分かりにくいです。",
];
const ANSWERS: [&str; 3] = [
    "Thank you, that was quick and friendly help.",
    "It works now.",
    "とても丁寧に対応していただき、ありがとうございました。",
];

fn identifier(namespace: &str, value: String) -> Identifier {
    Identifier {
        namespace: namespace.into(),
        value,
    }
}

/// Who somebody is to each department.
struct Known {
    customer: Identifier,
    loyalty: Identifier,
    email: Identifier,
    device: Identifier,
}

impl Known {
    fn new(person: usize) -> Self {
        Self {
            customer: identifier("customer_id", format!("C{person:07}")),
            loyalty: identifier("loyalty_id", format!("77{person:08}")),
            email: identifier("email", format!("person{person}@mail.example.com")),
            device: identifier("device_id", format!("{:08X}-{person:08X}", person * 7_919)),
        }
    }
}

/// `GetProfile` of the person of a number, by the identifier that a shop knows.
pub(crate) fn question(person: usize) -> Bytes {
    let request = GetProfileRequest {
        lookup: Some(lookup(person)),
        ..GetProfileRequest::default()
    };
    request.encode_to_vec().into()
}

/// The person of a number.
pub(crate) fn lookup(person: usize) -> ProfileLookup {
    ProfileLookup {
        identifiers: vec![Known::new(person).customer],
        ..ProfileLookup::default()
    }
}

/// What happened between a person and the shop, so far.
struct Life {
    person: usize,
    happened: Vec<Interaction>,
}

impl Life {
    /// One thing more: a few weeks after the one before, at (department, channel), of a type, and by whom it was known.
    fn next(
        &mut self,
        (department, channel): (&str, &str),
        kind: &str,
        by: &[&Identifier],
    ) -> &mut Interaction {
        let number = self.happened.len();
        let event_id = format!("p{}-{number}", self.person);
        let place = i64::try_from(self.person * 31 + number * 1_009).unwrap();
        let week = i64::try_from(number * 4).unwrap();
        // Two years from the spring of 2023 on, each at a time of its own.
        let seconds = 1_680_000_000 + 604_800 * week + place % 1_000_000;
        self.happened.push(Interaction {
            source: "growth".into(),
            event_id,
            occurred_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
            department: department.into(),
            channel: channel.into(),
            r#type: kind.into(),
            direction: Direction::Inbound.into(),
            identifiers: by.iter().map(|one| (*one).clone()).collect(),
            ..Interaction::default()
        });
        let last = self.happened.len() - 1;
        &mut self.happened[last]
    }

    fn order(&mut self, kind: &str, number: usize, yen: Option<usize>, by: &[&Identifier]) {
        let id = format!("O{}-{number}", self.person);
        let one = self.next(("sales", "web"), kind, by);
        one.subject = Some(Subject {
            kind: SubjectKind::Order.into(),
            id,
            ..Subject::default()
        });
        one.money = yen.map(|yen| Money {
            currency: "JPY".into(),
            minor_units: i64::try_from(yen).unwrap(),
        });
    }

    fn ticket(&mut self, kind: &str, status: SubjectStatus, by: &Identifier) -> &mut Interaction {
        let id = format!("T{}", self.person);
        let one = self.next(("support", "phone"), kind, &[by]);
        one.subject = Some(Subject {
            kind: SubjectKind::Ticket.into(),
            id,
            status: status.into(),
        });
        one
    }

    fn survey(&mut self, scale: SurveyScale, value: usize, by: &Identifier) {
        let one = self.next(("marketing", "email"), "survey.answered", &[by]);
        one.survey_scores = vec![SurveyScore {
            scale: scale.into(),
            value: i32::try_from(value).unwrap(),
            question: None,
        }];
    }
}

fn says(one: &mut Interaction, text: &str) {
    one.text = Some(text.into());
}

fn stated(person: usize) -> Vec<Trait> {
    let family = format!("Person{}", person / NAMES.len());
    [
        ("given_name", NAMES[person % NAMES.len()]),
        ("family_name", &family),
        ("city", CITIES[person % CITIES.len()]),
        ("language", if person % 4 == 3 { "ja" } else { "en" }),
        ("membership", LEVELS[person % LEVELS.len()]),
    ]
    .into_iter()
    .map(|(name, value)| Trait {
        name: name.into(),
        value: Some(TraitValue {
            kind: Some(trait_value::Kind::Text(value.into())),
        }),
    })
    .collect()
}

/// What happened between the person of a number and the shop.
pub(crate) fn life(person: usize) -> Vec<Interaction> {
    let known = Known::new(person);
    let (customer, email, device) = (&known.customer, &known.email, &known.device);
    let mut life = Life {
        person,
        happened: Vec::with_capacity(EACH),
    };
    let price = |n: usize| 980 + (person * 37 + n * 411) % 30_000;
    life.next(("store", "store"), "account.opened", &[customer, email])
        .traits = stated(person);
    life.next(("product", "app"), "app.opened", &[customer, device]);
    let joined = [&known.loyalty, customer];
    life.next(("marketing", "store"), "loyalty.joined", &joined);
    life.next(("product", "app"), "page.viewed", &[device]);
    life.order("order.placed", 1, Some(price(1)), &[customer, device]);
    life.order("order.shipped", 1, None, &[customer]);
    life.next(("marketing", "email"), "message.sent", &[email])
        .direction = Direction::Outbound.into();
    let letter = life.next(("support", "email"), "message.received", &[email]);
    says(letter, LETTERS[person % LETTERS.len()]);
    let ticket = life.ticket("ticket.opened", SubjectStatus::Open, customer);
    says(ticket, TICKETS[person % TICKETS.len()]);
    let ticket = life.ticket("ticket.replied", SubjectStatus::Pending, customer);
    ticket.direction = Direction::Outbound.into();
    says(ticket, "We have looked at it and will send another one.");
    let ticket = life.ticket("ticket.closed", SubjectStatus::Closed, customer);
    says(ticket, ANSWERS[person / 4 % ANSWERS.len()]);
    life.survey(SurveyScale::Nps, person % 11, email);
    life.next(("store", "store"), "store.visited", &[&known.loyalty]);
    life.order("order.placed", 2, Some(price(2)), &[customer]);
    life.order("order.returned", 2, Some(price(2) / 2), &[customer]);
    life.next(("marketing", "web"), "consent.changed", &[customer, email])
        .consent_changes = vec![ConsentChange {
        purpose: "marketing".into(),
        state: if person.is_multiple_of(3) {
            ConsentState::Denied.into()
        } else {
            ConsentState::Granted.into()
        },
        channel: None,
        address: None,
    }];
    life.next(("product", "app"), "page.viewed", &[device]);
    life.next(("product", "app"), "page.viewed", &[customer, device]);
    life.survey(SurveyScale::Csat5, 1 + person % 5, customer);
    life.order("order.placed", 3, Some(price(3)), &[customer, email]);
    assert_eq!(life.happened.len(), EACH, "as many as is said");
    life.happened
}
