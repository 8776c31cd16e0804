use super::*;
use crate::next_best_action::evaluation::scene::{Seen, log};

fn seen(profile: u128, cell: u64, propensity: f64, reward: f64) -> Seen {
    Seen {
        profile,
        cell,
        propensities: vec![propensity, 1.0 - propensity],
        chosen: 0,
        reward,
    }
}

fn fitted(rows: &[Seen], model: ShrunkMeans) -> Vec<f64> {
    let log = log(rows);
    let fitted = model.fit(&log, &|_| true);
    log.rows().map(|row| fitted.reward(&row, 0)).collect()
}

#[test]
fn rows_weigh_one_over_their_propensity() {
    let rows = [seen(1, 0, 0.5, 0.0), seen(2, 0, 0.25, 1.0)];
    let model = ShrunkMeans {
        k: 1e-12,
        by_cell: true,
    };
    // Weights 2 and 4.
    assert!((fitted(&rows, model)[0] - 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn a_cell_is_shrunk_towards_its_action_by_k_rows_and_one_without_rows_has_the_mean_of_its_action() {
    let mut rows: Vec<Seen> = (0..8).map(|at| seen(at, 0, 0.5, 1.0)).collect();
    rows.extend((8..16).map(|at| seen(at, 1, 0.5, 0.0)));
    let model = ShrunkMeans {
        k: 4.0,
        by_cell: true,
    };
    let found = fitted(&rows, model);
    // The action's mean is 0.5, and cells of 8 rows are two thirds their own.
    assert!((found[0] - (2.0 / 3.0 + 0.5 / 3.0)).abs() < 1e-12);
    assert!((found[15] - 0.5 / 3.0).abs() < 1e-12);
    let log_of_all = log(&rows);
    let first = model.fit(&log_of_all, &|row| row.cell() == 0);
    let last = log_of_all.rows().last().unwrap();
    assert!((first.reward(&last, 0) - 1.0).abs() < 1e-12);
    assert!(
        (fitted(
            &rows,
            ShrunkMeans {
                by_cell: false,
                ..model
            }
        )[0] - 0.5)
            .abs()
            < 1e-12
    );
}

#[test]
fn without_any_row_nothing_is_expected() {
    let rows = [seen(1, 0, 0.5, 1.0)];
    let log = log(&rows);
    let fitted = ShrunkMeans::default().fit(&log, &|_| false);
    let row = log.rows().next().unwrap();
    assert_eq!(fitted.reward(&row, 0).to_bits(), 0_f64.to_bits());
    assert!(
        fitted
            .averaged(&row, 0)
            .iter()
            .all(|pool| pool.leverage.is_finite())
    );
}
