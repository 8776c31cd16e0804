//! What the parts of a catalogue say of each other.
//!
//! What must stay true: whatever is changed, the catalogue that would be there afterwards is looked at as a whole. So a change of
//! the settings cannot strand an action that nobody touched, and a pause cannot take away a fallback.

use std::collections::{HashMap, HashSet};

use super::{
    super::{
        limits::{MAX_ACTIONS, MAX_SEGMENTS},
        violation::{
            Findings, Path,
            reason::{
                CONSENT_NEEDED, CONTRADICTS, DUPLICATE_NAME, FALLBACK_NOT_SAFE, NOT_ALLOWED_HERE,
                TEXT_MISSING, TOO_MANY, UNKNOWN_NAME,
            },
        },
    },
    action::lacks_consent,
    fields::each_once,
};
use crate::next_best_action::model::{
    Amount, Definition, Issue, Move, Policy, Segment, Status, choose,
};

/// What is there already.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The settings.
    pub policy: Option<&'a Policy>,
    /// The newest version of every action.
    pub actions: &'a [(&'a Definition, Status)],
    /// Names of segments that are not retired.
    pub segments: &'a [&'a str],
}

/// An action that is new or changed.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Its text and its place there; `None` when it came by itself.
    pub text: Option<(usize, usize)>,
    /// What it says.
    pub definition: &'a Definition,
    /// Where it is to stand.
    pub status: Status,
}

/// Looks at the catalogue as it would be: `given` in place of what is there under the same ids.
pub fn whole(
    policy_path: Path<'_>,
    policy: &Policy,
    given: &[Part<'_>],
    known: &Known<'_>,
    found: &mut Findings,
) {
    each_once(
        given.iter().map(|part| part.definition.id.as_str()),
        |place| {
            if let Some(part) = given.get(place) {
                at(*part, &["id"], &mut |path| {
                    found.add(path, DUPLICATE_NAME, "is said twice");
                });
            }
        },
    );
    let there: HashMap<&str, Status> = known
        .actions
        .iter()
        .map(|(definition, status)| (definition.id.as_str(), *status))
        .collect();
    for part in given {
        if let Some(before) = there.get(part.definition.id.as_str()) {
            moves(*part, *before, found);
        }
    }
    let replaced: HashSet<&str> = given
        .iter()
        .map(|part| part.definition.id.as_str())
        .collect();
    let kept = known
        .actions
        .iter()
        .filter(|(definition, _)| !replaced.contains(definition.id.as_str()));
    let kept: Vec<(&Definition, Status)> = kept.copied().collect();
    for (definition, status) in &kept {
        if *status != Status::Retired {
            stranded(definition, policy, found);
        }
    }
    let given = given.iter().map(|part| (part.definition, part.status));
    let all: HashMap<&str, (&Definition, Status)> = kept
        .iter()
        .copied()
        .chain(given)
        .map(|(definition, status)| (definition.id.as_str(), (definition, status)))
        .collect();
    let living = all
        .values()
        .filter(|(_, status)| *status != Status::Retired);
    if living.count() > MAX_ACTIONS {
        found.add(
            Path::Root.key("actions"),
            TOO_MANY,
            format!("at most {MAX_ACTIONS}"),
        );
    }
    fallbacks(policy_path, policy, &all, found);
}

/// Segments of texts: each once, and not too many.
pub fn segments(given: &[(usize, usize, &Segment)], known: &Known<'_>, found: &mut Findings) {
    let root = Path::Root;
    let all = root.key("documents");
    each_once(
        given.iter().map(|(_, _, segment)| segment.name.as_str()),
        |at| {
            if let Some((text, place, _)) = given.get(at) {
                let (text, list) = (all.item(*text), "segments");
                let list = text.key(list);
                found.add(
                    list.item(*place).key("name"),
                    DUPLICATE_NAME,
                    "is said twice",
                );
            }
        },
    );
    let names: HashSet<&str> = given
        .iter()
        .map(|(_, _, segment)| segment.name.as_str())
        .chain(known.segments.iter().copied())
        .collect();
    if names.len() > MAX_SEGMENTS {
        found.add(
            root.key("segments"),
            TOO_MANY,
            format!("at most {MAX_SEGMENTS}"),
        );
    }
}

/// A retired action takes nothing, and where an action is to stand has to be one move away.
fn moves(part: Part<'_>, before: Status, found: &mut Findings) {
    let reached = before == part.status
        || Move::ALL
            .iter()
            .any(|tried| before.after(*tried) == Ok(part.status));
    if !before.takes_versions() {
        at(part, &["id"], &mut |path| {
            found.add(
                path,
                NOT_ALLOWED_HERE,
                "is retired and takes no new version",
            );
        });
    } else if !reached {
        at(part, &["status"], &mut |path| {
            found.add(
                path,
                CONTRADICTS,
                "cannot be reached from where the action stands",
            );
        });
    }
}

/// What an action that nobody touched would lose.
fn stranded(of: &Definition, policy: &Policy, found: &mut Findings) {
    let root = Path::Root;
    let stored = root.key("stored");
    let path = stored.key(&of.id);
    let group = policy.group(&of.group);
    if group.is_none_or(|group| group.issue != of.issue) {
        let text = "the policy no longer has this group of the action's issue";
        found.add(path.key("group"), UNKNOWN_NAME, text);
    }
    if of
        .channels
        .iter()
        .any(|name| policy.channel(name).is_none())
    {
        let text = "the policy no longer has a channel of the action";
        found.add(path.key("channels"), UNKNOWN_NAME, text);
    }
    if of
        .placements
        .iter()
        .any(|name| policy.placement(name).is_none())
    {
        let text = "the policy no longer has a placement of the action";
        found.add(path.key("placements"), UNKNOWN_NAME, text);
    }
    let locale = &policy.default_locale;
    if choose(&of.texts, locale, locale).is_none() {
        let text = "the action has no text in the default language of the policy";
        found.add(path.key("texts"), TEXT_MISSING, text);
    }
    if let Amount::Money { currency, .. } = &of.value.amount
        && *currency != policy.worth.currency
    {
        let (value, text) = (
            path.key("value"),
            "the policy has another currency than the action",
        );
        found.add(value.key("currency"), CONTRADICTS, text);
    }
    if lacks_consent(of, policy) {
        let text =
            "the action would reach out to customers without a purpose that they consented to";
        found.add(path.key("consent"), CONSENT_NEEDED, text);
    }
}

/// Every place has something that anyone can be shown, where a fallback is named.
fn fallbacks(
    path: Path<'_>,
    policy: &Policy,
    all: &HashMap<&str, (&Definition, Status)>,
    found: &mut Findings,
) {
    for (at, place) in policy.placements.iter().enumerate() {
        let (places, key) = (path.key("placements"), "fallback");
        let place_path = places.item(at);
        let own = place
            .fallback
            .as_deref()
            .map(|id| (id, place_path.key(key)));
        let common = policy.fallback.as_deref().map(|id| (id, path.key(key)));
        let Some((id, here)) = own.or(common) else {
            continue;
        };
        match all.get(id) {
            // What is missing for all places is said once, below.
            None if place.fallback.is_none() => {}
            None => found.add(here, UNKNOWN_NAME, "is no action"),
            Some((action, _)) if !fills(action, &place.name, &place.channel) => {
                let text = "does not fill every placement that it is to stand in for";
                found.add(here, FALLBACK_NOT_SAFE, text);
            }
            Some((action, status)) => {
                for text in unsafe_as_fallback(action, *status) {
                    found.add(here, FALLBACK_NOT_SAFE, text);
                }
            }
        }
    }
    let Some(id) = policy.fallback.as_deref() else {
        return;
    };
    let here = path.key("fallback");
    match all.get(id) {
        None => found.add(here, UNKNOWN_NAME, "is no action"),
        Some((action, status)) if policy.placements.is_empty() => {
            for text in unsafe_as_fallback(action, *status) {
                found.add(here, FALLBACK_NOT_SAFE, text);
            }
        }
        Some(_) => {}
    }
}

fn fills(action: &Definition, placement: &str, channel: &str) -> bool {
    let named = action.placements.is_empty() || action.placements.iter().any(|p| p == placement);
    named && action.channels.iter().any(|c| c == channel)
}

/// Why an action should not be shown to just anyone at any time.
fn unsafe_as_fallback(action: &Definition, status: Status) -> impl Iterator<Item = &'static str> {
    let sells = action.issue == Issue::Sell;
    [
        (status != Status::Active, "is not active"),
        (sells, "sells: an upset customer would be offered it"),
        (action.high_risk, "is high-risk"),
        (
            !action.is_unconditional(),
            "has rules, consents, caps or a period, which could keep it from being shown",
        ),
    ]
    .into_iter()
    .filter_map(|(wrong, text)| wrong.then_some(text))
}

/// Hands the path of a part of an action to `then`.
fn at(part: Part<'_>, keys: &[&str], then: &mut dyn FnMut(Path<'_>)) {
    fn below(path: Path<'_>, keys: &[&str], then: &mut dyn FnMut(Path<'_>)) {
        match keys.split_first() {
            None => then(path),
            Some((key, rest)) => below(path.key(key), rest, then),
        }
    }
    let root = Path::Root;
    match part.text {
        None => below(root.key("definition"), keys, then),
        Some((text, place)) => {
            let documents = root.key("documents");
            let text = documents.item(text);
            below(text.key("actions").item(place), keys, then);
        }
    }
}
