//! From the protocol to the model.

use super::super::{
    fields::{chosen, slug, time},
    limits::MAX_SLUG_BYTES,
    reason::{MALFORMED, OUT_OF_RANGE, REQUIRED},
    violations::{Path, Violations},
};
use crate::{
    error::Violation,
    next_best_action::model::{
        Amount, ContactRule, ContextWeight, Counted, Definition, Issue, LanguageTag, Minutes,
        Prior, Rewards, Rule, Scope, Text, Value,
    },
    proto::v1::{
        self, ActionDefinition, ActionIssue, ActionOutcome, ContactScope,
        action_value::Amount as Given,
    },
};

/// The definition of a request, as far as it has a form, and everything that has none; nothing when there is no definition.
#[must_use]
pub fn definition(given: Option<&ActionDefinition>) -> (Option<Definition>, Vec<Violation>) {
    let mut out = Violations::default();
    let Some(given) = given else {
        out.add(&"definition", REQUIRED, "what the action says");
        return (None, wrong(out));
    };
    let at = |out: &mut Violations, field: &str, at: Option<&prost_types::Timestamp>| {
        at.and_then(|at| time(out, &format_args!("definition.{field}"), at))
    };
    // An id that is none names nothing that is there, and is not looked for.
    slug(
        &mut out,
        &"definition.action_id",
        &given.action_id,
        MAX_SLUG_BYTES,
    );
    let issue = chosen(&mut out, &"definition.issue", given.issue);
    let definition = Definition {
        id: given.action_id.clone(),
        description: given.description.clone(),
        issue: issue.map_or(Issue::Serve, meant),
        group: given.group.clone(),
        channels: given.channels.clone(),
        placements: given.placements.clone(),
        valid_from: at(&mut out, "valid_from", given.valid_from.as_ref()),
        valid_to: at(&mut out, "valid_to", given.valid_to.as_ref()),
        value: value(&mut out, given.value.as_ref()),
        lever: given.lever,
        context: given.context.iter().map(weight).collect(),
        eligibility: given.eligibility.iter().map(rule).collect(),
        applicability: given.applicability.iter().map(rule).collect(),
        suitability: given.suitability.iter().map(rule).collect(),
        consent: given.consent_purposes.clone(),
        caps: given
            .caps
            .iter()
            .enumerate()
            .map(|(n, cap)| self::cap(&mut out, n, cap))
            .collect(),
        attribution_days: whole(
            &mut out,
            &"definition.attribution_days",
            given.attribution_days,
        ),
        rewards: given
            .rewards
            .map_or_else(Rewards::default, |rewards| Rewards {
                impression: rewards.impression,
                clicked: rewards.clicked,
                accepted: rewards.accepted,
                rejected: rewards.rejected,
            }),
        prior: given.prior.map(|prior| Prior {
            propensity: prior.propensity,
            evidence: prior.evidence,
        }),
        high_risk: given.high_risk,
        mandatory: given.mandatory,
        texts: given
            .texts
            .iter()
            .enumerate()
            .map(|(n, text)| self::text(&mut out, n, text))
            .collect(),
    };
    (Some(definition), wrong(out))
}

fn wrong(out: Violations) -> Vec<Violation> {
    out.finish(Some(())).err().unwrap_or_default()
}

/// An unspecified one was refused before.
fn meant(issue: ActionIssue) -> Issue {
    match issue {
        ActionIssue::Unspecified | ActionIssue::Serve => Issue::Serve,
        ActionIssue::Retain => Issue::Retain,
        ActionIssue::Sell => Issue::Sell,
        ActionIssue::Nurture => Issue::Nurture,
        ActionIssue::Listen => Issue::Listen,
    }
}

fn value(out: &mut Violations, given: Option<&v1::ActionValue>) -> Value {
    let none = Amount::Points(0);
    let Some(given) = given else {
        out.add(&"definition.value", REQUIRED, "what an acceptance is worth");
        return Value {
            amount: none,
            floor: None,
        };
    };
    let amount = match &given.amount {
        Some(Given::Money(money)) => Amount::Money {
            currency: money.currency.clone(),
            minor_units: money.minor_units,
        },
        Some(Given::Points(points)) => Amount::Points(*points),
        None => {
            out.add(&"definition.value", REQUIRED, "money or points");
            none
        }
    };
    Value {
        amount,
        floor: given.floor,
    }
}

fn weight(given: &v1::ContextWeight) -> ContextWeight {
    ContextWeight {
        name: given.name.clone(),
        when: given.when.clone(),
        points: given.points,
    }
}

fn rule(given: &v1::ActionRule) -> Rule {
    Rule {
        name: given.name.clone(),
        rule: given.rule.clone(),
    }
}

fn cap(out: &mut Violations, n: usize, given: &v1::ContactRule) -> ContactRule {
    let path = format_args!("definition.caps[{n}]");
    let scope = chosen(out, &format_args!("{path}.scope"), given.scope);
    let counts = format_args!("{path}.counts");
    let counted = chosen(out, &counts, given.counts);
    let counted = match counted {
        Some(ActionOutcome::Impression) | None => Counted::Impression,
        Some(ActionOutcome::Clicked) => Counted::Clicked,
        Some(ActionOutcome::Accepted) => Counted::Accepted,
        Some(ActionOutcome::Rejected) => Counted::Rejected,
        Some(_) => {
            let text = "IMPRESSION, CLICKED, ACCEPTED or REJECTED";
            out.add(&counts, OUT_OF_RANGE, text);
            Counted::Impression
        }
    };
    ContactRule {
        scope: match scope {
            Some(ContactScope::Group) => Scope::Group,
            Some(ContactScope::Channel) => Scope::Channel,
            Some(ContactScope::All) => Scope::All,
            _ => Scope::Action,
        },
        of: None,
        channels: given.channels.clone(),
        counts: counted,
        limit: whole(out, &format_args!("{path}.limit"), given.limit),
        window: Minutes(whole(
            out,
            &format_args!("{path}.window_minutes"),
            given.window_minutes,
        )),
        pause: Minutes(whole(
            out,
            &format_args!("{path}.pause_minutes"),
            given.pause_minutes,
        )),
    }
}

/// A number that is not negative; what else it may be the catalogue says.
fn whole(out: &mut Violations, field: Path<'_>, given: i32) -> u32 {
    u32::try_from(given).unwrap_or_else(|_| {
        out.add(field, OUT_OF_RANGE, "may not be negative");
        1
    })
}

fn text(out: &mut Violations, n: usize, given: &v1::ActionText) -> Text {
    let locale = given.locale.parse::<LanguageTag>().unwrap_or_else(|()| {
        let form = "a BCP 47 tag of at most 35 bytes, as `ja` or `en-GB`";
        out.add(
            &format_args!("definition.texts[{n}].locale"),
            MALFORMED,
            form,
        );
        LanguageTag::undetermined()
    });
    Text {
        locale,
        title: given.title.clone(),
        body: given.body.clone(),
        call_to_action: given.call_to_action.clone(),
        link: given.link.clone(),
    }
}
