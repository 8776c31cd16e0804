//! What level 2 looks at: the situation of a customer as a short list of hashed keys.
//!
//! What must stay true:
//!
//! - A key is a hash of (feature, value) and becomes a weight's name together with the action's id only. So weights are never
//!   shared between actions, and one normal distribution for each action is the whole uncertainty. A new version of an action
//!   keeps what was learned.
//! - Keys are stored with decisions, so buckets and hashes stay for ever; another cut is another feature.
//! - The channel is that of a placement and not of a decision: [`Keys::on`] adds it.
//! - What is not known is a value of its own, never left out: not being known may say something too.
//! - The list has a fixed size; making it allocates nothing. Keys are 64 bits wide, so two values share one with a
//!   probability near 10^-10 even with 100,000 of them.

use super::mixing::hash;
use crate::next_best_action::keys::ChannelIndex;

/// Segments that count, the first of the list.
pub const MOST_SEGMENTS: usize = 4;
/// Keys at most: ten features, the channel among them, and the segments.
const MOST: usize = 10 + MOST_SEGMENTS;
/// Word of a hash that makes it one of these keys.
const KEY: u64 = 0x6e62_615f_6b65_7931;
/// Word of a hash that makes it a weight's name.
const WEIGHT: u64 = 0x6e62_615f_7765_6967;

/// What is looked at. The numbers are part of stored keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    Bias = 0,
    Segment = 1,
    Channel = 2,
    Tenure = 3,
    RfmCell = 4,
    SentimentLevel = 5,
    Trend = 6,
    LastIntent = 7,
    DaysSinceContact = 8,
    OpenCases = 9,
    PartOfDay = 10,
}

impl Feature {
    const fn key(self, value: Option<u64>) -> u64 {
        let number = match self {
            Self::Bias => 0,
            Self::Segment => 1,
            Self::Channel => 2,
            Self::Tenure => 3,
            Self::RfmCell => 4,
            Self::SentimentLevel => 5,
            Self::Trend => 6,
            Self::LastIntent => 7,
            Self::DaysSinceContact => 8,
            Self::OpenCases => 9,
            Self::PartOfDay => 10,
        };
        match value {
            Some(value) => hash([KEY, number, 1, value]),
            None => hash([KEY, number, 0, 0]),
        }
    }
}

/// The situation of a customer when a decision is made. `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Situation<'a> {
    /// Hashes of the names of the segments they are in, in an order that does not change (the first four count).
    pub segments: &'a [u64],
    /// Days since the first interaction.
    pub tenure_days: Option<u32>,
    /// Scores of recency, frequency and money, 1 to 5 each.
    pub rfm: Option<(u8, u8, u8)>,
    /// Level of sentiment, -1 to 1.
    pub sentiment_level: Option<f64>,
    /// Change of sentiment, any unit: below 0 worse, 0 unchanged, above 0 better.
    pub trend: Option<f64>,
    /// Hash of the name of the intent of the last text.
    pub last_intent: Option<u64>,
    /// Days since the business last contacted them.
    pub days_since_contact: Option<u32>,
    /// Tickets that are open.
    pub open_cases: Option<u32>,
    /// Hour of the day in the customer's zone, 0 to 23.
    pub hour: Option<u8>,
}

/// The keys of a situation, each with its value `x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keys {
    keys: [(u64, f64); MOST],
    length: usize,
}

impl Keys {
    /// Of a situation, on no channel. The squares of all `x` of one feature sum to 1: who is in two segments has `1/sqrt(2)` of
    /// each.
    #[must_use]
    pub fn of(situation: &Situation<'_>) -> Self {
        let mut keys = Self::empty();
        let mut push = |feature: Feature, value: Option<u64>| keys.push(feature.key(value), 1.0);
        let up_to = |bounds: &[u32], value: u32| bucket(bounds, value);
        push(Feature::Bias, Some(0));
        let tenure = situation.tenure_days;
        push(
            Feature::Tenure,
            tenure.map(|days| up_to(&[7, 30, 90, 180, 365, 730, 1_825], days)),
        );
        let rfm = situation.rfm;
        push(
            Feature::RfmCell,
            rfm.map(|(r, f, m)| u64::from(r) * 10_000 + u64::from(f) * 100 + u64::from(m)),
        );
        push(
            Feature::SentimentLevel,
            situation.sentiment_level.map(fifth),
        );
        push(Feature::Trend, situation.trend.map(sign));
        push(Feature::LastIntent, situation.last_intent);
        let contact = situation.days_since_contact;
        push(
            Feature::DaysSinceContact,
            contact.map(|days| up_to(&[1, 3, 7, 14, 30, 90], days)),
        );
        let open = situation.open_cases;
        push(Feature::OpenCases, open.map(|open| u64::from(open.min(3))));
        let hour = situation.hour;
        push(Feature::PartOfDay, hour.map(|hour| u64::from(hour / 6)));
        let segments = situation.segments.iter().take(MOST_SEGMENTS);
        let share = match situation.segments.len() {
            0 | 1 => 1.0,
            2 => std::f64::consts::FRAC_1_SQRT_2,
            3 => 0.577_350_269_189_625_8,
            _ => 0.5,
        };
        for segment in segments {
            keys.push(Feature::Segment.key(Some(*segment)), share);
        }
        if situation.segments.is_empty() {
            keys.push(Feature::Segment.key(None), 1.0);
        }
        keys
    }

    /// The same on a channel, by its place in the tenant's table of channels.
    #[must_use]
    pub fn on(mut self, channel: ChannelIndex) -> Self {
        self.push(Feature::Channel.key(Some(channel.0.into())), 1.0);
        self
    }

    /// From what was stored of a situation on no channel; `None` when there are more than it has, or a value outside -1 to 1.
    #[must_use]
    pub fn from_stored(stored: &[(u64, f64)]) -> Option<Self> {
        let mut keys = Self::empty();
        let valid = stored.len() < MOST && stored.iter().all(|(_, x)| x.abs() <= 1.0);
        for (key, x) in stored {
            keys.push(*key, *x);
        }
        valid.then_some(keys)
    }

    /// The keys with their values, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[(u64, f64)] {
        self.keys.get(..self.length).unwrap_or_default()
    }

    /// The names of the weights of an action, with the values.
    pub(super) fn weights(&self, action_id: u64) -> impl Iterator<Item = (u64, f64)> {
        let keys = self.as_slice().iter();
        keys.map(move |(key, x)| (hash([WEIGHT, action_id, *key]), *x))
    }

    const fn empty() -> Self {
        Self {
            keys: [(0, 0.0); MOST],
            length: 0,
        }
    }

    fn push(&mut self, key: u64, x: f64) {
        if let Some(place) = self.keys.get_mut(self.length) {
            *place = (key, x);
            self.length += 1;
        }
    }
}

/// The key of the feature that is always there: its weight is the action's own level.
pub(super) const fn bias_of(action_id: u64) -> u64 {
    hash([WEIGHT, action_id, Feature::Bias.key(Some(0))])
}

/// How many of the bounds a value has reached.
fn bucket(bounds: &[u32], value: u32) -> u64 {
    let reached = bounds.iter().take_while(|bound| value >= **bound).count();
    u64::try_from(reached).unwrap_or_default()
}

/// Which fifth of -1 to 1.
fn fifth(level: f64) -> u64 {
    let bounds = [-0.6, -0.2, 0.2, 0.6];
    let reached = bounds.iter().take_while(|bound| level >= **bound).count();
    u64::try_from(reached).unwrap_or_default()
}

fn sign(trend: f64) -> u64 {
    if trend < 0.0 {
        0
    } else if trend > 0.0 {
        2
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_feature_is_there_and_what_is_unknown_too() {
        let keys = Keys::of(&Situation::default());
        assert_eq!(keys.as_slice().len(), 10);
        let keys = keys.on(ChannelIndex(0));
        assert_eq!(keys.as_slice().len(), 11);
        let mut names: Vec<u64> = keys.as_slice().iter().map(|(key, _)| *key).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 11);
    }

    #[test]
    fn segments_share_one_unit_and_the_fifth_does_not_count() {
        let of = |segments: &[u64]| {
            Keys::of(&Situation {
                segments,
                ..Situation::default()
            })
        };
        for n in 0..=5_u64 {
            let segments: Vec<u64> = (0..n).collect();
            let keys = of(&segments);
            let squares: f64 = keys.as_slice().iter().map(|(_, x)| x * x).sum();
            assert!((squares - 10.0).abs() < 1e-12, "{n}: {squares}");
        }
        assert_eq!(of(&[1, 2, 3, 4, 5]), of(&[1, 2, 3, 4]));
    }

    #[test]
    fn buckets_have_their_bounds() {
        assert_eq!(bucket(&[1, 3, 7], 0), 0);
        assert_eq!(bucket(&[1, 3, 7], 3), 2);
        assert_eq!(bucket(&[1, 3, 7], 8), 3);
        assert_eq!([-1.0, -0.6, 0.0, 0.3, 1.0].map(fifth), [0, 1, 2, 3, 4]);
        assert_eq!([-0.1, 0.0, 0.1].map(sign), [0, 1, 2]);
    }

    #[test]
    fn actions_share_no_weights_and_stored_keys_come_back() {
        let keys = Keys::of(&Situation::default());
        let of = |action| {
            keys.weights(action)
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert!(of(1).iter().all(|name| !of(2).contains(name)));
        assert_eq!(of(1).first(), Some(&bias_of(1)));
        assert_eq!(Keys::from_stored(keys.as_slice()), Some(keys));
        assert_eq!(Keys::from_stored(&[(1, 2.0)]), None);
        assert_ne!(keys.on(ChannelIndex(0)), keys.on(ChannelIndex(1)));
        let segments = [1, 2, 3, 4, 5];
        let full = Keys::of(&Situation {
            segments: &segments,
            ..Situation::default()
        });
        assert_eq!(Keys::from_stored(full.as_slice()), Some(full));
        assert_eq!(full.on(ChannelIndex(7)).as_slice().len(), MOST);
        assert_eq!(Keys::from_stored(full.on(ChannelIndex(7)).as_slice()), None);
    }
}
