//! All gates of an action, with what they used: for those who ask why not.

use super::{Answers, Gate, Gates, Judge, Why};
use crate::{
    clock::Micros,
    next_best_action::{
        consent::{Standing, standing},
        contact::{Allowance, Reservation},
        decide::Prepared,
        keys::{PurposeIndex, RuleIndex, Verdict},
    },
};

/// A rule and the values that it looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The attributes that it looked at, each with its value as a text.
    pub values: Vec<(String, String)>,
    /// The first attribute that it needs and that is not known.
    pub missing: Option<String>,
}

/// What a rule said.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleReport {
    /// The rule.
    pub rule: RuleIndex,
    /// What it said.
    pub verdict: Verdict,
    /// What it looked at.
    pub shown: Shown,
}

/// What a contact policy said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Its place among the contact policies of the settings.
    pub policy: usize,
    /// What it said.
    pub allowance: Allowance,
}

/// What a gate said, and on what grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct GateReport {
    /// The gate.
    pub gate: Gate,
    /// What it said.
    pub verdict: Verdict,
    /// The first ground that speaks against it.
    pub why: Why,
    /// Every rule of the gate.
    pub rules: Vec<RuleReport>,
    /// Every purpose of the gate.
    pub purposes: Vec<(PurposeIndex, Standing)>,
    /// Every contact policy that binds the action.
    pub contact: Vec<Allowed>,
    /// When the ground goes away by itself, where that is known: the end of a pause or of quiet hours, or when the action's time comes.
    pub until: Option<Micros>,
}

impl<J: Judge> Gates<'_, J> {
    /// Every gate.
    #[must_use]
    pub fn report(&self, action: &Prepared, page: &[Reservation]) -> Vec<GateReport> {
        Gate::ALL
            .into_iter()
            .map(|gate| self.report_one(gate, action, page))
            .collect()
    }

    fn report_one(&self, gate: Gate, action: &Prepared, page: &[Reservation]) -> GateReport {
        let (verdict, why) = self.check(gate, action, page, &mut Answers::default());
        let rules = match gate {
            Gate::Eligibility => action.eligibility.as_slice(),
            Gate::Applicability => &action.applicability,
            Gate::Suitability => &action.suitability,
            _ => &[],
        };
        let of_gate = |wanted: Gate| gate == wanted;
        let purposes = action.purposes.iter().filter(|_| of_gate(Gate::Consent));
        let contact: Vec<Allowed> = if of_gate(Gate::Contact) {
            self.allowances(action, page)
        } else {
            Vec::new()
        };
        let until = match (why, verdict) {
            (Why::Quiet(at), _) => self.quiet_until(at),
            (Why::Contact(..), _) => contact.iter().filter_map(|c| c.allowance.until).max(),
            (Why::NotNow, _) => action.valid_from.filter(|from| self.inputs.at < *from),
            _ => None,
        };
        GateReport {
            gate,
            verdict,
            why,
            rules: rules.iter().map(|rule| self.rule(*rule)).collect(),
            purposes: purposes
                .map(|purpose| (*purpose, self.standing(*purpose)))
                .collect(),
            contact,
            until,
        }
    }

    fn rule(&self, rule: RuleIndex) -> RuleReport {
        RuleReport {
            rule,
            verdict: self.judge.judge(rule, self.wanted),
            shown: self.judge.show(rule, self.wanted),
        }
    }

    fn standing(&self, purpose: PurposeIndex) -> Standing {
        let (words, wanted) = (&self.inputs.consents, self.wanted);
        standing(words, purpose, wanted.channel, wanted.address)
    }

    fn allowances(&self, action: &Prepared, page: &[Reservation]) -> Vec<Allowed> {
        let asking = action.asking(self.wanted.channel);
        let policies = self.policy.contact(asking.action);
        let binding = policies.filter(|(_, policy)| policy.binds(asking));
        let say =
            |(policy, of): (usize, &crate::next_best_action::contact::ContactPolicy)| Allowed {
                policy,
                allowance: of.allowance(asking, &self.inputs.offers, page, self.inputs.at),
            };
        binding.map(say).collect()
    }

    fn quiet_until(&self, at: usize) -> Option<Micros> {
        let hours = self.policy.settings().quiet.get(at)?;
        hours.ends(self.inputs.zone?, self.inputs.at)
    }
}
