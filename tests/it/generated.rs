//! A made-up retailer, through the program: generated, imported, verified, shown.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
};

use customer_profile::{
    generate::{Arguments, truth},
    identity::{Region, normalise::normalise},
};
use serde_json::Value;

use crate::{
    harness::{Service, process::program},
    imports::{printed, run},
};

fn generate(out: &Path, more: &[&str]) -> Command {
    let mut command = program();
    command.arg("generate").arg("--out").arg(out).args(more);
    command
}

async fn import(service: &Service, file: &Path, state_dir: &Path) -> Value {
    let mut command = program();
    command.arg("import").arg(file);
    command.arg("--state-dir").arg(state_dir);
    command.args(["--json", "--to", &service.url]);
    serde_json::from_str(&printed(command).await).unwrap()
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn files(directory: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_writes_the_same_bytes_twice_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let (one, other) = (directory.path().join("one"), directory.path().join("other"));
    for out in [&one, &other] {
        let said = printed(generate(out, &["--customers", "100", "--seed", "7"])).await;
        assert_eq!(said, "", "nothing but data on standard output");
    }
    let names = files(&one);
    let wanted = ["interactions.ndjson", "manifest.json", "truth.ndjson"];
    assert!(names.iter().eq(wanted), "{names:?}");
    for name in &names {
        let same = fs::read(one.join(name)).unwrap() == fs::read(other.join(name)).unwrap();
        assert!(same, "{name}");
    }
    let manifest: Value =
        serde_json::from_slice(&fs::read(one.join("manifest.json")).unwrap()).unwrap();
    assert_eq!(manifest["interactions"], 2_000);
    let count = lines(&one.join("interactions.ndjson")).len();
    assert_eq!(manifest["lines"], count);

    let refused: Output = run(generate(&one, &["--customers", "99"])).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("100 to 1,000,000"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_generated_is_imported_once_and_comes_to_one_digest() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    printed(generate(&out, &["--customers", "200"])).await;
    let file = out.join("interactions.ndjson");
    let all = lines(&file);
    let repeats = u64::try_from(all.len()).unwrap() - 4_000;

    let service = Service::start().await;
    let summary = import(&service, &file, directory.path()).await;
    assert_eq!(summary["recorded"], 4_000, "{summary}");
    assert_eq!(summary["duplicates"], repeats, "{summary}");
    assert_eq!(summary["rejected"], 0, "{summary}");
    let digest = service.digest("default").await;
    assert_eq!(service.verify("default").await.differences, 0);

    let again = import(&service, &file, directory.path()).await;
    assert_eq!(again["recorded"], 0, "{again}");
    assert_eq!(again["duplicates"], 4_000 + repeats, "{again}");
    assert_eq!(service.digest("default").await, digest);

    // The digest does not depend on the order in which it came.
    let text = fs::read_to_string(&file).unwrap();
    let mut backwards: Vec<&str> = text.lines().collect();
    backwards.reverse();
    let turned = directory.path().join("turned.ndjson");
    fs::write(&turned, backwards.join("\n")).unwrap();
    let other = Service::start().await;
    import(&other, &turned, directory.path()).await;
    assert_eq!(other.digest("default").await, digest);
    other.stop().await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_identifier_in_the_file_is_in_the_truth_or_garbage() {
    let directory = tempfile::tempdir().unwrap();
    printed(generate(
        directory.path(),
        &["--customers", "200", "--seed", "3"],
    ))
    .await;
    let mut known = BTreeSet::new();
    let mut standings = BTreeSet::new();
    let people = lines(&directory.path().join("truth.ndjson"));
    assert_eq!(people.len(), 200);
    for person in &people {
        for identifier in person["identifiers"].as_array().unwrap() {
            let text = |name: &str| identifier[name].as_str().unwrap().to_owned();
            standings.insert(text("standing"));
            known.insert((text("namespace"), text("value")));
        }
    }
    assert!(
        standings.iter().eq(["own", "shared", "slip"]),
        "{standings:?}"
    );
    let garbage = truth::garbage();
    for interaction in lines(&directory.path().join("interactions.ndjson")) {
        for given in interaction["identifiers"].as_array().unwrap() {
            let (namespace, value) = (&given["namespace"], &given["value"]);
            let (namespace, value) = (namespace.as_str().unwrap(), value.as_str().unwrap());
            let nobody = garbage
                .iter()
                .any(|g| g.namespace == namespace && g.value == value);
            if !nobody {
                let form = normalise(namespace, value, Region::JP).unwrap();
                let pair = (form.namespace, form.value);
                assert!(known.contains(&pair), "{pair:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_no_interactions_are_named_and_the_others_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("in.ndjson");
    let good = |id: &str| {
        format!(
            r#"{{"source": "web", "eventId": "{id}", "occurredAt": "2026-03-01T10:15:00Z", "department": "web",
                "channel": "web", "type": "page.viewed", "identifiers": [{{"namespace": "cookie", "value": "c-1"}}]}}"#
        )
        .replace('\n', " ")
    };
    let rows = [
        good("1"),
        good("2").replace("\"type\"", "\"typo\""),
        good("3").replace("\"web\", \"eventId\"", "\"\\ud800\", \"eventId\""),
        String::new(),
        good("4").replace("\"2026-03-01T10:15:00Z\"", "20260301"),
        good("5").replace("cookie", "No Slug"),
        good("6"),
    ];
    let mut gzip = flate2::write::GzEncoder::new(
        fs::File::create(&file).unwrap(),
        flate2::Compression::fast(),
    );
    std::io::Write::write_all(&mut gzip, rows.join("\n").as_bytes()).unwrap();
    gzip.finish().unwrap();
    let mut dry = program();
    dry.arg("import").arg(&file).args(["--dry-run", "--json"]);
    let tried: Value = serde_json::from_str(&printed(dry).await).unwrap();
    assert_eq!((&tried["mapped"], &tried["faulty"]), (&3.into(), &3.into()));

    let service = Service::start().await;
    let summary = import(&service, &file, directory.path()).await;
    assert_eq!(summary["recorded"], 2, "{summary}");
    assert_eq!(summary["rejected"], 4, "{summary}");
    let rejects = fs::read_to_string(summary["rejects"].as_str().unwrap()).unwrap();
    let rows: Vec<Vec<&str>> = rejects
        .lines()
        .skip(1)
        .map(|l| l.split('\t').collect())
        .collect();
    let found: Vec<_> = rows.iter().map(|row| (row[0], row[2])).collect();
    assert_eq!(
        found,
        [("2", "2"), ("3", ""), ("5", "4"), ("6", "5")],
        "{rejects}"
    );
    for (row, named) in rows.iter().zip([
        "typo is no field",
        "unpaired surrogate",
        "occurredAt is not a time",
        "not_a_slug",
    ]) {
        assert!(row[3].contains(named), "{named}: {rejects}");
    }
    let run_id = summary["run_id"].as_str().unwrap();
    let mut undo = program();
    undo.args(["import", "--undo", run_id, "--to", &service.url, "--json"]);
    let undone: Value = serde_json::from_str(&printed(undo).await).unwrap();
    assert_eq!(undone["retracted"], 2, "{undone}");
    service.stop().await;

    let mut table = program();
    table.args(["import", "export.csv", "--dry-run"]);
    let refused = run(table).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("needs --mapping"));
}

fn demo(data_dir: &Path, customers: &str) -> Command {
    let mut command = program();
    command
        .args(["demo", "--check", "--customers", customers])
        .env("CUSTOMER_PROFILE_DATA_DIR", data_dir)
        .env(
            "CUSTOMER_PROFILE_LISTEN__GRPC",
            format!("unix:{}", data_dir.join("grpc.sock").display()),
        )
        .env("CUSTOMER_PROFILE_LISTEN__METRICS", "");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_loads_once_and_never_into_a_database_of_somebody() {
    let data_dir = Service::socket_file("demo");
    fs::create_dir_all(&data_dir).unwrap();
    fs::set_permissions(&data_dir, fs::Permissions::from_mode(0o711)).unwrap();
    let mut command = demo(&data_dir, "300");
    // A configuration that `serve` would refuse: the demo does not look at it.
    command.env("DATABASE_URL", "postgres://nobody@localhost:1/none");
    let first = run(command).await;
    let said = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(first.status.success(), "{said}");
    assert!(said.contains("6000 interactions recorded"), "{said}");
    assert!(said.contains("is not touched"), "{said}");
    let shown = String::from_utf8(first.stdout).unwrap();
    for named in ["email", "phone", "customer_id", "loyalty_id", "tickets"] {
        assert!(shown.contains(named), "{named}: {shown}");
    }

    let second = run(demo(&data_dir, "300")).await;
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(second.status.success(), "{said}");
    assert!(said.contains("loaded already"), "{said}");
    assert_eq!(String::from_utf8(second.stdout).unwrap(), shown);

    let marker = data_dir.join("demo.json");
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("true", "false")).unwrap();
    let cut_off = run(demo(&data_dir, "300")).await;
    let said = String::from_utf8_lossy(&cut_off.stderr).into_owned();
    assert!(said.contains("0 interactions recorded"), "{said}");
    assert_eq!(String::from_utf8(cut_off.stdout).unwrap(), shown);

    let other = run(demo(&data_dir, "400")).await;
    assert_eq!(other.status.code(), Some(1));
    assert_eq!(Arguments::new(300, 1).interactions(), 6_000);
}
