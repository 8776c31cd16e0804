//! Adding a revision.

use uuid::Uuid;

use super::{Change, in_force};
use crate::{
    error::Error,
    ids::{LengthPrefixed, TenantId},
    storage::{
        self, Storage, locks, operations,
        rule_sets::{self, New, Revision},
    },
};

const KIND: &str = "apply_rules";

/// A request to change the rules.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's id of the operation.
    pub operation: String,
    /// Who asks.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// To what.
    pub change: Change,
    /// The revision that is expected to be in force.
    pub expected: Option<i64>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The revision that the request made, or found in force.
    pub revision: Revision,
    /// Whether those rules were in force already.
    pub unchanged: bool,
    /// Whether the answer was recorded by an earlier call.
    pub repeated: bool,
}

impl Request {
    fn hash(&self) -> Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(KIND.as_bytes());
        match &self.change {
            Change::Rules(rules) => hash.add(&rule_sets::encode(rules)),
            Change::Revision(number) => hash.add(&number.to_le_bytes()),
        }
        hash.add(&self.expected.unwrap_or_default().to_le_bytes());
        hash.finish_128()
    }
}

/// Brings other rules into force, for whatever is written from then on.
///
/// # Errors
/// `operation_id_reused`, `operation_in_progress`, `revision_not_in_force` when another revision is in force than was
/// expected, not found when there is no such revision; and when the database fails.
#[tracing::instrument(name = "rules.apply", skip_all, fields(operation.id = request.operation))]
pub async fn apply(
    storage: &Storage,
    tenant: &TenantId,
    request: &Request,
) -> Result<Applied, Error> {
    let mut transaction = storage.begin().await?;
    match work(&mut transaction, tenant, request).await {
        Ok(applied) => {
            storage::commit(transaction).await?;
            Ok(applied)
        }
        Err(error) => {
            // Now, and not some time after it is dropped: everyone who writes waits for the lock.
            let _ = transaction.rollback().await;
            Err(error)
        }
    }
}

async fn work(
    connection: &mut sqlx::PgConnection,
    tenant: &TenantId,
    request: &Request,
) -> Result<Applied, Error> {
    locks::take_tenant(connection, tenant).await?;
    let operation = operations::begin(
        connection,
        tenant,
        operations::Request {
            id: &request.operation,
            kind: KIND,
            hash: request.hash(),
            caller: &request.caller,
            reason: &request.reason,
        },
    )
    .await
    .map_err(|error| match error {
        storage::Error::Conflict(_) => Error::Conflict {
            reason: "operation_in_progress",
        },
        other => other.into(),
    })?;
    if operation.kind != KIND || operation.request_hash != request.hash() {
        return Err(Error::Refused {
            reason: "operation_id_reused",
            description: "this operation id was used for another request".into(),
        });
    }
    let latest = in_force(connection, tenant).await?;
    if operation.done {
        let made = decode(&operation.progress).unwrap_or(latest.number);
        let revision = rule_sets::load(connection, tenant, made).await?;
        return Ok(Applied {
            unchanged: false,
            repeated: true,
            revision: revision.unwrap_or(latest),
        });
    }
    if request
        .expected
        .is_some_and(|number| number != latest.number)
    {
        return Err(Error::Refused {
            reason: "revision_not_in_force",
            description: format!("revision {} is in force", latest.number).into(),
        });
    }
    let rules = request.change.rules(connection, tenant).await?;
    let unchanged = rules == latest.rules;
    let number = if unchanged {
        latest.number
    } else {
        let new = New {
            number: latest.number + 1,
            rules: &rules,
            operation: &request.operation,
            caller: &request.caller,
            reason: &request.reason,
        };
        rule_sets::insert(connection, tenant, new).await?;
        new.number
    };
    let progress = number.to_le_bytes();
    operations::progress(connection, tenant, &request.operation, &progress, true).await?;
    Ok(Applied {
        revision: in_force(connection, tenant).await?,
        unchanged,
        repeated: false,
    })
}

fn decode(progress: &[u8]) -> Option<i64> {
    Some(i64::from_le_bytes(progress.try_into().ok()?))
}
