//! What goes with the answers on a scale.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;

use crate::{
    clock::Micros,
    error::Error,
    experience::{
        Reporting,
        contribution::Contribution,
        drivers::{self, Driver, Method, Moments, Quadrant, Refused},
        survey::Scale,
    },
    ids::TenantId,
    proto::v1::{KeyDriver, KeyDriverQuadrant, KeyDrivers, SurveyScale},
    storage::contributions,
};

/// Customers whose answers are looked at.
const LOOKED_AT: i64 = 20_000;

/// An answer, when it was given, and what was felt about topics.
struct Row {
    value: i32,
    at: Micros,
    topics: BTreeMap<String, i32>,
}

/// What goes with the latest answers on a scale that were given from a time on, before another.
pub(super) async fn of(
    connection: &mut PgConnection,
    tenant: &TenantId,
    outcome: Scale,
    within: (Micros, Micros),
) -> Result<KeyDrivers, Error> {
    let bodies = contributions::who_answered(connection, tenant, LOOKED_AT).await?;
    let mut rows = Vec::new();
    for body in bodies {
        let contribution =
            Contribution::decode(&body).map_err(|e| Error::bug("reading a contribution", e))?;
        rows.extend(row(contribution, outcome, within));
    }
    let answer = found(&rows)?;
    Ok(KeyDrivers {
        outcome: SurveyScale::try_from(outcome.number())
            .unwrap_or_default()
            .into(),
        begin: Some(within.0.to_proto()),
        end: Some(within.1.to_proto()),
        ..answer
    })
}

fn row(contribution: Contribution, outcome: Scale, (begin, end): (Micros, Micros)) -> Option<Row> {
    let said = contribution.drivers?;
    let answer = said.answers.get(&outcome)?;
    let at = answer.at.filter(|at| begin <= *at && *at < end)?;
    Some(Row {
        value: answer.value,
        at,
        topics: said.topics,
    })
}

fn found(rows: &[Row]) -> Result<KeyDrivers, Error> {
    let names: BTreeSet<&String> = rows.iter().flat_map(|row| row.topics.keys()).collect();
    let names: Vec<&String> = names.into_iter().take(drivers::TOPICS).collect();
    let answer = KeyDrivers {
        n: i64::try_from(rows.len()).unwrap_or(i64::MAX),
        definition: drivers::DEFINITION,
        caveat: drivers::CAVEAT.to_owned(),
        ..KeyDrivers::default()
    };
    let refused = |why: &str| KeyDrivers {
        refused: why.to_owned(),
        ..answer.clone()
    };
    let mut moments = Moments::new(names.len()).map_err(|e| Error::bug("finding drivers", e))?;
    for row in rows {
        let felt: Vec<Option<i32>> = names.iter().map(|n| row.topics.get(*n).copied()).collect();
        moments
            .add(&felt, row.value)
            .map_err(|e| Error::bug("finding drivers", e))?;
    }
    let name = |topic: usize| names.get(topic).map_or("", |name| name.as_str());
    Ok(
        match drivers::drivers(&moments, Reporting::default().floor) {
            Ok(found) => KeyDrivers {
                r_squared: Some(found.r_squared),
                adjusted_r_squared: Some(found.adjusted_r_squared),
                effective_n: found.effective_n,
                method: match found.method {
                    Method::Shapley => "shapley".to_owned(),
                    Method::RelativeWeights => "relative_weights".to_owned(),
                },
                omitted: found
                    .omitted
                    .iter()
                    .map(|(topic, _)| name(*topic).to_owned())
                    .collect(),
                drivers: found
                    .drivers
                    .iter()
                    .map(|driver| shown(driver, name(driver.topic), rows))
                    .collect(),
                ..answer
            },
            Err(Refused::Weak { r_squared }) => KeyDrivers {
                r_squared: Some(r_squared),
                ..refused("explains_too_little")
            },
            Err(Refused::NoTopics | Refused::TooFew { .. }) => refused("too_few_answers"),
        },
    )
}

fn shown(driver: &Driver, topic: &str, rows: &[Row]) -> KeyDriver {
    let answered = rows
        .iter()
        .filter(|row| row.topics.contains_key(topic))
        .map(|row| row.at);
    // Rows are in thousandths.
    let end = |at: f64| (at / 1000.0).clamp(-1.0, 1.0);
    KeyDriver {
        topic: topic.to_owned(),
        importance: driver.importance,
        performance: driver.performance / 1000.0,
        performance_low: driver.performance_within.map(|(low, _)| end(low)),
        performance_high: driver.performance_within.map(|(_, high)| end(high)),
        n: i64::try_from(driver.n).unwrap_or(i64::MAX),
        effective_n: super::real(driver.n),
        correlation: driver.correlation,
        correlation_low: driver.correlation_within.map(|(low, _)| low),
        correlation_high: driver.correlation_within.map(|(_, high)| high),
        quadrant: match driver.quadrant {
            Quadrant::Improve => KeyDriverQuadrant::Improve,
            Quadrant::Keep => KeyDriverQuadrant::Keep,
            Quadrant::Watch => KeyDriverQuadrant::Watch,
            Quadrant::Enough => KeyDriverQuadrant::Enough,
        }
        .into(),
        first_answer: answered.clone().min().map(Micros::to_proto),
        last_answer: answered.max().map(Micros::to_proto),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Forty customers in as many hours: half speak well of deliveries and answer 9, half badly and answer 2; three speak of a
    /// price.
    fn rows() -> Vec<Row> {
        let row = |who: u16| {
            let good = who.is_multiple_of(2);
            let mut topics =
                BTreeMap::from([("delivery".to_owned(), if good { 1_000 } else { -1_000 })]);
            if who < 3 {
                topics.insert("price".to_owned(), 0);
            }
            Row {
                value: if good { 9 } else { 2 },
                at: Micros(i64::from(who) * 3_600 * Micros::SECOND),
                topics,
            }
        };
        (0..40).map(row).collect()
    }

    #[test]
    fn a_driver_says_its_sign_its_place_what_it_rests_on_and_since_when() {
        let found = found(&rows()).unwrap();
        assert_eq!((found.n, found.refused.as_str()), (40, ""));
        assert_eq!(found.caveat, "association, not cause");
        assert_eq!(
            (found.method.as_str(), &found.omitted[..]),
            ("shapley", &["price".to_owned()][..])
        );
        assert!((found.effective_n - 40.0).abs() < 1e-9);
        let [driver] = &found.drivers[..] else {
            panic!("{found:?}");
        };
        assert_eq!((driver.n, driver.performance), (40, 0.0));
        assert!((driver.effective_n - 40.0).abs() < 1e-9);
        assert!(driver.correlation > 0.99 && driver.correlation_low.unwrap() <= driver.correlation);
        assert!(driver.performance_low.unwrap() < 0.0 && driver.performance_high.unwrap() > 0.0);
        // The only one is as good as the mean of all.
        assert_eq!(driver.quadrant(), KeyDriverQuadrant::Keep);
        let at = |hours: i64| Some(Micros(hours * 3_600 * Micros::SECOND).to_proto());
        assert_eq!((driver.first_answer, driver.last_answer), (at(0), at(39)));
    }

    #[test]
    fn too_few_answers_are_refused_with_the_caveat() {
        let refused = found(&rows()[..9]).unwrap();
        assert_eq!(
            (refused.n, refused.refused.as_str()),
            (9, "too_few_answers")
        );
        assert!(refused.drivers.is_empty() && !refused.caveat.is_empty());
        assert_eq!(found(&[]).unwrap().refused, "too_few_answers");
    }
}
