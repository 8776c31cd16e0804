//! Survivorship: which of several values of a trait a profile shows.
//!
//! A state keeps each source's newest and oldest word about a trait; a rule chooses among them when the profile is read,
//! so a change of rule rewrites no state. Every rule is a total order on the candidates, with ties by the newer stamp and
//! then the source's name, so that the choice never depends on an order of arrival.

use std::{
    cmp::{Ordering, Reverse},
    collections::BTreeMap,
    fmt,
    str::FromStr,
};

use super::{stamp::Stamped as _, trait_value};
use crate::proto::{
    state::v1::{TraitFact, TraitStatement},
    v1::{TextList, TraitValue, trait_value::Kind},
};

/// How the surviving value of a trait is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// The newest word.
    #[default]
    Newest,
    /// The oldest word.
    Oldest,
    /// The newest word of the first of these sources that has one; sources not named come last.
    SourcePriority(Vec<String>),
    /// The same by department.
    DepartmentPriority(Vec<String>),
    /// The value that most sources state.
    MostFrequent,
    /// The smallest value that is set.
    Smallest,
    /// The largest value that is set.
    Largest,
    /// All values of all sources as one sorted list of texts.
    SetUnion,
}

impl FromStr for Rule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, list) = match text.split_once(':') {
            None => (text, None),
            Some((name, list)) => {
                let list: Vec<String> = list.split(',').map(|s| s.trim().to_owned()).collect();
                if list.iter().any(String::is_empty) {
                    return Err("the list after the colon has an empty entry");
                }
                (name, Some(list))
            }
        };
        match (name.trim(), list) {
            ("newest", None) => Ok(Self::Newest),
            ("oldest", None) => Ok(Self::Oldest),
            ("most_frequent", None) => Ok(Self::MostFrequent),
            ("smallest", None) => Ok(Self::Smallest),
            ("largest", None) => Ok(Self::Largest),
            ("set_union", None) => Ok(Self::SetUnion),
            ("source_priority", Some(list)) => Ok(Self::SourcePriority(list)),
            ("department_priority", Some(list)) => Ok(Self::DepartmentPriority(list)),
            _ => Err(
                "expected newest, oldest, most_frequent, smallest, largest, set_union, source_priority:a,b or department_priority:a,b",
            ),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
            Self::SourcePriority(_) => "source_priority",
            Self::DepartmentPriority(_) => "department_priority",
            Self::MostFrequent => "most_frequent",
            Self::Smallest => "smallest",
            Self::Largest => "largest",
            Self::SetUnion => "set_union",
        })
    }
}

/// The rules of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// By trait name; a trait without one follows [`Rule::Newest`].
    pub by_trait: BTreeMap<String, Rule>,
}

impl Rules {
    /// The rule of a trait.
    #[must_use]
    pub fn of(&self, name: &str) -> &Rule {
        const DEFAULT: &Rule = &Rule::Newest;
        self.by_trait.get(name).unwrap_or(DEFAULT)
    }
}

/// One source's word in the competition.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// The source.
    pub source: &'a str,
    /// Its word.
    pub statement: &'a TraitStatement,
}

impl<'a> Candidate<'a> {
    fn value(&self) -> Option<&'a TraitValue> {
        self.statement.value.as_ref()
    }

    fn is_unset(&self) -> bool {
        self.value().is_none_or(trait_value::is_unset)
    }
}

/// What survived.
pub struct Survivor<'a> {
    /// The value that is shown.
    pub value: TraitValue,
    /// The words, best first; the first is where the value came from (for a union, its newest part).
    pub ranking: Vec<Candidate<'a>>,
}

/// Chooses among the words of all sources about one trait; `None` when there are none.
#[must_use]
pub fn survive<'a>(rule: &Rule, facts: &'a [TraitFact]) -> Option<Survivor<'a>> {
    let mut ranking: Vec<Candidate<'a>> = facts
        .iter()
        .filter_map(|fact| {
            let statement = match rule {
                Rule::Oldest => fact.first.as_ref().or(fact.latest.as_ref()),
                _ => fact.latest.as_ref(),
            }?;
            Some(Candidate {
                source: &fact.source,
                statement,
            })
        })
        .collect();
    let counts = match rule {
        Rule::MostFrequent => frequencies(&ranking),
        _ => BTreeMap::new(),
    };
    ranking.sort_by(|a, b| {
        by_rule(rule, a, b, &counts)
            .then_with(|| b.statement.stamp().cmp(&a.statement.stamp()))
            .then_with(|| a.source.cmp(b.source))
    });
    let value = match rule {
        Rule::SetUnion => union(&ranking),
        _ => ranking.first()?.value()?.clone(),
    };
    (!ranking.is_empty()).then_some(Survivor { value, ranking })
}

fn frequencies(ranking: &[Candidate<'_>]) -> BTreeMap<Vec<u8>, usize> {
    let mut counts = BTreeMap::new();
    for candidate in ranking {
        if let Some(value) = candidate.value() {
            *counts.entry(trait_value::search_bytes(value)).or_default() += 1;
        }
    }
    counts
}

/// Less is better.
fn by_rule(
    rule: &Rule,
    a: &Candidate<'_>,
    b: &Candidate<'_>,
    counts: &BTreeMap<Vec<u8>, usize>,
) -> Ordering {
    let place =
        |list: &[String], name: &str| list.iter().position(|l| l == name).unwrap_or(list.len());
    let values = || match (a.value(), b.value()) {
        (Some(a), Some(b)) => trait_value::compare(a, b),
        _ => Ordering::Equal,
    };
    match rule {
        Rule::Newest | Rule::SetUnion => Ordering::Equal,
        Rule::Oldest => a.statement.stamp().cmp(&b.statement.stamp()),
        Rule::SourcePriority(list) => place(list, a.source).cmp(&place(list, b.source)),
        Rule::DepartmentPriority(list) => {
            place(list, &a.statement.department).cmp(&place(list, &b.statement.department))
        }
        Rule::MostFrequent => {
            let count = |c: &Candidate<'_>| {
                c.value()
                    .and_then(|v| counts.get(&trait_value::search_bytes(v)))
                    .copied()
            };
            Reverse(count(a)).cmp(&Reverse(count(b)))
        }
        Rule::Smallest => a.is_unset().cmp(&b.is_unset()).then_with(values),
        Rule::Largest => a
            .is_unset()
            .cmp(&b.is_unset())
            .then_with(|| values().reverse()),
    }
}

fn union(ranking: &[Candidate<'_>]) -> TraitValue {
    let mut texts: Vec<String> = ranking
        .iter()
        .filter_map(Candidate::value)
        .flat_map(trait_value::parts)
        .collect();
    texts.sort_unstable();
    texts.dedup();
    let kind = if texts.is_empty() {
        Kind::Unset(true)
    } else {
        Kind::List(TextList { values: texts })
    };
    TraitValue { kind: Some(kind) }
}
