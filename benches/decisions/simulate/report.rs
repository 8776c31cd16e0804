//! Means over seeds, and paired intervals.

use super::policy::count;

/// Student's t for 95% with 19 degrees of freedom.
const T19: f64 = 2.093_024;

/// How far estimates are off the truth, all together (the sum of what they are off, of the sum of truths) and one by one (the
/// mean of (estimate - truth) / truth).
pub(crate) fn off(pairs: &[(f64, f64)]) -> [f64; 2] {
    let sum: f64 = pairs.iter().map(|(estimate, truth)| estimate - truth).sum();
    let of: f64 = pairs.iter().map(|(_, truth)| truth).sum();
    let each = pairs
        .iter()
        .map(|(estimate, truth)| (estimate - truth) / truth);
    [sum / of, each.sum::<f64>() / count(pairs.len().max(1))]
}

/// A mean over the seeds with half the width of its 95% interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mean {
    pub(crate) mean: f64,
    pub(crate) half: f64,
}

impl Mean {
    pub(crate) fn of(values: &[f64]) -> Self {
        let n = count(values.len());
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            half: T19 * (squares / (n - 1.0) / n).sqrt(),
        }
    }

    /// Of the differences between two policies in the same worlds.
    pub(crate) fn difference(a: &[f64], b: &[f64]) -> Self {
        let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
        Self::of(&differences)
    }

    /// In a thousand decisions, with its interval.
    pub(crate) fn thousand(&self) -> String {
        format!("{:.2} ± {:.2}", self.mean * 1e3, self.half * 1e3)
    }

    /// A difference of regrets in a thousand decisions, with its interval and what it says.
    pub(crate) fn said(&self) -> String {
        if self.half == 0.0 {
            return "-".to_owned();
        }
        format!("{}, {}", self.thousand(), self.verdict())
    }

    /// Whether the interval lies below 0, above it, or neither.
    pub(crate) fn verdict(&self) -> &'static str {
        if self.mean + self.half < 0.0 {
            "better"
        } else if self.mean - self.half > 0.0 {
            "worse"
        } else {
            "no difference shown"
        }
    }
}
