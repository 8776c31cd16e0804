//! What conditions, wishes, requests and accusing questions do to the words of their clause.

use super::item::{Item, Role};
use super::reading::Reader;
use super::scan::Token;

/// How far 場合 reaches back, in bytes.
const FAR: usize = 75;

impl Reader<'_> {
    pub(super) fn scale_good(&mut self, factor: f32) {
        self.scale(factor, |item| item.valence > 0.0 && item.role == Role::Word);
    }

    /// Multiplies the words of the clause that `which` picks.
    pub(super) fn scale(&mut self, factor: f32, which: impl Fn(&Item) -> bool) {
        let clause = self.reading.clause;
        let items = self.reading.items.iter_mut().rev();
        for item in items.take_while(|item| item.clause == clause) {
            if which(item) {
                item.valence *= factor;
            }
        }
    }

    pub(super) fn suppose(&mut self, token: Token<'_>) {
        let clause = self.reading.clause;
        if let Some(item) = self.reading.items.last_mut() {
            let reach = if token.entry.value < 0.2 {
                FAR
            } else {
                "しくなけれ".len()
            };
            let near = item.stem_end + reach >= token.start;
            if item.clause == clause && item.role == Role::Word && near {
                item.valence *= 0.2;
            }
        }
        self.close();
    }

    pub(super) fn wish(&mut self, token: Token<'_>) {
        self.scale_good(-0.1);
        let glad = self
            .reading
            .items
            .last()
            .is_some_and(|item| item.role != Role::Word && item.valence > 1.0);
        if glad {
            return;
        }
        let clause = self.reading.clause;
        let reproach = self.expecting.prompt
            || self
                .reading
                .items
                .iter()
                .any(|item| item.clause == clause && item.valence < -0.3);
        let value = token.entry.value;
        let value = if reproach && value > -1.0 && value < -0.1 {
            value - 0.8
        } else {
            value
        };
        self.push(token, value).role = Role::Fixed;
    }

    pub(super) fn ask(&mut self) {
        self.scale_good(0.05);
        self.expecting.prompt = false;
    }

    pub(super) fn accuse(&mut self, token: Token<'_>) {
        self.scale_good(-0.6);
        self.push(token, token.entry.value).role = Role::Rhetoric;
    }
}
