//! What negations of all sorts do to the words before them.
//!
//! What must stay true: a negation turns only the nearest word before it within its clause, and a
//! second one turns it again only where nothing but grammar lies between (美味しくないわけではない);
//! only an item of [`Role::Word`] is ever turned.

use super::elongation::is_hiragana;
use super::item::{Item, Role};
use super::reading::Reader;
use super::scan::Token;

/// A negation further behind than this many bytes belongs to something else.
const REACH: usize = 75;

impl Reader<'_> {
    /// 解消, 消え: turns the bad before it.
    pub(super) fn cure(&mut self, token: Token<'_>) {
        let cured = self.nearest(token.start).filter(|item| {
            item.valence < 0.0 && item.negations == 0 && item.stem_end < token.start
        });
        let value = if let Some(item) = cured {
            item.valence *= -0.6;
            item.end = token.end;
            token.entry.value
        } else {
            token.entry.alone
        };
        self.push(token, value).negated = token.entry.negated;
    }

    pub(super) fn vanish(&mut self, token: Token<'_>) {
        let before = self.text[..token.start].chars().next_back();
        let verb = before.is_some_and(|c| is_hiragana(c) && !['が', 'は', 'も', 'の'].contains(&c));
        if verb {
            self.negate(token, false);
        } else if let Some(item) = self.nearest(token.start) {
            item.valence = if item.valence == 0.0 {
                item.negated
            } else {
                item.valence * -0.6
            };
            item.negations += 1;
            item.end = token.end;
        }
    }

    /// The last word of the clause that a negation at `at` may turn.
    pub(super) fn nearest(&mut self, at: usize) -> Option<&mut Item> {
        let clause = self.reading.clause;
        self.reading
            .items
            .iter_mut()
            .rev()
            .find(|item| item.role != Role::Laugh)
            .filter(|item| {
                item.clause == clause && item.role == Role::Word && item.stem_end + REACH >= at
            })
    }

    pub(super) fn negate(&mut self, token: Token<'_>, weak: bool) {
        let text = self.text;
        let (only, peak) = (self.expecting.only, self.expecting.peak);
        let slight = self.expecting.slight;
        self.expecting.only = false;
        let unwanted = token.entry.value < 0.0;
        if unwanted
            && self
                .nearest(token.start)
                .is_none_or(|item| item.valence >= 0.0)
        {
            self.push(token, token.entry.value).role = Role::Fixed;
            return;
        }
        let Some(item) = self.nearest(token.start) else {
            return;
        };
        let gap = text
            .get(item.end.min(token.start)..token.start)
            .unwrap_or_default();
        let direct = ["く", "で", "じゃ", "し", "と"].iter().any(|tail| {
            text.get(item.stem_end..)
                .is_some_and(|rest| rest.starts_with(tail))
        });
        let unequalled = peak && item.negated == 0.0 && (!direct || item.negations > 0);
        if only || unequalled {
            item.valence *= 1.2;
            return;
        }
        if item.negations > 0
            && !gap.chars().all(|c| {
                is_hiragana(c)
                    || [
                        '言', '思', '限', '訳', '事', '理', '由', '人', '手', '者', '方', '日',
                        '選', '択', '肢', '気',
                    ]
                    .contains(&c)
            })
        {
            return;
        }
        let needed = item.needed;
        item.turn(weak, slight.unwrap_or(item.slight));
        item.end = token.end;
        if needed {
            self.miss();
        } else {
            self.turn_listed(weak);
        }
        if text[..token.end].ends_with("なければ") {
            self.suppose(token);
        }
    }

    /// The good that was meant to come by what did not happen (快適に過ごせない), or did after all
    /// (快適に過ごせないことはない).
    pub(super) fn miss(&mut self) {
        let Some((last, before)) = self.reading.items.split_last_mut() else {
            return;
        };
        let happened = last.negations > 1;
        let same = before
            .iter_mut()
            .rev()
            .take_while(|item| item.clause == last.clause);
        for item in same.filter(|item| item.role == Role::Word && item.negations == 0) {
            if happened && item.missed {
                item.valence *= -1.0;
                item.missed = false;
            } else if !happened && item.valence > 0.0 && last.valence < 0.0 {
                item.valence *= -0.6;
                item.missed = true;
            }
        }
    }

    /// 不満も不安もない: what is listed with the turned word is turned as well.
    pub(super) fn turn_listed(&mut self, weak: bool) {
        let items = &mut self.reading.items;
        for last in (1..items.len()).rev() {
            let (before, after) = items.split_at_mut(last);
            let Some(item) = before.last_mut() else {
                return;
            };
            let between = self
                .text
                .get(item.stem_end..after[0].start)
                .unwrap_or_default();
            let listed = matches!(
                between,
                "も" | "くも" | "や" | "と" | "、" | "・" | "とか" | "など、" | "も、"
            );
            if !listed || item.negations > 0 || item.role != Role::Word || after[0].negations != 1 {
                return;
            }
            item.turn(weak, 1.0);
        }
    }

    pub(super) fn confirm(&mut self, token: Token<'_>) {
        if let Some(item) = self.nearest(token.start) {
            item.confirmed = true;
        }
    }

    pub(super) fn forbid(&mut self, token: Token<'_>) {
        let Some(item) = self.nearest(token.start) else {
            return;
        };
        if item.valence > 0.0 {
            item.valence = 0.0;
        }
        self.push(token, token.entry.value).role = Role::Fixed;
    }

    pub(super) fn unwilling(&mut self, token: Token<'_>) {
        let adjacent = self
            .nearest(token.start)
            .filter(|item| item.stem_end + "して".len() >= token.start && item.valence != 0.0);
        if let Some(item) = adjacent {
            item.valence = if item.valence > 0.0 {
                item.valence * -0.8
            } else {
                0.0
            };
            item.end = token.end;
            item.negations = 1;
        } else {
            self.push(token, token.entry.value).role = Role::Fixed;
        }
    }
}
