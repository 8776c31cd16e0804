//! The language of rules: which customers an action is for, and who is in a segment.
//!
//! What must stay true:
//!
//! - A text of a stranger cannot hurt: length, tokens, brackets, levels and nodes are bounded before the work that they
//!   bound, and every refusal says what, where and what would be right ([`limits`], `syntax`).
//! - A rule that was made is typed and bounded; holding it against facts allocates nothing, cannot fail, and takes at most
//!   [`Rule::cost`] steps.
//! - What is not known is `Unknown`, never an error and never a guess ([`Verdict`]).
//! - A rule has one canonical text, and its version is a hash of that.
//! - Until [`Rule::falls_due`], time alone does not change the verdict.
//!
//! The language, for those who write rules: `docs/criteria.md`.

mod due;
mod evaluate;
mod explain;
mod facts;
mod fault;
mod lexer;
pub mod limits;
mod lower;
mod print;
mod reckon;
pub mod reference;
mod rule;
pub mod schema;
mod segments;
mod syntax;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod verdict;

pub use explain::{Explained, Explanation, Used};
pub use facts::{Argument, Attribute, AttributeIndex, Facts, Moment};
pub use fault::{Fault, FaultKind};
pub use rule::{LANGUAGE, Rule, RuleVersion};
pub use schema::{AttributeId, Use};
pub use segments::{Segment, SegmentFault, evaluation_order};
pub use value::{Literal, Type, Value};
pub use verdict::{Cause, Reason, Verdict};
