//! The mapping file: how the rows of an export become interactions.
//!
//! What must stay true: a mapping that was read has no mistakes, and reading one names all of its mistakes at once, each
//! with its path. What can be said of a constant is said when the file is read, not 70,000 times while it is used.
//! `docs/import.md` is the reference.

mod fields;
mod model;
mod section;
mod template;
pub(crate) mod words;

use toml::Table;

pub(crate) use model::{
    AttributeKind, AttributeOf, ConsentOf, Fields, IdentifierOf, Scalar, ScoreOf, TraitKind,
    TraitOf,
};
pub use section::When;
pub use template::{ColumnId, Columns, Template};

use section::{Findings, Section, Test};

use super::table::Row;

/// How a file is cut into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Fields between delimiters, possibly quoted.
    Delimited {
        /// The byte between fields.
        delimiter: u8,
        /// The byte around fields that hold delimiters or line ends; `None` when quotes mean nothing.
        quote: Option<u8>,
    },
    /// Fields between runs of blanks.
    Whitespace,
    /// A JSON object on each line.
    Ndjson,
    /// Each line as it stands, as the only column. No mapping asks for it.
    Lines,
}

/// The shape of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// How it is cut into rows.
    pub format: Format,
    /// Whether the first row names the columns.
    pub header: bool,
    /// Names of the columns, in their order, in place of those of the header.
    pub names: Option<Vec<String>>,
}

/// A mapping without mistakes.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The shape of the input.
    pub layout: Layout,
    /// The columns that the fields are made of.
    pub columns: Columns,
    /// The fields of an interaction.
    pub(crate) fields: Fields,
}

impl Mapping {
    /// Reads a mapping.
    ///
    /// # Errors
    /// Every mistake, each with its path.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let table: Table = text.parse().map_err(|error| vec![syntax(text, &error)])?;
        let mut findings = Findings::default();
        let mut root = Section::root(table);
        let layout = layout(&mut root, &mut findings);
        if !root.has("interaction") {
            findings.mistake("interaction", "is missing");
        }
        let section = root.section(&mut findings, "interaction");
        let fields = section.map(|section| fields::read(section, &mut findings));
        root.finish(&mut findings);
        if let Some(names) = &layout.names {
            for name in findings.columns.names() {
                if !names.contains(name) {
                    let mistake = format!("columns lacks {name:?}, which a field names");
                    findings.mistakes.push(mistake);
                }
            }
        }
        match fields {
            Some(fields) if findings.mistakes.is_empty() => Ok(Self {
                layout,
                columns: findings.columns,
                fields,
            }),
            _ => Err(findings.mistakes),
        }
    }
}

impl When {
    /// Whether the condition holds for a row.
    #[must_use]
    pub fn holds(&self, row: &Row) -> bool {
        let text = row.column(self.column).trim();
        match &self.test {
            Test::NotEmpty => !text.is_empty(),
            Test::OneOf(wanted) => wanted.iter().any(|w| w == text),
        }
    }
}

fn syntax(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("line {line} is not TOML: {}", error.message())
}

fn layout(root: &mut Section, findings: &mut Findings) -> Layout {
    let word = root.required_string(findings, "format");
    let delimiter = byte(root, findings, "delimiter").flatten();
    let quote = byte(root, findings, "quote");
    let header = root.boolean(findings, "header");
    let names = root.strings(findings, "columns");
    let fields_by = |default: u8| Format::Delimited {
        delimiter: delimiter.unwrap_or(default),
        quote: quote.unwrap_or(Some(b'"')),
    };
    let format = match word.as_str() {
        "csv" | "" => fields_by(b','),
        "tsv" => fields_by(b'\t'),
        "whitespace" => Format::Whitespace,
        "ndjson" => Format::Ndjson,
        _ => {
            findings.mistake("format", "must be csv, tsv, whitespace or ndjson");
            fields_by(b',')
        }
    };
    match format {
        Format::Delimited { delimiter, quote } => {
            if quote == Some(delimiter) {
                findings.mistake("quote", "must differ from the delimiter");
            }
        }
        Format::Whitespace | Format::Ndjson | Format::Lines => {
            for (key, given) in [
                ("delimiter", delimiter.is_some()),
                ("quote", quote.is_some()),
            ] {
                if given {
                    findings.mistake(key, "has no place in this format");
                }
            }
        }
    }
    if format == Format::Ndjson {
        for (key, given) in [("header", header.is_some()), ("columns", names.is_some())] {
            if given {
                findings.mistake(
                    key,
                    "has no place in ndjson, whose objects name their values",
                );
            }
        }
    }
    let header = header.unwrap_or(names.is_none()) && format != Format::Ndjson;
    if !header && names.is_none() && format != Format::Ndjson {
        findings.mistake(
            "columns",
            "is missing: without a header it names the columns",
        );
    }
    check_names(names.as_deref().unwrap_or_default(), findings);
    Layout {
        format,
        header,
        names,
    }
}

fn check_names(names: &[String], findings: &mut Findings) {
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            findings.mistake(&format!("columns[{index}]"), "is empty");
        } else if names[..index].contains(name) {
            findings.mistake(&format!("columns[{index}]"), "is there twice");
        }
    }
}

/// A single byte; empty means none.
#[expect(
    clippy::option_option,
    reason = "absent, none and one are three things"
)]
fn byte(root: &mut Section, findings: &mut Findings, key: &str) -> Option<Option<u8>> {
    let text = root.string(findings, key)?;
    match text.as_bytes() {
        [] if key == "quote" => Some(None),
        [one] if one.is_ascii() && !b"\r\n\0".contains(one) => Some(Some(*one)),
        _ => {
            findings.mistake(key, "must be one ASCII character");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
        format = "csv"
        [interaction]
        source = "shop"
        event_id = "{id}"
        occurred_at = { column = "at", format = "rfc3339" }
        department = "sales"
        channel = "{channel}"
        type = "order.placed"
        [[interaction.identifiers]]
        namespace = "email"
        value = "{email}"
    "#;

    fn mistakes(text: &str) -> Vec<String> {
        Mapping::parse(text).unwrap_err()
    }

    #[test]
    fn a_small_mapping_names_its_columns_once() {
        let mapping = Mapping::parse(SMALL).unwrap();
        let mut names = mapping.columns.names().to_vec();
        names.sort();
        assert_eq!(names, ["at", "channel", "email", "id"]);
        assert!(mapping.layout.header);
    }

    #[test]
    fn every_mistake_is_named_at_once_with_its_path() {
        let found = mistakes(
            r#"
            format = "excel"
            delimitr = ";"
            [interaction]
            source = "My Shop"
            event_id = "{id"
            occurred_at = { column = "at", format = "%H", zone = "+09:00" }
            department = 7
            type = "order.placed"
            direction = "sideways"
            subject = { kind = "order" }
            identifiers = [{ namespace = "email" }, "x"]
            [[interaction.traits]]
            name = "tags"
            value = "{tags}"
            type = "list of text"
            [interaction.money]
            amount = "{amount}"
            currency = "YEN"
            [[interaction.survey_scores]]
            scale = "nps_10"
            value = "{nps}"
            when = { column = "x", equals = "y", not_empty = true }
            "#,
        );
        for path in [
            "format must",
            "delimitr is not",
            "interaction.source must",
            "interaction.event_id has",
            "interaction.occurred_at.format must",
            "interaction.occurred_at.zone is not",
            "interaction.department must",
            "interaction.channel is missing",
            "interaction.direction must",
            "interaction.subject.id is missing",
            "interaction.identifiers[0].value is missing",
            "interaction.identifiers[1] must",
            "interaction.traits[0].type must",
            "interaction.money.currency must",
            "interaction.survey_scores[0].scale must",
            "interaction.survey_scores[0].when must",
        ] {
            let named = found.iter().filter(|m| m.starts_with(path)).count();
            assert_eq!(named, 1, "{path}: {found:#?}");
        }
        assert_eq!(found.len(), 16, "{found:#?}");
    }

    #[test]
    fn a_file_that_is_no_toml_says_on_which_line() {
        let found = mistakes("format = \"csv\"\n\nheader = yes\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("line 3 is not TOML"), "{found:?}");
        assert!(mistakes("").iter().any(|m| m == "format is missing"));
    }

    #[test]
    fn a_table_without_header_names_its_columns_and_objects_never_do() {
        let headless = SMALL.replace("format = \"csv\"", "format = \"tsv\"\nheader = false");
        assert!(mistakes(&headless)[0].starts_with("columns is missing"));
        let named = headless.replace("header = false", "columns = [\"id\", \"at\", \"channel\"]");
        assert_eq!(
            mistakes(&named),
            ["columns lacks \"email\", which a field names"]
        );
        let json = SMALL.replace("\"csv\"", "\"ndjson\"\nheader = true\nquote = \"'\"");
        assert_eq!(mistakes(&json).len(), 2);
    }

    #[test]
    fn quotes_can_be_switched_off_and_must_differ_from_the_delimiter() {
        let off = Mapping::parse(&SMALL.replace("\"csv\"", "\"tsv\"\nquote = \"\"")).unwrap();
        let format = Format::Delimited {
            delimiter: b'\t',
            quote: None,
        };
        assert_eq!(off.layout.format, format);
        assert_eq!(
            mistakes(&SMALL.replace("\"csv\"", "\"csv\"\nquote = \",\"")).len(),
            1
        );
        assert_eq!(
            mistakes(&SMALL.replace("\"csv\"", "\"csv\"\ndelimiter = \"あ\"")).len(),
            1
        );
    }

    #[test]
    fn a_mapping_without_identifiers_is_a_mistake() {
        let bare = SMALL.split("[[").next().unwrap();
        assert_eq!(
            mistakes(bare),
            ["interaction.identifiers is missing: an interaction needs one at least"]
        );
    }
}
