//! Finds the rules of a table in a folded sentence.
//!
//! A rule is tried only where its rarest class, its anchor, occurs, and from there to both sides.
//! The phrases of all anchors lie in one trie that is walked from each character where a word may
//! begin; those of all classes lie in a second one for the members to the right and, written
//! backwards, in a third one for those to the left, which are walked only where the first or last
//! two characters fit the class. What must stay true: a rule looks no further than its gaps reach,
//! so the work grows with the sentence, not with its square; to the right the nearest and then the
//! longest member comes first, to the left the nearest and then the shortest.

use std::collections::HashMap;

use super::fold::Folded;
use super::kind::Kinds;
use super::search;
use super::table::{DIRECT, Effect, Element, Phrase, Table};
use super::trie::{Mask, Trie};

/// A match of a rule in the folded sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Match {
    pub(super) kinds: Kinds,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Compiled tables of one language.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Absent when the phrases could not be compiled.
    pub(super) tries: Option<Tries>,
    /// For each phrase where its members begin; those of the next phrase begin where they end.
    pub(super) entries: Vec<u32>,
    /// The classes of all phrases, by phrase and class.
    pub(super) members: Vec<Member>,
    /// A bit for each sum of a phrase and a class it belongs to.
    pub(super) sums: Vec<u64>,
    pub(super) classes: Vec<Class>,
    pub(super) rules: Vec<Rule>,
    /// The elements of all rules, by rule.
    pub(super) elements: Vec<Element>,
    /// The rules to try where an anchor occurs, by phrase of [`Tries::anchors`].
    pub(super) attempts: Vec<Attempt>,
    /// For each such phrase where its attempts begin; those of the next begin where they end.
    pub(super) begins: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Tries {
    pub(super) forward: Trie,
    pub(super) backward: Trie,
    pub(super) anchors: Trie,
}

/// A phrase as member of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) class: u32,
    pub(super) open: bool,
    pub(super) katakana: bool,
}

/// A rule to try where its anchor occurs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    pub(super) rule: u32,
    /// The second rarest class of the rule; that of the anchor when there is no other.
    pub(super) need: u32,
    /// The anchor.
    pub(super) member: Member,
    /// How the member before the anchor can end, modulo 64; everything unless it lies directly
    /// before it.
    pub(super) left: u64,
    /// How the member behind the anchor can begin, likewise.
    pub(super) right: u64,
}

/// How the phrases of a class begin and end.
#[derive(Debug, Default, Clone)]
pub(super) struct Class {
    pub(super) first: Mask,
    pub(super) last: Mask,
}

/// A rule, its elements in the list of the [`Matcher`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) effect: Effect,
    pub(super) first: u32,
    pub(super) anchor: u32,
    /// The element after the last.
    pub(super) end: u32,
}

impl Matcher {
    /// Compiles `table`.
    pub(super) fn new(table: &Table) -> Self {
        let mut index: HashMap<&str, usize> = HashMap::new();
        let mut phrases: Vec<&str> = Vec::new();
        let mut classes_of: Vec<Vec<Member>> = Vec::new();
        for (class, list) in (0_u32..).zip(&table.classes) {
            for phrase in list {
                let at = *index.entry(&phrase.text).or_insert_with(|| {
                    phrases.push(&phrase.text);
                    classes_of.push(Vec::new());
                    phrases.len() - 1
                });
                classes_of[at].push(Member {
                    class,
                    open: phrase.open,
                    katakana: phrase.katakana,
                });
            }
        }
        let mut matcher = Self {
            tries: None,
            entries: vec![0],
            members: Vec::new(),
            sums: vec![0; 1 << 12],
            classes: vec![Class::default(); table.classes.len()],
            rules: Vec::with_capacity(table.rules.len()),
            elements: Vec::new(),
            attempts: Vec::new(),
            begins: vec![0],
        };
        let anchored = matcher.take_rules(table);
        let mut anchors = Vec::new();
        for (members, phrase) in classes_of.iter().zip(&phrases) {
            for member in members {
                let (at, bit) = sum(matcher.entries.len() - 1, member.class as usize);
                matcher.sums[at] |= bit;
            }
            matcher.members.extend(members);
            matcher.entries.push(narrow(matcher.members.len()));
            let begin = matcher.attempts.len();
            for &member in members {
                let rules = anchored[member.class as usize].iter();
                let attempts = rules.map(|&(rule, need)| Attempt {
                    rule,
                    need,
                    member,
                    left: u64::MAX,
                    right: u64::MAX,
                });
                matcher.attempts.extend(attempts);
            }
            if begin < matcher.attempts.len() {
                anchors.push(*phrase);
                matcher.begins.push(narrow(matcher.attempts.len()));
            }
        }
        matcher.tries = Tries::new(&phrases, &anchors);
        if let Some(tries) = &matcher.tries {
            for (class, phrases) in matcher.classes.iter_mut().zip(&table.classes) {
                for phrase in phrases {
                    tries
                        .forward
                        .mark(&phrase.text, &mut class.first, &mut class.last);
                }
            }
        }
        matcher.look_beside();
        matcher
    }

    /// Fills [`Attempt::left`] and [`Attempt::right`].
    fn look_beside(&mut self) {
        for attempt in &mut self.attempts {
            let rule = self.rules[attempt.rule as usize];
            let elements = &self.elements[rule.first as usize..rule.end as usize];
            let anchor = (rule.anchor - rule.first) as usize;
            if anchor > 0 && elements[anchor].gap == DIRECT {
                attempt.left = self.classes[elements[anchor - 1].class].last.coarse();
            }
            if let Some(next) = elements.get(anchor + 1)
                && next.gap == DIRECT
            {
                attempt.right = self.classes[next.class].first.coarse();
            }
        }
    }

    /// Takes over the rules; answers for each class those it is the anchor of, each with the second
    /// rarest class.
    fn take_rules(&mut self, table: &Table) -> Vec<Vec<(u32, u32)>> {
        let often: Vec<f64> = table
            .classes
            .iter()
            .map(|class| class_often(class))
            .collect();
        let mut anchored = vec![Vec::new(); table.classes.len()];
        for rule in &table.rules {
            let first = self.elements.len();
            let mut order: Vec<usize> = (0..rule.elements.len()).collect();
            let class = |at: &usize| rule.elements[*at].class;
            order.sort_by(|one, other| often[class(one)].total_cmp(&often[class(other)]));
            let Some(anchor) = order.first() else {
                continue;
            };
            let need = class(order.get(1).unwrap_or(anchor));
            anchored[class(anchor)].push((narrow(self.rules.len()), narrow(need)));
            self.elements.extend(&rule.elements);
            self.rules.push(Rule {
                effect: rule.effect,
                first: narrow(first),
                anchor: narrow(first + anchor),
                end: narrow(self.elements.len()),
            });
        }
        anchored
    }

    /// Whether the phrases could be compiled.
    #[cfg(test)]
    pub(super) fn is_compiled(&self) -> bool {
        self.tries.is_some()
    }

    /// Adds to `found` all findings in `folded` that no shield and no veto hides.
    pub(super) fn find(&self, folded: &Folded<'_>, found: &mut Vec<Match>) {
        let Some(tries) = &self.tries else {
            return;
        };
        search::run(self, tries, folded, found);
    }

    /// Whether `phrase` may belong to `class`.
    pub(super) fn may_belong(&self, phrase: usize, class: usize) -> bool {
        let (at, bit) = sum(phrase, class);
        self.sums[at] & bit != 0
    }

    /// The attempts where the anchor `phrase` occurs.
    pub(super) fn attempts(&self, phrase: usize) -> &[Attempt] {
        &self.attempts[self.begins[phrase] as usize..self.begins[phrase + 1] as usize]
    }

    /// The classes that `phrase` belongs to, by class.
    pub(super) fn members(&self, phrase: usize) -> &[Member] {
        &self.members[self.entries[phrase] as usize..self.entries[phrase + 1] as usize]
    }
}

impl Tries {
    fn new(phrases: &[&str], anchors: &[&str]) -> Option<Self> {
        let backward: Vec<String> = (phrases.iter())
            .map(|phrase| phrase.chars().rev().collect())
            .collect();
        let backward: Vec<&str> = backward.iter().map(String::as_str).collect();
        let forward = Trie::new(phrases)?;
        Some(Self {
            backward: forward.sibling(&backward)?,
            anchors: forward.sibling(anchors)?,
            forward,
        })
    }
}

fn class_often(class: &[Phrase]) -> f64 {
    class.iter().map(|phrase| often(&phrase.text)).sum()
}

/// A rough guess of how often a phrase occurs, from the kinds of its characters.
fn often(phrase: &str) -> f64 {
    let one = |character: char| match character {
        'a'..='z' => 0.25,
        'ぁ'..='ん' => 0.05,
        ' ' => 0.5,
        _ if character.is_ascii() => 0.1,
        _ => 0.005,
    };
    phrase.chars().map(one).product()
}

/// Whether two neighbouring bytes belong to one word of Latin letters or digits.
pub(super) fn joins(before: u8, after: u8) -> bool {
    before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric()
}

/// Word and bit of a phrase and a class in [`Matcher::sums`].
fn sum(phrase: usize, class: usize) -> (usize, u64) {
    let sum = phrase.wrapping_mul(0x9e37_79b1) ^ class.wrapping_mul(0x85eb_ca6b);
    (sum >> 16 & 0xfff, 1 << (sum >> 10 & 63))
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
