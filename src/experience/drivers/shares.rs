//! R^2 divided among correlated variables.
//!
//! What must stay true: no share is negative, and the shares add up to R^2. All functions take the correlations of the
//! topics with each other and, in the last row and column, with the outcome; they are positive definite.

use super::matrix::Matrix;
use crate::experience::number::real;

/// The share of the outcome's variance that goes with all topics.
pub(super) fn r_squared(correlations: &Matrix) -> f64 {
    let topics: Vec<usize> = (0..correlations.size() - 1).collect();
    explained(correlations, &topics)
}

fn explained(correlations: &Matrix, topics: &[usize]) -> f64 {
    let outcome = correlations.size() - 1;
    correlations
        .inverse_form(topics, |topic| correlations.get(topic, outcome))
        .min(1.0)
}

/// Shapley values: what a topic adds to R^2, averaged over all orders of adding topics. Exact, in 2^topics regressions.
pub(super) fn shapley(correlations: &Matrix) -> Vec<f64> {
    let topics = correlations.size() - 1;
    let members = |set: usize| (0..topics).filter(move |topic| set >> topic & 1 == 1);
    let explained: Vec<f64> = (0..1_usize << topics)
        .map(|set| explained(correlations, &members(set).collect::<Vec<_>>()))
        .collect();
    // s! (p-s-1)! / p! for sets of s of the other topics.
    let mut weights = vec![1.0 / whole(topics)];
    for s in 1..topics {
        weights.push(weights[s - 1] * whole(s) / whole(topics - s));
    }
    (0..topics)
        .map(|topic| {
            let without = |set: &usize| set >> topic & 1 == 0;
            (0..explained.len())
                .filter(without)
                .map(|set| {
                    let gain = explained[set | 1 << topic] - explained[set];
                    weights[members(set).count()] * gain.max(0.0)
                })
                .sum()
        })
        .collect()
}

/// Relative weights (Johnson 2000): regress on the orthogonal variables nearest to the topics, and divide what each of
/// them explains by how much of it each topic is made of.
pub(super) fn relative_weights(correlations: &Matrix) -> Vec<f64> {
    let topics = correlations.size() - 1;
    let mut among = Matrix::identity(topics);
    among = among.map(|i, j, _| correlations.get(i, j));
    let eigen = among.eigen();
    // V f(D) V'
    let apply = |function: fn(f64) -> f64| {
        Matrix::identity(topics).map(|i, j, _| {
            eigen
                .values
                .iter()
                .enumerate()
                .map(|(k, value)| {
                    eigen.vectors.get(i, k) * function(value.max(1e-12)) * eigen.vectors.get(j, k)
                })
                .sum()
        })
    };
    let (root, inverse_root) = (apply(f64::sqrt), apply(|value| value.sqrt().recip()));
    let beta: Vec<f64> = (0..topics)
        .map(|i| {
            (0..topics)
                .map(|j| inverse_root.get(i, j) * correlations.get(j, topics))
                .sum()
        })
        .collect();
    (0..topics)
        .map(|i| {
            beta.iter()
                .enumerate()
                .map(|(k, beta)| (root.get(i, k) * beta).powi(2))
                .sum()
        })
        .collect()
}

fn whole(number: usize) -> f64 {
    real(u64::try_from(number).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Correlations of four topics and an outcome, the outcome last.
    const CORRELATIONS: [[f64; 5]; 5] = [
        [1.0, 0.5, 0.3, -0.1, 0.6],
        [0.5, 1.0, 0.2, 0.0, 0.4],
        [0.3, 0.2, 1.0, 0.4, 0.1],
        [-0.1, 0.0, 0.4, 1.0, -0.3],
        [0.6, 0.4, 0.1, -0.3, 1.0],
    ];

    fn matrix() -> Matrix {
        Matrix::identity(5).map(|i, j, _| CORRELATIONS[i][j])
    }

    fn close(found: &[f64], wanted: &[f64]) {
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-13, "{found} for {wanted}");
        }
    }

    #[test]
    fn shares_agree_with_figures_computed_elsewhere_and_add_up() {
        let all = r_squared(&matrix());
        close(&[all], &[0.435_553_892_215_568_8]);
        close(
            &shapley(&matrix()),
            &[
                0.261_607_178_447_979_6,
                0.084_309_354_220_686_15,
                0.010_860_605_576_406_76,
                0.078_776_753_970_496_33,
            ],
        );
        close(
            &relative_weights(&matrix()),
            &[
                0.257_891_476_402_777_93,
                0.086_072_352_490_513_62,
                0.013_857_187_055_890_13,
                0.077_732_876_266_387_22,
            ],
        );
        close(
            &[
                shapley(&matrix()).iter().sum(),
                relative_weights(&matrix()).iter().sum(),
            ],
            &[all, all],
        );
    }

    #[test]
    fn independent_topics_have_their_squared_correlations_by_both() {
        let plain = Matrix::identity(4).map(|i, j, value| {
            if i == j {
                value
            } else if i.max(j) == 3 {
                [0.5, 0.3, -0.2][i.min(j)]
            } else {
                0.0
            }
        });
        close(&shapley(&plain), &[0.25, 0.09, 0.04]);
        close(&relative_weights(&plain), &[0.25, 0.09, 0.04]);
    }

    #[test]
    fn eigenvectors_rebuild_the_matrix() {
        let eigen = matrix().eigen();
        for (i, row) in CORRELATIONS.iter().enumerate() {
            for (j, wanted) in row.iter().enumerate() {
                let found: f64 = (0..5)
                    .map(|k| eigen.vectors.get(i, k) * eigen.values[k] * eigen.vectors.get(j, k))
                    .sum();
                close(&[found], &[*wanted]);
            }
        }
    }
}
