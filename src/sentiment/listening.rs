//! Which texts of an interaction are read, and how a tenant has them read.
//!
//! What must stay true: a text is read only when it is the customer's; what is read depends on the interaction, the tenant's
//! configuration and the version of the reader, never on who else is read in the same call.

use super::{
    MODEL_VERSION, analyze,
    cues::Taxonomy,
    model::{Analysis, Language, Options},
    wire,
};
use crate::{
    profile::feelings::is_customers,
    proto::v1::{self, Interaction},
};

/// Bytes of a text that are read. What comes after is as a rule what the mail replies to.
pub const READ_BYTES: usize = 16 * 1024;

/// What reads texts: the same version always says the same of the same text.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// Its version, from 1; it grows with every change of results.
    pub version: u32,
    /// What it makes of a text.
    pub read: fn(&str, &Options<'_>) -> Analysis,
}

impl Default for Reader {
    /// That of this release.
    fn default() -> Self {
        Self {
            version: MODEL_VERSION,
            read: analyze,
        }
    }
}

/// How a tenant has texts read.
#[derive(Clone, Debug)]
pub struct Listening {
    /// What reads them.
    pub reader: Reader,
    /// The language of a text in Chinese characters alone.
    pub han: Language,
    /// The topics.
    pub taxonomy: Taxonomy,
}

impl Default for Listening {
    fn default() -> Self {
        Self {
            reader: Reader::default(),
            han: Language::Japanese,
            taxonomy: Taxonomy::standard().clone(),
        }
    }
}

impl Listening {
    /// What one text says.
    #[must_use]
    pub fn read(&self, text: &str, channel: &str) -> v1::Analysis {
        let read = &text[..text.floor_char_boundary(READ_BYTES)];
        let options = Options {
            han: self.han,
            chat: channel == "chat",
            taxonomy: &self.taxonomy,
        };
        v1::Analysis {
            model_version: self.reader.version,
            ..wire::message(&(self.reader.read)(read, &options))
        }
    }

    /// What the customer's words in an interaction say; `None` when there are none.
    #[must_use]
    pub fn hear(&self, message: &Interaction) -> Option<v1::Analysis> {
        let text = message.text.as_deref()?;
        let speaks = is_customers(message) && !text.trim().is_empty();
        speaks.then(|| self.read(text, &message.channel))
    }
}
