//! `explain`: why identifiers are one person, as a tree of the links that join them.

mod refusals;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use clap::Args;

use super::{
    Failure, client,
    json::Printer,
    terminal::{Line, Look, Screen, Tone, emit},
    timeline::masked,
    who::Who,
    words,
};
use crate::{
    picture::{
        self,
        tree::{Branch, Joint, Tree},
        words::{decision, marks},
    },
    proto::v1::{
        ExplainIdentityRequest, ExplainIdentityResponse, IdentityLink, LinkEvidence,
        ProfileIdentifier, identity_service_client::IdentityServiceClient,
    },
};

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

    /// Print all links that are not in the tree, all that were refused, and everything of decisions.
    #[arg(long)]
    full: bool,

    /// Print the answer as JSON of the protocol.
    #[arg(long, conflicts_with_all = ["dot", "svg"])]
    json: bool,

    /// Write it for Graphviz to a file, `-` being standard output, instead of printing it.
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,

    /// Write it as a picture to a file, `-` being standard output, instead of printing it.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
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
    let day = |at: Option<&prost_types::Timestamp>| screen.zone.day(at);
    if let Some(file) = &args.dot {
        write(file, &picture::dot(&answer, &day))?;
    }
    if let Some(file) = &args.svg {
        write(file, &picture::svg(&answer, &day))?;
    }
    if args.dot.is_some() || args.svg.is_some() {
        masked(&answer.masked_fields);
        return Ok(());
    }
    let most = if args.full { usize::MAX } else { ASIDE };
    let answered = args.who.answered(answer.answered_by);
    screen.print(&lines(&answer, answered, &screen, most))?;
    masked(&answer.masked_fields);
    Ok(())
}

/// Writes a picture to a file, or to standard output.
fn write(file: &Path, picture: &str) -> Result<(), Failure> {
    if file == Path::new("-") {
        emit(picture)?;
        return Ok(());
    }
    std::fs::write(file, picture)
        .map_err(|error| Failure::Call(format!("{}: {error}", file.display())))
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
        if let Some((_, by)) = branch.under {
            lines.push(Line::of(&below(branch)).then(joint(by, screen)));
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
    lines.extend(refusals::lines(answer, screen, most));
    lines.extend(refusals::decisions(answer, screen, most));
    lines
        .into_iter()
        .map(|line| line.cut(screen.width))
        .collect()
}

/// What joins an identifier to the one above.
fn joint(by: Joint<'_>, screen: &Screen) -> Line {
    match by {
        Joint::Link(link) => evidence(link, screen),
        Joint::Said(said) => {
            let text = decision(said, &|at| screen.zone.day(at));
            Line::default().with(Tone::Good, &text)
        }
    }
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
    found.map_or_else(Line::default, called)
}

/// An identifier with what its links say of it.
fn called(identifier: &ProfileIdentifier) -> Line {
    let line = Line::default()
        .with(Tone::Faint, &format!("{} ", identifier.namespace))
        .with(Tone::Strong, &identifier.value);
    match marks(identifier).as_slice() {
        [] => line,
        marks => line.with(Tone::Notice, &format!(" [{}]", marks.join(", "))),
    }
}

/// By what a link is known.
fn evidence(link: &IdentityLink, screen: &Screen) -> Line {
    let zone = screen.zone;
    let days = [
        zone.day(link.first_seen.as_ref()),
        zone.day(link.last_seen.as_ref()),
    ];
    Line::of(&together(link.interactions, &days, &link.evidence))
}

/// How often two came together, from the first day to the last, and by what.
fn together(interactions: i64, [first, last]: &[String; 2], evidence: &[LinkEvidence]) -> String {
    let text = if interactions == 1 {
        format!("together once, on {first}")
    } else {
        format!("together {interactions} times, {first} to {last}")
    };
    let by = |evidence: &LinkEvidence| format!("{} of {}", evidence.r#type, evidence.source);
    match evidence {
        [] => text,
        [only] => format!("{text} ({})", by(only)),
        [first, .., last] if by(first) == by(last) => {
            format!("{text} (first and last {})", by(first))
        }
        [first, .., last] => format!("{text} (first {}, last {})", by(first), by(last)),
    }
}
