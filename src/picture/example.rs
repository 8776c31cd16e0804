//! The picture that the documents show.

use super::{
    laws::{at, link, name},
    svg, utc_day,
};
use crate::proto::v1::{
    CutRule, DecisionKind, ExplainIdentityResponse, Identifier, IdentityCut, IdentityDecision,
    JoiningLink, ProfileIdentifier,
};

/// A customer whose son uses her tablet and her address.
fn family() -> ExplainIdentityResponse {
    let named = |namespace: &str, value: &str, last| ProfileIdentifier {
        namespace: namespace.into(),
        value: value.into(),
        first_seen: at(1),
        last_seen: at(last),
        ..ProfileIdentifier::default()
    };
    let seen = |from, to, often, last, of: &str| {
        let mut link = link(from, to, often);
        link.last_seen = at(last);
        link.evidence[0].r#type = of.into();
        link.evidence[0].source = "shop".into();
        link
    };
    let refused = |from, to, rule: CutRule, often, last| IdentityCut {
        from,
        to: Some(to),
        profile_id: "01a200b9-d40a-7c02-8e11-07d3c5a9e6b4".into(),
        last_seen: at(last),
        interactions: often,
        rule: rule.into(),
        namespace: "customer_id".into(),
        limit: 1,
        values: vec!["C-0001".into()],
        other_values: vec!["C-0002".into()],
        separated_by: "two-phones".into(),
        ..IdentityCut::default()
    };
    let mut mail = named("email", "yamada@example.com", 90);
    mail.contested = Some(true);
    let mut tablet = named("device_id", "山田家のタブレット", 97);
    tablet.shared = Some(true);
    let mut till = named("cookie", "store-terminal-3", 99);
    till.hub = Some(true);
    let identifiers = vec![
        named("customer_id", "C-0001", 98),
        named("loyalty_id", "293382103803", 60),
        mail,
        named("phone", "+819012345601", 40),
        named("social_handle", "@hanako_y", 44),
        named("cookie", "755c2d3ef6ab845e", 97),
    ];
    let name = |n: usize| name(&identifiers[n]);
    let decisions = vec![
        IdentityDecision {
            operation_id: "card-shown".into(),
            kind: DecisionKind::Merge.into(),
            made_at: at(62),
            caller: "sato".into(),
            reason: "会員証を確認".into(),
            asserted: vec![JoiningLink {
                from: Some(name(0)),
                to: Some(name(1)),
            }],
            ..IdentityDecision::default()
        },
        IdentityDecision {
            operation_id: "two-phones".into(),
            kind: DecisionKind::Separation.into(),
            made_at: at(80),
            caller: "kim".into(),
            reason: "the number is her son's now".into(),
            chosen: vec![Identifier {
                namespace: "phone".into(),
                value: "+819066636326".into(),
            }],
            others: vec![name(0), name(2)],
            ..IdentityDecision::default()
        },
    ];
    ExplainIdentityResponse {
        profile_id: "01a200b9-d409-713d-b1af-9f79a26b9fdc".into(),
        identifiers_total: 6,
        links_total: 5,
        links: vec![
            seen(0, 2, 41, 90, "order.placed"),
            seen(0, 3, 3, 40, "ticket.opened"),
            seen(2, 4, 1, 44, "message.received"),
            seen(2, 5, 12, 97, "page.viewed"),
            seen(0, 5, 2, 96, "login.succeeded"),
        ],
        cuts: vec![
            refused(2, named("customer_id", "C-0002", 95), CutRule::Limit, 2, 88),
            refused(
                0,
                named("phone", "+819066636326", 95),
                CutRule::Separated,
                4,
                78,
            ),
            refused(0, tablet, CutRule::Shared, 9, 97),
            refused(5, till, CutRule::Hub, 1, 50),
        ],
        cuts_total: 4,
        decisions_total: 2,
        identifiers,
        decisions,
        ..ExplainIdentityResponse::default()
    }
}

#[test]
fn the_example_of_the_documents_is_what_is_drawn() {
    let drawn = svg(&family(), &utc_day);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/explain.svg");
    if std::env::var_os("CUSTOMER_PROFILE_DRAW_EXAMPLE").is_some() {
        std::fs::write(file, &drawn).unwrap();
    }
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept == drawn,
        "run again with CUSTOMER_PROFILE_DRAW_EXAMPLE=1, and look at it"
    );
}
