//! Stories of buying: in the web shop, by app, in a store; what becomes of the parcel.

use super::{
    DAY, HOUR, MINUTE,
    desks::{APP, BILLING, Desk, MAILER, PARCELS, REVIEWS, SHOP, SITE, TILL},
    life::{By, Life},
    parts::{attributes, score, subject, subject_in, told},
    service::Case,
    texts::Scene,
};
use crate::{
    clock::Micros,
    proto::v1::{
        Direction::{Inbound, Outbound},
        SubjectKind, SubjectStatus, SurveyScale,
    },
};

/// What becomes of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Fine,
    Late,
    Damaged,
    Wrong,
    Ill,
    Cancelled,
}

impl Life<'_> {
    /// One of the shopping stories.
    pub(super) fn shop(&mut self) {
        match self.random.below(100) {
            0..=11 => self.abandon_a_cart(),
            12..=36 if self.person.loyalty.is_some() => self.buy_in_a_store(),
            37..=61 => self.buy(APP),
            _ => self.buy(SHOP),
        }
    }

    fn abandon_a_cart(&mut self) {
        let scene = self.scene();
        let at = self.hour(9, 23);
        let browsed = self.browse(at, &scene);
        let by = [By::Cookie, By::Customer];
        let noted = self.note(browsed + 4 * MINUTE, SITE, "cart.abandoned", Inbound, &by);
        noted.subject = subject(SubjectKind::Product, scene.product.sku);
        noted.attributes = attributes(&[("reason", "left")]);
        if self.random.chance(700) {
            let at = browsed + DAY;
            let campaign = subject(SubjectKind::Campaign, "cart-reminder");
            let words = ("cart", "notice");
            let sent = (at, MAILER, "message.sent");
            self.speak(sent, Outbound, &[By::Email], words, &scene)
                .subject
                .clone_from(&campaign);
            if self.random.chance(350) {
                self.note(
                    at + 3 * HOUR,
                    MAILER,
                    "message.opened",
                    Inbound,
                    &[By::Email],
                )
                .subject = campaign;
            }
        }
        if self.random.chance(100) {
            self.ask("stock", at + DAY, scene);
        }
    }

    fn buy_in_a_store(&mut self) {
        let mut scene = self.scene();
        scene.order = self.order_number();
        let at = self.hour(11, 20);
        let by = [By::Loyalty];
        if self.random.chance(400) {
            self.note(at - 25 * MINUTE, TILL, "store.visited", Inbound, &by)
                .attributes = attributes(&[("shop", scene.shop)]);
        }
        let phone = self.random.chance(150);
        let by: &[By] = if phone {
            &[By::Loyalty, By::Phone]
        } else {
            &by
        };
        let money = self.money(scene.amount);
        let noted = self.note(at, TILL, "order.placed", Inbound, by);
        noted.subject = subject(SubjectKind::Order, &scene.order);
        noted.money = money;
        noted.attributes = attributes(&[("shop", scene.shop), ("sku", scene.product.sku)]);
        self.feel(1);
        match self.random.below(10) {
            0 | 1 => self.praise(at, &scene),
            2 if scene.product.sized => self.give_back(at + 3 * DAY, TILL, &scene),
            3 => {
                let desk = (at + 10 * MINUTE, TILL, "note.taken");
                self.speak(desk, Inbound, &[By::Loyalty], ("memo", "neutral"), &scene);
            }
            _ => (),
        }
        if scene.product.gear && self.random.chance(500) {
            self.register_product(at + DAY, &scene);
        }
    }

    fn praise(&mut self, at: i64, scene: &Scene) {
        let feedback = (at + 5 * HOUR, TILL, "feedback.given");
        let by = [By::Loyalty, By::Email];
        let stars = 4 + i64::from(self.random.chance(800));
        self.speak(feedback, Inbound, &by, ("praise", "happy"), scene)
            .survey_scores = vec![score(SurveyScale::Stars5, stars, "visit")];
        self.feel(1);
        if self.random.chance(500) {
            let thanked = (at + DAY, MAILER, "message.sent");
            self.speak(thanked, Outbound, &[By::Email], ("praise", "reply"), scene);
        }
    }

    fn buy(&mut self, desk: Desk) {
        let mut scene = self.scene();
        scene.order = self.order_number();
        let by_app = desk.channel == "app";
        let mut at = self.hour(9, 23);
        let own = if by_app { By::Device } else { By::Cookie };
        if self.random.chance(if by_app { 200 } else { 600 }) {
            at = self.browse_with(at, own, &scene);
            if self.random.chance(600) {
                at += 2 * MINUTE;
                let desk = if by_app { APP } else { SITE };
                self.note(at, desk, "session.signed_in", Inbound, &[own, By::Customer]);
            }
        }
        at += 5 * MINUTE + self.random.between(0, MINUTE);
        let phone = self.random.chance(450);
        let mut by = vec![By::Customer, By::Email];
        if by_app {
            by[1] = By::Device;
        }
        if phone {
            by.push(By::Phone);
        }
        let money = self.money(scene.amount);
        let city = told("shipping_city", self.person.place.city);
        let noted = self.note(
            at,
            Desk {
                channel: desk.channel,
                ..SHOP
            },
            "order.placed",
            Inbound,
            &by,
        );
        noted.subject = subject(SubjectKind::Order, &scene.order);
        noted.money = money;
        noted.traits.push(city);
        let quantity = scene.quantity.to_string();
        noted.attributes = attributes(&[("sku", scene.product.sku), ("quantity", &quantity)]);
        self.confirm(at, &scene);
        self.deliver(at, scene);
    }

    fn confirm(&mut self, at: i64, scene: &Scene) {
        let sent = (at + MINUTE, SHOP, "message.sent");
        let order = subject(SubjectKind::Order, &scene.order);
        self.speak(sent, Outbound, &[By::Email], ("order", "notice"), scene)
            .subject = order;
        if self.random.chance(600) {
            let (money, order) = (
                self.money(scene.amount),
                subject(SubjectKind::Order, &scene.order),
            );
            let paid = at + 2 * MINUTE;
            let noted = self.note(paid, BILLING, "payment.received", Inbound, &[By::Customer]);
            noted.money = money;
            noted.subject = order;
        }
    }

    fn deliver(&mut self, at: i64, scene: Scene) {
        let fate = self.random.weighted(&[
            (600, Fate::Fine),
            (140, Fate::Late),
            (70, Fate::Damaged),
            (55, Fate::Wrong),
            (75, Fate::Ill),
            (60, Fate::Cancelled),
        ]);
        let fate = fate.unwrap_or(Fate::Fine);
        if fate == Fate::Cancelled {
            let by = [By::Customer];
            self.note(at + 2 * HOUR, SHOP, "order.cancelled", Inbound, &by)
                .subject = subject_in(SubjectKind::Order, &scene.order, SubjectStatus::Cancelled);
            if self.random.chance(300) {
                self.ask("refund", at + 4 * DAY, scene);
            }
            return;
        }
        let shipped = (at + DAY, PARCELS, "order.shipped");
        let order = subject(SubjectKind::Order, &scene.order);
        let by = [By::Customer, By::Phone];
        self.speak(shipped, Outbound, &by, ("shipped", "notice"), &scene)
            .subject
            .clone_from(&order);
        if fate == Fate::Late {
            let delayed = (at + 2 * DAY, PARCELS, "delivery.delayed");
            self.speak(delayed, Outbound, &by, ("late", "notice"), &scene)
                .subject = order;
            self.feel(-1);
            let patience = 3 - i64::try_from(self.person.temper).unwrap_or_default();
            self.case("late", at + (scene.days.min(5) + patience) * DAY, scene);
            return;
        }
        if self.random.chance(60) {
            let desk = Desk {
                channel: "phone",
                ..PARCELS
            };
            let asked = (at + 30 * HOUR, desk, "delivery.rescheduled");
            self.speak(
                asked,
                Inbound,
                &[By::Phone],
                ("reschedule", "neutral"),
                &scene,
            )
            .subject
            .clone_from(&order);
        }
        let arrived = at + 2 * DAY + self.random.between(0, 8) * HOUR;
        let delivered = (arrived, PARCELS, "delivery.delivered");
        self.speak(delivered, Outbound, &by, ("delivered", "notice"), &scene)
            .subject = order;
        let opened = arrived + self.random.between(HOUR, 30 * HOUR);
        match fate {
            Fate::Damaged => self.case("damaged", opened, scene),
            Fate::Wrong => self.case("wrong", opened, scene),
            Fate::Ill if scene.product.sized => self.case("size", opened, scene),
            Fate::Ill => self.case("product", opened + 20 * DAY, scene),
            _ => self.enjoy(opened, &scene),
        }
    }

    fn enjoy(&mut self, at: i64, scene: &Scene) {
        self.feel(1);
        if scene.product.gear && self.random.chance(500) {
            self.register_product(at, scene);
        }
        if self.random.chance(280) {
            self.review(at + 5 * DAY, scene);
        }
    }

    /// A review as the mood is.
    pub(super) fn review(&mut self, at: i64, scene: &Scene) {
        let pleased = self.pleased();
        let (mood, lowest) = [("unhappy", 1), ("mixed", 3), ("happy", 4)][pleased];
        let stars = lowest + self.random.between(0, i64::from(mood != "mixed"));
        let posted = (at, REVIEWS, "review.posted");
        let by = [By::Customer, By::Email];
        let noted = self.speak(posted, Inbound, &by[..1], ("review", mood), scene);
        noted.subject = subject(SubjectKind::Product, scene.product.sku);
        noted.survey_scores = vec![score(SurveyScale::Stars5, stars, "product")];
    }

    /// Gives what was bought back, for the whole amount.
    pub(super) fn give_back(&mut self, at: i64, desk: Desk, scene: &Scene) {
        let money = self.money(scene.amount);
        let by: &[By] = if desk.channel == "store" {
            &[By::Loyalty]
        } else {
            &[By::Customer, By::Email]
        };
        let noted = self.note(at, desk, "order.returned", Inbound, by);
        noted.subject = subject(SubjectKind::Order, &scene.order);
        noted.money.clone_from(&money);
        let at = at + DAY + Micros::SECOND;
        let refunded = (at, BILLING, "refund.issued");
        let by = [By::Customer, By::Email];
        let noted = self.speak(refunded, Outbound, &by, ("refund", "notice"), scene);
        noted.subject = subject(SubjectKind::Order, &scene.order);
        noted.money = money;
    }

    /// A complaint about an order or a product, with what follows.
    fn case(&mut self, topic: &'static str, at: i64, scene: Scene) {
        self.feel(-2);
        let angry = self.random.below(6) < 1 + self.person.temper;
        let returned = matches!(topic, "damaged" | "size") && self.random.chance(600);
        let back = returned.then(|| scene.clone());
        let mood = if angry { "angry" } else { "unhappy" };
        self.open_case(at, &Case::new(topic, mood, scene));
        if let Some(scene) = back {
            self.give_back(at + 5 * DAY, SHOP, &scene);
        }
    }
}
