//! Sums of products, streaming: X'X and X'y for every pair of variables over the rows that have both.
//!
//! What must stay true: everything is a whole number. Adding, taking away and merging are exact and in any order; a
//! profile's change is its new sums minus its old.

use crate::experience::number::signed;

/// Values lie between plus and minus this, so that no product of sums leaves 128 bits before 2^40 rows.
pub const LARGEST: i32 = 1_000_000;

/// Topics at most.
pub const TOPICS: usize = 64;

/// A row that cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// Another number of topics, or more than [`TOPICS`].
    #[error("{got} topics in place of {expected}")]
    Topics {
        /// Topics of the sums, or the most there may be.
        expected: usize,
        /// Topics given.
        got: usize,
    },
    /// A value outside plus or minus [`LARGEST`].
    #[error("{0} is too large")]
    Value(i32),
}

/// Sums over the rows that have both of two variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pair {
    rows: i128,
    x: i128,
    y: i128,
    xx: i128,
    yy: i128,
    xy: i128,
}

impl Pair {
    fn add(&mut self, other: &Self, times: i128) {
        self.rows += times * other.rows;
        self.x += times * other.x;
        self.y += times * other.y;
        self.xx += times * other.xx;
        self.yy += times * other.yy;
        self.xy += times * other.xy;
    }

    fn of(x: i32, y: i32) -> Self {
        let (x, y) = (i128::from(x), i128::from(y));
        Self {
            rows: 1,
            x,
            y,
            xx: x * x,
            yy: y * y,
            xy: x * y,
        }
    }

    /// Rows with both.
    pub(super) fn rows(&self) -> u64 {
        u64::try_from(self.rows).unwrap_or(0)
    }

    /// Mean of the first variable; 0 without rows.
    pub(super) fn mean_of_first(&self) -> f64 {
        if self.rows == 0 {
            return 0.0;
        }
        signed(self.x) / signed(self.rows)
    }

    /// Standard error of the mean of the first variable; `None` of a single row.
    pub(super) fn error_of_first(&self) -> Option<f64> {
        let others = self.rows - 1;
        let spread = self.rows * self.xx - self.x * self.x;
        (others > 0).then(|| (signed(spread) / signed(others)).sqrt() / signed(self.rows))
    }

    /// Correlation, -1 to 1; `None` where one of them does not vary.
    pub(super) fn correlation(&self) -> Option<f64> {
        // Whole numbers until here: nothing cancels.
        let xx = self.rows * self.xx - self.x * self.x;
        let yy = self.rows * self.yy - self.y * self.y;
        let xy = self.rows * self.xy - self.x * self.y;
        (xx > 0 && yy > 0)
            .then(|| (signed(xy) / (signed(xx).sqrt() * signed(yy).sqrt())).clamp(-1.0, 1.0))
    }
}

/// Sums over rows of topics with an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moments {
    topics: usize,
    rows: i128,
    /// Pairs (i, j) with i <= j in order; the outcome is the variable after the topics.
    pairs: Vec<Pair>,
}

impl Moments {
    /// No rows yet.
    ///
    /// # Errors
    /// There are more than [`TOPICS`].
    pub fn new(topics: usize) -> Result<Self, Misfit> {
        if topics > TOPICS {
            return Err(Misfit::Topics {
                expected: TOPICS,
                got: topics,
            });
        }
        Ok(Self {
            topics,
            rows: 0,
            pairs: vec![Pair::default(); (topics + 1) * (topics + 2) / 2],
        })
    }

    /// The sums as they are stored: rows with a topic, and for each pair of variables (i, j), i <= j, the outcome last, the
    /// rows that have both, then the sums of x, y, xx, yy and xy over them.
    #[must_use]
    pub fn sums(&self) -> (i128, Vec<[i128; 6]>) {
        let of = |pair: &Pair| [pair.rows, pair.x, pair.y, pair.xx, pair.yy, pair.xy];
        (self.rows, self.pairs.iter().map(of).collect())
    }

    /// From stored sums, see [`Moments::sums`].
    ///
    /// # Errors
    /// There are too many topics, or not as many pairs as they have; the numbers given are then those of pairs.
    pub fn from_sums(topics: usize, rows: i128, pairs: &[[i128; 6]]) -> Result<Self, Misfit> {
        let mut moments = Self::new(topics)?;
        let (expected, got) = (moments.pairs.len(), pairs.len());
        if expected != got {
            return Err(Misfit::Topics { expected, got });
        }
        moments.rows = rows;
        for (pair, &[rows, x, y, xx, yy, xy]) in moments.pairs.iter_mut().zip(pairs) {
            *pair = Pair {
                rows,
                x,
                y,
                xx,
                yy,
                xy,
            };
        }
        Ok(moments)
    }

    /// Adds a row: each topic's value if it was mentioned, and the outcome. A row without any topic says nothing and
    /// changes nothing.
    ///
    /// # Errors
    /// The row has another number of topics or too large a value; nothing is added.
    pub fn add(&mut self, topics: &[Option<i32>], outcome: i32) -> Result<(), Misfit> {
        self.change(topics, outcome, 1)
    }

    /// Takes a row away that was added.
    ///
    /// # Errors
    /// As for adding.
    pub fn remove(&mut self, topics: &[Option<i32>], outcome: i32) -> Result<(), Misfit> {
        self.change(topics, outcome, -1)
    }

    fn change(&mut self, row: &[Option<i32>], outcome: i32, times: i128) -> Result<(), Misfit> {
        if row.len() != self.topics {
            return Err(Misfit::Topics {
                expected: self.topics,
                got: row.len(),
            });
        }
        let too_large = |value: &i32| value.unsigned_abs() > LARGEST.unsigned_abs();
        let given = row.iter().copied().flatten().chain([outcome]);
        if let Some(value) = given.clone().find(too_large) {
            return Err(Misfit::Value(value));
        }
        if given.count() == 1 {
            return Ok(());
        }
        self.rows += times;
        let variables: Vec<Option<i32>> = row.iter().copied().chain([Some(outcome)]).collect();
        for (i, &x) in variables.iter().enumerate() {
            for (j, &y) in variables.iter().enumerate().skip(i) {
                if let (Some(x), Some(y)) = (x, y) {
                    let at = self.place(i, j);
                    self.pairs[at].add(&Pair::of(x, y), times);
                }
            }
        }
        Ok(())
    }

    /// Adds the sums of other rows.
    ///
    /// # Errors
    /// They have another number of topics.
    pub fn merge(&mut self, other: &Self) -> Result<(), Misfit> {
        self.combine(other, 1)
    }

    /// Takes the sums of other rows away.
    ///
    /// # Errors
    /// They have another number of topics.
    pub fn subtract(&mut self, other: &Self) -> Result<(), Misfit> {
        self.combine(other, -1)
    }

    fn combine(&mut self, other: &Self, times: i128) -> Result<(), Misfit> {
        if self.topics != other.topics {
            return Err(Misfit::Topics {
                expected: self.topics,
                got: other.topics,
            });
        }
        self.rows += times * other.rows;
        for (pair, change) in self.pairs.iter_mut().zip(&other.pairs) {
            pair.add(change, times);
        }
        Ok(())
    }

    /// Number of topics.
    #[must_use]
    pub const fn topics(&self) -> usize {
        self.topics
    }

    /// Rows with at least one topic.
    #[must_use]
    pub fn rows(&self) -> u64 {
        u64::try_from(self.rows).unwrap_or(0)
    }

    /// The sums of two variables, the lower first.
    pub(super) fn pair(&self, i: usize, j: usize) -> &Pair {
        &self.pairs[self.place(i, j)]
    }

    /// Rows of the triangle before i hold one pair less each.
    const fn place(&self, i: usize, j: usize) -> usize {
        i * (2 * self.topics + 3 - i) / 2 + j - i
    }
}
