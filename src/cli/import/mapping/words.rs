//! The words of a mapping file for the values of the protocol.

use crate::proto::v1::{ConsentState, Direction, SubjectKind, SubjectStatus, SurveyScale};

/// Who spoke.
#[must_use]
pub(crate) fn direction(word: &str) -> Option<Direction> {
    match word {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// Kinds of subject.
#[must_use]
pub(crate) fn subject_kind(word: &str) -> Option<SubjectKind> {
    match word {
        "order" => Some(SubjectKind::Order),
        "ticket" => Some(SubjectKind::Ticket),
        "campaign" => Some(SubjectKind::Campaign),
        "decision" => Some(SubjectKind::Decision),
        "session" => Some(SubjectKind::Session),
        "subscription" => Some(SubjectKind::Subscription),
        "product" => Some(SubjectKind::Product),
        _ => None,
    }
}

/// Where a subject stands.
#[must_use]
pub(crate) fn subject_status(word: &str) -> Option<SubjectStatus> {
    match word {
        "open" => Some(SubjectStatus::Open),
        "pending" => Some(SubjectStatus::Pending),
        "closed" => Some(SubjectStatus::Closed),
        "cancelled" => Some(SubjectStatus::Cancelled),
        _ => None,
    }
}

/// Survey scales.
#[must_use]
pub(crate) fn scale(word: &str) -> Option<SurveyScale> {
    match word {
        "nps" => Some(SurveyScale::Nps),
        "csat_5" => Some(SurveyScale::Csat5),
        "csat_7" => Some(SurveyScale::Csat7),
        "csat_10" => Some(SurveyScale::Csat10),
        "ces_7" => Some(SurveyScale::Ces7),
        "ces_5" => Some(SurveyScale::Ces5),
        "stars_5" => Some(SurveyScale::Stars5),
        _ => None,
    }
}

/// Consent given or taken back.
#[must_use]
pub(crate) fn consent_state(word: &str) -> Option<ConsentState> {
    match word {
        "granted" => Some(ConsentState::Granted),
        "denied" => Some(ConsentState::Denied),
        _ => None,
    }
}

pub(crate) const DIRECTIONS: &str = "must be inbound or outbound";
pub(crate) const KINDS: &str =
    "must be order, ticket, campaign, decision, session, subscription or product";
pub(crate) const STATUSES: &str = "must be open, pending, closed or cancelled";
pub(crate) const SCALES: &str = "must be nps, csat_5, csat_7, csat_10, ces_7, ces_5 or stars_5";
pub(crate) const STATES: &str = "must be granted or denied";
