//! What is remembered, beside a made-up database that many write to at once.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn tenant(n: u8) -> TenantId {
    TenantId::parse(if n.is_multiple_of(2) { "even" } else { "odd" }).unwrap()
}

fn profile(n: u8) -> ProfileId {
    ProfileId::from_uuid(Uuid::from_u128(u128::from(n)))
}

/// Transactions that commit in any order, and profiles with versions.
#[derive(Default)]
struct Database {
    now: u64,
    next: i64,
    running: Vec<(i64, u8)>,
    /// Every commit: when, the transaction, the profile and its version.
    commits: Vec<(u64, i64, u8, i64)>,
}

impl Database {
    fn oldest(&self) -> i64 {
        let running = self.running.iter().map(|(xid, _)| *xid);
        running.min().unwrap_or(self.next)
    }

    fn version(&self, profile: u8, at: u64) -> i64 {
        let of = self.commits.iter().filter(|c| c.2 == profile && c.0 <= at);
        of.map(|c| c.3).max().unwrap_or(0)
    }

    fn begin(&mut self, profile: u8) {
        // A profile has one writer at a time.
        if self.running.iter().all(|(_, other)| *other != profile) {
            self.running.push((self.next, profile));
            self.next += 1;
        }
    }

    fn commit(&mut self, which: usize) {
        if self.running.is_empty() {
            return;
        }
        let (xid, profile) = self.running.remove(which % self.running.len());
        let version = self.version(profile, self.now) + 1;
        self.commits.push((self.now, xid, profile, version));
    }
}

/// A value that somebody read and keeps somewhere.
struct Value {
    at: u64,
    profile: u8,
    version: i64,
    position: i64,
}

#[derive(Clone, Debug)]
enum Step {
    Begin(u8),
    Commit(usize),
    Read(u8),
    /// A look at the outbox in pages of this size, with so many commits between the pages.
    Look(usize, usize),
    /// A message about the newest commit.
    Hear,
    /// A message is lost, time goes by.
    Wait(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..6u8).prop_map(Step::Begin),
        4 => any::<usize>().prop_map(Step::Commit),
        3 => (0..6u8).prop_map(Step::Read),
        3 => (1..4usize, 0..3usize).prop_map(|(page, between)| Step::Look(page, between)),
        1 => Just(Step::Hear),
        2 => (1..400u16).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..120)
}

fn look(database: &mut Database, memory: &mut Memory, page: usize, between: usize) {
    let began = database.now;
    let horizon = database.oldest();
    let mut after = if memory.horizon() == i64::MIN {
        memory.floor()
    } else {
        memory.horizon()
    };
    let mut seen = BTreeSet::new();
    loop {
        let mut rows: Vec<_> = database.commits.iter().filter(|c| c.1 >= after).collect();
        rows.sort_by_key(|c| c.1);
        let fresh: Vec<_> = rows
            .iter()
            .filter(|c| !seen.contains(&c.1))
            .take(page)
            .collect();
        let Some(last) = fresh.last() else {
            break;
        };
        after = last.1;
        for row in &fresh {
            seen.insert(row.1);
            memory.saw(Changed {
                profile: profile(row.2),
                version: row.3,
                position: row.1,
            });
        }
        memory.moved(fresh.iter().map(|row| (tenant(row.2), row.1)));
        for _ in 0..between {
            database.now += 1;
            database.commit(0);
        }
    }
    memory.looked(Duration::from_millis(began), horizon);
}

fn check(database: &Database, memory: &Memory, values: &[Value]) {
    let Some(as_of) = memory.as_of() else {
        return;
    };
    let as_of = u64::try_from(as_of.as_millis()).unwrap();
    for position in 10..database.next {
        let later = || {
            let seen = database.commits.iter().filter(|c| c.0 <= as_of);
            seen.filter(|c| c.1 >= position)
        };
        for n in 0..6 {
            if memory.is_still(&tenant(n), position) {
                assert!(later().all(|c| tenant(c.2) != tenant(n)), "a tenant");
            }
            if memory.is_left(profile(n), position) {
                assert!(later().all(|c| c.2 != n), "a profile");
            }
        }
    }
    for value in values {
        let standing = memory.standing(profile(value.profile), value.version, value.position);
        if standing == Standing::Unchanged {
            let then = database.version(value.profile, as_of);
            assert!(then <= value.version, "an old value counts as unchanged");
        }
        if let Some(right) = memory.right_at(value.position) {
            let right = u64::try_from(right.as_millis()).unwrap();
            let changed = database
                .commits
                .iter()
                .any(|c| c.0 > value.at && c.0 <= right);
            assert!(!changed, "something changed before it was right");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_value_that_counts_as_unchanged_is_right_as_of_the_last_look(
        steps in steps(), keep in 50..2_000u64, most in 2..8usize,
    ) {
        let mut database = Database { next: 10, ..Database::default() };
        let mut memory = Memory::new(Duration::from_millis(keep), most);
        memory.begin(database.oldest());
        let mut values = Vec::new();
        for step in steps {
            database.now += 1;
            match step {
                Step::Begin(profile) => database.begin(profile),
                Step::Commit(which) => database.commit(which),
                Step::Read(profile) => values.push(Value {
                    at: database.now,
                    profile,
                    version: database.version(profile, database.now),
                    position: database.oldest(),
                }),
                Step::Look(page, between) => look(&mut database, &mut memory, page, between),
                Step::Hear => if let Some((_, position, of, version)) = database.commits.last() {
                    memory.saw(Changed { profile: profile(*of), version: *version, position: *position });
                },
                Step::Wait(millis) => database.now += u64::from(millis),
                Step::Restart => memory.begin(database.oldest()),
            }
            prop_assert!(memory.len() <= most);
            check(&database, &memory, &values);
        }
    }
}

#[test]
fn a_change_is_known_until_values_from_before_it_are_too_old() {
    let mut memory = Memory::new(Duration::from_secs(10), 100);
    memory.begin(5);
    assert_eq!(
        memory.as_of(),
        None,
        "nothing is known before the first look"
    );
    memory.saw(Changed {
        profile: profile(1),
        version: 4,
        position: 7,
    });
    memory.looked(Duration::from_secs(1), 8);
    assert_eq!(memory.standing(profile(1), 3, 6), Standing::Changed);
    assert_eq!(memory.standing(profile(1), 4, 6), Standing::Unchanged);
    assert_eq!(memory.standing(profile(2), 1, 6), Standing::Unchanged);
    assert_eq!(memory.standing(profile(2), 1, 4), Standing::TooOld);
    memory.looked(Duration::from_secs(5), 20);
    memory.looked(Duration::from_secs(12), 30);
    assert!(memory.is_empty());
    assert_eq!(memory.standing(profile(1), 3, 6), Standing::TooOld);
    assert_eq!(memory.standing(profile(1), 3, 9), Standing::Unchanged);
}

#[test]
fn what_is_not_there_is_not_there_as_long_as_nothing_changes() {
    let mut memory = Memory::new(Duration::from_secs(10), 100);
    memory.begin(5);
    for second in 1..=3 {
        memory.looked(Duration::from_secs(second), 5);
    }
    assert_eq!(memory.right_at(5), Some(Duration::from_secs(3)));
    memory.saw(Changed {
        profile: profile(1),
        version: 1,
        position: 5,
    });
    memory.looked(Duration::from_secs(4), 6);
    assert_eq!(memory.right_at(5), None, "it may be from before");
    assert_eq!(memory.right_at(6), Some(Duration::from_secs(4)));
}
