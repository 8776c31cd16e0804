//! Imports by the program: the real files, and a small one of our own making.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use customer_profile::{
    profile::{State, digest::Population},
    proto::v1::{GetProfileRequest, Profile},
};
use serde_json::Value;
use sqlx::Row as _;

use crate::harness::{
    Database, Service, cluster::SECRET, make, population, process::program, say, shop,
};

/// A file of the real data, if it is there.
fn real(name: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("CUSTOMER_PROFILE_DATA").map_or_else(default, PathBuf::from);
    let path = root.join(name);
    if path.is_file() {
        Some(path)
    } else {
        say(format_args!("SKIPPED: real data"));
        None
    }
}

/// The program on a database, as an operator runs it.
pub fn on(database: &Database, arguments: &[&str]) -> Command {
    let mut command = program();
    command
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env("CUSTOMER_PROFILE_HASH_SECRET", SECRET);
    command
}

/// Runs a command without standing in the way of the service in this process.
pub async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// What a command that succeeds printed.
pub async fn printed(command: Command) -> String {
    let output = run(command).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// An import; its summary.
async fn import(mut command: Command, file: &Path, mapping: &Path, directory: &Path) -> Value {
    command.arg("import").arg(file).arg("--json");
    command.arg("--mapping").arg(mapping);
    command.arg("--state-dir").arg(directory);
    summary_of(command).await
}

async fn import_through(service: &Service, file: &Path, mapping: &str, at: &Path) -> Value {
    let mut command = program();
    command.arg("import").arg(file).arg("--json");
    command.arg("--mapping").arg(shop::example(mapping));
    command.arg("--state-dir").arg(at);
    command.args(["--to", &service.url]);
    summary_of(command).await
}

async fn summary_of(command: Command) -> Value {
    serde_json::from_str(&printed(command).await).unwrap()
}

fn counts(summary: &Value) -> [u64; 5] {
    ["recorded", "duplicates", "unsure", "conflicts", "rejected"]
        .map(|name| summary[name].as_u64().unwrap())
}

/// Profiles with members, and their orders in dollar cents.
async fn totals(database: &Database) -> (usize, i64) {
    let mut connection = database.connect().await;
    let rows = sqlx::query("SELECT state FROM profiles WHERE last_day IS NOT NULL")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    let cents = rows
        .iter()
        .map(|row| State::decode(row.get(0), None).unwrap())
        .filter_map(|state| state.core().totals.clone())
        .flat_map(|totals| totals.ordered)
        .filter(|amount| amount.currency == "USD")
        .map(|amount| amount.minor_units)
        .sum();
    (rows.len(), cents)
}

async fn profile(service: &Service, who: &str) -> Profile {
    let request = GetProfileRequest {
        lookup: make::by(who),
        ..GetProfileRequest::default()
    };
    let answer = service.profiles().get_profile(request).await.unwrap();
    answer.into_inner().profile.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_purchases_come_to_the_figures_that_are_known_of_them() {
    let Some(file) = real("purchases/CDNOW_master.txt") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let summary = import_through(&service, &file, "purchases.toml", directory.path()).await;
    say(format_args!("purchases: {summary}"));
    assert_eq!(counts(&summary), [69_659, 0, 0, 0, 0], "{summary}");
    let (profiles, cents) = totals(&service.database).await;
    assert_eq!((profiles, cents), (23_570, 250_031_563));
    let best = profile(&service, "customer_id=14048").await;
    assert_eq!(best.orders.unwrap().count, 217);
    let first = profile(&service, "customer_id=00001").await;
    assert_eq!(first.identifiers[0].value, "00001", "leading zeros stay");

    let digest = service.digest("default").await;
    let again = import_through(&service, &file, "purchases.toml", directory.path()).await;
    assert_eq!(counts(&again), [0, 69_659, 0, 0, 0], "{again}");
    assert_eq!(service.digest("default").await, digest);
    say(format_args!("purchases: digest {digest}"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn support_messages_come_to_their_figures_and_can_be_taken_back() {
    let (file, mapping, expected, profiles) = if let Some(file) = real("support/airline_tweets.csv")
    {
        let counts = [11_502, 122, 0, 0, 0];
        (file, "support.toml", counts, Some(6_116))
    } else {
        let counts = [rows_of_the_shop(), 0, 0, 0, 0];
        (shop::example("shop.csv"), "shop.toml", counts, None)
    };
    let directory = tempfile::tempdir().unwrap();
    let service = Service::start().await;
    let summary = import_through(&service, &file, mapping, directory.path()).await;
    assert_eq!(counts(&summary), expected, "{summary}");
    if let Some(profiles) = profiles {
        assert_eq!(totals(&service.database).await.0, profiles);
    }
    let digest = service.digest("default").await;
    assert_eq!(service.verify("default").await.differences, 0);

    let again = import_through(&service, &file, mapping, directory.path()).await;
    let rows: u64 = expected.iter().sum();
    assert_eq!(counts(&again), [0, rows, 0, 0, 0], "{again}");
    assert_eq!(service.digest("default").await, digest);
    let left_behind = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(left_behind, 0, "no progress and no rejects stay behind");

    let mut undo = program();
    let run_id = summary["run_id"].as_str().unwrap();
    undo.args(["import", "--undo", run_id, "--to", &service.url, "--json"]);
    let undone = summary_of(undo).await;
    say(format_args!("support: {summary} {undone} digest {digest}"));
    assert_eq!(undone["retracted"], expected[0], "{undone}");
    let nothing = Population::default().finish();
    assert_eq!(service.digest("default").await, nothing);
    assert_eq!(totals(&service.database).await.0, 0);
    let report = service.verify("default").await;
    assert_eq!(
        (report.differences, report.identities),
        (0, 0),
        "{report:?}"
    );

    let replayed = import_through(&service, &file, mapping, directory.path()).await;
    assert_eq!(counts(&replayed), [0, 0, 0, 0, rows], "{replayed}");
    assert_eq!(service.digest("default").await, nothing);
    service.stop().await;
}

/// Rows of the small example, each of which is one interaction.
fn rows_of_the_shop() -> u64 {
    let mut file = csv::Reader::from_path(shop::example("shop.csv")).unwrap();
    u64::try_from(file.records().count()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_database_of_the_settings_is_imported_into() {
    let directory = tempfile::tempdir().unwrap();
    let database = Database::new().await;
    let file = shop::example("shop.csv");
    let mapping = shop::example("shop.toml");
    let summary = import(on(&database, &[]), &file, &mapping, directory.path()).await;
    assert_eq!(
        counts(&summary),
        [rows_of_the_shop(), 0, 0, 0, 0],
        "{summary}"
    );
    let digest = printed(on(&database, &["digest"])).await;
    assert_eq!(digest.trim().len(), 64);
    let again = import(on(&database, &[]), &file, &mapping, directory.path()).await;
    assert_eq!(counts(&again), [0, rows_of_the_shop(), 0, 0, 0], "{again}");
    assert_eq!(printed(on(&database, &["digest"])).await, digest);

    let run_id = summary["run_id"].as_str().unwrap();
    printed(on(&database, &["import", "--undo", run_id])).await;
    let nothing = format!("{}\n", Population::default().finish());
    assert_eq!(printed(on(&database, &["digest"])).await, nothing);
    let verified = printed(on(&database, &["verify"])).await;
    assert_eq!(
        verified,
        "default: 0 interactions, 0 identities, 0 profiles, 0 differences\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_export_in_two_formats_is_one_set_of_interactions() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let interactions = population::interactions(9, 800, 90);
    let rows = shop::write_csv(&at("a.csv"), &interactions);
    shop::write_ndjson_gz(&at("a.ndjson.gz"), &at("ndjson.toml"), &interactions);
    let (one, other) = (Database::new().await, Database::new().await);
    let csv = shop::example("shop.toml");

    let summary = import(on(&one, &[]), &at("a.csv"), &csv, directory.path()).await;
    assert_eq!(counts(&summary), [rows, 0, 0, 0, 0], "{summary}");
    let (objects, mapping) = (at("a.ndjson.gz"), at("ndjson.toml"));
    let summary = import(on(&other, &[]), &objects, &mapping, directory.path()).await;
    assert_eq!(counts(&summary), [rows, 0, 0, 0, 0], "{summary}");
    let digest = printed(on(&one, &["digest"])).await;
    assert_eq!(printed(on(&other, &["digest"])).await, digest);

    let summary = import(on(&one, &[]), &objects, &mapping, directory.path()).await;
    // All of it was there; of what it had to send twice it cannot know since when.
    let [recorded, duplicates, unsure, conflicts, rejected] = counts(&summary);
    assert_eq!((recorded, duplicates + unsure), (0, rows), "{summary}");
    assert_eq!((conflicts, rejected), (0, 0), "{summary}");
    assert_eq!(printed(on(&one, &["digest"])).await, digest);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_and_conflicting_rows_are_listed_and_the_others_recorded() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.csv");
    let head = "system,event_id,occurred_at,department,channel,type,direction,subject,subject_id,status,\
                customer_id,email,phone,name,interests,amount,currency,scale,score,consent,\
                consent_channel,page,language,text";
    let row = |id: &str, at: &str, kind: &str, who: &str, amount: &str| {
        format!(
            "shop,{id},{at},sales,web,{kind},inbound,order,A-{id},,{who},,,,,{amount},JPY,,,,,,,"
        )
    };
    let rows = [
        head.to_owned(),
        row("1", "2024-03-01 09:00", "order.placed", "C-1", "100"),
        row("2", "2024-02-30 09:00", "order.placed", "", "1.5"),
        row("3", "2024-03-01 09:00", "order.placed", "null", "100"),
        row("1", "2024-03-01 09:00", "order.placed", "C-1", "999"),
        row("4", "2024-03-01 09:05", "order.placed", "C-1", "50"),
    ];
    std::fs::write(&file, rows.join("\n")).unwrap();
    let database = Database::new().await;
    let mapping = shop::example("shop.toml");
    let summary = import(on(&database, &[]), &file, &mapping, directory.path()).await;
    assert_eq!(counts(&summary), [2, 0, 0, 1, 2], "{summary}");
    let rejects = std::fs::read_to_string(summary["rejects"].as_str().unwrap()).unwrap();
    let lines: Vec<Vec<&str>> = rejects.lines().map(|l| l.split('\t').collect()).collect();
    let found: Vec<_> = lines.iter().skip(1).map(|l| (l[0], l[1], l[2])).collect();
    let expected = [
        ("3", "rejected", "2"),
        ("4", "rejected", "3"),
        ("5", "conflict", "1"),
    ];
    assert_eq!(found, expected, "{rejects}");
    for named in ["occurred_at", "identifiers", "money"] {
        assert!(lines[1][3].contains(named), "{named}: {rejects}");
    }
    assert!(lines[2][3].contains("identifier_blocked"), "{rejects}");
    assert!(
        !rejects.contains("null"),
        "values are not repeated: {rejects}"
    );
}
