//! What an import is asked to do.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::ids::TenantId;

use super::table::Input;

/// Whether progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reporting {
    /// A bar on a terminal, else a line every ten seconds; on standard error.
    Shown,
    /// Not at all.
    Silent,
}

/// What an import is asked to do.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// Where rows come from.
    pub input: Input,
    /// The mapping file; without one each line is an interaction in the protocol's JSON.
    pub mapping: Option<PathBuf>,
    /// For whom they are recorded.
    pub tenant: TenantId,
    /// Names the store that rows go to, in any way that is the same for the same store: progress made with one store
    /// says nothing about another.
    pub destination: String,
    /// How many calls are under way at once, 1 to 64.
    pub workers: usize,
    /// Where rejected rows go; by default beside the input, or in `state_dir`.
    pub rejects: Option<PathBuf>,
    /// Where the progress file goes; by default beside the input.
    pub state_dir: Option<PathBuf>,
    /// How long to try again without getting anywhere.
    pub give_up_after: Duration,
    /// Whether progress is shown.
    pub reporting: Reporting,
}

impl ImportOptions {
    /// The progress file; standard input has none, because it cannot be read again.
    #[must_use]
    pub fn progress_path(&self) -> Option<PathBuf> {
        match &self.input {
            Input::File(path) => Some(self.beside(path, ".progress.json")),
            Input::Stdin => None,
        }
    }

    /// The rejects file.
    #[must_use]
    pub fn rejects_path(&self) -> PathBuf {
        let default = || match &self.input {
            Input::File(path) => self.beside(path, ".rejects.tsv"),
            Input::Stdin => self.beside(Path::new("stdin"), ".rejects.tsv"),
        };
        self.rejects.clone().unwrap_or_else(default)
    }

    fn beside(&self, input: &Path, ending: &str) -> PathBuf {
        let name = input.file_name().unwrap_or_default();
        let name: OsString = [name, ending.as_ref()].into_iter().collect();
        match &self.state_dir {
            Some(directory) => directory.join(name),
            None => input.with_file_name(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_an_import_lie_beside_its_input_unless_told_otherwise() {
        let mut options = ImportOptions {
            input: Input::File(PathBuf::from("/data/a.csv.gz")),
            mapping: Some(PathBuf::from("m.toml")),
            tenant: TenantId::default_tenant(),
            destination: String::new(),
            workers: 4,
            rejects: None,
            state_dir: None,
            give_up_after: Duration::from_mins(1),
            reporting: Reporting::Silent,
        };
        let progress = options.progress_path();
        assert_eq!(
            progress,
            Some(PathBuf::from("/data/a.csv.gz.progress.json"))
        );
        options.state_dir = Some(PathBuf::from("/var/state"));
        assert_eq!(
            options.rejects_path(),
            Path::new("/var/state/a.csv.gz.rejects.tsv")
        );
        options.rejects = Some(PathBuf::from("r.tsv"));
        assert_eq!(options.rejects_path(), Path::new("r.tsv"));
        options.input = Input::Stdin;
        assert_eq!(options.progress_path(), None);
    }
}
