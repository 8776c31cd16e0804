//! Changing the rules of resolution: trying a change on the whole population, applying it, going back.
//!
//! What must stay true:
//!
//! - A preview reads one snapshot and writes nothing; what it says is what the switch comes to, if nothing is recorded
//!   meanwhile, because both are the partition that the rules make of the same links and decisions.
//! - A change is one new revision, added under the tenant's lock alone: whatever is written afterwards is written under
//!   it. Profiles are brought under it in the background (`ingest::resolver`), and each says which revision it is under.
//! - Going back is a change like any other, to what an earlier revision said. Links, states and decisions are not
//!   touched by any of them, so nothing is lost.

mod apply;
mod preview;

pub use apply::{Applied, Request, apply};
pub use preview::{Preview, preview};

use crate::{
    error::Error,
    identity::rules::RuleSet,
    ids::TenantId,
    storage::rule_sets::{self, Revision},
};
use sqlx::PgConnection;

/// What rules to try or to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// These.
    Rules(RuleSet),
    /// Those of an earlier revision.
    Revision(i64),
}

impl Change {
    async fn rules(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
    ) -> Result<RuleSet, Error> {
        match self {
            Self::Rules(rules) => Ok(rules.clone()),
            Self::Revision(number) => rule_sets::load(connection, tenant, *number)
                .await?
                .map(|revision| revision.rules)
                .ok_or_else(|| Error::NotFound {
                    kind: "revision",
                    name: number.to_string(),
                }),
        }
    }
}

/// The revision in force, with the lock that keeps it so or from one snapshot.
async fn in_force(connection: &mut PgConnection, tenant: &TenantId) -> Result<Revision, Error> {
    let latest = rule_sets::latest(connection, tenant, 1).await?.pop();
    latest.ok_or_else(|| Error::bug("reading rules", "a tenant without rules"))
}
