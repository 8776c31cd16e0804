//! Where the server's programs are.
//!
//! The variable decides alone when it is set, so that a test of a version never runs another one. A cluster is opened only
//! by the major version that made it, hence all candidates are kept and not just the newest.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::error::Error;

/// A directory to take the programs from, before any other.
pub(super) const VARIABLE: &str = "CUSTOMER_PROFILE_POSTGRES_BIN";

/// Directories whose children hold a version each: the parent, how a child's name begins, what lies between.
const VERSIONED: [(&str, &str); 4] = [
    ("/usr/lib/postgresql", ""),
    ("/usr", "pgsql-"),
    ("/opt/homebrew/opt", "postgresql"),
    ("/usr/local/opt", "postgresql"),
];

/// The programs of one installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binaries {
    /// Makes a cluster.
    pub(super) initdb: PathBuf,
    /// Serves it.
    pub(super) postgres: PathBuf,
}

/// The programs to use: of the newest version, or of the one that made the cluster.
pub(super) fn find(made_by: Option<&str>) -> Result<Binaries, Error> {
    let candidates = match env::var_os(VARIABLE) {
        Some(dir) => vec![named(Path::new(&dir))?],
        None => candidates(
            VERSIONED.map(|(parent, prefix)| (Path::new(parent), prefix)),
            &env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>(),
        ),
    };
    let Some(first) = candidates.first().cloned() else {
        return Err(Error::NoBinaries);
    };
    let Some(made_by) = made_by else {
        return Ok(first);
    };
    candidates
        .into_iter()
        .find(|one| major_version(&one.postgres).as_deref() == Some(made_by))
        .ok_or_else(|| Error::WrongVersion {
            made_by: made_by.to_owned(),
            found: major_version(&first.postgres).unwrap_or_else(|| "unknown".to_owned()),
        })
}

fn named(dir: &Path) -> Result<Binaries, Error> {
    in_directory(dir).ok_or_else(|| Error::NoBinariesIn(dir.to_owned()))
}

fn candidates<'a>(
    versioned: impl IntoIterator<Item = (&'a Path, &'a str)>,
    path: &[PathBuf],
) -> Vec<Binaries> {
    let mut found: Vec<Binaries> = versioned
        .into_iter()
        .flat_map(|(parent, prefix)| newest_first(parent, prefix))
        .filter_map(|dir| in_directory(&dir.join("bin")))
        .collect();
    // A directory in PATH often holds links to some of the programs only; the others lie where the links point.
    let linked = path
        .iter()
        .filter_map(|dir| fs::canonicalize(dir.join("postgres")).ok());
    found.extend(linked.filter_map(|program| in_directory(program.parent()?)));
    found
}

fn in_directory(dir: &Path) -> Option<Binaries> {
    let dir = fs::canonicalize(dir).ok()?;
    let binaries = Binaries {
        initdb: dir.join("initdb"),
        postgres: dir.join("postgres"),
    };
    (binaries.initdb.is_file() && binaries.postgres.is_file()).then_some(binaries)
}

fn newest_first(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let mut children: Vec<(Vec<u32>, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let rest = name.strip_prefix(prefix)?;
            Some((numbers(rest), entry.path()))
        })
        .collect();
    children.sort_by(|a, b| b.cmp(a));
    children.into_iter().map(|(_, path)| path).collect()
}

/// The numbers in a name: 9.6 is older than 15, which text would order the other way.
fn numbers(name: &str) -> Vec<u32> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

/// From a line like `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)`.
fn major_version(postgres: &Path) -> Option<String> {
    let answer = Command::new(postgres).arg("--version").output().ok()?;
    let line = String::from_utf8(answer.stdout).ok()?;
    let version = line.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    (!digits.is_empty()).then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn install(dir: &Path) {
        fs::create_dir_all(dir).unwrap();
        for program in ["initdb", "postgres"] {
            fs::write(dir.join(program), "").unwrap();
        }
    }

    fn directories(found: &[Binaries]) -> Vec<&Path> {
        found.iter().map(|b| b.postgres.parent().unwrap()).collect()
    }

    #[test]
    fn the_newest_version_comes_first_and_path_last() {
        let root = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(root.path()).unwrap();
        for version in ["9.6", "15", "16"] {
            install(&root.join(version).join("bin"));
        }
        fs::remove_file(root.join("16/bin/initdb")).unwrap();
        install(&root.join("elsewhere"));
        let links = root.join("links");
        fs::create_dir(&links).unwrap();
        symlink(root.join("elsewhere/postgres"), links.join("postgres")).unwrap();

        let found = candidates([(root.as_path(), "")], &[links]);
        let expected = [
            root.join("15/bin"),
            root.join("9.6/bin"),
            root.join("elsewhere"),
        ];
        assert_eq!(directories(&found), expected);
    }

    #[test]
    fn where_there_is_nothing_the_error_says_in_one_line_how_to_get_it() {
        let root = tempfile::tempdir().unwrap();
        assert!(candidates([(root.path(), "")], &[root.path().to_owned()]).is_empty());
        for text in [
            Error::NoBinaries.to_string(),
            named(root.path()).unwrap_err().to_string(),
        ] {
            assert!(text.contains(VARIABLE), "{text}");
            assert!(!text.contains('\n'), "{text}");
        }
        assert!(Error::NoBinaries.to_string().contains("DATABASE_URL"));
    }
}
