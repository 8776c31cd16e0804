//! Readings of a made-up standby, beside a made-up primary that shows commits later, and in another order, than its log has them.

use std::collections::BTreeSet;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    cache::{memory::Changed, rule::Token},
    ids::ProfileId,
};

fn profile(n: u8) -> ProfileId {
    ProfileId::from_uuid(Uuid::from_u128(u128::from(n)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Logged {
    /// A transaction that gave a profile a version.
    Commit(i64, u8, i64),
    /// Its change is taken out of the outbox.
    Clean(i64),
}

/// A primary, and a standby that has read so much of its log.
#[derive(Default)]
struct World {
    now: u64,
    begun: i64,
    running: Vec<(i64, u8)>,
    log: Vec<Logged>,
    /// Commits that are logged and not shown yet.
    committing: Vec<(i64, u8, i64)>,
    /// What the primary shows, and since when.
    shown: Vec<(u64, (i64, u8, i64))>,
    replayed: usize,
}

impl World {
    fn next(&self) -> i64 {
        let shown = self.shown.iter().map(|(_, (xid, ..))| *xid);
        shown.max().unwrap_or(0) + 1
    }

    fn horizon(&self) -> i64 {
        let running = self.running.iter().map(|(xid, _)| *xid);
        let committing = self.committing.iter().map(|(xid, ..)| *xid);
        running
            .chain(committing)
            .min()
            .unwrap_or(i64::MAX)
            .min(self.next())
    }

    fn version(&self, of: u8, at: u64) -> i64 {
        let shown = self.shown.iter();
        let shown = shown.filter(|(since, (_, profile, _))| *profile == of && *since <= at);
        shown.map(|(_, (.., version))| *version).max().unwrap_or(0)
    }

    fn commit(&mut self, which: usize) {
        if self.running.is_empty() {
            return;
        }
        let which = which % self.running.len();
        let (xid, profile) = self.running[which];
        // Until it shows it holds its locks.
        if self
            .committing
            .iter()
            .any(|(_, other, _)| *other == profile)
        {
            return;
        }
        self.running.remove(which);
        let version = self.version(profile, u64::MAX) + 1;
        self.committing.push((xid, profile, version));
        self.log.push(Logged::Commit(xid, profile, version));
    }

    fn show(&mut self, which: usize) {
        if !self.committing.is_empty() {
            let which = which % self.committing.len();
            let commit = self.committing.remove(which);
            self.shown.push((self.now, commit));
        }
    }

    fn clean(&mut self) {
        let cleaned = self.log.iter().filter(|l| matches!(l, Logged::Clean(_)));
        // The oldest that is left, as it is shown here.
        let oldest = self.shown.get(cleaned.count());
        if let Some((_, (xid, ..))) = oldest {
            self.log.push(Logged::Clean(*xid));
        }
    }

    fn look(&self, memory: &mut Memory) {
        for (_, (xid, of, version)) in &self.shown {
            if *xid >= memory.floor() {
                memory.saw(Changed {
                    profile: profile(*of),
                    version: *version,
                    position: *xid,
                });
            }
        }
        memory.looked(Duration::from_millis(self.now), self.horizon());
    }

    /// What the standby says: version, its transaction, the oldest that runs, the next.
    fn reading(&self, of: u8) -> (i64, Option<i64>, i64, i64) {
        let log = &self.log[..self.replayed];
        let commits = || {
            log.iter().filter_map(|logged| match logged {
                Logged::Commit(xid, profile, version) => Some((*xid, *profile, *version)),
                Logged::Clean(_) => None,
            })
        };
        let over: BTreeSet<i64> = commits().map(|(xid, ..)| xid).collect();
        let next = over.last().copied().unwrap_or(0) + 1;
        let oldest = (1..next).find(|xid| !over.contains(xid)).unwrap_or(next);
        let newest = commits().filter(|(_, profile, _)| *profile == of);
        let newest = newest.max_by_key(|(.., version)| *version);
        let origin = newest.map(|(xid, ..)| xid);
        let origin = origin.filter(|xid| !log.contains(&Logged::Clean(*xid)));
        (
            newest.map_or(0, |(.., version)| version),
            origin,
            oldest,
            next,
        )
    }
}

#[derive(Clone, Debug)]
enum Step {
    Begin(u8),
    Commit(usize),
    Show(usize),
    Clean,
    Replay(usize),
    Look,
    Hear,
    /// By the token of an answer about the same profile, if there was one.
    Read(u8, bool),
    Wait(u16),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => (0..4u8).prop_map(Step::Begin),
        5 => any::<usize>().prop_map(Step::Commit),
        4 => any::<usize>().prop_map(Step::Show),
        1 => Just(Step::Clean),
        4 => (1..4usize).prop_map(Step::Replay),
        3 => Just(Step::Look),
        1 => Just(Step::Hear),
        8 => (0..4u8, any::<bool>()).prop_map(|(of, token)| Step::Read(of, token)),
        2 => (1..300u16).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..150)
}

/// What somebody was answered: the profile, its version and the position of the token.
type Answered = (u8, i64, i64);

fn wish(tokens: Vec<Token>) -> Wish {
    Wish {
        tokens,
        bound: Duration::from_secs(2),
        allow_stale: false,
    }
}

/// Reads, and holds the answer against what the primary shows.
fn read(
    world: &World,
    memory: &Memory,
    of: u8,
    seen: Option<&Answered>,
) -> Result<Option<Answered>, TestCaseError> {
    let now = Duration::from_millis(world.now);
    let token = |(.., position): &Answered| Token {
        position: *position,
        anchor: None,
    };
    let wish = wish(seen.map(token).into_iter().collect());
    let (version, origin, oldest, next) = world.reading(of);
    if version == 0 {
        if let Ok(right) = judge_unknown((oldest, next), &wish, memory, now) {
            let right = u64::try_from(right.as_millis()).unwrap();
            prop_assert_eq!(world.version(of, right), 0, "somebody was known");
            prop_assert!(seen.is_none(), "known before");
        }
        return Ok(None);
    }
    let facts = Facts {
        profile: profile(of),
        version,
        position: oldest,
        lists: |_: &IdentityKey| false,
    };
    let Ok(right) = judge((&facts, origin), (&wish, Ask::Fresh), memory, now) else {
        return Ok(None);
    };
    let right = u64::try_from(right.as_millis()).unwrap();
    prop_assert!(
        version >= world.version(of, right),
        "older than vouched for"
    );
    let shown = world.version(of, u64::MAX);
    prop_assert!(version <= shown, "the primary does not show it");
    prop_assert!(
        seen.is_none_or(|(_, before, _)| version >= *before),
        "it went back"
    );
    let position = super::next(next, origin, memory) - 1;
    prop_assert!(position < world.next(), "the primary would call it lost");
    Ok(Some((of, version, position)))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_served_is_what_the_primary_shows_and_never_goes_back(steps in steps()) {
        let mut world = World::default();
        let mut memory = Memory::new(Duration::from_secs(1), 8);
        memory.begin(world.horizon());
        let mut answered: Vec<Answered> = Vec::new();
        for step in steps {
            // No two at the same time.
            world.now += 1;
            match step {
                Step::Begin(of) => {
                    world.begun += 1;
                    world.running.push((world.begun, of));
                }
                Step::Commit(which) => world.commit(which),
                Step::Show(which) => world.show(which),
                Step::Clean => world.clean(),
                Step::Replay(more) => {
                    world.replayed = (world.replayed + more).min(world.log.len());
                }
                Step::Look => world.look(&mut memory),
                Step::Hear => {
                    if let Some((_, (xid, of, version))) = world.shown.last() {
                        let (profile, version, position) = (profile(*of), *version, *xid);
                        memory.saw(Changed { profile, version, position });
                    }
                }
                Step::Read(of, with_token) => {
                    let seen = answered.iter().rev().find(|(other, ..)| *other == of);
                    let seen = seen.copied().filter(|_| with_token);
                    if let Some(answer) = read(&world, &memory, of, seen.as_ref())? {
                        answered.push(answer);
                    } else if world.version(of, u64::MAX) > 0 {
                        // The primary answers.
                        answered.push((of, world.version(of, u64::MAX), world.next() - 1));
                    }
                }
                Step::Wait(millis) => world.now += u64::from(millis),
                Step::Restart => memory.begin(world.horizon()),
            }
        }
    }
}

fn reading(version: i64, position: i64) -> Facts<impl Fn(&IdentityKey) -> bool> {
    Facts {
        profile: profile(1),
        version,
        position,
        lists: |_: &IdentityKey| false,
    }
}

fn looked(horizon: i64) -> Memory {
    let mut memory = Memory::new(Duration::from_mins(1), 100);
    memory.begin(5);
    memory.looked(Duration::from_secs(10), horizon);
    memory
}

const NOW: Duration = Duration::from_millis(10_400);

#[test]
fn a_reading_is_served_once_it_is_settled() {
    let mut memory = looked(20);
    let ask = |memory: &Memory, origin| {
        let facts = reading(3, 25);
        judge((&facts, origin), (&wish(vec![]), Ask::Fresh), memory, NOW)
    };
    let right = Ok(Duration::from_secs(10));
    assert_eq!(ask(&memory, Some(19)), right);
    assert_eq!(ask(&memory, None), right, "cleaned up long since");
    assert_eq!(ask(&memory, Some(20)), Err(Why::Ahead));
    memory.saw(Changed {
        profile: profile(1),
        version: 3,
        position: 20,
    });
    assert_eq!(ask(&memory, Some(20)), right);
    assert_eq!(
        next(30, Some(20), &memory),
        21,
        "no further than was looked"
    );
    assert_eq!(next(15, Some(9), &memory), 15);
}

#[test]
fn while_the_primary_is_away_an_hour_since_the_last_look_is_the_limit() {
    let memory = looked(20);
    let ask = |origin, seconds| {
        let facts = reading(3, 15);
        let now = Duration::from_secs(seconds);
        judge((&facts, origin), (&wish(vec![]), Ask::Old), &memory, now)
    };
    let right = Ok(Duration::from_secs(10));
    assert_eq!(ask(Some(9), 3_610), right);
    assert_eq!(ask(Some(9), 3_611), Err(Why::TooOld));
    assert_eq!(
        ask(Some(20), 11),
        Err(Why::Ahead),
        "it may be lost with the primary"
    );
}

#[test]
fn nobody_is_nobody_where_all_of_the_snapshot_is_settled() {
    let memory = looked(20);
    let ask = |oldest, next| judge_unknown((oldest, next), &wish(vec![]), &memory, NOW);
    assert!(ask(20, 20).is_ok());
    assert_eq!(ask(20, 21), Err(Why::Ahead));
    assert_eq!(ask(4, 20), Err(Why::TooOld));
}
