//! Hours of the day in which nobody is disturbed.
//!
//! What must stay true: what counts is what the clocks on the customer's walls show. On a day on which clocks are put back
//! the hours that come twice are quiet both times or neither; on a day on which they are put forward hours that do not
//! exist disturb nobody. A window whose end is not after its beginning ends on the next day.

use crate::{calendar::Zone, clock::Micros, next_best_action::keys::ChannelSet};

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// A window of quiet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// On these channels.
    pub channels: ChannelSet,
    /// From this minute of the day on, 0 to 1,439.
    pub from: u16,
    /// Before this minute, on the next day when it is not later than `from`.
    pub to: u16,
}

impl QuietHours {
    /// Whether a minute of the day is within.
    #[must_use]
    pub const fn hold(&self, minute: u16) -> bool {
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            minute >= self.from || minute < self.to
        }
    }

    /// The first instant at or after `at` that is not quiet in a zone; none when every minute is.
    ///
    /// Steps from one quarter of an hour to the next, since clocks are changed on none but those.
    #[must_use]
    pub fn ends(&self, zone: Zone, at: Micros) -> Option<Micros> {
        const MINUTE: i64 = 60 * Micros::SECOND;
        const QUARTER: i64 = 15 * MINUTE;
        let mut at = at;
        for _ in 0..=4 * 50 {
            let minute = zone.minute_of_day(at);
            if !self.hold(minute) {
                return Some(at);
            }
            let left = (i64::from(self.to) - i64::from(minute)).rem_euclid(i64::from(DAY));
            let left = if left == 0 { i64::from(DAY) } else { left };
            let begin = at.0.div_euclid(MINUTE) * MINUTE;
            let quarter = (at.0.div_euclid(QUARTER) + 1) * QUARTER;
            at = Micros(quarter.min(begin.saturating_add(left * MINUTE)));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Micros {
        Micros::from_datetime(text.parse().unwrap())
    }

    fn quiet(from: u16, to: u16) -> QuietHours {
        QuietHours {
            channels: ChannelSet::ALL,
            from,
            to,
        }
    }

    fn ends(hours: QuietHours, zone: &str, from: &str) -> Option<String> {
        let zone: Zone = zone.parse().unwrap();
        hours.ends(zone, at(from)).map(|at| at.to_string())
    }

    #[test]
    fn a_window_over_midnight_holds_on_both_sides() {
        let night = quiet(21 * 60, 8 * 60);
        assert!(night.hold(21 * 60) && night.hold(0) && night.hold(8 * 60 - 1));
        assert!(!night.hold(8 * 60) && !night.hold(21 * 60 - 1));
        assert_eq!(
            ends(night, "Asia/Tokyo", "2026-03-01T13:30:20Z").as_deref(),
            Some("2026-03-01T23:00:00Z")
        );
        assert!(
            quiet(60, 60).hold(59) && quiet(60, 60).hold(60),
            "the whole day"
        );
        assert_eq!(ends(quiet(60, 60), "UTC", "2026-03-01T00:00:00Z"), None);
    }

    #[test]
    fn the_night_in_which_clocks_go_forward_is_an_hour_shorter() {
        // Berlin, 2026-03-29: 02:00 is 03:00.
        let night = quiet(22 * 60, 7 * 60);
        assert_eq!(
            ends(night, "Europe/Berlin", "2026-03-28T21:00:00Z").as_deref(),
            Some("2026-03-29T05:00:00Z")
        );
        // The end does not exist: what comes first after it is not quiet.
        assert_eq!(
            ends(quiet(60, 150), "Europe/Berlin", "2026-03-29T00:10:00Z").as_deref(),
            Some("2026-03-29T01:00:00Z")
        );
    }

    #[test]
    fn the_night_in_which_clocks_go_back_is_an_hour_longer() {
        // Berlin, 2026-10-25: 03:00 is 02:00.
        let night = quiet(22 * 60, 7 * 60);
        assert_eq!(
            ends(night, "Europe/Berlin", "2026-10-24T20:00:00Z").as_deref(),
            Some("2026-10-25T06:00:00Z")
        );
        // 02:30 comes twice: quiet until 02:30, noisy half an hour, quiet again for the second 02:00 to 02:30.
        let zone: Zone = "Europe/Berlin".parse().unwrap();
        let hold = |text: &str| quiet(60, 150).hold(zone.minute_of_day(at(text)));
        assert!(hold("2026-10-25T00:29:59Z") && !hold("2026-10-25T00:30:00Z"));
        assert!(hold("2026-10-25T01:00:00Z") && !hold("2026-10-25T01:30:00Z"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn quiet_ends_with_the_first_minute_that_is_not(
            from in 0..1_440_u16, to in 0..1_440_u16,
            start in 1_750_000_000..1_790_000_000_i64,
            zone in prop::sample::select(vec![
                "Asia/Tokyo", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
            ]),
        ) {
            prop_assume!(from != to);
            let zone: Zone = zone.parse().unwrap();
            let hours = quiet(from, to);
            let start = Micros(start * Micros::SECOND);
            let end = hours.ends(zone, start).unwrap();
            prop_assert!(!hours.hold(zone.minute_of_day(end)));
            let mut minute = start.0;
            while minute < end.0 {
                prop_assert!(hours.hold(zone.minute_of_day(Micros(minute))), "{minute}");
                minute += 60 * Micros::SECOND;
            }
        }
    }
}
