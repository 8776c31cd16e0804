//! Whether an action may be offered at all.
//!
//! What must stay true:
//!
//! - Gates come in one order, and no score opens one. Unknown is not eligible, with a reason, and never an error.
//! - A gate is a function of the policy, the inputs, the verdicts of rules and what the page reserves already.
//! - Without an explanation the first gate that does not pass ends the matter, and nothing is allocated. With one all gates
//!   are given, with the rules and values that they used; the first that does not pass is the same.

mod reason;
mod report;

pub use report::{Allowed, GateReport, RuleReport, Shown};

use crate::next_best_action::{
    consent::{Standing, standing},
    contact::{Allowance, Asking, ContactPolicy, QuietHours, Reservation, Scope},
    decide::{Inputs, Place, Policy, Prepared, Status, Wanted},
    empathy::Upset,
    holdout::Group,
    keys::{PurposeIndex, RuleIndex, Verdict},
};

/// A gate. The order is that in which they are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Gate {
    /// It is active, and its time has come and not gone.
    Status,
    /// It may go through the channel and fill the placement.
    Placement,
    /// Hard conditions.
    Eligibility,
    /// It makes sense now.
    Applicability,
    /// It is good for the customer.
    Suitability,
    /// The customer has consented to each purpose.
    Consent,
    /// The customer has not been approached too often.
    Contact,
    /// The customer is not to be left alone at this hour.
    QuietHours,
    /// The customer is not too upset for it.
    Empathy,
    /// The customer is not held out.
    Holdout,
}

impl Gate {
    /// All, in their order.
    pub const ALL: [Self; 10] = [
        Self::Status,
        Self::Placement,
        Self::Eligibility,
        Self::Applicability,
        Self::Suitability,
        Self::Consent,
        Self::Contact,
        Self::QuietHours,
        Self::Empathy,
        Self::Holdout,
    ];

    /// Its slug in reasons, metrics and texts.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Placement => "placement",
            Self::Eligibility => "eligibility",
            Self::Applicability => "applicability",
            Self::Suitability => "suitability",
            Self::Consent => "consent",
            Self::Contact => "contact",
            Self::QuietHours => "quiet_hours",
            Self::Empathy => "empathy",
            Self::Holdout => "holdout",
        }
    }
}

/// What rules say of the facts of a decision.
pub trait Judge {
    /// What a rule says of a placement that is asked for. No allocation.
    fn judge(&self, rule: RuleIndex, wanted: &Wanted) -> Verdict;

    /// The rule and the values that it looked at, for people.
    fn show(&self, rule: RuleIndex, wanted: &Wanted) -> Shown;
}

impl<J: Judge> Judge for &J {
    fn judge(&self, rule: RuleIndex, wanted: &Wanted) -> Verdict {
        (**self).judge(rule, wanted)
    }

    fn show(&self, rule: RuleIndex, wanted: &Wanted) -> Shown {
        (**self).show(rule, wanted)
    }
}

/// Why a gate says what it says; the values are those that it used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// Nothing speaks against it.
    Clear,
    /// Its status.
    Status(Status),
    /// Its time has not come, or has gone.
    NotNow,
    /// It does not go through the channel.
    NotOnChannel,
    /// It does not fill the placement.
    NotOnPlacement,
    /// There is no such placement on this channel.
    NoPlacement,
    /// This rule does not hold, or is unknown.
    Rule(RuleIndex),
    /// What is said of this purpose.
    Consent(PurposeIndex, Standing),
    /// The contact policy at this place of the settings, and what it says.
    Contact(usize, Allowance),
    /// The quiet hours at this place of the settings.
    Quiet(usize),
    /// The customer's time zone is not known.
    NoZone,
    /// The customer's feelings.
    Upset(Upset),
    /// The customer's group.
    Group(Group),
}

/// A question to the gates: one placement of one decision.
#[derive(Debug)]
pub struct Gates<'a, J> {
    /// The policy.
    pub policy: &'a Policy,
    /// The inputs.
    pub inputs: &'a Inputs,
    /// What is asked for.
    pub wanted: &'a Wanted,
    /// The place that is asked for, where there is one on this channel.
    pub place: Option<&'a Place>,
    /// The customer's group.
    pub group: Group,
    /// The rules.
    pub judge: &'a J,
}

/// Answers of contact policies that hold for more than one action. It is good for one placement until the page changes.
#[derive(Debug)]
pub struct Answers {
    known: [(usize, Option<u64>, Allowance); Self::MOST],
    held: usize,
}

impl Default for Answers {
    fn default() -> Self {
        let none = Allowance {
            counted: 0,
            remaining: 0,
            until: None,
        };
        Self {
            known: [(0, None, none); Self::MOST],
            held: 0,
        }
    }
}

impl Answers {
    const MOST: usize = 48;

    fn ask(
        &mut self,
        at: usize,
        policy: &ContactPolicy,
        asking: Asking,
        fresh: impl FnOnce() -> Allowance,
    ) -> Allowance {
        // The answer for a scope on some channels depends on nothing but the scope's value.
        if policy.scope == Scope::Action {
            return fresh();
        }
        let value = policy.value(asking);
        let known = self.known.get(..self.held).unwrap_or_default();
        if let Some((.., answer)) = known.iter().find(|(a, v, _)| (*a, *v) == (at, value)) {
            return *answer;
        }
        let answer = fresh();
        if let Some(place) = self.known.get_mut(self.held) {
            *place = (at, value, answer);
            self.held += 1;
        }
        answer
    }
}

impl<J: Judge> Gates<'_, J> {
    /// The first of some gates that an action does not pass.
    pub fn first_stop(
        &self,
        action: &Prepared,
        page: &[Reservation],
        answers: &mut Answers,
        gates: &[Gate],
    ) -> Option<(Gate, Verdict)> {
        gates.iter().find_map(|gate| {
            let (verdict, _) = self.check(*gate, action, page, answers);
            (verdict != Verdict::Pass).then_some((*gate, verdict))
        })
    }

    /// What one gate says, and why.
    pub fn check(
        &self,
        gate: Gate,
        action: &Prepared,
        page: &[Reservation],
        answers: &mut Answers,
    ) -> (Verdict, Why) {
        match gate {
            Gate::Status => self.status(action),
            Gate::Placement => self.placement(action),
            Gate::Eligibility => self.rules(&action.eligibility),
            Gate::Applicability => self.rules(&action.applicability),
            Gate::Suitability => self.rules(&action.suitability),
            Gate::Consent => self.consent(action),
            Gate::Contact => self.contact(action, page, answers),
            Gate::QuietHours => self.quiet(),
            Gate::Empathy => self.empathy(action),
            Gate::Holdout => {
                let held = self.group == Group::HeldOut && !action.stands_outside();
                (Verdict::of(!held), Why::Group(self.group))
            }
        }
    }

    fn status(&self, action: &Prepared) -> (Verdict, Why) {
        let at = self.inputs.at;
        if action.status != Status::Active {
            (Verdict::Fail, Why::Status(action.status))
        } else if action.valid_from.is_some_and(|from| at < from)
            || action.valid_to.is_some_and(|to| to <= at)
        {
            (Verdict::Fail, Why::NotNow)
        } else {
            (Verdict::Pass, Why::Clear)
        }
    }

    fn placement(&self, action: &Prepared) -> (Verdict, Why) {
        if self.place.is_none() {
            (Verdict::Fail, Why::NoPlacement)
        } else if !action.channels.holds(self.wanted.channel) {
            (Verdict::Fail, Why::NotOnChannel)
        } else if !action.placements.is_empty()
            && !action.placements.contains(&self.wanted.placement)
        {
            (Verdict::Fail, Why::NotOnPlacement)
        } else {
            (Verdict::Pass, Why::Clear)
        }
    }

    fn rules(&self, rules: &[RuleIndex]) -> (Verdict, Why) {
        let stopped = rules.iter().find_map(|rule| {
            let verdict = self.judge.judge(*rule, self.wanted);
            (verdict != Verdict::Pass).then_some((verdict, Why::Rule(*rule)))
        });
        stopped.unwrap_or((Verdict::Pass, Why::Clear))
    }

    fn consent(&self, action: &Prepared) -> (Verdict, Why) {
        let (words, wanted) = (&self.inputs.consents, self.wanted);
        let stopped = action.purposes.iter().find_map(|purpose| {
            let standing = standing(words, *purpose, wanted.channel, wanted.address);
            (!standing.allows()).then_some((Verdict::Fail, Why::Consent(*purpose, standing)))
        });
        stopped.unwrap_or((Verdict::Pass, Why::Clear))
    }

    fn contact(
        &self,
        action: &Prepared,
        page: &[Reservation],
        answers: &mut Answers,
    ) -> (Verdict, Why) {
        let asking = action.asking(self.wanted.channel);
        for (at, policy) in self.policy.contact(asking.action) {
            if !policy.binds(asking) {
                continue;
            }
            let fresh = || policy.allowance(asking, &self.inputs.offers, page, self.inputs.at);
            let allowance = answers.ask(at, policy, asking, fresh);
            if allowance.remaining == 0 {
                return (Verdict::Fail, Why::Contact(at, allowance));
            }
        }
        (Verdict::Pass, Why::Clear)
    }

    fn holds(&self, hours: &QuietHours) -> Option<bool> {
        if !self.place.is_some_and(|place| place.disturbs)
            || !hours.channels.holds(self.wanted.channel)
        {
            return Some(false);
        }
        let zone = self.inputs.zone?;
        Some(hours.hold(zone.minute_of_day(self.inputs.at)))
    }

    fn quiet(&self) -> (Verdict, Why) {
        for (at, hours) in self.policy.settings().quiet.iter().enumerate() {
            match self.holds(hours) {
                Some(true) => return (Verdict::Fail, Why::Quiet(at)),
                None => return (Verdict::Unknown, Why::NoZone),
                Some(false) => (),
            }
        }
        (Verdict::Pass, Why::Clear)
    }

    fn empathy(&self, action: &Prepared) -> (Verdict, Why) {
        let thresholds = &self.policy.settings().empathy;
        match self
            .inputs
            .mood
            .stops(action.issue, thresholds, self.inputs.at)
        {
            None => (Verdict::Pass, Why::Clear),
            Some(Upset::ComplaintNotKnown) => {
                (Verdict::Unknown, Why::Upset(Upset::ComplaintNotKnown))
            }
            Some(upset) => (Verdict::Fail, Why::Upset(upset)),
        }
    }
}
