//! Making a change.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Catalogues, Outcome,
    plan::{Change, No, Plan, plan, violations},
};
use crate::{
    error::Error,
    ids::{LengthPrefixed, TenantId},
    next_best_action::{
        catalogue::{Violation, digest::of_action},
        model::{Definition, Status},
    },
    storage::{
        self, actions,
        catalogues::{self, Made},
        locks, operations,
    },
};

/// A request to change a catalogue.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's id of the operation.
    pub operation: String,
    /// Who asks.
    pub caller: String,
    /// Why.
    pub reason: String,
    /// What.
    pub change: Change,
}

/// Why a change was not made.
#[derive(Debug)]
pub enum Failure {
    /// It breaks rules; paths are those of the catalogue's files.
    Invalid(Vec<Violation>),
    /// Anything else.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

impl From<storage::Error> for Failure {
    fn from(error: storage::Error) -> Self {
        Self::Other(error.into())
    }
}

impl From<No> for Failure {
    fn from(no: No) -> Self {
        match no {
            No::Invalid(violations) => Self::Invalid(violations),
            No::Unknown(name) => Self::Other(Error::NotFound {
                kind: "action",
                name,
            }),
            No::Refused(reason, description) => Self::Other(Error::Refused {
                reason,
                description: description.into(),
            }),
        }
    }
}

impl Change {
    fn kind(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create_action",
            Self::Update { .. } => "update_action",
            Self::Move { .. } => "move_action",
            Self::Import { .. } => "import_actions",
        }
    }
}

impl Request {
    /// A hash of everything that must be the same when a request is repeated.
    fn hash(&self) -> Uuid {
        let mut hash = LengthPrefixed(blake3::Hasher::new());
        hash.add(self.change.kind().as_bytes());
        hash.add(self.reason.as_bytes());
        match &self.change {
            Change::Create {
                definition,
                activate,
            } => {
                hash.add(&[u8::from(*activate)]);
                add(&mut hash, definition);
            }
            Change::Update {
                definition,
                expected,
            } => {
                hash.add(&expected.unwrap_or_default().to_le_bytes());
                add(&mut hash, definition);
            }
            Change::Move { action, tried } => {
                hash.add(action.as_bytes());
                hash.add(tried.slug().as_bytes());
            }
            Change::Import { documents } => {
                for document in documents {
                    hash.add(document.as_bytes());
                }
            }
        }
        hash.finish_128()
    }
}

fn add(hash: &mut LengthPrefixed, definition: &Definition) {
    hash.add(&of_action(definition).0);
}

impl Catalogues {
    /// Makes a change, or finds what it came to before.
    ///
    /// # Errors
    /// Everything that is wrong with it; `operation_id_reused`, `operation_in_progress`; what refuses it (`policy_missing`,
    /// `action_exists`, `action_retired`, `version_not_newest`, `status_not_reachable`, `action_is_fallback`), not found when there
    /// is no such action; and when the database fails.
    #[tracing::instrument(name = "catalogue.change", skip_all, fields(operation.id = request.operation, kind = request.change.kind()))]
    pub async fn change(&self, tenant: &TenantId, request: &Request) -> Result<Outcome, Failure> {
        let mut transaction = self.storage.begin().await?;
        match self.work(&mut transaction, tenant, request).await {
            Ok(outcome) => {
                storage::commit(transaction).await?;
                Ok(outcome)
            }
            Err(failure) => {
                // Now, and not some time after it is dropped: others wait for the row.
                let _ = transaction.rollback().await;
                Err(failure)
            }
        }
    }

    /// What a change would come to. Writes nothing.
    ///
    /// # Errors
    /// As [`Catalogues::change`], but for those of operations.
    #[tracing::instrument(name = "catalogue.rehearse", skip_all, fields(kind = change.kind()))]
    pub async fn rehearse(&self, tenant: &TenantId, change: &Change) -> Result<Outcome, Failure> {
        let current = self.latest(tenant).await?;
        let plan = plan(current.as_deref(), change)?;
        let revision = current.map_or(0, |current| current.revision());
        Ok(outcome(
            &plan,
            i64::try_from(revision).unwrap_or(i64::MAX),
            0,
        ))
    }

    /// Everything that is wrong with a definition, were it an action of the catalogue in force.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn violations(
        &self,
        tenant: &TenantId,
        definition: &Definition,
    ) -> Result<Vec<Violation>, Error> {
        let current = self.latest(tenant).await?;
        Ok(current.map_or_else(Vec::new, |current| {
            let known = current.named(&definition.id);
            let status = known.map_or(Status::Draft, |(_, s)| s);
            violations(&current, definition, status)
        }))
    }

    async fn work(
        &self,
        connection: &mut PgConnection,
        tenant: &TenantId,
        request: &Request,
    ) -> Result<Outcome, Failure> {
        let revision = catalogues::hold(connection, tenant).await?;
        let (kind, hash) = (request.change.kind(), request.hash());
        let operation = operations::begin(
            connection,
            tenant,
            operations::Request {
                id: &request.operation,
                kind,
                hash,
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
        if operation.kind != kind || operation.request_hash != hash {
            return Err(Failure::Other(Error::Refused {
                reason: "operation_id_reused",
                description: "this operation id was used for another request".into(),
            }));
        }
        let position = locks::position(connection).await?;
        if operation.done {
            let outcome = Outcome::decode(&operation.progress, position);
            let bug = || Error::bug("reading an operation", "its outcome is none of ours");
            return Ok(outcome.ok_or_else(bug)?);
        }
        let current = self.revision(connection, tenant, revision).await?;
        let plan = plan(current.as_deref(), &request.change)?;
        let made = if plan.changes() {
            let next = revision.saturating_add(1);
            write(connection, tenant, next, request, &plan).await?;
            next
        } else {
            revision
        };
        let outcome = outcome(&plan, made, position);
        let progress = outcome.encode();
        operations::progress(connection, tenant, &request.operation, &progress, true).await?;
        Ok(outcome)
    }
}

fn outcome(plan: &Plan, revision: i64, position: i64) -> Outcome {
    let segments = plan.segments.iter().map(|(s, _)| s.get().name.clone());
    Outcome {
        revision,
        changed: plan.changes(),
        policy_changed: plan.policy.is_some(),
        segments_changed: segments.collect(),
        actions: plan.touched.clone(),
        repeated: false,
        position,
    }
}

async fn write(
    connection: &mut PgConnection,
    tenant: &TenantId,
    revision: i64,
    request: &Request,
    plan: &Plan,
) -> Result<(), Error> {
    let made = Made {
        operation: &request.operation,
        caller: &request.caller,
        reason: &request.reason,
    };
    catalogues::advance(connection, tenant, revision, made).await?;
    if let Some(policy) = &plan.policy {
        catalogues::insert_policy(connection, tenant, revision, policy).await?;
    }
    if !plan.names.is_empty() {
        catalogues::insert_names(connection, tenant, revision, &plan.names).await?;
    }
    if !plan.segments.is_empty() {
        catalogues::insert_segments(connection, tenant, revision, &plan.segments).await?;
    }
    let by = (made.caller, made.reason);
    if !plan.versions.is_empty() {
        actions::insert(connection, tenant, revision, by, &plan.versions).await?;
    }
    if !plan.standings.is_empty() {
        actions::insert_changes(connection, tenant, revision, &plan.standings).await?;
    }
    Ok(())
}
