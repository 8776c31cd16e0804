//! Ingest: from a valid interaction to a durable one, exactly once.
//!
//! What must stay true:
//!
//! - An item is answered RECORDED or DUPLICATE only after the transaction that holds it has committed. When the outcome of
//!   a commit is unknown the caller hears UNAVAILABLE and may send again: the claim on the event key makes that harmless.
//! - The claim, the interaction, its effect on identities, links and profiles, and the outbox are one transaction
//!   ([`record`]); there is no moment at which one is there without the others.
//! - What a transaction reads of identities and profiles it reads after it holds their locks (`storage::locks`), so two
//!   writers never build on the same past.
//! - What would do more than unite sets leaves its batch ([`admission`]) for a transaction of its own (`slow`), which
//!   resolves it with whatever it reaches (`region`) and writes what became of the profiles (`rebuild`).
//! - The writers ([`batcher`]) run in tasks of their own, so a caller that goes away abandons nothing half-way. How much is
//!   let in is found from how long it takes ([`gate`], [`limit`]).
//! - One bad item never fails its batch: what the database refuses is isolated by halving.
//! - A retraction ([`retract`]) takes interactions out by folding their anchors anew, and leaves their event keys.

pub mod admission;
pub mod batcher;
mod claims;
mod evidence;
mod failure;
pub mod gate;
mod guard;
pub mod heard;
pub mod index_keys;
pub mod limit;
mod memory;
pub mod model;
pub mod plan;
pub mod reanalyze;
pub(crate) mod rebuild;
pub mod record;
mod refold;
pub(crate) mod region;
pub mod resolver;
pub mod retract;
pub mod ruling;
mod slow;
pub(crate) mod standalone;
pub(crate) mod standings;
pub mod trait_keys;
mod write;

pub use batcher::{Ingest, Options, Room};
pub use gate::Patience;
pub use guard::Guard;
pub use model::Prepared;
pub use record::{Answer, Outcome};
pub use ruling::Ruling;
