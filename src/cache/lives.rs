//! How long what is kept in the process lives.

use std::time::{Duration, Instant};

use moka::Expiry;

use super::{encoded::View, sealed::lifetime};
use crate::ids::{IdentityKey, ProfileId};

/// Lives up to a tenth shorter than the longest, by the name of what is kept, so that what was filled together does not end
/// together.
pub(super) struct Lives(pub(super) Duration);

/// The name of something that is kept.
pub(super) trait Name {
    /// Bytes of it that differ from those of others.
    fn seed(&self) -> u64;
}

impl Name for ProfileId {
    fn seed(&self) -> u64 {
        self.as_uuid().as_u64_pair().1
    }
}

impl Name for IdentityKey {
    fn seed(&self) -> u64 {
        self.as_uuid().as_u64_pair().1
    }
}

impl Name for (ProfileId, View) {
    fn seed(&self) -> u64 {
        self.0.seed()
    }
}

impl<K: Name, V> Expiry<K, V> for Lives {
    fn expire_after_create(&self, name: &K, _: &V, _: Instant) -> Option<Duration> {
        Some(lifetime(self.0, name.seed()))
    }

    fn expire_after_update(
        &self,
        name: &K,
        _: &V,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(lifetime(self.0, name.seed()))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::clock::Micros;

    #[test]
    fn every_tier_of_the_process_lets_go_of_what_was_filled_together_at_different_times() {
        let hour = Duration::from_hours(1);
        let life = |of: &dyn Fn(Uuid) -> Option<Duration>| {
            let lives = [1_u128, 500, 999].map(|n| of(Uuid::from_u128(n)).unwrap());
            assert!(lives.is_sorted_by(|a, b| a > b), "{lives:?}");
            assert!(lives.iter().all(|life| *life > hour * 9 / 10));
        };
        let (lives, now) = (Lives(hour), Instant::now());
        let view = View {
            fields: 1,
            permissions: 1,
            department: None,
            hour: Micros(0),
            models: 1,
        };
        life(&|id| lives.expire_after_create(&ProfileId::from_uuid(id), &(), now));
        life(&|id| lives.expire_after_create(&IdentityKey::from_uuid(id), &(), now));
        life(&|id| {
            let name = (ProfileId::from_uuid(id), view.clone());
            lives.expire_after_create(&name, &(), now)
        });
        life(&|id| lives.expire_after_update(&IdentityKey::from_uuid(id), &(), now, Some(hour)));
    }
}
