//! What calls came to, and the table of it.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crate::harness::say;

/// Faults in the order of the table.
const FAULTS: [&str; 20] = [
    "Postgres killed",
    "Postgres frozen",
    "Postgres slow",
    "Postgres read-only",
    "Postgres out of connections",
    "Postgres's disk full",
    "failover to a synchronous standby",
    "failover to a standby that lacks commits",
    "Redis killed",
    "Redis frozen",
    "Redis slow",
    "failover to another Redis",
    "Redis out of memory",
    "Redis read-only",
    "Redis out of connections",
    "Redis flushed",
    "clock an hour ahead",
    "clock back again",
    "clock an hour behind",
    "clock forward again",
];

const BEGIN: &str = "<!-- faults: begin -->";
const END: &str = "<!-- faults: end -->";

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A look-up, with a token or without.
    Read,
    /// A look-up with `allow_stale`.
    Stale,
    /// A write.
    Write,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    pub kind: Kind,
    pub began: Instant,
    pub took: Duration,
    /// `OK`, or the code and the reason.
    pub outcome: String,
}

impl Call {
    pub fn is_ok(&self) -> bool {
        self.outcome == "OK"
    }
}

/// What calls of one kind came to while a fault lasted.
#[derive(Clone, Debug, Default)]
pub struct Part {
    pub outcomes: BTreeMap<String, usize>,
    took: Vec<Duration>,
}

impl Part {
    pub fn of(calls: &[Call], kind: Kind, from: Instant, to: Instant) -> Self {
        let during = |call: &&Call| call.kind == kind && call.began >= from && call.began < to;
        let mut part = Self::default();
        for call in calls.iter().filter(during) {
            *part.outcomes.entry(call.outcome.clone()).or_default() += 1;
            part.took.push(call.took);
        }
        part.took.sort_unstable();
        part
    }

    pub fn total(&self) -> usize {
        self.took.len()
    }

    pub fn ok(&self) -> usize {
        self.outcomes.get("OK").copied().unwrap_or_default()
    }

    /// That which so many of a hundred take at most.
    fn percentile(&self, of: usize) -> Duration {
        let place = (self.took.len() * of).div_ceil(100).saturating_sub(1);
        self.took.get(place).copied().unwrap_or_default()
    }

    pub fn slowest(&self) -> Duration {
        self.took.last().copied().unwrap_or_default()
    }

    fn cell(&self) -> String {
        let outcomes: Vec<String> = self
            .outcomes
            .iter()
            .map(|(outcome, calls)| format!("{calls} {outcome}"))
            .collect();
        let [half, most] = [50, 99].map(|of| self.percentile(of).as_millis());
        let slowest = self.slowest().as_millis();
        format!("{}; {half} / {most} / {slowest} ms", outcomes.join(", "))
    }
}

/// What became of a fault.
#[derive(Clone, Debug)]
pub struct Seen {
    pub fault: &'static str,
    pub read: Part,
    pub stale: Part,
    pub write: Part,
    /// From the end of the fault to the first of many successes in a row.
    pub recovered: Duration,
    /// Events that were acknowledged, before, while and after it lasted.
    pub acknowledged: usize,
    /// Of those, not there afterwards.
    pub lost: usize,
}

impl Seen {
    fn row(&self) -> String {
        let Self {
            fault,
            recovered,
            acknowledged,
            lost,
            ..
        } = self;
        let recovered = recovered.as_secs_f64();
        let [read, stale, write] = [&self.read, &self.stale, &self.write].map(Part::cell);
        format!(
            "| {fault} | {read} | {stale} | {write} | {recovered:.1} s | {lost} of {acknowledged} |"
        )
    }

    /// Says it, and writes it down where the figures are kept.
    pub fn tell(&self) {
        static ONE: Mutex<()> = Mutex::new(());
        let row = self.row();
        say(format_args!("fault: {row}"));
        let Some(file) = std::env::var_os("CUSTOMER_PROFILE_FAULTS_TABLE") else {
            return;
        };
        let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let file = PathBuf::from(file);
        let text = std::fs::read_to_string(&file).unwrap();
        let (before, rest) = text.split_once(BEGIN).unwrap();
        let (table, after) = rest.split_once(END).unwrap();
        let named = |row: &str, fault: &str| row.starts_with(&format!("| {fault} |"));
        let mut rows: Vec<&str> = table.lines().filter(|l| !l.is_empty()).collect();
        let head: Vec<&str> = rows.drain(..2).collect();
        rows.retain(|old| !named(old, self.fault));
        rows.push(&row);
        rows.sort_by_key(|row| FAULTS.iter().position(|fault| named(row, fault)));
        let table = [head, rows].concat().join("\n");
        std::fs::write(&file, format!("{before}{BEGIN}\n{table}\n{END}{after}")).unwrap();
    }
}

#[test]
fn the_table_of_the_page_has_every_fault_once_and_in_order() {
    let page = include_str!("../../../docs/operations.md");
    let (_, rest) = page.split_once(BEGIN).unwrap();
    let (table, _) = rest.split_once(END).unwrap();
    let rows = table.lines().filter(|line| !line.is_empty()).skip(2);
    let named: Vec<&str> = rows
        .map(|row| row.split('|').nth(1).unwrap().trim())
        .collect();
    assert_eq!(named, FAULTS);
}
