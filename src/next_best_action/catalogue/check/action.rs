//! One action, in the light of its policy.

use super::{
    super::{
        encode,
        limits::{
            ACTION_CAP_LIMIT, ATTRIBUTION_DAYS, CAP_LIMIT, CAP_MINUTES, CONTEXT_POINTS, EVIDENCE,
            LEVER, MAX_ACTION_PLACEMENTS, MAX_CAPS, MAX_CHANNELS, MAX_CONTEXT_WEIGHTS,
            MAX_DEFINITION_BYTES, MAX_DESCRIPTION_CHARS, MAX_PURPOSES, MAX_RULES, MAX_VALUE,
        },
        violation::{
            Findings, Path,
            reason::{
                CONSENT_NEEDED, CONTRADICTS, DUPLICATE_NAME, NOT_ALLOWED_HERE, OUT_OF_RANGE,
                REQUIRED, TOO_LARGE, UNKNOWN_NAME,
            },
        },
    },
    CheckRule,
    fields::{count, currency, each_once, prose, range, slug, slugs},
    rule, texts,
};
use crate::{
    clock::Micros,
    next_best_action::model::{
        Amount, ContactRule, Definition, Issue, Policy, Prior, Reach, Rewards, Rule, Scope, Value,
    },
};

/// The first instant of the year 10000.
const END_OF_TIME: i64 = 253_402_300_800 * Micros::SECOND;

/// What one action says, all but what it says of other actions.
pub fn action(
    path: Path<'_>,
    of: &Definition,
    policy: &Policy,
    rules: &impl CheckRule,
    found: &mut Findings,
) {
    slug(path.key("id"), &of.id, found);
    let described = path.key("description");
    prose(described, &of.description, MAX_DESCRIPTION_CHARS, found);
    group(path.key("group"), of, policy, found);
    channels(path, of, policy, found);
    placements(path.key("placements"), of, policy, found);
    period(path, of, found);
    value(path.key("value"), &of.value, policy, found);
    range(path.key("lever"), of.lever, &LEVER, found);
    context(path.key("context"), of, rules, found);
    for (stage, list) in of.rules() {
        stage_rules(path.key(stage), list, rules, found);
    }
    names_of_rules(path, of, found);
    slugs(path.key("consent"), &of.consent, MAX_PURPOSES, found);
    caps(path.key("caps"), &of.caps, policy, found);
    let days = path.key("attribution_days");
    range(days, of.attribution_days, &ATTRIBUTION_DAYS, found);
    rewards(path.key("rewards"), of.rewards, found);
    if let Some(believed) = of.prior {
        prior(path.key("prior"), believed, found);
    }
    if of.mandatory && of.issue == Issue::Sell {
        let text = "what sells is nothing that has to be given";
        found.add(path.key("mandatory"), CONTRADICTS, text);
    }
    let locale = &policy.default_locale;
    texts::texts(path.key("texts"), &of.texts, locale, found);
    if encode::definition(of).bytes() > MAX_DEFINITION_BYTES {
        let most = format!("at most {MAX_DEFINITION_BYTES} bytes of keys and values");
        found.add(path, TOO_LARGE, most);
    }
}

fn group(path: Path<'_>, of: &Definition, policy: &Policy, found: &mut Findings) {
    slug(path, &of.group, found);
    match policy.group(&of.group) {
        Some(group) if group.issue != of.issue => {
            found.add(path, CONTRADICTS, "is a group of another issue");
        }
        None if !of.group.is_empty() => found.add(path, UNKNOWN_NAME, "is no group of the policy"),
        _ => {}
    }
}

fn channels(path: Path<'_>, of: &Definition, policy: &Policy, found: &mut Findings) {
    let list = path.key("channels");
    slugs(list, &of.channels, MAX_CHANNELS, found);
    if of.channels.is_empty() {
        found.add(list, REQUIRED, "at least one");
    }
    for (place, name) in of.channels.iter().enumerate() {
        if policy.channel(name).is_none() {
            found.add(
                list.item(place),
                UNKNOWN_NAME,
                "is no channel of the policy",
            );
        }
    }
    if lacks_consent(of, policy) {
        let text = "reaches out to customers, so it needs a purpose that they consented to";
        found.add(path.key("consent"), CONSENT_NEEDED, text);
    }
}

/// Whether it would be sent to who never consented to anything.
pub(super) fn lacks_consent(of: &Definition, policy: &Policy) -> bool {
    let asks = of.issue != Issue::Serve && !of.mandatory;
    asks && of.consent.is_empty() && reaches_out(of, policy)
}

/// Whether it may disturb someone: on an outbound channel, or at a place that is outbound on a channel that is not.
fn reaches_out(of: &Definition, policy: &Policy) -> bool {
    let fills = |name: &String| of.placements.is_empty() || of.placements.contains(name);
    let on_channel = |name: &String| {
        let outbound =
            |channel: &super::super::super::model::Channel| channel.reach == Reach::Outbound;
        of.placements.is_empty() && policy.channel(name).is_some_and(outbound)
    };
    let at_place = policy.placements.iter().any(|place| {
        fills(&place.name)
            && of.channels.contains(&place.channel)
            && policy.reach(place) == Some(Reach::Outbound)
    });
    at_place || of.channels.iter().any(on_channel)
}

fn placements(path: Path<'_>, of: &Definition, policy: &Policy, found: &mut Findings) {
    slugs(path, &of.placements, MAX_ACTION_PLACEMENTS, found);
    for (place, name) in of.placements.iter().enumerate() {
        match policy.placement(name) {
            None => found.add(
                path.item(place),
                UNKNOWN_NAME,
                "is no placement of the policy",
            ),
            Some(known) if !of.channels.contains(&known.channel) => {
                let text = "is on a channel that the action does not go through";
                found.add(path.item(place), CONTRADICTS, text);
            }
            Some(_) => {}
        }
    }
}

fn period(path: Path<'_>, of: &Definition, found: &mut Findings) {
    for (key, at) in [("valid_from", of.valid_from), ("valid_to", of.valid_to)] {
        if at.is_some_and(|at| !(0..END_OF_TIME).contains(&at.0)) {
            found.add(path.key(key), OUT_OF_RANGE, "from 1970 to 9999");
        }
    }
    if let (Some(from), Some(to)) = (of.valid_from, of.valid_to)
        && to <= from
    {
        found.add(path.key("valid_to"), CONTRADICTS, "is not after valid_from");
    }
}

fn value(path: Path<'_>, value: &Value, policy: &Policy, found: &mut Findings) {
    let amount = match &value.amount {
        Amount::Money {
            currency: code,
            minor_units,
        } => {
            let here = path.key("currency");
            currency(here, code, found);
            if *code != policy.worth.currency {
                let text = "is not the currency of the policy: values have to compare";
                found.add(here, CONTRADICTS, text);
            }
            range(
                path.key("minor_units"),
                *minor_units,
                &(0..=MAX_VALUE),
                found,
            );
            *minor_units
        }
        Amount::Points(points) => {
            range(path.key("points"), *points, &(0..=MAX_VALUE), found);
            *points
        }
    };
    if let Some(floor) = value.floor {
        range(path.key("floor"), floor, &(1..=MAX_VALUE), found);
        if amount > floor && amount <= MAX_VALUE && floor >= 1 {
            let text = "is below the value, so it means nothing";
            found.add(path.key("floor"), CONTRADICTS, text);
        }
    }
}

fn context(path: Path<'_>, of: &Definition, rules: &impl CheckRule, found: &mut Findings) {
    count(path, of.context.len(), MAX_CONTEXT_WEIGHTS, found);
    for (place, weight) in of.context.iter().take(MAX_CONTEXT_WEIGHTS).enumerate() {
        let here = path.item(place);
        slug(here.key("name"), &weight.name, found);
        rule(here.key("when"), &weight.when, rules, found);
        range(here.key("points"), weight.points, &CONTEXT_POINTS, found);
    }
    let names = of.context.iter().map(|weight| weight.name.as_str());
    each_once(names, |place| {
        let here = path.item(place);
        found.add(here.key("name"), DUPLICATE_NAME, "is said twice");
    });
}

fn stage_rules(path: Path<'_>, list: &[Rule], rules: &impl CheckRule, found: &mut Findings) {
    count(path, list.len(), MAX_RULES, found);
    for (place, one) in list.iter().take(MAX_RULES).enumerate() {
        let here = path.item(place);
        slug(here.key("name"), &one.name, found);
        rule(here.key("rule"), &one.rule, rules, found);
    }
}

/// A reason names a rule, so a name stands once in all stages together.
fn names_of_rules(path: Path<'_>, of: &Definition, found: &mut Findings) {
    let all: Vec<(&str, usize, &str)> = of
        .rules()
        .flat_map(|(stage, list)| {
            let each = list.iter().enumerate();
            each.map(move |(place, rule)| (stage, place, rule.name.as_str()))
        })
        .collect();
    each_once(all.iter().map(|(_, _, name)| *name), |at| {
        if let Some((stage, place, _)) = all.get(at) {
            let (stage, name) = (path.key(stage), "name");
            let here = stage.item(*place);
            found.add(here.key(name), DUPLICATE_NAME, "is said twice");
        }
    });
}

fn caps(path: Path<'_>, caps: &[ContactRule], policy: &Policy, found: &mut Findings) {
    count(path, caps.len(), MAX_CAPS, found);
    for (place, cap) in caps.iter().take(MAX_CAPS).enumerate() {
        let here = path.item(place);
        contact_rule(here, cap, policy, found);
        if cap.of.is_some() {
            let text = "an action's caps are about its own group and channel";
            found.add(here.key("of"), NOT_ALLOWED_HERE, text);
        }
    }
}

/// What holds for caps of actions and for contact policies alike.
pub(super) fn contact_rule(
    path: Path<'_>,
    rule: &ContactRule,
    policy: &Policy,
    found: &mut Findings,
) {
    let limit = match rule.scope {
        Scope::Action => &ACTION_CAP_LIMIT,
        Scope::Group | Scope::Channel | Scope::All => &CAP_LIMIT,
    };
    range(path.key("limit"), rule.limit, limit, found);
    if !CAP_MINUTES.contains(&rule.window.0) {
        found.add(path.key("window"), OUT_OF_RANGE, "1 minute to 365 days");
    }
    if rule.pause.0 > *CAP_MINUTES.end() {
        found.add(path.key("pause"), OUT_OF_RANGE, "at most 365 days");
    }
    let channels = path.key("channels");
    slugs(channels, &rule.channels, MAX_CHANNELS, found);
    for (place, name) in rule.channels.iter().enumerate() {
        if policy.channel(name).is_none() {
            found.add(
                channels.item(place),
                UNKNOWN_NAME,
                "is no channel of the policy",
            );
        }
    }
}

fn rewards(path: Path<'_>, rewards: Rewards, found: &mut Findings) {
    let all = [
        ("impression", rewards.impression),
        ("clicked", rewards.clicked),
        ("accepted", rewards.accepted),
        ("rejected", rewards.rejected),
    ];
    for (key, reward) in all {
        range(path.key(key), reward, &(0.0..=1.0), found);
    }
    let rises = rewards.rejected <= rewards.impression
        && rewards.impression <= rewards.clicked
        && rewards.clicked <= rewards.accepted;
    if !rises {
        let text = "rejected, impression, clicked and accepted may not fall in this order";
        found.add(path, CONTRADICTS, text);
    }
    if rewards.accepted < Rewards::POSITIVE {
        let text = "has to be at least 0.5, or nothing could succeed";
        found.add(path.key("accepted"), OUT_OF_RANGE, text);
    }
    if rewards.impression >= Rewards::POSITIVE {
        let text = "has to be below 0.5, or nothing could fail";
        found.add(path.key("impression"), OUT_OF_RANGE, text);
    }
}

fn prior(path: Path<'_>, prior: Prior, found: &mut Findings) {
    if !(prior.propensity > 0.0 && prior.propensity < 1.0) {
        found.add(path.key("propensity"), OUT_OF_RANGE, "above 0 and below 1");
    }
    range(path.key("evidence"), prior.evidence, &EVIDENCE, found);
}
