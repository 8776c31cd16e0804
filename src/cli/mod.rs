//! The commands of the program, one module each. They sit at the edge: they may read files and write to the terminal.
//!
//! What must stay true: nothing but data goes to standard output; progress, summaries and errors go to standard error. A
//! configuration that is wrong ends with 64 before anything is opened, anything else that fails with 1.

pub mod actions;
pub mod call;
pub mod client;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod generate;
pub mod import;
mod json;
pub mod next;
mod progress;
pub mod reanalyze;
pub mod rules;
pub mod search;
pub mod segments;
pub mod sentiment;
pub mod show;
mod status;
pub mod store;
pub mod suggest;
pub mod terminal;
pub mod timeline;
pub mod train;
pub mod watch;
pub mod who;
mod words;

use std::{
    fmt,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    app::{OpenError, Schema, ServeError, Server, open},
    cli::import::ImportError,
    config::{Problems, Settings, process_environment},
    error::Error,
    telemetry::{self, Telemetry},
};

/// One profile per customer from every department's interactions.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Cli {
    /// The configuration file; see docs/configuration.md.
    #[arg(
        long,
        global = true,
        env = "CUSTOMER_PROFILE_CONFIG",
        value_name = "FILE"
    )]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API.
    Serve,
    /// Bring the schema of the database up to date.
    Migrate,
    /// Import an export file through a mapping file, or undo an import.
    Import(Box<import::ImportArgs>),
    /// Show one profile.
    Get(Box<show::GetArgs>),
    /// Show what happened with one customer, newest first.
    Timeline(Box<timeline::TimelineArgs>),
    /// Find profiles by traits, or by when they were last seen.
    Search(Box<search::SearchArgs>),
    /// Show what changes, of one customer or of all, as it is committed.
    Watch(Box<watch::WatchArgs>),
    /// Show how one customer has felt, or draw it.
    Sentiment(Box<sentiment::SentimentArgs>),
    /// Show why identifiers are one person.
    Explain(Box<explain::ExplainArgs>),
    /// Show what makes identifiers one person, try other rules, apply them, go back.
    Rules(Box<rules::RulesArgs>),
    /// Show the segments, whom of them a customer is in, or how many a rule would let in.
    Segments(Box<segments::SegmentsArgs>),
    /// Show what to do next with one customer, and why; what not, and why not.
    Next(Box<next::NextArgs>),
    /// Bring in, write out or list the catalogue of actions.
    Actions(Box<actions::ActionsArgs>),
    /// Show profiles that look as if they were one person's.
    Suggest(Box<suggest::SuggestArgs>),
    /// Analyse stored texts anew with the model of the service's release.
    Reanalyze(Box<reanalyze::ReanalyzeArgs>),
    /// Call any method of a service that has reflection.
    Call(Box<call::CallArgs>),
    /// Make up a retailer's interactions, and the truth about its customers.
    Generate(generate::GenerateArgs),
    /// Train the models that tell how a text's writer feels.
    TrainSentiment(train::TrainArgs),
    /// Serve a made-up retailer from a private database.
    Demo(demo::DemoArgs),
    /// Recompute every profile from its interactions and report differences; exit 1 if there are any.
    Verify(store::TenantArgs),
    /// Print one hash over all profiles.
    Digest(store::TenantArgs),
    /// Look at the settings, the database, Redis and a sample of what is stored, and name a remedy for what is not fine.
    Doctor(doctor::DoctorArgs),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings are wrong.
    #[error("{0}")]
    Settings(#[from] Problems),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The service cannot serve.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The service of the command failed.
    #[error(transparent)]
    Domain(#[from] Error),
    /// Telemetry did not start.
    #[error(transparent)]
    Telemetry(#[from] telemetry::Error),
    /// An import failed.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A call failed.
    #[error("{0}")]
    Call(String),
    /// Reading or writing failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The command did its work and found something wrong, which it has said.
    #[error("")]
    Found,
}

impl Failure {
    fn exit_code(&self) -> ExitCode {
        let configuration = match self {
            Self::Settings(_) => true,
            Self::Open(error) => error.is_configuration(),
            Self::Serve(error) => error.is_configuration(),
            _ => false,
        };
        ExitCode::from(if configuration { 64 } else { 1 })
    }
}

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Failure::from)
        .and_then(|runtime| runtime.block_on(run(cli)));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                say(format_args!("customer-profile: {text}"));
            }
            failure.exit_code()
        }
    }
}

/// Who only asks a service needs no settings: those of a server, or mistakes in them, are nothing to such a command.
async fn run(cli: Cli) -> Result<(), Failure> {
    let settings = || Settings::load(cli.config.as_deref(), process_environment());
    match cli.command {
        Command::Serve => serve(&settings()?).await,
        Command::Migrate => {
            let opened = open(&settings()?, Schema::Migrate).await?;
            say(format_args!("the schema is up to date"));
            opened.close().await;
            Ok(())
        }
        Command::Import(args) => store::import(&settings()?, &args).await,
        Command::Get(args) => show::get(&args).await,
        Command::Timeline(args) => timeline::timeline(&args).await,
        Command::Search(args) => search::search(&args).await,
        Command::Watch(args) => watch::watch(&args).await,
        Command::Sentiment(args) => sentiment::sentiment(&args).await,
        Command::Explain(args) => explain::explain(&args).await,
        Command::Rules(args) => rules::rules(&args).await,
        Command::Segments(args) => segments::segments(&args).await,
        Command::Next(args) => next::next(&args).await,
        Command::Actions(args) => actions::actions(&args).await,
        Command::Suggest(args) => suggest::suggest(&args).await,
        Command::Reanalyze(args) => reanalyze::reanalyze(&args).await,
        Command::Call(args) => call::call(&args).await,
        Command::Generate(args) => generate::generate(&args).await,
        Command::TrainSentiment(args) => train::train_sentiment(&args),
        Command::Demo(args) => {
            let environment =
                process_environment().filter(|(name, _)| !demo::DATABASES.contains(&name.as_str()));
            let settings = Settings::load(cli.config.as_deref(), environment)?;
            demo::demo(settings, &args).await
        }
        Command::Verify(args) => store::verify(&settings()?, &args).await,
        Command::Digest(args) => store::digest(&settings()?, &args).await,
        Command::Doctor(args) => doctor::doctor(&settings()?, &args).await,
    }
}

async fn serve(settings: &Settings) -> Result<(), Failure> {
    let telemetry = Telemetry::start(settings)?;
    telemetry::log_panics();
    let opened = open(settings, Schema::Check).await?;
    let private = opened.private.is_some();
    let mut server = Server::start(settings, opened, telemetry.metrics()).await?;
    if let Some(address) = &server.grpc {
        tracing::info!(%address, private, "serving gRPC");
    }
    if let Some(address) = server.metrics {
        tracing::info!(%address, "serving metrics");
    }
    let failed = tokio::select! {
        signal = asked_to_stop() => {
            tracing::info!(signal, "draining");
            false
        }
        () = server.failed() => true,
    };
    server.drain().await;
    tracing::info!("drained");
    telemetry.shutdown().await;
    if failed { Err(Failure::Found) } else { Ok(()) }
}

async fn asked_to_stop() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut stream) => {
            stream.recv().await;
        }
        Err(error) => {
            tracing::error!(%error, "a signal cannot be listened to");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => "terminate",
        () = wait(SignalKind::interrupt()) => "interrupt",
    }
}

/// A line on standard error. Who closed it does not want to know.
fn say(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Data on standard output.
fn print(data: fmt::Arguments<'_>) -> Result<(), Failure> {
    match writeln!(io::stdout(), "{data}") {
        // A reader that has seen enough, like `head`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}
