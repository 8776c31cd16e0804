//! Who is upset is not sold to.
//!
//! What must stay true: a customer with an open complaint is never offered to buy, whatever a score says; help and efforts
//! to keep them always pass. What is not known of a complaint stops what a complaint would stop, as unknown. That nothing
//! is known of feelings is common and stops nothing.
//!
//! | what | stops | why |
//! |---|---|---|
//! | an open complaint | SELL, NURTURE, LISTEN | an offer or a newsletter mocks who waits for help; a survey asks about a case that is not over |
//! | said within 30 days that they would leave | SELL, NURTURE | as above; a question why they want to leave is welcome |
//! | level of sentiment at -0.30 or below, from 3 feelings' worth of evidence | SELL | tips may help who is unhappy |
//!
//! 30 days are one half-life of the level of sentiment. -0.30 of -1 to 1 is about the level that three fresh, clearly bad
//! texts (-0.5) leave after being drawn to 0 with the weight of two: 3 x -0.5 / (3 + 2). One bad text alone is no level.
//!
//! An open complaint is an open ticket whose text or type is a complaint, or an inbound text with intent complaint or
//! escalation in the last 7 days that no ticket has taken up.

use crate::{clock::Micros, next_best_action::keys::Issue};

const DAY: i64 = 86_400 * Micros::SECOND;

/// For how long a text that no ticket has taken up is an open complaint, in microseconds.
pub const UNANSWERED: i64 = 7 * DAY;

/// From when on a customer counts as upset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Microseconds for which a word about leaving counts, above 0.
    pub leaving: i64,
    /// Level of sentiment at or below which nothing is sold, -1 to 1.
    pub level: f64,
    /// Evidence that such a level needs, in fresh feelings, 0 or more.
    pub feelings: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            leaving: 30 * DAY,
            level: -0.30,
            feelings: 3.0,
        }
    }
}

/// How a customer feels, as far as that matters here.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mood {
    /// Whether a complaint is open; none when that is not known, as when tickets were not loaded.
    pub open_complaint: Option<bool>,
    /// When they last said that they would leave.
    pub leaving_at: Option<Micros>,
    /// Level of sentiment, -1 to 1; none when nothing is known.
    pub level: Option<f64>,
    /// Evidence for the level, in fresh feelings.
    pub feelings: f64,
}

/// Why something is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upset {
    /// A complaint is open.
    OpenComplaint,
    /// Whether a complaint is open is not known.
    ComplaintNotKnown,
    /// They said that they would leave.
    Leaving,
    /// They feel bad.
    LowLevel,
}

impl Mood {
    /// Of somebody of whom nothing is known since nobody is known: they never complained.
    #[must_use]
    pub fn of_a_stranger() -> Self {
        Self {
            open_complaint: Some(false),
            ..Self::default()
        }
    }

    /// What keeps an action with this issue from being offered at `now`; none when nothing does.
    #[must_use]
    pub fn stops(&self, issue: Issue, thresholds: &Thresholds, now: Micros) -> Option<Upset> {
        if matches!(issue, Issue::Serve | Issue::Retain) {
            return None;
        }
        if self.open_complaint == Some(true) {
            return Some(Upset::OpenComplaint);
        }
        let recent = |at: Micros| now.0.saturating_sub(at.0) < thresholds.leaving;
        if issue != Issue::Listen && self.leaving_at.is_some_and(recent) {
            return Some(Upset::Leaving);
        }
        let low = self.level.is_some_and(|level| level <= thresholds.level);
        if issue == Issue::Sell && low && self.feelings >= thresholds.feelings {
            return Some(Upset::LowLevel);
        }
        self.open_complaint
            .is_none()
            .then_some(Upset::ComplaintNotKnown)
    }
}

/// A ticket, as far as complaints go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Hash of its id.
    pub id: u64,
    /// Whether it is open.
    pub open: bool,
    /// Whether its text or its type is a complaint.
    pub complains: bool,
}

/// An inbound text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Text {
    /// When it was written.
    pub at: Micros,
    /// Whether its intent is a complaint or an escalation.
    pub complains: bool,
    /// Hash of the id of the ticket that it is about.
    pub ticket: Option<u64>,
}

/// Whether a complaint is open at `now`.
///
/// A text is taken up when the ticket that it names is among `tickets`, open or closed.
#[must_use]
pub fn open_complaint(tickets: &[Ticket], texts: &[Text], now: Micros) -> bool {
    let taken_up = |text: &Text| {
        text.ticket
            .is_some_and(|id| tickets.iter().any(|ticket| ticket.id == id))
    };
    tickets.iter().any(|ticket| ticket.open && ticket.complains)
        || texts.iter().any(|text| {
            let recent = now.0.saturating_sub(text.at.0) < UNANSWERED;
            text.complains && recent && !taken_up(text)
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Micros = Micros(100 * DAY);
    const ALL: [Issue; 5] = [
        Issue::Serve,
        Issue::Retain,
        Issue::Sell,
        Issue::Nurture,
        Issue::Listen,
    ];

    fn stopped(mood: Mood) -> Vec<Issue> {
        let stops = |issue: &Issue| mood.stops(*issue, &Thresholds::default(), NOW).is_some();
        ALL.into_iter().filter(stops).collect()
    }

    #[test]
    fn what_each_feeling_stops() {
        let calm = Mood::of_a_stranger();
        assert_eq!(stopped(calm), []);
        let complains = Mood {
            open_complaint: Some(true),
            ..calm
        };
        assert_eq!(
            stopped(complains),
            [Issue::Sell, Issue::Nurture, Issue::Listen]
        );
        assert_eq!(
            stopped(Mood::default()),
            [Issue::Sell, Issue::Nurture, Issue::Listen]
        );
        let leaves = |days| Mood {
            leaving_at: Some(Micros(NOW.0 - days * DAY)),
            ..calm
        };
        assert_eq!(stopped(leaves(29)), [Issue::Sell, Issue::Nurture]);
        assert_eq!(stopped(leaves(30)), []);
        let low = |level, feelings| Mood {
            level: Some(level),
            feelings,
            ..calm
        };
        assert_eq!(stopped(low(-0.3, 3.0)), [Issue::Sell]);
        assert_eq!(stopped(low(-0.29, 9.0)), []);
        assert_eq!(stopped(low(-0.9, 1.0)), []);
    }

    #[test]
    fn when_a_complaint_is_open() {
        let ticket = |id, open, complains| Ticket {
            id,
            open,
            complains,
        };
        let text = |days, complains, ticket| Text {
            at: Micros(NOW.0 - days * DAY),
            complains,
            ticket,
        };
        let open = |tickets: &[Ticket], texts: &[Text]| open_complaint(tickets, texts, NOW);
        assert!(open(&[ticket(1, true, true)], &[]));
        assert!(!open(
            &[ticket(1, true, false), ticket(2, false, true)],
            &[]
        ));
        assert!(open(&[], &[text(6, true, None)]));
        assert!(!open(&[], &[text(7, true, None)]), "seven days are over");
        assert!(!open(&[], &[text(1, false, None)]));
        assert!(
            open(&[], &[text(1, true, Some(5))]),
            "a ticket that nobody knows took nothing up"
        );
        assert!(!open(&[ticket(5, false, false)], &[text(1, true, Some(5))]));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_ever_sells_to_who_complains_and_help_always_passes(
            leaving in prop::option::of(0..200_i64), level in prop::option::of(-1.0..1.0_f64),
            feelings in 0.0..10.0_f64, open in prop::option::of(any::<bool>()),
        ) {
            let mood = Mood {
                open_complaint: open,
                leaving_at: leaving.map(|day| Micros(day * DAY)),
                level,
                feelings,
            };
            let stops = |issue| mood.stops(issue, &Thresholds::default(), NOW);
            if open != Some(false) {
                prop_assert!(stops(Issue::Sell).is_some());
            }
            prop_assert!(stops(Issue::Serve).is_none() && stops(Issue::Retain).is_none());
        }
    }
}
