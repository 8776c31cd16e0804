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
//! - The writers ([`batcher`]) run in tasks of their own, so a caller that goes away abandons nothing half-way.
//! - One bad item never fails its batch: what the database refuses is isolated by halving.
//! - A retraction ([`retract`]) takes interactions out by folding their anchors anew, and leaves their event keys.

pub mod batcher;
pub mod model;
pub mod plan;
pub mod record;
mod refold;
pub mod retract;

pub use batcher::{Ingest, Options, Patience, Room};
pub use model::Prepared;
pub use record::{Answer, Outcome};
