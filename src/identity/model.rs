//! Types of identity resolution.

use std::fmt;

use crate::ids::IdentityKey;

/// An identifier in the form that is compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Normalised {
    /// The namespace.
    pub namespace: String,
    /// The value after its namespace's normaliser.
    pub value: String,
}

impl fmt::Debug for Normalised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are personal data and never reach a log.
        write!(f, "Normalised({}, ..)", self.namespace)
    }
}

/// A normalised identifier with its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The key.
    pub key: IdentityKey,
    /// The identifier.
    pub identifier: Normalised,
}

/// Why a value is no identifier. It stays in the interaction's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Stands for nobody or for everybody, such as `null`, `guest` or `不明`.
    #[error("the value stands for nobody in particular")]
    Blocked,
    /// Not an e-mail address.
    #[error("not an e-mail address")]
    NotAnEmail,
    /// Not a phone number that can be dialled.
    #[error("not a valid phone number")]
    NotAPhone,
    /// Empty after normalisation.
    #[error("nothing is left of the value")]
    Empty,
}

impl Unusable {
    /// Its stable slug.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Blocked => "identifier_blocked",
            Self::NotAnEmail => "identifier_not_an_email",
            Self::NotAPhone => "identifier_not_a_phone",
            Self::Empty => "identifier_empty",
        }
    }
}
