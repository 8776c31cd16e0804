//! Reading a table of the mapping file by hand, so that every mistake is named with its path, unknown keys included.
//!
//! A key that was read is taken out; what is left at the end is unknown. After a mistake reading goes on with a stand-in,
//! which no one sees, because a mapping with mistakes is never handed out.

use toml::{Table, Value};

use super::template::{ColumnId, Columns, Template};

/// What is found while reading.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) mistakes: Vec<String>,
    pub(crate) columns: Columns,
}

impl Findings {
    pub(crate) fn mistake(&mut self, path: &str, what: &str) {
        self.mistakes.push(format!("{path} {what}"));
    }

    /// Says so when a template is the same word for every row and the word is none of those allowed.
    pub(crate) fn check_constant(
        &mut self,
        path: &str,
        template: &Template,
        allowed: impl Fn(&str) -> bool,
        what: &str,
    ) {
        if template.constant().is_some_and(|word| !allowed(word)) {
            self.mistake(path, what);
        }
    }
}

/// When an item counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    pub(crate) column: ColumnId,
    pub(crate) test: Test,
}

/// What a condition asks of its column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    NotEmpty,
    OneOf(Vec<String>),
}

/// A table of the file, less what was read of it.
#[derive(Debug)]
pub(crate) struct Section {
    path: String,
    left: Table,
}

impl Section {
    pub(crate) fn root(table: Table) -> Self {
        Self {
            path: String::new(),
            left: table,
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn at(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    pub(crate) fn take(&mut self, key: &str) -> Option<Value> {
        self.left.remove(key)
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.left.contains_key(key)
    }

    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.left.get(key).is_some_and(Value::is_table)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.left.keys().cloned().collect()
    }

    pub(crate) fn string(&mut self, findings: &mut Findings, key: &str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) => Some(text),
            other => {
                let what = format!("must be a string, not {}", name_of(&other));
                findings.mistake(&self.at(key), &what);
                None
            }
        }
    }

    pub(crate) fn required_string(&mut self, findings: &mut Findings, key: &str) -> String {
        if !self.has(key) {
            findings.mistake(&self.at(key), "is missing");
        }
        self.string(findings, key).unwrap_or_default()
    }

    pub(crate) fn boolean(&mut self, findings: &mut Findings, key: &str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(value) => Some(value),
            other => {
                let what = format!("must be true or false, not {}", name_of(&other));
                findings.mistake(&self.at(key), &what);
                None
            }
        }
    }

    pub(crate) fn strings(&mut self, findings: &mut Findings, key: &str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let texts = match &value {
            Value::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        if texts.is_none() {
            findings.mistake(&self.at(key), "must be a list of strings");
        }
        texts
    }

    pub(crate) fn template(&mut self, findings: &mut Findings, key: &str) -> Option<Template> {
        let text = self.string(findings, key)?;
        match Template::parse(&text, &mut findings.columns) {
            Ok(template) => Some(template),
            Err(what) => {
                findings.mistake(&self.at(key), what);
                None
            }
        }
    }

    pub(crate) fn required_template(&mut self, findings: &mut Findings, key: &str) -> Template {
        if !self.has(key) {
            findings.mistake(&self.at(key), "is missing");
        }
        self.template(findings, key).unwrap_or_default()
    }

    pub(crate) fn section(&mut self, findings: &mut Findings, key: &str) -> Option<Self> {
        let path = self.at(key);
        match self.take(key)? {
            Value::Table(table) => Some(Self { path, left: table }),
            other => {
                let what = format!("must be a table, not {}", name_of(&other));
                findings.mistake(&path, &what);
                None
            }
        }
    }

    pub(crate) fn sections(&mut self, findings: &mut Findings, key: &str) -> Vec<Self> {
        let path = self.at(key);
        let items = match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => items,
            Some(_) => {
                findings.mistake(&path, &format!("must be a list of tables: [[{path}]]"));
                Vec::new()
            }
        };
        let mut sections = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{path}[{index}]");
            match item {
                Value::Table(table) => sections.push(Self { path, left: table }),
                other => {
                    findings.mistake(&path, &format!("must be a table, not {}", name_of(&other)));
                }
            }
        }
        sections
    }

    /// The condition of this item.
    pub(crate) fn when(&mut self, findings: &mut Findings) -> Option<When> {
        let mut section = self.section(findings, "when")?;
        let name = section.required_string(findings, "column");
        let column = findings.columns.id(&name);
        let not_empty = section.boolean(findings, "not_empty");
        let wanted = section.has("equals");
        let equals = match section.left.get("equals") {
            Some(Value::Array(_)) => section.strings(findings, "equals"),
            _ => section.string(findings, "equals").map(|text| vec![text]),
        };
        let test = match (equals, not_empty) {
            (Some(texts), None) => Test::OneOf(texts),
            (None, Some(true)) => Test::NotEmpty,
            _ if wanted && not_empty.is_none() => Test::NotEmpty,
            _ => {
                let path = section.path.clone();
                findings.mistake(&path, "must say either equals = \"..\" or not_empty = true");
                Test::NotEmpty
            }
        };
        section.finish(findings);
        Some(When { column, test })
    }

    /// Names what nobody asked for.
    pub(crate) fn finish(self, findings: &mut Findings) {
        for key in self.left.keys() {
            findings.mistake(&self.at(key), "is not a key of a mapping");
        }
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a string",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}
