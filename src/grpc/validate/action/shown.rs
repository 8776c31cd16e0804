//! From the model to the protocol.

use crate::{
    clock::Micros,
    next_best_action::model::{
        Amount, ContactRule, Counted, Definition, Issue, Rewards, Rule, Scope, Value,
    },
    proto::v1::{
        ActionDefinition, ActionIssue, ActionOutcome, ActionPrior, ActionRule, ActionText,
        ActionValue, ContactRule as ShownRule, ContactScope, ContextWeight, Money, OutcomeRewards,
        action_value,
    },
};

/// A definition as the protocol says it: given back as it is here, it is the same.
#[must_use]
pub fn definition_shown(of: &Definition) -> ActionDefinition {
    let context = of.context.iter().map(|weight| ContextWeight {
        name: weight.name.clone(),
        when: weight.when.clone(),
        points: weight.points,
    });
    let texts = of.texts.iter().map(|text| ActionText {
        locale: text.locale.to_string(),
        title: text.title.clone(),
        body: text.body.clone(),
        call_to_action: text.call_to_action.clone(),
        link: text.link.clone(),
    });
    let rewards = OutcomeRewards {
        impression: of.rewards.impression,
        clicked: of.rewards.clicked,
        accepted: of.rewards.accepted,
        rejected: of.rewards.rejected,
    };
    ActionDefinition {
        action_id: of.id.clone(),
        description: of.description.clone(),
        issue: issue(of.issue).into(),
        group: of.group.clone(),
        channels: of.channels.clone(),
        placements: of.placements.clone(),
        valid_from: of.valid_from.map(Micros::to_proto),
        valid_to: of.valid_to.map(Micros::to_proto),
        value: Some(value(&of.value)),
        lever: of.lever,
        context: context.collect(),
        eligibility: rules(&of.eligibility),
        applicability: rules(&of.applicability),
        suitability: rules(&of.suitability),
        consent_purposes: of.consent.clone(),
        caps: of.caps.iter().map(cap).collect(),
        attribution_days: i32::try_from(of.attribution_days).unwrap_or(i32::MAX),
        rewards: (of.rewards != Rewards::default()).then_some(rewards),
        prior: of.prior.map(|prior| ActionPrior {
            propensity: prior.propensity,
            evidence: prior.evidence,
        }),
        high_risk: of.high_risk,
        mandatory: of.mandatory,
        texts: texts.collect(),
    }
}

fn issue(issue: Issue) -> ActionIssue {
    match issue {
        Issue::Serve => ActionIssue::Serve,
        Issue::Retain => ActionIssue::Retain,
        Issue::Sell => ActionIssue::Sell,
        Issue::Nurture => ActionIssue::Nurture,
        Issue::Listen => ActionIssue::Listen,
    }
}

fn value(of: &Value) -> ActionValue {
    ActionValue {
        amount: Some(match &of.amount {
            Amount::Money {
                currency,
                minor_units,
            } => action_value::Amount::Money(Money {
                currency: currency.clone(),
                minor_units: *minor_units,
            }),
            Amount::Points(points) => action_value::Amount::Points(*points),
        }),
        floor: of.floor,
    }
}

fn rules(rules: &[Rule]) -> Vec<ActionRule> {
    let rules = rules.iter().map(|rule| ActionRule {
        name: rule.name.clone(),
        rule: rule.rule.clone(),
    });
    rules.collect()
}

fn cap(rule: &ContactRule) -> ShownRule {
    ShownRule {
        scope: match rule.scope {
            Scope::Action => ContactScope::Action,
            Scope::Group => ContactScope::Group,
            Scope::Channel => ContactScope::Channel,
            Scope::All => ContactScope::All,
        }
        .into(),
        channels: rule.channels.clone(),
        counts: match rule.counts {
            Counted::Impression => ActionOutcome::Impression,
            Counted::Clicked => ActionOutcome::Clicked,
            Counted::Accepted => ActionOutcome::Accepted,
            Counted::Rejected => ActionOutcome::Rejected,
        }
        .into(),
        limit: i32::try_from(rule.limit).unwrap_or(i32::MAX),
        window_minutes: i32::try_from(rule.window.0).unwrap_or(i32::MAX),
        pause_minutes: i32::try_from(rule.pause.0).unwrap_or(i32::MAX),
    }
}
