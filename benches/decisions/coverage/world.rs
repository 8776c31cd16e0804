//! A world whose truth is known, and the policy that logs in it.
//!
//! Customers come back, in one of six cells of context, and take one of four actions with a rate of their own: that of (cell,
//! action) and a personal leaning that makes rows of one customer alike. The logging policy is the service's: one mean and
//! variance per (action, channel), 256 joint draws, win shares, and a floor of eps = 0.02; it learns every night from the day.

use customer_profile::{
    calendar::Day,
    next_best_action::{
        evaluation::log::{Entry, Log, Logbook, Logged},
        model::ActionKey,
    },
};

pub(crate) const CELLS: usize = 6;
pub(crate) const ACTIONS: usize = 4;
const CHANNELS: usize = 3;
const DRAWS: usize = 256;
const DAYS: usize = 10;
const EPSILON: f64 = 0.02;

/// How often customers come in each cell.
const COMING: [f64; CELLS] = [0.25, 0.2, 0.2, 0.15, 0.1, 0.1];
/// What customers do on average, by cell and action.
const RATES: [[f64; ACTIONS]; CELLS] = [
    [0.40, 0.36, 0.33, 0.30],
    [0.34, 0.40, 0.31, 0.33],
    [0.30, 0.35, 0.40, 0.36],
    [0.38, 0.30, 0.36, 0.32],
    [0.30, 0.36, 0.33, 0.40],
    [0.34, 0.30, 0.40, 0.36],
];
/// How far a customer leans to yes or no.
const LEANING: [f64; 3] = [-0.12, 0.0, 0.12];

/// Probabilities by cell and action.
pub(crate) type Shares = [[f64; ACTIONS]; CELLS];

/// Numbers of a seed (splitmix64).
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed);
        Self(random.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to 1, without 1.
    fn unit(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).unwrap_or_default();
        f64::from(bits) / 4_294_967_296.0
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(1);
        usize::try_from(self.next() % bound).unwrap_or_default()
    }

    fn pick(&mut self, shares: &[f64]) -> usize {
        let mut left = self.unit();
        for (at, share) in shares.iter().enumerate() {
            left -= share;
            if left < 0.0 {
                return at;
            }
        }
        shares.iter().rposition(|share| *share > 0.0).unwrap_or(0)
    }

    /// About normal: twelve uniform numbers less their mean.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// Yes and all, with a prior of 50 at the mean of everything.
#[derive(Clone, Copy)]
struct Counts {
    yes: f64,
    all: f64,
}

impl Counts {
    const PRIOR: Self = Self {
        yes: 50.0 * 0.35,
        all: 50.0,
    };

    fn mean(self) -> f64 {
        self.yes / self.all
    }

    fn deviation(self) -> f64 {
        let mean = self.mean();
        (mean * (1.0 - mean) / (self.all + 1.0)).sqrt()
    }
}

/// What a run is about: a log, and a policy whose value is known.
pub(crate) struct Run {
    pub(crate) log: Log,
    /// The logging policy of the first day, by cell.
    pub(crate) first: Shares,
    /// Means by cell and action, learned before the log began.
    pub(crate) means: [[f64; ACTIONS]; CELLS],
}

/// The action of a number.
fn key(action: usize) -> ActionKey {
    ActionKey {
        id: u64::try_from(action).unwrap_or_default() + 1,
        version: 1,
    }
}

/// The value of a policy: exact, as leanings cancel out.
pub(crate) fn value(policy: &Shares) -> f64 {
    let cells = COMING.iter().zip(&RATES).zip(policy);
    cells
        .map(|((coming, rates), shares)| {
            let shares = rates.iter().zip(shares);
            coming * shares.map(|(rate, share)| rate * share).sum::<f64>()
        })
        .sum()
}

/// One history of `rows` rows.
pub(crate) fn run(seed: u64, rows: usize) -> Run {
    let mut random = Random::new(seed);
    let means = learned(&mut random);
    let normals = normals();
    let mut counts = warm(&mut random);
    let people = (rows * 2 / 5).max(1);
    let person = |at: usize| {
        let mut own = Random::new(seed ^ (u64::try_from(at).unwrap_or_default() << 20) ^ 0x5eed);
        (own.pick(&COMING), LEANING[own.below(LEANING.len())])
    };
    let people: Vec<(usize, f64)> = (0..people).map(person).collect();
    let keys: [ActionKey; ACTIONS] = std::array::from_fn(key);
    let mut book = Logbook::default();
    let first = std::array::from_fn(|cell| propensities(&counts[cell / 2], &normals));
    for day in 0..DAYS {
        let shares: Shares = std::array::from_fn(|cell| propensities(&counts[cell / 2], &normals));
        for at in day * rows / DAYS..(day + 1) * rows / DAYS {
            let who = random.below(people.len());
            let (home, leaning) = people[who];
            let cell = if random.unit() < 0.6 {
                home
            } else {
                random.pick(&COMING)
            };
            let chosen = random.pick(&shares[cell]);
            let yes = random.unit() < RATES[cell][chosen] + leaning;
            let of = &mut counts[cell / 2][chosen];
            // Of tonight's counts nothing is used before tomorrow: the shares above are the morning's.
            of.all += 1.0;
            of.yes += f64::from(u8::from(yes));
            let number = |at: usize| u128::try_from(at).unwrap_or_default();
            let entry = Entry {
                decision: number(at),
                slot: 0,
                day: Day(i32::try_from(day).unwrap_or_default()),
                profile: number(who),
                cell: u64::try_from(cell).unwrap_or_default(),
                actions: &keys,
                logged: Logged::All(&shares[cell]),
                chosen,
                reward: f64::from(u8::from(yes)),
            };
            let taken = book.add(&entry);
            assert_eq!(taken, Ok(()), "the world logs sound rows");
        }
    }
    Run {
        log: book.close(),
        first,
        means,
    }
}

/// Means of an earlier time, 300 customers a pair of cell and action.
fn learned(random: &mut Random) -> [[f64; ACTIONS]; CELLS] {
    RATES.map(|rates| rates.map(|rate| observed(random, rate, 300.0).mean()))
}

/// What the logging policy knows in the beginning, by channel: 40 customers a pair.
fn warm(random: &mut Random) -> [[Counts; ACTIONS]; CHANNELS] {
    std::array::from_fn(|channel| {
        std::array::from_fn(|action| {
            let rates = (RATES[2 * channel][action], RATES[2 * channel + 1][action]);
            observed(random, f64::midpoint(rates.0, rates.1), 40.0)
        })
    })
}

fn observed(random: &mut Random, rate: f64, n: f64) -> Counts {
    let deviation = (n * rate * (1.0 - rate)).sqrt();
    let yes = (n * rate + deviation * random.normal())
        .round()
        .clamp(0.0, n);
    Counts {
        yes: yes + Counts::PRIOR.yes,
        all: n + Counts::PRIOR.all,
    }
}

/// 256 times standard normal numbers of all actions, the same in every run, as a model snapshot holds them.
fn normals() -> [[f64; ACTIONS]; DRAWS] {
    let mut random = Random::new(256);
    std::array::from_fn(|_| std::array::from_fn(|_| random.normal()))
}

/// `(1 - eps)` times the win shares of 256 joint draws, and `eps / K`.
fn propensities(counts: &[Counts; ACTIONS], normals: &[[f64; ACTIONS]; DRAWS]) -> [f64; ACTIONS] {
    let known = counts.map(|of| (of.mean(), of.deviation()));
    let mut wins = [0_u32; ACTIONS];
    for draw in normals {
        let mut best = (f64::NEG_INFINITY, 0);
        for (action, ((mean, deviation), normal)) in known.iter().zip(draw).enumerate() {
            let drawn = mean + deviation * normal;
            if drawn > best.0 {
                best = (drawn, action);
            }
        }
        wins[best.1] += 1;
    }
    let floor = EPSILON / 4.0;
    wins.map(|wins| (1.0 - EPSILON) * f64::from(wins) / 256.0 + floor)
}
