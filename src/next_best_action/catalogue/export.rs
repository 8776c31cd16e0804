//! Writing a catalogue.

use super::{Document, encode, limits::MAX_YAML_BYTES, yaml};

/// The canonical text of a document. Items keep the order they are given in.
#[must_use]
pub fn export(document: &Document) -> String {
    yaml::write(&encode::document(document))
}

/// A text of at most 1 MiB that holds the begin of a document, in its order, and the rest, if there is one. A single action is
/// always smaller ([`MAX_DEFINITION_BYTES`](super::limits::MAX_DEFINITION_BYTES)).
#[must_use]
pub fn export_begin(document: Document) -> (String, Option<Document>) {
    let mut part = Document {
        policy: document.policy,
        segments: document.segments,
        actions: Vec::new(),
    };
    let mut size = export(&part).len();
    let mut left = document.actions.into_iter();
    while let Some(entry) = left.next() {
        let alone = Document {
            actions: vec![entry],
            ..Document::default()
        };
        let added = export(&alone).len();
        if size + added > MAX_YAML_BYTES {
            let actions = alone.actions.into_iter().chain(left).collect();
            let rest = Document {
                actions,
                ..Document::default()
            };
            return (export(&part), Some(rest));
        }
        size += added;
        part.actions.extend(alone.actions);
    }
    (export(&part), None)
}

/// Texts of at most 1 MiB each that hold all of a document, in its order; each can be imported, and all of them together when they
/// are no more than that.
#[must_use]
pub fn export_in_parts(document: Document) -> Vec<String> {
    let mut texts = Vec::new();
    let mut left = Some(document);
    while let Some(document) = left {
        let (text, rest) = export_begin(document);
        texts.push(text);
        left = rest;
    }
    texts
}
