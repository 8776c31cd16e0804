//! `generate`: a made-up retailer's interactions, and the truth about its customers, in files.
//!
//! What must stay true: one block is held at a time, whatever the number of customers; the files have their names only
//! when they are whole, the manifest last.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
    time::Instant,
};

use chrono::NaiveDate;
use clap::Args;
use serde_json::json;

use super::{Failure, progress, say};
use crate::generate::{Arguments, FORMAT, json as protocol_json, truth};

/// What to make up.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// How many people, 100 to 1,000,000.
    #[arg(long, value_name = "N")]
    customers: u64,

    /// Another seed gives other people.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The directory to write to; it is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// Interactions per customer on average, 5 to 100.
    #[arg(long, value_name = "N", default_value_t = 20)]
    interactions_per_customer: u64,

    /// The first day; two years before the last without it.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,

    /// The last day; without it 2026-10-31, whatever day it is.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
}

impl GenerateArgs {
    fn arguments(&self) -> Result<Arguments, Failure> {
        let base = Arguments::new(self.customers, self.seed);
        let to = self.to.unwrap_or(base.to);
        let years = base.to - base.from;
        let arguments = Arguments {
            per_customer: self.interactions_per_customer,
            from: self
                .from
                .or(to.checked_sub_signed(years))
                .unwrap_or(base.from),
            to,
            ..base
        };
        match arguments.mistake() {
            Some(mistake) => Err(Failure::Call(mistake.to_owned())),
            None => Ok(arguments),
        }
    }
}

/// `generate`.
pub(super) async fn generate(args: &GenerateArgs) -> Result<(), Failure> {
    let arguments = args.arguments()?;
    let out = args.out.clone();
    let started = Instant::now();
    let told = out.display().to_string();
    let counts = tokio::task::spawn_blocking(move || write(&arguments, &out))
        .await
        .map_err(io::Error::other)?
        .map_err(|error| Failure::Call(format!("{told}: {error}")))?;
    say(format_args!(
        "{} customers, {} interactions and {} repeats in {told}; {:.1} s",
        args.customers,
        counts.interactions,
        counts.repeats,
        started.elapsed().as_secs_f64()
    ));
    Ok(())
}

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    interactions: u64,
    repeats: u64,
}

fn write(arguments: &Arguments, out: &Path) -> io::Result<Counts> {
    fs::create_dir_all(out)?;
    let mut interactions = Draft::create(out, "interactions.ndjson")?;
    let mut people = Draft::create(out, "truth.ndjson")?;
    let bar = progress::of_customers("generating", arguments.customers);
    let mut counts = Counts::default();
    let mut line = String::new();
    for block in arguments.blocks() {
        for arrival in &block.arrivals {
            line.clear();
            protocol_json::write(&mut line, &arrival.interaction);
            line.push('\n');
            interactions.file.write_all(line.as_bytes())?;
            if arrival.repeat {
                counts.repeats += 1;
            } else {
                counts.interactions += 1;
            }
        }
        for person in &block.truth {
            serde_json::to_writer(&mut people.file, person)?;
            people.file.write_all(b"\n")?;
        }
        bar.inc(u64::try_from(block.truth.len()).unwrap_or_default());
    }
    bar.finish_and_clear();
    interactions.finish()?;
    people.finish()?;
    let mut manifest = Draft::create(out, "manifest.json")?;
    let text = describe(arguments, counts);
    manifest.file.write_all(text.as_bytes())?;
    manifest.finish()?;
    Ok(counts)
}

/// The manifest. Its keys are in the order of the alphabet, or of this text: either is the same in every run.
fn describe(arguments: &Arguments, counts: Counts) -> String {
    let manifest = json!({
        "format": FORMAT,
        "customers": arguments.customers,
        "seed": arguments.seed,
        "interactions_per_customer": arguments.per_customer,
        "from": arguments.from.to_string(),
        "to": arguments.to.to_string(),
        "interactions": counts.interactions,
        "repeats": counts.repeats,
        "lines": counts.interactions + counts.repeats,
        "garbage": truth::garbage(),
    });
    format!("{manifest:#}\n")
}

/// A file that has its name only when it is whole.
struct Draft {
    file: BufWriter<File>,
    unfinished: PathBuf,
    path: PathBuf,
}

impl Draft {
    fn create(directory: &Path, name: &str) -> io::Result<Self> {
        let unfinished = directory.join(format!("{name}.part"));
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, File::create(&unfinished)?),
            unfinished,
            path: directory.join(name),
        })
    }

    fn finish(self) -> io::Result<()> {
        self.file
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        fs::rename(self.unfinished, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(customers: u64, to: Option<&str>) -> GenerateArgs {
        GenerateArgs {
            customers,
            seed: 1,
            out: PathBuf::new(),
            interactions_per_customer: 20,
            from: None,
            to: to.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn the_days_are_two_years_up_to_a_fixed_one_or_the_one_that_is_given() {
        let arguments = args(100, None).arguments().unwrap();
        assert_eq!(arguments, Arguments::new(100, 1));
        let arguments = args(100, Some("2020-06-30")).arguments().unwrap();
        assert_eq!(arguments.from.to_string(), "2018-07-02");
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        assert!(args(99, None).arguments().is_err());
        assert!(args(1_000_001, None).arguments().is_err());
        assert!(args(100, Some("1969-01-01")).arguments().is_err());
    }
}
