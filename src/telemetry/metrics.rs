//! The metrics recorder.
//!
//! The `metrics` crate has one recorder a process, so there is one handle to it: the static here stands beside a static of
//! that crate and could not be a field of anything. Whoever starts a second service in the process, as tests do, gets the
//! handle of the first.

use std::sync::{Mutex, OnceLock, PoisonError};

use ::metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use super::names::{self, Kind};

/// Upper ends of latency buckets in seconds: 0.1 ms to 10 s.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// Upper ends of buckets of items in a batch.
const ITEMS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0,
];

/// Upper ends of buckets of identifiers that a resolution looked at.
const IDENTIFIERS: &[f64] = &[
    2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1_000.0, 5_000.0, 10_000.0, 50_000.0,
];

/// Upper ends of buckets of probabilities. Few, since there are as many series for each action.
const PROBABILITIES: &[f64] = &[0.01, 0.1, 0.5, 1.0];

/// What `/metrics` shows. Clones show the same.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The buckets make no sense.
    #[error("cannot build the metrics recorder: {0}")]
    Build(#[from] BuildError),
    /// Another recorder, not ours, is installed.
    #[error("another metrics recorder is installed in this process")]
    Taken,
}

impl Metrics {
    /// Installs the recorder of this process, or finds the one installed before.
    ///
    /// # Errors
    /// When something else installed a recorder of its own.
    pub fn install() -> Result<Self, Error> {
        static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
        static INSTALLING: Mutex<()> = Mutex::new(());

        let _one_at_a_time = INSTALLING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handle) = INSTALLED.get() {
            return Ok(Self(handle.clone()));
        }
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)?
            .set_buckets_for_metric(Matcher::Full(names::INGEST_BATCH_ITEMS.to_owned()), ITEMS)?
            .set_buckets_for_metric(
                Matcher::Full(names::IDENTITY_REGION_IDENTIFIERS.to_owned()),
                IDENTIFIERS,
            )?
            .set_buckets_for_metric(
                Matcher::Full(names::ACTION_PROPENSITY.to_owned()),
                PROBABILITIES,
            )?
            .build_recorder();
        let handle = recorder.handle();
        ::metrics::set_global_recorder(recorder).map_err(|_| Error::Taken)?;
        describe();
        Ok(Self(INSTALLED.get_or_init(|| handle).clone()))
    }

    /// Everything, in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Folds what was observed into the buckets; without it memory grows until somebody looks at `/metrics`.
    pub fn upkeep(&self) {
        self.0.run_upkeep();
    }
}

/// Tells the recorder what each metric means, and sets the one that never changes.
fn describe() {
    for metric in names::METRICS {
        let names::Metric {
            name,
            unit,
            meaning,
            ..
        } = *metric;
        match metric.kind {
            Kind::Counter => describe_counter!(name, unit, meaning),
            Kind::Gauge => describe_gauge!(name, unit, meaning),
            Kind::Histogram => describe_histogram!(name, unit, meaning),
        }
    }
    ::metrics::gauge!(names::BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_service_in_the_process_shares_the_recorder() {
        let first = Metrics::install().unwrap();
        let second = Metrics::install().unwrap();
        ::metrics::histogram!(names::INGEST_BATCH_SECONDS).record(0.000_2);
        for text in [first.render(), second.render()] {
            assert!(text.contains("customer_profile_build_info{version="));
            let bucket = "customer_profile_ingest_batch_seconds_bucket{le=\"0.0001\"} 0";
            assert!(text.contains(bucket), "{text}");
            let bucket = "customer_profile_ingest_batch_seconds_bucket{le=\"0.00025\"} 1";
            assert!(text.contains(bucket), "{text}");
        }
    }
}
