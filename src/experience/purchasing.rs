//! How the customers of a tenant buy: a model that was fitted, as it is asked about one of them.

use super::{bg_nbd, gamma_gamma, rfm::CutPoints};
use crate::{calendar::Day, proto::state::v1::ValueModel};

/// A model that can be asked.
#[derive(Clone, Debug)]
pub struct Purchasing {
    /// Up to which day histories were looked at.
    pub day: Day,
    /// BG/NBD.
    pub ordering: Option<bg_nbd::Parameters>,
    /// Gamma-Gamma.
    pub paying: Option<gamma_gamma::Parameters>,
    /// The currency of it.
    pub currency: String,
    /// Cut points of recency, frequency and money.
    pub cuts: Option<CutPoints>,
    /// Mean polarity of the year before, -1 to 1; 0 when nothing was said.
    pub mean_feeling: f64,
}

impl Purchasing {
    /// From its stored form; what cannot be read is as if it had not been fitted.
    #[must_use]
    pub fn of(stored: &ValueModel) -> Self {
        let ordering = match stored.purchases[..] {
            [r, alpha, a, b] => bg_nbd::Parameters::new(r, alpha, a, b),
            _ => None,
        };
        let paying = match stored.spending[..] {
            [p, q, gamma] => gamma_gamma::Parameters::new(p, q, gamma),
            _ => None,
        };
        Self {
            day: Day(stored.day),
            ordering,
            paying,
            currency: stored.currency.clone(),
            cuts: cuts(stored),
            mean_feeling: stored.mean_feeling.unwrap_or_default(),
        }
    }
}

fn cuts(stored: &ValueModel) -> Option<CutPoints> {
    let orders: Option<Vec<u64>> = stored
        .frequency_cuts
        .iter()
        .map(|cut| u64::try_from(*cut).ok())
        .collect();
    Some(CutPoints {
        version: u64::try_from(stored.day).ok()?,
        n: stored.customers,
        days_since: stored.recency_cuts.clone().try_into().ok()?,
        orders: orders?.try_into().ok()?,
        net: stored.money_cuts.clone().try_into().ok(),
    })
}
