//! Look-ups by way of replicas: real standbys, whose replay is paused, who hang, die, are promoted, or follow somebody else.

use std::time::Duration;

use customer_profile::{
    proto::v1::{GetProfileRequest, GetProfileResponse, ReadOptions, ReadSource},
    replicas::Unfit,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tonic::{Code, Status};

use crate::{
    harness::{
        Database, Service,
        away::OwnCluster,
        calls::{getting, recording},
        cluster::scratch,
        link::Link,
        make,
        wait::until,
    },
    imports::{on, run},
};

/// Servers that take little of the machine. Commits are in the log when they are acknowledged.
const SMALL: [(&str, &str); 3] = [
    ("shared_buffers", "32MB"),
    ("max_connections", "60"),
    ("synchronous_commit", "on"),
];

/// How far a read without a token may be behind.
const BOUND: Duration = Duration::from_secs(2);

const A: &str = "email=a@example.com";
const B: &str = "email=b@example.com";

pub struct Pair {
    pub primary: OwnCluster,
    pub standby: OwnCluster,
}

impl Pair {
    pub async fn start(name: &str) -> Self {
        let at = scratch().join(format!("replicas-{name}"));
        let primary = OwnCluster::start_with(at, &SMALL).await;
        let standby = primary.standby(&format!("replicas-{name}-standby")).await;
        let streams = "SELECT count(*)::text FROM pg_stat_replication WHERE state = 'streaming'";
        primary.until(streams, "1").await;
        Self { primary, standby }
    }

    /// A service that keeps nothing, so that whatever is asked is read from a database.
    async fn service(&self, more: &[(&str, &str)]) -> Service {
        let url = self.standby.database().url();
        let settings = [&cold(&url), more].concat();
        Service::with(self.primary.database(), &settings).await
    }

    pub async fn pause(&self) {
        self.standby.tell("SELECT pg_wal_replay_pause()").await;
        let state = "SELECT pg_get_wal_replay_pause_state()";
        self.standby.until(state, "paused").await;
    }

    pub async fn resume(&self) {
        self.standby.tell("SELECT pg_wal_replay_resume()").await;
    }
}

/// Settings of a service with a replica and without caches, with time enough on a busy machine.
pub fn cold(replica: &str) -> [(&str, &str); 3] {
    [
        ("DATABASE_REPLICA_URL", replica),
        ("CUSTOMER_PROFILE_DATABASE__REPLICA_TIMEOUT_MS", "1000"),
        ("CUSTOMER_PROFILE_CACHE__MEMORY_MIB", "0"),
    ]
}

struct Seen {
    source: ReadSource,
    version: i64,
    behind: Duration,
    token: String,
}

fn seen(response: GetProfileResponse) -> Seen {
    let info = response.read_info.unwrap();
    Seen {
        source: info.source(),
        version: response.profile.unwrap().version,
        behind: info.stale_by.unwrap().try_into().unwrap(),
        token: info.token,
    }
}

async fn try_read(service: &Service, who: &str, options: ReadOptions) -> Result<Seen, Status> {
    let request = GetProfileRequest {
        read_options: Some(options),
        ..getting(who)
    };
    let response = service.profiles().get_profile(request).await?;
    Ok(seen(response.into_inner()))
}

async fn read_with(service: &Service, who: &str, token: &str) -> Seen {
    let options = ReadOptions {
        tokens: vec![token.to_owned()],
        ..ReadOptions::default()
    };
    try_read(service, who, options).await.unwrap()
}

async fn read(service: &Service, who: &str) -> Seen {
    let options = ReadOptions::default();
    try_read(service, who, options).await.unwrap()
}

/// Records something of somebody; answers with its token.
async fn write(service: &Service, who: &str, event: &str) -> String {
    let request = recording(vec![make::seen(event, 0, &[who])]);
    let answer = service.interactions().record_interactions(request).await;
    answer.unwrap().into_inner().token
}

/// Waits until somebody is read from a replica.
async fn from_replica(service: &Service, who: &str) -> Seen {
    let mut answered = None;
    until("a replica answers", async || {
        let seen = read(service, who).await;
        answered = (seen.source == ReadSource::Replica).then_some(seen);
        answered.is_some()
    })
    .await;
    answered.unwrap()
}

/// Waits until the replica was found to be so.
async fn found(service: &Service, unfit: Option<Unfit>) {
    let replicas = service.server().reader().replicas().unwrap();
    until("it was looked at", async || replicas.unfit(0) == unfit).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_cache_has_is_read_from_a_replica_and_kept() {
    let pair = Pair::start("reads").await;
    let grant = "CREATE ROLE app LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO app";
    pair.primary.tell(grant).await;
    // As in use: whoever reads is no superuser.
    let [database, replica] =
        [&pair.primary, &pair.standby].map(|of| of.database().url().replace("postgres@", "app@"));
    let settings = [
        ("DATABASE_URL", database.as_str()),
        ("DATABASE_REPLICA_URL", replica.as_str()),
        ("CUSTOMER_PROFILE_DATABASE__REPLICA_TIMEOUT_MS", "1000"),
    ];
    let writer = Service::with(pair.primary.database(), &settings[..1]).await;
    for (n, who) in [A, B].into_iter().enumerate() {
        write(&writer, who, &n.to_string()).await;
    }
    let service = Service::with(pair.primary.database(), &settings).await;
    found(&service, None).await;
    let first = from_replica(&service, A).await;
    assert_eq!(first.version, 1);
    assert!(first.behind <= BOUND / 2);
    until("it is kept", async || {
        read(&service, A).await.source == ReadSource::Memory
    })
    .await;
    // Its token is good everywhere.
    let again = read_with(&writer, A, &first.token).await;
    assert_eq!(again.version, 1);
    let primary = ReadOptions {
        tokens: vec![first.token],
        max_staleness: Some(prost_types::Duration::default()),
        allow_stale: false,
    };
    let again = try_read(&service, A, primary).await.unwrap();
    assert_eq!((again.source, again.version), (ReadSource::Primary, 1));
    let nobody = service.get(getting("email=nobody@example.com")).await;
    assert_eq!(nobody.unwrap_err().code(), Code::NotFound);
    service.stop().await;
    writer.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_replay_is_paused_what_changed_is_read_from_the_primary() {
    let pair = Pair::start("paused").await;
    let service = pair.service(&[]).await;
    let other = pair.service(&[]).await;
    for who in [A, B] {
        write(&service, who, who).await;
        from_replica(&service, who).await;
        from_replica(&other, who).await;
    }
    pair.pause().await;
    let token = write(&service, A, "again").await;
    let with = read_with(&other, A, &token).await;
    assert_eq!((with.source, with.version), (ReadSource::Primary, 2));
    let own = read(&service, A).await;
    assert_eq!((own.source, own.version), (ReadSource::Primary, 2));
    sleep(BOUND).await;
    let without = read(&other, A).await;
    assert_eq!((without.source, without.version), (ReadSource::Primary, 2));
    // Who has not changed is told by the replica, however long it stands: the outbox says that it is right.
    let unchanged = read(&other, B).await;
    assert_eq!(
        (unchanged.source, unchanged.version),
        (ReadSource::Replica, 1)
    );
    assert!(unchanged.behind <= BOUND / 2, "{:?}", unchanged.behind);
    // Nor does anybody ask it who has to have the newest.
    let newest = ReadOptions {
        max_staleness: Some(prost_types::Duration::default()),
        ..ReadOptions::default()
    };
    let newest = try_read(&other, B, newest).await.unwrap();
    assert_eq!(newest.source, ReadSource::Primary);
    pair.resume().await;
    until("it has caught up", async || {
        let seen = read_with(&other, A, &token).await;
        assert_eq!(seen.version, 2);
        seen.source == ReadSource::Replica
    })
    .await;
    service.stop().await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_the_primary_does_not_show_yet_is_not_shown_by_its_replica() {
    let pair = Pair::start("unsettled").await;
    let service = pair.service(&[]).await;
    write(&service, A, "1").await;
    from_replica(&service, A).await;
    // Commits wait for somebody who never comes, and are replayed meanwhile.
    let names = |name: &str| format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
    pair.primary.tell(&names("nobody")).await;
    pair.primary.tell("SELECT pg_reload_conf()").await;
    let shown = "SHOW synchronous_standby_names";
    pair.primary.until(shown, "nobody").await;
    let mut client = service.interactions();
    let waiting = tokio::spawn(async move {
        let request = recording(vec![make::seen("2", 0, &[A])]);
        client.record_interactions(request).await
    });
    let version = "SELECT max(version)::text FROM profiles";
    pair.standby.until(version, "2").await;
    for _ in 0..100 {
        let seen = read(&service, A).await;
        assert_eq!((seen.source, seen.version), (ReadSource::Primary, 1));
        let again = read_with(&service, A, &seen.token).await;
        assert_eq!(again.version, 1);
    }
    pair.primary.tell(&names("")).await;
    pair.primary.tell("SELECT pg_reload_conf()").await;
    waiting.await.unwrap().unwrap();
    let seen = from_replica(&service, A).await;
    assert_eq!(seen.version, 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_hangs_or_dies_delays_reads_and_fails_none() {
    let mut pair = Pair::start("hangs").await;
    let budget = ("CUSTOMER_PROFILE_DATABASE__REPLICA_TIMEOUT_MS", "300");
    let service = pair.service(&[budget]).await;
    write(&service, A, "1").await;
    from_replica(&service, A).await;
    pair.standby.freeze();
    let mut slow = 0;
    for _ in 0..60 {
        let begun = Instant::now();
        let seen = read(&service, A).await;
        assert_eq!((seen.source, seen.version), (ReadSource::Primary, 1));
        slow += usize::from(begun.elapsed() >= Duration::from_millis(300));
        sleep(Duration::from_millis(50)).await;
    }
    assert!((1..20).contains(&slow), "{slow} of 60 waited for it");
    found(&service, Some(Unfit::Away)).await;
    pair.standby.thaw();
    from_replica(&service, A).await;
    pair.standby.kill().await;
    let seen = read(&service, A).await;
    assert_eq!((seen.source, seen.version), (ReadSource::Primary, 1));
    pair.standby.run().await;
    from_replica(&service, A).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_primary_is_away_a_replica_answers_who_takes_old_answers() {
    let mut pair = Pair::start("away").await;
    let service = pair.service(&[]).await;
    write(&service, A, "1").await;
    from_replica(&service, A).await;
    pair.primary.kill().await;
    let old = || ReadOptions {
        allow_stale: true,
        ..ReadOptions::default()
    };
    let mut seen = Vec::new();
    let begun = Instant::now();
    until("it is bounded by the last look", async || {
        if let Ok(answer) = try_read(&service, A, old()).await {
            assert_eq!(answer.version, 1);
            seen.push((begun.elapsed(), answer));
        }
        let last = seen.last();
        last.is_some_and(|(_, answer)| answer.behind >= Duration::from_secs(2))
    })
    .await;
    for (since, answer) in &seen {
        assert_eq!(answer.source, ReadSource::Replica);
        // The last look was before it was killed, but not long before.
        assert!(
            answer.behind + Duration::from_millis(500) >= *since,
            "{since:?}"
        );
    }
    let fresh = try_read(&service, A, ReadOptions::default()).await;
    assert_eq!(fresh.err().unwrap().code(), Code::Unavailable);
    pair.primary.run().await;
    from_replica(&service, A).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promoted_replica_is_none_any_more() {
    let pair = Pair::start("promoted").await;
    let service = pair.service(&[]).await;
    write(&service, A, "1").await;
    from_replica(&service, A).await;
    pair.standby.tell("SELECT pg_promote(true, 30)").await;
    // It goes its own way.
    pair.standby.tell("UPDATE profiles SET version = 7").await;
    for n in 0..40 {
        let seen = read(&service, A).await;
        assert_eq!((seen.source, seen.version), (ReadSource::Primary, 1), "{n}");
        sleep(Duration::from_millis(50)).await;
    }
    found(&service, Some(Unfit::Promoted)).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_replicas_are_asked_once_they_follow_the_new_primary() {
    let mut pair = Pair::start("failover").await;
    let next = pair.primary.standby("replicas-failover-next").await;
    let link = Link::to(&pair.primary.socket()).await;
    let url = link.url("postgres");
    let service = pair.service(&[("DATABASE_URL", &url)]).await;
    write(&service, A, "1").await;
    from_replica(&service, A).await;
    // Both get all that it wrote.
    pair.primary.stop().await;
    next.tell("SELECT pg_promote(true, 30)").await;
    link.lead_to(&next.socket());
    until("the new primary answers", async || {
        try_read(&service, A, ReadOptions::default()).await.is_ok()
    })
    .await;
    found(&service, Some(Unfit::Timeline)).await;
    let token = write(&service, A, "2").await;
    let seen = read_with(&service, A, &token).await;
    assert_eq!((seen.source, seen.version), (ReadSource::Primary, 2));
    let socket = next.database().socket;
    let follow = format!(
        "ALTER SYSTEM SET primary_conninfo = 'host={} user=postgres'",
        socket.display()
    );
    pair.standby.tell(&follow).await;
    pair.standby.tell("SELECT pg_reload_conf()").await;
    let version = "SELECT max(version)::text FROM profiles";
    pair.standby.until(version, "2").await;
    until("it says which timeline it is on", async || {
        next.tell("CHECKPOINT").await;
        pair.standby.tell("CHECKPOINT").await;
        read(&service, A).await.source == ReadSource::Replica
    })
    .await;
    assert_eq!(read_with(&service, A, &token).await.version, 2);
    service.stop().await;
}

/// What `doctor` says of replicas.
async fn said(database: &Database, replica: &str) -> Vec<(String, String)> {
    let mut command = on(database, &["doctor", "--json"]);
    command
        .env("REDIS_URL", "off")
        .env("DATABASE_REPLICA_URL", replica);
    let output = run(command).await;
    let all: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let of = all.iter().filter(|finding| finding["about"] == "replica");
    let text = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
    of.map(|finding| (text(finding, "level"), text(finding, "found")))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_database_is_no_replica_and_doctor_says_so() {
    let pair = Pair::start("foreign").await;
    let foreign = Database::new().await;
    let url = foreign.url();
    let settings = cold(&url);
    let service = Service::with(pair.primary.database(), &settings).await;
    write(&service, A, "1").await;
    found(&service, Some(Unfit::Foreign)).await;
    for _ in 0..10 {
        let seen = read(&service, A).await;
        assert_eq!((seen.source, seen.version), (ReadSource::Primary, 1));
    }
    let replica = pair.standby.database().url();
    let nobody = "postgres://nobody@127.0.0.1:1/none";
    let all = format!("{url},{replica},{nobody}");
    let said = said(&pair.primary.database(), &all).await;
    let levels: Vec<_> = said.iter().map(|(level, _)| level.as_str()).collect();
    assert_eq!(levels, ["fault", "ok", "warning"], "{said:?}");
    assert!(said[1].1.starts_with("number 2 has what the primary had "));
    service.stop().await;
}
