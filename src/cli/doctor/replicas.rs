//! Whether replicas are what the settings take them for, and how far behind.

use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use super::judge::Finding;
use crate::{
    app::Opened,
    replicas::{Unfit, fit},
    storage::{self, Storage, outbox, standby},
};

/// How long a replica may take to have what the primary has.
const CATCH_UP: Duration = Duration::from_secs(3);

const ABOUT: &str = "replica";

/// What was found of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// It does not answer.
    Unreachable,
    /// It may not answer look-ups.
    Unfit(Unfit),
    /// It had what the primary had so long before.
    Behind(Duration),
    /// It has not.
    FarBehind,
}

/// What is to be said of each replica.
pub(super) async fn examine(opened: &Opened, findings: &mut Vec<Finding>) -> storage::Result<()> {
    if opened.replicas.is_empty() {
        return Ok(());
    }
    let mut connection = opened.storage.acquire().await?;
    let lineage = standby::primary(&mut connection).await?;
    for (n, replica) in opened.replicas.iter().enumerate() {
        let now = outbox::since(&mut connection, i64::MAX, &[], 1).await?;
        let looked = timeout(2 * CATCH_UP, look(replica, &lineage, now.oldest)).await;
        let found = looked.unwrap_or(Ok(Found::Unreachable));
        findings.push(judge(n + 1, found.unwrap_or(Found::Unreachable)));
    }
    Ok(())
}

async fn look(
    replica: &Storage,
    primary: &standby::Lineage,
    oldest: i64,
) -> storage::Result<Found> {
    let mut connection = replica.acquire().await?;
    let begun = Instant::now();
    loop {
        let stand = standby::stand(&mut connection).await?;
        if let Err(unfit) = fit(primary, &stand) {
            return Ok(Found::Unfit(unfit));
        }
        let waited = begun.elapsed();
        if stand.oldest >= oldest {
            return Ok(Found::Behind(waited));
        }
        if waited > CATCH_UP {
            return Ok(Found::FarBehind);
        }
        sleep(Duration::from_millis(5)).await;
    }
}

fn judge(number: usize, found: Found) -> Finding {
    let warning = |found: &str, remedy| {
        let found = format!("number {number} {found}");
        Finding::warning(ABOUT, found, remedy)
    };
    match found {
        Found::Behind(by) => {
            let millis = by.as_millis();
            let found = format!("number {number} has what the primary had {millis} ms before");
            Finding::fine(ABOUT, found)
        }
        Found::FarBehind => warning(
            "has not what the primary had 3 s before: what changed meanwhile is read from the primary",
            "is it connected (pg_stat_replication), is its replay paused or delayed, do long queries hold it up (max_standby_streaming_delay)?",
        ),
        Found::Unreachable => warning(
            "does not answer: the primary is asked in its place",
            "is it up with hot_standby on, does database.replica_urls name it, are user and password right, may the user execute pg_control_system?",
        ),
        Found::Unfit(Unfit::Promoted) => warning(
            "follows nobody, so it is not asked",
            "after a failover name the new primary in DATABASE_URL and the standbys in DATABASE_REPLICA_URL; an old primary has to be made a standby",
        ),
        Found::Unfit(Unfit::Timeline) => warning(
            "is not known to follow this primary since its last failover, so it is not asked",
            "let it follow the new primary; it says so after its next restartpoint, at once after CHECKPOINT on the primary and then on it",
        ),
        Found::Unfit(Unfit::Foreign | Unfit::Away) => Finding::fault(
            ABOUT,
            format!("number {number} is a copy of something else, so it is not asked"),
            "name standbys of the primary of DATABASE_URL, with the same database, in DATABASE_REPLICA_URL",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::judge::Level, *};

    #[test]
    fn each_finding_says_which_and_what_to_do() {
        let all = [
            (Found::Behind(Duration::from_millis(7)), Level::Fine),
            (Found::FarBehind, Level::Warning),
            (Found::Unreachable, Level::Warning),
            (Found::Unfit(Unfit::Promoted), Level::Warning),
            (Found::Unfit(Unfit::Timeline), Level::Warning),
            (Found::Unfit(Unfit::Foreign), Level::Fault),
        ];
        for (found, level) in all {
            let said = judge(2, found);
            assert_eq!(said.level, level);
            assert!(said.found.starts_with("number 2 "), "{said:?}");
            assert_eq!(said.remedy.is_empty(), level == Level::Fine);
        }
    }
}
