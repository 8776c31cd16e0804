//! Reading an export one row at a time.
//!
//! What must stay true:
//!
//! - Memory does not grow with the file: one row is held, and a row of more than [`LONGEST_ROW`] bytes is a fault of that
//!   row, read over without being kept.
//! - A row that cannot be read is a fault of that row, with its line; what follows is read. Only what makes everything
//!   after it unreadable (a broken gzip stream, a failing disk) ends the reading.
//! - Row numbers are the same however often a file is read: every data row has one, also those with faults. Blank lines
//!   are no rows.

mod delimited;
mod input;
mod json;
mod line;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
};

use super::mapping::{ColumnId, Format, Layout};
use delimited::Delimited;
use line::{Ended, Lines};

/// The longest row, in bytes, line ends within quotes included.
pub const LONGEST_ROW: usize = 1 << 20;

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A file.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Input {
    /// `-` is standard input.
    #[must_use]
    pub fn from_argument(argument: &Path) -> Self {
        if argument == Path::new("-") {
            Self::Stdin
        } else {
            Self::File(argument.to_owned())
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Stdin => f.write_str("standard input"),
        }
    }
}

/// One data row: the texts of the columns that the mapping names.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file it starts on, from 1.
    pub line: u64,
    /// Its number among the data rows, from 1.
    pub number: u64,
    /// The texts by [`ColumnId`]; missing is empty.
    pub(crate) values: Vec<String>,
}

impl Row {
    /// The text of a column.
    #[must_use]
    pub fn column(&self, id: ColumnId) -> &str {
        self.values.get(id.0).map_or("", String::as_str)
    }
}

impl Row {
    /// The first column, which is the whole line where lines are not cut.
    pub(crate) fn whole(&self) -> &str {
        self.values.first().map_or("", String::as_str)
    }

    /// A first row that was not cut.
    #[cfg(test)]
    pub(crate) fn of_line(line: String) -> Self {
        Self {
            line: 1,
            number: 1,
            values: vec![line],
        }
    }
}

impl fmt::Debug for Row {
    /// Without the texts, which are someone's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("line", &self.line)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// A row that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The line of the file it starts on, from 1.
    pub line: u64,
    /// Its number among the data rows, from 1.
    pub number: u64,
    /// What is wrong with it, without its texts.
    pub reason: String,
}

/// Why a table cannot be read at all, or no further.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The input failed.
    #[error("cannot be read after line {line}: {source}")]
    Io {
        /// The last line that was read.
        line: u64,
        /// What happened.
        source: io::Error,
    },
    /// The first row does not name the columns.
    #[error("{0}")]
    Header(String),
}

/// An export that is being read.
pub struct Table {
    kind: Kind,
    lines: Lines,
    /// For each column of the mapping its place in a row of the file; for objects its path.
    places: Vec<usize>,
    paths: Vec<String>,
    width: usize,
    number: u64,
    buffer: Vec<u8>,
    /// Bytes of the input as it is stored, compressed or not, that were read so far.
    pub bytes_read: Arc<AtomicU64>,
    /// How many bytes the input has, where it says.
    pub size: Option<u64>,
}

/// The line that a record starts on, and what is wrong with it.
type Record = (u64, Result<(), String>);

enum Kind {
    Delimited(Box<Delimited>),
    Whitespace,
    Ndjson,
    Lines,
}

impl fmt::Debug for Table {
    /// Without the buffer, which is someone's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Opens an input and reads its header, if it has one. `columns` are the names that a mapping uses.
    ///
    /// # Errors
    /// When it cannot be opened, is no UTF-8 text, or lacks columns: all of them are named.
    pub fn open(input: &Input, layout: &Layout, columns: &[String]) -> Result<Self, TableError> {
        let opened = input::open(input).map_err(|source| TableError::Io { line: 0, source })?;
        let kind = match layout.format {
            Format::Delimited { delimiter, quote } => {
                Kind::Delimited(Box::new(Delimited::new(delimiter, quote)))
            }
            Format::Whitespace => Kind::Whitespace,
            Format::Ndjson => Kind::Ndjson,
            Format::Lines => Kind::Lines,
        };
        let mut table = Self {
            kind,
            lines: Lines::new(opened.reader),
            places: Vec::new(),
            paths: Vec::new(),
            width: 0,
            number: 0,
            buffer: Vec::new(),
            bytes_read: opened.bytes_read,
            size: opened.size,
        };
        if matches!(table.kind, Kind::Ndjson | Kind::Lines) {
            table.paths = columns.to_vec();
            return Ok(table);
        }
        let header = if layout.header {
            Some(table.header()?)
        } else {
            None
        };
        let names = resolve_names(header, layout.names.as_deref())?;
        table.width = names.len();
        table.places = find_places(&names, columns)?;
        Ok(table)
    }

    /// The next row, `None` at the end.
    ///
    /// # Errors
    /// When nothing more can be read.
    pub fn next_row(&mut self) -> Result<Option<Result<Row, BadRow>>, TableError> {
        let Some((line, found)) = self.record()? else {
            return Ok(None);
        };
        self.number += 1;
        let number = self.number;
        let values = found.and_then(|()| self.values());
        Ok(Some(match values {
            Ok(values) => Ok(Row {
                line,
                number,
                values,
            }),
            Err(reason) => Err(BadRow {
                line,
                number,
                reason,
            }),
        }))
    }

    /// Fills the buffer with the bytes of the next record; says on which line it starts and what is wrong with it.
    fn record(&mut self) -> Result<Option<Record>, TableError> {
        loop {
            self.buffer.clear();
            let line = self.lines.read() + 1;
            let ended = match &mut self.kind {
                Kind::Delimited(delimited) => delimited.record(&mut self.lines, &mut self.buffer),
                Kind::Whitespace | Kind::Ndjson | Kind::Lines => {
                    let ended = self.lines.next(&mut self.buffer, LONGEST_ROW);
                    ended.and_then(|ended| self.lines.read_over(|_| ()).map(|()| ended))
                }
            };
            let ended = ended.map_err(|source| TableError::Io {
                line: self.lines.read(),
                source,
            })?;
            let fault = match ended {
                Ended::Input => return Ok(None),
                Ended::Line if self.is_blank() => continue,
                Ended::Line if self.buffer.contains(&0) => {
                    "has NUL bytes; is the file in UTF-16?".to_owned()
                }
                Ended::Line => return Ok(Some((line, Ok(())))),
                Ended::TooLong => self.too_long(line),
                Ended::OpenQuote => "has a quote that is never closed".to_owned(),
            };
            return Ok(Some((line, Err(fault))));
        }
    }

    fn is_blank(&self) -> bool {
        self.buffer.iter().all(|byte| match self.kind {
            Kind::Delimited(_) => matches!(byte, b'\r' | b'\n'),
            Kind::Whitespace | Kind::Ndjson | Kind::Lines => byte.is_ascii_whitespace(),
        })
    }

    fn too_long(&self, line: u64) -> String {
        match self.lines.read() - line {
            0 => format!("is longer than {LONGEST_ROW} bytes"),
            more => format!(
                "is longer than {LONGEST_ROW} bytes and goes on for {more} more lines; is a quote not closed?"
            ),
        }
    }

    fn header(&mut self) -> Result<Vec<String>, TableError> {
        let header = |what: String| TableError::Header(format!("the header {what}"));
        match self.record()? {
            None => Err(header("is missing: the input is empty".to_owned())),
            Some((_, Err(fault))) => Err(header(fault)),
            Some((_, Ok(()))) => self.fields().map_err(header),
        }
    }

    fn fields(&mut self) -> Result<Vec<String>, String> {
        match &mut self.kind {
            Kind::Delimited(delimited) => delimited.fields(&self.buffer),
            Kind::Whitespace | Kind::Ndjson | Kind::Lines => std::str::from_utf8(&self.buffer)
                .map(|text| text.split_ascii_whitespace().map(str::to_owned).collect())
                .map_err(|_| "is not UTF-8".to_owned()),
        }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.kind {
            Kind::Ndjson => return json::values(&self.buffer, &self.paths),
            Kind::Lines => {
                let line = std::str::from_utf8(&self.buffer).map_err(|_| "is not UTF-8")?;
                return Ok(vec![line.trim().to_owned()]);
            }
            Kind::Delimited(_) | Kind::Whitespace => {}
        }
        let mut fields = self.fields()?;
        if fields.len() != self.width {
            return Err(format!(
                "has {} fields where {} are expected",
                fields.len(),
                self.width
            ));
        }
        // A place is taken once: columns of a mapping are distinct.
        let mut take = |place: &usize| fields.get_mut(*place).map(std::mem::take);
        Ok(self
            .places
            .iter()
            .map(|place| take(place).unwrap_or_default())
            .collect())
    }
}

fn resolve_names(
    header: Option<Vec<String>>,
    renamed: Option<&[String]>,
) -> Result<Vec<String>, TableError> {
    match (header, renamed) {
        (Some(header), Some(names)) if header.len() != names.len() => {
            Err(TableError::Header(format!(
                "the header has {} columns where the mapping names {}",
                header.len(),
                names.len()
            )))
        }
        (_, Some(names)) => Ok(names.to_vec()),
        (header, None) => Ok(header.unwrap_or_default()),
    }
}

fn find_places(names: &[String], columns: &[String]) -> Result<Vec<usize>, TableError> {
    let mut faults = Vec::new();
    let mut places = Vec::new();
    for column in columns {
        let mut found = names.iter().enumerate().filter(|(_, name)| *name == column);
        match (found.next(), found.next()) {
            (Some((place, _)), None) => places.push(place),
            (None, _) => faults.push(format!("lacks the column {column:?}")),
            (Some(_), Some(_)) => faults.push(format!("has the column {column:?} twice")),
        }
    }
    if faults.is_empty() {
        Ok(places)
    } else {
        let faults = faults.join(", ");
        Err(TableError::Header(format!("the header {faults}")))
    }
}

#[cfg(test)]
mod tests;
