//! `import`: an export, through a mapping file or in the protocol's own JSON, to interactions.
//!
//! What must stay true:
//!
//! - **Nothing is recorded twice and nothing is lost.** An interaction is named by its source and event id, so sending a
//!   row again is harmless; and the progress file only ever says of a row that it is done after the service said so.
//! - **The first row of an event id wins**, however many workers there are and however often the import is resumed: rows
//!   of one event id go to one worker, a worker sends one batch after another in the order of the file, and a batch that
//!   failed is sent again before the next. So what is stored of an event id is always a beginning of its rows.
//! - **The summary adds up**: every data row is counted once, as recorded, duplicate, unsure, conflict or rejected.
//! - **Memory is flat**: one row is read at a time, queues are bounded in bytes, and no row is dealt out further ahead of
//!   the oldest unfinished one than a fixed window.
//! - Texts of rows go to the service and nowhere else; files and messages name lines, event ids and fields.
//!
//! `docs/import.md` is what a user reads.

pub mod args;
mod dry_run;
mod error;
mod making;
pub mod mapping;
mod money;
mod options;
pub mod protocol;
pub mod row;
mod run;
mod summary;
pub mod table;
mod time;
mod undo;

pub use args::ImportArgs;
pub use dry_run::{DryRun, dry_run};
pub use error::ImportError;
pub use mapping::Mapping;
pub use options::{ImportOptions, Reporting};
pub use run::import;
pub use summary::{Counts, Summary};
pub use undo::{UndoSummary, undo};
