//! `demo`: a made-up retailer in a private database, loaded over gRPC, served, with somebody to look up.
//!
//! What must stay true: it writes to a database of its own and to no other (`marker` says whose a data directory is);
//! loading that was cut off is finished by the next start, since interactions that are there already are duplicates; a
//! database that is loaded is loaded no more.

mod load;
mod marker;
mod tour;

use std::time::Instant;

use clap::Args;
use tonic::transport::Channel;

use super::{Failure, asked_to_stop, client, print, say};
use crate::{
    app::{Schema, Server, open},
    config::{Address, Settings},
    generate::{Arguments, showcase},
    telemetry::{Telemetry, log_panics},
};
use marker::Marker;

/// The demo has one seed, so that everybody sees the same customers.
const SEED: u64 = 1;

/// What the demo is to show.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// How many customers, 100 to 1,000,000.
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    customers: u64,

    /// End after the first answer.
    #[arg(long)]
    check: bool,
}

/// Environment variables that name a database; the demo does without.
pub(super) const DATABASES: [&str; 6] = [
    "DATABASE_URL",
    "CUSTOMER_PROFILE_DATABASE__URL",
    "DATABASE_REPLICA_URL",
    "CUSTOMER_PROFILE_DATABASE__REPLICA_URLS",
    "REDIS_URL",
    "CUSTOMER_PROFILE_CACHE__REDIS_URL",
];

/// `demo`.
pub(super) async fn demo(mut settings: Settings, args: &DemoArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let arguments = Arguments::new(args.customers, SEED);
    if let Some(mistake) = arguments.mistake() {
        return Err(Failure::Call(mistake.to_owned()));
    }
    if settings.database.url.is_some() || DATABASES.iter().any(|n| std::env::var_os(n).is_some()) {
        say(format_args!(
            "the demo has a database of its own in {}; the one that is configured is not touched",
            settings.data_dir.display()
        ));
    }
    settings.database.url = None;
    settings.database.replicas.clear();
    settings.hash_secret = None;
    if settings.log.filter == "info" {
        "warn".clone_into(&mut settings.log.filter);
    }
    let telemetry = Telemetry::start(&settings)?;
    log_panics();
    let marker = Marker::take(&settings.data_dir, &arguments).map_err(Failure::Call)?;
    let opened = open(&settings, Schema::Check).await?;
    let mut server = Server::start(&settings, opened, telemetry.metrics()).await?;
    let url = url(&server);
    let outcome = tokio::select! {
        outcome = show(&arguments, args, marker, &url, started) => outcome,
        _ = asked_to_stop() => Ok(()),
        () = server.failed() => Err(Failure::Found),
    };
    server.drain().await;
    telemetry.shutdown().await;
    outcome
}

/// Where the server is, as commands are told it.
fn url(server: &Server) -> String {
    match &server.grpc {
        Some(Address::Tcp(address)) => format!("http://{address}"),
        Some(Address::Unix(path)) => format!("unix:{}", path.display()),
        None => client::DEFAULT_URL.to_owned(),
    }
}

async fn show(
    arguments: &Arguments,
    args: &DemoArgs,
    marker: Marker,
    url: &str,
    started: Instant,
) -> Result<(), Failure> {
    let channel: Channel = client::channel(url)?;
    let wanted = *arguments;
    let shown = tokio::task::spawn_blocking(move || showcase::showcase(&wanted))
        .await
        .map_err(std::io::Error::other)?;
    let Some(shown) = shown else {
        return Err(Failure::Call(
            "nobody among so few customers has a story to show: ask for more".to_owned(),
        ));
    };
    load_once(arguments, marker, channel.clone()).await?;
    let profile = tour::first_answer(channel, &shown).await?;
    say(format_args!(
        "first answer {:.1} s after the start",
        started.elapsed().as_secs_f64()
    ));
    if args.check {
        return print(format_args!("{}", tour::in_short(&profile)));
    }
    print(format_args!("{}", tour::things_to_try(&shown, url)))?;
    say(format_args!(
        "serving on {url}; ctrl-C stops it and keeps the data"
    ));
    std::future::pending().await
}

async fn load_once(arguments: &Arguments, marker: Marker, channel: Channel) -> Result<(), Failure> {
    if marker.loaded {
        say(format_args!(
            "{} customers are loaded already",
            arguments.customers
        ));
        return Ok(());
    }
    let began = Instant::now();
    let tally = load::load(arguments, channel.clone()).await?;
    let seconds = began.elapsed().as_secs_f64();
    say(format_args!("{tally}; loaded in {seconds:.1} s"));
    if tally.refused > 0 {
        return Err(Failure::Call(format!(
            "{} interactions were refused; is the clock of this machine before {}?",
            tally.refused, arguments.to
        )));
    }
    load::actions(channel).await?;
    marker.done().map_err(Failure::Call)
}
