//! Topics by the words that name them.
//!
//! What must stay true: a [`Taxonomy`] that exists is within the limits (the standard one, whose
//! terms are the program's own, may hold more terms a topic); the index of a topic is its position
//! in the list it was made from. At one place the longest term counts, so a longer term of one
//! topic hides a shorter one of another ("return flight" is no return).

use std::sync::LazyLock;

use super::fold;
use super::matcher::joins;
use super::trie::Trie;

const STANDARD: &str = include_str!("topics.tsv");

/// Topics and their terms, compiled.
#[derive(Debug, Clone)]
pub struct Taxonomy {
    names: Vec<String>,
    /// Absent when there is no term.
    trie: Option<Trie>,
    /// For each term of the trie its topic; none for a term that only hides others.
    owners: Vec<Option<u16>>,
}

/// One way in which a taxonomy breaks its limits; positions count from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// More topics than [`Taxonomy::TOPICS_MAX`].
    TooManyTopics {
        /// How many were given.
        given: usize,
    },
    /// A name that is empty or longer than [`Taxonomy::CHARACTERS_MAX`].
    Name {
        /// Position of the topic.
        topic: usize,
    },
    /// A name that an earlier topic has.
    RepeatedName {
        /// Position of the later topic.
        topic: usize,
    },
    /// A topic without terms.
    NoTerms {
        /// Position of the topic.
        topic: usize,
    },
    /// More terms than [`Taxonomy::TERMS_MAX`].
    TooManyTerms {
        /// Position of the topic.
        topic: usize,
        /// How many were given.
        given: usize,
    },
    /// A term without a letter or digit, or longer than [`Taxonomy::CHARACTERS_MAX`].
    Term {
        /// Position of the topic.
        topic: usize,
        /// Position of the term within it.
        term: usize,
    },
    /// The terms could not be compiled.
    Compile,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyTopics { given } => {
                write!(
                    f,
                    "{given} topics, at most {} allowed",
                    Taxonomy::TOPICS_MAX
                )
            }
            Self::Name { topic } => write!(f, "topic {topic}: name empty or too long"),
            Self::RepeatedName { topic } => write!(f, "topic {topic}: name given twice"),
            Self::NoTerms { topic } => write!(f, "topic {topic}: no terms"),
            Self::TooManyTerms { topic, given } => {
                write!(
                    f,
                    "topic {topic}: {given} terms, at most {} allowed",
                    Taxonomy::TERMS_MAX
                )
            }
            Self::Term { topic, term } => {
                write!(
                    f,
                    "topic {topic}, term {term}: nothing to look for or too long"
                )
            }
            Self::Compile => write!(f, "the terms could not be compiled"),
        }
    }
}

impl std::error::Error for Violation {}

impl Taxonomy {
    /// The most topics of a tenant.
    pub const TOPICS_MAX: usize = 64;
    /// The most terms of a tenant's topic.
    pub const TERMS_MAX: usize = 64;
    /// The most characters of a name or a term.
    pub const CHARACTERS_MAX: usize = 64;

    /// Compiles topics, each a name and its terms. Case, katakana or hiragana, hyphens and
    /// apostrophes do not matter in terms; an English term also finds its plural in -s or -es.
    ///
    /// # Errors
    /// Every violation of the limits.
    pub fn new(topics: Vec<(String, Vec<String>)>) -> Result<Self, Vec<Violation>> {
        let violations = violations(&topics);
        if violations.is_empty() {
            Self::compile(topics)
        } else {
            Err(violations)
        }
    }

    /// The default topics: delivery, product, price, billing, returns, app, staff, waiting,
    /// facility, food, flight, account, information, contract, loyalty; terms in English and
    /// Japanese.
    #[must_use]
    pub fn standard() -> &'static Self {
        static COMPILED: LazyLock<Taxonomy> = LazyLock::new(|| {
            Taxonomy::compile(standard_topics()).unwrap_or_else(|_| Taxonomy {
                names: Vec::new(),
                trie: None,
                owners: Vec::new(),
            })
        });
        &COMPILED
    }

    /// The default topics and a tenant's own; one of a default topic's name stands in its place.
    ///
    /// # Errors
    /// Every violation of the limits by the tenant's own topics.
    pub fn extended(own: Vec<(String, Vec<String>)>) -> Result<Self, Vec<Violation>> {
        let violations = violations(&own);
        if !violations.is_empty() {
            return Err(violations);
        }
        let mut topics = standard_topics();
        topics.retain(|(usual, _)| own.iter().all(|(name, _)| name != usual));
        topics.extend(own);
        Self::compile(topics)
    }

    /// The name of topic `index`.
    #[must_use]
    pub fn name(&self, index: u16) -> Option<&str> {
        self.names.get(usize::from(index)).map(String::as_str)
    }

    /// The names of all topics in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// A topic named `-` holds terms that hide others and has no index.
    fn compile(topics: Vec<(String, Vec<String>)>) -> Result<Self, Vec<Violation>> {
        let (mut names, mut terms, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (name, list) in topics {
            let owner = if name == "-" {
                None
            } else {
                names.push(name);
                u16::try_from(names.len() - 1).ok()
            };
            for term in list {
                terms.push(fold::phrase(&term));
                owners.push(owner);
            }
        }
        let texts: Vec<&str> = terms.iter().map(String::as_str).collect();
        let trie = Trie::new(&texts).ok_or_else(|| vec![Violation::Compile])?;
        Ok(Self {
            names,
            trie: Some(trie),
            owners,
        })
    }

    /// Start, end and topic of each term in a folded text.
    pub(super) fn find<'a>(
        &'a self,
        folded: &'a str,
    ) -> impl Iterator<Item = (usize, usize, u16)> + 'a {
        let hits = self.trie.iter().flat_map(|trie| trie.longest(folded));
        hits.filter_map(|(term, start, end)| {
            let owner = self.owners.get(term).copied().flatten()?;
            let end = word(folded.as_bytes(), start, end)?;
            Some((start, end, owner))
        })
    }
}

/// Where the word or words `start..end` end, with a plural ending; `None` inside another word.
fn word(bytes: &[u8], start: usize, end: usize) -> Option<usize> {
    let first = *bytes.get(start)?;
    if start > 0 && joins(bytes[start - 1], first) {
        return None;
    }
    let last = *bytes.get(end.checked_sub(1)?)?;
    let stops = |at: usize| bytes.get(at).is_none_or(|&next| !joins(last, next));
    if stops(end) {
        return Some(end);
    }
    if bytes[end] == b's' && stops(end + 1) {
        return Some(end + 1);
    }
    (bytes[end..].starts_with(b"es") && stops(end + 2)).then_some(end + 2)
}

fn violations(topics: &[(String, Vec<String>)]) -> Vec<Violation> {
    let mut found = Vec::new();
    if topics.len() > Taxonomy::TOPICS_MAX {
        found.push(Violation::TooManyTopics {
            given: topics.len(),
        });
    }
    let too_long = |text: &str| text.chars().nth(Taxonomy::CHARACTERS_MAX).is_some();
    for (topic, (name, terms)) in topics.iter().enumerate() {
        if name.trim().is_empty() || name == "-" || too_long(name) {
            found.push(Violation::Name { topic });
        } else if topics[..topic].iter().any(|(earlier, _)| earlier == name) {
            found.push(Violation::RepeatedName { topic });
        }
        if terms.is_empty() {
            found.push(Violation::NoTerms { topic });
        }
        if terms.len() > Taxonomy::TERMS_MAX {
            found.push(Violation::TooManyTerms {
                topic,
                given: terms.len(),
            });
        }
        for (at, term) in terms.iter().enumerate() {
            if too_long(term) || !fold::phrase(term).chars().any(char::is_alphanumeric) {
                found.push(Violation::Term { topic, term: at });
            }
        }
    }
    found
}

/// Lines `topic<TAB>term|term`; a topic may have several lines.
fn standard_topics() -> Vec<(String, Vec<String>)> {
    let mut topics: Vec<(String, Vec<String>)> = Vec::new();
    for (name, terms) in STANDARD.lines().filter_map(|line| line.split_once('\t')) {
        let terms = terms.split('|').map(|term| term.trim().to_owned());
        match topics.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.extend(terms),
            None => topics.push((name.to_owned(), terms.collect())),
        }
    }
    topics
}
