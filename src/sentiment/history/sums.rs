//! Sums over feelings: integers, so that they are exact in any order.

use crate::{
    profile::feelings::{Counted, label},
    proto::{
        state::v1::Feelings,
        v1::{SentimentCounts, SentimentLabel},
    },
};

/// Sums over some feelings. Polarities and weights are in thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Feelings that were bad: at most -250.
    pub negative: u64,
    /// Feelings that were neither.
    pub neutral: u64,
    /// Feelings that were good: at least 250.
    pub positive: u64,
    /// Texts of which no feeling could be told.
    pub abstained: u64,
    /// Sum of the weights.
    pub weight: u64,
    /// Sum of the squares of the weights.
    pub weight_squares: u64,
    /// Sum of weight times polarity.
    pub weighted: i64,
    /// Sum of weight times the square of the polarity.
    pub weighted_squares: u64,
    /// The lowest polarity.
    pub lowest: Option<i32>,
    /// The highest polarity.
    pub highest: Option<i32>,
    /// Texts that speak of effort.
    pub efforts: u64,
    /// Sum of their efforts, in thousandths.
    pub effort: i64,
}

impl Sums {
    /// Of one text: the feeling that counts, and the effort in thousandths.
    #[must_use]
    pub fn one(counted: Option<Counted>, effort: Option<i16>) -> Self {
        let mut sums = Self {
            efforts: effort.is_some().into(),
            effort: effort.unwrap_or(0).into(),
            ..Self::default()
        };
        let Some(counted) = counted else {
            sums.abstained = 1;
            return sums;
        };
        match label(counted.polarity) {
            SentimentLabel::Negative => sums.negative = 1,
            SentimentLabel::Positive => sums.positive = 1,
            SentimentLabel::Neutral | SentimentLabel::Unspecified => sums.neutral = 1,
        }
        let (weight, polarity) = (u64::from(counted.weight), i64::from(counted.polarity));
        sums.weight = weight;
        sums.weight_squares = weight * weight;
        sums.weighted = i64::from(counted.weight) * polarity;
        sums.weighted_squares = weight * (polarity * polarity).unsigned_abs();
        sums.lowest = Some(counted.polarity.into());
        sums.highest = Some(counted.polarity.into());
        sums
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.negative += other.negative;
        self.neutral += other.neutral;
        self.positive += other.positive;
        self.abstained += other.abstained;
        self.weight += other.weight;
        self.weight_squares += other.weight_squares;
        self.weighted += other.weighted;
        self.weighted_squares += other.weighted_squares;
        let lowest = self.lowest.into_iter().chain(other.lowest).min();
        self.lowest = lowest;
        self.highest = self.highest.max(other.highest);
        self.efforts += other.efforts;
        self.effort += other.effort;
    }

    /// How many feelings.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.negative + self.neutral + self.positive
    }

    /// Weighted mean, -1 to 1; none while there is no feeling.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.weight > 0).then(|| float(self.weighted) / float_of(self.weight) / 1000.0)
    }

    /// Mean effort, -1 to 1; none when nothing speaks of effort.
    #[must_use]
    pub fn mean_effort(&self) -> Option<f64> {
        (self.efforts > 0).then(|| float(self.effort) / float_of(self.efforts) / 1000.0)
    }

    /// As the protocol shows them.
    #[must_use]
    pub fn counts(&self) -> SentimentCounts {
        SentimentCounts {
            count: signed(self.count()),
            mean: self.mean(),
            lowest: self.lowest.map(share),
            highest: self.highest.map(share),
            negative: signed(self.negative),
            neutral: signed(self.neutral),
            positive: signed(self.positive),
            abstained: signed(self.abstained),
            effort: self.mean_effort(),
        }
    }
}

impl From<&Feelings> for Sums {
    fn from(stored: &Feelings) -> Self {
        Self {
            negative: stored.negative,
            neutral: stored.neutral,
            positive: stored.positive,
            abstained: stored.abstained,
            weight: stored.weight,
            weight_squares: stored.weight_squares,
            weighted: stored.weighted,
            weighted_squares: stored.weighted_squares,
            lowest: stored.lowest,
            highest: stored.highest,
            efforts: stored.efforts,
            effort: stored.effort,
        }
    }
}

/// Thousandths as a number.
pub(super) fn share(thousandths: i32) -> f64 {
    f64::from(thousandths) / 1000.0
}

pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A sum as a number; exact to 2^53, which is nine million feelings of the greatest square.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact below 2^53, and nearest above"
)]
pub(super) fn float(sum: i64) -> f64 {
    sum as f64
}

/// As [`float`].
#[expect(
    clippy::cast_precision_loss,
    reason = "exact below 2^53, and nearest above"
)]
pub(super) fn float_of(sum: u64) -> f64 {
    sum as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::v1::AnalysisMethod;

    fn said(polarity: i16, weight: u16, effort: Option<i16>) -> Sums {
        let counted = Counted {
            polarity,
            weight,
            method: AnalysisMethod::Caller,
        };
        Sums::one(Some(counted), effort)
    }

    #[test]
    fn nothing_has_no_mean() {
        let abstained = Sums::one(None, None).counts();
        assert_eq!((abstained.count, abstained.abstained), (0, 1));
        assert_eq!(
            (abstained.mean, abstained.lowest, abstained.effort),
            (None, None, None)
        );
    }

    #[test]
    fn a_mean_is_weighted_and_labels_begin_at_a_quarter() {
        let mut sums = said(-250, 1000, Some(500));
        sums.add(&said(250, 500, Some(-1000)));
        sums.add(&said(249, 1, None));
        let counts = sums.counts();
        assert_eq!(
            (counts.negative, counts.neutral, counts.positive),
            (1, 1, 1)
        );
        let mean = (-250.0 * 1000.0 + 250.0 * 500.0 + 249.0) / 1501.0 / 1000.0;
        assert!((counts.mean.unwrap() - mean).abs() < 1e-12);
        assert_eq!((counts.lowest, counts.highest), (Some(-0.25), Some(0.25)));
        assert_eq!(counts.effort, Some(-0.25));
    }
}
