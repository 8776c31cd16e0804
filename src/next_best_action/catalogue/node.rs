//! Text as a tree, with the line of each part: what is between YAML and the model.

/// A value, a list or a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A value.
    Scalar {
        line: u32,
        text: String,
        /// Without quotes: may be a number, true, false or nothing.
        plain: bool,
    },
    /// A list.
    List { line: u32, items: Vec<Self> },
    /// A map in the order of its text, each key once.
    Map { line: u32, entries: Vec<Pair> },
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) key: String,
    pub(super) line: u32,
    pub(super) value: Node,
}

impl Node {
    /// A text, not from a file.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Scalar {
            line: 0,
            text: text.into(),
            plain: false,
        }
    }

    /// A number, true or false, not from a file.
    pub(super) fn plain(value: &impl ToString) -> Self {
        Self::Scalar {
            line: 0,
            text: value.to_string(),
            plain: true,
        }
    }

    /// A list, not from a file.
    pub(super) fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List {
            line: 0,
            items: items.into_iter().collect(),
        }
    }

    /// Its line, from 1; 0 where it is not from a file.
    pub(super) fn line(&self) -> u32 {
        match self {
            Self::Scalar { line, .. } | Self::List { line, .. } | Self::Map { line, .. } => *line,
        }
    }

    /// Bytes of all keys and values.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Scalar { text, .. } => text.len(),
            Self::List { items, .. } => items.iter().map(Self::bytes).sum(),
            Self::Map { entries, .. } => entries
                .iter()
                .map(|pair| pair.key.len() + pair.value.bytes())
                .sum(),
        }
    }

    /// The line of what lies at a path, or of the last part of the way that is there.
    pub(super) fn line_at(&self, path: &str) -> u32 {
        let mut here = self;
        let mut line = self.line();
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next = match here {
                Self::Scalar { .. } => None,
                Self::List { items, .. } => step
                    .strip_suffix(']')
                    .and_then(|index| items.get(index.parse::<usize>().ok()?))
                    .map(|item| (item.line(), item)),
                Self::Map { entries, .. } => entries
                    .iter()
                    .find(|pair| pair.key == step)
                    .map(|pair| (pair.line, &pair.value)),
            };
            let Some((at, node)) = next else {
                break;
            };
            line = at;
            here = node;
        }
        line
    }
}

/// Builds a map in a fixed order, leaving out what says nothing.
#[derive(Debug, Default)]
pub(super) struct Builder(Vec<Pair>);

impl Builder {
    /// A value.
    pub(super) fn put(mut self, key: &str, value: Node) -> Self {
        self.0.push(Pair {
            key: key.to_owned(),
            line: 0,
            value,
        });
        self
    }

    /// A value, if there is one.
    pub(super) fn put_some(self, key: &str, value: Option<Node>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// A list, unless it is empty.
    pub(super) fn put_list(self, key: &str, items: impl IntoIterator<Item = Node>) -> Self {
        let items: Vec<Node> = items.into_iter().collect();
        self.put_some(key, (!items.is_empty()).then(|| Node::list(items)))
    }

    /// The map.
    pub(super) fn build(self) -> Node {
        Node::Map {
            line: 0,
            entries: self.0,
        }
    }
}
