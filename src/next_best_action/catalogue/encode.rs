//! From the model to a tree: the one way to say it. What is as it would be without being said is left out, so a field that a
//! later release adds changes neither the text nor the digest of what does not use it.

use super::{
    Document, Entry,
    decode::FORMAT,
    node::{Builder, Node},
};
use crate::next_best_action::model::{
    Amount, ContactRule, ContextWeight, Definition, Issue, Policy, Rewards, Rule, Segment, Status,
    Text, Value, Worth,
};

pub(super) fn document(document: &Document) -> Node {
    let policy = document.policy.as_ref().map(policy);
    Builder::default()
        .put("catalogue", Node::plain(&FORMAT))
        .put_some("policy", policy)
        .put_list("segments", document.segments.iter().map(segment))
        .put_list("actions", document.actions.iter().map(entry))
        .build()
}

fn entry(entry: &Entry) -> Node {
    action(&entry.definition, Some(entry.status))
}

/// A definition and nothing else.
pub(super) fn definition(of: &Definition) -> Node {
    action(of, None)
}

/// An action, its sets in the one order that means the same.
fn action(of: &Definition, status: Option<Status>) -> Node {
    let of = of.clone().canonical();
    let rules = |rules: &[Rule]| rules.iter().map(rule).collect::<Vec<_>>();
    let rewards_said = of.rewards != Rewards::default();
    Builder::default()
        .put("id", Node::text(&of.id))
        .put_some("status", status.map(|status| Node::text(status.word())))
        .put_some("description", said(&of.description))
        .put("issue", Node::text(of.issue.word()))
        .put("group", Node::text(&of.group))
        .put_list("channels", of.channels.iter().map(Node::text))
        .put_list("placements", of.placements.iter().map(Node::text))
        .put_some(
            "valid_from",
            of.valid_from.map(|at| Node::text(at.to_string())),
        )
        .put_some("valid_to", of.valid_to.map(|at| Node::text(at.to_string())))
        .put("value", value(&of.value))
        .put_some("lever", lever(of.lever))
        .put_list("context", of.context.iter().map(weight))
        .put_list("eligibility", rules(&of.eligibility))
        .put_list("applicability", rules(&of.applicability))
        .put_list("suitability", rules(&of.suitability))
        .put_list("consent", of.consent.iter().map(Node::text))
        .put_list("caps", of.caps.iter().map(contact_rule))
        .put("attribution_days", Node::plain(&of.attribution_days))
        .put_some("rewards", rewards_said.then(|| rewards(of.rewards)))
        .put_some(
            "prior",
            of.prior.map(|prior| {
                Builder::default()
                    .put("propensity", Node::plain(&prior.propensity))
                    .put("evidence", Node::plain(&prior.evidence))
                    .build()
            }),
        )
        .put_some("high_risk", flag(of.high_risk))
        .put_some("mandatory", flag(of.mandatory))
        .put("texts", texts(&of.texts))
        .build()
}

fn said(text: &str) -> Option<Node> {
    (!text.is_empty()).then(|| Node::text(text))
}

fn flag(set: bool) -> Option<Node> {
    set.then(|| Node::plain(&true))
}

fn lever(points: i32) -> Option<Node> {
    (points != 0).then(|| Node::plain(&points))
}

fn value(value: &Value) -> Node {
    let amount = match &value.amount {
        Amount::Money {
            currency,
            minor_units,
        } => Builder::default()
            .put("currency", Node::text(currency))
            .put("minor_units", Node::plain(minor_units)),
        Amount::Points(points) => Builder::default().put("points", Node::plain(points)),
    };
    amount
        .put_some("floor", value.floor.as_ref().map(Node::plain))
        .build()
}

fn rule(rule: &Rule) -> Node {
    Builder::default()
        .put("name", Node::text(&rule.name))
        .put("rule", Node::text(&rule.rule))
        .build()
}

fn weight(weight: &ContextWeight) -> Node {
    Builder::default()
        .put("name", Node::text(&weight.name))
        .put("when", Node::text(&weight.when))
        .put("points", Node::plain(&weight.points))
        .build()
}

fn contact_rule(rule: &ContactRule) -> Node {
    Builder::default()
        .put("scope", Node::text(rule.scope.word()))
        .put_some("of", rule.of.as_ref().map(Node::text))
        .put_list("channels", rule.channels.iter().map(Node::text))
        .put("counts", Node::text(rule.counts.word()))
        .put("limit", Node::plain(&rule.limit))
        .put("window", Node::text(rule.window.to_string()))
        .put("pause", Node::text(rule.pause.to_string()))
        .build()
}

fn rewards(rewards: Rewards) -> Node {
    Builder::default()
        .put("impression", Node::plain(&rewards.impression))
        .put("clicked", Node::plain(&rewards.clicked))
        .put("accepted", Node::plain(&rewards.accepted))
        .put("rejected", Node::plain(&rewards.rejected))
        .build()
}

fn texts(texts: &[Text]) -> Node {
    let each = texts.iter().fold(Builder::default(), |all, text| {
        let words = Builder::default()
            .put("title", Node::text(&text.title))
            .put_some("body", said(&text.body))
            .put_some("call_to_action", said(&text.call_to_action))
            .put_some("link", said(&text.link));
        all.put(text.locale.as_str(), words.build())
    });
    each.build()
}

fn segment(segment: &Segment) -> Node {
    Builder::default()
        .put("name", Node::text(&segment.name))
        .put_some("description", said(&segment.description))
        .put("rule", Node::text(&segment.rule))
        .build()
}

fn policy(of: &Policy) -> Node {
    let of = of.clone().canonical();
    let holdouts = Builder::default()
        .put("salt", Node::text(&of.holdouts.salt))
        .put("epoch", Node::plain(&of.holdouts.epoch))
        .put("universal", Node::plain(&of.holdouts.universal))
        .put("random", Node::plain(&of.holdouts.random));
    let upset = Builder::default()
        .put("leaving_days", Node::plain(&of.upset.leaving_days))
        .put("level", Node::plain(&of.upset.level))
        .put("feelings", Node::plain(&of.upset.feelings));
    let exploration = Builder::default()
        .put("epsilon", Node::plain(&of.exploration.epsilon))
        .put("candidates", Node::plain(&of.exploration.candidates));
    Builder::default()
        .put("default_locale", Node::text(of.default_locale.as_str()))
        .put("time_zone", Node::text(of.time_zone.to_string()))
        .put("worth", worth(&of.worth))
        .put_some("issue_levers", issue_levers(of.issue_levers))
        .put_list("groups", groups(&of))
        .put_list("channels", channels(&of))
        .put_list("placements", placements(&of))
        .put_some("fallback", of.fallback.as_ref().map(Node::text))
        .put_list("contact", of.contact.iter().map(contact_rule))
        .put_list("quiet_hours", quiet_hours(&of))
        .put("holdouts", holdouts.build())
        .put("upset", upset.build())
        .put("exploration", exploration.build())
        .build()
}

fn worth(worth: &Worth) -> Node {
    Builder::default()
        .put("currency", Node::text(&worth.currency))
        .put("point", Node::plain(&worth.point))
        .put("floor", Node::plain(&worth.floor))
        .build()
}

fn issue_levers(levers: [i32; 5]) -> Option<Node> {
    let said = Issue::ALL.iter().zip(levers);
    let each = said.fold(Builder::default(), |all, (issue, points)| {
        all.put_some(issue.word(), lever(points))
    });
    levers
        .iter()
        .any(|points| *points != 0)
        .then(|| each.build())
}

fn groups(of: &Policy) -> impl Iterator<Item = Node> {
    of.groups.iter().map(|group| {
        Builder::default()
            .put("name", Node::text(&group.name))
            .put("issue", Node::text(group.issue.word()))
            .put_some("lever", lever(group.lever))
            .build()
    })
}

fn channels(of: &Policy) -> impl Iterator<Item = Node> {
    of.channels.iter().map(|channel| {
        Builder::default()
            .put("name", Node::text(&channel.name))
            .put("reach", Node::text(channel.reach.word()))
            .put_some(
                "pending",
                channel
                    .pending
                    .map(|pending| Node::text(pending.to_string())),
            )
            .build()
    })
}

fn placements(of: &Policy) -> impl Iterator<Item = Node> {
    of.placements.iter().map(|place| {
        Builder::default()
            .put("name", Node::text(&place.name))
            .put("channel", Node::text(&place.channel))
            .put_some("reach", place.reach.map(|reach| Node::text(reach.word())))
            .put_some("fallback", place.fallback.as_ref().map(Node::text))
            .build()
    })
}

fn quiet_hours(of: &Policy) -> impl Iterator<Item = Node> {
    of.quiet_hours.iter().map(|hours| {
        Builder::default()
            .put_list("channels", hours.channels.iter().map(Node::text))
            .put("from", Node::text(hours.from.to_string()))
            .put("to", Node::text(hours.to.to_string()))
            .build()
    })
}
