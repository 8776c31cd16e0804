//! Who there is: households, accounts, cards, addresses, phones and devices.

use super::{
    DAY, FAMILY_ADDRESSES, KIOSK_ONE_IN, RECYCLED_PHONES, SHARED_DEVICES, SPAN, TEST_ADDRESS, Trap,
    Traps, random::Random,
};

/// Somebody.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    /// The people of the household, this one among them: the first, and how many.
    pub(super) household: (usize, usize),
    /// When the retailer first hears of the person.
    pub(super) since: i64,
    /// When the account was opened.
    pub(crate) account: Option<i64>,
    /// When the loyalty card was handed out.
    pub(crate) card: Option<i64>,
    /// E-mail addresses, the usual one first.
    pub(crate) addresses: Vec<String>,
    /// Phones, one after the other.
    pub(crate) phones: Vec<Phone>,
    /// Devices, the usual one first.
    pub(super) devices: Vec<usize>,
    /// What makes this person hard, as far as it lies in what the person has.
    pub(crate) traps: Traps,
}

/// A phone number while somebody has it.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(super) number: u64,
    pub(super) from: i64,
    pub(super) until: i64,
    /// Whether it was somebody else's before.
    pub(crate) recycled: bool,
}

/// A device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) users: Vec<usize>,
    pub(super) app: bool,
    /// When its first cookie ends.
    pub(super) phase: i64,
}

impl Person {
    /// The phone number at a time.
    pub(super) fn phone(&self, at: i64) -> Option<u64> {
        let here = self.phones.iter().find(|p| p.from <= at && at < p.until);
        here.map(|phone| phone.number)
    }
}

/// Everyone and all devices, without some of the traps.
pub(super) fn everyone(count: usize, seed: u64, without: Traps) -> (Vec<Person>, Vec<Device>) {
    let mut people: Vec<Person> = (0..count).map(|n| person(n, seed)).collect();
    let mut devices = Vec::new();
    let mut first = 0;
    let mut random = Random::of(seed, 2, 0);
    while first < count {
        let size = random.weighted(&[(30, 1), (30, 2), (20, 3), (20, 4)]);
        let size = size.min(count - first);
        household(&mut people, &mut devices, (first, size), seed, without);
        first += size;
    }
    if !without.has(Trap::RecycledPhone) {
        recycle_phones(&mut people, seed);
    }
    for person in &mut people {
        person.traps = person.traps.less(without);
    }
    (people, devices)
}

fn person(n: usize, seed: u64) -> Person {
    let mut random = Random::of(seed, 1, u64::try_from(n).unwrap());
    let since = random.between(0, SPAN * 7 / 10);
    // An account or a card comes at once or in the time after.
    let later = |random: &mut Random| {
        if random.chance(400) {
            since
        } else {
            random.between(since, since + (SPAN - since) / 3)
        }
    };
    let account = random.chance(700).then(|| later(&mut random));
    let card = random.chance(400).then(|| later(&mut random));
    let mut addresses = vec![format!("person.{n}@mail{}.example.jp", n % 7)];
    if random.chance(250) {
        addresses.push(format!("p{n}@work{}.example.com", n % 900));
    }
    let phones = random.chance(850).then(|| Phone {
        number: u64::try_from(n).unwrap(),
        from: 0,
        until: SPAN,
        recycled: false,
    });
    let mut traps = Traps::default();
    if n % KIOSK_ONE_IN == 7 {
        traps.add(Trap::Kiosk);
    }
    if random.chance(TEST_ADDRESS) {
        traps.add(Trap::TestAddress);
    }
    Person {
        household: (n, 1),
        since,
        account,
        card,
        addresses,
        phones: phones.into_iter().collect(),
        devices: Vec::new(),
        traps,
    }
}

/// Lets people live together: devices, some shared, and perhaps one address.
fn household(
    people: &mut [Person],
    devices: &mut Vec<Device>,
    (first, size): (usize, usize),
    seed: u64,
    without: Traps,
) {
    let mut random = Random::of(seed, 3, u64::try_from(first).unwrap());
    let mut shared = Vec::new();
    for (owner, person) in people.iter_mut().enumerate().skip(first).take(size) {
        person.household = (first, size);
        for _ in 0..random.weighted(&[(45, 1), (40, 2), (15, 3)]) {
            let mut users = vec![owner];
            if size > 1 && random.chance(SHARED_DEVICES) && !without.has(Trap::SharedDevice) {
                let more = random.weighted(&[(60, 1), (25, 2), (15, 3)]);
                let others = (1..size).map(|n| first + (owner - first + n) % size);
                users.extend(others.take(more));
            }
            person.devices.push(devices.len());
            if users.len() > 1 {
                shared.push(devices.len());
            }
            devices.push(Device {
                users,
                app: random.chance(500),
                phase: random.between(0, super::life::COOKIE_DAYS * DAY),
            });
        }
    }
    // A shared device comes after one's own.
    for device in shared {
        for user in devices[device].users.clone() {
            people[user].traps.add(Trap::SharedDevice);
            if !people[user].devices.contains(&device) {
                people[user].devices.push(device);
            }
        }
    }
    if size > 1 && random.chance(FAMILY_ADDRESSES) && !without.has(Trap::FamilyAddress) {
        let members = if random.chance(500) { 2 } else { 3 };
        for person in people.iter_mut().skip(first).take(size.min(members)) {
            person.addresses[0] = format!("family.{first}@mail{}.example.jp", first % 7);
            person.account = person.account.or(Some(person.since));
            person.traps.add(Trap::FamilyAddress);
        }
    }
}

/// Hands numbers on: who had one gets another, and after 90 days it is somebody else's.
fn recycle_phones(people: &mut [Person], seed: u64) {
    let count = people.len();
    for heir in 0..count {
        let mut random = Random::of(seed, 4, u64::try_from(heir).unwrap());
        let untouched =
            |n: &usize| people[*n].phones.len() == 1 && !people[*n].traps.has(Trap::RecycledPhone);
        if !untouched(&heir) || !random.chance(RECYCLED_PHONES) {
            continue;
        }
        let mut givers = std::iter::repeat_with(|| random.below(count)).take(20);
        let Some(giver) = givers.find(|n| *n != heir && untouched(n)) else {
            continue;
        };
        let from = random.between(SPAN * 3 / 10, SPAN * 8 / 10);
        let number = people[giver].phones[0].number;
        let until = from - 90 * DAY;
        people[giver].phones[0].until = until;
        people[giver].phones.push(Phone {
            number: u64::try_from(count + heir).unwrap(),
            from: until,
            until: SPAN,
            recycled: false,
        });
        // Until then the heir had no phone.
        people[heir].phones = vec![Phone {
            number,
            from,
            until: SPAN,
            recycled: true,
        }];
        for n in [giver, heir] {
            people[n].traps.add(Trap::RecycledPhone);
        }
    }
}
