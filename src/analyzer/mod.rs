//! An analyzer of the operator's own, asked over gRPC.
//!
//! What must stay true:
//!
//! - Nothing waits for it longer than its deadline, and nothing fails because of it: an answer that does not come, or is not
//!   sound, is as if nobody had been asked. What the built-in analyzer made of a text is stored all the same.
//! - It is told texts, their channels and their languages, and nothing else: not whose they are, not which tenant asks.
//! - What it answers is checked before it is believed (`answer`): numbers within their ranges, spans on boundaries of
//!   characters. It reaches logs as a code or a count, never as text.
//! - One that fails is left alone for a while (`crate::breaker`), so that a dead analyzer costs nothing.

mod answer;
mod external;

pub use external::{Asked, External, Options, Unusable};
