//! Another Postgres takes the place of the one that died.

use std::time::Duration;

use customer_profile::proto::v1::{GetProfileRequest, ListInteractionsRequest, ReadOptions};
use tonic::Code;

use super::{
    callers::known,
    postgres::{ROLE, SMALL, admit, most_ok, only_away},
    stage::{Fault, Stage},
};
use crate::{
    harness::{
        away::OwnCluster,
        calls::{getting, listing, recording},
        cluster::scratch,
        link::Link,
        make,
        redis::Redis,
        refused::refused,
        wait::until,
    },
    health::page,
};

/// A primary, its standby, and the address that leads to one of them.
pub struct Pair {
    pub primary: OwnCluster,
    standby: OwnCluster,
    pub link: Link,
    /// Whether the standby is the primary by now.
    promoted: bool,
}

impl Pair {
    pub async fn start(name: &str) -> Self {
        let at = scratch().join(format!("faults-{name}"));
        let primary = OwnCluster::start_with(at, &SMALL).await;
        admit(&primary).await;
        let standby = primary.standby(&format!("faults-{name}-standby")).await;
        let link = Link::to(&primary.socket()).await;
        let streams = "SELECT count(*)::text FROM pg_stat_replication WHERE state = 'streaming'";
        primary.until(streams, "1").await;
        Self {
            primary,
            standby,
            link,
            promoted: false,
        }
    }

    /// Lets commits wait for the standby.
    pub async fn be_synchronous(&self) {
        self.primary
            .tell("ALTER SYSTEM SET synchronous_standby_names = '*'")
            .await;
        self.primary.tell("SELECT pg_reload_conf()").await;
        let synchronous = "SELECT sync_state FROM pg_stat_replication";
        self.primary.until(synchronous, "sync").await;
    }

    /// Lets the standby hear no more of the primary.
    pub async fn part(&self) {
        self.standby
            .tell("ALTER SYSTEM SET primary_conninfo = ''")
            .await;
        self.standby.tell("SELECT pg_reload_conf()").await;
        let gone = "SELECT count(*)::text FROM pg_stat_replication";
        self.primary.until(gone, "0").await;
    }

    /// kill -9 for all of the primary.
    pub async fn kill_primary(&mut self) {
        self.primary.kill().await;
    }

    /// Makes the standby the primary of whoever comes by the address.
    pub async fn promote(&mut self) {
        self.standby.tell("SELECT pg_promote(true, 30)").await;
        self.link.lead_to(&self.standby.socket());
        self.promoted = true;
    }

    /// Takes the standby that was promoted for the primary, with a new synchronous one.
    pub async fn follow(&mut self, name: &str) {
        let standby = self.standby.standby(&format!("faults-{name}")).await;
        self.primary = std::mem::replace(&mut self.standby, standby);
        self.promoted = false;
        self.be_synchronous().await;
    }
}

/// The address of the database that is the primary now.
pub fn direct(pair: &Pair) -> String {
    let now = if pair.promoted {
        &pair.standby
    } else {
        &pair.primary
    };
    now.database().url()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_to_a_synchronous_standby_loses_nothing() {
    let mut pair = Pair::start("synchronous").await;
    pair.be_synchronous().await;
    let redis = Redis::start("faults-synchronous-redis");
    let stage = Stage::start(
        "synchronous-service",
        &pair.link.url(ROLE),
        &redis.url(),
        &[],
    )
    .await;
    commits_wait_for(&stage, "standby").await;
    let kill = async |pair: &mut Pair| pair.kill_primary().await;
    let promote = async |pair: &mut Pair| pair.promote().await;
    let fault = Fault::of("failover to a synchronous standby", 2_000);
    let seen = stage.undergo(fault, &mut pair, kill, promote, direct).await;
    only_away(&seen);
    most_ok(&seen, &seen.stale);
    assert!(seen.write.ok() < seen.write.total() && seen.acknowledged > 0);
    // The new primary has no standby, and is told to wait for one all the same.
    commits_wait_for(&stage, "alone").await;
    let asking = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    pair.standby.tell(asking).await;
    pair.standby.tell("SELECT pg_reload_conf()").await;
    commits_wait_for(&stage, "stuck").await;
    pair.standby
        .tell("ALTER SYSTEM RESET synchronous_standby_names")
        .await;
    pair.standby.tell("SELECT pg_reload_conf()").await;
    commits_wait_for(&stage, "alone").await;
    stage.end().await;
}

/// Waits until the metrics say what commits wait for.
async fn commits_wait_for(stage: &Stage, whom: &str) {
    let line = format!("customer_profile_db_commits{{state=\"{whom}\"}} 1");
    until("what commits wait for", async || {
        let (_, text) = page(&stage.metrics, "/metrics").await;
        text.lines().any(|shown| shown == line)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_writes_that_a_failover_loses_are_lost_too() {
    let mut pair = Pair::start("lacking").await;
    let redis = Redis::start("faults-lacking-redis");
    let stage = Stage::start("lacking-service", &pair.link.url(ROLE), &redis.url(), &[]).await;
    let mut doomed = Vec::new();
    let fall_behind = async |pair: &mut Pair| {
        pair.part().await;
        // Of some whom the standby knows, and of others.
        let others = (0..5).map(|n| format!("email=doomed-{n}@example.com"));
        for (n, who) in (0..5).map(known).chain(others).enumerate() {
            let event = make::seen(&format!("doomed-{n}"), 0, &[&who]);
            let request = recording(vec![event]);
            let answer = stage.interactions().record_interactions(request).await;
            doomed.push((who, answer.unwrap().into_inner().token));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        pair.primary.kill().await;
    };
    let promote = async |pair: &mut Pair| pair.promote().await;
    let fault = Fault {
        loses: true,
        ..Fault::of("failover to a standby that lacks commits", 2_000)
    };
    let seen = stage
        .undergo(fault, &mut pair, fall_behind, promote, direct)
        .await;
    most_ok(&seen, &seen.stale);
    assert!(seen.lost > 0, "what the standby never had");
    for (who, token) in doomed {
        let asked = |tokens: Vec<String>| GetProfileRequest {
            read_options: Some(ReadOptions {
                tokens,
                ..ReadOptions::default()
            }),
            allow_missing: true,
            ..getting(&who)
        };
        let mut client = stage.profiles();
        let status = client
            .get_profile(asked(vec![token.clone()]))
            .await
            .unwrap_err();
        refused(&status, Code::Aborted, "token_lost");
        let listed = ListInteractionsRequest {
            read_options: asked(vec![token]).read_options,
            ..listing(&who)
        };
        let status = stage.interactions().list_interactions(listed).await;
        refused(&status.unwrap_err(), Code::Aborted, "token_lost");
        // Without it, or with the token of what is there, it is as on any other day.
        let answer = client.get_profile(asked(Vec::new())).await.unwrap();
        let info = answer.into_inner().read_info.unwrap();
        let again = client.get_profile(asked(vec![info.token])).await;
        assert!(again.is_ok(), "{again:?}");
    }
    stage.end().await;
}
