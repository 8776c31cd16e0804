//! What an action is worth, and what is believed of it before anything is known.

/// What an acceptance is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// How much.
    pub amount: Amount,
    /// The least it counts as, in the unit of the amount, at least 1; absent means the policy's. A service action of no value
    /// could otherwise never win, since priorities are multiplied.
    pub floor: Option<i64>,
}

/// An amount of 0 to 10^12.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Of money, in minor units.
    Money {
        /// ISO 4217 code in capitals.
        currency: String,
        /// Cents; yen have none.
        minor_units: i64,
    },
    /// Of points; the policy says what one is worth.
    Points(i64),
}

/// Levers in percent points, each -100 to 200. `L = clamp(1 + (issue + group + action) / 100, 0.1, 3)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Levers {
    /// Of the issue.
    pub issue: i32,
    /// Of the group.
    pub group: i32,
    /// Of the action.
    pub action: i32,
}

impl Levers {
    /// Their sum in percent points.
    #[must_use]
    pub const fn sum(self) -> i32 {
        self.issue
            .saturating_add(self.group)
            .saturating_add(self.action)
    }
}

/// What is believed before anything is known: `alpha = E0 P0`, `beta = E0 (1 - P0)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prior {
    /// P0: the propensity, above 0 and below 1.
    pub propensity: f64,
    /// E0: the weight in trials, 1 to 10,000.
    pub evidence: f64,
}

/// What each outcome counts, 0 to 1 each. They may not fall from impression to click to acceptance, and a refusal counts no
/// more than an impression. What is not delivered counts for nothing and against nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rewards {
    /// Seen.
    pub impression: f64,
    /// Followed.
    pub clicked: f64,
    /// Taken up; at least [`Rewards::POSITIVE`].
    pub accepted: f64,
    /// Refused.
    pub rejected: f64,
}

impl Rewards {
    /// An outcome with at least this reward is a success for the propensity, which knows only yes and no.
    pub const POSITIVE: f64 = 0.5;
}

impl Default for Rewards {
    /// Only an acceptance counts.
    fn default() -> Self {
        Self {
            impression: 0.0,
            clicked: 0.0,
            accepted: 1.0,
            rejected: 0.0,
        }
    }
}
