//! `explain`: why identifiers are one person, as a tree of the links that join them.

mod tree;

use clap::Args;

use super::{
    Failure, client,
    json::Printer,
    terminal::{Line, Look, Screen, Tone, emit},
    timeline::masked,
    who::Who,
    words,
};
use crate::proto::v1::{
    ExplainIdentityRequest, ExplainIdentityResponse, IdentityLink, LinkEvidence,
    identity_service_client::IdentityServiceClient,
};
use tree::{Branch, Tree};

/// Links beside the tree that are shown without `--full`.
const ASIDE: usize = 20;

/// Whose identifiers to explain.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    target: client::Target,

    #[command(flatten)]
    look: Look,

    /// Print all links that are not in the tree.
    #[arg(long)]
    full: bool,

    /// Print the answer as JSON of the protocol.
    #[arg(long)]
    json: bool,
}

/// `explain`.
pub(super) async fn explain(args: &ExplainArgs) -> Result<(), Failure> {
    let request = ExplainIdentityRequest {
        lookup: Some(args.who.lookup()?),
        ..ExplainIdentityRequest::default()
    };
    let mut client = IdentityServiceClient::new(args.target.connect()?);
    let answer = client
        .explain_identity(request)
        .await
        .map_err(|status| args.who.failed(&status))?
        .into_inner();
    if args.json {
        emit(&Printer::new("ExplainIdentityResponse")?.pretty(&answer)?)?;
        return Ok(());
    }
    let screen = args.look.screen();
    let most = if args.full { usize::MAX } else { ASIDE };
    let answered = args.who.answered(answer.answered_by);
    screen.print(&lines(&answer, answered, &screen, most))?;
    masked(&answer.masked_fields);
    Ok(())
}

/// The whole answer; at most so many links beside the tree.
fn lines(
    answer: &ExplainIdentityResponse,
    answered: Option<&str>,
    screen: &Screen,
    most: usize,
) -> Vec<Line> {
    let mut title = format!(
        "profile {} is known by {}",
        answer.profile_id,
        words::count(i64::from(answer.identifiers_total), "identifier")
    );
    if let Some(answered) = answered {
        title.push_str("; found by ");
        title.push_str(answered);
    }
    let mut lines = vec![Line::of(&title)];
    let tree = Tree::of(answer);
    for branch in &tree.branches {
        lines.push(node(answer, branch));
        if let Some(link) = branch.link {
            lines.push(Line::of(&below(branch)).then(evidence(link, screen)));
        }
    }
    if answer.identifiers_total == 1 {
        lines.push(Line::of("It is the only identifier: nothing was joined."));
    }
    if tree.roots > 1 {
        let text =
            "Those at the margin are joined through identifiers or links that are not shown.";
        lines.push(Line::default().with(Tone::Faint, text));
    }
    let unseen = usize::try_from(answer.identifiers_total)
        .unwrap_or_default()
        .saturating_sub(answer.identifiers.len());
    if unseen > 0 {
        lines.push(Line::of(&format!("and {unseen} more identifiers")));
    }
    if !tree.aside.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().with(Tone::Faint, "also linked"));
    }
    for link in tree.aside.iter().take(most) {
        let ends = Line::of("  ")
            .then(identifier(answer, link.from))
            .plain(" and ")
            .then(identifier(answer, link.to));
        lines.push(ends);
        lines.push(Line::of("    ").then(evidence(link, screen)));
    }
    let total = usize::try_from(answer.links_total).unwrap_or_default();
    let left = total.saturating_sub(tree.joining() + tree.aside.len().min(most));
    if left > 0 {
        lines.push(Line::default().with(Tone::Faint, &format!("  and {left} more links")));
    }
    lines
        .into_iter()
        .map(|line| line.cut(screen.width))
        .collect()
}

/// An identifier in its place in the tree.
fn node(answer: &ExplainIdentityResponse, branch: &Branch<'_>) -> Line {
    let mut line = Line::default();
    if let Some((last, above)) = branch.lasts.split_last() {
        for last in above {
            line = line.with(Tone::Faint, if *last { "   " } else { "│  " });
        }
        line = line.with(Tone::Faint, if *last { "└─ " } else { "├─ " });
    }
    let index = i32::try_from(branch.node).unwrap_or(i32::MAX);
    line.then(identifier(answer, index))
}

/// What stands before the second line of an identifier.
fn below(branch: &Branch<'_>) -> String {
    let lasts = branch.lasts.iter();
    let mut text: String = lasts
        .map(|last| if *last { "   " } else { "│  " })
        .collect();
    text.push_str(if branch.has_children { "│  " } else { "   " });
    text
}

fn identifier(answer: &ExplainIdentityResponse, index: i32) -> Line {
    let found = usize::try_from(index)
        .ok()
        .and_then(|n| answer.identifiers.get(n));
    found.map_or_else(Line::default, |identifier| {
        Line::default()
            .with(Tone::Faint, &format!("{} ", identifier.namespace))
            .with(Tone::Strong, &identifier.value)
    })
}

/// By what a link is known.
fn evidence(link: &IdentityLink, screen: &Screen) -> Line {
    let zone = screen.zone;
    let (first, last) = (
        zone.day(link.first_seen.as_ref()),
        zone.day(link.last_seen.as_ref()),
    );
    let mut text = if link.interactions == 1 {
        format!("together once, on {first}")
    } else {
        format!("together {} times, {first} to {last}", link.interactions)
    };
    let by = |evidence: &LinkEvidence| format!("{} of {}", evidence.r#type, evidence.source);
    match link.evidence.as_slice() {
        [] => (),
        [only] => text = format!("{text} ({})", by(only)),
        [first, .., last] if by(first) == by(last) => {
            text = format!("{text} (first and last {})", by(first));
        }
        [first, .., last] => text = format!("{text} (first {}, last {})", by(first), by(last)),
    }
    Line::of(&text)
}

#[cfg(test)]
mod tests {
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
}
