//! The server of the benchmark, as it is filled and as it is measured, and a database of it as the library opens it.
//!
//! What must stay true: what is measured has the shipped settings and durability. While it is filled nothing is durable: a crash of the
//! machine would leave a directory to throw away, one of a process does not.

use std::{collections::HashSet, path::Path, process::Command, sync::Arc};

use customer_profile::{
    app::{Opened, Schema, open},
    config::Settings,
    embedded::postgres::Options,
    identity::HashSecret,
    ids::{ProfileId, TenantId},
    verify,
};

use crate::{
    rows::Maker,
    stage::{SECRET, Stage},
    steps::{Limits, Stop},
};

/// What makes filling faster. Nobody reads meanwhile.
const FILLING: [(&str, &str); 7] = [
    ("shared_buffers", "2GB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "30min"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("autovacuum", "off"),
    ("maintenance_work_mem", "512MB"),
];

/// Profiles that are looked at of a whole store.
pub(crate) const SAMPLE: usize = 10_000;

/// Pages that are looked at for it at most.
const TRIES: usize = 60;

/// The server as it is filled.
pub(crate) async fn filling(directory: &Path) -> Stage {
    let settings = FILLING.iter();
    let settings = settings.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let options = Options {
        fsync: false,
        extra_settings: settings.collect(),
        ..Options::durable(directory.join("postgres"))
    };
    Stage::open(directory.to_owned(), options).await
}

/// The server as it ships.
pub(crate) async fn shipped(directory: &Path) -> Stage {
    // What was filled is written out by now, rather than while it is measured.
    assert!(Command::new("sync").status().unwrap().success());
    let options = Options::durable(directory.join("postgres"));
    Stage::open(directory.to_owned(), options).await
}

/// A database of the server, with the schema of this release.
pub(crate) async fn opened(stage: &Stage, database: &str) -> Opened {
    let environment = [
        ("DATABASE_URL".to_owned(), stage.database(database)),
        ("CUSTOMER_PROFILE_HASH_SECRET".to_owned(), SECRET.to_owned()),
    ];
    let settings = Settings::load(None, environment).unwrap();
    open(&settings, Schema::Migrate).await.unwrap()
}

/// What makes rows for the default tenant of a database.
pub(crate) async fn maker(opened: &Opened) -> Maker {
    let tenant = TenantId::default_tenant();
    let tenant = opened.tenants.open(&tenant).await.unwrap();
    Maker::new(tenant, HashSecret::new(SECRET.as_bytes()).unwrap())
}

/// Checks a store: all of one that is no larger than a sample, with its interactions; of another that many profiles by chance.
/// Answers with how many profiles that were, and what differs.
pub(crate) async fn sample(
    opened: &Opened,
    people: usize,
    limits: &Limits,
) -> Result<(usize, Vec<String>), Stop> {
    let tenant = TenantId::default_tenant();
    let (storage, secret) = (&opened.storage, &opened.secret);
    if people <= SAMPLE {
        let quiet: verify::Observer = Arc::new(|_| ());
        let report = verify::verify(storage, secret, &tenant, &quiet).await;
        let report = report.unwrap();
        let profiles = usize::try_from(report.profiles).unwrap();
        return Ok((profiles, report.described));
    }
    let (mut seen, mut differences) = (HashSet::<ProfileId>::new(), Vec::new());
    let mut part = 0_u32;
    // Pages begin at moments, in some of which nobody came: then one shows the same as another.
    for _ in 0..TRIES {
        if seen.len() >= SAMPLE {
            break;
        }
        limits.check()?;
        let sample = verify::sample(storage, secret, &tenant, part)
            .await
            .unwrap();
        seen.extend(sample.profiles);
        differences.extend(sample.report.described);
        // Steps of the golden ratio leave no gap.
        part = part.wrapping_add(0x9e37_79b9);
    }
    Ok((seen.len(), differences))
}
