use std::{io::Write as _, path::PathBuf};

use super::*;
use crate::{
    config::{Address, table::Form},
    identity::Region,
    ids::TenantId,
};

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn problems(text: &str, pairs: &[(&str, &str)]) -> Vec<String> {
    let file = file(text);
    let path = file.path().display().to_string();
    let problems = Settings::load(Some(file.path()), environment(pairs)).unwrap_err();
    let shown = problems.to_string();
    shown.lines().map(|line| line.replace(&path, "F")).collect()
}

#[test]
fn nothing_said_gives_the_defaults() {
    let settings = Settings::load(None, environment(&[("HOME", "/home/a")])).unwrap();
    let data_dir = settings.data_dir.clone();
    assert_eq!(
        settings,
        Settings {
            data_dir,
            ..Settings::default()
        }
    );
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_settings() {
    let said: Vec<_> = table::settings()
        .filter(|s| {
            !s.key.contains('<') && !s.key.starts_with("hash_secret") && s.key != "data_dir"
        })
        .map(|s| (s.variable(), s.default.to_owned()))
        .collect();
    assert!(said.len() > 20);
    let settings = Settings::load(None, said).unwrap();
    let data_dir = settings.data_dir.clone();
    assert_eq!(
        settings,
        Settings {
            data_dir,
            ..Settings::default()
        }
    );
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = file("[ingest]\nwriters = 3\nlinger_ms = 7\n[telemetry]\nsample_ratio = 0.5\n");
    let pairs = environment(&[("CUSTOMER_PROFILE_INGEST__WRITERS", "4")]);
    let settings = Settings::load(Some(file.path()), pairs).unwrap();
    assert_eq!(settings.ingest.writers, 4);
    assert_eq!(settings.ingest.linger, Duration::from_millis(7));
    assert_eq!(settings.ingest.batch_items, 500);
    assert!((settings.telemetry.sample_ratio - 0.5).abs() < f64::EPSILON);
}

#[test]
fn every_mistake_is_named_at_once_with_its_place() {
    let text = "colour = 1\n[ingest]\nwriters = \"two\"\nbatch_items = 0\n[log]\nformat = \"xml\"\n[listen]\ngrpc = \"0.0.0.0:1\"\n";
    let pairs = [
        ("CUSTOMER_PROFILE_INGEST_LINGER_MS", "5"),
        ("CUSTOMER_PROFILE_TELEMETRY__SAMPLE_RATIO", "2"),
        ("DATABASE_URL", "mysql://u:p@h"),
    ];
    assert_eq!(
        problems(text, &pairs),
        [
            "file F: colour: is no setting",
            "file F: ingest.batch_items: must be a whole number from 1 to 2000, not 0",
            "file F: ingest.writers: must be a whole number from 1 to 8, not of type string",
            "file F: listen.grpc: with auth.mode none only a loopback address or a unix socket, not 0.0.0.0:1",
            "file F: log.format: must be one of text, json, not \"xml\"",
            "CUSTOMER_PROFILE_INGEST_LINGER_MS: is no setting; CUSTOMER_PROFILE_INGEST__LINGER_MS is",
            "CUSTOMER_PROFILE_TELEMETRY__SAMPLE_RATIO: must be a number from 0 to 1, not 2",
            "DATABASE_URL: must begin with postgres:// or postgresql://",
        ]
    );
}

#[test]
fn a_mistyped_key_is_answered_with_the_right_one() {
    assert_eq!(
        problems("[tenants.\"eu.shop\"]\ndefault_regoin = \"DE\"\n", &[]),
        [
            "file F: tenants.\"eu.shop\".default_regoin: is no setting; tenants.\"eu.shop\".default_region is"
        ]
    );
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_one_problem() {
    let missing = PathBuf::from("no/such/file.toml");
    let shown = Settings::load(Some(&missing), []).unwrap_err().to_string();
    assert!(
        shown.starts_with("file no/such/file.toml: cannot be read: "),
        "{shown}"
    );
    let shown = problems("a = 1\nb = = 2\n", &[]);
    assert!(shown[0].starts_with("file F: line 2: "), "{shown:?}");
}

#[test]
fn a_database_needs_a_hash_secret_of_32_bytes() {
    let url = ("DATABASE_URL", "postgres://u:pass@h/d");
    let shown = Settings::load(None, environment(&[url]))
        .unwrap_err()
        .to_string();
    assert!(
        shown.starts_with("DATABASE_URL: a database needs the secret"),
        "{shown}"
    );

    let short = environment(&[url, ("CUSTOMER_PROFILE_HASH_SECRET", "short")]);
    let shown = Settings::load(None, short).unwrap_err().to_string();
    assert_eq!(
        shown,
        "CUSTOMER_PROFILE_HASH_SECRET: must be at least 32 bytes, not 5"
    );

    let secret = "0123456789abcdef0123456789abcdef";
    let file = file(&format!("{secret}\n"));
    let path = file.path().display().to_string();
    let good = environment(&[url, ("CUSTOMER_PROFILE_HASH_SECRET_FILE", &path)]);
    let settings = Settings::load(None, good).unwrap();
    assert_eq!(
        settings.hash_secret.as_ref().unwrap().expose(),
        secret.as_bytes()
    );
    let debug = format!("{settings:?}");
    assert!(
        !debug.contains("pass@") && !debug.contains(secret),
        "{debug}"
    );

    let both = environment(&[
        ("CUSTOMER_PROFILE_HASH_SECRET_FILE", &path),
        ("CUSTOMER_PROFILE_HASH_SECRET", secret),
    ]);
    let shown = Settings::load(None, both).unwrap_err().to_string();
    assert!(
        shown.contains("one of them must go") && !shown.contains(secret),
        "{shown}"
    );
}

#[test]
fn settings_that_contradict_each_other_are_said_where_somebody_set_one() {
    let text =
        "[ingest]\nqueue_items = 1000\n[database]\nconnections = 4\nstatement_timeout_ms = 1000\n";
    assert_eq!(
        problems(text, &[("CUSTOMER_PROFILE_INGEST__WRITERS", "3")]),
        [
            "file F: database.connections: database.connections (4) must be at least two more than ingest.writers (3)",
            "file F: database.statement_timeout_ms: database.lock_timeout_ms (5000) must not be above database.statement_timeout_ms (1000)",
            "file F: ingest.queue_items: ingest.stream_window (2000) must not be above ingest.queue_items (1000)",
        ]
    );
}

#[test]
fn access_is_whole_or_refused() {
    for (text, wanted) in [
        (
            "auth.mode = \"jwt\"\n[listen]\ngrpc = \"0.0.0.0:1\"",
            vec![
                "file F: auth.mode: auth.mode jwt needs auth.jwt.audience",
                "file F: auth.mode: auth.mode jwt needs auth.jwt.issuer",
                "file F: auth.mode: auth.mode jwt needs auth.jwt.jwks_file",
            ],
        ),
        (
            "auth.mode = \"mtls\"",
            vec![
                "file F: auth.mode: auth.mode mtls needs callers: auth.callers.<caller>.san and so on",
                "file F: auth.mode: auth.mode mtls needs tls.cert_file, tls.key_file and tls.client_ca_file",
            ],
        ),
        (
            "[tls]\ncert_file = \"a\"\nclient_ca_file = \"b\"",
            vec![
                "file F: tls.cert_file: tls.cert_file and tls.key_file belong together; one of them is not given",
                "file F: tls.client_ca_file: tls.client_ca_file would keep nobody out: it is for auth.mode mtls",
            ],
        ),
        (
            "[auth.callers.a]\nsan = \"dns:X\"\n[auth.callers.b]\nsan = \"dns:x\"\n[auth.callers.c]\ntenants = \"shop\"",
            vec![
                "file F: auth.callers.b.san: is the san of the caller a too; each has one of its own",
                "file F: auth.callers.c.tenants: the caller c needs a san: nobody could be told as it",
            ],
        ),
        (
            "[auth.callers.a]\nsan = \"dns:*.x\"\ntenants = \",\"\npermissions = \"read,fly\"\ndepartment = \"A\"",
            vec![
                "file F: auth.callers.a.department: must be a slug, or empty, not \"A\"",
                "file F: auth.callers.a.permissions: \"fly\" is no permission",
                "file F: auth.callers.a.san: must be spiffe://domain/path or dns:name, without wildcards, not \"dns:*.x\"",
                "file F: auth.callers.a.tenants: must name a tenant",
            ],
        ),
    ] {
        assert_eq!(problems(text, &[]), wanted);
    }
}

#[test]
fn callers_are_told_by_name_in_the_file_and_in_the_environment() {
    let file = file(
        "[auth.callers.billing]\nsan = \"spiffe://example.org/billing\"\npermissions = \"read\"",
    );
    let more = [
        ("HOME", "/home/a"),
        (
            "CUSTOMER_PROFILE_AUTH__CALLERS__BILLING__TENANTS",
            "shop, spa",
        ),
        (
            "CUSTOMER_PROFILE_AUTH__CALLERS__BILLING__DEPARTMENT",
            "billing",
        ),
    ];
    let settings = Settings::load(Some(file.path()), environment(&more)).unwrap();
    let billing = &settings.auth.callers["billing"];
    assert_eq!(billing.tenants.len(), 2);
    assert_eq!(billing.department.as_deref(), Some("billing"));
    assert_eq!(billing.permissions.iter().count(), 1);
    assert!(billing.san.is_some());
}

#[test]
fn a_tenant_has_the_defaults_of_tenants_where_it_says_nothing() {
    let file = file(
        "[tenants.us]\ndefault_region = \"US\"\nsurvivorship.first_name = \"oldest\"\n\
         [tenant_defaults]\ntime_zone = \"Europe/Berlin\"\nsurvivorship.tier = \"largest\"\n",
    );
    let settings = Settings::load(Some(file.path()), []).unwrap();
    let us = settings.tenants.of(&TenantId::parse("us").unwrap());
    assert_eq!(
        (us.default_region, us.time_zone.to_string().as_str()),
        (Region::US, "Europe/Berlin")
    );
    let rules: Vec<_> = us.survivorship.iter().collect();
    assert_eq!(rules, [("first_name", "oldest"), ("tier", "largest")]);
    let other = settings.tenants.of(&TenantId::default_tenant());
    assert_eq!(other.default_region, Region::JP);
    assert_eq!(other.survivorship.iter().count(), 1);

    let wrong = us.survivorship.parse(|name, rule| match rule {
        "oldest" => Ok(()),
        _ => Err(format!("{name} has no rule {rule}")),
    });
    let shown = wrong.unwrap_err().to_string();
    assert!(
        shown.ends_with("tenant_defaults.survivorship.tier: tier has no rule largest"),
        "{shown}"
    );
}

#[test]
fn addresses_are_tcp_or_an_absolute_socket_and_none_means_local_only() {
    let load = |address: &str| {
        Settings::load(
            None,
            environment(&[("CUSTOMER_PROFILE_LISTEN__GRPC", address)]),
        )
    };
    for good in [
        "[::1]:1",
        "localhost:9",
        "127.8.8.8:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert!(load(good).unwrap().listen.grpc.is_local(), "{good}");
    }
    let unix = load("unix:/run/a.sock").unwrap().listen.grpc;
    assert_eq!(unix, Address::Unix("/run/a.sock".into()));
    for bad in [
        "unix:a.sock",
        "0.0.0.0:7401",
        "[::]:1",
        "10.0.0.1:1",
        "x:1",
        "127.0.0.1",
        "",
    ] {
        assert!(load(bad).is_err(), "{bad}");
    }
}

#[test]
fn data_goes_to_the_users_home_and_of_root_to_var_lib() {
    let of = |pairs: &[(&str, &str)], root| {
        default_data_dir(&environment(pairs).into_iter().collect(), root)
            .display()
            .to_string()
    };
    let home = ("HOME", "/home/a");
    assert_eq!(of(&[home], false), "/home/a/.local/share/customer-profile");
    assert_eq!(
        of(&[home, ("XDG_DATA_HOME", "/d")], false),
        "/d/customer-profile"
    );
    assert_eq!(
        of(&[home, ("XDG_DATA_HOME", "/d")], true),
        "/var/lib/customer-profile"
    );
    assert_eq!(of(&[], false), "/var/lib/customer-profile");
}

#[test]
fn the_page_on_configuration_shows_exactly_the_table() {
    let page = include_str!("../../../docs/configuration.md");
    let keys = page.split("\n## ").find(|part| part.starts_with("Keys"));
    let shown: Vec<&str> = keys
        .unwrap()
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let wanted: Vec<String> = table::settings().map(Setting::row).collect();
    assert!(
        shown == wanted,
        "the table should be:\n{}",
        wanted.join("\n")
    );
}

#[test]
fn no_setting_is_named_twice_and_ranges_are_not_empty() {
    let all: Vec<_> = table::settings().collect();
    for (i, setting) in all.iter().enumerate() {
        assert!(all[..i].iter().all(|s| s.key != setting.key), "{setting:?}");
        if let Form::Integer(least, most) = setting.form {
            assert!(least < most, "{setting:?}");
        }
    }
}

#[test]
fn the_example_file_loads() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/customer-profile.toml");
    Settings::load(Some(&example), []).unwrap();
}
