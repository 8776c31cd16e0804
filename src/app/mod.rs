//! Wiring: what a process is made of, from settings to a drained end.
//!
//! What must stay true:
//!
//! - Nothing listens before the database is open, its schema and its hash secret fit, and every setting is sound.
//! - A drain first says that it is not ready, then ends streams, lets calls finish, waits until every accepted interaction
//!   is answered, and only then lets go of the database; so nothing that was acknowledged, or will be, is lost.

mod access;
mod background;
mod caches;
pub mod connections;
mod health;
mod open;
mod private;
mod reload;
mod routes;
mod serve;
mod transport;

pub use access::AccessError;
pub use open::{OpenError, Opened, Schema, open};
pub use private::Private;
pub use serve::{ServeError, Server};
