//! Which level speaks for an action.
//!
//! What must stay true: level 2 speaks only after it has been shown to be better, and only with enough behind it; in any
//! doubt level 1 does, and the reason is told. Once it speaks it goes on until it is shown to be worse: where level 2 chooses, what
//! level 1 would have chosen becomes rare, and the log can no longer tell.

/// Effective n from which level 2 may speak.
pub const ENOUGH: f64 = 200.0;

/// How many standard errors a gain must lie above 0: more than 1.96, since it is asked again and again.
pub const SURE: f64 = 2.5;

/// What off-policy evaluation has said of level 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    /// Not evaluated, or only on logs that said too little.
    #[default]
    Unknown,
    /// It was not shown to be better, or was shown to be worse.
    NotBetter,
    /// It was shown to be better, and not shown to be worse since.
    Better,
}

/// What level 2 brings more than level 1, a decision, in the unit of rewards.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gain {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Lower end of its 95% interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Verdict {
    /// The verdict after an evaluation; `None` when the log said too little, which changes nothing.
    #[must_use]
    pub fn after(self, gain: Option<Gain>) -> Self {
        let Some(gain) = gain else { return self };
        if gain.value > SURE * gain.standard_error && gain.low > 0.0 {
            Self::Better
        } else if self == Self::Better && gain.high >= 0.0 {
            self
        } else {
            Self::NotBetter
        }
    }
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
    fn it_speaks_once_it_is_better_and_until_it_is_worse() {
        let gain = |value: f64, error: f64| {
            Some(Gain {
                value,
                standard_error: error,
                low: value - 1.96 * error,
                high: value + 1.96 * error,
            })
        };
        for before in [Verdict::Unknown, Verdict::NotBetter, Verdict::Better] {
            assert_eq!(before.after(None), before);
            assert_eq!(before.after(gain(2.6, 1.0)), Verdict::Better);
            assert_eq!(before.after(gain(-2.0, 1.0)), Verdict::NotBetter);
            assert_eq!(before.after(gain(f64::NAN, 1.0)), Verdict::NotBetter);
            let chance = before.after(gain(2.4, 1.0));
            if before == Verdict::Better {
                assert_eq!(chance, Verdict::Better);
            } else {
                assert_eq!(chance, Verdict::NotBetter);
            }
        }
    }

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
