//! Which databases are opened, and which are refused.

use customer_profile::{
    app::{OpenError, Schema, open},
    storage::migrate,
};
use sqlx::Executor as _;

use crate::harness::{
    Database, Service, cluster::SECRET, make, process::program, service::settings,
};

const NEWER: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (9999, 'of a later release', true, '\\x00', 0)";

const COMPATIBLE: &str =
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES (9999, 'of a later release compatible', true, '\\x00', 0)";

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_a_newer_release_is_refused() {
    let database = Database::new().await;
    database.connect().await.execute(NEWER).await.unwrap();
    for schema in [Schema::Check, Schema::Migrate] {
        let error = open(&settings(&database, &[]), schema).await.unwrap_err();
        let newer = matches!(
            error,
            OpenError::Schema(migrate::Error::NewerSchema { found: 9_999, .. })
        );
        assert!(newer, "{schema:?}: {error}");
        assert!(error.to_string().contains("newer release"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_schema_that_is_marked_compatible_is_served_and_one_that_is_not_among_them_refused()
{
    let database = Database::new().await;
    let mut connection = database.connect().await;
    connection.execute(COMPATIBLE).await.unwrap();
    for schema in [Schema::Check, Schema::Migrate] {
        let opened = open(&settings(&database, &[]), schema).await.unwrap();
        opened.close().await;
    }
    let service = Service::with(database.clone(), &[]).await;
    service
        .record_one(make::seen("1", 0, &["email=a@example.com"]))
        .await;
    service.stop().await;
    let between = NEWER.replace("9999", "9990");
    connection
        .execute(sqlx::AssertSqlSafe(between))
        .await
        .unwrap();
    for schema in [Schema::Check, Schema::Migrate] {
        let error = open(&settings(&database, &[]), schema).await.unwrap_err();
        let named = matches!(
            error,
            OpenError::Schema(migrate::Error::NewerSchema { found: 9_990, .. })
        );
        assert!(named, "{schema:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn serve_refuses_a_database_without_a_schema_and_says_what_to_do() {
    let database = Database::empty().await;
    let run = |argument: &'static str, secret: &'static str| {
        let url = database.url();
        let ran = tokio::task::spawn_blocking(move || {
            program()
                .arg(argument)
                .env("DATABASE_URL", url)
                .env("CUSTOMER_PROFILE_HASH_SECRET", secret)
                .env("CUSTOMER_PROFILE_LISTEN__GRPC", "127.0.0.1:0")
                .env("CUSTOMER_PROFILE_LISTEN__METRICS", "")
                .output()
                .unwrap()
        });
        async {
            let output = ran.await.unwrap();
            (
                output.status.code(),
                String::from_utf8(output.stderr).unwrap(),
            )
        }
    };
    let (code, said) = run("serve", SECRET).await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("run `customer-profile migrate`"), "{said}");
    let (code, said) = run("migrate", SECRET).await;
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run("migrate", SECRET).await;
    assert_eq!(code, Some(0), "again: {said}");
    let (code, said) = run("serve", "another secret of thirty-two bytes or more").await;
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("hash secret"), "{said}");
    assert!(
        !said.contains(SECRET) && !said.contains("another secret"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_that_migrate_at_once_migrate_once() {
    let database = Database::empty().await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let settings = settings(&database, &[]);
            tokio::spawn(async move {
                let opened = open(&settings, Schema::Migrate).await.unwrap();
                let id = opened.store.id;
                opened.close().await;
                id
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.push(task.await.unwrap());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "all opened the same store");
    let service = Service::with(database, &[]).await;
    service
        .record_one(make::seen("1", 0, &["email=a@example.com"]))
        .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_made_with_another_secret_is_refused() {
    let database = Database::new().await;
    Service::with(database.clone(), &[]).await.stop().await;
    let secret = (
        "CUSTOMER_PROFILE_HASH_SECRET",
        "another secret of thirty-two bytes or more",
    );
    let wrong = settings(&database, &[secret]);
    let error = open(&wrong, Schema::Check).await.unwrap_err();
    assert!(matches!(error, OpenError::WrongSecret), "{error}");
    assert!(error.is_configuration());
    Service::with(database, &[]).await.stop().await;
}
