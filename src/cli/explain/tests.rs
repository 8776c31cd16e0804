//! What `explain` prints.

use super::*;
use crate::{
    cli::terminal::{Zone, text},
    clock::Micros,
    proto::v1::ProfileIdentifier,
};

fn screen(width: usize) -> Screen {
    Screen {
        width,
        colour: false,
        zone: Zone::parse("UTC").unwrap(),
        now: Micros(1_711_000_000_000_000),
    }
}

fn link(from: i32, to: i32, day: i64, interactions: i64) -> IdentityLink {
    let at = |day| {
        Some(prost_types::Timestamp {
            seconds: 1_709_251_200 + day * 86_400,
            nanos: 0,
        })
    };
    let evidence = |r#type: &str| LinkEvidence {
        source: "shop".into(),
        r#type: r#type.into(),
        ..LinkEvidence::default()
    };
    IdentityLink {
        from,
        to,
        first_seen: at(day),
        last_seen: at(day + interactions - 1),
        interactions,
        evidence: match interactions {
            1 => vec![evidence("order.placed")],
            _ => vec![evidence("consent.changed"), evidence("order.placed")],
        },
    }
}

fn answer(identifiers: &[(&str, &str)], links: Vec<IdentityLink>) -> ExplainIdentityResponse {
    let identifiers: Vec<_> = identifiers
        .iter()
        .map(|(namespace, value)| ProfileIdentifier {
            namespace: (*namespace).into(),
            value: (*value).into(),
            ..ProfileIdentifier::default()
        })
        .collect();
    ExplainIdentityResponse {
        profile_id: "p".into(),
        identifiers_total: i32::try_from(identifiers.len()).unwrap(),
        links_total: i32::try_from(links.len()).unwrap(),
        identifiers,
        links,
        ..ExplainIdentityResponse::default()
    }
}

fn shown(answer: &ExplainIdentityResponse, width: usize) -> Vec<String> {
    let lines = lines(answer, None, &screen(width), ASIDE);
    lines.iter().map(|line| line.render(false)).collect()
}

#[test]
fn a_family_of_identifiers_is_a_tree_with_what_else_links_them() {
    let answer = answer(
        &[
            ("customer_id", "C-0001"),
            ("customer_id", "C-0002"),
            ("email", "hanako@example.com"),
            ("phone", "+819012345601"),
        ],
        vec![
            link(0, 2, 0, 3),
            link(0, 3, 9, 1),
            link(1, 2, 4, 1),
            link(2, 3, 9, 1),
        ],
    );
    assert_eq!(
        shown(&answer, 120),
        [
            "profile p is known by 4 identifiers",
            "customer_id C-0001",
            "├─ email hanako@example.com",
            "│  │  together 3 times, 2024-03-01 to 2024-03-03 (first consent.changed of shop, last order.placed of shop)",
            "│  └─ customer_id C-0002",
            "│        together once, on 2024-03-05 (order.placed of shop)",
            "└─ phone +819012345601",
            "      together once, on 2024-03-10 (order.placed of shop)",
            "",
            "also linked",
            "  email hanako@example.com and phone +819012345601",
            "    together once, on 2024-03-10 (order.placed of shop)",
        ]
    );
    for width in 40..120 {
        assert!(
            shown(&answer, width)
                .iter()
                .all(|l| text::width(l) <= width)
        );
    }
}

#[test]
fn a_single_identifier_says_so() {
    let answer = answer(&[("email", "\u{1b}a")], Vec::new());
    assert_eq!(
        shown(&answer, 80),
        [
            "profile p is known by 1 identifier",
            "email ␛a",
            "It is the only identifier: nothing was joined.",
        ]
    );
}

#[test]
fn links_that_lead_nowhere_do_no_harm() {
    let links = vec![link(-1, 7, 0, 1), link(0, 0, 0, 1), link(1, 0, 0, 1)];
    let answer = answer(&[("a", "1"), ("b", "2")], links);
    let tree = shown(&answer, 80);
    assert_eq!(tree[1..3], ["a 1", "└─ b 2"]);
}

#[test]
fn what_was_refused_and_what_was_decided_stand_below_the_tree() {
    use crate::proto::v1::{CutRule, DecisionKind, Identifier, IdentityCut, IdentityDecision};
    let mut answer = answer(
        &[("customer_id", "C-0001"), ("email", "hanako@example.com")],
        vec![link(0, 1, 0, 1)],
    );
    answer.identifiers[1].contested = Some(true);
    let other = |namespace: &str, value: &str| ProfileIdentifier {
        namespace: namespace.into(),
        value: value.into(),
        shared: Some(namespace == "device_id"),
        ..ProfileIdentifier::default()
    };
    let cut = |from, to, rule: CutRule| IdentityCut {
        from,
        to: Some(to),
        rule: rule.into(),
        first_seen: link(0, 1, 2, 1).first_seen,
        last_seen: link(0, 1, 2, 1).first_seen,
        interactions: 1,
        namespace: "customer_id".into(),
        limit: 1,
        values: vec!["C-0001".into()],
        other_values: vec!["C-0002".into()],
        separated_by: "two".into(),
        ..IdentityCut::default()
    };
    answer.cuts = vec![
        cut(1, other("customer_id", "C-0002"), CutRule::Limit),
        cut(0, other("device_id", "\u{1b}tablet"), CutRule::Shared),
        cut(0, other("phone", "+81"), CutRule::Separated),
    ];
    answer.cuts_total = 5;
    answer.decisions = vec![IdentityDecision {
        operation_id: "two".into(),
        kind: DecisionKind::Separation.into(),
        made_at: link(0, 1, 5, 1).first_seen,
        caller: "kim".into(),
        reason: "not\nhers".into(),
        chosen: vec![Identifier {
            namespace: "phone".into(),
            value: "+81".into(),
        }],
        chosen_total: 1,
        others_total: 2,
        ..IdentityDecision::default()
    }];
    answer.decisions_total = 1;
    let shown = shown(&answer, 120);
    assert_eq!(shown[2], "└─ email hanako@example.com [contested]");
    assert_eq!(
        shown[5..],
        [
            "linked, but not joined",
            "  email hanako@example.com [contested] not joined with customer_id C-0002",
            "    one customer_id a person: here C-0001, there C-0002",
            "    together once, on 2024-03-03",
            "  customer_id C-0001 not joined with device_id ␛tablet [shared]",
            "    device_id ␛tablet is shared by several people and goes with one of them",
            "    together once, on 2024-03-03",
            "  customer_id C-0001 not joined with phone +81",
            "    separated by kim on 2024-03-06: not↵hers",
            "    together once, on 2024-03-03",
            "  and 2 more that are not joined",
            "",
            "decided by operators",
            "  separated by kim on 2024-03-06: not↵hers (two)",
            "    phone +81 | 2 identifiers",
        ]
    );
}
