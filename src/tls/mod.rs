//! TLS on the address of gRPC.
//!
//! What must stay true: a connection that says nothing, something else, or too little costs a bounded amount and holds up
//! nobody ([`mod@accept`]); certificates can be replaced at any time, and what cannot be used never is ([`files`]); who is at
//! the other end is read once, from a chain that was verified.

pub mod accept;
pub mod files;

pub use accept::{Secured, accept};
pub use files::{Files, TlsError};
