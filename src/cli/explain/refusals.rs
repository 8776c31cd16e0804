//! Below the tree: whom the identifiers are linked to without being joined, and what operators decided.

use super::{called, identifier, together};
use crate::{
    cli::terminal::{Line, Screen, Tone},
    picture::words::{self, refusal},
    proto::v1::{ExplainIdentityResponse, Identifier, IdentityCut},
};

/// Links that were refused, with the rules; at most so many.
pub(super) fn lines(answer: &ExplainIdentityResponse, screen: &Screen, most: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    if !answer.cuts.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().with(Tone::Faint, "linked, but not joined"));
    }
    let day = |at: Option<&prost_types::Timestamp>| screen.zone.day(at);
    for cut in answer.cuts.iter().take(most) {
        let mut ends = Line::of("  ").then(identifier(answer, cut.from));
        ends = ends.with(Tone::Bad, " not joined with ");
        lines.push(ends.then(cut.to.as_ref().map_or_else(Line::default, called)));
        let why = refusal(answer, cut, &day);
        lines.push(Line::of("    ").with(Tone::Notice, &why));
        lines.push(Line::of("    ").then(evidence(cut, screen)));
    }
    let total = usize::try_from(answer.cuts_total).unwrap_or_default();
    let left = total.saturating_sub(answer.cuts.len().min(most));
    if left > 0 {
        let text = format!("  and {left} more that are not joined");
        lines.push(Line::default().with(Tone::Faint, &text));
    }
    if answer.rules_revision != answer.rules_in_force {
        lines.push(Line::default());
        let text = format!(
            "resolved under revision {} of the rules; revision {} is in force, and it will come under it",
            answer.rules_revision, answer.rules_in_force
        );
        lines.push(Line::default().with(Tone::Notice, &text));
    }
    if answer.cuts_unknown {
        let text = "There is too much around this profile to say which links were refused.";
        lines.push(Line::default().with(Tone::Faint, text));
    }
    lines
}

/// By what a link is known that joins nothing.
fn evidence(cut: &IdentityCut, screen: &Screen) -> Line {
    if cut.interactions == 0 {
        let text = format!("said by an operator ({})", cut.asserted_by);
        return Line::of(&text);
    }
    let day = |at: Option<&prost_types::Timestamp>| screen.zone.day(at);
    let days = [day(cut.first_seen.as_ref()), day(cut.last_seen.as_ref())];
    let place = if cut.profile_id.is_empty() {
        String::new()
    } else {
        format!(", in profile {}", cut.profile_id)
    };
    let text = together(cut.interactions, &days, &cut.evidence);
    Line::of(&text).with(Tone::Faint, &place)
}

/// Operators' decisions; at most so many identifiers of each side.
pub(super) fn decisions(
    answer: &ExplainIdentityResponse,
    screen: &Screen,
    most: usize,
) -> Vec<Line> {
    let mut lines = Vec::new();
    if !answer.decisions.is_empty() {
        lines.push(Line::default());
        lines.push(Line::default().with(Tone::Faint, "decided by operators"));
    }
    let day = |at: Option<&prost_types::Timestamp>| screen.zone.day(at);
    // Who has seen a few of a side knows it.
    let shown = most.min(3).max(most / 8);
    for decision in &answer.decisions {
        let text = words::decision(decision, &day);
        let id = format!(" ({})", decision.operation_id);
        lines.push(Line::of("  ").plain(&text).with(Tone::Faint, &id));
        let sides = side(&decision.chosen, decision.chosen_total, shown)
            .plain(" | ")
            .then(side(&decision.others, decision.others_total, shown));
        lines.push(Line::of("    ").then(sides));
    }
    let total = usize::try_from(answer.decisions_total).unwrap_or_default();
    let left = total.saturating_sub(answer.decisions.len());
    if left > 0 {
        lines.push(Line::default().with(Tone::Faint, &format!("  and {left} more decisions")));
    }
    lines
}

fn side(identifiers: &[Identifier], total: i32, most: usize) -> Line {
    let mut line = Line::default();
    for (n, identifier) in identifiers.iter().take(most).enumerate() {
        if n > 0 {
            line = line.plain(", ");
        }
        line = line
            .with(Tone::Faint, &format!("{} ", identifier.namespace))
            .plain(&identifier.value);
    }
    let total = usize::try_from(total).unwrap_or_default();
    match total.saturating_sub(identifiers.len().min(most)) {
        0 => line,
        left if line.width() == 0 => line.plain(&words::count(left, "identifier")),
        left => line.plain(&format!(" and {left} more")),
    }
}
