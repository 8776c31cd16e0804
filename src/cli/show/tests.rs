//! Screens, letter by letter, and that no profile breaks one.

mod beside;
mod feelings;
mod hostile;

use prost_types::Timestamp;

use super::*;
use crate::{
    cli::terminal::Zone,
    clock::Micros,
    proto::v1::{
        Consent, ConsentState, Direction, InteractionCount, Money, OpenTicket, OrderSummary,
        ProfileIdentifier, ProfileTrait, ReadInfo, ReadSource, Subject, SubjectKind, SubjectStatus,
        SurveyScale, SurveySummary, TextList, TicketSummary, Touchpoint, TraitValue,
        trait_value::Kind,
    },
};

fn screen(width: usize) -> Screen {
    let zone = Zone::parse("+09:00").unwrap();
    let now = zone.read("2024-04-08T12:00:00+09:00").unwrap();
    Screen {
        width,
        colour: false,
        zone,
        now: Micros::from_proto(&now).unwrap(),
    }
}

fn at(text: &str) -> Option<Timestamp> {
    let text = format!("{}:00+09:00", text.replace(' ', "T"));
    Zone::parse("UTC").unwrap().read(&text).ok()
}

fn shown(answer: &GetProfileResponse, width: usize) -> Vec<String> {
    let lines = lines(answer, None, &Beside::default(), &screen(width));
    lines.iter().map(|line| line.render(false)).collect()
}

fn text_trait(name: &str, value: &str) -> ProfileTrait {
    ProfileTrait {
        name: name.into(),
        value: Some(TraitValue {
            kind: Some(Kind::Text(value.into())),
        }),
        ..ProfileTrait::default()
    }
}

fn identifier(namespace: &str, value: &str) -> ProfileIdentifier {
    ProfileIdentifier {
        namespace: namespace.into(),
        value: value.into(),
        ..ProfileIdentifier::default()
    }
}

fn yen(minor_units: i64) -> Money {
    Money {
        currency: "JPY".into(),
        minor_units,
    }
}

fn touch(when: &str, who: [&str; 2], r#type: &str, direction: Direction) -> Touchpoint {
    Touchpoint {
        occurred_at: at(when),
        department: who[0].into(),
        channel: who[1].into(),
        r#type: r#type.into(),
        direction: direction.into(),
        ..Touchpoint::default()
    }
}

fn about(kind: SubjectKind, id: &str, touch: Touchpoint) -> Touchpoint {
    Touchpoint {
        subject: Some(Subject {
            kind: kind.into(),
            id: id.into(),
            status: 0,
        }),
        ..touch
    }
}

fn answer(profile: Profile) -> GetProfileResponse {
    GetProfileResponse {
        profile: Some(profile),
        read_info: Some(ReadInfo {
            source: ReadSource::Primary.into(),
            stale_by: Some(prost_types::Duration::default()),
            ..ReadInfo::default()
        }),
        ..GetProfileResponse::default()
    }
}

fn business(profile: Profile) -> Profile {
    let consent = |state: ConsentState, purpose: &str, channel: &str| Consent {
        purpose: purpose.into(),
        channel: channel.into(),
        state: state.into(),
        occurred_at: at("2024-04-06 09:00"),
        department: "marketing".into(),
        ..Consent::default()
    };
    Profile {
        orders: Some(OrderSummary {
            count: 2,
            cancelled: 1,
            spend: vec![yen(1_006_630)],
            returned: vec![yen(12_800)],
            first_order_at: at("2024-03-01 09:20"),
            last_order_at: at("2024-03-10 15:45"),
        }),
        tickets: Some(TicketSummary {
            total: 2,
            open: 1,
            open_tickets: vec![OpenTicket {
                ticket_id: "T-214".into(),
                status: SubjectStatus::Open.into(),
                since: at("2024-04-05 11:15"),
                first_seen: at("2024-04-02 11:15"),
                department: "support".into(),
                channel: "phone".into(),
            }],
        }),
        surveys: vec![
            SurveySummary {
                scale: SurveyScale::Nps.into(),
                count: 1,
                sum: 9,
                histogram: vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
                latest_value: 9,
                latest_at: at("2024-04-05 21:00"),
            },
            SurveySummary {
                scale: SurveyScale::Csat5.into(),
                count: 3,
                sum: 13,
                histogram: vec![0, 0, 1, 0, 2],
                latest_value: 5,
                latest_at: at("2024-03-16 08:00"),
            },
        ],
        consents: vec![
            consent(ConsentState::Granted, "profiling", ""),
            consent(ConsentState::Denied, "marketing", "email"),
        ],
        ..profile
    }
}

fn hanako() -> GetProfileResponse {
    let (inbound, outbound) = (Direction::Inbound, Direction::Outbound);
    let interests = TextList {
        values: vec!["tea".into(), "ceramics".into()],
    };
    let counted = |department: &str| InteractionCount {
        department: department.into(),
        count: 5,
        ..InteractionCount::default()
    };
    answer(business(Profile {
        profile_id: "0198c0de-0000-7000-8000-000000000001".into(),
        known: true,
        version: 12,
        identifiers: vec![
            identifier("customer_id", "C-0001"),
            identifier("email", "hanako@example.com"),
            identifier("phone", "+819012345601"),
        ],
        identifiers_total: 3,
        traits: vec![
            text_trait("city", "札幌市"),
            ProfileTrait {
                losers_total: 2,
                ..text_trait("full_name", "山田 花子")
            },
            ProfileTrait {
                name: "interests".into(),
                value: Some(TraitValue {
                    kind: Some(Kind::List(interests)),
                }),
                losers_total: 1,
                ..ProfileTrait::default()
            },
            text_trait("language", "ja"),
            text_trait("membership_tier", "gold"),
            text_trait("name_kana", "ﾔﾏﾀﾞ ﾊﾅｺ"),
            text_trait("payment_method", "コンビニ払い"),
        ],
        traits_total: 7,
        interaction_counts: ["marketing", "sales", "support"].map(counted).to_vec(),
        interactions_total: 15,
        touchpoints: vec![
            touch(
                "2024-04-06 09:00",
                ["marketing", "web"],
                "consent.changed",
                inbound,
            ),
            about(
                SubjectKind::Ticket,
                "T-214",
                touch(
                    "2024-04-02 11:15",
                    ["support", "phone"],
                    "ticket.opened",
                    inbound,
                ),
            ),
            about(
                SubjectKind::Order,
                "A-1001",
                touch(
                    "2024-03-10 15:45",
                    ["sales", "web"],
                    "order.placed",
                    inbound,
                ),
            ),
            about(
                SubjectKind::Campaign,
                "春のお茶",
                touch(
                    "2024-03-08 10:00",
                    ["marketing", "email"],
                    "message.sent",
                    outbound,
                ),
            ),
        ],
        first_seen: at("2024-03-01 09:12"),
        last_seen: at("2024-04-06 09:00"),
        ..Profile::default()
    }))
}

#[test]
fn a_rich_customer_at_100_columns() {
    let expected = "\
山田 花子 (ﾔﾏﾀﾞ ﾊﾅｺ)
札幌市 · language ja · member gold
known by 3 identifiers to 3 departments, since 2024-03-01; 15 interactions, the last one 2 days ago
  customer_id C-0001 · email hanako@example.com · phone +819012345601

TICKETS   1 open of 2 tickets
          T-214  open since 2024-04-05 11:15 (3 days ago)  support by phone  first seen 6 days ago

latest    2024-04-06 09:00  ←  marketing  web    consent changed
          2024-04-02 11:15  ←  support    phone  ticket opened T-214
          2024-03-10 15:45  ←  sales      web    order placed #A-1001
          2024-03-08 10:00  →  marketing  email  message sent, campaign 春のお茶
          ← from the customer, → to the customer; and 11 more: timeline shows them

orders    2 orders · 1 cancelled · spent 1,006,630 JPY · returned 12,800 JPY
          last 4 weeks ago (2024-03-10)
surveys   NPS 0-10    latest 9 on 2024-04-05  mean 9.0 of 1 answer  _________█_
          CSAT 1-5    latest 5 on 2024-03-16  mean 4.3 of 3 answers  __▄_█
consents  denied   marketing by email        since 2024-04-06, said to marketing
          granted  profiling by any channel  since 2024-04-06, said to marketing
facts     interests: tea, ceramics (1 other) · payment method: コンビニ払い

profile 0198c0de-0000-7000-8000-000000000001 · version 12 · from the primary database, up to date
times in UTC+09:00";
    assert_eq!(shown(&hanako(), 100).join("\n"), expected);
}

#[test]
fn a_rich_customer_at_60_columns() {
    let expected = "\
山田 花子 (ﾔﾏﾀﾞ ﾊﾅｺ)
札幌市 · language ja · member gold
known by 3 identifiers to 3 departments, since 2024-03-01;
15 interactions, the last one 2 days ago
  customer_id C-0001 · email hanako@example.com
  phone +819012345601

TICKETS   1 open of 2 tickets
          T-214  open since 2024-04-05 11:15 (3 days ago)
          support by phone  first seen 6 days ago

latest    2024-04-06 09:00  ←  marketing  consent changed
          2024-04-02 11:15  ←  support    ticket opened T-2…
          2024-03-10 15:45  ←  sales      order placed #A-1…
          2024-03-08 10:00  →  marketing  message sent, cam…
          ← from the customer, → to the customer
          and 11 more: timeline shows them

orders    2 orders · 1 cancelled · spent 1,006,630 JPY
          returned 12,800 JPY
          last 4 weeks ago (2024-03-10)
surveys   NPS 0-10    latest 9 on 2024-04-05
          mean 9.0 of 1 answer  _________█_
          CSAT 1-5    latest 5 on 2024-03-16
          mean 4.3 of 3 answers  __▄_█
consents  denied   marketing by email
          since 2024-04-06, said to marketing
          granted  profiling by any channel
          since 2024-04-06, said to marketing
facts     interests: tea, ceramics (1 other)
          payment method: コンビニ払い

profile 0198c0de-0000-7000-8000-000000000001 · version 12
from the primary database, up to date · times in UTC+09:00";
    assert_eq!(shown(&hanako(), 60).join("\n"), expected);
}

#[test]
fn a_poor_customer_is_short() {
    let profile = Profile {
        profile_id: "p".into(),
        version: 1,
        identifiers: vec![identifier("cookie", "c-1")],
        identifiers_total: 1,
        interactions_total: 1,
        interaction_counts: vec![InteractionCount::default()],
        first_seen: at("2024-04-08 11:58"),
        last_seen: at("2024-04-08 11:58"),
        touchpoints: vec![touch(
            "2024-04-08 11:58",
            ["web", "web"],
            "page.viewed",
            Direction::Unspecified,
        )],
        ..Profile::default()
    };
    let masked = GetProfileResponse {
        masked_fields: vec!["profile.consents.address".into()],
        ..answer(profile)
    };
    let expected = "\
no name known
known by 1 identifier to 1 department, since 2024-04-08; 1 interaction, the last one 2 minutes ago
  cookie c-1

latest    2024-04-08 11:58     web    web    page viewed
          ← from the customer, → to the customer

profile p · version 1 · from the primary database, up to date · times in UTC+09:00
not shown to you: profile.consents.address";
    assert_eq!(shown(&masked, 100).join("\n"), expected);
}

#[test]
fn who_answered_is_said() {
    let by = Some("email=hanako@example.com");
    let lines = lines(&hanako(), by, &Beside::default(), &screen(100));
    let shown = lines.iter().map(|line| line.render(false));
    assert!(
        shown
            .into_iter()
            .any(|line| line == "found by email=hanako@example.com")
    );
}

#[test]
fn denials_stand_before_what_is_left_out() {
    let consent = |n: usize, state: ConsentState| Consent {
        purpose: format!("purpose-{n}"),
        state: state.into(),
        ..Consent::default()
    };
    let mut consents: Vec<Consent> = (0..30).map(|n| consent(n, ConsentState::Granted)).collect();
    consents.push(consent(30, ConsentState::Denied));
    let profile = Profile {
        consents,
        ..Profile::default()
    };
    let lines = shown(&answer(profile), 100);
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("consents  denied   purpose-30")),
        "{lines:?}"
    );
    assert!(
        lines.iter().any(|line| line.trim() == "and 23 more"),
        "{lines:?}"
    );
}

#[test]
fn denials_that_find_no_room_are_counted() {
    let denied = Consent {
        state: ConsentState::Denied.into(),
        ..Consent::default()
    };
    let profile = Profile {
        consents: vec![denied; 11],
        ..Profile::default()
    };
    let lines = shown(&answer(profile), 100);
    assert!(
        lines
            .iter()
            .any(|line| line.trim() == "and 3 more, 3 of them denied"),
        "{lines:?}"
    );
}

#[test]
fn a_name_in_parts_is_in_the_order_of_its_script() {
    let named = |given: &str, family: &str| {
        name(&[
            text_trait("given_name", given),
            text_trait("family_name", family),
        ])
        .unwrap()
    };
    assert_eq!(named("Ken", "Smith"), "Ken Smith");
    assert_eq!(named("花子", "山田"), "山田 花子");
}

#[test]
fn a_reading_that_is_the_name_is_not_said_twice() {
    let mut hanako = hanako();
    for known in &mut hanako.profile.as_mut().unwrap().traits {
        if known.name == "full_name" {
            *known = text_trait("full_name", "ﾔﾏﾀﾞ ﾊﾅｺ");
        }
    }
    assert_eq!(shown(&hanako, 100)[0], "ﾔﾏﾀﾞ ﾊﾅｺ");
}

#[test]
fn colours_say_what_matters_and_reach_no_pipe() {
    let render = |colour| {
        let lines = lines(&hanako(), None, &Beside::default(), &screen(100));
        lines
            .iter()
            .map(|line| line.render(colour))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (plain, coloured) = (render(false), render(true));
    assert!(!plain.contains('\u{1b}'));
    assert!(
        coloured.contains("\u{1b}[1;31mdenied\u{1b}[0m"),
        "{coloured}"
    );
    assert!(
        coloured.contains("\u{1b}[1;33m1 open of 2 tickets\u{1b}[0m"),
        "{coloured}"
    );
}
