//! People and what they do with a retailer for two years, the same for the same seed.
//!
//! What must stay true: nothing here knows a rule of resolution. The rates below are stated, fixed and printed beside
//! what came of them; none is chosen by a figure that the benchmark prints.
//!
//! | what | how often |
//! |---|---|
//! | people with an account (`customer_id`) | 70 %, and all who share a family address |
//! | people with a loyalty card (`loyalty_id`) | 40 %; 70 % of those with both enter the card in the account |
//! | people with a second address | 25 %; 60 % of those with an account enter it there |
//! | people with a phone | 85 % |
//! | devices of a person | 1 (45 %), 2 (40 %), 3 (15 %); half have the app |
//! | cookies | one a device for 240 days, then the next |
//! | households | 1 (30 %), 2 (30 %), 3 (20 %), 4 (20 %) people |
//! | **shared devices** | 15 % of devices, by 2 to 4 people of a household |
//! | **recycled phones** | 2 % of phones were another's until 90 days before |
//! | **family address** | 5 % of people: 2 or 3 of a household have one address, each an account |
//! | **forwarded mail** | 3 % of clicks in mail are by another person, half of them of the household |
//! | **a kiosk** | 2 % of people (2,000 of 100,000) use the shops' kiosk, one to three times |
//! | **test@test.com** | 1 % of people typed it into a form, once or twice; 30 % of these left nothing else |
//! | **fillers** | 1 % of visits send `null`, `undefined` and the like for a `customer_id` or a phone |
//! | **anonymous records** | 20 % of records: pages seen before a login, or without one |
//!
//! Not in it: second accounts and second cards of one person, which unique namespaces keep apart by definition, and
//! mistyped addresses.

mod life;
mod people;
mod random;
mod rates;

use customer_profile::clock::Micros;

pub(crate) use people::{Device, Person};
pub(crate) use rates::print_rates;

/// Of a thousand devices of people who live with others, so many are shared: 15 % of all devices.
const SHARED_DEVICES: u64 = 174;
/// Of a thousand phones.
const RECYCLED_PHONES: u64 = 20;
/// Of a thousand households of several: 5 % of all people.
const FAMILY_ADDRESSES: u64 = 74;
/// Of a thousand clicks in mail.
const FORWARDED: u64 = 30;
/// One in so many people uses the kiosk.
const KIOSK_ONE_IN: usize = 50;
/// Of a thousand people.
const TEST_ADDRESS: u64 = 10;
/// Of a thousand visits.
const FILLERS: u64 = 10;

/// Seconds of two years, and of a day.
const SPAN: i64 = 730 * DAY;
const DAY: i64 = 86_400;

/// What makes a person or a record hard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trap {
    SharedDevice,
    RecycledPhone,
    FamilyAddress,
    Forwarded,
    Kiosk,
    TestAddress,
    Filler,
    Anonymous,
}

impl Trap {
    pub(crate) const ALL: [Self; 8] = [
        Self::SharedDevice,
        Self::RecycledPhone,
        Self::FamilyAddress,
        Self::Forwarded,
        Self::Kiosk,
        Self::TestAddress,
        Self::Filler,
        Self::Anonymous,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SharedDevice => "shared_device",
            Self::RecycledPhone => "recycled_phone",
            Self::FamilyAddress => "family_address",
            Self::Forwarded => "forwarded_mail",
            Self::Kiosk => "kiosk",
            Self::TestAddress => "test_address",
            Self::Filler => "filler",
            Self::Anonymous => "anonymous",
        }
    }
}

/// Some traps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Traps(u16);

impl Traps {
    pub(crate) fn add(&mut self, trap: Trap) {
        self.0 |= 1 << (trap as u16);
    }

    pub(crate) fn with(mut self, trap: Trap) -> Self {
        self.add(trap);
        self
    }

    pub(crate) fn has(self, trap: Trap) -> bool {
        self.0 & (1 << (trap as u16)) != 0
    }

    pub(crate) fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    pub(crate) fn less(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    pub(crate) fn names(self) -> Vec<&'static str> {
        let here = Trap::ALL.into_iter().filter(|trap| self.has(*trap));
        here.map(Trap::name).collect()
    }
}

/// Whose an identifier in a record is, in truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// Of the person who acted, at that time; perhaps of others as well.
    Own,
    /// Another person's.
    Anothers,
    /// The kiosk's.
    Kiosk,
    /// Nobody's: what a form was filled in with.
    Filler,
}

/// An identifier as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) namespace: &'static str,
    pub(crate) value: String,
    pub(crate) held: Held,
}

/// One interaction, as it is sent, and the truth about it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) source: &'static str,
    pub(crate) event_id: u64,
    pub(crate) occurred_at: Micros,
    pub(crate) identifiers: Vec<Sent>,
    /// What was done.
    pub(crate) kind: &'static str,
    /// Who did it.
    pub(crate) person: usize,
    /// The traps in this record.
    pub(crate) traps: Traps,
}

/// Everyone, and everything they did, in the order in which it arrived.
#[derive(Debug)]
pub(crate) struct Population {
    pub(crate) people: Vec<Person>,
    pub(crate) devices: Vec<Device>,
    pub(crate) records: Vec<Record>,
    /// The traps that each person is touched by, by their own records or by others'.
    pub(crate) touched: Vec<Traps>,
}

impl Population {
    /// So many people, without some of the traps; all else stays as likely.
    pub(crate) fn of(count: usize, seed: u64, without: Traps) -> Self {
        let (people, devices) = people::everyone(count, seed, without);
        let (records, touched) = life::records(&people, &devices, seed, without);
        Self {
            people,
            devices,
            records,
            touched,
        }
    }
}
