//! Progress for a person: a bar on a terminal, a line now and then elsewhere; on standard error, which holds no data.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::{
    options::Reporting,
    summary::{Counts, per_second},
};

const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{bar:30} {percent:>3} %  {msg}  {elapsed} gone, {eta} left";
const SPINNER: &str = "{spinner}  {msg}  {elapsed} gone";

#[derive(Debug)]
enum Face {
    Bar(ProgressBar),
    Lines(Instant),
    Silent,
}

#[derive(Debug)]
pub(crate) struct Reporter {
    face: Face,
    started: Instant,
    /// Rows done when this run began.
    before: u64,
    bytes_read: Arc<AtomicU64>,
    size: Option<u64>,
}

impl Reporter {
    pub(crate) fn new(
        reporting: Reporting,
        before: u64,
        bytes_read: Arc<AtomicU64>,
        size: Option<u64>,
    ) -> Self {
        let started = Instant::now();
        let face = match reporting {
            Reporting::Silent => Face::Silent,
            Reporting::Shown if !std::io::stderr().is_terminal() => Face::Lines(started),
            Reporting::Shown => Face::Bar(bar(size)),
        };
        Self {
            face,
            started,
            before,
            bytes_read,
            size,
        }
    }

    /// Says something once.
    pub(crate) fn say(&self, text: &str) {
        match &self.face {
            Face::Silent => {}
            Face::Bar(bar) => bar.suspend(|| line(text)),
            Face::Lines(_) => line(text),
        }
    }

    pub(crate) fn show(&mut self, counts: Counts) {
        let message = self.message(counts);
        let read = self.bytes_read.load(Ordering::Relaxed);
        match &mut self.face {
            Face::Silent => {}
            Face::Bar(bar) => {
                if self.size.is_some() {
                    bar.set_position(read);
                }
                bar.set_message(message);
                bar.tick();
            }
            Face::Lines(last) => {
                if last.elapsed() >= LINE_EVERY {
                    *last = Instant::now();
                    line(&match self.size {
                        Some(size) => format!("{} %, {message}", percent(read, size)),
                        None => message,
                    });
                }
            }
        }
    }

    pub(crate) fn finish(&self) {
        if let Face::Bar(bar) = &self.face {
            bar.finish_and_clear();
        }
    }

    fn message(&self, counts: Counts) -> String {
        let rows = counts.rows();
        let fresh = rows.saturating_sub(self.before);
        let rate = per_second(fresh, self.started.elapsed());
        let mut message = format!("{rows} rows, {rate:.0} rows/s");
        let refused = counts.conflicts + counts.rejected;
        if refused > 0 {
            message = format!("{message}, {refused} rejected or in conflict");
        }
        message
    }
}

fn bar(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), BAR),
        None => (ProgressBar::new_spinner(), SPINNER),
    };
    // The templates are fixed texts; were one wrong, the bar would only look different.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100) / whole.max(1)
}

fn line(text: &str) {
    // Nobody to tell is no reason to stop.
    let _ = writeln!(std::io::stderr(), "{text}");
}
