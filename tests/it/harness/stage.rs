//! Where the commands of documents are run: a demo that serves, and a directory with the examples in it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use super::{
    documents::root,
    process::{program, signal},
};

/// In place of grpcurl: what it is asked for is asked through `call`, which takes the same JSON.
const GRPCURL: &str = r#"#!/bin/sh
[ "$1" = -plaintext ] && shift || exit 90
if [ "$1" = -d ]; then body=$2; shift 2; fi
[ "http://$1" = "$CUSTOMER_PROFILE_URL" ] || exit 91
case $2 in
  list) exec customer-profile call --list ;;
  describe) exec customer-profile call --describe "$3" ;;
esac
[ "$body" != @ ] || body=-
exec customer-profile call "$2" "$body"
"#;

/// A demo that serves, as large as `scripts/demo.sh` makes it, so that it shows the customer whom the READMEs name.
pub struct Demo {
    child: Child,
    pub url: String,
    /// What it says there is to try.
    pub to_try: Vec<String>,
}

const CUSTOMERS: &str = "2000";

impl Demo {
    /// The command that starts it.
    pub fn command(data_dir: &Path) -> Command {
        let mut command = program();
        command
            .args(["demo", "--customers", CUSTOMERS])
            .env("CUSTOMER_PROFILE_DATA_DIR", data_dir)
            .env("CUSTOMER_PROFILE_LISTEN__GRPC", "127.0.0.1:0")
            .env("CUSTOMER_PROFILE_LISTEN__METRICS", "");
        command
    }

    pub fn start(data_dir: &Path) -> Self {
        let mut child = Self::command(data_dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let to_try = stdout.lines().map(Result::unwrap).skip(1).take(5).collect();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut url = None;
        let mut all = String::new();
        while url.is_none() && said.read_line(&mut all).unwrap() > 0 {
            let line = all.lines().next_back().unwrap_or_default();
            let of = line.strip_prefix("serving on ");
            url = of.and_then(|rest| Some(rest.split_once(';')?.0.to_owned()));
        }
        // Somebody has to read on, or it would wait for a reader.
        std::thread::spawn(move || {
            let _ = said.read_to_end(&mut Vec::new());
        });
        Self {
            child,
            url: url.unwrap_or_else(|| panic!("the demo does not serve: {all}")),
            to_try,
        }
    }

    pub fn stop(mut self) {
        signal("TERM", self.child.id());
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Ended already unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where commands are run: a directory of their own, with the examples in it.
pub struct Stage {
    pub directory: tempfile::TempDir,
    pub url: String,
    /// What stands in a document, and what is run in its place.
    pub replaced: Vec<(&'static str, String)>,
}

impl Stage {
    pub fn new(url: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir_all(at("examples")).unwrap();
        fs::create_dir(at("bin")).unwrap();
        for entry in fs::read_dir(root().join("examples")).unwrap() {
            let (path, to) = {
                let entry = entry.unwrap();
                (entry.path(), at("examples").join(entry.file_name()))
            };
            // Imports leave their progress beside their input, so that is a copy.
            if path.is_file() {
                fs::copy(path, to).unwrap();
            } else {
                symlink(path, to).unwrap();
            }
        }
        for name in ["proto", "target"] {
            symlink(root().join(name), at(name)).unwrap();
        }
        fs::write(at("bin/grpcurl"), GRPCURL).unwrap();
        fs::set_permissions(at("bin/grpcurl"), fs::Permissions::from_mode(0o755)).unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_customer-profile"));
        symlink(program, at("bin/customer-profile")).unwrap();
        let bin = at("bin").to_str().unwrap().to_owned();
        let address = url.strip_prefix("http://").unwrap().to_owned();
        Self {
            directory,
            url: url.to_owned(),
            replaced: vec![("127.0.0.1:7401", address), ("$PWD/target/release", bin)],
        }
    }

    pub fn with(mut self, text: &'static str, by: String) -> Self {
        self.replaced.push((text, by));
        self
    }

    /// A shell that finds the program, and `grpcurl`.
    pub fn shell(&self, script: &str) -> Command {
        let bin = self.directory.path().join("bin");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = program();
        let kept: Vec<_> = command
            .get_envs()
            .filter_map(|(k, v)| Some((k.to_owned(), v?.to_owned())))
            .collect();
        command = Command::new("timeout");
        command
            .env_clear()
            .envs(kept)
            .env("PATH", format!("{}:{path}", bin.display()))
            .env("HOME", self.directory.path())
            .env("LANG", "C.UTF-8")
            .env("CUSTOMER_PROFILE_URL", &self.url)
            .args(["300", "bash", "-c", script])
            .current_dir(self.directory.path());
        command
    }

    pub fn replace(&self, command: &str) -> String {
        let mut command = command.to_owned();
        for (text, by) in &self.replaced {
            command = command.replace(text, by);
        }
        command
    }
}
