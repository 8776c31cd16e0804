//! When an action, a group, a channel or everything rests: what contact policies say.

use std::{fmt, str::FromStr};

/// When `limit` outcomes lie within `window`, what the scope names rests until `pause` after the latest of them, and in any case as
/// long as all of them are in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactRule {
    /// What rests, and whose outcomes count.
    pub scope: Scope,
    /// In a policy: the group or channel that is meant; absent means each by itself. An action's caps name none: they are about
    /// the action, its group and the channel that is asked for.
    pub of: Option<String>,
    /// Only on these channels outcomes count and actions rest, each once; empty means all.
    pub channels: Vec<String>,
    /// Which outcomes count.
    pub counts: Counted,
    /// How many of them: 1 to 16 of an action, 1 to 64 of anything else.
    pub limit: u32,
    /// Within how long, 1 minute to 365 days.
    pub window: Minutes,
    /// For how long after the outcome that reached the limit, up to 365 days; 0 means only while they are all in the window.
    pub pause: Minutes,
}

/// What a contact rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One action, all its versions.
    Action,
    /// A group.
    Group,
    /// A channel.
    Channel,
    /// Every action on every channel.
    All,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Action, Self::Group, Self::Channel, Self::All];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Group => "group",
            Self::Channel => "channel",
            Self::All => "all",
        }
    }
}

/// Outcomes that a contact rule counts; each counts what is above it in the lattice too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Shown, sent or said, and what is reserved and not yet known; all but what was not delivered.
    Impression,
    /// Followed or taken up.
    Clicked,
    /// Taken up.
    Accepted,
    /// Refused.
    Rejected,
}

impl Counted {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Impression,
        Self::Clicked,
        Self::Accepted,
        Self::Rejected,
    ];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Impression => "impression",
            Self::Clicked => "clicked",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// A length of time in whole minutes: `30m`, `12h` or `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minutes(pub u32);

impl Minutes {
    const HOUR: u32 = 60;
    const DAY: u32 = 24 * 60;

    /// So many days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self(days.saturating_mul(Self::DAY))
    }

    /// In microseconds.
    #[must_use]
    pub fn micros(self) -> i64 {
        i64::from(self.0) * 60_000_000
    }
}

/// In the largest unit that is whole.
impl fmt::Display for Minutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0m"),
            days if days % Self::DAY == 0 => write!(f, "{}d", days / Self::DAY),
            hours if hours % Self::HOUR == 0 => write!(f, "{}h", hours / Self::HOUR),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl FromStr for Minutes {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let units = [("m", 1), ("h", Self::HOUR), ("d", Self::DAY)];
        let (digits, unit) = units
            .iter()
            .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
            .ok_or(())?;
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        let count: u32 = digits.parse().map_err(|_| ())?;
        count.checked_mul(unit).map(Self).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_written_in_its_largest_whole_unit() {
        for (minutes, text) in [(0, "0m"), (90, "90m"), (120, "2h"), (2_880, "2d")] {
            assert_eq!(Minutes(minutes).to_string(), text);
            assert_eq!(text.parse(), Ok(Minutes(minutes)));
        }
        assert_eq!("48h".parse(), Ok(Minutes::days(2)));
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for text in [
            "",
            "d",
            "7",
            "-1d",
            "+1d",
            "1.5h",
            "1w",
            "7 d",
            "99999999999d",
            "9999999d",
            "１d",
        ] {
            assert_eq!(text.parse::<Minutes>(), Err(()), "{text}");
        }
    }
}
