//! Writing for people: colours, widths, time zones, and text of customers that does a terminal no harm.
//!
//! What must stay true: text reaches standard output only as a `Line`, whose pieces are all made visible, or as JSON in
//! which what a terminal would act on is escaped.

pub(crate) mod line;
pub(crate) mod table;

pub(crate) mod time;

use std::io::{self, IsTerminal as _, Write as _};

use clap::{Args, ValueEnum};

use super::Failure;
use crate::clock::{Clock, Micros};
pub(crate) use crate::visible as text;
pub(crate) use line::{Line, Tone};
pub use time::Zone;

/// Columns when standard output is no terminal.
const COLUMNS: usize = 100;
/// The fewest columns that are worth laying out for.
pub(crate) const LEAST: usize = 40;

/// How to show things.
#[derive(Args, Clone, Debug)]
pub struct Look {
    /// Whether to use colours; `auto` does on a terminal, unless `NO_COLOR` is set or TERM is dumb.
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,

    /// The zone to show times in: UTC, local, or an offset such as +09:00.
    #[arg(long, default_value = "UTC", value_parser = Zone::parse, value_name = "ZONE")]
    pub time_zone: Zone,

    /// Columns to use, at least 40; the terminal's when not given, or 100 without a terminal.
    #[arg(long, value_parser = clap::value_parser!(u16).range(40..=1_000), value_name = "COLUMNS")]
    pub width: Option<u16>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal that has some.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is laid out for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    /// Columns.
    pub(crate) width: usize,
    /// Whether there are colours.
    pub(crate) colour: bool,
    /// The zone of times.
    pub(crate) zone: Zone,
    /// The time, for what is told in words.
    pub(crate) now: Micros,
}

impl Look {
    /// What to lay out for, here and now.
    pub(crate) fn screen(&self) -> Screen {
        let terminal = io::stdout().is_terminal();
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let plain = set("NO_COLOR").is_some() || set("TERM").is_none_or(|term| term == "dumb");
        let found = console::Term::stdout().size_checked();
        let found = found.map(|(_, columns)| usize::from(columns));
        let width = match self.width {
            Some(given) => usize::from(given),
            None => found.filter(|_| terminal).unwrap_or(COLUMNS).max(LEAST),
        };
        Screen {
            width,
            colour: match self.color {
                When::Always => true,
                When::Never => false,
                When::Auto => terminal && !plain,
            },
            zone: self.time_zone,
            now: Clock::system().now(),
        }
    }
}

impl Screen {
    /// Prints lines; answers whether somebody still reads.
    pub(crate) fn print(&self, lines: &[Line]) -> Result<bool, Failure> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line.render(self.colour));
            text.push('\n');
        }
        emit(&text)
    }
}

/// Writes to standard output; answers whether somebody still reads. A reader that has seen enough, like `head`, is no
/// failure.
pub(crate) fn emit(text: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        other => Ok(other.map(|()| true)?),
    }
}
