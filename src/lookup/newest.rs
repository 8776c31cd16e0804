//! Whether what a look-up answered is what the primary has.
//!
//! What must stay true: whatever was acknowledged before it is asked, of whatever instance, makes an answer that lacks it old. Whoever
//! joins a profile, parts from it or changes it gives it another version; a customer who is not known comes to be under an
//! identifier.

use super::{Answer, Reader, Source, Who};
use crate::{
    error::Error,
    ids::TenantId,
    storage::{identities, profiles},
};

impl Answer {
    /// Whether it was read from the primary after it was asked for.
    #[must_use]
    pub fn is_of_now(&self) -> bool {
        self.source == Source::Primary && self.behind.is_zero()
    }
}

impl Reader {
    /// Whether the primary still has the version that was answered, under the identifier that answers: two index reads.
    ///
    /// # Errors
    /// When the database fails.
    #[tracing::instrument(name = "lookup.newest", skip_all)]
    pub async fn is_newest(
        &self,
        tenant: &TenantId,
        who: &Who,
        answer: &Answer,
    ) -> Result<bool, Error> {
        let profile = answer.profile();
        let mut connection = self.storage.acquire().await?;
        if let Who::Identifiers(identifiers) = who {
            let keys: Vec<_> = identifiers.iter().flatten().copied().collect();
            let lies_in = identities::profiles_of(&mut connection, tenant, &keys).await?;
            let first = keys
                .iter()
                .find_map(|key| lies_in.iter().find(|(known, _)| known == key));
            if first.map(|(_, id)| *id) != profile.map(|profile| profile.id) {
                return Ok(false);
            }
        }
        let Some(profile) = profile else {
            return Ok(true);
        };
        let version = profiles::version(&mut connection, tenant, profile.id).await?;
        Ok(version == Some(profile.version))
    }
}
