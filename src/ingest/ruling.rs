//! The rules that are in force for a transaction.
//!
//! Whoever writes has read rules before it took its locks, and they may have been replaced since. `check` is a statement
//! after the one that takes the locks, so under READ COMMITTED it sees every revision that was added before: such a
//! transaction is rolled back and starts again under the rules that are in force now.

use std::sync::Arc;

use sqlx::PgConnection;

use super::plan::Context;
use crate::{
    error::Error,
    identity::Rules,
    ids::TenantId,
    storage::{Storage, rule_sets},
};

/// The reason of an error that says that rules were replaced.
const REPLACED: &str = "rules_replaced";

/// Rules in force.
#[derive(Clone, Debug)]
pub struct Ruling {
    /// The number of their revision.
    pub revision: i64,
    /// The rules.
    pub rules: Arc<Rules>,
}

impl Ruling {
    /// Reads what is in force now; `None` for a tenant that was never written to.
    ///
    /// # Errors
    /// When the database fails or it cannot be read.
    pub async fn read(
        connection: &mut PgConnection,
        tenant: &TenantId,
    ) -> Result<Option<Self>, Error> {
        let latest = rule_sets::latest(connection, tenant, 1).await?.pop();
        Ok(latest.map(|latest| Self {
            revision: latest.number,
            rules: Arc::new(Rules::from(latest.rules)),
        }))
    }

    /// What is in force now, on a connection of its own.
    ///
    /// # Errors
    /// When the database fails, it cannot be read, or there is none.
    pub async fn now(storage: &Storage, tenant: &TenantId) -> Result<Self, Error> {
        let mut connection = storage.acquire().await?;
        let found = Self::read(&mut connection, tenant).await?;
        found.ok_or_else(|| Error::bug("reading rules", "a tenant without rules"))
    }
}

impl<'a> Context<'a> {
    /// The same under other rules, if any are given.
    #[must_use]
    pub fn under(self, ruling: Option<&'a Ruling>) -> Self {
        match ruling {
            Some(ruling) => Self {
                rules: &ruling.rules,
                revision: ruling.revision,
                ..self
            },
            None => self,
        }
    }
}

/// Whether the rules of a context are those in force. The caller holds the tenant's lock, shared or alone.
///
/// # Errors
/// `replaced` is true of the error when they are not; and when the database fails.
pub(crate) async fn check(
    connection: &mut PgConnection,
    context: Context<'_>,
) -> Result<(), Error> {
    if rule_sets::revision(connection, context.tenant).await? == context.revision {
        return Ok(());
    }
    Err(Error::Conflict { reason: REPLACED })
}

/// Whether an error says that rules were replaced, so that the work may start again under those that are in force.
pub(crate) fn replaced(error: &Error) -> bool {
    matches!(error, Error::Conflict { reason } if *reason == REPLACED)
}
