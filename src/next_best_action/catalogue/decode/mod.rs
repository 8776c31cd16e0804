//! From a tree to the model.
//!
//! Only the form is looked at here; what is well formed is checked like a definition from anywhere else. Where a part is
//! missing or malformed a placeholder stands in for it, so that everything else is checked in the same pass.

mod action;
mod fields;
mod policy;

use super::{
    Document, Entry,
    node::Node,
    violation::{Findings, Path, reason::OUT_OF_RANGE},
};
use crate::next_best_action::model::{Segment, Status};
use fields::Fields;

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// What a tree says.
pub(super) fn document(root: &Node, path: Path<'_>, found: &mut Findings) -> Document {
    let mut fields = Fields::of(root, path, found);
    let format = fields.needed(found, "catalogue", Fields::whole);
    if format.is_some_and(|format: u32| format != FORMAT) {
        let text = format!("this release reads format {FORMAT}");
        found.add_at(path.key("catalogue"), root.line(), OUT_OF_RANGE, text);
    }
    let policy = fields.some(found, "policy", |path, node, found| {
        Some(policy::policy(node, path, found))
    });
    let segments = fields.items(found, "segments", segment);
    let actions = fields.items(found, "actions", entry);
    fields.done(found);
    Document {
        policy,
        segments,
        actions,
    }
}

fn entry(path: Path<'_>, node: &Node, found: &mut Findings) -> Entry {
    let mut fields = Fields::of(node, path, found);
    let status = fields.word(found, "status", &Status::ALL, Status::word);
    let definition = action::definition(&mut fields, found);
    fields.done(found);
    Entry {
        definition,
        status: status.unwrap_or(Status::Active),
    }
}

fn segment(path: Path<'_>, node: &Node, found: &mut Findings) -> Segment {
    let mut fields = Fields::of(node, path, found);
    let segment = Segment {
        name: fields.needed_text(found, "name"),
        description: fields.text(found, "description"),
        rule: fields.needed_text(found, "rule"),
    };
    fields.done(found);
    segment
}
