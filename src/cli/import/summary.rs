//! What became of the rows.
//!
//! Every data row is counted once:
//!
//! - **recorded**: the service stored it now.
//! - **duplicate**: it was there before with the same content, from an earlier import or an earlier row of this one.
//! - **unsure**: the service had it already, but this import may have sent it before without learning what became of it
//!   (a call that failed, or a run that was killed). It is stored once; whether this import stored it cannot be known.
//! - **conflict**: it was there before with other content, which stays.
//! - **rejected**: it could not be read, mapped or stored.

use std::{fmt, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ids::RunId;

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Recorded,
    Duplicate,
    Unsure,
    Conflict,
    Rejected,
}

impl Fate {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Duplicate => "duplicate",
            Self::Unsure => "unsure",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
        }
    }
}

/// Rows by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Stored now.
    pub recorded: u64,
    /// Stored before with the same content.
    pub duplicates: u64,
    /// Stored, by this import or before it.
    pub unsure: u64,
    /// Stored before with other content.
    pub conflicts: u64,
    /// Not stored.
    pub rejected: u64,
}

impl Counts {
    /// How many rows there are in all.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.recorded + self.duplicates + self.unsure + self.conflicts + self.rejected
    }

    pub(crate) fn add(&mut self, fate: Fate) {
        let count = match fate {
            Fate::Recorded => &mut self.recorded,
            Fate::Duplicate => &mut self.duplicates,
            Fate::Unsure => &mut self.unsure,
            Fate::Conflict => &mut self.conflicts,
            Fate::Rejected => &mut self.rejected,
        };
        *count += 1;
    }
}

/// The end of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The run, for `--undo`.
    pub run_id: RunId,
    /// Data rows of the input. Always the sum of the counts.
    pub rows: u64,
    /// Rows stored now.
    pub recorded: u64,
    /// Rows stored before with the same content.
    pub duplicates: u64,
    /// Rows stored by this import or before it, which cannot be told apart.
    pub unsure: u64,
    /// Rows stored before with other content.
    pub conflicts: u64,
    /// Rows not stored.
    pub rejected: u64,
    /// How long it took, since it was last resumed.
    pub elapsed: Duration,
    /// The row after which it was resumed; the counts include what came before.
    pub resumed_from: Option<u64>,
    /// Where rejected and conflicting rows were written, if there are any.
    pub rejects: Option<PathBuf>,
}

impl Summary {
    pub(crate) fn new(run_id: RunId, counts: Counts, elapsed: Duration) -> Self {
        Self {
            run_id,
            rows: counts.rows(),
            recorded: counts.recorded,
            duplicates: counts.duplicates,
            unsure: counts.unsure,
            conflicts: counts.conflicts,
            rejected: counts.rejected,
            elapsed,
            resumed_from: None,
            rejects: None,
        }
    }

    /// Rows a second, of those read since it was last resumed.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let rows = self.rows - self.resumed_from.unwrap_or_default().min(self.rows);
        per_second(rows, self.elapsed)
    }

    /// As JSON, for programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "run_id": self.run_id.to_string(),
            "rows": self.rows,
            "recorded": self.recorded,
            "duplicates": self.duplicates,
            "unsure": self.unsure,
            "conflicts": self.conflicts,
            "rejected": self.rejected,
            "elapsed_seconds": self.elapsed.as_secs_f64(),
            "resumed_from": self.resumed_from,
            "rejects": self.rejects.as_ref().map(|path| path.display().to_string()),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rows: {} recorded, {} duplicates, {} conflicts, {} rejected",
            self.rows, self.recorded, self.duplicates, self.conflicts, self.rejected
        )?;
        if self.unsure > 0 {
            write!(f, ", {} stored by this import or before it", self.unsure)?;
        }
        write!(f, "; {:.1} s", self.elapsed.as_secs_f64())?;
        write!(f, ", {:.0} rows/s", self.rate())?;
        if let Some(row) = self.resumed_from {
            write!(f, ", resumed after row {row}")?;
        }
        if let Some(path) = &self.rejects {
            write!(f, "; see {}", path.display())?;
        }
        write!(f, "; run {}", self.run_id)
    }
}

pub(crate) fn per_second(count: u64, elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for a person to read")]
    let count = count as f64;
    count / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_adds_up_and_says_where_to_look() {
        let mut counts = Counts::default();
        let fates = [
            Fate::Recorded,
            Fate::Duplicate,
            Fate::Unsure,
            Fate::Conflict,
            Fate::Rejected,
        ];
        for fate in fates.into_iter().chain([Fate::Recorded]) {
            counts.add(fate);
        }
        let run_id = RunId::draw();
        let mut summary = Summary::new(run_id, counts, Duration::from_secs(2));
        summary.rejects = Some(PathBuf::from("a.rejects.tsv"));
        assert_eq!(
            summary.to_string(),
            format!(
                "6 rows: 2 recorded, 1 duplicates, 1 conflicts, 1 rejected, 1 stored by this import or before it; \
                 2.0 s, 3 rows/s; see a.rejects.tsv; run {run_id}"
            )
        );
        assert_eq!(summary.to_json()["unsure"], 1);
    }
}
