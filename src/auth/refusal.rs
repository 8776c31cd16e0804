//! Why a caller is turned away before its message is looked at.
//!
//! What must stay true: a refusal says what to do about the credential and nothing of what is in it; an unknown key and a
//! bad signature are one refusal, so that nobody learns by trying which keys there are.

use std::sync::Arc;

use crate::error::Error;

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no credential.
    Missing,
    /// The credential is not of its form, or lacks what every credential has.
    Malformed,
    /// The token is signed by an algorithm that is not taken.
    Algorithm,
    /// The signature is none of a key that is trusted.
    Signature,
    /// The time of the token is over.
    Expired,
    /// The time of the token has not come.
    NotYetValid,
    /// The token was made for somebody else.
    Audience,
    /// The token was made by somebody else.
    Issuer,
    /// The token names no tenant.
    NoTenant,
    /// The certificate is nobody's who is configured, or several callers' at once.
    Unknown,
    /// The credential is good, but not for the tenant that the call is about.
    WrongTenant,
    /// The tenant that the metadata names is none, or none of several was chosen.
    TenantInvalid,
    /// What the metadata say of the caller is malformed.
    CallerInvalid,
    /// What the metadata say of permissions is malformed.
    PermissionsInvalid,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 14] = [
        Self::Missing,
        Self::Malformed,
        Self::Algorithm,
        Self::Signature,
        Self::Expired,
        Self::NotYetValid,
        Self::Audience,
        Self::Issuer,
        Self::NoTenant,
        Self::Unknown,
        Self::WrongTenant,
        Self::TenantInvalid,
        Self::CallerInvalid,
        Self::PermissionsInvalid,
    ];

    /// The reason that the caller is told, which has a page under `docs/errors/`.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Missing => "credential_missing",
            Self::Malformed => "credential_malformed",
            Self::Algorithm => "credential_algorithm",
            Self::Signature => "credential_signature",
            Self::Expired => "credential_expired",
            Self::NotYetValid => "credential_not_yet_valid",
            Self::Audience => "credential_audience",
            Self::Issuer => "credential_issuer",
            Self::NoTenant => "credential_tenant",
            Self::Unknown => "credential_unknown",
            Self::WrongTenant => "wrong_tenant",
            Self::TenantInvalid => "tenant_invalid",
            Self::CallerInvalid => "caller_invalid",
            Self::PermissionsInvalid => "permissions_invalid",
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::WrongTenant => Self::WrongTenant,
            other => Self::Unauthenticated {
                reason: other.reason(),
            },
        }
    }
}

/// A refusal, and whose credential it was when that is certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Refusal,
    /// The name in a credential that was verified, for the log.
    pub name: Option<Arc<str>>,
}

impl From<Refusal> for Refused {
    fn from(why: Refusal) -> Self {
        Self { why, name: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_reason_of_its_own_that_is_listed() {
        for (n, refusal) in Refusal::ALL.iter().enumerate() {
            let reason = refusal.reason();
            assert!(crate::grpc::reasons::ERRORS.contains(&reason), "{reason}");
            assert!(Refusal::ALL[..n].iter().all(|r| r.reason() != reason));
        }
    }
}
