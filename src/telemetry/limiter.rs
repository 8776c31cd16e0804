//! Keeps strangers from filling the log: so many lines a second, and how many were left out.

use crate::clock::Micros;

/// Lines that may be written. Pure: the time is handed in.
#[derive(Clone, Copy, Debug)]
pub struct Limiter {
    per_second: u32,
    second: i64,
    written: u32,
    suppressed: u64,
}

impl Limiter {
    /// At most so many lines in each second of the clock.
    #[must_use]
    pub const fn new(per_second: u32) -> Self {
        Self {
            per_second,
            second: i64::MIN,
            written: 0,
            suppressed: 0,
        }
    }

    /// Whether a line may be written now; then how many were left out since the last one.
    pub fn admit(&mut self, now: Micros) -> Option<u64> {
        let second = now.0.div_euclid(Micros::SECOND);
        if second != self.second {
            self.second = second;
            self.written = 0;
        }
        if self.written >= self.per_second {
            self.suppressed = self.suppressed.saturating_add(1);
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_next_says_how_many_there_were() {
        let mut limiter = Limiter::new(2);
        let at = |second: i64, part: i64| Micros(second * Micros::SECOND + part);
        assert_eq!(limiter.admit(at(7, 0)), Some(0));
        assert_eq!(limiter.admit(at(7, 1)), Some(0));
        for n in 0..5 {
            assert_eq!(limiter.admit(at(7, 100 + n)), None);
        }
        assert_eq!(limiter.admit(at(8, 0)), Some(5));
        assert_eq!(limiter.admit(at(8, 0)), Some(0));
        assert_eq!(limiter.admit(at(8, 0)), None);
        // A clock that is set back neither silences the log nor floods it.
        assert_eq!(limiter.admit(at(3, 0)), Some(1));
    }
}
