//! Stories of asking and complaining: a ticket from its opening to the survey after it.

use super::{
    DAY, HOUR, MINUTE,
    desks::{BILLING, Desk, SUPPORT, SURVEYS},
    life::{By, Life},
    parts::{score, subject, subject_in},
    texts::Scene,
};
use crate::proto::v1::{
    Direction::{Inbound, Outbound},
    SubjectKind, SubjectStatus, SurveyScale,
};

/// What a ticket is about.
#[derive(Clone, Debug)]
pub(super) struct Case {
    topic: &'static str,
    mood: &'static str,
    scene: Scene,
}

impl Case {
    pub(super) fn new(topic: &'static str, mood: &'static str, scene: Scene) -> Self {
        Self { topic, mood, scene }
    }
}

/// How a ticket goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    Slowly,
    Badly,
    /// Nobody has closed it yet.
    Open,
}

impl Life<'_> {
    /// A question, answered.
    pub(super) fn ask(&mut self, topic: &'static str, at: i64, mut scene: Scene) {
        if scene.order.is_empty() {
            scene.order = self.order_number();
        }
        self.open_case(at, &Case::new(topic, "question", scene));
    }

    /// A trouble that is no parcel's: paying, signing in, prices.
    pub(super) fn trouble(&mut self) {
        let mut scene = self.scene();
        scene.order = self.order_number();
        let at = self.hour(9, 21);
        let topics = [
            (25, "billing"),
            (25, "login"),
            (15, "price"),
            (15, "refund"),
            (20, "stock"),
        ];
        let topic = self.random.weighted(&topics).unwrap_or("login");
        if topic == "billing" {
            let money = self.money(scene.amount);
            for minutes in [0, 2] {
                let at = at - DAY + minutes * MINUTE;
                let by = [By::Customer];
                let noted = self.note(at, BILLING, "payment.received", Inbound, &by);
                noted.money.clone_from(&money);
                noted.subject = subject(SubjectKind::Order, &scene.order);
            }
        }
        let mood = match self.random.below(6) + self.person.temper {
            0 | 1 => "question",
            2..=5 => "unhappy",
            _ => "angry",
        };
        if mood != "question" {
            self.feel(-1);
        }
        self.open_case(at, &Case::new(topic, mood, scene));
    }

    /// A ticket and all that follows.
    pub(super) fn open_case(&mut self, at: i64, case: &Case) {
        let way = match (self.random.below(10), &self.person.handle) {
            (0..=4, _) => 0,
            (5 | 6, _) => 1,
            (7 | 8, _) | (_, None) => 2,
            _ => 3,
        };
        let desk = SUPPORT[way];
        let by: &[By] = match way {
            0 if self.random.chance(400) => &[By::Email, By::Customer],
            0 => &[By::Email],
            1 if self.random.chance(300) => &[By::Phone, By::Customer],
            1 => &[By::Phone],
            2 => &[By::Cookie, By::Email],
            _ => &[By::Social],
        };
        let ticket = self.ticket_number();
        let about = |status| subject_in(SubjectKind::Ticket, &ticket, status);
        let words = (case.topic, case.mood);
        let opened = (at, desk, "ticket.opened");
        self.speak(opened, Inbound, by, words, &case.scene).subject =
            about(SubjectStatus::Unspecified);
        let upset = case.mood != "question";
        let [well, slowly, badly, open] = if upset {
            [50, 22, 18, 10]
        } else {
            [80, 10, 5, 5]
        };
        let end = self.random.weighted(&[
            (well, End::Well),
            (slowly, End::Slowly),
            (badly, End::Badly),
            (open, End::Open),
        ]);
        let end = end.unwrap_or(End::Well);
        // On a social network the rest goes on in private, where the customer says who they are.
        let (desk, by): (Desk, &[By]) = if way == 3 {
            let said = (at + HOUR, desk, "ticket.replied");
            self.speak(said, Outbound, by, ("social", "reply"), &case.scene)
                .subject = about(SubjectStatus::Pending);
            (desk, &[By::Social, By::Email])
        } else {
            (desk, by)
        };
        let mut at = at + self.random.between(HOUR, 20 * HOUR);
        if end != End::Well {
            at = self.chase(at, desk, by, &ticket, case);
        }
        let said = (at, desk, "ticket.replied");
        self.speak(said, Outbound, by, (case.topic, "reply"), &case.scene)
            .subject = about(SubjectStatus::Pending);
        if end == End::Open {
            return;
        }
        self.finish(at, end, (desk, by), &ticket, case);
    }

    /// The customer has to ask again; when they hear at last.
    fn chase(&mut self, at: i64, desk: Desk, by: &[By], ticket: &str, case: &Case) -> i64 {
        let mood = if case.mood == "angry" {
            "angry"
        } else {
            "unhappy"
        };
        let asked = (at + DAY, desk, "ticket.replied");
        self.speak(asked, Inbound, by, ("chase", mood), &case.scene)
            .subject = subject_in(SubjectKind::Ticket, ticket, SubjectStatus::Open);
        let said = (at + DAY + 3 * HOUR, desk, "ticket.replied");
        self.speak(said, Outbound, by, ("chase", "reply"), &case.scene)
            .subject = subject(SubjectKind::Ticket, ticket);
        self.feel(-1);
        at + 2 * DAY
    }

    fn finish(&mut self, at: i64, end: End, (desk, by): (Desk, &[By]), ticket: &str, case: &Case) {
        let about = subject(SubjectKind::Ticket, ticket);
        let mut at = at + self.random.between(HOUR, DAY);
        if end != End::Badly && self.random.chance(500) {
            let mood = if end == End::Well { "happy" } else { "mixed" };
            let said = (at, desk, "ticket.replied");
            self.speak(said, Inbound, by, ("thanks", mood), &case.scene)
                .subject
                .clone_from(&about);
        }
        at += HOUR;
        let closed = (at, desk, "ticket.closed");
        self.speak(closed, Outbound, by, ("close", "reply"), &case.scene)
            .subject
            .clone_from(&about);
        if end == End::Badly && self.random.chance(600) {
            let mood = if case.mood == "angry" {
                "angry"
            } else {
                "unhappy"
            };
            at += 5 * HOUR;
            let again = (at, desk, "ticket.reopened");
            self.speak(again, Inbound, by, ("reopen", mood), &case.scene)
                .subject
                .clone_from(&about);
            let said = (at + 4 * HOUR, desk, "ticket.replied");
            self.speak(said, Outbound, by, ("reopen", "reply"), &case.scene)
                .subject
                .clone_from(&about);
            if self.random.chance(300) {
                return;
            }
            at += DAY;
            self.note(at, desk, "ticket.closed", Outbound, by).subject = about;
        }
        self.feel(match end {
            End::Well => 2,
            End::Slowly => 0,
            End::Badly | End::Open => -1,
        });
        if self.random.chance(650) {
            self.rate(at + 4 * HOUR, end, ticket, &case.scene);
        }
    }

    fn rate(&mut self, at: i64, end: End, ticket: &str, scene: &Scene) {
        let (mood, low, high) = match end {
            End::Well => ("happy", 4, 5),
            End::Slowly => ("mixed", 3, 3),
            End::Badly | End::Open => ("unhappy", 1, 2),
        };
        let about = subject(SubjectKind::Ticket, ticket);
        let sent = (at, SURVEYS, "message.sent");
        self.speak(sent, Outbound, &[By::Email], ("survey", "notice"), scene)
            .subject
            .clone_from(&about);
        let given = self.random.between(low, high);
        let mut scores = vec![score(SurveyScale::Csat5, given, "satisfied")];
        if self.random.chance(350) {
            let ease = (given + self.random.between(0, 2)).min(7);
            scores.push(score(SurveyScale::Ces7, ease, "easy"));
        }
        let at = at + self.random.between(HOUR, 2 * DAY);
        let noted = if self.random.chance(600) {
            let answered = (at, SURVEYS, "survey.answered");
            self.speak(answered, Inbound, &[By::Email], ("csat", mood), scene)
        } else {
            self.note(at, SURVEYS, "survey.answered", Inbound, &[By::Email])
        };
        noted.subject = about;
        noted.survey_scores = scores;
    }
}
