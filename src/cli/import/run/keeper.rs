//! The bookkeeping thread: the only owner of the ledger, the rejects file, the progress file and the bar.
//!
//! Its queue has no bound of its own and needs none: each row is noted once, and no more rows are under way than the gate
//! lets out.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use super::{
    super::{error::ImportError, summary::Counts},
    gate::{Gate, SENT_AHEAD, ShutOnDrop},
    ledger::{Done, Ledger},
    progress::{ProgressFile, Saved},
    rejects::Rejects,
    report::Reporter,
};

const SAVE_EVERY: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What the keeper is told.
pub(super) enum Note {
    /// These rows are done.
    Done(Vec<Done>),
    /// The import ends early: nothing that is still under way is waited for.
    Stopped,
    /// These were all: the input had this many rows.
    Finished(u64),
}

pub(super) struct Keeper {
    pub(super) ledger: Ledger,
    pub(super) rejects: Rejects,
    pub(super) progress: Option<ProgressFile>,
    pub(super) saved: Saved,
    pub(super) gate: Arc<Gate>,
    pub(super) reporter: Reporter,
}

/// What the keeper leaves.
pub(super) struct Kept {
    pub(super) counts: Counts,
    pub(super) rejects: Option<std::path::PathBuf>,
}

impl Keeper {
    /// Keeps books until everyone who could tell something is gone. The progress file goes only when all rows are done.
    pub(super) fn run(mut self, notes: &Receiver<Note>) -> Result<Kept, ImportError> {
        let gate = Arc::clone(&self.gate);
        let _shut = ShutOnDrop(&gate);
        let mut finished = None;
        let mut saved = Instant::now();
        loop {
            match notes.recv_timeout(LOOK_EVERY) {
                Ok(Note::Done(rows)) => self.note(rows)?,
                Ok(Note::Finished(rows)) => finished = Some(rows),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Note::Stopped) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.reporter.show(self.ledger.counts());
            if saved.elapsed() >= SAVE_EVERY && self.ledger.mark() > self.saved.mark {
                self.save()?;
                saved = Instant::now();
            }
        }
        self.reporter.finish();
        self.save()?;
        if finished == Some(self.ledger.mark()) {
            if let Some(progress) = self.progress {
                progress.remove()?;
            }
        } else if finished.is_some() {
            return Err(ImportError::Bug("count of rows"));
        }
        Ok(Kept {
            counts: self.ledger.counts(),
            rejects: self.rejects.path(),
        })
    }

    fn note(&mut self, rows: Vec<Done>) -> Result<(), ImportError> {
        for row in rows {
            for (fate, reject) in self.ledger.note(row) {
                self.rejects.write(fate, &reject)?;
            }
        }
        self.gate.moved_to(self.ledger.mark());
        if self.progress.is_none() {
            self.gate.saved_at(self.ledger.mark());
        }
        Ok(())
    }

    /// Writes down the mark. Nothing may be sent past what is written down, so this comes before the first row too.
    pub(super) fn save(&mut self) -> Result<(), ImportError> {
        self.saved.rejects_length = self.rejects.settle()?;
        self.saved.mark = self.ledger.mark();
        self.saved.counts = self.ledger.counts();
        self.saved.sent_limit = self.saved.sent_limit.max(self.saved.mark + SENT_AHEAD);
        if let Some(progress) = &mut self.progress {
            progress.save(&self.saved)?;
        }
        self.gate.saved_at(self.saved.mark);
        Ok(())
    }
}
