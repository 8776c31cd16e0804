//! The clock of the service is set, by an hour, while it runs.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use customer_profile::proto::v1::{
    GetProfileRequest, Interaction, InteractionOutcome, ReadOptions,
};
use prost_types::Timestamp;

use super::{
    callers::known,
    figures::Seen,
    stage::{Fault, Stage},
};
use crate::{
    harness::{
        Database,
        calls::{getting, recording, violations},
        cluster::scratch,
        make,
        redis::Redis,
        skipped,
        wait::until,
    },
    health::page,
};

/// Where Debian and its kin have the library.
fn library() -> Option<PathBuf> {
    let roots = ["/usr/lib", "/usr/local/lib", "/usr/lib64"].map(Path::new);
    let found = roots.iter().flat_map(|root| {
        let within = std::fs::read_dir(root).into_iter().flatten().flatten();
        std::iter::once(root.to_path_buf()).chain(within.map(|entry| entry.path()))
    });
    let mut found = found.map(|directory| directory.join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.exists())
}

struct Set {
    /// What the clock is ahead.
    ahead: PathBuf,
    database: Database,
}

impl Set {
    fn jump(&self, by: &str) {
        // In one step: whoever reads it meanwhile reads all of it.
        let next = self.ahead.with_extension("next");
        std::fs::write(&next, by).unwrap();
        std::fs::rename(next, &self.ahead).unwrap();
    }
}

fn direct(set: &Set) -> String {
    set.database.url()
}

fn nobody_noticed(seen: &Seen) {
    for part in [&seen.read, &seen.stale, &seen.write] {
        let (ok, total) = (part.ok(), part.total());
        assert_eq!(ok, total, "{}: {:?}", seen.fault, part.outcomes);
        assert!(total > 0, "{}", seen.fault);
        assert!(
            part.slowest() < Duration::from_secs(3),
            "{}: {part:?}",
            seen.fault
        );
    }
}

/// Something that happens now.
fn of_now(event: &str) -> Interaction {
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    Interaction {
        occurred_at: Some(Timestamp {
            seconds: i64::try_from(now.as_secs()).unwrap(),
            nanos: 0,
        }),
        ..make::seen(event, 0, &[&known(0)])
    }
}

/// What becomes of something that happens now, and of a token.
async fn try_now(stage: &Stage, event: &str, token: &str) -> Vec<String> {
    let mut client = stage.interactions();
    let mut event = of_now(event);
    // Somebody else, whom nobody counts.
    event.identifiers = vec![make::identifier("email=of-now@example.com")];
    let answer = client.record_interactions(recording(vec![event])).await;
    let result = answer.unwrap().into_inner().results.remove(0);
    let read = GetProfileRequest {
        read_options: Some(ReadOptions {
            tokens: vec![token.to_owned()],
            ..ReadOptions::default()
        }),
        ..getting(&known(0))
    };
    let read = stage.profiles().get_profile(read).await;
    assert!(read.is_ok(), "a token of before is good: {read:?}");
    match result.outcome() {
        InteractionOutcome::Recorded => Vec::new(),
        _ => violations(&result)
            .iter()
            .map(|(_, reason)| (*reason).to_owned())
            .collect(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_set_by_an_hour_breaks_nothing_and_is_noticed() {
    let Some(library) = library() else {
        skipped("jumps of the clock (there is no libfaketime; scripts/setup.sh installs it)");
        return;
    };
    let database = Database::new().await;
    let redis = Redis::start("faults-clock-redis");
    let ahead = scratch().join("faults-clock");
    let mut set = Set { ahead, database };
    set.jump("+0");
    let library = library.to_string_lossy().into_owned();
    let ahead = set.ahead.to_string_lossy().into_owned();
    let settings = [
        ("LD_PRELOAD", library.as_str()),
        ("FAKETIME_TIMESTAMP_FILE", &ahead),
        ("FAKETIME_NO_CACHE", "1"),
        // A clock that is set leaves the one alone that counts since the start.
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ];
    let stage = Stage::start(
        "clock-service",
        &set.database.url(),
        &redis.url(),
        &settings,
    )
    .await;
    let answer = stage.profiles().get_profile(getting(&known(0))).await;
    let token = answer.unwrap().into_inner().read_info.unwrap().token;
    let shows = async |by: f64| {
        until("the metric shows it", async || {
            let (_, text) = page(&stage.metrics, "/metrics").await;
            let name = "customer_profile_clock_ahead_seconds ";
            let shown = text.lines().find_map(|line| line.strip_prefix(name));
            shown.is_some_and(|shown| (shown.parse::<f64>().unwrap() - by).abs() < 30.0)
        })
        .await;
    };
    let nothing = async |_: &mut Set| ();
    let jumps = [
        ("clock an hour ahead", "+3600", 3_600.0),
        ("clock back again", "+0", 0.0),
        ("clock an hour behind", "-3600", -3_600.0),
        ("clock forward again", "+0", 0.0),
    ];
    for (name, by, seconds) in jumps {
        let jump = async |set: &mut Set| set.jump(by);
        let fault = Fault::of(name, 1_500);
        let seen = stage.undergo(fault, &mut set, jump, nothing, direct).await;
        nobody_noticed(&seen);
        shows(seconds).await;
        let refused = try_now(&stage, name, &token).await;
        if seconds < 0.0 {
            assert_eq!(refused, ["in_the_future"], "its clock says so");
        } else {
            assert!(refused.is_empty(), "{refused:?}");
        }
    }
    stage.end().await;
}
