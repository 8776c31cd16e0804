//! The feed beside a made-up database that many write to at once: nothing is left out, and of one profile a version that is new
//! comes after all before it, whoever breaks off and goes on. Who does not break off is told each once. Two feeds that are made wrong on purpose are caught by the same checks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    prelude::*,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use uuid::Uuid;

use super::{
    order::{Ahead, Told, arrange, strayed},
    place::Place,
};
use crate::{
    clock::Micros,
    ids::ProfileId,
    storage::{feed::Row, outbox::Kind},
};

fn profile(n: u8) -> ProfileId {
    ProfileId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

/// What is wrong with a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Nothing,
    /// It goes to the largest position that it sees.
    LargestSeen,
    /// It tells changes in the order of their positions.
    PositionsAlone,
}

/// A transaction: it may have its id before it has its locks.
struct Running {
    id: Option<i64>,
    profiles: BTreeSet<u8>,
    locked: bool,
}

#[derive(Default)]
struct Database {
    next: i64,
    running: Vec<Running>,
    outbox: Vec<Row>,
}

impl Database {
    fn oldest(&self) -> i64 {
        let ids = self.running.iter().filter_map(|one| one.id);
        ids.min().unwrap_or(self.next)
    }

    fn version(&self, of: ProfileId) -> i64 {
        let rows = self.outbox.iter().filter(|row| row.profile == of);
        rows.map(|row| row.version).max().unwrap_or(0)
    }

    fn draw(&mut self) -> i64 {
        self.next += 1;
        self.next - 1
    }

    fn begin(&mut self, profiles: BTreeSet<u8>, early: bool) {
        let id = early.then(|| self.draw());
        self.running.push(Running {
            id,
            profiles,
            locked: false,
        });
    }

    /// Takes the locks of a transaction if they are free, and then draws its id; commits one that has them.
    fn step(&mut self, which: usize) {
        if self.running.is_empty() {
            return;
        }
        let which = which % self.running.len();
        if self.running[which].locked {
            let done = self.running.remove(which);
            self.commit(&done);
            return;
        }
        let wanted = &self.running[which].profiles;
        let others = self.running.iter().filter(|one| one.locked);
        if others
            .clone()
            .all(|other| other.profiles.is_disjoint(wanted))
        {
            let id = self.running[which].id;
            let id = id.unwrap_or_else(|| self.draw());
            self.running[which].id = Some(id);
            self.running[which].locked = true;
        }
    }

    fn commit(&mut self, done: &Running) {
        let touched = done.profiles.iter().map(|n| self.version(profile(*n)));
        let version = 1 + touched.max().unwrap_or(0);
        for n in &done.profiles {
            let of = profile(*n);
            let before = self.version(of);
            let before = self
                .outbox
                .iter()
                .find(|row| row.profile == of && row.version == before);
            self.outbox.push(Row {
                profile: of,
                version,
                position: done.id.unwrap(),
                kind: Kind::Updated,
                written_at: Micros(0),
                merged_into: None,
                before: before.map(|row| row.position),
                felt: false,
                joined: Vec::new(),
                parted: Vec::new(),
            });
        }
    }

    fn page(&self, place: Place, horizon: i64, limit: usize) -> Vec<Row> {
        let key = |row: &Row| Place {
            position: row.position,
            profile: row.profile,
            version: row.version,
        };
        let rows = self.outbox.iter().cloned();
        let mut rows: Vec<Row> = rows
            .filter(|row| key(row) > place && row.position < horizon)
            .collect();
        rows.sort_by_key(key);
        rows.truncate(limit);
        rows
    }

    fn before(&self, row: &Row) -> Vec<Row> {
        let rows = self.outbox.iter().cloned();
        let mut rows: Vec<Row> = rows
            .filter(|one| one.profile == row.profile && one.version < row.version)
            .collect();
        rows.sort_by_key(|one| std::cmp::Reverse(one.version));
        rows
    }
}

/// Who watches: what it knows of each profile, and whether it has broken off.
struct Watcher {
    place: Place,
    ahead: Ahead,
    resume: Place,
    known: BTreeMap<ProfileId, i64>,
    has_resumed: bool,
}

impl Watcher {
    fn new() -> Self {
        Self {
            place: Place::from(0),
            ahead: Ahead::default(),
            resume: Place::from(0),
            known: BTreeMap::new(),
            has_resumed: false,
        }
    }

    /// Reads a page; answers whether it was full.
    fn read(
        &mut self,
        database: &Database,
        (horizon, limit): (i64, usize),
        taken: usize,
        wrong: Wrong,
    ) -> Result<bool, TestCaseError> {
        let horizon = match wrong {
            Wrong::LargestSeen => {
                let seen = database.outbox.iter().map(|row| row.position);
                seen.max().map_or(0, |largest| largest + 1)
            }
            _ => horizon,
        };
        if horizon < self.place.position {
            return Ok(false);
        }
        let rows = database.page(self.place, horizon, limit);
        let earlier = rows.iter().filter(|row| strayed(row));
        let earlier: BTreeMap<_, _> = earlier
            .filter(|_| wrong != Wrong::PositionsAlone)
            .map(|row| ((row.profile, row.version), database.before(row)))
            .collect();
        let told = arrange(&rows, &earlier, &mut self.place, &mut self.ahead);
        for one in told.into_iter().take(taken) {
            self.told(database, one)?;
        }
        let full = rows.len() == limit;
        if !full {
            self.place = self.place.max(Place::from(horizon));
        }
        Ok(full)
    }

    fn told(&mut self, database: &Database, told: Told) -> Result<(), TestCaseError> {
        let row = told.row;
        let known = self.known.entry(row.profile).or_insert(0);
        let is_new = row.version > *known;
        prop_assert!(
            is_new || self.has_resumed,
            "{known} and then {}",
            row.version
        );
        if is_new {
            let mut between = database.outbox.iter().filter(|one| {
                one.profile == row.profile && one.version > *known && one.version < row.version
            });
            prop_assert!(between.next().is_none(), "a version is left out");
            *known = row.version;
        }
        self.resume = told.resume;
        Ok(())
    }

    /// Breaks off, and goes on after the last that was taken.
    fn resume(&mut self) {
        self.place = self.resume;
        self.ahead = Ahead::default();
        self.has_resumed = true;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Begin(BTreeSet<u8>, bool),
    Go(usize),
    /// The tail looks.
    Look,
    /// A page of so many is read.
    Read(usize),
    /// A page is read, of which so many are taken before it breaks off.
    Break(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (prop::collection::btree_set(0..5_u8, 1..3), prop::bool::weighted(0.3))
            .prop_map(|(profiles, early)| Step::Begin(profiles, early)),
        9 => any::<usize>().prop_map(Step::Go),
        3 => Just(Step::Look),
        3 => (1..5_usize).prop_map(Step::Read),
        1 => (1..5_usize, 0..4_usize).prop_map(|(limit, taken)| Step::Break(limit, taken)),
    ];
    prop::collection::vec(step, 1..160)
}

fn run(steps: Vec<Step>, wrong: Wrong) -> Result<(), TestCaseError> {
    let mut database = Database {
        next: 10,
        ..Database::default()
    };
    let mut watcher = Watcher::new();
    let mut horizon = 0;
    for step in steps {
        match step {
            Step::Begin(profiles, early) => database.begin(profiles, early),
            Step::Go(which) => database.step(which),
            Step::Look => horizon = database.oldest(),
            Step::Read(limit) => {
                watcher.read(&database, (horizon, limit), usize::MAX, wrong)?;
            }
            Step::Break(limit, taken) => {
                watcher.read(&database, (horizon, limit), taken, wrong)?;
                watcher.resume();
            }
        }
    }
    while !database.running.is_empty() {
        for which in 0..database.running.len() {
            database.step(which);
        }
    }
    let end = (database.oldest(), 3);
    while watcher.read(&database, end, usize::MAX, wrong)? {}
    for n in 0..5 {
        let of = profile(n);
        let known = watcher.known.get(&of).copied().unwrap_or(0);
        prop_assert_eq!(known, database.version(of), "of profile {}", n);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_left_out_and_versions_come_in_their_order(steps in steps()) {
        run(steps, Wrong::Nothing)?;
    }
}

#[test]
fn feeds_that_are_made_wrong_are_caught() {
    for wrong in [Wrong::LargestSeen, Wrong::PositionsAlone] {
        let config = ProptestConfig {
            failure_persistence: None,
            cases: 2_000,
            ..ProptestConfig::default()
        };
        let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let mut runner = TestRunner::new_with_rng(config, random);
        let found = runner.run(&steps(), |steps| run(steps, wrong));
        assert!(found.is_err(), "{wrong:?} is not caught");
    }
}
