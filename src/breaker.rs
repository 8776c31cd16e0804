//! When a service that fails is left alone, and when it is tried again. Pure: times are handed in, counted from any
//! instant that stays the same.
//!
//! It is closed while calls go well. [`IN_A_ROW`] failures in a row, or [`MOST_FAILED`] among the last [`WINDOW`] calls, open
//! it: nobody calls. After a pause one call is let through as a probe; when that goes well it is closed again and all is
//! forgotten, when it fails the next pause is twice as long, up to [`LONGEST`] times the first. What calls that began before
//! it opened come to is not counted.

use std::time::Duration;

/// Failures in a row that open it.
pub(crate) const IN_A_ROW: u32 = 5;

/// Calls that are looked back on, and how many of them may not have failed.
pub(crate) const WINDOW: u32 = 20;

/// As [`WINDOW`].
pub(crate) const MOST_FAILED: u32 = 10;

/// How many times the first pause the longest is.
pub(crate) const LONGEST: u32 = 16;

/// The breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    first_pause: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed {
        /// Failures since the last success.
        in_a_row: u32,
        /// The last calls, a bit each, set where it failed; the newest is the lowest.
        failed: u32,
    },
    Open {
        until: Duration,
        pause: Duration,
    },
    Probing {
        pause: Duration,
    },
}

const CLOSED: State = State::Closed {
    in_a_row: 0,
    failed: 0,
};

/// That a call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// One of many.
    Call,
    /// The one that decides.
    Probe,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was answered.
    Well,
    /// It was not.
    Badly,
    /// Who made it is gone, so nobody knows.
    Unknown,
}

/// What it is, for a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Calls are made.
    Closed,
    /// None is.
    Open,
    /// One is.
    Probing,
}

impl Breaker {
    /// Closed, with a pause for the first time that it opens.
    pub(crate) const fn new(first_pause: Duration) -> Self {
        Self {
            first_pause,
            state: CLOSED,
        }
    }

    /// Whether a call may be made now. Each that may has to end.
    pub(crate) fn admit(&mut self, now: Duration) -> Option<Admission> {
        match self.state {
            State::Closed { .. } => Some(Admission::Call),
            State::Open { until, pause } if until <= now => {
                self.state = State::Probing { pause };
                Some(Admission::Probe)
            }
            State::Open { .. } | State::Probing { .. } => None,
        }
    }

    /// Takes note of how a call ended.
    pub(crate) fn ended(&mut self, admission: Admission, end: End, now: Duration) {
        match (&mut self.state, admission, end) {
            (State::Closed { in_a_row, failed }, Admission::Call, End::Well) => {
                *in_a_row = 0;
                *failed <<= 1;
            }
            (State::Closed { in_a_row, failed }, Admission::Call, End::Badly) => {
                *in_a_row += 1;
                *failed = (*failed << 1) | 1;
                let lately = *failed & ((1 << WINDOW) - 1);
                if *in_a_row >= IN_A_ROW || lately.count_ones() >= MOST_FAILED {
                    self.open(self.first_pause, now);
                }
            }
            (State::Probing { .. }, Admission::Probe, End::Well) => self.state = CLOSED,
            (State::Probing { pause }, Admission::Probe, End::Badly) => {
                let longer = (*pause * 2).min(self.first_pause * LONGEST);
                self.open(longer, now);
            }
            (State::Probing { pause }, Admission::Probe, End::Unknown) => {
                // The next call is the probe.
                let pause = *pause;
                self.state = State::Open { until: now, pause };
            }
            _ => (),
        }
    }

    fn open(&mut self, pause: Duration, now: Duration) {
        let until = now + pause;
        self.state = State::Open { until, pause };
    }

    /// What it is.
    pub(crate) const fn shown(&self) -> Shown {
        match self.state {
            State::Closed { .. } => Shown::Closed,
            State::Open { .. } => Shown::Open,
            State::Probing { .. } => Shown::Probing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn call(breaker: &mut Breaker, end: End) {
        let admission = breaker.admit(at(0)).unwrap();
        breaker.ended(admission, end, at(0));
    }

    fn opened() -> Breaker {
        let mut breaker = Breaker::new(PAUSE);
        for _ in 0..IN_A_ROW {
            call(&mut breaker, End::Badly);
        }
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it_and_a_success_among_them_does_not() {
        let mut breaker = Breaker::new(PAUSE);
        for _ in 1..IN_A_ROW {
            call(&mut breaker, End::Badly);
        }
        call(&mut breaker, End::Well);
        call(&mut breaker, End::Unknown);
        for _ in 1..IN_A_ROW {
            call(&mut breaker, End::Badly);
        }
        assert_eq!(breaker.shown(), Shown::Closed);
        call(&mut breaker, End::Badly);
        assert_eq!(breaker.shown(), Shown::Open);
        assert_eq!(breaker.admit(at(999)), None);
    }

    #[test]
    fn half_of_the_last_calls_open_it_however_they_lie() {
        let mut breaker = Breaker::new(PAUSE);
        for n in 1..=MOST_FAILED {
            assert_eq!(breaker.shown(), Shown::Closed, "{n}");
            call(&mut breaker, End::Well);
            call(&mut breaker, End::Badly);
        }
        assert_eq!(breaker.shown(), Shown::Open);
        // What lies further back is forgotten.
        let mut breaker = Breaker::new(PAUSE);
        for n in 0..300 {
            let end = if n % 3 == 0 { End::Badly } else { End::Well };
            call(&mut breaker, end);
        }
        assert_eq!(breaker.shown(), Shown::Closed);
    }

    #[test]
    fn one_probe_decides_and_pauses_grow_to_a_limit() {
        let mut breaker = opened();
        let mut now = at(1_000);
        let mut pause = PAUSE;
        for _ in 0..8 {
            assert_eq!(breaker.admit(now), Some(Admission::Probe));
            assert_eq!(breaker.admit(now), None, "one at a time");
            breaker.ended(Admission::Probe, End::Badly, now);
            pause = (pause * 2).min(PAUSE * LONGEST);
            assert_eq!(breaker.admit(now + pause / 2), None);
            now += pause;
        }
        assert_eq!(pause, PAUSE * LONGEST);
        assert_eq!(breaker.admit(now), Some(Admission::Probe));
        breaker.ended(Admission::Probe, End::Well, now);
        assert_eq!(breaker.shown(), Shown::Closed);
        for _ in 1..IN_A_ROW {
            call(&mut breaker, End::Badly);
        }
        assert_eq!(breaker.shown(), Shown::Closed, "all is forgotten");
    }

    #[test]
    fn a_probe_that_is_abandoned_leaves_its_place_to_the_next() {
        let mut breaker = opened();
        assert_eq!(breaker.admit(at(1_000)), Some(Admission::Probe));
        breaker.ended(Admission::Probe, End::Unknown, at(1_010));
        assert_eq!(breaker.admit(at(1_010)), Some(Admission::Probe));
    }

    #[test]
    fn calls_from_before_it_opened_change_nothing() {
        let mut breaker = opened();
        breaker.ended(Admission::Call, End::Well, at(10));
        assert_eq!(breaker.admit(at(20)), None);
        assert_eq!(breaker.admit(at(1_000)), Some(Admission::Probe));
        breaker.ended(Admission::Call, End::Badly, at(1_001));
        breaker.ended(Admission::Probe, End::Well, at(1_002));
        assert_eq!(breaker.shown(), Shown::Closed);
    }
}
