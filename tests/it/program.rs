//! The program at its edges: exit codes, what goes to standard output, and that all mistakes are named at once.

use std::process::Output;

use serde_json::Value;

use crate::{
    harness::{Database, Service, make, process::program, send, shop},
    imports::{on, printed, run},
};

fn failed(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(
        output.stdout.is_empty(),
        "nothing but data on standard output"
    );
    said
}

#[tokio::test]
async fn a_wrong_configuration_ends_with_64_and_every_mistake_is_named() {
    let mut command = program();
    command
        .arg("serve")
        .env("DATABASE_URL", "postgres://nobody@localhost/none")
        .env("CUSTOMER_PROFILE_LISTEN__GRPC", "nonsense")
        .env("CUSTOMER_PROFILE_INGEST__WRITERS", "99")
        .env("CUSTOMER_PROFILE_LOG__FORMAT", "loud")
        .env("CUSTOMER_PROFILE_NO_SUCH_KEY", "1");
    let said = failed(&run(command).await, 64);
    for named in [
        "CUSTOMER_PROFILE_LISTEN__GRPC",
        "CUSTOMER_PROFILE_INGEST__WRITERS",
        "CUSTOMER_PROFILE_LOG__FORMAT",
        "CUSTOMER_PROFILE_NO_SUCH_KEY",
        "hash_secret",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_secret_than_the_store_was_made_with_is_refused_with_64() {
    let database = Database::new().await;
    printed(on(&database, &["digest"])).await;
    let mut command = on(&database, &["digest"]);
    command.env(
        "CUSTOMER_PROFILE_HASH_SECRET",
        "quite another secret, as long as it must be",
    );
    let said = failed(&run(command).await, 64);
    assert!(said.contains("the hash secret is not the one"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_schema_is_refused_until_it_is_migrated() {
    let database = Database::empty().await;
    let said = failed(&run(on(&database, &["digest"])).await, 1);
    assert!(said.contains("customer-profile migrate"), "{said}");
    assert_eq!(
        printed(on(&database, &["migrate"])).await,
        "",
        "no data, no output"
    );
    let digest = printed(on(&database, &["digest"])).await;
    assert_eq!(digest.trim().len(), 64, "{digest}");
    assert_eq!(printed(on(&database, &["migrate"])).await, "");
    assert_eq!(
        printed(on(&database, &["verify"])).await,
        "",
        "no tenant yet"
    );
}

#[tokio::test]
async fn all_mistakes_of_a_mapping_are_named_and_the_exit_code_is_1() {
    let directory = tempfile::tempdir().unwrap();
    let mapping = directory.path().join("m.toml");
    let text = "format = \"csv\"\nheadr = true\n[interaction]\nsource = \"Not A Slug\"\n\
                event_id = \"{id\"\noccurred_at = { column = \"at\" }\n\
                [[interaction.identifiers]]\nnamespace = \"email\"\n";
    std::fs::write(&mapping, text).unwrap();
    let mut command = program();
    command.arg("import").arg(shop::example("shop.csv"));
    command.arg("--mapping").arg(&mapping).arg("--dry-run");
    let said = failed(&run(command).await, 1);
    for named in [
        "headr",
        "interaction.source",
        "interaction.event_id",
        "occurred_at",
        "department",
        "identifiers",
    ] {
        assert!(said.contains(named), "{named}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_not_there_is_given_up_with_1() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = format!("unix:{}", directory.path().join("none.sock").display());
    let mut command = program();
    command.arg("import").arg(shop::example("shop.csv"));
    command.arg("--mapping").arg(shop::example("shop.toml"));
    command.arg("--state-dir").arg(directory.path());
    command.args(["--to", &nowhere, "--give-up-after", "1", "--json"]);
    let said = failed(&run(command).await, 1);
    assert!(said.contains("no progress for"), "{said}");

    let mut get = program();
    get.args(["get", "customer_id=1", "--to", &nowhere]);
    failed(&run(get).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn get_prints_a_profile_for_people_and_as_json() {
    let service = Service::start().await;
    let made = vec![make::order("1", 10, "customer_id=C-1", "o-1", 500)];
    send::unary(service.interactions(), vec![made]).await;
    let get = |more: &[&str]| {
        let mut command = program();
        command.args(["get", "--to", &service.url]).args(more);
        command
    };
    let text = printed(get(&["customer_id=C-1"])).await;
    assert!(text.contains("customer_id C-1"), "{text}");
    let mut elsewhere = get(&["customer_id=C-1"]);
    elsewhere.env("CUSTOMER_PROFILE_URL", "http://127.0.0.1:1");
    elsewhere.env("CUSTOMER_PROFILE_INGEST__WRITERS", "nonsense");
    // The first comes from the database, the others from where it is kept then.
    let told = |text: &str| text.split(" · from ").next().unwrap().to_owned();
    let wanted = told(&text);
    let from_elsewhere = printed(elsewhere).await;
    assert_eq!(told(&from_elsewhere), wanted, "no settings of a server");
    let json: Value =
        serde_json::from_str(&printed(get(&["customer_id=C-1", "--json"])).await).unwrap();
    let profile = &json["profile"];
    assert_eq!(profile["identifiers"][0]["value"], "C-1", "{json}");
    assert_eq!(profile["orders"]["spend"][0]["minorUnits"], "500", "{json}");
    let by_id = printed(get(&[profile["profileId"].as_str().unwrap()])).await;
    assert_eq!(told(&by_id), wanted);

    let said = failed(&run(get(&["customer_id=nobody"])).await, 1);
    assert!(said.contains("nobody is known"), "{said}");
    let said = failed(
        &run(get(&["customer_id=C-1", "--tenant", "Not A Slug"])).await,
        2,
    );
    assert!(said.contains("tenant"), "{said}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_ends_with_1_and_describes_what_differs() {
    let service = Service::start().await;
    let made = vec![make::seen(
        "1",
        10,
        &["customer_id=C-1", "email=a@example.com"],
    )];
    send::unary(service.interactions(), vec![made]).await;
    let mut connection = service.database.connect().await;
    sqlx::query("UPDATE links SET seen = seen + 1")
        .execute(&mut connection)
        .await
        .unwrap();
    let output = run(on(&service.database, &["verify"])).await;
    assert_eq!(output.status.code(), Some(1));
    let (text, said) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(
        text.starts_with("default: 1 interactions, 2 identities, 1 profiles, "),
        "{text}"
    );
    assert!(said.contains("is not what its interactions say"), "{said}");
    assert!(
        !said.contains("C-1") && !said.contains("example.com"),
        "no personal data: {said}"
    );
    service.stop().await;
}
