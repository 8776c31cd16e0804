//! Actions.

use chrono::DateTime;

use super::{
    super::{
        node::Node,
        violation::{
            Findings, Path,
            reason::{CONTRADICTS, DUPLICATE_NAME, MALFORMED, REQUIRED},
        },
    },
    fields::{Fields, scalar},
};
use crate::{
    clock::Micros,
    next_best_action::model::{
        Amount, ContactRule, ContextWeight, Counted, Definition, Issue, LanguageTag, Minutes,
        Prior, Rewards, Rule, Scope, Text, Value,
    },
};

pub(super) fn definition(fields: &mut Fields<'_>, found: &mut Findings) -> Definition {
    let amount_missing = || Value {
        amount: Amount::Points(0),
        floor: None,
    };
    Definition {
        id: fields.needed_text(found, "id"),
        description: fields.text(found, "description"),
        issue: fields
            .needed_word(found, "issue", &Issue::ALL, Issue::word)
            .unwrap_or(Issue::Serve),
        group: fields.needed_text(found, "group"),
        channels: fields.texts(found, "channels"),
        placements: fields.texts(found, "placements"),
        valid_from: fields.some(found, "valid_from", |path, node, found| {
            time(path, node, found)
        }),
        valid_to: fields.some(found, "valid_to", |path, node, found| {
            time(path, node, found)
        }),
        value: fields
            .needed(found, "value", value)
            .unwrap_or_else(amount_missing),
        lever: fields
            .some(found, "lever", Fields::whole)
            .unwrap_or_default(),
        context: fields.items(found, "context", weight),
        eligibility: fields.items(found, "eligibility", rule),
        applicability: fields.items(found, "applicability", rule),
        suitability: fields.items(found, "suitability", rule),
        consent: fields.texts(found, "consent"),
        caps: fields.items(found, "caps", contact_rule),
        attribution_days: fields
            .needed(found, "attribution_days", Fields::whole)
            .unwrap_or(1),
        rewards: fields
            .some(found, "rewards", |path, node, found| {
                Some(rewards(path, node, found))
            })
            .unwrap_or_default(),
        prior: fields.some(found, "prior", prior),
        high_risk: fields.flag(found, "high_risk"),
        mandatory: fields.flag(found, "mandatory"),
        texts: fields
            .needed(found, "texts", |path, node, found| {
                Some(texts(path, node, found))
            })
            .unwrap_or_default(),
    }
}

fn time(path: Path<'_>, node: &Node, found: &mut Findings) -> Option<Micros> {
    let text = scalar(path, node, found)?;
    let at = DateTime::parse_from_rfc3339(text).ok();
    if at.is_none() {
        let form = "a time such as 2026-04-01T09:00:00+09:00";
        found.add_at(path, node.line(), MALFORMED, form);
    }
    at.map(|at| Micros::from_datetime(at.to_utc()))
}

fn value(path: Path<'_>, node: &Node, found: &mut Findings) -> Option<Value> {
    let mut fields = Fields::of(node, path, found);
    let currency = fields.some_text(found, "currency");
    let minor_units = fields.some(found, "minor_units", Fields::whole);
    let points = fields.some(found, "points", Fields::whole);
    let floor = fields.some(found, "floor", Fields::whole);
    let money = fields.has("currency") || fields.has("minor_units");
    let both = money && fields.has("points");
    let neither = matches!(node, Node::Map { .. }) && !money && !fields.has("points");
    fields.done(found);
    if both {
        found.add_at(path, node.line(), CONTRADICTS, "either money or points");
    }
    if neither {
        found.add_at(path, node.line(), REQUIRED, "needs money or points");
    }
    let amount = match (points, currency, minor_units) {
        (Some(points), ..) => Amount::Points(points),
        (None, Some(currency), Some(minor_units)) => Amount::Money {
            currency,
            minor_units,
        },
        (None, currency, minor_units) => {
            if money && !both {
                let missing = if currency.is_none() {
                    "currency"
                } else {
                    "minor_units"
                };
                if minor_units.is_none() != currency.is_none() {
                    found.add_at(path.key(missing), node.line(), REQUIRED, "is missing");
                }
            }
            return None;
        }
    };
    Some(Value { amount, floor })
}

fn weight(path: Path<'_>, node: &Node, found: &mut Findings) -> ContextWeight {
    let mut fields = Fields::of(node, path, found);
    let weight = ContextWeight {
        name: fields.needed_text(found, "name"),
        when: fields.needed_text(found, "when"),
        points: fields
            .needed(found, "points", Fields::whole)
            .unwrap_or_default(),
    };
    fields.done(found);
    weight
}

fn rule(path: Path<'_>, node: &Node, found: &mut Findings) -> Rule {
    let mut fields = Fields::of(node, path, found);
    let rule = Rule {
        name: fields.needed_text(found, "name"),
        rule: fields.needed_text(found, "rule"),
    };
    fields.done(found);
    rule
}

/// A cap of an action or of a policy.
pub(super) fn contact_rule(path: Path<'_>, node: &Node, found: &mut Findings) -> ContactRule {
    const FORM: &str = "a time such as 30m, 12h or 7d";
    let mut fields = Fields::of(node, path, found);
    let rule = ContactRule {
        scope: fields
            .needed_word(found, "scope", &Scope::ALL, Scope::word)
            .unwrap_or(Scope::All),
        of: fields.some_text(found, "of"),
        channels: fields.texts(found, "channels"),
        counts: fields
            .needed_word(found, "counts", &Counted::ALL, Counted::word)
            .unwrap_or(Counted::Impression),
        limit: fields.needed(found, "limit", Fields::whole).unwrap_or(1),
        window: fields
            .needed_parsed(found, "window", FORM)
            .unwrap_or(Minutes(1)),
        pause: fields
            .needed_parsed(found, "pause", FORM)
            .unwrap_or(Minutes(1)),
    };
    fields.done(found);
    rule
}

fn rewards(path: Path<'_>, node: &Node, found: &mut Findings) -> Rewards {
    let mut fields = Fields::of(node, path, found);
    let default = Rewards::default();
    let mut part = |found: &mut Findings, key, default| {
        let given = fields.some(found, key, Fields::number);
        given.unwrap_or(default)
    };
    let rewards = Rewards {
        impression: part(found, "impression", default.impression),
        clicked: part(found, "clicked", default.clicked),
        accepted: part(found, "accepted", default.accepted),
        rejected: part(found, "rejected", default.rejected),
    };
    fields.done(found);
    rewards
}

fn prior(path: Path<'_>, node: &Node, found: &mut Findings) -> Option<Prior> {
    let mut fields = Fields::of(node, path, found);
    let propensity = fields.needed(found, "propensity", Fields::number);
    let evidence = fields.needed(found, "evidence", Fields::number);
    fields.done(found);
    Some(Prior {
        propensity: propensity?,
        evidence: evidence?,
    })
}

fn texts(path: Path<'_>, node: &Node, found: &mut Findings) -> Vec<Text> {
    let Node::Map { entries, .. } = node else {
        found.add_at(path, node.line(), MALFORMED, "is no map of languages");
        return Vec::new();
    };
    let mut texts: Vec<Text> = Vec::new();
    for pair in entries {
        let here = path.key(&pair.key);
        let Ok(locale) = pair.key.parse::<LanguageTag>() else {
            let form = "not a BCP 47 tag such as `ja` or `en-GB`";
            found.add_at(here, pair.line, MALFORMED, form);
            continue;
        };
        if texts.iter().any(|text| text.locale == locale) {
            found.add_at(here, pair.line, DUPLICATE_NAME, "is said twice");
            continue;
        }
        let mut fields = Fields::of(&pair.value, here, found);
        texts.push(Text {
            locale,
            title: fields.needed_text(found, "title"),
            body: fields.text(found, "body"),
            call_to_action: fields.text(found, "call_to_action"),
            link: fields.text(found, "link"),
        });
        fields.done(found);
    }
    texts
}
