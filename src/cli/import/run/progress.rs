//! The progress file: where an import that was killed goes on.
//!
//! What must stay true: the file is either whole or not there (written beside, synced, renamed); what it says of the
//! rejects file was on disk before it; and while an import runs it holds the lock of the file at this path, so that a
//! second import of the same input is refused and not mixed in. A kill releases the lock.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use serde::{Deserialize, Serialize};

use super::super::{error::ImportError, options::ImportOptions, summary::Counts, table::Input};
use crate::ids::LengthPrefixed;

const VERSION: u32 = 1;
/// How much of each end of the input goes into its fingerprint.
const END: u64 = 64 * 1024;
const BUSY: &str = "another import of this input is running";
const HELP: &str = "cannot be written; --state-dir puts it elsewhere";

/// What the file holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    pub(super) version: u32,
    /// Of mapping, input, tenant and destination.
    pub(super) fingerprint: String,
    pub(super) run_id: String,
    /// Every row up to this one is done.
    pub(super) mark: u64,
    /// No row after this one has been sent.
    pub(super) sent_limit: u64,
    /// Of the rows up to the mark.
    pub(super) counts: Counts,
    /// The rejects file, and how long it is with the rows up to the mark.
    pub(super) rejects: PathBuf,
    pub(super) rejects_length: u64,
}

/// The progress file of a running import. Holds its lock.
#[derive(Debug)]
pub(super) struct ProgressFile {
    path: PathBuf,
    locked: Option<File>,
}

impl ProgressFile {
    /// Takes the file and reads what an earlier import left.
    pub(super) fn take(path: PathBuf) -> Result<(Self, Option<Saved>), ImportError> {
        let failed = |doing, source| ImportError::File {
            path: path.clone(),
            doing,
            source,
        };
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((Self { path, locked: None }, None));
            }
            Err(error) => return Err(failed("cannot be opened", error)),
        };
        lock(&file, &path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)
            .map_err(|e| failed("cannot be read", e))?;
        let saved = serde_json::from_str(&text).map_err(|_| ImportError::InTheWay {
            path: path.clone(),
            what: "is not a progress file of this version; remove it to start anew",
        })?;
        let locked = Some(file);
        Ok((Self { path, locked }, Some(saved)))
    }

    /// Writes it anew.
    pub(super) fn save(&mut self, saved: &Saved) -> Result<(), ImportError> {
        let mut name = self.path.clone().into_os_string();
        name.push(".tmp");
        let beside = PathBuf::from(name);
        let failed = |source| ImportError::File {
            path: self.path.clone(),
            doing: HELP,
            source,
        };
        let text = serde_json::to_string_pretty(saved).map_err(|e| failed(e.into()))?;
        let options = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&beside);
        let mut file = options.map_err(failed)?;
        lock(&file, &self.path)?;
        file.set_len(0).map_err(failed)?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        file.sync_all().map_err(failed)?;
        fs::rename(&beside, &self.path).map_err(failed)?;
        self.locked = Some(file);
        Ok(())
    }

    /// The import is done: there is nothing to go on with.
    pub(super) fn remove(self) -> Result<(), ImportError> {
        fs::remove_file(&self.path).map_err(|source| ImportError::File {
            path: self.path,
            doing: "cannot be removed",
            source,
        })
    }
}

fn lock(file: &File, path: &Path) -> Result<(), ImportError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(ImportError::InTheWay {
            path: path.to_owned(),
            what: BUSY,
        }),
        Err(TryLockError::Error(source)) => Err(ImportError::File {
            path: path.to_owned(),
            doing: "cannot be locked",
            source,
        }),
    }
}

impl Saved {
    pub(super) fn new(fingerprint: String, run_id: String, rejects: PathBuf) -> Self {
        Self {
            version: VERSION,
            fingerprint,
            run_id,
            mark: 0,
            sent_limit: 0,
            counts: Counts::default(),
            rejects,
            rejects_length: 0,
        }
    }

    /// Whether an import can go on from here.
    pub(super) fn fits(&self, fingerprint: &str) -> bool {
        self.version == VERSION
            && self.fingerprint == fingerprint
            && self.counts.rows() == self.mark
    }
}

/// A hash of everything that must be the same for an import to go on: the mapping, the tenant, the store, and of the
/// input its size, its time of change and both its ends.
pub(super) fn fingerprint(options: &ImportOptions, mapping: &str) -> Result<String, ImportError> {
    let mut hash = LengthPrefixed(blake3::Hasher::new());
    hash.add(mapping.as_bytes());
    hash.add(options.tenant.as_str().as_bytes());
    hash.add(options.destination.as_bytes());
    if let Input::File(path) = &options.input {
        add_input(&mut hash, path).map_err(|source| ImportError::File {
            path: path.clone(),
            doing: "cannot be read",
            source,
        })?;
    }
    Ok(hash.finish_128().simple().to_string())
}

fn add_input(hash: &mut LengthPrefixed, path: &Path) -> io::Result<()> {
    let mut file = File::open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Ok(());
    }
    let changed = meta.modified()?.duration_since(UNIX_EPOCH);
    let changed = changed.unwrap_or_else(|before| before.duration());
    hash.add(&meta.len().to_le_bytes());
    hash.add(&changed.as_nanos().to_le_bytes());
    let mut end = Vec::new();
    (&mut file).take(END).read_to_end(&mut end)?;
    hash.add(&end);
    end.clear();
    file.seek(SeekFrom::Start(meta.len().saturating_sub(END)))?;
    file.take(END).read_to_end(&mut end)?;
    hash.add(&end);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saved(mark: u64) -> Saved {
        let counts = Counts {
            recorded: mark,
            ..Counts::default()
        };
        Saved {
            mark,
            counts,
            ..Saved::new("f".into(), "r".into(), PathBuf::from("x.rejects.tsv"))
        }
    }

    #[test]
    fn what_was_saved_is_read_again_and_removed_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.progress.json");
        let (mut file, nothing) = ProgressFile::take(path.clone()).unwrap();
        assert_eq!(nothing, None);
        file.save(&saved(1)).unwrap();
        file.save(&saved(2)).unwrap();
        drop(file);
        let (file, found) = ProgressFile::take(path.clone()).unwrap();
        assert_eq!(found, Some(saved(2)));
        file.remove().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_second_import_of_the_same_input_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.progress.json");
        let (mut file, _) = ProgressFile::take(path.clone()).unwrap();
        file.save(&saved(1)).unwrap();
        let refused = ProgressFile::take(path).unwrap_err();
        assert!(refused.to_string().ends_with(BUSY), "{refused}");
    }

    #[test]
    fn counts_that_do_not_add_up_and_other_inputs_start_anew() {
        assert!(saved(2).fits("f"));
        assert!(!saved(2).fits("g"));
        let torn = Saved {
            mark: 3,
            ..saved(2)
        };
        assert!(!torn.fits("f"));
    }

    #[test]
    fn a_file_that_is_something_else_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.progress.json");
        fs::write(&path, "{\"mine\": 1}").unwrap();
        assert!(ProgressFile::take(path.clone()).is_err());
        assert!(path.exists());
    }
}
