//! Looking at a sample of a tenant's profiles.
//!
//! What must stay true: what it costs is bounded in rows, in time and in turns, whatever the population; it writes nothing, and who
//! deletes or merges meanwhile waits for nobody. The same customers are looked at each time, as long as there is time: those whose
//! homes have the smallest keys, which are keyed hashes, so that they are a sample by chance.

use tokio::time::Instant;
use uuid::Uuid;

use super::{Desk, period::Look};
use crate::{
    error::Error,
    ids::{IdentityKey, TenantId},
    storage::{profiles::Profile, samples},
};

/// Profiles that are looked at.
const SAMPLED: usize = 1_000;
/// Identifiers that are read at most to find them.
const LOOKED_AT: usize = 10_000;
/// Identifiers read at once: few, since others wait while their profiles are decoded.
const PAGE: i64 = 200;
/// How long is looked, a turn included.
const BUDGET: std::time::Duration = std::time::Duration::from_secs(2);

/// Bits of a key that are counted on for being even.
const BITS: u32 = 48;

/// How much was looked at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Profiles.
    pub profiles: usize,
    /// Whether they were all there are.
    pub complete: bool,
    /// How many there are: counted, or estimated from how far into the keys the sample reached. The keys are even, so with n
    /// profiles the estimate's standard deviation is a share of 1 / sqrt(n) of it.
    pub population: f64,
}

impl Desk {
    /// Shows a sample of at most 1,000 profiles to somebody who looks, off the runtime's threads. None when others look already and
    /// do not end in time.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "decision.sample", skip_all, fields(sampled = tracing::field::Empty))]
    pub(super) async fn sample<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        (mut looking, what): (T, &'static str),
        look: impl Fn(&mut T, &Profile) + Clone + Send + 'static,
    ) -> Result<Option<(T, Sampled)>, Error> {
        let end = Instant::now() + BUDGET;
        let Ok(Ok(_turn)) = tokio::time::timeout_at(end, self.turns.acquire()).await else {
            return Ok(None);
        };
        let _look = Look::at(what);
        let mut after = IdentityKey::from_uuid(Uuid::nil());
        let (mut read, mut sampled, mut complete) = (0, 0, false);
        while sampled < SAMPLED && read < LOOKED_AT && Instant::now() < end {
            let mut connection = self.storage.acquire().await?;
            let keys = samples::keys(&mut connection, tenant, after, PAGE).await?;
            let Some((last, _)) = keys.last().copied() else {
                complete = true;
                break;
            };
            read += keys.len();
            let profiles = samples::profiles(&mut connection, tenant, &keys).await?;
            drop(connection);
            let (most, show) = (SAMPLED - sampled, look.clone());
            let showing = tokio::task::spawn_blocking(move || {
                let (mut shown, mut until) = (0, after);
                for profile in &profiles {
                    if shown == most || Instant::now() >= end {
                        break;
                    }
                    show(&mut looking, profile);
                    shown += 1;
                    until = profile.home_key;
                }
                let all = shown == profiles.len();
                (looking, shown, if all { last } else { until })
            });
            let (seen, shown, until) = showing
                .await
                .map_err(|e| Error::bug("sampling profiles", e))?;
            (looking, sampled, after) = (seen, sampled + shown, until);
        }
        tracing::Span::current().record("sampled", sampled);
        let sampled = Sampled {
            profiles: sampled,
            complete,
            population: population(sampled, complete, after),
        };
        Ok(Some((looking, sampled)))
    }
}

/// How many profiles there are where so many have homes up to a key.
fn population(profiles: usize, complete: bool, until: IdentityKey) -> f64 {
    let seen = u32::try_from(profiles).map_or(f64::MAX, f64::from);
    let (high, _) = until.as_uuid().as_u64_pair();
    let (reached, all) = (high >> (64 - BITS), 1_u64 << BITS);
    if complete || reached == 0 {
        return seen;
    }
    #[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
    let share = reached as f64 / all as f64;
    seen / share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(high: u64) -> IdentityKey {
        IdentityKey::from_uuid(Uuid::from_u64_pair(high, 0))
    }

    #[test]
    fn a_population_is_as_many_times_larger_as_the_keys_go_on() {
        assert!((population(1_000, false, key(1 << 63)) - 2_000.0).abs() < 1e-9);
        assert!((population(1_000, false, key(1 << 56)) - 256_000.0).abs() < 1e-6);
        // All were seen, wherever the last one lies.
        assert!((population(7, true, key(1 << 56)) - 7.0).abs() < 1e-9);
        assert!(population(0, true, key(0)).abs() < 1e-9);
        assert!((population(3, false, key(1)) - 3.0).abs() < 1e-9);
    }
}
