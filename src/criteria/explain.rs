//! Why a rule says what it says, for a person.
//!
//! An explanation holds what is known of the customer: it goes to whom may read that, and to no log.

use std::fmt;

use super::{
    Rule,
    evaluate::Evaluation,
    facts::Facts,
    print::Printed,
    tree::Expression,
    value::Type,
    verdict::{Cause, Verdict},
};

/// The verdict with all that led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is unknown, if it is.
    pub because: Option<String>,
    /// The tree with the value of every node, also of those that the verdict did not need.
    pub root: Explained,
    /// The attributes that were asked for, in the order in which they first appear.
    pub used: Vec<Used>,
}

/// A node with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its canonical text.
    pub text: String,
    /// `pass`, `fail`, the value, or `unknown` with the reason.
    pub value: String,
    /// Whether it is something true or false.
    pub is_test: bool,
    /// The nodes below it but literals.
    pub parts: Vec<Explained>,
}

/// An attribute with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    /// As it stands in the rule.
    pub attribute: String,
    /// The value, or `no value`.
    pub value: String,
    /// What it means.
    pub meaning: &'static str,
}

impl Rule {
    /// The verdict with all that led to it.
    #[must_use]
    pub fn explain<F: Facts>(&self, facts: &F) -> Explanation {
        let mut explaining = Explaining {
            rule: self,
            evaluation: Evaluation::new(&self.attributes, facts),
        };
        let verdict = explaining.evaluation.truth(&self.root);
        let because = match verdict {
            Verdict::Unknown(cause) => Some(explaining.because(cause)),
            Verdict::Pass | Verdict::Fail => None,
        };
        let used = self.attributes.iter().map(|attribute| Used {
            attribute: attribute.to_string(),
            value: facts.get(attribute).to_string(),
            meaning: attribute.id().definition().meaning,
        });
        Explanation {
            verdict,
            because,
            root: explaining.node(&self.root, true),
            used: used.collect(),
        }
    }

    /// Why something cannot be told, as "`last_order` has no value".
    #[must_use]
    pub fn because(&self, cause: Cause) -> String {
        match cause.attribute.and_then(|index| self.attribute(index)) {
            Some(attribute) => format!("{attribute} {}", cause.reason.words()),
            None => cause.reason.words().to_owned(),
        }
    }
}

struct Explaining<'a, F> {
    rule: &'a Rule,
    evaluation: Evaluation<'a, F, super::evaluate::Unmetered>,
}

impl<'a, F: Facts> Explaining<'a, F> {
    fn because(&self, cause: Cause) -> String {
        self.rule.because(cause)
    }

    /// Asks for every node by itself, which takes as many steps as there are levels, times the cost.
    fn node(&mut self, of: &'a Expression, whole: bool) -> Explained {
        let is_test = whole || of.kind() == Type::Boolean;
        let value = if is_test {
            match self.evaluation.truth(of) {
                Verdict::Unknown(cause) => format!("unknown ({})", self.because(cause)),
                told => told.name().to_owned(),
            }
        } else {
            match self.evaluation.value(of) {
                Ok(value) => value.to_string(),
                Err(cause) => format!("unknown ({})", self.because(cause)),
            }
        };
        let printed = Printed {
            expression: of,
            attributes: &self.rule.attributes,
        };
        let text = printed.to_string();
        let parts = of.children().iter();
        let parts = parts.filter(|part| !matches!(part, Expression::Literal(_)));
        Explained {
            text,
            value,
            is_test,
            parts: parts.map(|part| self.node(part, false)).collect(),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verdict.name())?;
        if let Some(because) = &self.because {
            write!(f, ", since {because}")?;
        }
        writeln!(f)?;
        self.root.write(f, 1)?;
        if !self.used.is_empty() {
            writeln!(f, "asked for")?;
        }
        for used in &self.used {
            writeln!(f, "  {} = {}", used.attribute, used.value)?;
            writeln!(f, "    {}", used.meaning)?;
        }
        Ok(())
    }
}

impl Explained {
    fn write(&self, f: &mut fmt::Formatter<'_>, level: usize) -> fmt::Result {
        let indent = level * 2;
        if self.is_test {
            writeln!(f, "{:indent$}{}: {}", "", self.value, self.text)?;
        } else {
            writeln!(f, "{:indent$}{} = {}", "", self.text, self.value)?;
        }
        self.parts
            .iter()
            .try_for_each(|part| part.write(f, level + 1))
    }
}
