//! A tenant's settings, all but what they say of actions.

use super::{
    super::{
        limits::{
            CANDIDATES, EPSILON, FEELINGS, HOLDOUT, LEAVING_DAYS, LEVER, MAX_CHANNELS,
            MAX_CONTACT_RULES, MAX_GROUPS, MAX_PLACEMENTS, MAX_QUIET_HOURS, MAX_SALT_BYTES,
            MAX_VALUE, PENDING_MINUTES, POINT,
        },
        violation::{
            Findings, Path,
            reason::{
                CONTRADICTS, CONTROL_CHARACTERS, DUPLICATE_NAME, MALFORMED, NOT_ALLOWED_HERE,
                OUT_OF_RANGE, REQUIRED, TOO_LONG, UNKNOWN_NAME,
            },
        },
    },
    action::contact_rule,
    fields::{count, currency, each_once, misleads, range, slug, slugs},
};
use crate::next_best_action::model::{Issue, LanguageTag, Policy, Scope};

/// What the settings say.
pub fn policy(path: Path<'_>, of: &Policy, found: &mut Findings) {
    if of.default_locale == LanguageTag::undetermined() {
        let text = "has to be a language";
        found.add(path.key("default_locale"), MALFORMED, text);
    }
    worth(path.key("worth"), of, found);
    for (issue, lever) in Issue::ALL.iter().zip(of.issue_levers) {
        let levers = path.key("issue_levers");
        range(levers.key(issue.word()), lever, &LEVER, found);
    }
    groups(path.key("groups"), of, found);
    channels(path.key("channels"), of, found);
    placements(path.key("placements"), of, found);
    if let Some(fallback) = &of.fallback {
        slug(path.key("fallback"), fallback, found);
    }
    contact(path.key("contact"), of, found);
    quiet_hours(path.key("quiet_hours"), of, found);
    holdouts(path.key("holdouts"), of, found);
    let upset = path.key("upset");
    range(
        upset.key("leaving_days"),
        of.upset.leaving_days,
        &LEAVING_DAYS,
        found,
    );
    range(upset.key("level"), of.upset.level, &(-1.0..=1.0), found);
    range(upset.key("feelings"), of.upset.feelings, &FEELINGS, found);
    let exploration = path.key("exploration");
    range(
        exploration.key("epsilon"),
        of.exploration.epsilon,
        &EPSILON,
        found,
    );
    let candidates = of.exploration.candidates;
    range(
        exploration.key("candidates"),
        candidates,
        &CANDIDATES,
        found,
    );
}

fn worth(path: Path<'_>, of: &Policy, found: &mut Findings) {
    currency(path.key("currency"), &of.worth.currency, found);
    range(path.key("point"), of.worth.point, &POINT, found);
    range(path.key("floor"), of.worth.floor, &(1..=MAX_VALUE), found);
}

fn groups(path: Path<'_>, of: &Policy, found: &mut Findings) {
    some(path, of.groups.len(), MAX_GROUPS, found);
    for (place, group) in of.groups.iter().take(MAX_GROUPS).enumerate() {
        let here = path.item(place);
        slug(here.key("name"), &group.name, found);
        range(here.key("lever"), group.lever, &LEVER, found);
    }
    names_once(
        path,
        of.groups.iter().map(|group| group.name.as_str()),
        found,
    );
}

fn channels(path: Path<'_>, of: &Policy, found: &mut Findings) {
    some(path, of.channels.len(), MAX_CHANNELS, found);
    for (place, channel) in of.channels.iter().take(MAX_CHANNELS).enumerate() {
        let here = path.item(place);
        slug(here.key("name"), &channel.name, found);
        if channel
            .pending
            .is_some_and(|time| !PENDING_MINUTES.contains(&time.0))
        {
            found.add(here.key("pending"), OUT_OF_RANGE, "1 minute to 30 days");
        }
    }
    names_once(
        path,
        of.channels.iter().map(|channel| channel.name.as_str()),
        found,
    );
}

fn placements(path: Path<'_>, of: &Policy, found: &mut Findings) {
    count(path, of.placements.len(), MAX_PLACEMENTS, found);
    for (at, place) in of.placements.iter().take(MAX_PLACEMENTS).enumerate() {
        let here = path.item(at);
        slug(here.key("name"), &place.name, found);
        if of.channel(&place.channel).is_none() {
            found.add(
                here.key("channel"),
                UNKNOWN_NAME,
                "is no channel of the policy",
            );
        }
        if let Some(fallback) = &place.fallback {
            slug(here.key("fallback"), fallback, found);
        }
    }
    names_once(
        path,
        of.placements.iter().map(|place| place.name.as_str()),
        found,
    );
}

fn contact(path: Path<'_>, of: &Policy, found: &mut Findings) {
    count(path, of.contact.len(), MAX_CONTACT_RULES, found);
    for (place, rule) in of.contact.iter().take(MAX_CONTACT_RULES).enumerate() {
        let here = path.item(place);
        contact_rule(here, rule, of, found);
        let Some(name) = &rule.of else { continue };
        let (known, text) = match rule.scope {
            Scope::Group => (of.group(name).is_some(), "is no group of the policy"),
            Scope::Channel => (of.channel(name).is_some(), "is no channel of the policy"),
            Scope::Action | Scope::All => {
                let text = "only a group or a channel can be named";
                found.add(here.key("of"), NOT_ALLOWED_HERE, text);
                continue;
            }
        };
        if !known {
            found.add(here.key("of"), UNKNOWN_NAME, text);
        }
    }
}

fn quiet_hours(path: Path<'_>, of: &Policy, found: &mut Findings) {
    count(path, of.quiet_hours.len(), MAX_QUIET_HOURS, found);
    for (place, hours) in of.quiet_hours.iter().take(MAX_QUIET_HOURS).enumerate() {
        let here = path.item(place);
        let channels = here.key("channels");
        slugs(channels, &hours.channels, MAX_CHANNELS, found);
        for (at, name) in hours.channels.iter().enumerate() {
            if of.channel(name).is_none() {
                found.add(
                    channels.item(at),
                    UNKNOWN_NAME,
                    "is no channel of the policy",
                );
            }
        }
        if hours.from == hours.to {
            let text = "is when they begin: say none, or 00:00 to 23:59";
            found.add(here.key("to"), CONTRADICTS, text);
        }
    }
}

fn holdouts(path: Path<'_>, of: &Policy, found: &mut Findings) {
    let (salt, here) = (&of.holdouts.salt, path.key("salt"));
    if salt.is_empty() {
        found.add(here, REQUIRED, "may not be empty");
    }
    if salt.len() > MAX_SALT_BYTES {
        found.add(here, TOO_LONG, format!("at most {MAX_SALT_BYTES} bytes"));
    }
    if salt.chars().any(misleads) {
        found.add(here, CONTROL_CHARACTERS, "has characters that do not show");
    }
    let shares = [
        ("universal", of.holdouts.universal),
        ("random", of.holdouts.random),
    ];
    for (key, share) in shares {
        range(path.key(key), share, &HOLDOUT, found);
    }
}

/// At least one and at most so many.
fn some(path: Path<'_>, have: usize, most: usize, found: &mut Findings) {
    if have == 0 {
        found.add(path, REQUIRED, "at least one");
    }
    count(path, have, most, found);
}

fn names_once<'t>(path: Path<'_>, names: impl Iterator<Item = &'t str>, found: &mut Findings) {
    each_once(names, |place| {
        let here = path.item(place);
        found.add(here.key("name"), DUPLICATE_NAME, "is said twice");
    });
}
