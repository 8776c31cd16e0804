//! A rule: made once from a text, held against many facts.

use std::fmt;

use super::{
    evaluate::Evaluation,
    facts::{Argument, Attribute, AttributeIndex, Facts},
    fault::{Fault, FaultKind, Faults},
    lexer,
    limits::MAX_SOURCE_BYTES,
    lower,
    print::Printed,
    schema::{AttributeId, Use},
    syntax,
    tree::Expression,
    verdict::Verdict,
};
use crate::ids::LengthPrefixed;

/// Version of the language: part of the version of every rule, so that a rule that comes to mean something else is another
/// one.
pub const LANGUAGE: u8 = 1;

/// A rule within all limits, whose types fit.
#[derive(Clone, PartialEq)]
pub struct Rule {
    pub(super) root: Expression,
    pub(super) attributes: Box<[Attribute]>,
    text: Box<str>,
    version: RuleVersion,
    cost: u32,
}

/// Names what a rule says: equal for texts that mean the same tree, on every machine and for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleVersion(pub u64);

impl fmt::Display for RuleVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Rule {
    /// The rule that a text says.
    ///
    /// # Errors
    /// All mistakes of the text, by place; of a text that is no rule of the language at all, the first one. At most 32.
    pub fn parse(source: &str, used_in: Use) -> Result<Self, Vec<Fault>> {
        let mut faults = Faults::default();
        let rule = Self::read(source, used_in, &mut faults);
        rule.ok_or_else(|| faults.into_sorted())
    }

    fn read(source: &str, used_in: Use, faults: &mut Faults) -> Option<Self> {
        let tokens = lexer::tokens(source, faults)?;
        let syntax = syntax::parse(&tokens, faults)?;
        let (root, attributes) = lower::lower(&syntax, used_in, faults)?;
        let printed = Printed {
            expression: &root,
            attributes: &attributes,
        };
        let text = printed.to_string();
        if text.len() > MAX_SOURCE_BYTES {
            let what = format!("the rule has {} bytes when it is printed", text.len());
            let hint = format!("at most {MAX_SOURCE_BYTES} are allowed; split it into segments");
            faults.add((0, source.len()), FaultKind::TooLarge, what, Some(hint));
            return None;
        }
        Some(Self {
            version: version(&text),
            cost: root.cost(),
            text: text.into(),
            root,
            attributes: attributes.into(),
        })
    }

    /// Its canonical text; parsed again, it is the same rule.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it is known by: 64 bits of the BLAKE3 hash of "criteria", the version of the language (one byte) and the
    /// canonical text, each prefixed with its length (64 bits, little-endian).
    #[must_use]
    pub fn version(&self) -> RuleVersion {
        self.version
    }

    /// Steps that an evaluation takes at most; 1 to [`super::limits::MAX_COST`].
    #[must_use]
    pub fn cost(&self) -> u32 {
        self.cost
    }

    /// Nodes of its tree, 1 to 256.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.root.nodes()
    }

    /// Levels of its tree, 1 to 16.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.root.depth()
    }

    /// The attributes that it asks for, each once, in the order in which they first appear.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The attribute at a place.
    #[must_use]
    pub fn attribute(&self, index: AttributeIndex) -> Option<&Attribute> {
        self.attributes.get(usize::from(index.0))
    }

    /// The segments that it refers to, each once.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .filter(|attribute| attribute.id == AttributeId::Segment)
            .filter_map(|attribute| match attribute.arguments.first() {
                Some(Argument::Text(name)) => Some(&**name),
                _ => None,
            })
    }

    /// Whether a customer passes. Allocates nothing.
    #[must_use]
    pub fn evaluate<F: Facts>(&self, facts: &F) -> Verdict {
        Evaluation::new(&self.attributes, facts).truth(&self.root)
    }
}

fn version(text: &str) -> RuleVersion {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(b"criteria");
    hash.add(&[LANGUAGE]);
    hash.add(text.as_bytes());
    RuleVersion(hash.finish_64())
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rule({})", self.text)
    }
}
