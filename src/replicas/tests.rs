//! Which replica is asked next.

use std::{str::FromStr as _, time::Duration};

use sqlx::postgres::PgConnectOptions;

use super::*;
use crate::storage;

const EPOCH: Epoch = Epoch(7);

const OURS: Lineage = Lineage {
    system: 7,
    database: 5,
    timeline: 2,
};

/// Replicas that nobody reaches, as they are after they were looked at.
fn replicas(fit: &[bool]) -> Replicas {
    let storage = |_: &bool| {
        Storage::new(storage::Options {
            connect: PgConnectOptions::from_str("postgres://nobody@127.0.0.1:1/none").unwrap(),
            connections: 1,
            acquire_timeout: Duration::from_secs(1),
            statement_timeout: Duration::from_secs(1),
            lock_timeout: Duration::from_secs(1),
        })
    };
    let all = Replicas::new(fit.iter().map(storage).collect(), Duration::from_millis(1));
    for (replica, fit) in all.all.iter().zip(fit) {
        assert_eq!(replica.state().unfit, Some(Unfit::Away), "until looked at");
        let unfit = (!fit).then_some(Unfit::Promoted);
        assert!(replica.found(unfit) && !replica.found(unfit));
    }
    *all.primary.write().unwrap() = Some((EPOCH, OURS));
    all
}

#[tokio::test]
async fn the_fit_one_with_the_fewest_look_ups_is_asked() {
    let all = replicas(&[true, false, true]);
    assert!(all.is_any_fit());
    assert!(all.call(Epoch(8)).is_none(), "of another run");
    let calls: Vec<_> = (0..2 * CROWD).map(|_| all.call(EPOCH).unwrap()).collect();
    for number in ["1", "3"] {
        let asked = calls.iter().filter(|call| call.number() == number);
        assert_eq!(asked.count(), CROWD);
    }
    assert!(all.call(EPOCH).is_none(), "as many as they take");
    drop(calls);
    for _ in 0..10 {
        let call = all.call(EPOCH).unwrap();
        assert_ne!(call.number(), "2");
    }
    assert!(replicas(&[]).call(EPOCH).is_none());
}

#[tokio::test]
async fn one_that_fails_is_left_alone_and_one_that_is_no_replica_until_it_was_looked_at() {
    let all = replicas(&[true]);
    for _ in 0..20 {
        all.call(EPOCH).unwrap().end(Outcome::Conflict);
    }
    for _ in 0..crate::breaker::IN_A_ROW {
        all.call(EPOCH).unwrap().end(Outcome::Slow);
    }
    assert!(all.call(EPOCH).is_none());

    let all = replicas(&[true]);
    let unfit = Outcome::Unfit(Unfit::Timeline);
    all.call(EPOCH).unwrap().end(unfit);
    assert!(all.call(EPOCH).is_none() && !all.is_any_fit());
    all.all[0].found(None);
    assert!(all.call(EPOCH).is_some());
}
