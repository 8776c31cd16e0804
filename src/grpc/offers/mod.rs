//! The calls of `NextBestActionService` that decide: deciding ([`get`]), what became of it ([`record`]), why ([`explain`],
//! [`replay`]).
//!
//! What must stay true: what a caller may not see of a customer is not in a reason either; a gate's verdict says no more than that
//! the action is not offered.

mod count;
mod gates;
mod get;
mod outcomes;
mod past;
mod show;
mod used;

pub(super) use gates::gate_name;
pub(super) use get::get;
pub(super) use outcomes::record;
pub(super) use past::{explain, replay};

use super::{Api, validate};
use crate::{error::Error, ingest::Prepared, proto::v1::Interaction, tenants::Tenant};

/// An interaction of the service's own, fit to be recorded.
fn prepare(api: &Api, tenant: &Tenant, message: Interaction) -> Result<Prepared, Error> {
    let prepared = validate::own_interaction(message, &api.validation(tenant));
    prepared.map_err(|wrong| Error::bug("noting an offer", Error::Invalid(wrong)))
}
