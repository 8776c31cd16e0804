//! Small symmetric matrices.
//!
//! What must stay true: only symmetric matrices come in; sizes are at most a few dozen, so plain algorithms do.

/// Sweeps of rotations; a dozen is plenty for any size used here.
const SWEEPS: u32 = 64;

/// A square matrix, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Matrix {
    size: usize,
    values: Vec<f64>,
}

/// Eigenvalues with their vectors as columns, in no order.
pub(super) struct Eigen {
    pub(super) values: Vec<f64>,
    pub(super) vectors: Matrix,
}

impl Matrix {
    pub(super) fn identity(size: usize) -> Self {
        let values = vec![0.0; size * size];
        Self { size, values }.map(|i, j, _| if i == j { 1.0 } else { 0.0 })
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.size + j]
    }

    pub(super) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.size + j] = value;
    }

    /// Each value replaced by a function of its row, its column and itself.
    pub(super) fn map(&self, function: impl Fn(usize, usize, f64) -> f64) -> Self {
        let of = |(at, value): (usize, &f64)| function(at / self.size, at % self.size, *value);
        Self {
            size: self.size,
            values: self.values.iter().enumerate().map(of).collect(),
        }
    }

    /// y' M^-1 y for M the rows and columns `kept`, by Cholesky: the square of the solution of L u = y. Only for positive
    /// definite matrices.
    pub(super) fn inverse_form(&self, kept: &[usize], y: impl Fn(usize) -> f64) -> f64 {
        let size = kept.len();
        let mut lower = Self {
            size,
            values: vec![0.0; size * size],
        };
        let mut solved: Vec<f64> = Vec::with_capacity(size);
        for (i, &row) in kept.iter().enumerate() {
            let mut right = y(row);
            let mut left = self.get(row, row);
            for (j, &column) in kept[..i].iter().enumerate() {
                let before: f64 = (0..j).map(|k| lower.get(i, k) * lower.get(j, k)).sum();
                let value = (self.get(row, column) - before) / lower.get(j, j);
                lower.set(i, j, value);
                right -= value * solved[j];
                left -= value * value;
            }
            let diagonal = left.max(f64::MIN_POSITIVE).sqrt();
            lower.set(i, i, diagonal);
            solved.push(right / diagonal);
        }
        solved.iter().map(|u| u * u).sum()
    }

    /// Eigenvalues and vectors, by the rotations of Jacobi.
    pub(super) fn eigen(&self) -> Eigen {
        let mut matrix = self.clone();
        let mut vectors = Self::identity(self.size);
        for _ in 0..SWEEPS {
            let mut rest = 0.0;
            for i in 0..self.size {
                for j in i + 1..self.size {
                    rest += matrix.get(i, j).abs();
                    matrix.rotate(i, j, &mut vectors);
                }
            }
            if rest < 1e-15 {
                break;
            }
        }
        let values = (0..self.size).map(|i| matrix.get(i, i)).collect();
        Eigen { values, vectors }
    }

    /// Turns the plane of i and j so that their product vanishes.
    fn rotate(&mut self, i: usize, j: usize, vectors: &mut Self) {
        let off = self.get(i, j);
        if off == 0.0 {
            return;
        }
        let theta = (self.get(j, j) - self.get(i, i)) / (2.0 * off);
        let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
        let cosine = 1.0 / tangent.hypot(1.0);
        let sine = tangent * cosine;
        for k in 0..self.size {
            let (a, b) = (self.get(k, i), self.get(k, j));
            self.set(k, i, cosine * a - sine * b);
            self.set(k, j, sine * a + cosine * b);
        }
        for k in 0..self.size {
            let (a, b) = (self.get(i, k), self.get(j, k));
            self.set(i, k, cosine * a - sine * b);
            self.set(j, k, sine * a + cosine * b);
            let (a, b) = (vectors.get(k, i), vectors.get(k, j));
            vectors.set(k, i, cosine * a - sine * b);
            vectors.set(k, j, sine * a + cosine * b);
        }
        self.set(i, j, 0.0);
        self.set(j, i, 0.0);
    }
}
