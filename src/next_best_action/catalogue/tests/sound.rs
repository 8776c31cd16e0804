//! A document in which everything is said and nothing is wrong.

use crate::{
    calendar::Zone,
    clock::Micros,
    next_best_action::{
        catalogue::{Document, Entry},
        model::{
            Amount, Channel, ContactRule, ContextWeight, Counted, Definition, Exploration, Group,
            Holdouts, Issue, LanguageTag, Minutes, Placement, Policy, Prior, QuietHours, Reach,
            Rewards, Rule, Scope, Segment, Status, Text, Upset, Value, Worth,
        },
    },
};

pub(super) fn tag(text: &str) -> LanguageTag {
    text.parse().unwrap()
}

pub(super) fn text(locale: &str) -> Text {
    Text {
        locale: tag(locale),
        title: "A title: with \"quotes\" and 日本語".to_owned(),
        body: "First line.\n\nThird line.".to_owned(),
        call_to_action: "Go".to_owned(),
        link: "https://shop.example/a?b=c#d".to_owned(),
    }
}

pub(super) fn rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        rule: format!("segment(\"{name}\") && x > 1"),
    }
}

pub(super) fn cap(scope: Scope) -> ContactRule {
    ContactRule {
        scope,
        of: None,
        channels: Vec::new(),
        counts: Counted::Impression,
        limit: 3,
        window: Minutes::days(7),
        pause: Minutes(90),
    }
}

/// An action that sells, with everything said.
pub(super) fn offer() -> Definition {
    Definition {
        id: "offer".to_owned(),
        description: "An offer.".to_owned(),
        issue: Issue::Sell,
        group: "offers".to_owned(),
        channels: vec!["web".to_owned(), "email".to_owned()],
        placements: vec!["banner".to_owned(), "newsletter".to_owned()],
        valid_from: Some(Micros(1_775_000_000_000_000)),
        valid_to: Some(Micros(1_785_000_000_000_001)),
        value: Value {
            amount: Amount::Money {
                currency: "JPY".to_owned(),
                minor_units: 1_200,
            },
            floor: Some(1_500),
        },
        lever: -10,
        context: vec![ContextWeight {
            name: "at_the_cart".to_owned(),
            when: "context[\"page\"] == \"cart\"".to_owned(),
            points: 30,
        }],
        eligibility: vec![rule("adult")],
        applicability: vec![rule("no_order"), rule("has_cart")],
        suitability: vec![rule("can_pay")],
        consent: vec!["marketing".to_owned()],
        caps: vec![cap(Scope::Action), cap(Scope::Channel)],
        attribution_days: 7,
        rewards: Rewards {
            impression: 0.0,
            clicked: 0.25,
            accepted: 1.0,
            rejected: 0.0,
        },
        prior: Some(Prior {
            propensity: 0.02,
            evidence: 50.0,
        }),
        high_risk: true,
        mandatory: false,
        texts: vec![text("en"), text("ja")],
    }
}

/// An action that can stand in for any other.
pub(super) fn help() -> Definition {
    Definition {
        id: "help".to_owned(),
        description: String::new(),
        issue: Issue::Serve,
        group: "help".to_owned(),
        placements: Vec::new(),
        valid_from: None,
        valid_to: None,
        value: Value {
            amount: Amount::Points(0),
            floor: None,
        },
        lever: 0,
        context: Vec::new(),
        eligibility: Vec::new(),
        applicability: Vec::new(),
        suitability: Vec::new(),
        consent: Vec::new(),
        caps: Vec::new(),
        rewards: Rewards::default(),
        prior: None,
        high_risk: false,
        mandatory: true,
        ..offer()
    }
}

pub(super) fn policy() -> Policy {
    let channel = |name: &str, reach, pending| Channel {
        name: name.to_owned(),
        reach,
        pending,
    };
    let group = |name: &str, issue, lever| Group {
        name: name.to_owned(),
        issue,
        lever,
    };
    let placement = |name: &str, channel: &str, fallback: Option<&str>| Placement {
        name: name.to_owned(),
        channel: channel.to_owned(),
        reach: None,
        fallback: fallback.map(str::to_owned),
    };
    Policy {
        default_locale: tag("ja"),
        time_zone: Zone::TOKYO,
        worth: Worth {
            currency: "JPY".to_owned(),
            point: 2,
            floor: 300,
        },
        issue_levers: [10, 0, -5, 0, 0],
        groups: vec![
            group("offers", Issue::Sell, 5),
            group("help", Issue::Serve, 0),
        ],
        channels: vec![
            channel("web", Reach::Inbound, None),
            channel("email", Reach::Outbound, Some(Minutes::days(3))),
        ],
        placements: vec![
            placement("banner", "web", Some("help")),
            placement("newsletter", "email", None),
        ],
        fallback: Some("help".to_owned()),
        contact: vec![
            ContactRule {
                of: Some("email".to_owned()),
                ..cap(Scope::Channel)
            },
            ContactRule {
                of: Some("offers".to_owned()),
                channels: vec!["web".to_owned()],
                ..cap(Scope::Group)
            },
        ],
        quiet_hours: vec![QuietHours {
            channels: vec!["email".to_owned()],
            from: "21:00".parse().unwrap(),
            to: "08:00".parse().unwrap(),
        }],
        holdouts: Holdouts {
            salt: "2026 spring".to_owned(),
            epoch: 3,
            universal: 0.01,
            random: 0.02,
        },
        upset: Upset::default(),
        exploration: Exploration::default(),
    }
}

pub(super) fn document() -> Document {
    let entry = |definition, status| Entry { definition, status };
    Document {
        policy: Some(policy()),
        segments: vec![Segment {
            name: "vip".to_owned(),
            description: "Who buys often.".to_owned(),
            rule: "orders.count > 10".to_owned(),
        }],
        actions: vec![
            entry(offer(), Status::Paused),
            entry(help(), Status::Active),
        ],
    }
}
