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

/// A bar over a known number of things that are done one after the other.
pub(super) fn of_customers(what: &'static str, customers: u64) -> ProgressBar {
    let bar = ProgressBar::new(customers);
    let template = "{msg} {bar:30} {percent:>3} %  {pos} of {len}  {elapsed} gone, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// A bar over a work of which only the share that is done is known, in thousandths.
pub(super) fn of_thousandths(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(1_000);
    let template = "{msg} {bar:30} {percent:>3} %  {elapsed} gone, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// A bar over interactions that are sent, with their rate.
pub(super) fn of_interactions(what: &'static str, interactions: u64) -> ProgressBar {
    let bar = ProgressBar::new(interactions);
    let template = "{msg} {bar:30} {percent:>3} %  {per_sec}  {elapsed} gone, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}
