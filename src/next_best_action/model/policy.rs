//! What a tenant says of all its actions: channels, places, levers, rest, quiet hours, holdouts and exploration.

use std::{fmt, str::FromStr};

use super::{Amount, ContactRule, Definition, Issue, LanguageTag, Levers, Minutes, Value};
use crate::calendar::Zone;

/// A tenant's settings. Units and ranges are those that the checks enforce.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The language that every action has a text in.
    pub default_locale: LanguageTag,
    /// The zone of customers of whom none is known.
    pub time_zone: Zone,
    /// What values are counted in.
    pub worth: Worth,
    /// Percent points of each issue, in the order of [`Issue::ALL`], each -100 to 200.
    pub issue_levers: [i32; 5],
    /// Groups of actions, 1 to 100.
    pub groups: Vec<Group>,
    /// Channels, 1 to 16. Their order is that of their indices.
    pub channels: Vec<Channel>,
    /// Places, at most 64.
    pub placements: Vec<Placement>,
    /// The id of the action for places that name none of their own and have nothing else to show.
    pub fallback: Option<String>,
    /// Contact policies that span actions, at most 32.
    pub contact: Vec<ContactRule>,
    /// When nobody is disturbed, at most 16.
    pub quiet_hours: Vec<QuietHours>,
    /// Who is held out.
    pub holdouts: Holdouts,
    /// Who is upset.
    pub upset: Upset,
    /// How much is tried out.
    pub exploration: Exploration,
}

/// What values are counted in, so that those of all actions compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worth {
    /// The one currency of the catalogue, ISO 4217 in capitals.
    pub currency: String,
    /// What a point is worth in minor units of the currency, 1 to 10^6.
    pub point: i64,
    /// The least that an action counts as that says nothing of its own, in minor units, 1 to 10^12.
    pub floor: i64,
}

/// Actions that belong together: they share a lever, contact policies and what is believed of new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// A slug of at most 64 bytes.
    pub name: String,
    /// The issue of all its actions.
    pub issue: Issue,
    /// -100 to 200 percent points.
    pub lever: i32,
}

/// A way to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// A slug of at most 64 bytes, as in interactions and consents.
    pub name: String,
    /// Who begins.
    pub reach: Reach,
    /// For how long a contact that was decided counts as made while nothing is known of it, 1 minute to 30 days; absent means a
    /// day.
    pub pending: Option<Minutes>,
}

/// Who begins a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// The customer is there already: a page, a counter, a call that came in. Quiet hours do not matter.
    Inbound,
    /// The business disturbs the customer: a mail, a push message, a call that goes out.
    Outbound,
}

impl Reach {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Inbound, Self::Outbound];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
        }
    }
}

/// A place where actions are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// A slug of at most 64 bytes.
    pub name: String,
    /// Its channel.
    pub channel: String,
    /// Who begins, where it is not as on the rest of the channel.
    pub reach: Option<Reach>,
    /// The id of the action that is shown where there is nothing else; absent means the policy's.
    pub fallback: Option<String>,
}

/// Hours of the day, in the customer's zone, in which nobody is disturbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// On these channels, each once; empty means all. Only outbound contacts are held back.
    pub channels: Vec<String>,
    /// From this time on.
    pub from: LocalTime,
    /// Before this time, on the next day when it is not later than `from`.
    pub to: LocalTime,
}

impl QuietHours {
    /// Whether a time of day is within.
    #[must_use]
    pub fn hold(&self, at: LocalTime) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&at)
        } else {
            at >= self.from || at < self.to
        }
    }
}

/// A time of day in whole minutes, 00:00 to 23:59.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime(u16);

impl LocalTime {
    /// 00:00.
    pub const MIDNIGHT: Self = Self(0);
    /// 23:59.
    pub const LAST: Self = Self(24 * 60 - 1);

    /// So many minutes after midnight, or `None` from 24:00 on.
    #[must_use]
    pub const fn from_minutes(minutes: u16) -> Option<Self> {
        if minutes < 24 * 60 {
            Some(Self(minutes))
        } else {
            None
        }
    }

    /// Minutes after midnight.
    #[must_use]
    pub const fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for LocalTime {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (hours, minutes) = text.split_once(':').ok_or(())?;
        let part = |digits: &str, below: u16| -> Result<u16, ()> {
            let plain = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
            let number = digits.parse().ok().filter(|n| plain && *n < below);
            number.ok_or(())
        };
        Ok(Self(part(hours, 24)? * 60 + part(minutes, 60)?))
    }
}

/// Who is held out, by a hash of salt, profile and epoch. The shares are parts of all customers.
#[derive(Clone, Debug, PartialEq)]
pub struct Holdouts {
    /// What the hash begins with, 1 to 64 bytes without control characters: two tenants with one salt hold out the same people.
    pub salt: String,
    /// Counts up when everyone is to be drawn anew.
    pub epoch: u32,
    /// Get the fallback and nothing else, 0 to 0.2.
    pub universal: f64,
    /// Get any eligible action with the same chance, 0 to 0.2.
    pub random: f64,
}

/// From when on a customer counts as upset, and is not sold to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upset {
    /// Days for which a word about leaving counts, 1 to 365.
    pub leaving_days: u32,
    /// Level of sentiment at or below which nothing is sold, -1 to 1.
    pub level: f64,
    /// Evidence that such a level needs, in fresh feelings, 0 to 100.
    pub feelings: f64,
}

impl Default for Upset {
    fn default() -> Self {
        Self {
            leaving_days: 30,
            level: -0.3,
            feelings: 3.0,
        }
    }
}

/// How much is tried out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exploration {
    /// Share of decisions that are drawn evenly, 0.001 to 0.2: every candidate keeps a chance of `epsilon / K`.
    pub epsilon: f64,
    /// K: candidates that take part, 1 to 16.
    pub candidates: u32,
}

impl Default for Exploration {
    fn default() -> Self {
        Self {
            epsilon: 0.02,
            candidates: 16,
        }
    }
}

impl Policy {
    /// In the one order that means the same. Channels keep their order, which is that of their indices.
    #[must_use]
    pub fn canonical(mut self) -> Self {
        for hours in &mut self.quiet_hours {
            hours.channels.sort();
        }
        for rule in &mut self.contact {
            rule.channels.sort();
        }
        self
    }

    /// The group of this name.
    #[must_use]
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The channel of this name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The placement of this name.
    #[must_use]
    pub fn placement(&self, name: &str) -> Option<&Placement> {
        self.placements.iter().find(|place| place.name == name)
    }

    /// Who begins at a place.
    #[must_use]
    pub fn reach(&self, place: &Placement) -> Option<Reach> {
        let of_channel = || Some(self.channel(&place.channel)?.reach);
        place.reach.or_else(of_channel)
    }

    /// For how long a contact through a channel counts as made while nothing is known of it.
    #[must_use]
    pub fn pending(&self, channel: &str) -> Minutes {
        let own = self.channel(channel).and_then(|channel| channel.pending);
        own.unwrap_or(Minutes::days(1))
    }

    /// Percent points of an issue.
    #[must_use]
    pub fn issue_lever(&self, issue: Issue) -> i32 {
        let both = Issue::ALL.iter().zip(self.issue_levers);
        both.filter(|(named, _)| **named == issue)
            .map(|(_, lever)| lever)
            .sum()
    }

    /// The levers of an action.
    #[must_use]
    pub fn levers(&self, action: &Definition) -> Levers {
        Levers {
            issue: self.issue_lever(action.issue),
            group: self.group(&action.group).map_or(0, |group| group.lever),
            action: action.lever,
        }
    }

    /// `V = max(value, floor)` in minor units of the currency of the policy: above 0, so that its logarithm is one.
    #[must_use]
    pub fn worth(&self, value: &Value) -> i64 {
        let (amount, unit) = match &value.amount {
            Amount::Money { minor_units, .. } => (*minor_units, 1),
            Amount::Points(points) => (*points, self.worth.point),
        };
        let floor = value
            .floor
            .map_or(self.worth.floor, |floor| floor.saturating_mul(unit));
        amount.saturating_mul(unit).max(floor).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> LocalTime {
        text.parse().unwrap()
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let hours = |from, to| QuietHours {
            channels: Vec::new(),
            from: at(from),
            to: at(to),
        };
        let night = hours("21:00", "08:30");
        assert!(night.hold(at("21:00")) && night.hold(at("00:00")) && night.hold(at("08:29")));
        assert!(!night.hold(at("08:30")) && !night.hold(at("20:59")));
        let noon = hours("12:00", "13:00");
        assert!(noon.hold(at("12:59")) && !noon.hold(at("13:00")) && !noon.hold(at("11:59")));
    }

    #[test]
    fn a_time_of_day_has_two_digits_each() {
        assert_eq!(at("08:05").to_string(), "08:05");
        assert_eq!(LocalTime::from_minutes(24 * 60), None);
        for bad in [
            "8:05", "24:00", "12:60", "12", "12:0", "+1:00", "1２:00", "12:00:00",
        ] {
            assert_eq!(bad.parse::<LocalTime>(), Err(()), "{bad}");
        }
    }
}
