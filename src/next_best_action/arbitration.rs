//! Which of the actions that may be offered should be: `ln priority = ln P + ln C + ln V + ln L`.
//!
//! P is the propensity, 0 to 1; C = clamp(1 + sum of context points / 100, 0, 5); V = max(value, floor), so that an action
//! worth nothing can still win; L = clamp(1 + (issue + group + action points) / 100, 0.1, 3).
//!
//! What must stay true: the four terms add up to the logarithm of the priority, each is a bar of its own, and the
//! difference of two priorities is the sum of the differences of the bars. Logarithms are those of `libm`, the same on every
//! machine. C = 0 makes `ln C` minus infinity: such an action has no priority at all and is not chosen by any means.

use std::fmt;

/// Least and greatest weight of the context.
pub const CONTEXT: (f64, f64) = (0.0, 5.0);
/// Least and greatest lever.
pub const LEVER: (f64, f64) = (0.1, 3.0);

/// The four bars of an action; natural logarithms.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// Of the mean propensity; at most 0.
    pub ln_p: f64,
    /// Of the weight of the context; minus infinity when that is 0.
    pub ln_c: f64,
    /// Of the value, in the unit of the catalogue.
    pub ln_v: f64,
    /// Of the levers.
    pub ln_l: f64,
}

/// One of the bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Term {
    /// How likely the customer says yes.
    Propensity,
    /// How well it fits the moment.
    Context,
    /// What a yes is worth.
    Value,
    /// What the business wants to see more of.
    Lever,
}

impl Terms {
    /// The logarithm of the priority.
    #[must_use]
    pub fn priority(&self) -> f64 {
        self.ln_p + self.fixed()
    }

    /// All but the propensity.
    #[must_use]
    pub fn fixed(&self) -> f64 {
        self.ln_c + self.ln_v + self.ln_l
    }

    /// A bar.
    #[must_use]
    pub const fn get(&self, term: Term) -> f64 {
        match term {
            Term::Propensity => self.ln_p,
            Term::Context => self.ln_c,
            Term::Value => self.ln_v,
            Term::Lever => self.ln_l,
        }
    }
}

/// `ln C` of a sum of context points.
#[must_use]
pub fn ln_context(points: i64) -> f64 {
    ln_clamped(points, CONTEXT)
}

/// `ln L` of the sum of the points of issue, group and action.
#[must_use]
pub fn ln_lever(points: i64) -> f64 {
    ln_clamped(points, LEVER)
}

/// `ln V` of a value with a floor above 0; a value or floor that is no number counts as the least that there is.
#[must_use]
pub fn ln_value(value: f64, floor: f64) -> f64 {
    libm::log(f64::MIN_POSITIVE.max(floor).max(value).min(f64::MAX))
}

fn ln_clamped(points: i64, (least, most): (f64, f64)) -> f64 {
    // Beyond this both clamps hold anyway.
    let points = i32::try_from(points.clamp(-1_000, 1_000)).unwrap_or_default();
    if points == 0 {
        return 0.0;
    }
    libm::log((1.0 + f64::from(points) / 100.0).clamp(least, most))
}

/// One line of why A beat B.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    /// The bar.
    pub term: Term,
    /// A's bar less B's; above 0 speaks for A.
    pub difference: f64,
    /// How many times as much A has of it as B.
    pub ratio: f64,
}

/// Why A beat B, or would have without chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// A's priority less B's, in logarithms: the sum of the differences.
    pub difference: f64,
    /// The four bars, the one that speaks loudest first, for whomever it speaks.
    pub reasons: [Reason; 4],
}

/// Compares two actions.
#[must_use]
pub fn compare(a: &Terms, b: &Terms) -> Comparison {
    let terms = [Term::Propensity, Term::Context, Term::Value, Term::Lever];
    let mut reasons = terms.map(|term| {
        let (a, b) = (a.get(term), b.get(term));
        // Two of no weight do not differ.
        let difference = if a.total_cmp(&b).is_eq() { 0.0 } else { a - b };
        Reason {
            term,
            difference,
            ratio: libm::exp(difference),
        }
    });
    reasons.sort_by(|a, b| b.difference.abs().total_cmp(&a.difference.abs()));
    Comparison {
        difference: reasons.iter().map(|reason| reason.difference).sum(),
        reasons,
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.term {
            Term::Propensity => "as likely to be accepted",
            Term::Context => "as fitting now",
            Term::Value => "as valuable",
            Term::Lever => "as promoted",
        };
        if self.difference > 0.0 {
            write!(f, "{:.2} times {what}", self.ratio)
        } else if self.difference < 0.0 {
            write!(f, "only {:.2} times {what}", self.ratio)
        } else {
            write!(f, "just {what}")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn the_clamps_are_those_of_the_method() {
        assert!(close(ln_context(0), 0.0) && close(ln_context(50), 1.5_f64.ln()));
        assert!(close(ln_context(400), 5.0_f64.ln()) && close(ln_context(9_000), 5.0_f64.ln()));
        assert!(ln_context(-100).is_infinite() && ln_context(i64::MIN).is_infinite());
        assert!(close(ln_lever(-95), 0.1_f64.ln()) && close(ln_lever(i64::MIN), 0.1_f64.ln()));
        assert!(close(ln_lever(200), 3.0_f64.ln()) && close(ln_lever(201), 3.0_f64.ln()));
        assert!(
            close(ln_value(0.0, 0.01), 0.01_f64.ln()) && close(ln_value(2.0, 0.01), 2.0_f64.ln())
        );
        assert!(
            ln_value(f64::NAN, f64::NAN).is_finite() && ln_value(f64::INFINITY, 1.0).is_finite()
        );
    }

    #[test]
    fn an_action_worth_nothing_can_win() {
        let serve = Terms {
            ln_p: 0.9_f64.ln(),
            ln_v: ln_value(0.0, 1.0),
            ..Terms::default()
        };
        let sell = Terms {
            ln_p: 0.01_f64.ln(),
            ln_v: ln_value(50.0, 1.0),
            ..Terms::default()
        };
        assert!(serve.priority() > sell.priority());
    }

    #[test]
    fn the_loudest_bar_comes_first() {
        let a = Terms {
            ln_p: 0.4_f64.ln(),
            ..Terms::default()
        };
        let b = Terms {
            ln_p: 0.1_f64.ln(),
            ln_v: 2.0_f64.ln(),
            ..Terms::default()
        };
        let why = compare(&a, &b);
        let lines: Vec<String> = why.reasons.iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "4.00 times as likely to be accepted");
        assert_eq!(lines[1], "only 0.50 times as valuable");
        assert_eq!(lines[2], "just as fitting now");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_bars_add_up_and_comparing_is_antisymmetric(
            p in 0.001..1.0_f64, q in 0.001..1.0_f64, c in -99..400_i64, l in -100..200_i64, v in 0.0..1e6_f64,
        ) {
            let a = Terms { ln_p: p.ln(), ln_c: ln_context(c), ln_v: ln_value(v, 1.0), ln_l: ln_lever(l) };
            let b = Terms { ln_p: q.ln(), ..Terms::default() };
            let (one, other) = (compare(&a, &b), compare(&b, &a));
            prop_assert!(close(one.difference, a.priority() - b.priority()));
            prop_assert!(close(one.difference, -other.difference));
            prop_assert!((one.difference.exp() - a.priority().exp() / b.priority().exp()).abs() / one.difference.exp() < 1e-9);
        }
    }
}
