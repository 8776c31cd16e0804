//! The READMEs and the page of calls: every command in them is run against a demo, and those of both languages are the
//! same. A command that [`KNOWN`] does not know fails the test, so none can be added without being tried.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _};

use customer_profile::generate::{Arguments, showcase::showcase};
use serde_json::Value;

use crate::{
    harness::{
        Database, Service,
        documents::{self, Document, Session, Shown, root},
        process::program,
        shop, skipped,
        stage::{Demo, Stage},
    },
    imports::{printed, run},
};

/// Documents whose commands are run in their order, each section in one shell.
const RUN: [&str; 3] = ["README.md", "README.ja.md", "docs/calls.md"];

/// How a command is tried.
#[derive(Clone, Copy, Debug)]
enum How {
    /// As it stands, but for what [`Stage::replaced`] replaces; its output has these words.
    Here(&'static str),
    /// So too, where this file is there.
    If(&'static str),
    /// In the background until it answers; then it is told to stop, and has to end well.
    Serving,
    /// By something else: a file, and the words with which it does so.
    Elsewhere(&'static str, &'static str),
}

/// The commands that there may be, by their beginnings; the first that fits counts.
const KNOWN: &[(&str, How)] = &[
    (
        "scripts/demo.sh",
        How::Elsewhere(
            "scripts/check-bare-root.sh",
            "timed scripts/demo.sh --check",
        ),
    ),
    (
        "scripts/test.sh",
        How::Elsewhere(".ci/run", "/../scripts/test.sh"),
    ),
    (
        "scripts/setup.sh --clients",
        How::Elsewhere("scripts/test.sh", "scripts/setup.sh --lint --clients"),
    ),
    (
        "npm run --prefix examples/web build",
        How::Elsewhere(
            "tests/it/clients.rs",
            "[\"run\", \"--prefix\", \"examples/web\", \"--silent\", \"build\"]",
        ),
    ),
    (
        "node examples/web/check.js http://127.0.0.1:7401",
        How::Elsewhere(
            "tests/it/clients.rs",
            "[\"examples/web/check.js\", &service.url]",
        ),
    ),
    (
        "node examples/node/client.js ",
        How::If("examples/node/node_modules/installed.json"),
    ),
    (
        "target/tools/python/bin/python examples/python/client.py ",
        How::If("target/tools/python/bin/python"),
    ),
    ("export ", How::Here("")),
    ("cat > ", How::Here("")),
    ("chmod 600 hash_secret", How::Here("")),
    (
        "head -c 48 /dev/urandom | base64 > hash_secret",
        How::Here(""),
    ),
    ("customer-profile get ", How::Here("profile")),
    ("customer-profile timeline ", How::Here("WHEN")),
    ("customer-profile search ", How::Here("PROFILE")),
    ("customer-profile explain ", How::Here("is known by")),
    ("customer-profile actions ", How::Here("")),
    ("customer-profile call ", How::Here("\n")),
    ("grpcurl -plaintext ", How::Here("\n")),
    ("customer-profile import ", How::Here("")),
    ("customer-profile migrate", How::Here("")),
    ("customer-profile verify", How::Here("")),
    ("customer-profile digest", How::Here("\n")),
    ("customer-profile serve", How::Serving),
];

/// What `serve` becomes.
const SERVING: &str = r#"CUSTOMER_PROFILE_LISTEN__GRPC="unix:$PWD/serve.sock" CUSTOMER_PROFILE_LISTEN__METRICS= \
  customer-profile serve & serving=$!
for _ in $(seq 300); do
  if customer-profile call Health/Check --to "unix:$PWD/serve.sock" 2>/dev/null; then break; fi
  sleep 0.2
done
kill -s TERM "$serving"
wait "$serving""#;

fn known(command: &str) -> Option<How> {
    let mut known = KNOWN.iter();
    let (_, how) = known.find(|(start, _)| command.starts_with(start))?;
    Some(*how)
}

fn how(command: &str) -> How {
    known(command)
        .unwrap_or_else(|| panic!("nobody knows how to try this command; tell `KNOWN`: {command}"))
}

/// Runs a section, and looks at what each command printed.
async fn act(stage: &Stage, document: &str, session: &Session) {
    let mut script =
        "set -euo pipefail\ntrap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n".to_owned();
    let mut tried = Vec::new();
    for command in &session.commands {
        let says = match how(command) {
            How::Elsewhere(..) => continue,
            How::If(file) if !root().join(file).exists() => {
                skipped(&format!(
                    "{command} of {document}; scripts/setup.sh --clients installs {file}"
                ));
                continue;
            }
            How::Here(says) => says,
            How::If(_) => "profile",
            How::Serving => "SERVING",
        };
        let replaced = match how(command) {
            How::Serving => SERVING.to_owned(),
            _ => stage.replace(command),
        };
        script += &replaced;
        script += "\nprintf '\\036'\n";
        tried.push((command, says));
    }
    let place = format!("{document}, {}", session.heading);
    let output = run(stage.shell(&script)).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{place}: {said}\n{script}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let printed: Vec<&str> = printed.split('\u{1e}').collect();
    assert_eq!(printed.len(), tried.len() + 1, "{place}: {printed:?}");
    for ((command, says), printed) in tried.iter().zip(printed) {
        assert!(printed.contains(says), "{place}: {command}: {printed}");
    }
}

/// Runs what is shown with its output, and compares the two.
async fn compare(stage: &Stage, document: &str, shown: &Shown) {
    assert!(
        shown.command.starts_with("customer-profile "),
        "{document}: {}",
        shown.command
    );
    let output = run(stage.shell(&stage.replace(&shown.command))).await;
    let fails = shown
        .printed
        .iter()
        .any(|line| line.starts_with("customer-profile: "));
    let mut real = String::from_utf8(output.stdout).unwrap();
    real += std::str::from_utf8(&output.stderr).unwrap();
    assert_eq!(
        output.status.success(),
        !fails,
        "{document}: {shown:?}: {real}"
    );
    let real: BTreeSet<String> = real.lines().map(lasting).collect();
    for line in &shown.printed {
        let cut = line.trim() == "..." || line.contains("..\"");
        assert!(
            cut || real.contains(&lasting(line)),
            "{document}: {}: {line}: {real:#?}",
            shown.command
        );
    }
}

/// A line without what is another each time: ids that are drawn, how long ago something was, in how many
/// batches it was stored, and the widths of columns.
fn lasting(line: &str) -> String {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    for at in 0..words.len() {
        if words[at].len() == 36 && words[at].matches('-').count() == 4 {
            words[at] = "(id)";
        }
        if at > 1 && words[at].starts_with("ago") {
            (words[at - 1], words[at - 2]) = ("", "");
        }
        if at > 0 && words[at - 1] == "version" {
            words[at] = "(number)";
        }
    }
    words.join(" ")
}

#[test]
fn both_readmes_have_the_same_commands_and_every_one_is_known() {
    let [english, japanese, calls] = RUN.map(documents::read);
    let commands: Vec<&str> = english.commands().collect();
    assert!(commands.len() > 30, "{commands:#?}");
    assert_eq!(japanese.commands().collect::<Vec<_>>(), commands);
    let shown = |document: &Document| -> Vec<(String, Vec<String>)> {
        let all = document.shown.iter();
        all.map(|s| (s.command.clone(), s.printed.clone()))
            .collect()
    };
    assert_eq!(shown(&japanese), shown(&english));
    for document in [&english, &japanese, &calls] {
        assert_eq!(
            document.stray,
            Vec::<String>::new(),
            "in blocks that are not run"
        );
        for command in document.commands() {
            if let How::Elsewhere(file, words) = how(command) {
                let text = fs::read_to_string(root().join(file)).unwrap();
                assert!(text.contains(words), "{command} is not tried by {file}");
            }
        }
    }
    for (start, _) in KNOWN {
        let mut all = commands.iter();
        assert!(
            all.any(|command| command.starts_with(start)),
            "no README has {start}"
        );
    }
    let made_up = documents::parse(
        "```sh\nrm -r a   # b\n```\n\n    c \\\n      d\n    e <<'F'\n    'g\n    F\n",
    );
    assert_eq!(
        made_up.commands().collect::<Vec<_>>(),
        ["rm -r a", "c \\\n  d", "e <<'F'\n'g\nF"]
    );
    assert!(known("rm -r a").is_none());
}

/// The method and the request of a call, however it is called.
fn called(command: &str) -> Option<(String, String)> {
    let request = |after: &str| match command.split_once('\'') {
        Some((_, rest)) => rest.rsplit_once('\'').unwrap().0.to_owned(),
        None => after.trim_start_matches(['@', '<', ' ']).to_owned(),
    };
    let words: Vec<&str> = command.split_whitespace().collect();
    let (method, after) = match words[..] {
        ["customer-profile", "call", method, after, ..] if !method.starts_with("--") => {
            (method, after)
        }
        ["grpcurl", "-plaintext", "-d", ..] => {
            let at = words.iter().position(|word| *word == "127.0.0.1:7401")?;
            (*words.get(at + 1)?, *words.last()?)
        }
        _ => return None,
    };
    let method = method.rsplit_once('/').map_or(method, |(_, short)| short);
    Some((method.to_owned(), request(after)))
}

#[test]
fn every_call_is_shown_in_both_ways_and_the_page_of_calls_has_all() {
    for name in RUN {
        let document = documents::read(name);
        let of = |program: &str| -> BTreeSet<(String, String)> {
            let all = document.commands();
            all.filter(|c| c.starts_with(program))
                .filter_map(called)
                .collect()
        };
        let (ours, theirs) = (of("customer-profile"), of("grpcurl"));
        assert_eq!(ours, theirs, "{name}");
        assert!(ours.len() > 3, "{name}: {ours:?}");
        if name == "docs/calls.md" {
            let shown: BTreeSet<&str> = ours.iter().map(|(method, _)| method.as_str()).collect();
            let proto = fs::read_dir(root().join("proto/customer_profile/v1")).unwrap();
            for file in proto.map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()) {
                for method in file.lines().filter_map(|l| l.trim().strip_prefix("rpc ")) {
                    let method = method.split('(').next().unwrap();
                    assert!(shown.contains(method), "{name} does not show {method}");
                }
            }
        }
    }
    for name in documents::below_docs() {
        if !RUN.contains(&name.as_str()) {
            let document = documents::read(&name);
            let calls: Vec<&str> = document
                .commands()
                .filter(|c| c.starts_with("grpcurl") || c.starts_with("customer-profile call"))
                .collect();
            assert_eq!(
                calls,
                Vec::<&str>::new(),
                "{name}: calls stand in docs/calls.md"
            );
        }
    }
}

/// An import of one line, to be undone; its run.
async fn one_import(stage: &Stage) -> String {
    let file = stage.directory.path().join("one.ndjson");
    let line = r#"{"source": "test", "eventId": "1", "occurredAt": "2026-03-01T00:00:00Z", "department": "web",
        "channel": "web", "type": "page.viewed", "identifiers": [{"namespace": "cookie", "value": "c-1"}]}"#;
    fs::write(&file, line.replace('\n', "")).unwrap();
    let script = format!(
        "customer-profile import one.ndjson --tenant trial --json --to {}",
        stage.url
    );
    let summary: Value = serde_json::from_str(&printed(stage.shell(&script)).await).unwrap();
    summary["run_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_of_both_readmes_and_every_call_works() {
    let data_dir = Service::socket_file("readme");
    fs::create_dir_all(&data_dir).unwrap();
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o711)).unwrap();
    let started = data_dir.clone();
    let demo = tokio::task::spawn_blocking(move || Demo::start(&started))
        .await
        .unwrap();
    for name in RUN {
        let document = documents::read(name);
        let stage = Stage::new(&demo.url);
        let run_id = one_import(&stage).await;
        let database = Database::empty().await;
        let stage = stage
            .with(
                "postgres://user:password@db.example/customers",
                database.url(),
            )
            .with("--undo RUN", format!("--undo {run_id}"));
        for shown in &document.shown {
            compare(&stage, name, shown).await;
        }
        for session in &document.sessions {
            act(&stage, name, session).await;
        }
        if name.starts_with("README") {
            let all: Vec<&str> = document.commands().collect();
            for (text, _) in &stage.replaced {
                assert!(
                    all.iter().any(|c| c.contains(text)),
                    "{name} has no {text} to replace"
                );
            }
        }
    }
    let stage = Stage::new(&demo.url);
    assert_eq!(demo.to_try.len(), 5, "{:?}", demo.to_try);
    for line in &demo.to_try {
        printed(stage.shell(line)).await;
    }
    demo.stop();

    let mut check = Demo::command(&data_dir);
    check.arg("--check");
    let short = printed(check).await;
    let shown = showcase(&Arguments::new(2_000, 1)).unwrap();
    assert!(short.contains(&shown.email), "{short}");
    for name in &RUN[..2] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        assert!(
            text.contains(&shown.email) && text.contains(&shown.phone),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_documents_show_of_the_shop_is_what_commands_print() {
    let service = Service::start().await;
    let stage = Stage::new(&service.url);
    let mut import = program();
    import.arg("import").arg(shop::example("shop.csv"));
    import.arg("--mapping").arg(shop::example("shop.toml"));
    import.arg("--state-dir").arg(stage.directory.path());
    import.args(["--to", &service.url]);
    printed(import).await;
    let mut compared = 0;
    for name in documents::below_docs() {
        for shown in &documents::read(&name).shown {
            compare(&stage, &name, shown).await;
            compared += 1;
        }
    }
    assert!(compared >= 9, "{compared}");
    service.stop().await;
}
