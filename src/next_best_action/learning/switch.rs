//! Which level speaks for an action.
//!
//! What must stay true: level 2 speaks only where it has been shown to be better, and only with enough behind it; in any
//! doubt level 1 does, and the reason is told.

/// Effective n from which level 2 may speak.
pub const ENOUGH: f64 = 200.0;

/// What off-policy evaluation says of level 2 for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not evaluated, or refused for want of samples, support or positives.
    Unknown,
    /// The interval of its gain over level 1 is not above 0.
    NotBetter,
    /// The interval of its gain over level 1 is above 0.
    Better,
}

/// The level that speaks, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spoke {
    /// Level 1, since there is too little for level 2.
    TooFew {
        /// Effective n of the action on the channel.
        effective_n: f64,
    },
    /// Level 1, since nothing says that level 2 is better.
    NotEvaluated,
    /// Level 1, since level 2 is not better.
    NotBetter,
    /// Level 2.
    Contextual,
}

impl Spoke {
    /// For an action on a channel.
    #[must_use]
    pub fn of(effective_n: f64, verdict: Verdict) -> Self {
        match verdict {
            // Also for what is no number.
            _ if effective_n.is_nan() || effective_n < ENOUGH => Self::TooFew { effective_n },
            Verdict::Unknown => Self::NotEvaluated,
            Verdict::NotBetter => Self::NotBetter,
            Verdict::Better => Self::Contextual,
        }
    }

    /// 1 or 2.
    #[must_use]
    pub const fn level(self) -> u8 {
        match self {
            Self::Contextual => 2,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn level_2_speaks_with_200_and_a_win_only() {
        for verdict in [Verdict::Unknown, Verdict::NotBetter, Verdict::Better] {
            for n in [0.0, 199.9, 200.0, 1e9, f64::NAN] {
                let wins = verdict == Verdict::Better && n >= 200.0;
                assert_eq!(Spoke::of(n, verdict).level(), if wins { 2 } else { 1 });
            }
        }
        assert_eq!(Spoke::of(500.0, Verdict::Unknown), Spoke::NotEvaluated);
        assert_eq!(Spoke::of(500.0, Verdict::NotBetter), Spoke::NotBetter);
    }
}
