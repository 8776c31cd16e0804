//! The file that says of a data directory that it is the demo's, and whether the demo is in it.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::generate::{Arguments, FORMAT};

const NAME: &str = "demo.json";

/// What the file holds.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Saved {
    format: u32,
    seed: u64,
    customers: u64,
    loaded: bool,
}

/// The demo of a data directory.
#[derive(Debug)]
pub(super) struct Marker {
    path: PathBuf,
    saved: Saved,
    /// Whether everything is in it.
    pub(super) loaded: bool,
}

impl Marker {
    /// Takes a directory for a demo: one that is empty, or that has the same demo or a part of it.
    pub(super) fn take(data_dir: &Path, arguments: &Arguments) -> Result<Self, String> {
        let path = data_dir.join(NAME);
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        let mut saved = Saved {
            format: FORMAT,
            seed: arguments.seed,
            customers: arguments.customers,
            loaded: false,
        };
        match fs::read_to_string(&path) {
            Ok(text) => {
                let found: Option<Saved> = serde_json::from_str(&text).ok();
                let loaded = found.as_ref().is_some_and(|found| found.loaded);
                saved.loaded = loaded;
                if found.as_ref() != Some(&saved) {
                    return Err(format!(
                        "{} has another demo in it{}; remove it, or set CUSTOMER_PROFILE_DATA_DIR",
                        data_dir.display(),
                        found.map_or_else(String::new, |f| format!(
                            " ({} customers, format {})",
                            f.customers, f.format
                        ))
                    ));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if data_dir.join("postgres").exists() {
                    return Err(format!(
                        "{} has a database in it that is not the demo's; set CUSTOMER_PROFILE_DATA_DIR",
                        data_dir.display()
                    ));
                }
                make(data_dir).map_err(failed)?;
                write(&path, &saved).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        let loaded = saved.loaded;
        Ok(Self {
            path,
            saved,
            loaded,
        })
    }

    /// Notes that everything is in it.
    pub(super) fn done(mut self) -> Result<(), String> {
        self.saved.loaded = true;
        write(&self.path, &self.saved).map_err(|error| format!("{}: {error}", self.path.display()))
    }
}

/// Made so that the database's user can pass, whatever the umask says.
fn make(directory: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = directory
        .ancestors()
        .take_while(|dir| !dir.exists())
        .collect();
    for dir in missing.into_iter().rev() {
        fs::create_dir(dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// The file is whole or not there.
fn write(path: &Path, saved: &Saved) -> io::Result<()> {
    let draft = path.with_extension("json.tmp");
    let mut file = fs::File::create(&draft)?;
    file.write_all(serde_json::to_string(saved)?.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_demo_is_finished_once_and_by_its_own_arguments() {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = directory.path().join("data");
        let arguments = Arguments::new(200, 1);
        assert!(!Marker::take(&data_dir, &arguments).unwrap().loaded);
        let again = Marker::take(&data_dir, &arguments).unwrap();
        assert!(!again.loaded, "it was cut off");
        again.done().unwrap();
        assert!(Marker::take(&data_dir, &arguments).unwrap().loaded);
        let other = Marker::take(&data_dir, &Arguments::new(300, 1)).unwrap_err();
        assert!(other.contains("200 customers"), "{other}");
    }

    #[test]
    fn a_database_of_somebody_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("postgres")).unwrap();
        let refused = Marker::take(directory.path(), &Arguments::new(200, 1)).unwrap_err();
        assert!(refused.contains("not the demo's"), "{refused}");
    }
}
