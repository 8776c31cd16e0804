//! What goes with the answers on a scale.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::{
    error::Error,
    experience::{
        Reporting,
        contribution::Contribution,
        drivers::{self, Moments},
        survey::Scale,
    },
    ids::TenantId,
    proto::v1::{KeyDriver, KeyDrivers, SurveyScale},
    storage::contributions,
};

/// Customers whose answers are looked at.
const LOOKED_AT: i64 = 20_000;

/// What goes with the answers on a scale.
pub(super) async fn of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    outcome: Scale,
) -> Result<KeyDrivers, Error> {
    let bodies = contributions::who_answered(connection, tenant, LOOKED_AT).await?;
    let mut rows = Vec::new();
    for body in bodies {
        let contribution =
            Contribution::decode(&body).map_err(|e| Error::bug("reading a contribution", e))?;
        rows.extend(contribution.drivers.and_then(|said| {
            let answer = *said.answers.get(&outcome)?;
            Some((said.topics, answer))
        }));
    }
    let names: BTreeSet<&String> = rows.iter().flat_map(|(topics, _)| topics.keys()).collect();
    let names: Vec<&String> = names.into_iter().take(drivers::TOPICS).collect();
    let scale = SurveyScale::try_from(outcome.number()).unwrap_or_default();
    let mut answer = KeyDrivers {
        outcome: scale.into(),
        n: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        ..KeyDrivers::default()
    };
    let Ok(mut moments) = Moments::new(names.len()) else {
        "too_few_answers".clone_into(&mut answer.refused);
        return Ok(answer);
    };
    for (topics, value) in &rows {
        let felt: Vec<Option<i32>> = names.iter().map(|n| topics.get(*n).copied()).collect();
        moments
            .add(&felt, *value)
            .map_err(|e| Error::bug("finding drivers", e))?;
    }
    match drivers::drivers(&moments, Reporting::default().floor) {
        Ok(found) => {
            answer.r_squared = Some(found.r_squared);
            answer.drivers = found
                .drivers
                .iter()
                .map(|driver| KeyDriver {
                    topic: names
                        .get(driver.topic)
                        .map_or_else(String::new, |n| (*n).clone()),
                    importance: driver.importance,
                    performance: driver.performance / 1000.0,
                    n: i64::try_from(driver.n).unwrap_or(i64::MAX),
                })
                .collect();
        }
        Err(drivers::Refused::Weak { r_squared }) => {
            answer.r_squared = Some(r_squared);
            "explains_too_little".clone_into(&mut answer.refused);
        }
        Err(_) => "too_few_answers".clone_into(&mut answer.refused),
    }
    Ok(answer)
}
