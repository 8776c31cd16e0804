//! The command line of `import`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use crate::{
    cli::client::Credentials,
    ids::{RunId, TenantId},
};

use super::{
    options::{ImportOptions, Reporting},
    table::Input,
};

/// Import an export file through a mapping file, or interactions as they are.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// The file to import, gzipped or not; - is standard input.
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    pub input: Option<PathBuf>,

    /// The TOML file that maps its columns to fields; without one each line is an interaction in the protocol's JSON.
    #[arg(long, value_name = "FILE", conflicts_with = "undo")]
    pub mapping: Option<PathBuf>,

    /// The service to send to, `http://host:port`, `https://host:port` or `unix:/path`; without it the database of the configuration.
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,

    /// What is shown to the service, and what it has to show.
    #[command(flatten)]
    pub credentials: Credentials,

    /// The tenant to record for.
    #[arg(long, value_parser = tenant, default_value = "default")]
    pub tenant: TenantId,

    /// How many calls are under way at once.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64), default_value_t = 4)]
    pub workers: u8,

    /// Where rejected and conflicting rows go; <INPUT>.rejects.tsv by default.
    #[arg(long, value_name = "FILE")]
    pub rejects: Option<PathBuf>,

    /// Where the progress file goes; beside the input by default.
    #[arg(long, value_name = "DIRECTORY")]
    pub state_dir: Option<PathBuf>,

    /// Map every row and send nothing; print the first interactions and the faults.
    #[arg(long, conflicts_with_all = ["undo", "to"])]
    pub dry_run: bool,

    /// Retract everything that an import run recorded.
    #[arg(long, value_name = "RUN", value_parser = run_id)]
    pub undo: Option<RunId>,

    /// Why the run is undone, for the record.
    #[arg(long, conflicts_with = "input", default_value = "import undone")]
    pub reason: String,

    /// How many seconds to try again without getting anywhere.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub give_up_after: u64,

    /// Print the summary as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

impl ImportArgs {
    /// The import they ask for, `None` when they ask for an undo. `destination` names the store, see
    /// [`ImportOptions::destination`].
    #[must_use]
    pub fn options(&self, destination: &str) -> Option<ImportOptions> {
        Some(ImportOptions {
            input: Input::from_argument(self.input.as_deref()?),
            mapping: self.mapping.clone(),
            tenant: self.tenant.clone(),
            destination: destination.to_owned(),
            workers: usize::from(self.workers),
            rejects: self.rejects.clone(),
            state_dir: self.state_dir.clone(),
            give_up_after: self.give_up_after(),
            reporting: Reporting::Shown,
        })
    }

    /// How long to try again without getting anywhere.
    #[must_use]
    pub fn give_up_after(&self) -> Duration {
        Duration::from_secs(self.give_up_after)
    }
}

fn tenant(text: &str) -> Result<TenantId, &'static str> {
    TenantId::parse(text).ok_or("must be 1 to 64 of a-z, 0-9, _, - and .")
}

fn run_id(text: &str) -> Result<RunId, &'static str> {
    text.parse().map_err(|_| "must be the id of a run, a UUID")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser};

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        import: ImportArgs,
    }

    fn parse(words: &str) -> Option<ImportArgs> {
        let words = std::iter::once("import").chain(words.split_whitespace());
        Program::try_parse_from(words).ok().map(|p| p.import)
    }

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
    }

    #[test]
    fn an_import_needs_an_input_and_an_undo_a_run() {
        let args = parse("a.csv --mapping m.toml --workers 8").unwrap();
        assert_eq!(args.options("x").unwrap().workers, 8);
        assert!(parse("a.ndjson").unwrap().mapping.is_none());
        let undo = parse("--undo 01890000-0000-7000-8000-000000000000").unwrap();
        assert!(undo.undo.is_some() && undo.options("x").is_none());
        for bad in [
            "",
            "--undo 01890000-0000-7000-8000-000000000000 --mapping m.toml",
            "--mapping m.toml",
            "a.csv --mapping m.toml --workers 0",
            "a.csv --mapping m.toml --tenant Shop",
            "--undo run-7",
            "a.csv --undo 01890000-0000-7000-8000-000000000000",
            "a.csv --mapping m.toml --reason x",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
