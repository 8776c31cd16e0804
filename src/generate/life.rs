//! The life of a customer: stories one after the other, each a handful of interactions.
//!
//! A story is told in its own time, from its first day. When all are told they are laid out over the days that the person
//! is a customer, what would lie after the last day is left out, and simple visits fill up what is missing: so everybody
//! has exactly as many interactions as the block gave them.

use super::{
    Arguments, DAY, HOUR, MINUTE,
    catalogue::{CATALOGUE, Locale},
    contacts::{ANYBODY, NOBODY, written_email},
    desks::{Delay, Desk},
    people::Person,
    random::{Random, scrambled, unique},
    texts::{self, Scene, half_width},
};
use crate::{
    clock::Micros,
    proto::v1::{Direction, Identifier, Interaction, Money},
};

const LIFE: u64 = 30;
const EVENT: u64 = 31;
const ORDER: u64 = 32;
const TICKET: u64 = 33;

/// Interactions of one person at most; event ids have room for so many.
pub(super) const MOST: u64 = 1 << 16;

/// What a person is known by somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Customer,
    Email,
    Phone,
    Loyalty,
    Cookie,
    Device,
    Social,
}

/// Something that happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Within its story, later since 1970.
    at: i64,
    story: usize,
    pub(super) arrives: i64,
    delay: Delay,
    pub(super) interaction: Interaction,
}

/// A life that is being told.
pub(super) struct Life<'a> {
    pub(super) seed: u64,
    pub(super) person: &'a Person,
    pub(super) random: Random,
    events: Vec<Event>,
    story: usize,
    serial: u64,
    orders: u64,
    tickets: u64,
    /// From -4 to 4.
    pub(super) mood: i64,
    pub(super) registered: bool,
    pub(super) subscribed: bool,
}

/// The events of a person, in order of time.
pub(super) fn live(arguments: &Arguments, person: &Person, wanted: u64) -> Vec<Event> {
    let wanted = usize::try_from(wanted.min(MOST)).unwrap_or_default();
    let mut life = Life {
        seed: arguments.seed,
        person,
        random: Random::of(arguments.seed, LIFE, person.number),
        events: Vec::with_capacity(wanted + 16),
        story: 0,
        serial: 0,
        orders: 0,
        tickets: 0,
        mood: 1,
        registered: false,
        subscribed: false,
    };
    life.arrive();
    while life.events.len() < wanted {
        life.story += 1;
        life.next_story();
    }
    life.lay_out(arguments, wanted)
}

impl Life<'_> {
    fn lay_out(mut self, arguments: &Arguments, wanted: usize) -> Vec<Event> {
        let days = arguments.days();
        let joined = self.random.between(0, days * 6 / 10);
        let span = (days - joined - 3).max(1);
        let stories = i64::try_from(self.story).unwrap_or_default() + 1;
        let begins: Vec<i64> = (0..stories)
            .map(|story| {
                let day = joined + span * story / stories;
                let day = day + self.random.between(0, (span / stories).max(1) - 1);
                arguments.start() + day * DAY
            })
            .collect();
        let end = arguments.end();
        let mut kept = Vec::with_capacity(wanted);
        for mut event in std::mem::take(&mut self.events) {
            event.at += begins[event.story];
            if event.at < end {
                kept.push(event);
            }
        }
        kept.sort_by_key(|event| event.at);
        kept.truncate(wanted);
        while kept.len() < wanted {
            let at = arguments.start() + (joined + self.random.between(0, span)) * DAY;
            let at = at + self.hour(8, 23);
            self.look_at_a_page(at);
            kept.append(&mut self.events);
        }
        for event in &mut kept {
            // Midnight may lie a few hours off where the person lives.
            event.at = event.at.clamp(arguments.start(), end - 1);
            event.interaction.occurred_at = Some(Micros(event.at).to_proto());
            event.arrives = event.at + self.delay(event.at, event.delay);
        }
        kept.sort_by_key(|event| event.at);
        kept
    }

    fn delay(&mut self, at: i64, delay: Delay) -> i64 {
        let late = self.random.chance(15);
        match delay {
            _ if late => self.random.between(2 * DAY, 14 * DAY),
            Delay::Now => self.random.between(1, 8) * Micros::SECOND,
            Delay::Nightly => {
                let night = at.div_euclid(DAY) * DAY + DAY + 2 * HOUR;
                night - at + self.random.between(0, 20) * MINUTE
            }
            Delay::Device if self.random.chance(120) => self.random.between(HOUR, 5 * DAY),
            Delay::Device => self.random.between(1, 30) * Micros::SECOND,
            Delay::Hours => self.random.between(5 * MINUTE, 6 * HOUR),
        }
    }

    /// A time of day between two hours where the person lives.
    pub(super) fn hour(&mut self, from: i64, to: i64) -> i64 {
        let local = self.random.between(from * HOUR, to * HOUR);
        local - self.person.locale.offset() * HOUR
    }

    /// A time of day on a later day of the story.
    pub(super) fn day(&mut self, from: i64, to: i64) -> i64 {
        self.random.between(from, to) * DAY + self.hour(8, 22)
    }

    /// Notes that something happened; the rest of it is filled in by the caller.
    pub(super) fn note(
        &mut self,
        at: i64,
        desk: Desk,
        kind: &str,
        direction: Direction,
        by: &[By],
    ) -> &mut Interaction {
        // Systems that report by the second are as common as those that say more.
        let at = match desk.delay {
            Delay::Now | Delay::Device => at,
            Delay::Nightly | Delay::Hours => at - at.rem_euclid(Micros::SECOND),
        };
        let number = unique(
            self.seed,
            EVENT,
            self.person.number * MOST * 2 + self.serial,
        );
        self.serial += 1;
        let interaction = Interaction {
            source: desk.source.to_owned(),
            event_id: format!("{}-{number:016x}", &desk.source[..3]),
            department: desk.department.to_owned(),
            channel: desk.channel.to_owned(),
            r#type: kind.to_owned(),
            direction: direction.into(),
            identifiers: self.identifiers(by),
            ..Interaction::default()
        };
        self.events.push(Event {
            at,
            story: self.story,
            arrives: 0,
            delay: desk.delay,
            interaction,
        });
        let last = self.events.len() - 1;
        &mut self.events[last].interaction
    }

    /// A note with words in it. The customer's are written as the customer writes.
    pub(super) fn speak(
        &mut self,
        (at, desk, kind): (i64, Desk, &str),
        direction: Direction,
        by: &[By],
        (topic, mood): (&str, &str),
        scene: &Scene,
    ) -> &mut Interaction {
        let words = self.words(topic, mood, direction, scene);
        let language = self.person.locale.language().to_owned();
        let noted = self.note(at, desk, kind, direction, by);
        noted.text = Some(words);
        noted.language = Some(language);
        noted
    }

    pub(super) fn words(
        &mut self,
        topic: &str,
        mood: &str,
        direction: Direction,
        scene: &Scene,
    ) -> String {
        let person = self.person;
        let mut words = texts::words(
            &mut self.random,
            person.locale,
            (topic, mood),
            person.addressed(),
            scene,
        );
        if direction == Direction::Inbound {
            if person.half_width {
                words = half_width(&words);
            }
            if person.emoji && words.chars().all(|c| u32::from(c) < 0x1_f000) {
                words.push_str(match mood {
                    "happy" => "😊",
                    "unhappy" => "😢",
                    "angry" => "😡",
                    _ => "🙏",
                });
            }
        }
        words
    }

    fn identifiers(&mut self, by: &[By]) -> Vec<Identifier> {
        let mut found: Vec<Identifier> = Vec::with_capacity(by.len());
        for by in by {
            let (namespace, value) = self.identifier(*by);
            if !found
                .iter()
                .any(|i| i.namespace == namespace && i.value == value)
            {
                found.push(Identifier {
                    namespace: namespace.to_owned(),
                    value,
                });
            }
        }
        // Garbage comes beside what can be used, never alone.
        if by.contains(&By::Customer) || by.contains(&By::Loyalty) {
            let (namespace, value) = match self.random.below(2_000) {
                0..=7 => *self.random.pick(&NOBODY),
                8 if self.random.chance(200) => ANYBODY,
                _ => return found,
            };
            if !found.iter().any(|i| i.namespace == namespace) {
                found.push(Identifier {
                    namespace: namespace.to_owned(),
                    value: value.to_owned(),
                });
            }
        }
        found
    }

    fn identifier(&mut self, by: By) -> (&'static str, String) {
        let person = self.person;
        let second = self.random.chance(250);
        let slot = |count: usize| usize::from(second && count > 1);
        let email = |random: &mut Random| {
            let email = match &person.email_slip {
                Some(slip) if random.chance(80) => slip,
                _ => &person.emails[slot(person.emails.len())],
            };
            ("email", written_email(random, email))
        };
        match by {
            By::Customer => {
                let slot = slot(person.customer_ids.len());
                ("customer_id", person.customer_ids[slot].clone())
            }
            By::Email => email(&mut self.random),
            By::Phone => {
                let phone = match (&person.family_phone, &person.phone_slip) {
                    (Some(phone), _) if self.random.chance(200) => phone,
                    (_, Some(phone)) if self.random.chance(80) => phone,
                    _ => &person.phones[slot(person.phones.len())],
                };
                ("phone", phone.written(&mut self.random))
            }
            By::Loyalty => match &person.loyalty {
                Some(card) => ("loyalty_id", card.clone()),
                None => email(&mut self.random),
            },
            By::Cookie => ("cookie", self.random.pick(&person.cookies).clone()),
            By::Device => match &person.tablet {
                Some(tablet) if self.random.chance(300) => ("device_id", tablet.clone()),
                _ if person.devices.is_empty() => {
                    ("cookie", self.random.pick(&person.cookies).clone())
                }
                _ => ("device_id", self.random.pick(&person.devices).clone()),
            },
            By::Social => match &person.handle {
                Some(handle) => {
                    let at = if self.random.chance(500) { "@" } else { "" };
                    ("social_handle", format!("{at}{handle}"))
                }
                None => email(&mut self.random),
            },
        }
    }

    /// What the next story is about.
    pub(super) fn scene(&mut self) -> Scene {
        const COURIERS: [[&str; 3]; 3] = [
            ["ヤマト便", "佐川便", "ゆうパック"],
            ["UPS", "FedEx", "USPS"],
            ["Royal Mail", "DPD", "Evri"],
        ];
        const STAFF: [[&str; 5]; 3] = [
            ["大野", "石田", "三浦", "原", "久保"],
            ["Jordan", "Taylor M.", "Alex", "Rosa", "Ben"],
            ["Gemma", "Callum", "Niamh", "Ravi", "Beth"],
        ];
        let locale = self.person.locale;
        let country = match locale {
            Locale::Japan => 0,
            Locale::States => 1,
            Locale::Britain => 2,
        };
        let product = self.random.pick(&CATALOGUE.products);
        let quantity = if self.random.chance(200) { 2 } else { 1 };
        Scene {
            product,
            order: String::new(),
            days: self.random.between(2, 9),
            shop: self.person.place.shop,
            city: self.person.place.city,
            courier: self.random.pick::<&str>(&COURIERS[country]),
            staff: self.random.pick::<&str>(&STAFF[country]),
            size: self.random.pick::<&str>(&["S", "M", "L", "XL"]),
            amount: product.price(locale) * quantity,
            quantity,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]
    pub(super) fn money(&self, minor_units: i64) -> Option<Money> {
        Some(Money {
            currency: self.person.locale.currency().to_owned(),
            minor_units,
        })
    }

    /// A number that no other order has.
    pub(super) fn order_number(&mut self) -> String {
        let n = self.person.number * 4_096 + self.orders % 4_096;
        self.orders += 1;
        let number = scrambled(self.seed, ORDER, n, 10_000_000_000);
        format!("{:04}-{:06}", number / 1_000_000, number % 1_000_000)
    }

    /// A number that no other ticket has.
    pub(super) fn ticket_number(&mut self) -> String {
        let n = self.person.number * 4_096 + self.tickets % 4_096;
        self.tickets += 1;
        format!("T{:010}", scrambled(self.seed, TICKET, n, 10_000_000_000))
    }

    /// How pleased they are now, from 0 (not at all) to 2.
    pub(super) fn pleased(&mut self) -> usize {
        match self.mood + self.random.between(-1, 1) {
            ..-1 => 0,
            -1 | 0 => 1,
            _ => 2,
        }
    }

    pub(super) fn feel(&mut self, change: i64) {
        self.mood = (self.mood + change).clamp(-4, 4);
    }
}
