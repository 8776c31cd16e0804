//! For Graphviz.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Day,
    tree::{asserted, places},
    words,
};
use crate::{
    proto::v1::{
        DecisionKind, ExplainIdentityResponse, Identifier, IdentityCut, LinkEvidence,
        ProfileIdentifier,
    },
    visible::visible,
};

/// Everything that the answer lists, for Graphviz: `dot -Tsvg`.
#[must_use]
pub fn dot(answer: &ExplainIdentityResponse, day: Day<'_>) -> String {
    let mut out = String::from("graph identity {\n");
    line(
        &mut out,
        "  graph [rankdir=LR, compound=true, fontname=\"sans-serif\", label=",
        &[title(answer)],
        "];",
    );
    out.push_str("  node [shape=box, style=\"rounded,filled\", fillcolor=\"#ffffff\", fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    out.push_str("  subgraph cluster_profile {\n    style=rounded;\n");
    line(
        &mut out,
        "    label=",
        &[format!("profile {}", answer.profile_id)],
        ";",
    );
    for (n, identifier) in answer.identifiers.iter().enumerate() {
        let attributes = if n == 0 { ", penwidth=3" } else { "" };
        node(&mut out, &format!("n{n}"), identifier, attributes, day);
    }
    out.push_str("  }\n");
    links(&mut out, answer, day);
    outside(&mut out, answer, day);
    decisions(&mut out, answer, day);
    out.push_str("}\n");
    out
}

fn title(answer: &ExplainIdentityResponse) -> String {
    let mut title = words::summary(answer);
    if answer.cuts_unknown {
        title.push_str("; too large to say which links are refused");
    }
    title
}

/// A line with a quoted text of some lines in it.
fn line<S: AsRef<str>>(out: &mut String, before: &str, text: &[S], after: &str) {
    let _ = writeln!(out, "{before}{}{after}", quoted(text));
}

fn node(out: &mut String, id: &str, end: &ProfileIdentifier, attributes: &str, day: Day<'_>) {
    let mut label = vec![end.namespace.clone(), end.value.clone()];
    let last = day(end.last_seen.as_ref());
    if !last.is_empty() {
        label.push(format!("last seen {last}"));
    }
    let marks = words::marks(end);
    if !marks.is_empty() {
        label.push(format!("[{}]", marks.join(", ")));
    }
    line(
        out,
        &format!("    {id} [label="),
        &label,
        &format!("{attributes}];"),
    );
}

fn links(out: &mut String, answer: &ExplainIdentityResponse, day: Day<'_>) {
    let count = answer.identifiers.len();
    let place = |end: i32| usize::try_from(end).ok().filter(|end| *end < count);
    for link in &answer.links {
        let Some((from, to)) = place(link.from).zip(place(link.to)) else {
            continue;
        };
        let last = day(link.last_seen.as_ref());
        let mut label = vec![words::together(link.interactions, &last)];
        label.extend(by(&link.evidence));
        let width = width(link.interactions);
        line(
            out,
            &format!("  n{from} -- n{to} [penwidth={width}, label="),
            &label,
            "];",
        );
    }
}

fn by(evidence: &[LinkEvidence]) -> Option<String> {
    let last = evidence.last();
    last.map(|e| format!("{} of {}", e.r#type, e.source))
}

/// How thick a line is: with the number of digits of how often.
pub(super) fn width(interactions: i64) -> u32 {
    1 + interactions.max(1).ilog2().min(6)
}

/// Cuts with their other ends, in a box for each profile.
fn outside(out: &mut String, answer: &ExplainIdentityResponse, day: Day<'_>) {
    let ours = places(answer);
    let mut profiles: BTreeMap<&str, BTreeMap<(&str, &str), &ProfileIdentifier>> = BTreeMap::new();
    let mut names: BTreeMap<(&str, &str), String> = BTreeMap::new();
    for ((namespace, value), place) in &ours {
        names.insert((*namespace, *value), format!("n{place}"));
    }
    let mut drawn: Vec<(&IdentityCut, (&str, &str))> = Vec::new();
    for cut in &answer.cuts {
        let Some(end) = &cut.to else { continue };
        let name = (end.namespace.as_str(), end.value.as_str());
        if !names.contains_key(&name) {
            names.insert(name, format!("o{}", names.len()));
            let of_profile = profiles.entry(cut.profile_id.as_str()).or_default();
            of_profile.insert(name, end);
        }
        drawn.push((cut, name));
    }
    for (n, (profile, ends)) in profiles.iter().enumerate() {
        let _ = writeln!(
            out,
            "  subgraph cluster_other{n} {{\n    style=\"rounded,dashed\";"
        );
        line(
            out,
            "    label=",
            &[format!("not joined: profile {profile}")],
            ";",
        );
        for (name, end) in ends {
            let id = names.get(name).map_or("", String::as_str);
            node(out, id, end, ", style=\"rounded,dashed\"", day);
        }
        out.push_str("  }\n");
    }
    for (cut, name) in drawn {
        let place = usize::try_from(cut.from).ok();
        let Some(from) = place.filter(|place| *place < answer.identifiers.len()) else {
            continue;
        };
        let mut label = vec![format!("not joined: {}", words::refusal(answer, cut, day))];
        if cut.interactions > 0 {
            let last = day(cut.last_seen.as_ref());
            label.push(words::together(cut.interactions, &last));
        }
        let to = names.get(&name).map_or("", String::as_str);
        let before = format!(
            "  n{from} -- {to} [style=dashed, color=\"#c2410c\", fontcolor=\"#c2410c\", label="
        );
        line(out, &before, &label, "];");
    }
}

/// What operators said: thick lines between those that are one, and a note for each separation.
fn decisions(out: &mut String, answer: &ExplainIdentityResponse, day: Day<'_>) {
    for ([from, to], decision) in asserted(answer) {
        let before = format!(
            "  n{from} -- n{to} [penwidth=4, color=\"#0f766e\", fontcolor=\"#0f766e\", label="
        );
        line(out, &before, &[words::decision(decision, day)], "];");
    }
    let separations = answer.decisions.iter();
    let separations = separations.filter(|d| d.kind() == DecisionKind::Separation);
    for (n, decision) in separations.enumerate() {
        let side = |side: &[Identifier]| {
            let names = side.iter().map(|i| format!("{} {}", i.namespace, i.value));
            names.collect::<Vec<String>>()
        };
        let mut label = vec![words::decision(decision, day)];
        label.extend(side(&decision.chosen));
        label.push("--- apart from ---".to_owned());
        label.extend(side(&decision.others));
        let before = format!("  d{n} [shape=note, style=filled, color=\"#7c3aed\", label=");
        line(out, &before, &label, "];");
    }
}

/// A string of the language, in which text is text: lines are kept, and nothing else has a meaning.
fn quoted<S: AsRef<str>>(lines: &[S]) -> String {
    let mut out = String::from("\"");
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            out.push_str("\\n");
        }
        for c in visible(line.as_ref()).chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                // Graphviz reads entities in labels.
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                c => out.push(c),
            }
        }
    }
    out.push('"');
    out
}
