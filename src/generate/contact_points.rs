//! The other stories: how people come, what they look at, what they are sent, what they subscribe to and what they think.

use super::{
    DAY, HOUR, MINUTE,
    catalogue::Locale,
    desks::{
        APP, BILLING, LOYALTY, MAILER, PREFERENCES, PRODUCTS, REGISTER, SITE, SUPPORT, SURVEYS,
        TILL,
    },
    life::{By, Life},
    parts::{attributes, fact, score, subject, subject_in, told},
    service::Case,
    texts::{Scene, half_width},
};
use crate::proto::v1::{
    ConsentChange, ConsentState,
    Direction::{Inbound, Outbound},
    Identifier, SubjectKind, SubjectStatus, SurveyScale, Trait,
    trait_value::Kind,
};

impl Life<'_> {
    /// The story after the ones before.
    pub(super) fn next_story(&mut self) {
        match self.random.below(100) {
            0..=37 => self.shop(),
            38..=47 => self.trouble(),
            48..=65 => self.campaign(),
            78..=83 => self.think(),
            84..=88 if self.person.subscriber && !self.subscribed => self.subscribe(),
            89..=92 => self.tell_more(),
            93..=95 => self.talk_in_public(),
            96..=99 => self.change_consent(),
            _ => self.wander(),
        }
    }

    /// How they come: looking around without a name, then signing up; or with a card in a store.
    pub(super) fn arrive(&mut self) {
        let scene = self.scene();
        let mut at = self.hour(9, 22);
        self.registered = true;
        if self.person.loyalty.is_some() && self.random.chance(350) {
            let by = [By::Loyalty, By::Phone, By::Email];
            let place = self.person.former_place.unwrap_or(self.person.place);
            let traits = vec![
                told("name", &self.person.name()),
                told("city", place.city),
                told("tier", "bronze"),
            ];
            self.note(at, TILL, "loyalty.enrolled", Inbound, &by).traits = traits;
            at += DAY;
        } else {
            at = self.browse(at, &scene) + 3 * MINUTE;
        }
        let mut traits = self.particulars();
        traits.push(fact("marketing_opt_in", Kind::Boolean(true)));
        let by = [By::Cookie, By::Customer, By::Email];
        self.note(at, REGISTER, "account.registered", Inbound, &by)
            .traits = traits;
        let welcome = (at + MINUTE, MAILER, "message.sent");
        self.speak(
            welcome,
            Outbound,
            &[By::Email],
            ("welcome", "notice"),
            &scene,
        );
        self.consent(at + 10, ConsentState::Granted, None);
    }

    fn particulars(&self) -> Vec<Trait> {
        let person = self.person;
        let mut traits = vec![
            told("name", &person.name()),
            told("locale", person.locale.tag()),
            told("city", person.place.city),
            told("postal_code", person.place.postal_code),
            fact("birth_date", Kind::Date(person.birth_date.clone())),
        ];
        if let Some(kana) = person.kana() {
            traits.push(told("name_kana", &kana));
        }
        traits
    }

    /// Pages, seen without a name. Answers with the time of the last.
    pub(super) fn browse(&mut self, at: i64, scene: &Scene) -> i64 {
        self.browse_with(at, By::Cookie, scene)
    }

    pub(super) fn browse_with(&mut self, mut at: i64, by: By, scene: &Scene) -> i64 {
        let desk = if by == By::Device { APP } else { SITE };
        let session = format!("s-{:012x}", self.random.next() >> 16);
        for _ in 0..self.random.between(1, 3) {
            at += self.random.between(MINUTE / 6, 3 * MINUTE);
            let kind = if by == By::Device {
                "screen.viewed"
            } else {
                "page.viewed"
            };
            let path = format!("/products/{}", scene.product.sku.to_lowercase());
            let noted = self.note(at, desk, kind, Inbound, &[by]);
            noted.subject = subject(SubjectKind::Session, &session);
            noted.attributes = attributes(&[("path", &path)]);
        }
        at
    }

    /// One page, to fill up.
    pub(super) fn look_at_a_page(&mut self, at: i64) {
        let paths = ["/", "/new", "/sale", "/stores", "/account", "/magazine"];
        let path = *self.random.pick(&paths);
        self.note(at, SITE, "page.viewed", Inbound, &[By::Cookie])
            .attributes = attributes(&[("path", path)]);
    }

    fn wander(&mut self) {
        let scene = self.scene();
        let at = self.hour(8, 23);
        let by = if self.random.chance(350) {
            By::Device
        } else {
            By::Cookie
        };
        let last = self.browse_with(at, by, &scene);
        if self.random.chance(400) {
            let desk = if by == By::Device { APP } else { SITE };
            let by = [by, By::Customer];
            self.note(last + MINUTE, desk, "session.signed_in", Inbound, &by);
        }
        if self.random.chance(150) {
            let topic = if scene.product.sized {
                "size"
            } else {
                "product"
            };
            self.ask(topic, last + 10 * MINUTE, scene);
        }
    }

    fn campaign(&mut self) {
        let campaigns = [
            "spring-sale",
            "autumn-new",
            "points-5x",
            "birthday",
            "weekly",
        ];
        let campaign = subject(SubjectKind::Campaign, self.random.pick::<&str>(&campaigns));
        let scene = self.scene();
        let at = self.hour(9, 19);
        let by = [By::Email];
        let sent = (at, MAILER, "message.sent");
        self.speak(sent, Outbound, &by, ("campaign", "subject"), &scene)
            .subject
            .clone_from(&campaign);
        if self.random.chance(40) {
            self.note(at + 5_000_000, MAILER, "message.bounced", Outbound, &by)
                .subject = campaign;
            return;
        }
        self.note(at + 3_000_000, MAILER, "message.delivered", Outbound, &by)
            .subject
            .clone_from(&campaign);
        if !self.random.chance(450) {
            return;
        }
        let at = at + self.random.between(5 * MINUTE, 30 * HOUR);
        self.note(at, MAILER, "message.opened", Inbound, &by)
            .subject
            .clone_from(&campaign);
        if self.random.chance(300) {
            self.note(at + MINUTE, MAILER, "message.clicked", Inbound, &by)
                .subject = campaign;
            // The link in the mail carries who it was sent to.
            let clicked = [By::Cookie, By::Email];
            let noted = self.note(
                at + MINUTE + 900_000,
                SITE,
                "page.viewed",
                Inbound,
                &clicked,
            );
            noted.attributes = attributes(&[("path", "/campaign"), ("referrer", "mail")]);
        }
    }

    fn think(&mut self) {
        let scene = self.scene();
        let at = self.day(0, 2);
        let pleased = self.pleased();
        if self.random.chance(300) {
            let mood = ["unhappy", "mixed", "happy"][pleased];
            let given = (at, PRODUCTS, "feedback.given");
            let by = [By::Device, By::Customer];
            let stars = [2, 3, 5][pleased];
            self.speak(given, Inbound, &by, ("app", mood), &scene)
                .survey_scores = vec![score(SurveyScale::Stars5, stars, "app")];
            return;
        }
        let (mood, low, high) = [("unhappy", 0, 6), ("mixed", 7, 8), ("happy", 9, 10)][pleased];
        let given = self.random.between(low, high);
        let by = [By::Email, By::Customer];
        let noted = if self.random.chance(600) {
            let answered = (at, SURVEYS, "survey.answered");
            self.speak(answered, Inbound, &by, ("nps", mood), &scene)
        } else {
            self.note(at, SURVEYS, "survey.answered", Inbound, &by)
        };
        "marketing".clone_into(&mut noted.department);
        noted.survey_scores = vec![score(SurveyScale::Nps, given, "recommend")];
    }

    fn subscribe(&mut self) {
        self.subscribed = true;
        let mut scene = self.scene();
        scene.order = self.order_number();
        let id = format!("sub-{}", scene.order);
        let about = subject(SubjectKind::Subscription, &id);
        let at = self.hour(9, 22);
        let by = [By::Customer, By::Email];
        let started = self.note(at, BILLING, "subscription.started", Inbound, &by);
        started.subject.clone_from(&about);
        let months = self.random.between(2, 5);
        for month in 1..=months {
            let at = at + month * 30 * DAY;
            let money = self.money(scene.amount);
            let sent = (at, BILLING, "invoice.sent");
            let noted = self.speak(sent, Outbound, &by, ("billing", "notice"), &scene);
            noted.subject.clone_from(&about);
            noted.money.clone_from(&money);
            let mut paid = at + 5 * DAY;
            if self.random.chance(150) {
                let reminded = (at + 15 * DAY, BILLING, "invoice.overdue");
                self.speak(reminded, Outbound, &by, ("billing", "overdue"), &scene)
                    .subject
                    .clone_from(&about);
                paid += 14 * DAY;
            }
            let kana = self.person.kana();
            let noted = self.note(paid, BILLING, "payment.received", Inbound, &by[..1]);
            noted.subject.clone_from(&about);
            noted.money = money;
            // Banks write names in half-width kana.
            noted
                .traits
                .extend(kana.map(|kana| told("name_kana", &half_width(&kana))));
        }
        if self.random.chance(400) {
            let at = at + months * 30 * DAY + 9 * DAY;
            let mood = *self.random.pick(&["question", "unhappy", "angry"]);
            self.open_case(at, &Case::new("cancel", mood, scene));
            let ended = at + 2 * DAY;
            self.note(ended, BILLING, "subscription.cancelled", Outbound, &by)
                .subject = subject_in(SubjectKind::Subscription, &id, SubjectStatus::Cancelled);
        }
    }

    /// Facts about the person, from one system or another.
    fn tell_more(&mut self) {
        let at = self.day(0, 3);
        let person = self.person;
        match self.random.below(4) {
            0 if person.loyalty.is_some() => {
                let tier = *self
                    .random
                    .pick(&["bronze", "silver", "silver", "gold", "platinum"]);
                let points = self.random.between(0, 90) * 50;
                let by = [By::Loyalty, By::Customer];
                self.note(at, LOYALTY, "membership.changed", Outbound, &by)
                    .traits = vec![told("tier", tier), fact("points", Kind::Integer(points))];
            }
            1 => {
                let by = [By::Customer, By::Email, By::Phone];
                let traits = self.particulars();
                self.note(at, REGISTER, "account.updated", Inbound, &by)
                    .traits = traits;
            }
            2 => {
                // The store writes names as it hears them.
                let latin = format!("{} {}", person.given.latin, person.family.latin);
                let name = match person.locale {
                    Locale::Japan => person.kana().unwrap_or(latin),
                    Locale::States | Locale::Britain => latin.to_uppercase(),
                };
                let place = person.former_place.unwrap_or(person.place);
                let by = [By::Phone, By::Loyalty];
                self.note(at, TILL, "contact.updated", Inbound, &by).traits =
                    vec![told("name", &name), told("city", place.city)];
            }
            _ => {
                let os = *self.random.pick(&["ios", "android"]);
                let by = [By::Device, By::Customer];
                self.note(at, APP, "app.opened", Inbound, &by).traits =
                    vec![told("locale", person.locale.tag()), told("device_os", os)];
            }
        }
    }

    fn talk_in_public(&mut self) {
        let scene = self.scene();
        let at = self.hour(7, 23);
        let pleased = self.pleased();
        let mood = ["angry", "unhappy", "happy"][pleased];
        let desk = SUPPORT[3];
        let by = [By::Social];
        self.speak(
            (at, desk, "social.mentioned"),
            Inbound,
            &by,
            ("social", mood),
            &scene,
        );
        if self.random.chance(600) {
            let said = (at + 2 * HOUR, desk, "social.replied");
            let topic = if pleased == 2 { "praise" } else { "social" };
            self.speak(said, Outbound, &by, (topic, "reply"), &scene);
        }
    }

    fn change_consent(&mut self) {
        let scene = self.scene();
        let at = self.hour(8, 23);
        if self.random.chance(400) {
            self.consent(at, ConsentState::Granted, None);
            return;
        }
        if self.random.chance(500) {
            let mood = *self.random.pick(&["neutral", "unhappy"]);
            let desk = SUPPORT[0];
            let asked = (at, desk, "message.received");
            self.speak(asked, Inbound, &[By::Email], ("consent", mood), &scene);
        }
        let email = self.person.emails[0].clone();
        let address = self.random.chance(300).then_some(email);
        self.consent(at + HOUR, ConsentState::Denied, address);
    }

    fn consent(&mut self, at: i64, state: ConsentState, address: Option<String>) {
        let by = [By::Customer, By::Email];
        let channel = (state == ConsentState::Denied).then(|| "email".to_owned());
        let change = ConsentChange {
            purpose: "marketing".to_owned(),
            state: state.into(),
            channel,
            address: address.map(|value| Identifier {
                namespace: "email".to_owned(),
                value,
            }),
        };
        let noted = self.note(at, PREFERENCES, "consent.changed", Inbound, &by);
        noted.consent_changes = vec![change];
        let wanted = state == ConsentState::Granted;
        noted.traits = vec![fact("marketing_opt_in", Kind::Boolean(wanted))];
    }

    /// A guarantee, and perhaps a question.
    pub(super) fn register_product(&mut self, at: i64, scene: &Scene) {
        let by = [By::Device, By::Email];
        self.note(at, PRODUCTS, "product.registered", Inbound, &by)
            .subject = subject(SubjectKind::Product, scene.product.sku);
        if self.random.chance(200) {
            self.ask("product", at + 6 * DAY, scene.clone());
        }
    }
}
