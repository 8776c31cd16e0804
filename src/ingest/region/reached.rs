//! What came of resolving a part of the store.
//!
//! What is read while others write may be torn: an identifier may name a profile that, as it was read a moment before, does
//! not hold it. Then resolution asks again and again for what is here already. Under the locks of all that was read this
//! cannot be, so whoever meets it starts again with these locks.

use super::{Region, Resolved};
use crate::{error::Error, storage::locks};

/// What came of it.
#[derive(Debug)]
pub(crate) enum Reached {
    /// The sets.
    Resolved(Box<Resolved>),
    /// More would have to be looked at than was allowed.
    TooMuch,
    /// What was read does not fit together.
    Torn(Torn),
}

/// What was read does not fit together; with the locks under which it does.
#[derive(Debug)]
pub(crate) struct Torn(locks::Stripes);

impl Torn {
    /// Of a region that has all it wants.
    pub(super) fn of(region: &Region) -> Self {
        Self(region.stripes())
    }

    /// The locks that are needed, of which these are held.
    ///
    /// # Errors
    /// When nothing is missing, or all is held (`None`): then it is what is stored that does not fit together.
    pub(crate) fn needs(self, held: Option<&locks::Stripes>) -> Result<locks::Stripes, Error> {
        if held.is_none_or(|held| held.covers_all(&self.0)) {
            return Err(Error::bug(
                "resolving identities",
                "an identifier names a profile that does not hold it",
            ));
        }
        Ok(self.0)
    }
}

impl Reached {
    /// What was read in one snapshot, or with the tenant's lock; `None` when it is too much.
    ///
    /// # Errors
    /// When it does not fit together.
    pub(crate) fn whole(self) -> Result<Option<Resolved>, Error> {
        match self {
            Self::Resolved(resolved) => Ok(Some(*resolved)),
            Self::TooMuch => Ok(None),
            Self::Torn(torn) => torn.needs(None).map(|_| None),
        }
    }
}
