//! What people do: registrations, visits, orders, calls, clicks, purchases in shops.

use customer_profile::clock::Micros;

use super::{
    DAY, Device, FILLERS, FORWARDED, Held, Person, Record, SPAN, Sent, Trap, Traps, random::Random,
};

/// How long a browser keeps a cookie.
pub(super) const COOKIE_DAYS: i64 = 240;

/// 2024-01-01T00:00:00Z in seconds.
const BEGIN: i64 = 1_704_067_200;

/// What fills a field that nobody filled in.
const FILLER_VALUES: [&str; 6] = ["null", "undefined", "NULL", "0", "guest", "なし"];

/// What people do on a day on which they have to do with the retailer.
#[derive(Clone, Copy)]
enum Visit {
    Web,
    App,
    Mail,
    Call,
    Shop,
    GuestOrder,
    Letter,
}

const VISITS: [(u64, Visit); 7] = [
    (40, Visit::Web),
    (15, Visit::App),
    (18, Visit::Mail),
    (6, Visit::Call),
    (13, Visit::Shop),
    (5, Visit::GuestOrder),
    (3, Visit::Letter),
];

/// Everything that everyone did, by time, and who was touched by which trap.
pub(super) fn records(
    people: &[Person],
    devices: &[Device],
    seed: u64,
    without: Traps,
) -> (Vec<Record>, Vec<Traps>) {
    let mut records = Vec::new();
    let mut touched: Vec<Traps> = people.iter().map(|p| p.traps).collect();
    for n in 0..people.len() {
        let mut life = Life {
            people,
            devices,
            n,
            without,
            random: Random::of(seed, 5, u64::try_from(n).unwrap()),
            records: Vec::new(),
            touched: &mut touched,
        };
        life.live();
        records.append(&mut life.records);
    }
    records.sort_by_key(|record| (record.occurred_at, record.person));
    for (n, record) in records.iter_mut().enumerate() {
        record.event_id = u64::try_from(n).unwrap();
        touched[record.person] = touched[record.person].and(record.traps);
    }
    (records, touched)
}

struct Life<'a> {
    people: &'a [Person],
    devices: &'a [Device],
    n: usize,
    without: Traps,
    random: Random,
    records: Vec<Record>,
    touched: &'a mut [Traps],
}

impl Life<'_> {
    fn person(&self) -> &Person {
        &self.people[self.n]
    }

    fn live(&mut self) {
        let since = self.person().since;
        self.sign_up();
        let visits = self
            .random
            .weighted(&[(20, 2), (30, 4), (30, 8), (15, 16), (5, 40)]);
        for _ in 0..visits {
            let at = self.random.between(since, SPAN - DAY);
            let visit = self.random.weighted(&VISITS);
            self.visit(visit, at);
        }
        let traps = self.person().traps;
        if traps.has(Trap::Kiosk) {
            for _ in 0..self.random.weighted(&[(50, 1), (30, 2), (20, 3)]) {
                let at = self.random.between(since, SPAN);
                self.kiosk(at);
            }
        }
        if traps.has(Trap::TestAddress) {
            for _ in 0..self.random.weighted(&[(70, 1), (30, 2)]) {
                let at = self.random.between(since, SPAN);
                self.test_address(at);
            }
        }
    }

    /// The account and the card, when there are any, and what is entered there later.
    fn sign_up(&mut self) {
        let (account, card) = (self.person().account, self.person().card);
        let second = self.person().addresses.get(1).cloned();
        if let Some(at) = account {
            let (address, phone) = (self.address(0), self.phone(at));
            let cookie = self.cookie(at);
            let mut with = vec![self.customer_id(), address, cookie];
            if self.random.chance(500) {
                with.extend(phone);
            }
            self.record("web", "account.opened", at, with);
            if second.is_some() && self.random.chance(600) {
                let at = self.random.between(at, SPAN);
                let with = vec![self.customer_id(), self.address(1)];
                self.record("web", "account.changed", at, with);
            }
        }
        if let Some(at) = card {
            let phone = self.phone(at);
            let mut with = vec![self.loyalty_id()];
            match self.random.weighted(&[(55, 0), (35, 1), (10, 2)]) {
                0 => with.push(self.address(0)),
                1 => with.extend(phone),
                _ => (),
            }
            self.record("shop", "card.handed_out", at, with);
        }
        if let (Some(account), Some(card)) = (account, card)
            && self.random.chance(700)
        {
            let at = self.random.between(account.max(card), SPAN);
            let with = vec![self.customer_id(), self.loyalty_id()];
            self.record("web", "card.entered", at, with);
        }
    }

    fn visit(&mut self, visit: Visit, at: i64) {
        let person = self.person();
        let card = person.card.is_some_and(|since| since <= at);
        match visit {
            Visit::App if self.app().is_some() => self.app_visit(at),
            Visit::Mail => self.click(at),
            Visit::Call if person.phone(at).is_some() => self.call(at),
            Visit::Shop if card => self.shop(at),
            Visit::GuestOrder => self.guest_order(at),
            Visit::Letter => {
                let with = vec![self.any_address()];
                self.record("support", "letter.received", at, with);
            }
            Visit::App | Visit::Call | Visit::Web => self.web_visit(at),
            // Without a card a purchase in a shop leaves no record.
            Visit::Shop => (),
        }
    }

    /// Pages are seen first; some then log in, or order without an account.
    fn web_visit(&mut self, at: i64) {
        let cookie = self.cookie(at);
        for page in 0..self.random.weighted(&[(70, 0), (21, 1), (9, 2)]) {
            self.anonymous("web", "page.seen", at + page, vec![cookie.clone()]);
        }
        let at = at + 600;
        let account = self.has_account(at);
        if self.random.chance(FILLERS) {
            let filler = filler(&mut self.random, "customer_id");
            let with = vec![filler, cookie.clone()];
            self.record("web", "script.failed", at, with);
        }
        if account && self.random.chance(650) {
            let mut with = vec![self.customer_id(), cookie];
            if self.random.chance(300) {
                with.push(self.any_address());
            }
            self.record("web", "order.placed", at, with);
        } else if !account && self.random.chance(150) {
            self.guest_order_with(at, Some(cookie));
        }
    }

    /// A device that has the app.
    fn app(&self) -> Option<usize> {
        let mut devices = self.person().devices.iter().copied();
        devices.find(|d| self.devices[*d].app)
    }

    fn app_visit(&mut self, at: i64) {
        let Some(device) = self.app() else { return };
        let account = self.has_account(at);
        let mut with = vec![sent("device_id", format!("device-{device}"))];
        if self.random.chance(500) {
            with.push(self.cookie_of(device, at));
        }
        if self.random.chance(if account { 150 } else { 500 }) {
            self.anonymous("app", "app.opened", at, with.clone());
        }
        if account {
            with.push(self.customer_id());
            self.record("app", "app.used", at + 60, with);
        }
    }

    /// A click in a newsletter: by whom it was sent to, or by somebody it was forwarded to.
    fn click(&mut self, at: i64) {
        let mut with = vec![self.any_address()];
        if !self.random.chance(FORWARDED) || self.without.has(Trap::Forwarded) {
            if self.random.chance(750) {
                with.push(self.cookie(at));
            }
            self.record("mail", "mail.clicked", at, with);
            return;
        }
        let (first, size) = self.person().household;
        let other = if size > 1 && self.random.chance(500) {
            first + (self.n - first + 1 + self.random.below(size - 1)) % size
        } else {
            self.random.below(self.people.len())
        };
        // Who has the same address got the mail, and not from somebody else.
        if other == self.n || self.people[other].addresses[0] == self.person().addresses[0] {
            return;
        }
        with[0].held = Held::Anothers;
        with.push(self.cookie_of(self.people[other].devices[0], at));
        let sender = self.n;
        self.touched[sender].add(Trap::Forwarded);
        self.n = other;
        let traps = Traps::default().with(Trap::Forwarded);
        self.push("mail", "mail.clicked.forwarded", at, with, traps);
        self.n = sender;
    }

    fn call(&mut self, at: i64) {
        let mut with: Vec<Sent> = self.phone(at).into_iter().collect();
        if self.has_account(at) && self.random.chance(450) {
            with.push(self.customer_id());
        } else if self.random.chance(FILLERS) {
            let filler = filler(&mut self.random, "customer_id");
            with.push(filler);
        }
        self.record("support", "call.received", at, with);
    }

    fn shop(&mut self, at: i64) {
        let mut with = vec![self.loyalty_id()];
        if self.random.chance(100) {
            with.extend(self.phone(at));
        }
        self.record("shop", "purchase", at, with);
    }

    fn guest_order(&mut self, at: i64) {
        let cookie = self.random.chance(700).then(|| self.cookie(at));
        self.guest_order_with(at, cookie);
    }

    fn guest_order_with(&mut self, at: i64, cookie: Option<Sent>) {
        let mut with = vec![self.any_address()];
        if self.random.chance(600) {
            with.extend(self.phone(at));
        } else if self.random.chance(FILLERS) {
            let filler = filler(&mut self.random, "phone");
            with.push(filler);
        }
        with.extend(cookie);
        self.record("web", "order.placed.guest", at, with);
    }

    fn kiosk(&mut self, at: i64) {
        let kiosk = Sent {
            namespace: "device_id",
            value: "kiosk-1".into(),
            held: Held::Kiosk,
        };
        let mut with = vec![kiosk];
        let card = self.person().card.is_some_and(|since| since <= at);
        if self.has_account(at) && self.random.chance(500) {
            with.push(self.customer_id());
        } else if card && self.random.chance(600) {
            with.push(self.loyalty_id());
        }
        let traps = Traps::default().with(Trap::Kiosk);
        self.push("shop", "kiosk.used", at, with, traps);
    }

    fn test_address(&mut self, at: i64) {
        let mut with = vec![Sent {
            namespace: "email",
            value: if self.random.chance(300) {
                "Test@Test.com"
            } else {
                "test@test.com"
            }
            .into(),
            held: Held::Filler,
        }];
        if self.random.chance(700) {
            with.push(self.cookie(at));
        }
        let traps = Traps::default().with(Trap::TestAddress);
        self.push("web", "form.sent", at, with, traps);
    }

    fn has_account(&self, at: i64) -> bool {
        self.person().account.is_some_and(|since| since <= at)
    }

    fn customer_id(&self) -> Sent {
        sent("customer_id", format!("C{:07}", self.n))
    }

    fn loyalty_id(&self) -> Sent {
        sent("loyalty_id", format!("L{:09}", self.n))
    }

    fn address(&mut self, which: usize) -> Sent {
        let address = self.person().addresses[which].clone();
        let typed = match self.random.weighted(&[(88, 0), (8, 1), (2, 2), (2, 3)]) {
            0 => address,
            1 => address.replacen('p', "P", 1),
            2 => address.to_uppercase(),
            _ => address.replace('@', "＠"),
        };
        sent("email", typed)
    }

    /// The usual address, mostly.
    fn any_address(&mut self) -> Sent {
        let second = self.person().addresses.len() > 1 && self.random.chance(300);
        self.address(usize::from(second))
    }

    fn phone(&mut self, at: i64) -> Option<Sent> {
        let number = self.person().phone(at)?;
        // Different numbers stay different: 3 * 90,000,000 mobile numbers.
        let prefix = ["090", "080", "070"][usize::try_from(number % 3).unwrap()];
        let rest = 10_000_000 + (number / 3 * 7_919) % 90_000_000;
        let (high, low) = (rest / 10_000, rest % 10_000);
        let typed = match self.random.weighted(&[(60, 0), (25, 1), (15, 2)]) {
            0 => format!("{prefix}-{high:04}-{low:04}"),
            1 => format!("{prefix}{high:04}{low:04}"),
            _ => format!("+81 {} {high:04} {low:04}", &prefix[1..]),
        };
        Some(sent("phone", typed))
    }

    /// The cookie of the device at hand.
    fn cookie(&mut self, at: i64) -> Sent {
        let devices = &self.people[self.n].devices;
        let which = if self.random.chance(600) {
            0
        } else {
            self.random.below(devices.len())
        };
        self.cookie_of(devices[which], at)
    }

    fn cookie_of(&self, device: usize, at: i64) -> Sent {
        let period = (at + self.devices[device].phase) / (COOKIE_DAYS * DAY);
        sent("cookie", format!("{device:x}.{period}"))
    }

    fn anonymous(&mut self, source: &'static str, kind: &'static str, at: i64, with: Vec<Sent>) {
        let traps = Traps::default().with(Trap::Anonymous);
        self.push(source, kind, at, with, traps);
    }

    fn record(&mut self, source: &'static str, kind: &'static str, at: i64, with: Vec<Sent>) {
        self.push(source, kind, at, with, Traps::default());
    }

    fn push(
        &mut self,
        source: &'static str,
        kind: &'static str,
        at: i64,
        mut identifiers: Vec<Sent>,
        mut traps: Traps,
    ) {
        if traps == Traps::default() && self.without.has(Trap::Filler) {
            identifiers.retain(|i| i.held != Held::Filler);
        }
        if traps == Traps::default() && identifiers.iter().any(|i| i.held == Held::Filler) {
            traps.add(Trap::Filler);
        }
        self.records.push(Record {
            source,
            event_id: 0,
            occurred_at: Micros((BEGIN + at) * Micros::SECOND),
            identifiers,
            kind,
            person: self.n,
            traps,
        });
    }
}

fn sent(namespace: &'static str, value: String) -> Sent {
    Sent {
        namespace,
        value,
        held: Held::Own,
    }
}

fn filler(random: &mut Random, namespace: &'static str) -> Sent {
    Sent {
        namespace,
        value: FILLER_VALUES[random.below(FILLER_VALUES.len())].into(),
        held: Held::Filler,
    }
}
