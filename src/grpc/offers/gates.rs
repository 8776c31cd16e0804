//! What a gate said, as callers see it.
//!
//! What must stay true: where a caller may not see what a gate looked at, neither its values nor its reason say it.

use super::{show::Shown, used};
use crate::{
    clock::Micros,
    next_best_action::{
        consent::Standing,
        empathy::Upset,
        gates::{Gate, GateReport, RuleReport, Why},
        holdout::Group,
        keys::Verdict,
    },
    proto::v1::{ActionGate, GateResult, GateValue, GateVerdict, TraitValue, trait_value::Kind},
};

/// Values that are shown of a gate.
const VALUES: usize = 16;
/// In place of a reason that the caller may not see.
const HIDDEN: &str = "not to be seen by this caller";

pub(super) fn gate(shown: &Shown<'_>, report: &GateReport) -> GateResult {
    let catalogue = &shown.ready.catalogue;
    let mut result = GateResult {
        gate: gate_name(report.gate).into(),
        verdict: match report.verdict {
            Verdict::Pass => GateVerdict::Pass,
            Verdict::Fail => GateVerdict::Fail,
            Verdict::Unknown => GateVerdict::Unknown,
        }
        .into(),
        until: report.until.map(Micros::to_proto),
        ..GateResult::default()
    };
    match report.why {
        Why::Rule(index) => {
            if let Some(rule) = report.rules.iter().find(|rule| rule.rule == index) {
                of_rule(shown, rule, &mut result);
            }
        }
        Why::Clear => {
            let values = report.rules.iter().flat_map(|rule| values(shown, rule));
            result.values = values.take(VALUES).collect();
        }
        Why::Consent(purpose, standing) => {
            let purpose = catalogue.names().purpose_name(purpose);
            purpose.unwrap_or_default().clone_into(&mut result.rule);
            let seen = used::sees(shown, "consent");
            let words = if seen {
                standing_in_words(standing)
            } else {
                HIDDEN
            };
            words.clone_into(&mut result.description);
        }
        Why::Contact(at, allowance) => {
            if let Some(policy) = catalogue.contact(at) {
                result.rule.clone_from(&policy.name);
                let limit = policy.rule.limit;
                let counted = allowance.counted;
                result.description = format!("{counted} of {limit} counted; {policy}");
            }
        }
        Why::Upset(upset) => {
            let (rule, description) = match upset {
                Upset::OpenComplaint => ("open_complaint", "a complaint is open"),
                Upset::ComplaintNotKnown => {
                    ("open_complaint", "whether a complaint is open is not known")
                }
                Upset::Leaving => ("leaving", "said that they would leave"),
                Upset::LowLevel => ("low_sentiment", "feels bad"),
            };
            let seen = used::sees(shown, used::grounds(upset));
            let (rule, description) = if seen {
                (rule, description)
            } else {
                ("", HIDDEN)
            };
            rule.clone_into(&mut result.rule);
            description.clone_into(&mut result.description);
        }
        why => in_words(why).clone_into(&mut result.description),
    }
    let room = VALUES.saturating_sub(result.values.len());
    result
        .values
        .extend(used::values(shown, report).into_iter().take(room));
    result
}

pub(super) fn standing_in_words(standing: Standing) -> &'static str {
    match standing {
        Standing::Granted => "granted",
        Standing::Denied => "denied",
        Standing::AddressDenied => "denied for an address that may be used",
        Standing::NeverGiven => "never given",
    }
}

/// Grounds that need no names.
fn in_words(why: Why) -> &'static str {
    match why {
        Why::Status(_) => "the action is not active",
        Why::NotNow => "its time has not come, or is over",
        Why::NotOnChannel => "it does not go through this channel",
        Why::NotOnPlacement => "it does not fill this placement",
        Why::NoPlacement => "the policy has no such placement on this channel",
        Why::Quiet(_) => "quiet hours",
        Why::NoZone => "the customer's time zone is not known",
        Why::Group(Group::HeldOut) => "held out",
        Why::Group(Group::Random) => "decided for at random",
        Why::Group(Group::Policy) => "decided for by the policy",
        Why::Clear | Why::Rule(_) | Why::Consent(..) | Why::Contact(..) | Why::Upset(_) => "",
    }
}

fn of_rule(shown: &Shown<'_>, rule: &RuleReport, result: &mut GateResult) {
    result.rule.clone_from(&rule.shown.name);
    result.rule_text.clone_from(&rule.shown.text);
    result.values = values(shown, rule).take(VALUES).collect();
    if let Some(missing) = &rule.shown.missing {
        result.description.clone_from(missing);
    }
}

/// The values that a rule used, as far as they may be seen.
fn values<'r>(shown: &'r Shown<'_>, rule: &'r RuleReport) -> impl Iterator<Item = GateValue> + 'r {
    rule.shown.values.iter().map(|(name, value)| {
        let seen = shown.values && shown.sight.may_see_fact(name) && value != "no value";
        GateValue {
            name: name.clone(),
            value: seen.then(|| TraitValue {
                kind: Some(Kind::Text(value.clone())),
            }),
        }
    })
}

pub(in crate::grpc) fn gate_name(gate: Gate) -> ActionGate {
    match gate {
        Gate::Status => ActionGate::Status,
        Gate::Placement => ActionGate::Placement,
        Gate::Eligibility => ActionGate::Eligibility,
        Gate::Applicability => ActionGate::Applicability,
        Gate::Suitability => ActionGate::Suitability,
        Gate::Consent => ActionGate::Consent,
        Gate::Contact => ActionGate::ContactPolicy,
        Gate::QuietHours => ActionGate::QuietHours,
        Gate::Empathy => ActionGate::Empathy,
        Gate::Holdout => ActionGate::Holdout,
    }
}
