//! YAML, as far as a catalogue needs it: values, lists and maps with text keys.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::write;
