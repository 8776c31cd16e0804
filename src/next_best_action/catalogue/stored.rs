//! Parts of a catalogue as they are stored: the canonical text of a document that holds one thing.
//!
//! What must stay true: what was checked once is not checked again when it is read, because later releases may allow less. It is
//! vouched for by having been stored; that it can be read at all is what [`read`](Stored) makes sure of.

use super::{
    Document, Entry, decode, encode,
    node::Node,
    violation::{Findings, Path},
    yaml,
};
use crate::next_best_action::model::{Definition, Policy, Segment, Status, Valid};

/// A stored text that is none of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Something that is stored as a text.
pub trait Stored: Sized {
    /// Its canonical text.
    fn to_text(&self) -> String;

    /// From that text.
    ///
    /// # Errors
    /// When it is no such text.
    fn from_text(text: &str) -> Result<Self, Unreadable>;
}

fn written(document: &Document) -> String {
    yaml::write(&encode::document(document))
}

fn read(text: &str) -> Result<Document, Unreadable> {
    let mut found = Findings::default();
    let tree: Option<Node> = yaml::read(text, Path::Root, &mut found);
    let document = tree
        .as_ref()
        .map(|tree| decode::document(tree, Path::Root, &mut found));
    match found.finish(()) {
        Ok(()) => document.ok_or_else(|| Unreadable("is empty".to_owned())),
        Err(wrong) => Err(Unreadable(
            wrong.first().map_or_else(String::new, ToString::to_string),
        )),
    }
}

fn missing() -> Unreadable {
    Unreadable("holds something else".to_owned())
}

impl Stored for Valid<Definition> {
    fn to_text(&self) -> String {
        let mut document = Document::default();
        document.actions.push(Entry {
            definition: self.get().clone(),
            // A version has no status: what stands here says nothing.
            status: Status::Active,
        });
        written(&document)
    }

    fn from_text(text: &str) -> Result<Self, Unreadable> {
        let entry = read(text)?.actions.pop().ok_or_else(missing)?;
        Ok(Self::vouch(entry.definition))
    }
}

impl Stored for Valid<Policy> {
    fn to_text(&self) -> String {
        written(&Document {
            policy: Some(self.get().clone()),
            ..Document::default()
        })
    }

    fn from_text(text: &str) -> Result<Self, Unreadable> {
        read(text)?.policy.map(Self::vouch).ok_or_else(missing)
    }
}

impl Stored for Valid<Segment> {
    fn to_text(&self) -> String {
        written(&Document {
            segments: vec![self.get().clone()],
            ..Document::default()
        })
    }

    fn from_text(text: &str) -> Result<Self, Unreadable> {
        let segment = read(text)?.segments.pop().ok_or_else(missing)?;
        Ok(Self::vouch(segment))
    }
}
