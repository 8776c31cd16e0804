//! The reading thread: reads rows, maps them, deals them out.
//!
//! A thread of its own and not a task: it waits for a disk or a pipe, and one that waits for standard input must not keep
//! the program from ending.

use std::{
    collections::hash_map::DefaultHasher,
    hash::{Hash as _, Hasher as _},
    sync::{Arc, mpsc},
    time::{Duration, Instant},
};

use prost::Message as _;
use tokio::sync::mpsc::Sender;

use crate::proto::v1::Interaction;

use super::{
    super::{
        making::Making,
        summary::Fate,
        table::{Row, Table, TableError},
    },
    gate::Gate,
    keeper::Note,
    ledger::{Done, Reject},
    worker::Batch,
};

const ROWS: usize = 500;
const BYTES: usize = 2 << 20;
/// A batch that is not full goes out after this long, at the next row.
const LINGER: Duration = Duration::from_millis(500);
/// How often the time is looked at, in rows.
const LOOK: u64 = 64;

/// How the reading ended when it was not cut short: with all rows, or with an error after some.
pub(super) type ReadOut = Result<u64, TableError>;

pub(super) struct Reader {
    pub(super) table: Table,
    pub(super) making: Making,
    pub(super) gate: Arc<Gate>,
    pub(super) notes: mpsc::Sender<Note>,
    pub(super) workers: Vec<Sender<Batch>>,
    /// Rows up to this one are done already.
    pub(super) skip: u64,
}

/// The import is over; whoever ended it says why.
struct Over;

impl Reader {
    /// Reads to the end; `None` when the import was over before.
    pub(super) fn run(mut self) -> Option<ReadOut> {
        let mut hands: Vec<Batch> = self.workers.iter().map(|_| Batch::default()).collect();
        let read = self.deal(&mut hands).ok()?;
        self.flush(&mut hands).ok()?;
        Some(read)
    }

    fn deal(&mut self, hands: &mut [Batch]) -> Result<ReadOut, Over> {
        let mut last = 0;
        let mut limit = self.gate.limit();
        let mut flushed = Instant::now();
        loop {
            let found = match self.table.next_row() {
                Ok(None) => return Ok(Ok(last)),
                Err(error) => return Ok(Err(error)),
                Ok(Some(found)) => found,
            };
            last = found
                .as_ref()
                .map_or_else(|bad| bad.number, |row| row.number);
            if last <= self.skip {
                continue;
            }
            if last > limit {
                limit = self.gate.limit();
            }
            if last > limit {
                // What is held here may be the very row that is waited for.
                self.flush(hands)?;
                limit = self.gate.wait_for(last).ok_or(Over)?;
            }
            if last % LOOK == 0 && flushed.elapsed() > LINGER {
                self.flush(hands)?;
                flushed = Instant::now();
            }
            match found {
                Ok(row) => self.row(&row, hands)?,
                Err(bad) => {
                    let event_id = String::new();
                    let reasons = vec![format!("the row {}", bad.reason)];
                    self.reject(bad.number, bad.line, event_id, reasons)?;
                }
            }
        }
    }

    fn row(&self, row: &Row, hands: &mut [Batch]) -> Result<(), Over> {
        let interaction = match self.making.interaction(row) {
            Ok(interaction) => interaction,
            Err(faults) => {
                let event_id = faults.event_id.unwrap_or_default();
                return self.reject(row.number, row.line, event_id, faults.reasons);
            }
        };
        let hand = worker_of(&interaction, hands.len());
        let length = interaction.encoded_len() + 8;
        let batch = &mut hands[hand];
        if batch.bytes + length > BYTES {
            self.hand_over(hand, batch)?;
        }
        batch.bytes += length;
        batch.numbers.push(row.number);
        batch.lines.push(row.line);
        batch.interactions.push(interaction);
        if batch.numbers.len() >= ROWS {
            self.hand_over(hand, batch)?;
        }
        Ok(())
    }

    fn flush(&self, hands: &mut [Batch]) -> Result<(), Over> {
        for (hand, batch) in hands.iter_mut().enumerate() {
            if !batch.numbers.is_empty() {
                self.hand_over(hand, batch)?;
            }
        }
        Ok(())
    }

    fn hand_over(&self, hand: usize, batch: &mut Batch) -> Result<(), Over> {
        let batch = std::mem::take(batch);
        self.workers[hand].blocking_send(batch).map_err(|_| Over)
    }

    fn reject(
        &self,
        number: u64,
        line: u64,
        event_id: String,
        reasons: Vec<String>,
    ) -> Result<(), Over> {
        let reject = Box::new(Reject {
            line,
            event_id,
            reasons,
        });
        let done = Done {
            number,
            fate: Fate::Rejected,
            reject: Some(reject),
        };
        self.notes.send(Note::Done(vec![done])).map_err(|_| Over)
    }
}

/// Rows of one event id have one worker, which keeps them in the order of the file.
fn worker_of(interaction: &Interaction, workers: usize) -> usize {
    let mut hash = DefaultHasher::new();
    (&interaction.source, &interaction.event_id).hash(&mut hash);
    let workers = u64::try_from(workers).unwrap_or(1).max(1);
    usize::try_from(hash.finish() % workers).unwrap_or_default()
}
