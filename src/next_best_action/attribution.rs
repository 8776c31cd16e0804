//! Which offer a conversion belongs to that names no decision: the last touch within the window.
//!
//! What must stay true: the answer is a function of the set of touches, whatever their order. Of touches with the action
//! (or of the group) delivered no later than the conversion and no more than W before it, W being that of the action of
//! the touch, the latest counts; of touches of one instant that with the greatest decision id, then the greatest slot.

use crate::{
    clock::Micros,
    next_best_action::keys::{DecisionKey, GroupKey},
};

/// A delivered offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Its decision.
    pub decision: DecisionKey,
    /// Its slot, from 0.
    pub slot: u16,
    /// Its action, of any version.
    pub action: u64,
    /// Its action's group.
    pub group: GroupKey,
    /// When it was delivered: [`super::outcome::Record::delivered_at`].
    pub at: Micros,
    /// Attribution window of its action in microseconds, 0 or more.
    pub window: i64,
}

/// What was converted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An action, of any version.
    Action(u64),
    /// Any action of a group.
    Group(GroupKey),
}

impl Touch {
    /// Whether a conversion at `at` can be due to it: both ends of the window count.
    #[must_use]
    pub fn reaches(&self, target: Target, at: Micros) -> bool {
        let meant = match target {
            Target::Action(action) => action == self.action,
            Target::Group(group) => group == self.group,
        };
        meant && self.at <= at && at.0.saturating_sub(self.at.0) <= self.window
    }
}

/// The touch that a conversion at `at` is due to; none when no touch reaches so far.
#[must_use]
pub fn last_touch(
    touches: impl IntoIterator<Item = Touch>,
    target: Target,
    at: Micros,
) -> Option<Touch> {
    touches
        .into_iter()
        .filter(|touch| touch.reaches(target, at))
        .max_by_key(|touch| (touch.at, touch.decision, touch.slot))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn touch(decision: u128, action: u64, at: i64) -> Touch {
        Touch {
            decision: DecisionKey(decision),
            slot: 0,
            action,
            group: GroupKey(action / 10),
            at: Micros(at),
            window: 100,
        }
    }

    #[test]
    fn the_last_touch_within_the_window_counts() {
        let touches = [
            touch(1, 11, 0),
            touch(2, 11, 50),
            touch(3, 12, 60),
            touch(4, 11, 90),
        ];
        let due = |target, at| last_touch(touches, target, Micros(at)).map(|t| t.decision.0);
        assert_eq!(due(Target::Action(11), 70), Some(2));
        assert_eq!(due(Target::Group(GroupKey(1)), 70), Some(3));
        assert_eq!(
            due(Target::Action(11), 190),
            Some(4),
            "the window ends after its end"
        );
        assert_eq!(due(Target::Action(11), 191), None);
        assert_eq!(due(Target::Action(11), -1), None, "before any touch");
        assert_eq!(due(Target::Action(13), 70), None);
    }

    #[test]
    fn of_one_instant_the_greater_decision_counts() {
        let touches = [touch(7, 1, 5), touch(9, 1, 5), touch(8, 1, 5)];
        let due = last_touch(touches, Target::Action(1), Micros(5)).unwrap();
        assert_eq!(due.decision, DecisionKey(9));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_order_of_touches_does_not_matter(
            (touches, shuffled) in prop::collection::vec((0..9_u128, 0..3_u64, 0..50_i64), 0..12)
                .prop_flat_map(|t| (Just(t.clone()), Just(t).prop_shuffle())),
            at in 0..200_i64,
        ) {
            let due = |of: &[(u128, u64, i64)]| {
                let touches = of.iter().map(|(d, a, t)| touch(*d, *a, *t));
                last_touch(touches, Target::Group(GroupKey(0)), Micros(at))
                    .map(|t| (t.at, t.decision))
            };
            prop_assert_eq!(due(&touches), due(&shuffled));
        }
    }
}
