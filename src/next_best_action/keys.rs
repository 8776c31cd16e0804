//! Small names of things: what a decision handles by the thousand is a number, texts stay in the catalogue.

use std::fmt;

use super::hashing::text;
use crate::ids::LengthPrefixed;

/// A decision: 128 bits, from the caller's decision id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecisionKey(pub u128);

/// One immutable version of an action. Ordered by id, then version: the order of candidates everywhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionKey {
    /// Hash of the textual id; the same for every version.
    pub id: u64,
    /// The version, from 1.
    pub version: u32,
}

impl ActionKey {
    /// The hash of a textual id: the first 64 bits, big endian, of BLAKE3 over `"action"` and the id, each prefixed with its
    /// length as 64 bits, little endian. It is stored with decisions and counts, so it never changes.
    ///
    /// Of the 2,000 actions that a tenant may have, two share a hash with a chance of about 10^-13.
    #[must_use]
    pub fn id_of(id: &str) -> u64 {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(b"action");
        hash.add(id.as_bytes());
        hash.finish_64()
    }
}

/// A group of actions: hash of its textual id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKey(pub u64);

/// A place on a page or in a mail: hash of its textual id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlacementKey(pub u64);

/// A channel, as an index into the table of the catalogue snapshot, 0 to 63. An index is never given to another channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelIndex(pub u8);

/// A channel, as a hash of its name: what is kept with a profile names channels so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelKey(pub u64);

/// A purpose of consent, as an index into the table of the catalogue snapshot. An index is never given to another purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PurposeIndex(pub u16);

/// A rule, as an index into the rules of a policy version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleIndex(pub u32);

/// A set of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ChannelSet(pub u64);

impl ChannelSet {
    /// Every channel.
    pub const ALL: Self = Self(u64::MAX);

    /// Of these channels; an index above 63 is in no set.
    #[must_use]
    pub fn of(channels: &[ChannelIndex]) -> Self {
        let bits = channels
            .iter()
            .filter_map(|c| 1_u64.checked_shl(c.0.into()));
        Self(bits.fold(0, |set, bit| set | bit))
    }

    /// Whether a channel is in it.
    #[must_use]
    pub fn holds(self, channel: ChannelIndex) -> bool {
        1_u64
            .checked_shl(channel.0.into())
            .is_some_and(|bit| self.0 & bit != 0)
    }
}

/// What a business wants of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Issue {
    /// Solve something for the customer. Outside every holdout, and never held back because the customer is upset.
    Serve,
    /// Keep the customer.
    Retain,
    /// Sell something. Held back while the customer is upset.
    Sell,
    /// Stay in touch without selling.
    Nurture,
    /// Ask the customer something.
    Listen,
}

impl Issue {
    /// All of them, in the order in which they are listed everywhere.
    pub const ALL: [Self; 5] = [
        Self::Serve,
        Self::Retain,
        Self::Sell,
        Self::Nurture,
        Self::Listen,
    ];

    /// Its word in a file.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Retain => "retain",
            Self::Sell => "sell",
            Self::Nurture => "nurture",
            Self::Listen => "listen",
        }
    }
}

/// The answer of a gate or a rule. Unknown is not eligible, with a reason, and never an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Yes.
    Pass,
    /// No.
    Fail,
    /// An attribute that it needs is not known.
    Unknown,
}

impl Verdict {
    /// Pass when it holds.
    #[must_use]
    pub fn of(holds: bool) -> Self {
        if holds { Self::Pass } else { Self::Fail }
    }
}

impl ChannelKey {
    /// Of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(text(&["channel", name]))
    }
}

impl GroupKey {
    /// Of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(text(&["group", name]))
    }
}

impl PlacementKey {
    /// Of a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        Self(text(&["placement", name]))
    }
}

impl DecisionKey {
    /// Of the caller's decision id: the first 128 bits of BLAKE3 over `"decision"` and the id, each prefixed with its length.
    #[must_use]
    pub fn of(id: &str) -> Self {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(b"decision");
        hash.add(id.as_bytes());
        Self(hash.finish_128().as_u128())
    }

    /// As two halves, the higher first.
    #[must_use]
    pub fn halves(self) -> (u64, u64) {
        split(self.0)
    }
}

/// The halves of 128 bits, the higher first.
#[must_use]
pub fn split(value: u128) -> (u64, u64) {
    let low = value & u128::from(u64::MAX);
    (
        u64::try_from(value >> 64).unwrap_or_default(),
        u64::try_from(low).unwrap_or_default(),
    )
}

/// 128 bits of two halves.
#[must_use]
pub fn join(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

impl fmt::Display for DecisionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_join_again() {
        let value = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210;
        let (high, low) = split(value);
        assert_eq!(join(high, low), value);
        assert_eq!(high, 0x0123_4567_89ab_cdef);
    }

    #[test]
    fn a_channel_above_63_is_in_no_set() {
        assert!(!ChannelSet::ALL.holds(ChannelIndex(64)));
        assert_eq!(ChannelSet::of(&[ChannelIndex(200)]), ChannelSet(0));
        assert!(ChannelSet::of(&[ChannelIndex(63)]).holds(ChannelIndex(63)));
    }
}
