//! For whom is decided in another way, so that we learn what deciding is worth.
//!
//! What must stay true:
//!
//! - The group is a function of (salt, profile, epoch): `u = hash(salt, profile, epoch)` of 0 and above and below 1; below
//!   the universal share the profile is held out, below that and the random share it is decided for at random, else the
//!   policy decides. It is drawn once an epoch and pinned, so that neither a change of shares nor a merge moves anyone.
//! - Pins are a set: merged customers have those of both, an undo parts them. Whoever has the pins of two profiles of an
//!   epoch was decided for in two ways or may have been: they are left out of lift, and get the group that interferes
//!   least (held out before random before policy).
//! - SERVE and mandatory actions stand outside every holdout: who is held out gets them by the policy, and who is decided
//!   for at random gets them with the very probability that the policy gives them.

use crate::next_best_action::{
    hashing::{Domain, unit},
    keys::{Issue, split},
};

/// How it is decided for a customer; the first interferes least.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Gets the fallback.
    HeldOut,
    /// Gets any eligible action, each as likely.
    Random,
    /// Gets what the policy chooses.
    #[default]
    Policy,
}

/// How many are in which group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shares {
    /// Hash of the salt.
    pub salt: u64,
    /// The epoch, such as the month.
    pub epoch: u32,
    /// Share held out of everything, 0 to 1.
    pub held_out: f64,
    /// Share decided for at random, 0 to 1; 0.02 where nothing else is said.
    pub random: f64,
}

/// A group that was given to a profile for an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pin {
    /// The epoch.
    pub epoch: u32,
    /// The profile that it was given to.
    pub profile: u128,
    /// The group.
    pub group: Group,
}

/// The pins of a customer: a set, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pins(Vec<Pin>);

/// How it is decided for a customer now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assigned {
    /// The group.
    pub group: Group,
    /// Whether their outcomes count in a lift.
    pub in_lift: bool,
    /// The pin to be stored, where none was.
    pub pin: Option<Pin>,
}

impl Shares {
    /// The group of a profile that has no pin.
    #[must_use]
    pub fn draw(&self, profile: u128) -> Group {
        let (high, low) = split(profile);
        let u = unit(Domain::Holdout.hash(&[self.salt, high, low, self.epoch.into()]));
        if u < self.held_out {
            Group::HeldOut
        } else if u < self.held_out + self.random {
            Group::Random
        } else {
            Group::Policy
        }
    }

    /// How it is decided for a profile with these pins. A customer without a profile gets the policy and counts in no lift.
    #[must_use]
    pub fn assign(&self, profile: Option<u128>, pins: &Pins) -> Assigned {
        let Some(profile) = profile else {
            return Assigned::default();
        };
        let mut of_epoch = pins.0.iter().filter(|pin| pin.epoch == self.epoch);
        let Some(first) = of_epoch.next() else {
            let group = self.draw(profile);
            let pin = Pin {
                epoch: self.epoch,
                profile,
                group,
            };
            return Assigned {
                group,
                in_lift: true,
                pin: Some(pin),
            };
        };
        of_epoch.fold(
            Assigned {
                group: first.group,
                in_lift: true,
                pin: None,
            },
            |all, pin| Assigned {
                group: all.group.min(pin.group),
                in_lift: false,
                pin: None,
            },
        )
    }
}

impl Pins {
    /// Of any pins.
    #[must_use]
    pub fn of(mut pins: Vec<Pin>) -> Self {
        pins.sort_unstable();
        pins.dedup();
        Self(pins)
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        let mut pins = std::mem::take(&mut self.0);
        pins.extend_from_slice(&other.0);
        *self = Self::of(pins);
    }

    /// All of them, by epoch and profile.
    #[must_use]
    pub fn pins(&self) -> &[Pin] {
        &self.0
    }
}

/// Whether an action stands outside every holdout.
#[must_use]
pub fn stands_outside(issue: Issue, mandatory: bool) -> bool {
    mandatory || issue == Issue::Serve
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHARES: Shares = Shares {
        salt: 42,
        epoch: 7,
        held_out: 0.05,
        random: 0.02,
    };

    #[test]
    fn groups_have_their_shares() {
        let mut counts = [0_u32; 3];
        for profile in 0..100_000 {
            counts[SHARES.draw(profile) as usize] += 1;
        }
        // Four standard deviations of the binomial.
        assert!(counts[0].abs_diff(5_000) < 276, "{counts:?}");
        assert!(counts[1].abs_diff(2_000) < 178, "{counts:?}");
    }

    #[test]
    fn another_salt_or_epoch_draws_anew() {
        let same = |other: Shares| {
            let alike =
                |p: &u128| SHARES.draw(*p) == Group::HeldOut && other.draw(*p) == Group::HeldOut;
            (0..100_000).filter(alike).count()
        };
        assert!(same(Shares { salt: 43, ..SHARES }) < 400);
        assert!(same(Shares { epoch: 8, ..SHARES }) < 400);
    }

    #[test]
    fn a_pin_holds_whatever_becomes_of_the_shares() {
        let first = SHARES.assign(Some(1), &Pins::default());
        let pins = Pins::of(vec![first.pin.unwrap()]);
        let later = Shares {
            held_out: 1.0,
            ..SHARES
        };
        let again = later.assign(Some(1), &pins);
        assert_eq!(
            (again.group, again.in_lift, again.pin),
            (first.group, true, None)
        );
        let next = Shares { epoch: 8, ..later };
        assert_eq!(next.assign(Some(1), &pins).group, Group::HeldOut);
    }

    #[test]
    fn merged_customers_are_left_out_of_lift_and_parted_ones_are_not() {
        let pin = |profile, group| Pin {
            epoch: 7,
            profile,
            group,
        };
        let (a, b) = (
            Pins::of(vec![pin(1, Group::Policy)]),
            Pins::of(vec![pin(2, Group::HeldOut)]),
        );
        let mut merged = a.clone();
        merged.merge(&b);
        let both = SHARES.assign(Some(1), &merged);
        assert_eq!((both.group, both.in_lift), (Group::HeldOut, false));
        let same = Pins::of(vec![pin(1, Group::Policy), pin(2, Group::Policy)]);
        assert!(
            !SHARES.assign(Some(1), &same).in_lift,
            "merged pairs count never"
        );
        assert!(SHARES.assign(Some(1), &a).in_lift);
        assert_eq!(SHARES.assign(None, &merged), Assigned::default());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn pins_are_a_set(a in pins(), b in pins(), c in pins()) {
            let unite = |x: &Pins, y: &Pins| { let mut all = x.clone(); all.merge(y); all };
            prop_assert_eq!(unite(&a, &b), unite(&b, &a));
            prop_assert_eq!(unite(&unite(&a, &b), &c), unite(&a, &unite(&b, &c)));
            prop_assert_eq!(unite(&a, &a), a);
        }
    }

    fn pins() -> impl Strategy<Value = Pins> {
        let groups = vec![Group::HeldOut, Group::Random, Group::Policy];
        let pin = (0..3_u32, 0..3_u128, prop::sample::select(groups));
        let pin = pin.prop_map(|(epoch, profile, group)| Pin {
            epoch,
            profile,
            group,
        });
        prop::collection::vec(pin, 0..6).prop_map(Pins::of)
    }
}
