//! Postgres is away, hangs, is slow, takes no writes, has no connections left.

use std::time::Duration;

use customer_profile::proto::v1::StreamInteractionsRequest;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

use super::{
    figures::{Part, Seen},
    stage::{Fault, Stage},
};
use crate::{
    harness::{
        away::OwnCluster, cluster::scratch, link::Link, redis::Redis, refused::refused, wait::until,
    },
    health::SERVICES,
};

/// The role of the service, which is no superuser, so that it can run out of connections.
pub const ROLE: &str = "app";

/// A server that takes little of the machine.
pub const SMALL: [(&str, &str); 4] = [
    ("shared_buffers", "32MB"),
    ("max_connections", "60"),
    ("autovacuum", "off"),
    // What is acknowledged outlives the process, as in use; what outlives the machine no test looks at.
    ("synchronous_commit", "on"),
];

/// The longest that a call may take, while the service waits 2.5 s for its database at most: much more, on a busy machine.
pub const BOUND: Duration = Duration::from_secs(10);

/// Lets a role of the service in.
pub async fn admit(cluster: &OwnCluster) {
    let statement = format!(
        "CREATE ROLE {ROLE} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {ROLE};
         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {ROLE}"
    );
    cluster.tell(&statement).await;
}

/// Ends every connection of the service.
pub const TERMINATE: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'";

/// Nothing but answers and `UNAVAILABLE` `storage_away`, none of which takes for ever.
pub fn only_away(seen: &Seen) {
    for part in [&seen.read, &seen.stale, &seen.write] {
        let known = ["OK", "UNAVAILABLE `storage_away`"];
        let all = part.outcomes.keys().all(|o| known.contains(&o.as_str()));
        assert!(all, "{}: {:?}", seen.fault, part.outcomes);
        assert!(part.slowest() < BOUND, "{}: {part:?}", seen.fault);
    }
}

/// Old answers were given all the time.
pub fn all_ok(seen: &Seen, part: &Part) {
    assert_eq!(
        part.ok(),
        part.total(),
        "{}: {:?}",
        seen.fault,
        part.outcomes
    );
    assert!(part.total() > 0, "{}", seen.fault);
}

/// Old answers were given, but for a few while caches begin anew with a database that came back.
pub fn most_ok(seen: &Seen, part: &Part) {
    let most = part.ok() * 10 >= part.total() * 9;
    assert!(
        most && part.total() > 0,
        "{}: {:?}",
        seen.fault,
        part.outcomes
    );
}

struct Set {
    cluster: OwnCluster,
    link: Link,
}

fn direct(set: &Set) -> String {
    set.cluster.database().url()
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_take_old_answers_go_on_and_nothing_acknowledged_is_lost() {
    let cluster = OwnCluster::start_with(scratch().join("faults-postgres"), &SMALL).await;
    admit(&cluster).await;
    let link = Link::to(&cluster.socket()).await;
    let redis = Redis::start("faults-postgres-redis");
    let stage = Stage::start("postgres-service", &link.url(ROLE), &redis.url(), &[]).await;
    let mut set = Set { cluster, link };

    let kill = async |set: &mut Set| set.cluster.kill().await;
    let start = async |set: &mut Set| {
        set.cluster.run().await;
        set.link.lead_to(&set.cluster.socket());
    };
    let fault = Fault::of("Postgres killed", 3_000);
    let seen = stage.undergo(fault, &mut set, kill, start, direct).await;
    only_away(&seen);
    most_ok(&seen, &seen.stale);
    assert!(seen.read.ok() < seen.read.total() && seen.write.ok() < seen.write.total());

    let freeze = async |set: &mut Set| set.cluster.freeze();
    let thaw = async |set: &mut Set| set.cluster.thaw();
    let fault = Fault::of("Postgres frozen", 4_000);
    let seen = stage.undergo(fault, &mut set, freeze, thaw, direct).await;
    only_away(&seen);
    all_ok(&seen, &seen.stale);
    assert!(seen.read.ok() < seen.read.total() && seen.write.ok() < seen.write.total());

    let slow = async |set: &mut Set| set.link.delay(Duration::from_millis(25));
    let quick = async |set: &mut Set| set.link.delay(Duration::ZERO);
    let fault = Fault::of("Postgres slow", 2_500);
    let seen = stage.undergo(fault, &mut set, slow, quick, direct).await;
    // Within what it waits for, but on a machine that does too much else.
    for part in [&seen.read, &seen.stale, &seen.write] {
        most_ok(&seen, part);
    }

    let close = async |set: &mut Set| {
        set.cluster
            .tell("ALTER SYSTEM SET default_transaction_read_only = on")
            .await;
        set.cluster.tell("SELECT pg_reload_conf()").await;
    };
    let open = async |set: &mut Set| {
        let health = stage.serving().await;
        assert_eq!(
            health,
            ["", "ProfileService", "SegmentService", "SentimentService"]
        );
        set.cluster
            .tell("ALTER SYSTEM RESET default_transaction_read_only")
            .await;
        set.cluster.tell("SELECT pg_reload_conf()").await;
    };
    let fault = Fault::of("Postgres read-only", 2_500);
    let seen = stage.undergo(fault, &mut set, close, open, direct).await;
    only_away(&seen);
    all_ok(&seen, &seen.read);
    all_ok(&seen, &seen.stale);
    assert!(seen.write.ok() < seen.write.total());

    let refuse = async |set: &mut Set| {
        set.cluster
            .tell(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT 0"))
            .await;
        set.cluster.tell(TERMINATE).await;
    };
    let admit = async |set: &mut Set| {
        let health = stage.serving().await;
        assert_eq!(health, ["", "ProfileService"]);
        set.cluster
            .tell(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT -1"))
            .await;
    };
    let fault = Fault::of("Postgres out of connections", 3_000);
    let seen = stage.undergo(fault, &mut set, refuse, admit, direct).await;
    only_away(&seen);
    all_ok(&seen, &seen.stale);
    assert!(seen.read.ok() < seen.read.total() && seen.write.ok() < seen.write.total());

    until("all are served", async || {
        stage.serving().await.len() == SERVICES.len()
    })
    .await;
    // Somebody streams when it ends.
    let (_sender, requests) = mpsc::channel::<StreamInteractionsRequest>(1);
    let mut client = stage.interactions();
    let answers = client.stream_interactions(ReceiverStream::new(requests));
    let mut answers = answers.await.unwrap().into_inner();
    let log = stage.end().await;
    let status = answers.message().await.unwrap_err();
    refused(&status, Code::Unavailable, "storage_away");
    assert!(
        !log.contains("draining"),
        "a drain is no fault of the database"
    );
    assert!(log.contains("storage is away"), "what was one is told");
}
