//! Trying rules on everybody.

use std::sync::Arc;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Change, in_force};
use crate::{
    error::Error,
    identity::{
        Rules,
        population::{Difference, Population},
        rules::{Warning, warnings},
    },
    ids::{DecisionId, IdentityKey, ProfileId, TenantId},
    storage::{Storage, decided, locks, population},
    telemetry::names,
};

/// Rows of a page.
const PAGE: i64 = 10_000;

/// What a change would do.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The revision that it was compared with.
    pub revision: i64,
    /// Every change up to this position is in it.
    pub position: i64,
    /// How everybody would differ.
    pub difference: Difference,
    /// What is likely to go wrong, whatever the population.
    pub warnings: Vec<Warning>,
}

/// Tries rules on a tenant's whole population, of `most` identifiers at most; shows so many examples of each kind. Whoever
/// waits for a turn is let in when `turn` is dropped, which is not before the work has ended, also when nobody waits for it
/// any more.
///
/// # Errors
/// `preview_too_large` beyond `most` identifiers, not found when there is no such revision; and when the database fails.
#[tracing::instrument(name = "rules.preview", skip_all, fields(identifiers = tracing::field::Empty))]
pub async fn preview(
    storage: &Storage,
    tenant: &TenantId,
    change: &Change,
    (examples, most): (usize, usize),
    turn: impl Send + 'static,
) -> Result<Preview, Error> {
    let started = tokio::time::Instant::now();
    let mut snapshot = storage.begin_snapshot().await?;
    let revision = in_force(&mut snapshot, tenant).await?.number;
    let position = locks::seen(&mut snapshot).await?;
    let rules = Rules::from(change.rules(&mut snapshot, tenant).await?);
    let count = population::count(&mut snapshot, tenant).await?;
    if usize::try_from(count).unwrap_or(usize::MAX) > most {
        return Err(Error::Refused {
            reason: "preview_too_large",
            description: format!(
                "a preview looks at {most} identifiers at most, and there are {count}"
            )
            .into(),
        });
    }
    tracing::Span::current().record("identifiers", count);
    let rules = Arc::new(rules);
    let told = tell(&mut snapshot, tenant, Arc::clone(&rules)).await?;
    drop(snapshot);
    let span = tracing::Span::current();
    let foresee = move || {
        let difference = span.in_scope(|| told.foresee(examples));
        drop(turn);
        difference
    };
    let difference = tokio::task::spawn_blocking(foresee)
        .await
        .map_err(|error| Error::bug("previewing rules", error))?;
    metrics::histogram!(names::IDENTITY_PREVIEW_SECONDS).record(started.elapsed().as_secs_f64());
    Ok(Preview {
        revision,
        position,
        difference,
        warnings: warnings(&rules),
    })
}

/// Reads everything that resolution looks at.
async fn tell(
    connection: &mut PgConnection,
    tenant: &TenantId,
    rules: Arc<Rules>,
) -> Result<Population, Error> {
    let mut told = Population::new(rules);
    let nil = Uuid::nil();
    let mut last = IdentityKey::from_uuid(nil);
    loop {
        let page = population::identities(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|stored| stored.key) else {
            break;
        };
        last = end;
        for stored in page {
            told.identifier(stored);
        }
    }
    let mut last = ProfileId::from_uuid(nil);
    loop {
        let page = population::homes(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|(id, _)| *id) else {
            break;
        };
        last = end;
        for (id, home) in page {
            told.profile(id, home);
        }
    }
    let mut last = (IdentityKey::from_uuid(nil), IdentityKey::from_uuid(nil));
    loop {
        let page = population::links(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|link| (link.key, link.other)) else {
            break;
        };
        last = end;
        for link in page {
            told.link(link);
        }
    }
    let mut last = None;
    loop {
        let page = decided::assertions_after(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|a| (a.key, a.other, a.decision)) else {
            break;
        };
        last = Some(end);
        for assertion in page {
            told.assertion(assertion);
        }
    }
    let mut last: Option<(IdentityKey, DecisionId)> = None;
    loop {
        let page = decided::sides_after(connection, tenant, last, PAGE).await?;
        let Some(end) = page.last().map(|(key, decision, _)| (*key, *decision)) else {
            break;
        };
        last = Some(end);
        for (key, decision, side) in page {
            told.side(key, decision, side);
        }
    }
    Ok(told)
}
