//! What holds for every picture.

use proptest::prelude::*;
use prost_types::Timestamp;

use super::{
    svg::{Area, areas},
    *,
};
use crate::proto::v1::{
    CutRule, DecisionKind, Identifier, IdentityCut, IdentityDecision, IdentityLink, JoiningLink,
    LinkEvidence, ProfileIdentifier,
};

const NAMESPACES: [&str; 8] = [
    "customer_id",
    "loyalty_id",
    "email",
    "phone",
    "social_handle",
    "device_id",
    "cookie",
    "線_id",
];

/// Values that mean something to a format, or that take more room than their letters.
pub(super) const HOSTILE: [&str; 9] = [
    "</text><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "a\\N\\G\"];\n} digraph x {",
    "<b>&amp;&#x3c;</b>]]>",
    "\u{1b}[31m\u{0}\u{ffff}\u{202e}gpj",
    "山田花子のとても長いメールアドレス名前です@例え.テスト",
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW@MMMMMMMMMMMM.example",
    "e\u{301}\u{301}\u{301}👩\u{200d}👩\u{200d}👧",
    "",
];

#[expect(clippy::unnecessary_wraps, reason = "as messages hold times")]
pub(super) fn at(day: i64) -> Option<Timestamp> {
    Some(Timestamp {
        seconds: 1_709_251_200 + day * 86_400,
        nanos: 0,
    })
}

fn identifier(n: usize, kind: usize, hostile: usize) -> ProfileIdentifier {
    let value = match HOSTILE.get(hostile) {
        Some(value) => format!("{n}{value}"),
        None => format!("value-{n}"),
    };
    ProfileIdentifier {
        namespace: NAMESPACES[kind % NAMESPACES.len()].to_owned(),
        value,
        first_seen: at(1),
        last_seen: at(9),
        hub: Some(hostile.is_multiple_of(5)),
        shared: Some(hostile.is_multiple_of(3)),
        contested: Some(kind.is_multiple_of(2)),
        apart: Some(hostile.is_multiple_of(4)),
    }
}

pub(super) fn link(from: usize, to: usize, interactions: i64) -> IdentityLink {
    IdentityLink {
        from: i32::try_from(from).unwrap(),
        to: i32::try_from(to).unwrap(),
        first_seen: at(1),
        last_seen: at(interactions),
        interactions,
        evidence: vec![LinkEvidence {
            r#type: "order.placed".into(),
            source: "<shop>".into(),
            ..LinkEvidence::default()
        }],
    }
}

fn cut(from: usize, to: ProfileIdentifier, rule: usize) -> IdentityCut {
    const RULES: [CutRule; 6] = [
        CutRule::Limit,
        CutRule::Separated,
        CutRule::Size,
        CutRule::Shared,
        CutRule::Hub,
        CutRule::Unspecified,
    ];
    IdentityCut {
        from: i32::try_from(from).unwrap(),
        values: vec!["C-1".into()],
        other_values: vec![to.value.clone()],
        to: Some(to),
        profile_id: "01a200b9-d409-713d-b1af-9f79a26b9fdd".into(),
        last_seen: at(7),
        interactions: 2,
        rule: RULES[rule % RULES.len()].into(),
        namespace: "customer_id".into(),
        limit: 1,
        separated_by: "parted".into(),
        ..IdentityCut::default()
    }
}

pub(super) fn name(of: &ProfileIdentifier) -> Identifier {
    Identifier {
        namespace: of.namespace.clone(),
        value: of.value.clone(),
    }
}

type Shape = (
    Vec<(usize, usize)>,
    Vec<(usize, usize)>,
    Vec<(usize, usize, usize)>,
);

/// An answer with so many identifiers, each but the first linked to an earlier one, with links beside and cuts.
fn answer((nodes, asides, cuts): Shape) -> ExplainIdentityResponse {
    let identifiers: Vec<ProfileIdentifier> = nodes
        .iter()
        .enumerate()
        .map(|(n, (_, seed))| identifier(n, *seed, seed / 3 % 20))
        .collect();
    let count = identifiers.len();
    let mut links: Vec<IdentityLink> = (1..count)
        .filter(|n| nodes[*n].1 % 11 != 0)
        .map(|n| link(nodes[n].0 % n, n, i64::try_from(nodes[n].1).unwrap()))
        .collect();
    let aside = asides.iter().map(|(a, b)| (a % count, b % count));
    links.extend(
        aside
            .filter(|(a, b)| a != b)
            .map(|(a, b)| link(a.min(b), a.max(b), 3)),
    );
    let cuts: Vec<IdentityCut> = cuts
        .iter()
        .enumerate()
        .map(|(n, (from, seed, rule))| {
            cut(from % count, identifier(1_000 + n, *seed, seed % 20), *rule)
        })
        .collect();
    let names: Vec<Identifier> = identifiers.iter().map(name).collect();
    let decisions = vec![
        IdentityDecision {
            operation_id: "parted".into(),
            kind: DecisionKind::Separation.into(),
            made_at: at(3),
            caller: "kim".into(),
            reason: "father <and> \"son\"".into(),
            chosen: names[..1].to_vec(),
            others: (0..nodes.len() % 7)
                .map(|n| name(&identifier(2_000 + n, n, n)))
                .collect(),
            ..IdentityDecision::default()
        },
        IdentityDecision {
            operation_id: "merged".into(),
            kind: DecisionKind::Merge.into(),
            made_at: at(4),
            asserted: vec![JoiningLink {
                from: names.first().cloned(),
                to: names.last().cloned(),
            }],
            ..IdentityDecision::default()
        },
    ];
    let total = |n: usize| i32::try_from(n).unwrap();
    ExplainIdentityResponse {
        profile_id: "01a200b9-d409-713d-b1af-9f79a26b9fdc".into(),
        identifiers_total: total(count),
        links_total: total(links.len()),
        cuts_total: total(cuts.len()) + 3,
        decisions_total: 2,
        identifiers,
        links,
        cuts,
        decisions,
        ..ExplainIdentityResponse::default()
    }
}

fn answers(most: usize) -> impl Strategy<Value = ExplainIdentityResponse> {
    let node = (0..1_000_usize, 1..1_000_usize);
    let pair = (0..1_000_usize, 0..1_000_usize);
    let cut = (0..1_000_usize, 0..1_000_usize, 0..6_usize);
    (
        prop::collection::vec(node, 1..=most),
        prop::collection::vec(pair, 0..20),
        prop::collection::vec(cut, 0..30),
    )
        .prop_map(answer)
}

fn overlap(a: &Area, b: &Area) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/// Fails unless a text is well-formed XML of the elements and attributes that we write, all of them closed.
pub(super) fn assert_is_svg(svg: &str) {
    const ELEMENTS: [&str; 12] = [
        "svg", "title", "desc", "style", "rect", "circle", "path", "text", "g", "line", "polyline",
        "polygon",
    ];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = svg;
    while let Some(begin) = rest.find('<') {
        let text = &rest[..begin];
        assert!(!text.contains('>') && !text.chars().any(|c| c.is_control() && c != '\n'));
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(
                ["amp", "lt", "gt", "quot", "apos", "#39"].contains(&name),
                "{name}"
            );
        }
        let end = begin + rest[begin..].find('>').unwrap();
        let tag = &rest[begin + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else {
            let name = tag.split([' ', '/']).next().unwrap();
            assert!(ELEMENTS.contains(&name), "{tag}");
            assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
            for attribute in tag.split('"').step_by(2) {
                let attribute = attribute.trim_matches([' ', '=', '/']);
                assert!(!attribute.starts_with("on") && attribute != "href", "{tag}");
            }
            if !tag.ends_with('/') {
                open.push(name);
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty() && rest == "\n");
}

/// The strings of a text for Graphviz, which is checked to hold no quotation mark beside them.
fn strings(dot: &str) -> Vec<String> {
    let mut strings = Vec::new();
    let mut chars = dot.chars();
    while let Some(c) = chars.next() {
        assert_ne!(c, '\\', "outside of strings");
        if c != '"' {
            continue;
        }
        let mut text = String::new();
        loop {
            match chars.next().unwrap() {
                '"' => break,
                '\\' => {
                    let escaped = chars.next().unwrap();
                    assert!(['n', '"', '\\'].contains(&escaped), "{escaped}");
                    text.push(if escaped == 'n' { '\n' } else { escaped });
                }
                '<' | '>' => panic!("markup in {text}"),
                c => text.push(c),
            }
        }
        strings.push(text);
    }
    strings
}

pub(super) fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_lies_upon_another_and_all_is_within(answer in answers(60)) {
        let (areas, whole) = areas(&answer, &utc_day);
        for (n, area) in areas.iter().enumerate() {
            prop_assert!(
                area.x + area.width <= whole.width && area.y + area.height <= whole.height,
                "{area:?} is outside"
            );
            for other in &areas[n + 1..] {
                prop_assert!(!overlap(area, other), "{area:?} {other:?}");
            }
        }
    }

    #[test]
    fn whatever_values_hold_they_are_text(answer in answers(30)) {
        let svg = svg(&answer, &utc_day);
        assert_is_svg(&svg);
        prop_assert_eq!(&svg, &draw(&answer.clone(), PictureFormat::Svg));
        let dot = dot(&answer, &utc_day);
        prop_assert_eq!(&dot, &draw(&answer.clone(), PictureFormat::Dot));
        let strings = strings(&dot);
        for identifier in &answer.identifiers {
            let value = crate::visible::visible(&identifier.value).into_owned();
            let found = strings.iter().any(|s| unescaped(s).lines().nth(1) == Some(&value));
            prop_assert!(found, "{value} is not in {dot}");
        }
        prop_assert_eq!(dot.matches("style=dashed, color").count(), answer.cuts.len());
    }

    #[test]
    fn every_identifier_and_every_refused_link_is_told(answer in answers(24)) {
        let svg = unescaped(&svg(&answer, &utc_day));
        let ends = answer.cuts.iter().filter_map(|cut| cut.to.as_ref());
        for end in answer.identifiers.iter().chain(ends) {
            let name = words::named(end);
            let seen = crate::visible::visible(&name).replace('\u{ffff}', "\u{fffd}");
            prop_assert!(svg.contains(&seen), "{name}");
        }
    }
}

#[test]
fn pictures_stay_of_a_size_that_is_looked_at() {
    for (count, rows) in [(1, 1), (2, 1), (8, 7), (40, 40), (256, 60)] {
        let nodes = (0..count).map(|n| (n / 9, n + 1)).collect();
        let answer = answer((nodes, Vec::new(), Vec::new()));
        let plan = plan::Plan::of(&answer);
        let shown: usize = plan
            .spots
            .iter()
            .map(|spot| match &spot.item {
                plan::Item::One(_) => 1,
                plan::Item::Group(places) => places.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(shown, count, "each is on one card");
        assert!(plan.rows <= rows + 6, "{count} take {} rows", plan.rows);
    }
}
