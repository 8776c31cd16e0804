//! Persons and their households: who they are, what identifies them, how they write.

use super::{
    catalogue::{CATALOGUE, Locale, Name, Place},
    contacts::{self, Phone},
    random::Random,
    truth::{Identifier, Standing, Truth},
};

const HOUSEHOLD: u64 = 20;
const PERSON: u64 = 21;

/// A person.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) number: u64,
    household: u64,
    pub(super) locale: Locale,
    pub(super) family: &'static Name,
    pub(super) given: &'static Name,
    pub(super) place: &'static Place,
    /// Where the store still thinks that they live.
    pub(super) former_place: Option<&'static Place>,
    pub(super) birth_date: String,
    /// Numbers in the customer register. Two when the register made two customers of one person.
    pub(super) customer_ids: Vec<String>,
    pub(super) emails: Vec<String>,
    pub(super) phones: Vec<Phone>,
    pub(super) loyalty: Option<String>,
    pub(super) cookies: Vec<String>,
    pub(super) devices: Vec<String>,
    pub(super) handle: Option<String>,
    /// A device of the household.
    pub(super) tablet: Option<String>,
    /// The phone of another one of the household, which they give too.
    pub(super) family_phone: Option<Phone>,
    pub(super) email_slip: Option<String>,
    pub(super) phone_slip: Option<Phone>,
    pub(super) emoji: bool,
    pub(super) half_width: bool,
    pub(super) subscriber: bool,
    /// How easily they lose patience, 0 to 2.
    pub(super) temper: u64,
    /// Numbers of those they share something with.
    shares_tablet: Vec<u64>,
    shares_phone: Vec<u64>,
}

/// The people of a block, one household after the other.
pub(super) fn people(seed: u64, block: u64, first: u64, count: u64) -> Vec<Person> {
    let mut people: Vec<Person> = Vec::new();
    let mut random = Random::of(seed, HOUSEHOLD, block);
    let mut next = first;
    while next < first + count {
        let size = random
            .weighted(&[(45, 1), (25, 2), (15, 3), (12, 4), (3, 5)])
            .unwrap_or(1)
            .min(first + count - next);
        let locale = random
            .weighted(&[
                (60, Locale::Japan),
                (22, Locale::States),
                (18, Locale::Britain),
            ])
            .unwrap_or(Locale::Japan);
        let family = random.pick(CATALOGUE.families(locale));
        let place = random.pick(CATALOGUE.places(locale));
        let members: Vec<u64> = (next..next + size).collect();
        let tablet = size > 1 && random.chance(350);
        let phone = size > 1 && random.chance(250);
        for number in &members {
            let mut person = Person::make(seed, *number, next, locale, family, place);
            if tablet {
                person.tablet = Some(contacts::tablet(seed, next));
                person.shares_tablet.clone_from(&members);
            }
            if phone {
                person.shares_phone.clone_from(&members);
                if *number != next {
                    person.family_phone = Some(Phone::of(seed, next, 0, locale));
                }
            }
            people.push(person);
        }
        next += size;
    }
    people
}

impl Person {
    fn make(
        seed: u64,
        number: u64,
        household: u64,
        locale: Locale,
        family: &'static Name,
        place: &'static Place,
    ) -> Self {
        let mut random = Random::of(seed, PERSON, number);
        let given = random.pick(CATALOGUE.givens(locale));
        let ids = 1 + u64::from(random.chance(60));
        let addresses = 1 + u64::from(random.chance(220));
        let phones = 1 + u64::from(random.chance(80));
        let cookies = 1 + random.below(3);
        let devices = random.below(3);
        let emails: Vec<String> = (0..addresses)
            .map(|slot| contacts::email(seed, number, slot, locale, (family, given)))
            .collect();
        let phones: Vec<Phone> = (0..phones)
            .map(|slot| Phone::of(seed, number, slot, locale))
            .collect();
        let email_slip = if random.chance(40) {
            contacts::slip_of_email(&mut random, &emails[0])
        } else {
            None
        };
        let phone_slip = random.chance(30).then(|| phones[0].slipped(&mut random));
        Self {
            number,
            household,
            locale,
            family,
            given,
            place,
            former_place: random
                .chance(120)
                .then(|| random.pick(CATALOGUE.places(locale))),
            birth_date: format!(
                "{}-{:02}-{:02}",
                random.between(1948, 2006),
                random.between(1, 12),
                random.between(1, 28)
            ),
            customer_ids: (0..ids)
                .map(|slot| contacts::customer_id(seed, number, slot))
                .collect(),
            loyalty: random
                .chance(550)
                .then(|| contacts::loyalty_id(seed, number)),
            cookies: (0..cookies)
                .map(|slot| contacts::cookie(seed, number, slot))
                .collect(),
            devices: (0..devices)
                .map(|slot| contacts::device(seed, number, slot))
                .collect(),
            handle: random
                .chance(250)
                .then(|| contacts::handle(seed, number, given)),
            tablet: None,
            family_phone: None,
            email_slip,
            phone_slip,
            emoji: random.chance(120),
            half_width: locale == Locale::Japan && random.chance(40),
            subscriber: random.chance(200),
            temper: random.below(3),
            emails,
            phones,
            shares_tablet: Vec::new(),
            shares_phone: Vec::new(),
        }
    }

    /// As it is written where they live.
    pub(super) fn name(&self) -> String {
        let (family, given) = (self.family.written, self.given.written);
        match self.locale {
            Locale::Japan => format!("{family} {given}"),
            Locale::States | Locale::Britain => format!("{given} {family}"),
        }
    }

    /// As they are addressed.
    pub(super) fn addressed(&self) -> &'static str {
        match self.locale {
            Locale::Japan => self.family.written,
            Locale::States | Locale::Britain => self.given.written,
        }
    }

    /// In kana; Japanese names alone have one.
    pub(super) fn kana(&self) -> Option<String> {
        let (family, given) = (self.family.kana, self.given.kana);
        (self.locale == Locale::Japan).then(|| format!("{family} {given}"))
    }

    /// Who they truly are.
    pub(super) fn truth(&self, interactions: u64) -> Truth {
        let mut identifiers = Vec::new();
        let mut add = |namespace, value: &str, standing, with: &[u64]| {
            let others = with.iter().filter(|number| **number != self.number);
            identifiers.push(Identifier {
                namespace,
                value: value.to_owned(),
                standing,
                with: others.copied().collect(),
            });
        };
        for id in &self.customer_ids {
            add("customer_id", id, Standing::Own, &[]);
        }
        if let Some(id) = &self.loyalty {
            add("loyalty_id", id, Standing::Own, &[]);
        }
        for email in &self.emails {
            add("email", email, Standing::Own, &[]);
        }
        for (slot, phone) in self.phones.iter().enumerate() {
            let lent = slot == 0 && self.family_phone.is_none() && !self.shares_phone.is_empty();
            let (standing, with) = if lent {
                (Standing::Shared, self.shares_phone.as_slice())
            } else {
                (Standing::Own, [].as_slice())
            };
            add("phone", &phone.e164(), standing, with);
        }
        if let Some(phone) = &self.family_phone {
            add("phone", &phone.e164(), Standing::Shared, &self.shares_phone);
        }
        if let Some(handle) = &self.handle {
            add("social_handle", handle, Standing::Own, &[]);
        }
        for device in &self.devices {
            add("device_id", device, Standing::Own, &[]);
        }
        if let Some(tablet) = &self.tablet {
            add("device_id", tablet, Standing::Shared, &self.shares_tablet);
        }
        for cookie in &self.cookies {
            add("cookie", cookie, Standing::Own, &[]);
        }
        if let Some(email) = &self.email_slip {
            add("email", email, Standing::Slip, &[]);
        }
        if let Some(phone) = &self.phone_slip {
            add("phone", &phone.e164(), Standing::Slip, &[]);
        }
        Truth {
            person: self.number,
            household: self.household,
            name: self.name(),
            name_kana: self.kana(),
            locale: self.locale.tag(),
            customer_ids: self.customer_ids.clone(),
            identifiers,
            interactions,
        }
    }
}
