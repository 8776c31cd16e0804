//! Templates: how a text is made of the columns of a row.
//!
//! `{column}` stands for a column's text and `{row}` for the number of the data row; `{{` and `}}` are braces. Columns are
//! looked up once, when the mapping is read; a row is an array after that.
//!
//! What must stay true: a key (an event id, a subject's id, an identifier) never comes out of a row that lacks one of the
//! columns it is made of. "JP-{id}" without an id would be one customer for all rows without an id.

use std::fmt::Write as _;

use super::super::table::Row;

/// The pseudo column that holds the number of the data row.
const ROW: &str = "row";

/// Place of a column among [`Columns`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnId(pub(crate) usize);

/// The columns that a mapping names, each once.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    names: Vec<String>,
}

impl Columns {
    /// The column of this name.
    pub fn id(&mut self, name: &str) -> ColumnId {
        let known = self.names.iter().position(|n| n == name);
        ColumnId(known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        }))
    }

    /// Their names, in the order of their ids.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The name of one.
    #[must_use]
    pub fn name(&self, id: ColumnId) -> &str {
        self.names.get(id.0).map_or("", String::as_str)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Column(ColumnId),
    Row,
}

/// A text with places for columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is empty or its braces do not match.
    pub fn parse(text: &str, columns: &mut Columns) -> Result<Self, &'static str> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(escaped) = after.strip_prefix(brace) {
                plain.push_str(brace);
                rest = escaped;
                continue;
            }
            if brace == "}" {
                return Err("has a } without its {; write }} for a brace");
            }
            let (name, after) = after
                .split_once('}')
                .ok_or("has a { without its }; write {{ for a brace")?;
            if name.is_empty() || name.contains('{') {
                return Err("has braces around something that is no column name");
            }
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(match name {
                ROW => Part::Row,
                name => Part::Column(columns.id(name)),
            });
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if parts.is_empty() {
            return Err("is empty; leave it out instead");
        }
        Ok(Self { parts })
    }

    /// A template that is one column.
    #[must_use]
    pub fn column(id: ColumnId) -> Self {
        Self {
            parts: vec![Part::Column(id)],
        }
    }

    /// Its text, when it is the same for every row.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for a row, `None` when it names columns and all of them are empty.
    #[must_use]
    pub fn text(&self, row: &Row) -> Option<String> {
        let mut columns = self.columns(row).peekable();
        let empty = columns.peek().is_some() && columns.all(is_blank);
        (!empty).then(|| self.fill(row))
    }

    /// The text for a row without blanks around it, `None` when any column it names is empty: for what points at
    /// something.
    #[must_use]
    pub fn key(&self, row: &Row) -> Option<String> {
        if self.columns(row).any(is_blank) {
            return None;
        }
        let filled = self.fill(row);
        let key = filled.trim();
        (!key.is_empty()).then(|| key.to_owned())
    }

    fn columns<'a>(&'a self, row: &'a Row) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(id) => Some(row.column(*id)),
            Part::Text(_) | Part::Row => None,
        })
    }

    fn fill(&self, row: &Row) -> String {
        let mut filled = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Column(id) => filled.push_str(row.column(*id)),
                Part::Row => {
                    // Writing to a string does not fail.
                    let _ = write!(filled, "{}", row.number);
                }
            }
        }
        filled
    }
}

fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(values: &[&str]) -> Row {
        Row {
            line: 8,
            number: 7,
            values: values.iter().map(ToString::to_string).collect(),
        }
    }

    fn parse(text: &str) -> (Result<Template, &'static str>, Columns) {
        let mut columns = Columns::default();
        (Template::parse(text, &mut columns), columns)
    }

    #[test]
    fn columns_rows_and_braces_are_put_in_their_places() {
        let (template, columns) = parse("{{{id}}}-{row}-{Name of it}{id}");
        assert_eq!(columns.names(), ["id", "Name of it"]);
        let text = template.unwrap().text(&row(&["x", "y z"]));
        assert_eq!(text.as_deref(), Some("{x}-7-y zx"));
    }

    #[test]
    fn unmatched_braces_and_empty_templates_are_mistakes() {
        for bad in ["", "{", "}", "a}b", "{}", "{a", "{a{b}}", "{{}"] {
            assert!(parse(bad).0.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_text_is_empty_when_all_its_columns_are_and_a_key_when_any_is() {
        let (template, _) = parse("{a}/{b}");
        let template = template.unwrap();
        assert_eq!(template.text(&row(&["x", " "])).as_deref(), Some("x/ "));
        assert_eq!(template.text(&row(&[" ", ""])), None);
        assert_eq!(template.key(&row(&["x", " "])), None);
        assert_eq!(template.key(&row(&[" x", "y "])).as_deref(), Some("x/y"));
    }

    #[test]
    fn a_row_number_and_a_constant_are_never_empty() {
        assert_eq!(
            parse("order-{row}").0.unwrap().key(&row(&[])).as_deref(),
            Some("order-7")
        );
        assert_eq!(parse("sales").0.unwrap().constant(), Some("sales"));
        assert_eq!(parse("{{x}}").0.unwrap().constant(), Some("{x}"));
    }

    proptest! {
        #[test]
        fn an_escaped_text_is_itself(text in "[a-z{}あ ]{1,20}") {
            let escaped = text.replace('{', "{{").replace('}', "}}");
            let (template, _) = parse(&escaped);
            prop_assert_eq!(template.unwrap().text(&row(&[])), Some(text));
        }

        #[test]
        fn any_text_is_a_template_or_a_mistake(text in any::<String>(), value in any::<String>()) {
            let (template, columns) = parse(&text);
            if let Ok(template) = template {
                let values: Vec<&str> = columns.names().iter().map(|_| value.as_str()).collect();
                let _ = template.key(&row(&values));
                let _ = template.text(&row(&values));
            }
        }
    }
}
