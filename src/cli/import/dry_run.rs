//! Trying a mapping: every row is read and mapped, nothing is sent.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde_json::{Value, json};

use super::{
    error::ImportError,
    making::Making,
    options::ImportOptions,
    run::{Reporter, open_table, unreadable},
    summary::Counts,
};

mod show;

/// How many interactions are shown.
const SHOWN: usize = 3;
/// How many different reasons are kept.
const REASONS: usize = 1_000;
/// How often progress is shown, in rows.
const SHOW_EVERY: u64 = 1_000;

/// What a mapping makes of a file.
#[derive(Clone, Default, PartialEq)]
pub struct DryRun {
    /// Data rows of the input.
    pub rows: u64,
    /// Rows that are interactions.
    pub mapped: u64,
    /// Rows with faults.
    pub faulty: u64,
    /// How many rows have each fault. A row can have several.
    pub faults: BTreeMap<String, u64>,
    /// The first interactions.
    pub first: Vec<Value>,
}

impl DryRun {
    /// As JSON, for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "mapped": self.mapped,
            "faulty": self.faulty,
            "faults": self.faults,
            "first": self.first,
        })
    }
}

impl fmt::Debug for DryRun {
    /// Without the interactions, which are someone's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DryRun")
            .field("rows", &self.rows)
            .field("faulty", &self.faulty)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for interaction in &self.first {
            writeln!(f, "{interaction:#}")?;
        }
        for (reason, rows) in &self.faults {
            writeln!(f, "{rows} rows: {reason}")?;
        }
        let Self {
            rows,
            mapped,
            faulty,
            ..
        } = self;
        write!(
            f,
            "{rows} rows: {mapped} mapped, {faulty} with faults; nothing was sent"
        )
    }
}

/// Reads and maps every row. Blocks; call it where that may be.
///
/// # Errors
/// When the mapping has mistakes or the input cannot be read to its end.
pub fn dry_run(options: &ImportOptions) -> Result<DryRun, ImportError> {
    let (making, _) = Making::of(options)?;
    let mut table = open_table(options, &making)?;
    let bytes_read = Arc::clone(&table.bytes_read);
    let mut reporter = Reporter::new(options.reporting, 0, bytes_read, table.size);
    let mut tried = DryRun::default();
    while let Some(found) = table.next_row().map_err(|e| unreadable(options, e))? {
        tried.rows += 1;
        let mapped = match &found {
            Ok(row) => making.interaction(row).map_err(|faults| faults.reasons),
            Err(bad) => Err(vec![format!("the row {}", bad.reason)]),
        };
        match mapped {
            Ok(interaction) => {
                tried.mapped += 1;
                if tried.first.len() < SHOWN {
                    tried.first.push(show::interaction(&interaction));
                }
            }
            Err(reasons) => {
                tried.faulty += 1;
                for reason in reasons {
                    tried.fault(reason);
                }
            }
        }
        if tried.rows % SHOW_EVERY == 0 {
            reporter.show(Counts {
                recorded: tried.mapped,
                rejected: tried.faulty,
                ..Counts::default()
            });
        }
    }
    reporter.finish();
    Ok(tried)
}

impl DryRun {
    fn fault(&mut self, reason: String) {
        let known = self.faults.len() < REASONS || self.faults.contains_key(&reason);
        let key = if known {
            reason
        } else {
            "other faults".to_owned()
        };
        *self.faults.entry(key).or_default() += 1;
    }
}
