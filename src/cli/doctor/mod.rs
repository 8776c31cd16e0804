//! `customer-profile doctor`: whether the settings, the database, its replicas, Redis and what is stored are as they should be.
//!
//! What must stay true: it changes nothing, reads a bounded part of what is stored, and names a remedy for everything that is
//! not fine. It takes the settings of the service, and is run where the service runs.

mod judge;
mod replicas;

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use judge::{Finding, Level, Wanted};

use super::{Failure, print};
use crate::{
    app::{OpenError, Opened, Schema, open},
    cache::{
        redis::{self, Tier},
        sealed::{Epoch, Kind, Seal, document_name},
    },
    clock::Clock,
    config::{PrivateOr, Settings},
    error::Error,
    ids::{ProfileId, TenantId, draw_part},
    storage::{diagnosis, migrate, outbox, profile_documents, profile_documents::Document},
    verify,
};

/// How long Redis may take to be reached.
const REACH: Duration = Duration::from_secs(3);

/// What to print.
#[derive(Args, Debug)]
pub struct DoctorArgs {
    /// Print JSON: a list of what was looked at.
    #[arg(long)]
    json: bool,
}

/// `doctor`.
pub(super) async fn doctor(settings: &Settings, args: &DoctorArgs) -> Result<(), Failure> {
    let mut findings = vec![Finding::fine("settings", "can be used")];
    match open(settings, Schema::Check).await {
        Ok(opened) => {
            examine(settings, &opened, &mut findings).await?;
            opened.close().await;
        }
        Err(error) => findings.push(closed(&error)),
    }
    show(&findings, args.json)?;
    if findings.iter().any(|finding| finding.level == Level::Fault) {
        return Err(Failure::Found);
    }
    Ok(())
}

/// A store that cannot be opened.
fn closed(error: &OpenError) -> Finding {
    let remedy = match error {
        OpenError::WrongSecret => {
            "set CUSTOMER_PROFILE_HASH_SECRET to the secret that the store was made with"
        }
        OpenError::Schema(migrate::Error::OlderSchema { .. }) => "run `customer-profile migrate`",
        OpenError::Schema(migrate::Error::NewerSchema { .. }) => {
            "run the release that the schema is of, or a later one"
        }
        OpenError::Private(_) => {
            "a private database belongs to one process: stop the service that runs on it, or set DATABASE_URL"
        }
        OpenError::Settings(_) | OpenError::Url | OpenError::ReplicaUrl(_) => {
            "mend the settings; docs/configuration.md lists them"
        }
        _ => {
            "is Postgres up, does its address resolve, are user and password right, does a network policy keep us out?"
        }
    };
    Finding::fault("database", error.to_string(), remedy)
}

async fn examine(
    settings: &Settings,
    opened: &Opened,
    findings: &mut Vec<Finding>,
) -> Result<(), Error> {
    let mut connection = opened.storage.acquire().await?;
    let clock = Clock::system();
    let asked = (clock.now(), Instant::now());
    let server = diagnosis::server(&mut connection).await?;
    // Half of the way there: the database read its clock somewhere between.
    let half = i64::try_from(asked.1.elapsed().as_micros() / 2).unwrap_or_default();
    let skew = server.now.0.abs_diff(asked.0.0 + half);
    let wanted = Wanted {
        connections: settings.database.connections,
        keep: settings.outbox.keep,
    };
    findings.extend(judge::database(&server, wanted));
    findings.push(judge::clock(Duration::from_micros(skew)));
    let found = migrate::version(opened.storage.pool()).await?;
    let known = migrate::known();
    findings.push(Finding::fine(
        "schema",
        format!("version {found}, this release knows {known}"),
    ));
    drop(connection);
    replicas::examine(opened, findings).await?;

    let redis = reach(settings, opened, findings).await;
    let tenants = verify::tenants(&opened.storage, None).await?;
    let (mut checked, mut differences) = (0, Vec::new());
    let (mut sampled, mut kept, mut wrong) = (0, 0, 0);
    for tenant in &tenants {
        // Another part each time that somebody looks.
        let sample = verify::sample(&opened.storage, &opened.secret, tenant, draw_part()).await?;
        checked += sample.report.profiles;
        let described = sample.report.described.iter();
        differences.extend(described.map(|what| format!("{tenant}: {what}")));
        if let Some(tier) = &redis {
            let (there, not_so) = compare(tier, opened, tenant, &sample.profiles).await?;
            sampled += sample.profiles.len();
            kept += there;
            wrong += not_so;
        }
    }
    if redis.is_some() {
        findings.push(judge::coherence(sampled, kept, wrong));
    }
    findings.push(match differences.first() {
        None => Finding::fine(
            "stored",
            format!("{checked} profiles are what their interactions make of them"),
        ),
        Some(first) => Finding::fault(
            "stored",
            format!("{} differences, the first: {first}", differences.len()),
            "run `customer-profile verify`, keep its output and a dump: a difference is a fault of this program",
        ),
    });
    Ok(())
}

/// The Redis of the settings, when it can be reached.
async fn reach(
    settings: &Settings,
    opened: &Opened,
    findings: &mut Vec<Finding>,
) -> Option<std::sync::Arc<Tier>> {
    let url = match &settings.cache.redis {
        PrivateOr::Off => {
            findings.push(Finding::fine(
                "redis",
                "is turned off: each instance keeps profiles for itself",
            ));
            return None;
        }
        PrivateOr::Private => {
            findings.push(Finding::fine(
                "redis",
                "is a private one of the instance that serves, and not looked at",
            ));
            return None;
        }
        PrivateOr::Given(url) => url.clone(),
    };
    let options = redis::Options {
        url,
        connections: 1,
        budget: Duration::from_secs(1),
        pause: settings.cache.redis_pause,
    };
    let unreachable = || {
        Finding::warning(
            "redis",
            "cannot be reached: profiles are read from the database where an instance does not have them itself",
            "is it up, does cache.redis_url name it, is its password right, does a network policy keep us out?",
        )
    };
    let Ok(tier) = Tier::new(options, Seal::new(&opened.secret)) else {
        findings.push(unreachable());
        return None;
    };
    let connecting = tier
        .clone()
        .keep_connected(|_| (), CancellationToken::new());
    let connecting = tokio::spawn(connecting);
    let begun = Instant::now();
    while !tier.is_connected() && begun.elapsed() < REACH {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    connecting.abort();
    if tier.is_connected() {
        findings.push(Finding::fine("redis", "is reached"));
        return Some(tier);
    }
    findings.push(unreachable());
    None
}

/// How many of these profiles are in Redis, and how many of those say what the database does not.
async fn compare(
    tier: &Tier,
    opened: &Opened,
    tenant: &TenantId,
    profiles: &[ProfileId],
) -> Result<(usize, usize), Error> {
    let mut connection = opened.storage.acquire().await?;
    let page = outbox::since(&mut connection, i64::MAX, &[], 1).await?;
    let epoch = Epoch::of(opened.store.id, &page.incarnation);
    let names: Vec<String> = profiles
        .iter()
        .map(|id| document_name(epoch, *id))
        .collect();
    let kept = tier.get(tenant, &names).await.unwrap_or_default();
    // After what is kept, which may only be older.
    let now = Clock::system().now();
    let stored = profile_documents::read(&mut connection, tenant, profiles, now).await?;
    let (mut there, mut wrong) = (0, 0);
    for (id, value) in profiles.iter().zip(kept) {
        let Some((Kind::Document, contents)) = value else {
            continue;
        };
        there += 1;
        let stored = stored.iter().find(|document| document.profile.id == *id);
        let right = match (Document::decode(&contents), stored) {
            (Ok(kept), Some(stored)) => {
                let (kept, stored) = (&kept.profile, &stored.profile);
                kept.version < stored.version
                    || kept.version == stored.version && kept.state == stored.state
            }
            _ => false,
        };
        wrong += usize::from(!right);
    }
    Ok((there, wrong))
}

fn show(findings: &[Finding], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let listed: Vec<_> = findings
            .iter()
            .map(|finding| {
                json!({
                    "about": finding.about,
                    "level": finding.level.to_string().to_lowercase(),
                    "found": finding.found,
                    "remedy": finding.remedy,
                })
            })
            .collect();
        return print(format_args!("{:#}", json!(listed)));
    }
    for finding in findings {
        let Finding {
            about,
            level,
            found,
            remedy,
        } = finding;
        print(format_args!("{level:<8} {about:<12} {found}"))?;
        if !remedy.is_empty() {
            print(format_args!("{:21} -> {remedy}", ""))?;
        }
    }
    Ok(())
}
