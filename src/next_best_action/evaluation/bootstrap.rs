//! Intervals by drawing whole profiles again.
//!
//! What must stay true:
//!
//! - A profile is drawn with all of its rows or not at all: rows of one customer are alike, and drawing rows would pretend to
//!   know more than is known.
//! - The number of resamples is bounded, the seed is given, and profiles are in the order of their ids: the same rows give
//!   the same interval, bit for bit.
//! - Every estimate is a ratio of sums over profiles, so a resample needs only sums of products, and its own standard error
//!   comes with it.
//!
//! Intervals are **studentized** (bootstrap-t; Efron 1981; Hall 1988): each resample gives `t* = (e* - e) / se*`, and the
//! interval is `e - t*(0.975) se` to `e - t*(0.025) se`. Rewards times weights are skewed, so a mean and its standard error
//! go together, which percentiles of `e*` alone do not see. `benches/decisions/coverage.rs` measures both; its figures
//! are why this one was chosen. The percentile interval is kept beside it, for that comparison only.
//!
//! **Known squares.** The spread of a weighted mean hangs on a few large weights, and a log in which they happened to be
//! rare looks surer than it is. But how large squared weights are on average is *known* when all propensities were logged:
//! `sum over a of pi_e(a)^2 / pi_b(a)` for each row. So the standard error of IPW and DR is multiplied by
//! `sqrt(expected / found)` of the sum of squares, and that of a resample by `sqrt(found / drawn)`: the same correction, in the
//! world of the resample. It is ours, and measured: `docs/policy_evaluation.md` has figures with and without it. SNIPW divides by
//! the weights it found, and needs none.

use super::{
    number::{length, position},
    random::SplitMix,
};

/// Resamples unless said otherwise. With 399, the ends are exactly the 10th and the 390th.
pub const RESAMPLES: usize = 399;
/// Fewest and most resamples.
pub const RESAMPLES_WITHIN: (usize, usize) = (99, 1_999);
/// Share of an interval's misses that fall on each side.
const TAIL: f64 = 0.025;

/// How intervals are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resampling {
    /// How many resamples, held within [`RESAMPLES_WITHIN`].
    pub resamples: usize,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Resampling {
    fn default() -> Self {
        Self {
            resamples: RESAMPLES,
            seed: 0,
        }
    }
}

/// An estimate and how far it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The estimate, in the unit of rewards.
    pub value: f64,
    /// Its standard error, clustered by profile.
    pub standard_error: f64,
    /// The 95% interval (studentized), lower end first.
    pub interval: (f64, f64),
    /// The percentile interval of the same resamples, for comparison: it covers less.
    pub percentile: (f64, f64),
}

/// Numerator and denominator of one profile.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub(super) over: f64,
    pub(super) under: f64,
}

/// What a group of profiles adds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<const E: usize> {
    pub(super) parts: [Part; E],
    /// Sum of squared weights.
    pub(super) squares: f64,
}

impl<const E: usize> Default for Group<E> {
    fn default() -> Self {
        Self {
            parts: [Part::default(); E],
            squares: 0.0,
        }
    }
}

/// What is known of squared weights besides those that were found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<const E: usize> {
    /// Their expected sum over all rows; `None` when it is not known.
    pub(super) expected: Option<f64>,
    /// The ratios whose standard errors hang on them.
    pub(super) of: [bool; E],
}

/// over, under, over², over under, under².
type Moments = [f64; 5];

#[derive(Clone, Copy, Debug)]
struct Sums<const E: usize> {
    moments: [Moments; E],
    squares: f64,
}

impl<const E: usize> Sums<E> {
    const NONE: Self = Self {
        moments: [[0.0; 5]; E],
        squares: 0.0,
    };

    fn of(group: &Group<E>) -> Self {
        Self {
            moments: group.parts.map(|Part { over, under }| {
                [over, under, over * over, over * under, under * under]
            }),
            squares: group.squares,
        }
    }

    fn add(&mut self, more: &Self) {
        for (sums, more) in self.moments.iter_mut().zip(&more.moments) {
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
        self.squares += more.squares;
    }
}

/// The ratio of sums and its standard error by linearisation (Taylor), from sums over `n` groups.
fn ratio(sums: &Moments, n: f64) -> (f64, f64) {
    let [over, under, squares, products, unders] = *sums;
    let value = over / under;
    let residual = squares - value * (2.0 * products - value * unders);
    let error = (residual.max(0.0) * n / (n - 1.0)).sqrt() / under.abs();
    (value, error)
}

/// Ratios with their standard errors, which are those found times the square root of `squares` over those in the sums.
fn ratios<const E: usize>(sums: &Sums<E>, n: f64, squares: f64, of: [bool; E]) -> [(f64, f64); E] {
    let known = squares / sums.squares;
    let factor = if known.is_finite() && known > 0.0 {
        known.sqrt()
    } else {
        1.0
    };
    let mut of = of.into_iter();
    sums.moments.map(|moments| {
        let (value, error) = ratio(&moments, n);
        let corrected = of.next().unwrap_or_default();
        (value, if corrected { error * factor } else { error })
    })
}

/// `E` ratios over the same groups, resampled together. `None` with fewer than two groups or nothing below a line.
pub(super) fn intervals<const E: usize>(
    groups: &[Group<E>],
    known: Known<E>,
    resampling: Resampling,
) -> Option<[Estimate; E]> {
    let bound = u32::try_from(groups.len())
        .ok()
        .filter(|bound| *bound > 1)?;
    let n = length(groups.len());
    let of = known.of.map(|of| of && known.expected.is_some());
    let all: Vec<Sums<E>> = groups.iter().map(Sums::of).collect();
    let mut whole = Sums::NONE;
    for group in &all {
        whole.add(group);
    }
    let found = ratios(&whole, n, known.expected.unwrap_or_default(), of);
    if found.iter().any(|(value, _)| !value.is_finite()) {
        return None;
    }
    let (fewest, most) = RESAMPLES_WITHIN;
    let mut drawn: [Drawn; E] = [const { Drawn::NONE }; E];
    let mut random = SplitMix::new(resampling.seed);
    for _ in 0..resampling.resamples.clamp(fewest, most) {
        let sums = draw(&all, bound, &mut random);
        let again = ratios(&sums, n, whole.squares, of);
        for ((drawn, again), found) in drawn.iter_mut().zip(again).zip(&found) {
            drawn.add(again, found.0);
        }
    }
    let mut found = found.into_iter();
    Some(drawn.map(|drawn| drawn.estimate(found.next().unwrap_or_default())))
}

/// Sums over as many groups as there are, drawn with replacement.
fn draw<const E: usize>(all: &[Sums<E>], bound: u32, random: &mut SplitMix) -> Sums<E> {
    let mut sums = Sums::NONE;
    for _ in 0..bound / 2 {
        let (one, two) = random.two_below(bound);
        if let (Some(one), Some(two)) = (all.get(one), all.get(two)) {
            sums.add(one);
            sums.add(two);
        }
    }
    if bound % 2 == 1
        && let Some(last) = all.get(random.two_below(bound).0)
    {
        sums.add(last);
    }
    sums
}

/// What resamples gave for one ratio.
struct Drawn {
    values: Vec<f64>,
    deviates: Vec<f64>,
}

impl Drawn {
    const NONE: Self = Self {
        values: Vec::new(),
        deviates: Vec::new(),
    };

    /// A resample with nothing below the line or without spread says nothing about where the truth is.
    fn add(&mut self, (value, error): (f64, f64), centre: f64) {
        if value.is_finite() {
            self.values.push(value);
        }
        let deviate = (value - centre) / error;
        if deviate.is_finite() {
            self.deviates.push(deviate);
        }
    }

    fn estimate(mut self, (value, standard_error): (f64, f64)) -> Estimate {
        let (low, high) = tails(&mut self.deviates, 0.0);
        Estimate {
            value,
            standard_error,
            interval: (value - high * standard_error, value - low * standard_error),
            percentile: tails(&mut self.values, value),
        }
    }
}

/// The values with 2.5% below and above them; `centre` where there are none.
fn tails(values: &mut [f64], centre: f64) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let low = position(TAIL, values.len() + 1).saturating_sub(1);
    let high = values.len().saturating_sub(1 + low);
    let end = |at: usize| values.get(at).copied().unwrap_or(centre);
    (end(low), end(high))
}

#[cfg(test)]
#[path = "bootstrap/tests.rs"]
mod tests;
