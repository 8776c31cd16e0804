//! A minimum of a smooth function of a few variables, by the simplex of Nelder and Mead (1965).
//!
//! What must stay true: the same function and start give the same answer, bit for bit: no randomness, no clock, ties keep
//! the older corner. A search that did not settle says so.
//!
//! Stop rule: all corners lie within 1e-8 of the best in every variable and within 1e-12 of its value, relatively. Since a
//! simplex may collapse before the minimum, the search starts again around what it found with a fresh simplex, until that
//! gains less than 1e-10 of the value, relatively. The variables are logarithms of parameters, so 1e-8 is relative too.

/// How far corners may lie apart at the end.
const WIDTH: f64 = 1e-8;
/// How far their values may, in relation to them.
const DEPTH: f64 = 1e-12;
/// What a fresh start must gain to be followed by another, in relation to the value.
const GAIN: f64 = 1e-10;
/// Edge of the first simplex and of the fresh ones.
const EDGE: f64 = 0.5;
/// Farther out a variable, which is a logarithm, is no answer: the function has no bottom.
const FAR: f64 = 1e6;
/// Steps of one search.
const STEPS: u32 = 1_000;
/// Searches.
const STARTS: u32 = 6;

/// Where the minimum is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found<const N: usize> {
    /// The variables.
    pub(super) at: [f64; N],
    /// The value there.
    pub(super) value: f64,
    /// Whether the stop rule ended the search.
    pub(super) settled: bool,
}

#[derive(Clone, Copy)]
struct Corner<const N: usize> {
    at: [f64; N],
    value: f64,
}

/// The minimum near `start`. A value that is not a number counts as infinitely high.
pub(super) fn minimise<const N: usize>(
    function: impl Fn(&[f64; N]) -> f64,
    start: [f64; N],
) -> Found<N> {
    let corner = |at: [f64; N]| {
        let value = function(&at);
        let value = if value.is_nan() { f64::INFINITY } else { value };
        Corner { at, value }
    };
    let mut best = corner(start);
    for _ in 0..STARTS {
        let (found, settled) = search(&corner, best);
        let gain = best.value - found.value;
        best = found;
        if settled && gain <= GAIN * (1.0 + best.value.abs()) {
            return Found {
                at: best.at,
                value: best.value,
                settled: best.value.is_finite() && best.at.iter().all(|at| at.abs() < FAR),
            };
        }
    }
    Found {
        at: best.at,
        value: best.value,
        settled: false,
    }
}

/// One search from a simplex around `start`; the best corner, and whether the stop rule ended it.
fn search<const N: usize>(
    corner: &impl Fn([f64; N]) -> Corner<N>,
    start: Corner<N>,
) -> (Corner<N>, bool) {
    let mut corners = vec![start];
    for variable in 0..N {
        let mut at = start.at;
        at[variable] += EDGE;
        corners.push(corner(at));
    }
    for _ in 0..STEPS {
        corners.sort_by(|a, b| a.value.total_cmp(&b.value));
        if settled(&corners) {
            return (corners[0], true);
        }
        step(corner, &mut corners);
    }
    corners.sort_by(|a, b| a.value.total_cmp(&b.value));
    (corners[0], false)
}

fn settled<const N: usize>(corners: &[Corner<N>]) -> bool {
    let best = &corners[0];
    corners[1..].iter().all(|corner| {
        let near = |(a, b): (&f64, &f64)| (a - b).abs() <= WIDTH;
        corner.at.iter().zip(&best.at).all(near)
            && corner.value - best.value <= DEPTH * (1.0 + best.value.abs())
    })
}

/// Reflects, expands or contracts the worst of the sorted corners, or shrinks all towards the best.
fn step<const N: usize>(corner: &impl Fn([f64; N]) -> Corner<N>, corners: &mut [Corner<N>]) {
    let (best, second, worst) = (corners[0], corners[N - 1], corners[N]);
    let mut centre = [0.0; N];
    for corner in &corners[..N] {
        for (sum, at) in centre.iter_mut().zip(corner.at) {
            *sum += at;
        }
    }
    let variables = corners[..N].iter().fold(0.0, |count, _| count + 1.0);
    let centre = centre.map(|sum| sum / variables);
    // Beyond the centre as seen from the worst corner, by so many times its distance.
    let along = |times: f64| {
        corner(std::array::from_fn(|i| {
            centre[i] + times * (centre[i] - worst.at[i])
        }))
    };
    let reflected = along(1.0);
    let moved = if reflected.value < best.value {
        let expanded = along(2.0);
        Some(if expanded.value < reflected.value {
            expanded
        } else {
            reflected
        })
    } else if reflected.value < second.value {
        Some(reflected)
    } else {
        let outside = reflected.value < worst.value;
        let contracted = along(if outside { 0.5 } else { -0.5 });
        let to_beat = if outside {
            reflected.value
        } else {
            worst.value
        };
        (contracted.value < to_beat).then_some(contracted)
    };
    if let Some(moved) = moved {
        corners[N] = moved;
        return;
    }
    for other in &mut corners[1..] {
        *other = corner(std::array::from_fn(|i| {
            f64::midpoint(best.at[i], other.at[i])
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_finds_the_bottom_of_a_bent_valley() {
        let valley =
            |at: &[f64; 2]| (1.0 - at[0]).powi(2) + 100.0 * (at[1] - at[0] * at[0]).powi(2);
        let found = minimise(valley, [-1.2, 1.0]);
        assert!(found.settled);
        assert!(
            found.at.iter().all(|at| (at - 1.0).abs() < 1e-6),
            "{found:?}"
        );
    }

    #[test]
    fn the_same_question_has_the_same_answer_bit_for_bit() {
        let bowl = |at: &[f64; 3]| at.iter().map(|x| (x - 0.3).powi(2)).sum::<f64>() - 5.0;
        let found = minimise(bowl, [1.0, 2.0, 3.0]);
        assert_eq!(found, minimise(bowl, [1.0, 2.0, 3.0]));
        assert!((found.value + 5.0).abs() < 1e-12);
    }

    #[test]
    fn where_there_is_no_value_there_is_no_minimum() {
        let half = |at: &[f64; 1]| {
            if at[0] < 0.0 || at[0] > 3.2 {
                -f64::NAN
            } else {
                (at[0] - 0.01).powi(2)
            }
        };
        let found = minimise(half, [3.0]);
        assert!(
            found.settled && (found.at[0] - 0.01).abs() < 1e-6,
            "{found:?}"
        );
    }

    #[test]
    fn a_function_without_a_value_never_settles() {
        assert!(!minimise(|_: &[f64; 2]| f64::NAN, [0.0, 0.0]).settled);
    }

    #[test]
    fn a_slope_without_a_bottom_never_settles() {
        assert!(!minimise(|at: &[f64; 1]| -at[0], [0.0]).settled);
    }
}
