//! A line of a screen: pieces of text, each in a tone. Every piece is made visible when it is added, so that no text of a
//! customer can reach a terminal raw.

use super::text;

/// How a piece of text is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// What the eye should find first.
    Strong,
    /// What may be overlooked.
    Faint,
    /// Allowed, done.
    Good,
    /// Forbidden.
    Bad,
    /// Someone has to act.
    Notice,
}

impl Tone {
    /// The parameters of the escape sequence that switches it on.
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Bad => Some("1;31"),
            Self::Notice => Some("1;33"),
        }
    }
}

/// Pieces of text, side by side.
#[derive(Clone, Default)]
pub(crate) struct Line {
    pieces: Vec<(Tone, String)>,
}

impl Line {
    /// A line of one plain text.
    pub(crate) fn of(text: &str) -> Self {
        Self::default().plain(text)
    }

    /// The line with a plain text after it.
    #[must_use]
    pub(crate) fn plain(self, text: &str) -> Self {
        self.with(Tone::Plain, text)
    }

    /// The line with a text after it.
    #[must_use]
    pub(crate) fn with(mut self, tone: Tone, text: &str) -> Self {
        if !text.is_empty() {
            self.pieces.push((tone, text::visible(text).into_owned()));
        }
        self
    }

    /// The line with another one after it.
    #[must_use]
    pub(crate) fn then(mut self, other: Self) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// How many columns it takes.
    pub(crate) fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text::width(text)).sum()
    }

    /// The line with blanks after it up to a column.
    #[must_use]
    pub(crate) fn padded(self, columns: usize) -> Self {
        let blanks = columns.saturating_sub(self.width());
        self.plain(&" ".repeat(blanks))
    }

    /// The line with blanks before it up to a column.
    #[must_use]
    pub(crate) fn right(self, columns: usize) -> Self {
        let blanks = columns.saturating_sub(self.width());
        Self::of(&" ".repeat(blanks)).then(self)
    }

    /// At most so many columns of it.
    #[must_use]
    pub(crate) fn cut(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mut left = columns;
        let mut cut = Self::default();
        for (tone, text) in self.pieces {
            let taken = text::width(&text);
            // The last column is for the ellipsis: something follows, or this piece is too long.
            if taken >= left {
                let marked = format!("{text} ");
                let kept = text::cut(&marked, left);
                cut.pieces.push((tone, kept.into_owned()));
                break;
            }
            left -= taken;
            cut.pieces.push((tone, text));
        }
        cut
    }

    /// As written to a terminal or a file, without blanks at its end.
    pub(crate) fn render(&self, colour: bool) -> String {
        let mut out = String::new();
        let last = self
            .pieces
            .iter()
            .rposition(|(_, t)| !t.trim_end().is_empty());
        let shown = last.map_or(0, |last| last + 1);
        for (n, (tone, text)) in self.pieces[..shown].iter().enumerate() {
            let text = if n + 1 == shown {
                text.trim_end()
            } else {
                text
            };
            match tone.code().filter(|_| colour) {
                Some(code) => out.extend(["\u{1b}[", code, "m", text, "\u{1b}[0m"]),
                None => out.push_str(text),
            }
        }
        out
    }
}

/// Items side by side with a separator between them, in as many lines as they need.
pub(crate) fn flow(items: Vec<Line>, separator: &str, columns: usize) -> Vec<Line> {
    let gap = text::width(separator);
    let mut lines: Vec<Line> = Vec::new();
    for item in items {
        let item = item.cut(columns);
        match lines.last_mut() {
            Some(line) if line.width() + gap + item.width() <= columns => {
                *line = std::mem::take(line).plain(separator).then(item);
            }
            _ => lines.push(item),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_around_the_text_and_only_where_they_are_wanted() {
        let line = Line::of("a ")
            .with(Tone::Bad, "denied\u{1b}[0m")
            .plain("  ");
        assert_eq!(line.render(false), "a denied␛[0m");
        assert_eq!(line.render(true), "a \u{1b}[1;31mdenied␛[0m\u{1b}[0m");
    }

    #[test]
    fn a_line_is_cut_across_its_pieces() {
        let line = || Line::of("山田").with(Tone::Strong, "花子").plain("!");
        assert_eq!(line().cut(9).render(false), "山田花子!");
        assert_eq!(line().cut(8).render(false), "山田花…");
        assert_eq!(line().cut(5).render(false), "山田…");
        assert_eq!(line().cut(4).render(false), "山…");
    }

    #[test]
    fn items_flow_over_lines() {
        let items = ["one", "two", "three"].map(Line::of).to_vec();
        let lines: Vec<_> = flow(items, " · ", 10)
            .iter()
            .map(|l| l.render(false))
            .collect();
        assert_eq!(lines, ["one · two", "three"]);
    }
}
