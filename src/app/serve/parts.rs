//! The parts of a server that those who run it in their own process may want.

use std::sync::Arc;

use super::{Gate, Opened, Reader, Server};
use crate::offering::Desk;

impl Server {
    /// What look-ups are answered by.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.api.reader
    }

    /// The way in for interactions.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        self.api.ingest.gate()
    }

    /// What decides on next best actions, and learns from what becomes of them.
    #[must_use]
    pub fn desk(&self) -> &Arc<Desk> {
        &self.api.desk
    }

    /// The store that is served.
    #[must_use]
    pub fn opened(&self) -> &Opened {
        &self.opened
    }
}
