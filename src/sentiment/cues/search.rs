//! The search for the rules of a table in one sentence; see [`super::matcher`].
//!
//! Positions are characters of the folded sentence, gaps count its bytes.

use super::fold::Folded;
use super::kind::Kinds;
use super::matcher::{Match, Matcher, Member, Rule, Tries, joins};
use super::table::Effect;
use super::trie::{Letter, Mask, Trie};

/// A sentence and its characters.
struct Sentence<'a> {
    folded: &'a Folded<'a>,
    bytes: &'a [u8],
    letters: Vec<Letter>,
    /// How phrases in the sentence can begin.
    holds: Mask,
}

/// Adds to `found` all findings in `folded` that no shield and no veto hides.
pub(super) fn run(matcher: &Matcher, tries: &Tries, folded: &Folded<'_>, found: &mut Vec<Match>) {
    let sentence = Sentence::new(folded, &tries.forward);
    let mut search = Search {
        matcher,
        tries,
        sentence: &sentence,
        begin: found.len(),
        found,
        shields: Vec::new(),
        vetoed: Kinds::default(),
    };
    search.run();
    search.hide();
}

/// The search in one sentence.
struct Search<'a> {
    matcher: &'a Matcher,
    tries: &'a Tries,
    sentence: &'a Sentence<'a>,
    found: &'a mut Vec<Match>,
    /// How many matches `found` held before.
    begin: usize,
    shields: Vec<Match>,
    vetoed: Kinds,
}

impl Search<'_> {
    /// Tries every rule where its anchor occurs.
    fn run(&mut self) {
        let (matcher, tries, sentence) = (self.matcher, self.tries, self.sentence);
        for (start, letter) in sentence.letters.iter().enumerate() {
            if !letter.begins || !tries.anchors.may_begin(letter) {
                continue;
            }
            for (anchor, length) in tries.anchors.walk(sentence.letters[start..].iter()) {
                let end = start + length;
                let (left, right) = sentence.beside(start, end);
                for attempt in matcher.attempts(anchor) {
                    if attempt.left & left == 0 || attempt.right & right == 0 {
                        continue;
                    }
                    let need = &matcher.classes[attempt.need as usize].first;
                    if need.meets(&sentence.holds) && sentence.counts(attempt.member, start, end) {
                        self.attempt(&matcher.rules[attempt.rule as usize], start, end);
                    }
                }
            }
        }
    }

    /// Tries a rule whose anchor lies at the letters `start..end`.
    fn attempt(&mut self, rule: &Rule, start: usize, end: usize) {
        let Some(end) = self.after(rule, rule.anchor as usize + 1, end) else {
            return;
        };
        let Some(start) = self.before(rule, rule.anchor as usize, start) else {
            return;
        };
        let letters = &self.sentence.letters;
        let (start, end) = (letters[start].at as usize, letters[end].at as usize);
        match rule.effect {
            Effect::Find(kinds) => self.found.push(Match { kinds, start, end }),
            Effect::Shield(kinds) => self.shields.push(Match { kinds, start, end }),
            Effect::Veto(kinds) => self.vetoed.merge(kinds),
        }
    }

    /// Where the members of `rule` from `at` on end, when the one before ended at `from`.
    fn after(&self, rule: &Rule, at: usize, from: usize) -> Option<usize> {
        if at >= rule.end as usize {
            return Some(from);
        }
        let element = self.matcher.elements[at];
        let class = &self.matcher.classes[element.class];
        let letters = &self.sentence.letters;
        let last = letters[from].at as usize + element.gap;
        let near = (from..).zip(&letters[from..]);
        near.take_while(|(_, letter)| letter.at as usize <= last)
            .filter(|(_, letter)| letter.begins && letter.fits(&class.first))
            .find_map(|(start, _)| {
                let mut hits = self.tries.forward.walk(letters[start..].iter());
                self.longest(rule, at, start, &mut hits)
            })
    }

    /// Like [`Search::after`] for a member `at` that starts at `start` and is one of `hits`, which
    /// come the shortest first and are tried the longest first.
    fn longest(
        &self,
        rule: &Rule,
        at: usize,
        start: usize,
        hits: &mut impl Iterator<Item = (usize, usize)>,
    ) -> Option<usize> {
        let class = self.matcher.elements[at].class;
        let (_, length) =
            hits.find(|&(phrase, length)| self.belongs(phrase, class, start, start + length))?;
        self.longest(rule, at, start, hits)
            .or_else(|| self.after(rule, at + 1, start + length))
    }

    /// Where the members of `rule` before `at` start, when member `at` starts at `to`.
    fn before(&self, rule: &Rule, at: usize, to: usize) -> Option<usize> {
        if at <= rule.first as usize {
            return Some(to);
        }
        let (gap, class) = (
            self.matcher.elements[at].gap,
            self.matcher.elements[at - 1].class,
        );
        let last = &self.matcher.classes[class].last;
        let letters = &self.sentence.letters;
        let first = (letters[to].at as usize).saturating_sub(gap);
        let near = (1..=to)
            .rev()
            .take_while(|&end| letters[end].at as usize >= first);
        let mut ends = near.filter(|&end| {
            let two = end.checked_sub(2).map(|at| &letters[at]);
            letters[end - 1].closes(two, last) && self.tries.backward.may_end(&letters[..end])
        });
        ends.find_map(|end| {
            let hits = self.tries.backward.walk(letters[..end].iter().rev());
            let mut hits = hits.map(|(phrase, length)| (phrase, end - length));
            hits.find_map(|(phrase, start)| {
                if letters[start].begins && self.belongs(phrase, class, start, end) {
                    self.before(rule, at - 1, start)
                } else {
                    None
                }
            })
        })
    }

    /// Whether `phrase` at the letters `start..end` counts as one of `class`.
    fn belongs(&self, phrase: usize, class: usize, start: usize, end: usize) -> bool {
        if !self.matcher.may_belong(phrase, class) {
            return false;
        }
        let members = self.matcher.members(phrase);
        let from = members.partition_point(|member| (member.class as usize) < class);
        members[from..]
            .iter()
            .take_while(|member| member.class as usize == class)
            .any(|&member| self.sentence.counts(member, start, end))
    }

    /// Takes away what a shield or a veto hides.
    fn hide(&mut self) {
        let mut kept = self.begin;
        for at in self.begin..self.found.len() {
            let mut one = self.found[at];
            one.kinds = one.kinds.without(self.vetoed);
            for shield in &self.shields {
                if shield.start < one.end && one.start < shield.end {
                    one.kinds = one.kinds.without(shield.kinds);
                }
            }
            if !one.kinds.is_empty() {
                self.found[kept] = one;
                kept += 1;
            }
        }
        self.found.truncate(kept);
    }
}

impl<'a> Sentence<'a> {
    fn new(folded: &'a Folded<'a>, trie: &Trie) -> Self {
        let bytes = folded.text.as_bytes();
        let mut letters = trie.letters(&folded.text);
        let mut holds = Mask::default();
        let mut before = b' ';
        for letter in &mut letters {
            let at = letter.at as usize;
            letter.begins =
                bytes.get(at).is_some_and(|&byte| !joins(before, byte)) && trie.may_begin(letter);
            before = bytes.get(at).copied().unwrap_or(b' ');
            if letter.begins {
                letter.add_to(&mut holds);
            }
        }
        Self {
            folded,
            bytes,
            letters,
            holds,
        }
    }

    /// How a phrase may end directly before `start` and begin directly behind `end`, modulo 64;
    /// never nothing.
    fn beside(&self, start: usize, end: usize) -> (u64, u64) {
        let letters = &self.letters;
        let (mut left, mut right) = (1, letters[end].beginnings());
        let two = |at: usize| at.checked_sub(2).map(|at| &letters[at]);
        if let Some(last) = start.checked_sub(1) {
            left |= letters[last].endings(two(start));
            if last > 0 && letters[start].at - letters[last].at == 1 {
                left |= letters[last - 1].endings(two(last));
            }
        }
        if let Some(next) = letters.get(end + 1)
            && next.at - letters[end].at == 1
        {
            right |= next.beginnings();
        }
        (left, right)
    }

    /// Whether a phrase at the letters `start..end` counts as `member`.
    fn counts(&self, member: Member, start: usize, end: usize) -> bool {
        let end = self.letters[end].at as usize;
        (member.open
            || (self.bytes.get(end)).is_none_or(|&behind| !joins(self.bytes[end - 1], behind)))
            && (!member.katakana || self.folded.is_katakana(self.letters[start].at as usize))
    }
}
