//! From text to a tree.
//!
//! What must stay true: nothing here recurses, and memory is bounded by the text: depth and nodes are counted while events
//! arrive, and nothing is said once and used twice.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

use super::super::{
    limits::{MAX_SLUG_BYTES, MAX_YAML_DEPTH, MAX_YAML_KEYS, MAX_YAML_NODES},
    node::{Node, Pair},
    violation::{
        Findings, Path,
        reason::{
            DUPLICATE_NAME, MALFORMED, NOT_ALLOWED_HERE, REQUIRED, TOO_DEEP, TOO_LONG, TOO_MANY,
        },
    },
};

/// A list or map that is not finished.
#[derive(Debug)]
enum Open {
    List {
        line: u32,
        items: Vec<Node>,
    },
    Map {
        line: u32,
        entries: Vec<Pair>,
        /// The key whose value comes next.
        key: Option<(String, u32)>,
    },
}

struct Reader<'f> {
    open: Vec<Open>,
    nodes: usize,
    root: Option<Node>,
    base: Path<'f>,
    found: &'f mut Findings,
}

/// The tree of a text. `None` when it is no tree; what is wrong is added to `found`, below the path `base`.
pub(in super::super) fn read(text: &str, base: Path<'_>, found: &mut Findings) -> Option<Node> {
    let before = found.len();
    let mut reader = Reader {
        open: Vec::new(),
        nodes: 0,
        root: None,
        base,
        found,
    };
    let mut parser: Parser<'_, StrInput<'_>> = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let line = number(error.marker().line());
                reader.wrong(line, MALFORMED, "is no YAML here");
                return None;
            }
        };
        reader.take(event, span)?;
    }
    let root = reader.root;
    if root.is_none() && found.len() == before {
        found.add_at(base, 1, REQUIRED, "is empty");
    }
    root
}

impl Reader<'_> {
    /// Takes one event; `None` when there is no point in going on.
    fn take(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let line = number(span.start.line());
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(_) => {
                if self.root.is_some() {
                    self.wrong(line, NOT_ALLOWED_HERE, "only one document in a text");
                    return None;
                }
            }
            Event::Alias(_) => {
                self.wrong(line, NOT_ALLOWED_HERE, "aliases are not allowed");
                self.value(nothing(line), line)?;
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plainly(line, anchor, tag.is_some());
                self.scalar(text.into_owned(), line, style == ScalarStyle::Plain)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.plainly(line, anchor, tag.is_some());
                let items = Vec::new();
                self.begin(line, Open::List { line, items })?;
            }
            Event::MappingStart(anchor, tag) => {
                self.plainly(line, anchor, tag.is_some());
                let entries = Vec::new();
                let key = None;
                self.begin(line, Open::Map { line, entries, key })?;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let node = match self.open.pop()? {
                    Open::List { line, items } => Node::List { line, items },
                    Open::Map { line, entries, .. } => Node::Map { line, entries },
                };
                self.value(node, line)?;
            }
        }
        Some(())
    }

    fn plainly(&mut self, line: u32, anchor: usize, tagged: bool) {
        if anchor != 0 {
            self.wrong(line, NOT_ALLOWED_HERE, "anchors are not allowed");
        }
        if tagged {
            self.wrong(line, NOT_ALLOWED_HERE, "tags are not allowed");
        }
    }

    fn begin(&mut self, line: u32, open: Open) -> Option<()> {
        if let Some(Open::Map { key: None, .. }) = self.open.last() {
            self.wrong(line, MALFORMED, "a key is a text");
            return None;
        }
        if self.open.len() >= MAX_YAML_DEPTH {
            let most = format!("at most {MAX_YAML_DEPTH} levels");
            self.wrong(line, TOO_DEEP, most);
            return None;
        }
        self.open.push(open);
        Some(())
    }

    /// A text: a key where one is due, else a value.
    fn scalar(&mut self, text: String, line: u32, plain: bool) -> Option<()> {
        if let Some(Open::Map {
            key: due @ None, ..
        }) = self.open.last_mut()
        {
            if text.len() <= MAX_SLUG_BYTES {
                *due = Some((text, line));
                return Some(());
            }
            let most = format!("a key has at most {MAX_SLUG_BYTES} bytes");
            self.wrong(line, TOO_LONG, most);
            return None;
        }
        self.value(Node::Scalar { line, text, plain }, line)
    }

    fn value(&mut self, node: Node, line: u32) -> Option<()> {
        self.nodes += 1;
        if self.nodes > MAX_YAML_NODES {
            let most = format!("at most {MAX_YAML_NODES} values");
            self.wrong(line, TOO_MANY, most);
            return None;
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => {
                let Some((key, line)) = key.take() else {
                    self.wrong(line, MALFORMED, "a key is a text");
                    return None;
                };
                if entries.len() >= MAX_YAML_KEYS {
                    let most = format!("at most {MAX_YAML_KEYS} keys");
                    self.wrong(line, TOO_MANY, most);
                    return None;
                }
                if entries.iter().any(|pair| pair.key == key) {
                    self.wrong_at_key(&key, line);
                } else {
                    entries.push(Pair {
                        key,
                        line,
                        value: node,
                    });
                }
            }
        }
        Some(())
    }

    fn wrong_at_key(&mut self, key: &str, line: u32) {
        with_path(self.base, &self.open, &mut |path| {
            self.found
                .add_at(path.key(key), line, DUPLICATE_NAME, "is said twice");
        });
    }

    fn wrong(
        &mut self,
        line: u32,
        reason: &'static str,
        text: impl Into<std::borrow::Cow<'static, str>>,
    ) {
        let text = text.into();
        with_path(self.base, &self.open, &mut |path| {
            self.found.add_at(path, line, reason, text.clone());
        });
    }
}

/// Hands the path of what is being read to `then`; the depth of `open` is bounded.
fn with_path(base: Path<'_>, open: &[Open], then: &mut dyn FnMut(Path<'_>)) {
    match open.split_first() {
        Some((Open::List { items, .. }, rest)) => with_path(base.item(items.len()), rest, then),
        Some((
            Open::Map {
                key: Some((key, _)),
                ..
            },
            rest,
        )) => {
            with_path(base.key(key), rest, then);
        }
        None | Some((Open::Map { key: None, .. }, _)) => then(base),
    }
}

fn nothing(line: u32) -> Node {
    Node::Scalar {
        line,
        text: String::new(),
        plain: true,
    }
}

fn number(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
