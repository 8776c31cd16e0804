//! Which complaints are open.
//!
//! An open complaint is an open ticket that something about it makes a complaint, or a text of the customer's that complains,
//! is about no ticket, and is younger than [`UNANSWERED`]. Something is a complaint when its type says so (`complaint.*`,
//! `ticket.escalated`) or when the customer's text has the intent to complain or to escalate.
//!
//! What must stay true: a state keeps the newest [`KEPT`] of the texts about no ticket, by stamp, so the newest of a union
//! are among the newest of its parts. Whether one is still open is asked at a moment and never stored.

use super::{
    feelings::is_customers,
    fold::Fact,
    model::State,
    sorted,
    stamp::{Stamp, Stamped as _},
};
use crate::{
    clock::Micros,
    next_best_action::empathy::UNANSWERED,
    proto::{
        state::v1::{self as stored, Complaint},
        v1::{Analysis, Intent, Interaction, SubjectKind},
    },
};

/// Complaints about no ticket that are kept.
pub const KEPT: usize = 20;

/// Whether an interaction is a complaint.
#[must_use]
pub fn complains(message: &Interaction, analyses: &[Analysis]) -> bool {
    let by_type = message.r#type.starts_with("complaint.") || message.r#type == "ticket.escalated";
    let wants = |one: &Analysis| {
        one.intents()
            .any(|intent| matches!(intent, Intent::Complaint | Intent::Escalation))
    };
    by_type || is_customers(message) && analyses.iter().any(wants)
}

/// Adds what an interaction says to the state of it alone.
pub(super) fn tell(core: &mut stored::State, fact: Fact<'_>, stamp: Stamp) {
    let subject = fact.message.subject.as_ref();
    let has_ticket = subject.is_some_and(|subject| subject.kind() == SubjectKind::Ticket);
    if !has_ticket && complains(fact.message, fact.analyses) {
        core.complaints = vec![Complaint {
            at: stamp.at,
            id_hi: stamp.id_hi,
            id_lo: stamp.id_lo,
        }];
    }
}

/// Adds the complaints of another state.
pub(super) fn merge(mine: &mut stored::State, theirs: &mut stored::State) {
    let theirs = std::mem::take(&mut theirs.complaints);
    let newest_first = |a: &Complaint, b: &Complaint| b.stamp().cmp(&a.stamp());
    sorted::merge(&mut mine.complaints, theirs, newest_first, |_, _| ());
    mine.complaints.truncate(KEPT);
}

impl State {
    /// How many complaints are open at a moment: of those about no ticket at most [`KEPT`].
    #[must_use]
    pub fn open_complaints(&self, now: Micros) -> u64 {
        let core = self.core();
        let tickets = core.totals.as_ref().map_or(0, |t| t.complaints_open);
        let recent = |one: &&Complaint| now.0.saturating_sub(one.at) < UNANSWERED;
        let texts = core.complaints.iter().filter(recent).count();
        tickets + u64::try_from(texts).unwrap_or_default()
    }
}
