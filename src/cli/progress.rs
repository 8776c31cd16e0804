//! Progress of long work on standard error: a bar on a terminal, nothing otherwise.

use std::sync::Arc;

use indicatif::{ProgressBar, ProgressStyle};

use crate::verify::{Observer, Report};

/// A bar that shows what a verification or a digest has done, with its rate and the time left.
pub(super) fn of_store(what: &'static str) -> (ProgressBar, Observer) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed_precise}  {per_sec}")
    {
        bar.set_style(style);
    }
    let shown = bar.clone();
    let observer: Observer = Arc::new(move |report: &Report| {
        shown.set_length(report.total);
        shown.set_position(report.identities + report.profiles);
        shown.set_message(what);
    });
    (bar, observer)
}
