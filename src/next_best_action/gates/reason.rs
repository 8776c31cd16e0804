//! Why an action was kept out, in one of few words: for metrics.
//!
//! What must stay true: the words are bounded and name no rule, purpose, policy or customer. They follow from what was decided and
//! from what it was decided on, so nothing of them is stored.

use super::{Answers, Gate, Gates, Judge, Why};
use crate::next_best_action::{
    consent::Standing,
    decide::{Lost, Status},
    empathy::Upset,
    keys::Verdict,
};

impl<J: Judge> Gates<'_, J> {
    /// Why an action was lost.
    #[must_use]
    pub fn reason(&self, lost: &Lost) -> &'static str {
        match (lost.gate, lost.verdict) {
            // What these say is known, and asking again takes its time.
            (Gate::Eligibility | Gate::Applicability | Gate::Suitability, Verdict::Unknown) => {
                "unknown"
            }
            (Gate::Eligibility | Gate::Applicability | Gate::Suitability, _) => "fails",
            (Gate::Contact, _) => "capped",
            (gate, _) => {
                let at = usize::try_from(lost.index).unwrap_or(usize::MAX);
                let action = self.policy.actions().get(at);
                action.map_or("clear", |action| {
                    let (_, why) = self.check(gate, action, &[], &mut Answers::default());
                    why.slug()
                })
            }
        }
    }
}

impl Why {
    /// One of few words.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Clear => "clear",
            Self::Status(Status::Active) => "active",
            Self::Status(Status::Paused) => "paused",
            Self::Status(Status::Retired) => "retired",
            Self::Status(Status::Draft) => "draft",
            Self::NotNow => "not_now",
            Self::NotOnChannel => "not_on_channel",
            Self::NotOnPlacement => "not_on_placement",
            Self::NoPlacement => "no_placement",
            Self::Rule(_) => "fails",
            Self::Consent(_, Standing::Granted) => "granted",
            Self::Consent(_, Standing::Denied) => "denied",
            Self::Consent(_, Standing::AddressDenied) => "address_denied",
            Self::Consent(_, Standing::NeverGiven) => "never_given",
            Self::Contact(..) => "capped",
            Self::Quiet(_) => "quiet",
            Self::NoZone => "no_zone",
            Self::Upset(Upset::OpenComplaint) => "open_complaint",
            Self::Upset(Upset::ComplaintNotKnown) => "complaint_not_known",
            Self::Upset(Upset::Leaving) => "leaving",
            Self::Upset(Upset::LowLevel) => "low_sentiment",
            Self::Group(_) => "held_out",
        }
    }
}
