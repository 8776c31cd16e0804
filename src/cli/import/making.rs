//! How a row becomes an interaction: through a mapping file, or as it stands.

use std::{fs, path::Path};

use super::{
    error::ImportError,
    mapping::{Format, Layout, Mapping},
    options::ImportOptions,
    protocol::Protocol,
    row::{self, Faults},
    table::{Input, Row},
};
use crate::proto::v1::Interaction;

/// What stands for the text of a mapping in the fingerprint of an import without one.
const NO_MAPPING: &str = "interactions in the protocol's JSON, format 1";

/// Names of tables, which need a mapping: without one every row of them would be a reject.
const TABLES: [&str; 4] = [".csv", ".tsv", ".txt", ".xlsx"];

/// Makes interactions of rows.
#[derive(Clone, Debug)]
pub(crate) enum Making {
    Mapped(Box<Mapping>),
    AsItStands(Protocol),
}

impl Making {
    /// As the options say; also the text that stands for it in the fingerprint.
    pub(crate) fn of(options: &ImportOptions) -> Result<(Self, String), ImportError> {
        let Some(path) = &options.mapping else {
            if let Input::File(path) = &options.input
                && is_table(path)
            {
                return Err(ImportError::InTheWay {
                    path: path.clone(),
                    what: "needs --mapping; without one each line is an interaction in the protocol's JSON",
                });
            }
            let protocol = Protocol::new().ok_or(ImportError::Bug("descriptor"))?;
            return Ok((Self::AsItStands(protocol), NO_MAPPING.to_owned()));
        };
        let text = fs::read_to_string(path).map_err(|source| ImportError::File {
            path: path.clone(),
            doing: "cannot be read",
            source,
        })?;
        let mapping = Mapping::parse(&text).map_err(|mistakes| ImportError::Mapping {
            path: path.clone(),
            mistakes,
        })?;
        Ok((Self::Mapped(Box::new(mapping)), text))
    }

    /// How the input is cut into rows, and the columns that are needed.
    pub(crate) fn layout(&self) -> (Layout, &[String]) {
        match self {
            Self::Mapped(mapping) => (mapping.layout.clone(), mapping.columns.names()),
            Self::AsItStands(_) => {
                let layout = Layout {
                    format: Format::Lines,
                    header: false,
                    names: None,
                };
                (layout, &[])
            }
        }
    }

    /// The interaction that a row says.
    pub(crate) fn interaction(&self, row: &Row) -> Result<Interaction, Faults> {
        match self {
            Self::Mapped(mapping) => row::interaction(mapping, row),
            Self::AsItStands(protocol) => protocol.interaction(row),
        }
    }
}

fn is_table(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    TABLES.iter().any(|ending| name.ends_with(ending))
}
