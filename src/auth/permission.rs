//! What callers may do.

use std::{fmt, str::FromStr};

/// One thing a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Record interactions and outcomes.
    Record,
    /// Read profiles and timelines, without identifiers and texts.
    Read,
    /// See identifiers in what is read.
    ReadIdentifiers,
    /// See what customers wrote in what is read.
    ReadText,
    /// Mend data: retract, merge, separate, undo.
    Steward,
    /// Ask for decisions that reserve a contact.
    Decide,
    /// Change rules and the catalogue.
    Administer,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 7] = [
        Self::Record,
        Self::Read,
        Self::ReadIdentifiers,
        Self::ReadText,
        Self::Steward,
        Self::Decide,
        Self::Administer,
    ];

    /// Its name in credentials and errors.
    #[must_use]
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Read => "read",
            Self::ReadIdentifiers => "read_identifiers",
            Self::ReadText => "read_text",
            Self::Steward => "steward",
            Self::Decide => "decide",
            Self::Administer => "administer",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Record => 1,
            Self::Read => 1 << 1,
            Self::ReadIdentifiers => 1 << 2,
            Self::ReadText => 1 << 3,
            Self::Steward => 1 << 4,
            Self::Decide => 1 << 5,
            Self::Administer => 1 << 6,
        }
    }
}

/// A slug that is no permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no such permission")]
pub struct UnknownPermission;

impl FromStr for Permission {
    type Err = UnknownPermission;

    fn from_str(slug: &str) -> Result<Self, UnknownPermission> {
        let found = Self::ALL.into_iter().find(|p| p.slug() == slug);
        found.ok_or(UnknownPermission)
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u8);

impl Permissions {
    /// As bits: the same for the same permissions in this process.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// None.
    pub const NONE: Self = Self(0);
    /// All there are.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// These and one more.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | permission.bit())
    }

    /// Whether it is one of them.
    #[must_use]
    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        let all = Permission::ALL.into_iter();
        all.filter(move |permission| self.contains(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Permission::slug))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_a_slug_and_a_bit_of_its_own() {
        let mut seen = Permissions::NONE;
        for permission in Permission::ALL {
            assert!(!seen.contains(permission));
            seen = seen.with(permission);
            assert_eq!(permission.slug().parse(), Ok(permission));
        }
        assert_eq!(seen, Permissions::ALL);
        assert_eq!("root".parse::<Permission>(), Err(UnknownPermission));
    }
}
