//! What can go wrong, by what the caller should do about it.
//!
//! Domain code returns [`Error`]; `grpc::status` alone turns it into a `Status`. Each reason is a stable slug with a page
//! under `docs/errors/`. Nothing in an error is driver text, and nothing that reaches a caller is anyone's personal data
//! but the caller's own input.

use std::{borrow::Cow, time::Duration};

/// One thing that is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, for example `interactions[3].identifiers[1].value`.
    pub field: String,
    /// A stable slug with a page under `docs/errors/`.
    pub reason: &'static str,
    /// For a person: what is wrong and what would be right. Lower case, no full stop, no values of fields.
    pub description: Cow<'static, str>,
}

/// An error that a caller gets.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks rules: all of them are named.
    #[error("{} violation(s), first {}: {}", .0.len(), .0.first().map_or("", |v| &v.field), .0.first().map_or("", |v| v.reason))]
    Invalid(Vec<Violation>),
    /// What was asked for does not exist.
    #[error("{kind} not found")]
    NotFound {
        /// What kind of thing: "profile", "tenant".
        kind: &'static str,
        /// Its name when that is no personal data (a profile id), else empty.
        name: String,
    },
    /// Lost a race; the same call with the same operation id may succeed.
    #[error("conflict: {reason}")]
    Conflict {
        /// Slug, for example `conflict` or `operation_in_progress`.
        reason: &'static str,
    },
    /// Will not be done, however often it is asked.
    #[error("refused: {reason}: {description}")]
    Refused {
        /// Slug, for example `operation_id_reused`.
        reason: &'static str,
        /// For a person.
        description: Cow<'static, str>,
    },
    /// What a resume token goes on from is not kept any more.
    #[error("what comes after the resume token is not kept any more")]
    Expired,
    /// The service ends a stream that can be resumed.
    #[error("the stream ends")]
    Ended,
    /// Who reads a stream has taken too little of it for too long.
    #[error("too little of the stream is taken")]
    Unread,
    /// Nobody knows who is calling.
    #[error("unauthenticated: {reason}")]
    Unauthenticated {
        /// Slug.
        reason: &'static str,
    },
    /// The caller lacks a permission.
    #[error("permission {permission} is needed")]
    PermissionDenied {
        /// The permission that is needed.
        permission: &'static str,
    },
    /// The question is about something that is hidden from the caller.
    #[error("hidden from the caller: {}", .fields.join(", "))]
    Masked {
        /// What is hidden, for example `traits[birth_date]`: names of the configuration, no values.
        fields: Vec<String>,
    },
    /// The credential is good, but not for the tenant of the call.
    #[error("the tenant is none of the credential's")]
    WrongTenant,
    /// Too much is going on.
    #[error("overloaded: {what}")]
    Overloaded {
        /// What is full, for the log.
        what: &'static str,
    },
    /// The database does not answer. Whether a write happened is unknown unless it says so.
    #[error("storage is away: {source}")]
    StorageAway {
        /// What the driver said, for the log only.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The instance stops. Of what was not acknowledged it is not known whether it happened.
    #[error("draining")]
    Draining,
    /// Our own mistake.
    #[error("bug: {context}: {source}")]
    Bug {
        /// What was being done.
        context: &'static str,
        /// What happened, for the log only.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// How long a caller should wait before trying again, for the errors where trying again makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Conflict { .. } | Self::Ended | Self::Unread => Some(Duration::from_millis(50)),
            Self::Overloaded { .. } => Some(Duration::from_millis(200)),
            Self::StorageAway { .. } | Self::Draining => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// Whether the write that failed so certainly did not happen.
    #[must_use]
    pub fn certainly_aborted(&self) -> bool {
        !matches!(
            self,
            Self::StorageAway { .. } | Self::Draining | Self::Bug { .. }
        )
    }

    /// A bug found while doing something.
    pub fn bug(
        context: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Bug {
            context,
            source: source.into(),
        }
    }

    /// The same error for another caller who waited for the same thing.
    #[must_use]
    pub fn for_another(&self) -> Self {
        match self {
            Self::Conflict { reason } => Self::Conflict { reason },
            Self::Overloaded { what } => Self::Overloaded { what },
            Self::StorageAway { source } => Self::StorageAway {
                source: source.to_string().into(),
            },
            other => Self::bug("in a call that shared the work", other.to_string()),
        }
    }

    /// A single violation.
    pub fn invalid(
        field: impl Into<String>,
        reason: &'static str,
        description: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Invalid(vec![Violation {
            field: field.into(),
            reason,
            description: description.into(),
        }])
    }
}
