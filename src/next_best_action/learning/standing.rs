//! What stands beside the weights of level 2 in a snapshot: what they were folded from, whether they may speak, and of whom what
//! is believed is in doubt.
//!
//! What must stay true:
//!
//! - A day's digest is a sum over the outcomes resolved on it, so it is the same in any order; another label, window, action or
//!   offer makes another. Weights of which every day still has its digest are those that a fold from the beginning would make.
//! - Equal standings have equal bytes.

use std::collections::BTreeMap;

use super::{
    HALF_LIFE_DAYS,
    bytes::{Reader, Unreadable},
    mixing::hash,
    number::left_after,
    switch::{ENOUGH, Gain, Verdict},
};
use crate::{calendar::Day, next_best_action::keys::ChannelIndex};

/// Format of the encoding.
const FORMAT: u16 = 1;
/// What a stored standing begins with.
const MARK: [u8; 4] = *b"NBS1";
/// Word of a hash that makes it one of an outcome.
const OUTCOME: u64 = 0x6e62_615f_6461_7973;

/// What is folded of an offer whose time is up, but for its situation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The day it was delivered plus the days of its attribution window.
    pub day: Day,
    /// The decision.
    pub decision: u128,
    /// The slot within the decision.
    pub slot: u16,
    /// Hash of the action's textual id, without its version.
    pub action_id: u64,
    /// The channel.
    pub channel: ChannelIndex,
    /// Whether there was a yes within the window.
    pub yes: bool,
}

/// How many outcomes were resolved on each day, and a sum over them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(BTreeMap<Day, (u64, u64)>);

impl Days {
    /// Adds an outcome.
    pub fn add(&mut self, lesson: &Lesson) {
        let [high, low] = [lesson.decision >> 64, lesson.decision].map(|half| {
            let low = half & u128::from(u64::MAX);
            u64::try_from(low).unwrap_or_default()
        });
        let of = u64::from(lesson.channel.0) << 1 | u64::from(lesson.yes);
        let word = hash([OUTCOME, high, low, lesson.slot.into(), lesson.action_id, of]);
        let (count, sum) = self.0.entry(lesson.day).or_default();
        *count = count.wrapping_add(1);
        *sum = sum.wrapping_add(word);
    }

    /// Whether both say the same of the days after `from` up to `until`.
    #[must_use]
    pub fn agree(&self, other: &Self, (from, until): (Day, Day)) -> bool {
        let within = |of: &Self| -> Vec<_> {
            let after = of.0.range(Day(from.0.saturating_add(1))..);
            let days = after.take_while(|(day, _)| **day <= until);
            days.map(|(day, digest)| (*day, *digest)).collect()
        };
        within(self) == within(other)
    }

    /// Those after a day.
    #[must_use]
    pub fn after(self, day: Day) -> Self {
        Self(self.0.into_iter().filter(|(of, _)| *of > day).collect())
    }

    /// Those up to a day, and another's after it.
    #[must_use]
    pub fn then(&self, until: Day, other: &Self) -> Self {
        let (before, after) = (self.0.iter(), other.0.iter());
        let before = before.filter(|(day, _)| **day <= until);
        let after = after.filter(|(day, _)| **day > until);
        let all = before.chain(after).map(|(day, of)| (*day, *of));
        Self(all.collect())
    }
}

/// How many outcomes were folded of each action on each channel, with forgetting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence(BTreeMap<(u64, ChannelIndex), (f64, Day)>);

impl Evidence {
    /// Adds an outcome on the day when it was resolved. Days never go back.
    pub fn add(&mut self, action_id: u64, channel: ChannelIndex, day: Day) {
        let known = self.0.entry((action_id, channel));
        let (held, touched) = known.or_insert((0.0, day));
        *held = left(*held, *touched, day) + 1.0;
        *touched = day;
    }

    /// The effective n of an action on a channel at the end of a day.
    #[must_use]
    pub fn of(&self, action_id: u64, channel: ChannelIndex, on: Day) -> f64 {
        let known = self.0.get(&(action_id, channel));
        known.map_or(0.0, |(held, touched)| left(*held, *touched, on))
    }

    /// That of each.
    pub fn all(&self, on: Day) -> impl Iterator<Item = ((u64, ChannelIndex), f64)> {
        let known = self.0.iter();
        known.map(move |(of, (held, touched))| (*of, left(*held, *touched, on)))
    }
}

fn left(held: f64, touched: Day, on: Day) -> f64 {
    held * left_after(on.0.saturating_sub(touched.0), HALF_LIFE_DAYS)
}

/// What stands beside the weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// What they were folded from.
    pub days: Days,
    /// How much there is of each action.
    pub evidence: Evidence,
    /// Whether level 2 was shown to be better.
    pub verdict: Verdict,
    /// The last closed day when that was asked last.
    pub judged: Option<Day>,
    /// What was found then; none when the log said too little.
    pub gain: Option<Gain>,
    /// By how much counts weigh less and variances are wider, above 1, of actions whose success has changed lately.
    pub widened: BTreeMap<(u64, ChannelIndex), f64>,
}

impl Standing {
    /// For how many actions, each channel by itself, there is enough for level 2 at the end of a day.
    #[must_use]
    pub fn ready(&self, on: Day) -> usize {
        let known = self.evidence.all(on);
        known
            .filter(|(_, effective_n)| *effective_n >= ENOUGH)
            .count()
    }

    /// By how much what is believed of an action on a channel is to be widened, 1 or more.
    #[must_use]
    pub fn widening(&self, action_id: u64, channel: ChannelIndex) -> f64 {
        let known = self.widened.get(&(action_id, channel));
        known.copied().unwrap_or(1.0)
    }

    /// As stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 + self.days.0.len() * 20 + self.widened.len() * 17);
        let length = |of: usize| u64::try_from(of).unwrap_or(u64::MAX).to_le_bytes();
        out.extend(MARK);
        out.extend(FORMAT.to_le_bytes());
        out.extend(length(self.days.0.len()));
        for (day, (count, sum)) in &self.days.0 {
            out.extend(day.0.to_le_bytes());
            out.extend(count.to_le_bytes());
            out.extend(sum.to_le_bytes());
        }
        out.extend(length(self.evidence.0.len()));
        for ((action, channel), (held, touched)) in &self.evidence.0 {
            out.extend(action.to_le_bytes());
            out.push(channel.0);
            out.extend(held.to_le_bytes());
            out.extend(touched.0.to_le_bytes());
        }
        out.push(match self.verdict {
            Verdict::Unknown => 0,
            Verdict::NotBetter => 1,
            Verdict::Better => 2,
        });
        out.push(u8::from(self.judged.is_some()));
        out.extend(self.judged.unwrap_or_default().0.to_le_bytes());
        out.push(u8::from(self.gain.is_some()));
        let gain = self.gain.unwrap_or_default();
        for part in [gain.value, gain.standard_error, gain.low, gain.high] {
            out.extend(part.to_le_bytes());
        }
        out.extend(length(self.widened.len()));
        for ((action, channel), factor) in &self.widened {
            out.extend(action.to_le_bytes());
            out.push(channel.0);
            out.extend(factor.to_le_bytes());
        }
        out
    }

    /// From what was stored.
    ///
    /// # Errors
    /// What is no standing, or one of another format.
    pub fn decode(stored: &[u8]) -> Result<Self, Unreadable> {
        let mut reader = Reader::open(stored, MARK, FORMAT)?;
        let mut standing = Self::default();
        for _ in 0..u64::from_le_bytes(reader.take()?) {
            let day = Day(i32::from_le_bytes(reader.take()?));
            let digest = (
                u64::from_le_bytes(reader.take()?),
                u64::from_le_bytes(reader.take()?),
            );
            standing.days.0.insert(day, digest);
        }
        for _ in 0..u64::from_le_bytes(reader.take()?) {
            let action = u64::from_le_bytes(reader.take()?);
            let [channel] = reader.take()?;
            let held = f64::from_le_bytes(reader.take()?);
            let touched = Day(i32::from_le_bytes(reader.take()?));
            if !(held.is_finite() && held >= 0.0) {
                return Err(Unreadable::Malformed);
            }
            let of = (action, ChannelIndex(channel));
            standing.evidence.0.insert(of, (held, touched));
        }
        standing.verdict = match reader.take()? {
            [0] => Verdict::Unknown,
            [1] => Verdict::NotBetter,
            [2] => Verdict::Better,
            _ => return Err(Unreadable::Malformed),
        };
        let [asked] = reader.take()?;
        let day = Day(i32::from_le_bytes(reader.take()?));
        standing.judged = (asked == 1).then_some(day);
        let [found] = reader.take()?;
        let mut parts = [0.0; 4];
        for part in &mut parts {
            *part = f64::from_le_bytes(reader.take()?);
        }
        let [value, standard_error, low, high] = parts;
        standing.gain = (found == 1).then_some(Gain {
            value,
            standard_error,
            low,
            high,
        });
        for _ in 0..u64::from_le_bytes(reader.take()?) {
            let action = u64::from_le_bytes(reader.take()?);
            let [channel] = reader.take()?;
            let factor = f64::from_le_bytes(reader.take()?);
            if !(factor.is_finite() && factor >= 1.0) {
                return Err(Unreadable::Malformed);
            }
            standing
                .widened
                .insert((action, ChannelIndex(channel)), factor);
        }
        reader.close()?;
        Ok(standing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lesson(day: i32, decision: u128, yes: bool) -> Lesson {
        Lesson {
            day: Day(day),
            decision,
            slot: 1,
            action_id: 7,
            channel: ChannelIndex(2),
            yes,
        }
    }

    fn of(lessons: &[Lesson]) -> Days {
        let mut days = Days::default();
        for lesson in lessons {
            days.add(lesson);
        }
        days
    }

    #[test]
    fn days_agree_in_any_order_and_not_when_anything_else_was_said() {
        let (one, two) = (lesson(3, 1 << 70, true), lesson(4, 2, false));
        let whole = (Day(0), Day(9));
        assert!(of(&[one, two]).agree(&of(&[two, one]), whole));
        let others = [
            Lesson { yes: false, ..one },
            Lesson { slot: 2, ..one },
            Lesson {
                action_id: 8,
                ..one
            },
            Lesson { decision: 1, ..one },
            Lesson {
                channel: ChannelIndex(3),
                ..one
            },
            Lesson { day: Day(5), ..one },
        ];
        for other in others {
            assert!(
                !of(&[one, two]).agree(&of(&[other, two]), whole),
                "{other:?}"
            );
        }
        assert!(!of(&[one]).agree(&of(&[one, one]), whole));
        let without = of(&[one]);
        assert!(of(&[one, two]).agree(&without, (Day(0), Day(3))));
        assert!(!of(&[one, two]).agree(&without, (Day(0), Day(4))));
        assert!(of(&[one, two]).agree(&of(&[two]), (Day(3), Day(4))));
        assert_eq!(of(&[one, two]).then(Day(3), &of(&[one])), without);
        assert_eq!(of(&[one, two]).after(Day(3)), of(&[two]));
        assert_eq!(of(&[one]).then(Day(3), &of(&[two])), of(&[one, two]));
    }

    /// So many outcomes of an action on each day.
    fn known(days: &[(i32, u32)]) -> Evidence {
        let mut evidence = Evidence::default();
        for (day, count) in days {
            for _ in 0..*count {
                evidence.add(7, ChannelIndex(2), Day(*day));
            }
        }
        evidence
    }

    #[test]
    fn evidence_is_forgotten_by_half_in_thirty_days_and_is_of_one_channel() {
        let of = |days: &[(i32, u32)], on| known(days).of(7, ChannelIndex(2), Day(on));
        assert!((of(&[(3, 400)], 3) - 400.0).abs() < 1e-9);
        assert!((of(&[(3, 400), (33, 10)], 33) - 210.0).abs() < 1e-9);
        assert!((of(&[(3, 400)], 63) - 100.0).abs() < 1e-9);
        assert!(known(&[(3, 400)]).of(7, ChannelIndex(1), Day(3)) < f64::MIN_POSITIVE);
    }

    #[test]
    fn what_is_stored_comes_back_and_other_bytes_are_refused() {
        let standing = Standing {
            days: of(&[lesson(3, 1, true), lesson(4, 2, false)]),
            evidence: known(&[(3, 4), (5, 1)]),
            verdict: Verdict::Better,
            judged: Some(Day(12)),
            gain: Some(Gain {
                value: 0.5,
                standard_error: 0.1,
                low: 0.3,
                high: 0.7,
            }),
            widened: [((5, ChannelIndex(1)), 2.0)].into(),
        };
        for standing in [standing, Standing::default()] {
            let bytes = standing.encode();
            assert_eq!(Standing::decode(&bytes).as_ref(), Ok(&standing));
            for cut in 0..bytes.len() {
                assert!(Standing::decode(&bytes[..cut]).is_err(), "{cut}");
            }
        }
        assert_eq!(Standing::decode(b"NBC1\x01\x00"), Err(Unreadable::Other));
        assert!((Standing::default().widening(5, ChannelIndex(1)) - 1.0).abs() < f64::EPSILON);
    }
}
