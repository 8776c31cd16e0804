//! The calls of `NextBestActionService` that say how well it does: what was offered and what came of it ([`stats`]), what deciding is
//! worth ([`lift`]), and whether another policy would do better ([`evaluate`]).
//!
//! What must stay true: a figure comes with its interval and with what it rests on, or with every reason why there is none; figures are
//! of many customers and never of one.

mod evaluate;
mod lift;
mod stats;

pub(super) use evaluate::evaluate;
pub(super) use lift::lift;
pub(super) use stats::stats;

use super::{Api, validate};
use crate::{
    next_best_action::evaluation::stats::Rate,
    proto::v1::{FigureRefusal, Share},
};

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn share(rate: Rate) -> Share {
    Share {
        value: rate.value,
        low: rate.interval.0,
        high: rate.interval.1,
        n: count(rate.n),
    }
}

fn refusal(reason: &str, description: &impl ToString) -> FigureRefusal {
    FigureRefusal {
        reason: reason.to_owned(),
        description: description.to_string(),
    }
}
