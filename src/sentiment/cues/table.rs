//! The format of the phrase tables.
//!
//! A line is `left<TAB>right`; `#` begins a comment line.
//!
//! * `=name` defines a class: `right` is a list of phrases separated by `|`.
//! * `kind,kind` is a rule that finds these kinds.
//! * `!kind,kind` is a shield: what it covers is no finding of these kinds.
//! * `~kind,kind` is a veto: a sentence that holds it has no finding of these kinds.
//!
//! A rule is a list of alternatives separated by `|`. An alternative is a sequence of literal text,
//! `{class}` and `(a|b)`; `(a|)` may be missing; ` .. ` between two of them allows up to 48 bytes in
//! between and ` ... ` up to 120, otherwise they follow each other directly (a space at most). `*`
//! at the end of a phrase lets a word go on (`delay*`).
//!
//! What must stay true: every line is either taken as a whole or listed in [`Table::problems`]; the
//! tests hold the embedded tables to an empty list.

use std::collections::HashMap;

use super::fold;
use super::kind::{Kind, Kinds};

/// What a rule does where it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Reports the kinds.
    Find(Kinds),
    /// Hides findings of the kinds that it overlaps.
    Shield(Kinds),
    /// Hides findings of the kinds in the whole sentence.
    Veto(Kinds),
}

/// One member of a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    /// Index into [`Table::classes`].
    pub(super) class: usize,
    /// Most bytes between the member before and this one.
    pub(super) gap: usize,
}

/// A sequence of classes and its effect.
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) effect: Effect,
    /// At least one.
    pub(super) elements: Vec<Element>,
}

/// A phrase of a class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Phrase {
    /// Folded text, never empty.
    pub(super) text: String,
    /// Whether a word may go on behind the phrase.
    pub(super) open: bool,
    /// Whether it counts only where the text is in katakana.
    pub(super) katakana: bool,
}

/// Parsed tables of one language.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) classes: Vec<Vec<Phrase>>,
    pub(super) rules: Vec<Rule>,
    /// Lines that were left out, with the reason.
    pub(super) problems: Vec<String>,
    names: HashMap<String, usize>,
    /// Classes by their phrases, so that equal ones are one.
    known: HashMap<Vec<Phrase>, usize>,
}

/// Bytes that may lie between neighbours, at ` .. ` and at ` ... `.
pub(super) const DIRECT: usize = 1;
const NEAR: usize = 48;
const FAR: usize = 120;

impl Table {
    /// Reads several files as one; classes must be defined before they are used.
    pub(super) fn parse(files: &[&str]) -> Self {
        let mut table = Self::default();
        for line in files.iter().flat_map(|file| file.lines()) {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(problem) = table.line(line) {
                table.problems.push(format!("{problem}: {line}"));
            }
        }
        table
    }

    fn line(&mut self, line: &str) -> Result<(), &'static str> {
        let (left, right) = line.split_once('\t').ok_or("no tab")?;
        if let Some(name) = left.strip_prefix('=') {
            let class = self.class(right.split('|'))?;
            return match self.names.insert(name.to_owned(), class) {
                None => Ok(()),
                Some(_) => Err("class defined twice"),
            };
        }
        let effect = if let Some(kinds) = left.strip_prefix('!') {
            Effect::Shield(kinds_of(kinds)?)
        } else if let Some(kinds) = left.strip_prefix('~') {
            Effect::Veto(kinds_of(kinds)?)
        } else {
            Effect::Find(kinds_of(left)?)
        };
        self.alternatives(right, effect)
    }

    /// Plain alternatives become one class; the others a rule each.
    fn alternatives(&mut self, text: &str, effect: Effect) -> Result<(), &'static str> {
        let (plain, sequences): (Vec<&str>, Vec<&str>) =
            split_outside(text).into_iter().partition(|alternative| {
                !alternative.contains(['{', '(']) && !alternative.contains("..")
            });
        if !plain.is_empty() {
            let class = self.class(plain.into_iter())?;
            self.rules.push(Rule {
                effect,
                elements: vec![Element { class, gap: DIRECT }],
            });
        }
        for sequence in sequences {
            let mut partial = vec![Vec::new()];
            self.sequence(sequence, &mut partial)?;
            for elements in partial {
                if elements.is_empty() {
                    return Err("a sequence may be empty");
                }
                self.rules.push(Rule { effect, elements });
            }
        }
        Ok(())
    }

    /// Reads one sequence; an optional member doubles the sequences in `partial`.
    fn sequence(
        &mut self,
        mut rest: &str,
        partial: &mut Vec<Vec<Element>>,
    ) -> Result<(), &'static str> {
        let mut gap = DIRECT;
        while !rest.trim_start().is_empty() {
            rest = rest.trim_start();
            if let Some(behind) = rest.strip_prefix("...") {
                (gap, rest) = (FAR, behind);
                continue;
            }
            if let Some(behind) = rest.strip_prefix("..") {
                (gap, rest) = (NEAR, behind);
                continue;
            }
            let (class, optional, behind) = self.member(rest)?;
            rest = behind;
            let without = if optional {
                partial.clone()
            } else {
                Vec::new()
            };
            for elements in partial.iter_mut() {
                elements.push(Element { class, gap });
            }
            partial.extend(without);
            gap = DIRECT;
        }
        Ok(())
    }

    /// The class at the head of `rest`, whether it may be missing, and what follows it.
    fn member<'a>(&mut self, rest: &'a str) -> Result<(usize, bool, &'a str), &'static str> {
        if let Some(named) = rest.strip_prefix('{') {
            let (name, behind) = named.split_once('}').ok_or("unclosed brace")?;
            let class = *self.names.get(name).ok_or("unknown class")?;
            return Ok((class, false, behind));
        }
        if rest.starts_with('(') {
            let close = closing(rest).ok_or("unclosed parenthesis")?;
            let (list, behind) = (&rest[1..close], &rest[close + 1..]);
            let phrases: Vec<String> = split_outside(list).into_iter().flat_map(expand).collect();
            let optional = phrases.iter().any(|phrase| phrase.trim().is_empty());
            let phrases = phrases.iter().map(String::as_str);
            let class = self.class(phrases.filter(|phrase| !phrase.trim().is_empty()))?;
            return Ok((class, optional, behind));
        }
        let end = [rest.find('{'), rest.find('('), rest.find("..")]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(rest.len());
        let (literal, behind) = rest.split_at(end);
        Ok((self.class(std::iter::once(literal))?, false, behind))
    }

    fn class<'a>(&mut self, phrases: impl Iterator<Item = &'a str>) -> Result<usize, &'static str> {
        let mut members = Vec::new();
        for phrase in phrases {
            let phrase = phrase.trim();
            let open = phrase.ends_with('*');
            let phrase = phrase.trim_end_matches('*');
            let (text, katakana) = (fold::phrase(phrase), fold::is_short_katakana(phrase));
            if text.is_empty() || text.contains("..") {
                return Err("empty phrase or a gap inside one");
            }
            members.push(Phrase {
                text,
                open,
                katakana,
            });
        }
        if members.is_empty() {
            return Err("empty class");
        }
        members.sort_unstable();
        members.dedup();
        let next = self.classes.len();
        let class = *self.known.entry(members.clone()).or_insert(next);
        if class == next {
            self.classes.push(members);
        }
        Ok(class)
    }
}

fn kinds_of(names: &str) -> Result<Kinds, &'static str> {
    let mut kinds = Kinds::default();
    for name in names.split(',') {
        kinds.insert(Kind::from_name(name).ok_or("unknown kind")?);
    }
    Ok(kinds)
}

/// Where the parenthesis that `text` begins with closes.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => return false,
        }
        depth == 0
    })
}

/// All phrases that a phrase with parentheses in it stands for.
fn expand(phrase: &str) -> Vec<String> {
    let Some(open) = phrase.find('(') else {
        return vec![phrase.to_owned()];
    };
    let Some(close) = closing(&phrase[open..]) else {
        return vec![phrase.to_owned()];
    };
    let tails = expand(&phrase[open + close + 1..]);
    let inner = split_outside(&phrase[open + 1..open + close])
        .into_iter()
        .flat_map(expand);
    inner
        .flat_map(|middle| {
            let head = format!("{}{middle}", &phrase[..open]);
            tails
                .iter()
                .map(move |tail| format!("{head}{tail}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Splits at `|` outside parentheses.
fn split_outside(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut from) = (0_usize, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'|' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optional_member_gives_two_rules() {
        let table = Table::parse(&["=x\ta|b", "leaving\tgo (far|) {x} .. away"]);
        assert!(table.problems.is_empty(), "{:?}", table.problems);
        let lengths: Vec<usize> = table.rules.iter().map(|rule| rule.elements.len()).collect();
        assert_eq!(lengths, [4, 3]);
        assert_eq!(table.rules[0].elements[3].gap, NEAR);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_reported() {
        let table = Table::parse(&["leaving", "leaving\t{nobody}", "happy\tx", "leaving\t(a"]);
        assert_eq!(table.problems.len(), 4);
        assert!(table.rules.is_empty());
    }
}
