//! Following one customer from profile to profile.
//!
//! What must stay true: the chain begins with the profile that the watch is of, and each profile in it was merged into the next.
//! The last is the one that is told of; those before it are only looked at for whether they come back.

use std::collections::HashMap;

use super::place::FOLLOWED;
use crate::{
    ids::ProfileId,
    storage::{feed::Row, outbox::Kind},
};

/// The profiles that are followed, and the version of each that was told.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    ids: Vec<ProfileId>,
    told: HashMap<ProfileId, i64>,
}

impl Chain {
    pub(super) fn new(ids: Vec<ProfileId>) -> Self {
        Self {
            ids,
            told: HashMap::new(),
        }
    }

    pub(super) fn ids(&self) -> &[ProfileId] {
        &self.ids
    }

    /// Each profile with the version after which it is wanted.
    pub(super) fn wanted(&self) -> Vec<(ProfileId, i64)> {
        let told = |id: &ProfileId| self.told.get(id).copied().unwrap_or_default();
        self.ids.iter().map(|id| (*id, told(id))).collect()
    }

    /// Notes a change that is told, of a profile that went into another. Answers whether others are followed since.
    pub(super) fn note(&mut self, row: &Row, into: Option<ProfileId>) -> bool {
        let told = self.told.entry(row.profile).or_default();
        *told = row.version.max(*told);
        let Some(at) = self.ids.iter().position(|id| *id == row.profile) else {
            return false;
        };
        let is_last = at + 1 == self.ids.len();
        match row.kind {
            Kind::MergedAway if is_last => {
                let Some(into) = into.filter(|into| !self.ids.contains(into)) else {
                    return false;
                };
                if self.ids.len() == FOLLOWED {
                    // The one that it is asked for stays.
                    self.ids.remove(1);
                }
                self.ids.push(into);
                true
            }
            Kind::MergedAway | Kind::Emptied => false,
            _ if is_last => false,
            _ => {
                // It is there again.
                self.ids.truncate(at + 1);
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Micros;

    fn id(n: u128) -> ProfileId {
        ProfileId::from_uuid(Uuid::from_u128(n))
    }

    fn row(profile: u128, version: i64, kind: Kind) -> Row {
        Row {
            profile: id(profile),
            version,
            position: version,
            kind,
            written_at: Micros(0),
            merged_into: None,
            before: None,
            felt: false,
            joined: Vec::new(),
            parted: Vec::new(),
        }
    }

    #[test]
    fn a_customer_is_followed_into_others_and_back() {
        let mut chain = Chain::new(vec![id(1)]);
        assert!(!chain.note(&row(1, 1, Kind::Created), None));
        assert!(chain.note(&row(1, 2, Kind::MergedAway), Some(id(2))));
        assert_eq!(chain.ids(), [id(1), id(2)]);
        assert!(!chain.note(&row(2, 3, Kind::Merged), None));
        assert!(chain.note(&row(2, 4, Kind::MergedAway), Some(id(3))));
        assert_eq!(chain.wanted(), [(id(1), 2), (id(2), 4), (id(3), 0)]);
        assert!(chain.note(&row(1, 5, Kind::Split), None));
        assert_eq!(chain.ids(), [id(1)]);
        assert!(!chain.note(&row(1, 6, Kind::Emptied), None));
    }

    #[test]
    fn a_long_chain_keeps_its_ends() {
        let mut chain = Chain::new(vec![id(1)]);
        for n in 1..8 {
            let version = i64::try_from(n).unwrap();
            chain.note(&row(n, version, Kind::MergedAway), Some(id(n + 1)));
        }
        assert_eq!(chain.ids(), [id(1), id(6), id(7), id(8)]);
    }
}
