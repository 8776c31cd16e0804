//! What links, refusals and decisions are called, in words. Texts come out as they came in; whoever shows them makes them
//! visible.

use super::Day;
use crate::proto::v1::{
    CutRule, DecisionKind, ExplainIdentityResponse, IdentityCut, IdentityDecision,
    ProfileIdentifier,
};

/// "1 link", "2 links".
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// How often two came together, and when last, in few words.
pub(crate) fn together(interactions: i64, last: &str) -> String {
    match interactions {
        1 => format!("once, {last}"),
        n => format!("{n}×, last {last}"),
    }
}

/// An identifier in one word or two: "email a@example.com".
pub(crate) fn named(identifier: &ProfileIdentifier) -> String {
    format!("{} {}", identifier.namespace, identifier.value)
}

/// What refused a link.
pub(crate) fn refusal(answer: &ExplainIdentityResponse, cut: &IdentityCut, day: Day<'_>) -> String {
    match cut.rule() {
        CutRule::Unspecified => "a rule about identifiers that are hidden".to_owned(),
        CutRule::Limit => limit(cut),
        CutRule::Separated => separation(answer, cut, day),
        CutRule::Size => "together they would have too many identifiers".to_owned(),
        CutRule::Shared => {
            let end = end(answer, cut, ProfileIdentifier::shared);
            format!("{end} is shared by several people and goes with one of them")
        }
        CutRule::Hub => {
            let end = end(answer, cut, ProfileIdentifier::hub);
            format!("{end} is a hub: linked to too many to be anybody's")
        }
    }
}

fn limit(cut: &IdentityCut) -> String {
    let most = match cut.limit {
        1 => format!("one {} a person", cut.namespace),
        n => format!("at most {n} of {} a person", cut.namespace),
    };
    let listed = |values: &[String]| values.join(", ");
    match (cut.values.is_empty(), cut.other_values.is_empty()) {
        (false, false) => format!(
            "{most}: here {}, there {}",
            listed(&cut.values),
            listed(&cut.other_values)
        ),
        (false, true) => format!("{most}: here {}", listed(&cut.values)),
        (true, false) => format!("{most}: there {}", listed(&cut.other_values)),
        (true, true) => most,
    }
}

fn separation(answer: &ExplainIdentityResponse, cut: &IdentityCut, day: Day<'_>) -> String {
    let mut decisions = answer.decisions.iter();
    let by = decisions.find(|decision| decision.operation_id == cut.separated_by);
    by.map_or_else(
        || "separated by an operator".to_owned(),
        |by| decision(by, day),
    )
}

/// A decision with who, when and why.
pub(crate) fn decision(decision: &IdentityDecision, day: Day<'_>) -> String {
    let mut text = match decision.kind() {
        DecisionKind::Merge => "merged".to_owned(),
        DecisionKind::Separation => "separated".to_owned(),
        DecisionKind::Unspecified => "decided".to_owned(),
    };
    if !decision.caller.is_empty() {
        text = format!("{text} by {}", decision.caller);
    }
    text = format!("{text} on {}", day(decision.made_at.as_ref()));
    if !decision.reason.is_empty() {
        text = format!("{text}: {}", decision.reason);
    }
    text
}

/// The end of a cut of which something is true; the outer one where neither says.
fn end(
    answer: &ExplainIdentityResponse,
    cut: &IdentityCut,
    is: impl Fn(&ProfileIdentifier) -> bool,
) -> String {
    let inner = usize::try_from(cut.from).ok();
    let inner = inner.and_then(|place| answer.identifiers.get(place));
    let outer = cut.to.as_ref();
    let mut ends = [outer, inner].into_iter().flatten();
    let found = ends.find(|end| is(end)).or(outer);
    found.map_or_else(|| "one of them".to_owned(), named)
}

/// What an identifier is by its links, in one word each.
pub(crate) fn marks(identifier: &ProfileIdentifier) -> Vec<&'static str> {
    let marks = [
        (identifier.hub(), "hub"),
        (identifier.shared(), "shared"),
        (identifier.contested(), "contested"),
        (identifier.apart(), "lends nothing"),
    ];
    let marks = marks.into_iter().filter(|(is, _)| *is);
    marks.map(|(_, word)| word).collect()
}

/// Everything in one sentence.
pub(crate) fn summary(answer: &ExplainIdentityResponse) -> String {
    let total = |n: i32| usize::try_from(n).unwrap_or_default();
    let identifiers = total(answer.identifiers_total).max(answer.identifiers.len());
    let mut parts = vec![
        count(identifiers, "identifier"),
        count(total(answer.links_total), "link"),
    ];
    if answer.cuts_total > 0 {
        parts.push(format!(
            "{} refused",
            count(total(answer.cuts_total), "link")
        ));
    }
    for (kind, noun) in [
        (DecisionKind::Merge, "merge"),
        (DecisionKind::Separation, "separation"),
    ] {
        let of_kind = answer.decisions.iter().filter(|d| d.kind() == kind);
        match of_kind.count() {
            0 => (),
            n => parts.push(count(n, noun)),
        }
    }
    parts.join(" · ")
}
