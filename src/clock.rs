//! Time. The only file that reads a clock; everything else is handed a [`Clock`] or a [`Micros`].

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// Microseconds since 1970-01-01T00:00:00Z: the precision that storage keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub i64);

impl Micros {
    /// One second.
    pub const SECOND: i64 = 1_000_000;

    /// The instant, or `None` outside the years that a calendar here can name.
    #[must_use]
    pub fn to_datetime(self) -> Option<DateTime<Utc>> {
        DateTime::from_timestamp_micros(self.0)
    }

    /// From a calendar instant; digits below a microsecond are cut off.
    #[must_use]
    pub fn from_datetime(at: DateTime<Utc>) -> Self {
        Self(at.timestamp_micros())
    }

    /// From the protocol's timestamp; `None` when it is not one (nanoseconds out of range, or a year no one means).
    #[must_use]
    pub fn from_proto(at: &prost_types::Timestamp) -> Option<Self> {
        let nanos = u32::try_from(at.nanos)
            .ok()
            .filter(|n| *n < 1_000_000_000)?;
        let micros = at.seconds.checked_mul(Self::SECOND)?;
        micros.checked_add(i64::from(nanos / 1_000)).map(Self)
    }

    /// As the protocol's timestamp.
    #[must_use]
    pub fn to_proto(self) -> prost_types::Timestamp {
        let nanos = self.0.rem_euclid(Self::SECOND) * 1_000;
        prost_types::Timestamp {
            seconds: self.0.div_euclid(Self::SECOND),
            nanos: i32::try_from(nanos).unwrap_or_default(),
        }
    }

    /// The UTC day, counted from 1970-01-01.
    #[must_use]
    pub fn day(self) -> i32 {
        i32::try_from(self.0.div_euclid(86_400 * Self::SECOND)).unwrap_or(i32::MAX)
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_datetime() {
            Some(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            None => write!(f, "{}us", self.0),
        }
    }
}

/// Where the time comes from.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    fixed: Option<Micros>,
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub fn system() -> Self {
        Self { fixed: None }
    }

    /// A clock that stands still, for tests.
    #[must_use]
    pub fn fixed(at: Micros) -> Self {
        Self { fixed: Some(at) }
    }

    /// Now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the clock"
    )]
    pub fn now(&self) -> Micros {
        self.fixed
            .unwrap_or_else(|| Micros::from_datetime(Utc::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_before_1970_keeps_its_microseconds() {
        let at = Micros(-1);
        assert_eq!(Micros::from_proto(&at.to_proto()), Some(at));
        assert_eq!(at.to_proto().nanos, 999_999_000);
    }

    #[test]
    fn nanoseconds_out_of_range_are_no_timestamp() {
        for nanos in [-1, 1_000_000_000] {
            let at = prost_types::Timestamp { seconds: 0, nanos };
            assert_eq!(Micros::from_proto(&at), None);
        }
    }
}
