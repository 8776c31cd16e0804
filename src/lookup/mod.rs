//! Look-ups: the path of a read.
//!
//! What must stay true:
//!
//! - An answer is about one version of a profile: its state, its members and its version come from one row. Only the times
//!   at which identifiers were last seen may be newer.
//! - Between finding an identifier's profile and reading that profile, the profile may have been merged away or split.
//!   A profile that does not list the identifier it was found by is looked for again ([`mod@find`]).
//! - A merged-away id answers with whoever holds its home now.
//! - What a cache or a replica says is judged by what this process read of the primary's outbox ([`reader`], `replica`).
//! - Every call costs a bounded number of index reads, whatever the size of a profile ([`timeline`], [`search`]).

mod counted;
pub mod document;
pub mod feelings;
pub mod find;
mod gathered;
pub mod identifiers;
mod keep;
mod lost;
mod newest;
mod primary;
pub mod reader;
mod remembered;
mod replica;
pub mod search;
pub mod suggest;
mod tiers;
pub mod timeline;
mod together;

pub use document::document;
pub use find::{Found, Who, find};
pub use lost::find_with;
pub use reader::{Answer, Reader};
pub use tiers::Source;
