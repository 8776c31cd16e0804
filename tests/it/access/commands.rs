//! Commands with credentials, what the service says when it starts, and what it never says.

use std::{
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
};

use customer_profile::{
    app::{Schema, Server, open},
    proto::v1::interaction_service_client::InteractionServiceClient,
};
use serde_json::json;

use super::{BILLING, Guarded, REPORTS, trusting};
use crate::{
    harness::{
        Database,
        calls::recording,
        cluster::SECRET,
        credentials::{AUDIENCE, Authority, Files, ISSUER, Signer, claims},
        make,
        process::{program, signal},
        service::settings,
        wait::until,
    },
    imports::run,
    permissions::{WHO, call_with},
};

#[tokio::test(flavor = "multi_thread")]
async fn commands_bring_a_token_over_tls() {
    let signer = Signer::ed();
    let files = Files::new();
    files.put_keys(&[signer.jwk("a")]);
    let token = signer.token("a", &claims("record read read_identifiers"));
    let token_file = files.put("token", format!("{token}\n"));
    let guarded = Guarded::by_token(files).await;
    let said = [("authorization", format!("Bearer {token}"))];
    let said = said.each_ref().map(|(name, value)| (*name, value.as_str()));
    call_with(guarded.channel(), "RecordInteractions", &said)
        .await
        .unwrap();

    let roots = guarded.files.path("ca.crt");
    let get = |more: &[&str]| {
        let mut command = program();
        command.args(["get", "--to", &guarded.url, "--ca-file"]);
        command.arg(&roots).args(more).arg(WHO);
        command
    };
    let mut by_variable = get(&[]);
    by_variable.env("CUSTOMER_PROFILE_TOKEN_FILE", &token_file);
    for command in [get(&["--token-file", &token_file]), by_variable] {
        let output = run(command).await;
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(
            shown.contains("a@example.com"),
            "{shown} {:?}",
            output.stderr
        );
    }
    for (command, wanted) in [
        (get(&[]), "Unauthenticated"),
        (get(&["--token-file", "nowhere"]), "nowhere: cannot be read"),
        (
            get(&["--cert-file", "nowhere", "--key-file", "x"]),
            "nowhere: cannot be read",
        ),
    ] {
        let output = run(command).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && told.contains(wanted),
            "{told}"
        );
        assert!(!told.contains(&token), "a token in {told}");
    }

    let mapping = guarded
        .files
        .put("m.toml", include_str!("../../../examples/shop.toml"));
    let rows = guarded
        .files
        .put("in.csv", include_str!("../../../examples/shop.csv"));
    let mut import = program();
    import.args([
        "import",
        &rows,
        "--mapping",
        &mapping,
        "--to",
        &guarded.url,
        "--json",
    ]);
    import
        .args(["--token-file", &token_file, "--ca-file"])
        .arg(&roots);
    let output = run(import).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_its_own_process_asks_for_no_credential() {
    let database = Database::new().await;
    let settings = settings(
        &database,
        &[
            ("CUSTOMER_PROFILE_AUTH__MODE", "jwt"),
            ("CUSTOMER_PROFILE_AUTH__JWT__JWKS_FILE", "nowhere"),
            ("CUSTOMER_PROFILE_AUTH__JWT__ISSUER", ISSUER),
            ("CUSTOMER_PROFILE_AUTH__JWT__AUDIENCE", AUDIENCE),
        ],
    );
    let opened = open(&settings, Schema::Check).await.unwrap();
    let (server, channel) = Server::in_process(&settings, opened).await.unwrap();
    let request = recording(vec![make::seen("1", 0, &[WHO])]);
    let answer = InteractionServiceClient::new(channel)
        .record_interactions(request)
        .await;
    assert!(answer.is_ok(), "{answer:?}");
    server.drain().await;
}

/// `serve` with settings, on a database of the run.
fn serve(database: &Database, more: &[(&str, &str)]) -> Command {
    let mut command = program();
    command
        .arg("serve")
        .env("DATABASE_URL", database.url())
        .env("CUSTOMER_PROFILE_HASH_SECRET", SECRET)
        .env("CUSTOMER_PROFILE_LISTEN__METRICS", "")
        .envs(more.iter().copied());
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_stop_the_start_with_64() {
    let (database, files) = (Database::new().await, Files::new());
    let with_secret = json!({"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "very private"});
    let keys = files.put_keys(&[with_secret]);
    let jwt = |keys: &str| {
        serve(
            &database,
            &[
                ("CUSTOMER_PROFILE_LISTEN__GRPC", "127.0.0.1:0"),
                ("CUSTOMER_PROFILE_AUTH__MODE", "jwt"),
                ("CUSTOMER_PROFILE_AUTH__JWT__JWKS_FILE", keys),
                ("CUSTOMER_PROFILE_AUTH__JWT__ISSUER", ISSUER),
                ("CUSTOMER_PROFILE_AUTH__JWT__AUDIENCE", AUDIENCE),
            ],
        )
    };
    for (keys, wanted) in [
        (keys.as_str(), "private or symmetric key"),
        ("nowhere", "nowhere: cannot be read"),
    ] {
        let output = run(jwt(keys)).await;
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{told}");
        assert!(
            told.contains(wanted) && !told.contains("very private"),
            "{told}"
        );
    }
    let mtls = serve(&database, &[("CUSTOMER_PROFILE_AUTH__MODE", "mtls")]);
    let output = run(mtls).await;
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{told}");
    assert!(
        told.contains("tls.client_ca_file") && told.contains("callers"),
        "{told}"
    );
}

/// A port that was free a moment ago.
fn port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_part_of_a_credential_is_ever_logged() {
    let (servers, clients) = (Authority::new("servers"), Authority::new("clients"));
    let (files, signer) = (Files::new(), Signer::ed());
    let own = servers.issue(&["dns:localhost"]);
    let roots = files.put("ca.crt", servers.root());
    let (crt, key) = (
        files.put("tls.crt", &own.certificate),
        files.put("tls.key", &own.key),
    );
    let keys = files.put_keys(&[signer.jwk("canary-kid")]);
    let callers = files.put("clients.crt", clients.root());
    let tls = [
        ("CUSTOMER_PROFILE_LOG__FILTER", "trace"),
        ("CUSTOMER_PROFILE_TLS__CERT_FILE", crt.as_str()),
        ("CUSTOMER_PROFILE_TLS__KEY_FILE", key.as_str()),
    ];
    let tokens = [
        ("CUSTOMER_PROFILE_AUTH__MODE", "jwt"),
        ("CUSTOMER_PROFILE_AUTH__JWT__JWKS_FILE", keys.as_str()),
        ("CUSTOMER_PROFILE_AUTH__JWT__ISSUER", ISSUER),
        ("CUSTOMER_PROFILE_AUTH__JWT__AUDIENCE", AUDIENCE),
    ];
    let certificates = [
        ("CUSTOMER_PROFILE_AUTH__MODE", "mtls"),
        ("CUSTOMER_PROFILE_TLS__CLIENT_CA_FILE", callers.as_str()),
        ("CUSTOMER_PROFILE_AUTH__CALLERS__KNOWN__SAN", BILLING),
    ];
    let good = signer.token("canary-kid", &claims("read"));
    let bad = signer.token("canary-other", &claims("read"));
    let stranger = "spiffe://canary.example/nobody";
    let mut logs = String::new();
    for more in [&tokens[..], &certificates[..]] {
        let (database, listen) = (Database::new().await, format!("127.0.0.1:{}", port()));
        let log = files.path("log");
        let mut command = serve(&database, &[&tls[..], more].concat());
        let output = std::fs::File::create(&log).unwrap();
        command
            .env("CUSTOMER_PROFILE_LISTEN__GRPC", &listen)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        let mut child = command.spawn().unwrap();
        let url = format!("https://localhost:{}", listen.rsplit(':').next().unwrap());
        until("it listens", async || TcpStream::connect(&listen).is_ok()).await;
        for names in [&[BILLING][..], &[REPORTS], &[stranger]] {
            let pair = clients.issue(names);
            let own = Files::new();
            own.put("c.crt", &pair.certificate);
            own.put("c.key", &pair.key);
            let channel = trusting(roots.as_ref(), Some(&own), &url);
            for token in [&good, &bad] {
                let bearer = format!("Bearer {token}");
                for name in ["GetProfile", "RecordInteractions"] {
                    let said = [("authorization", bearer.as_str())];
                    // Some are refused, which is the point.
                    let _ = call_with(channel.clone(), name, &said).await;
                }
            }
        }
        signal("TERM", child.id());
        tokio::task::spawn_blocking(move || child.wait())
            .await
            .unwrap()
            .unwrap();
        logs.push_str(&std::fs::read_to_string(&log).unwrap());
    }
    for wanted in [
        "credential_signature",
        "credential_unknown",
        "a call was denied",
        "caller=\"billing\"",
    ] {
        assert!(logs.contains(wanted), "{wanted}: {logs}");
    }
    let parts = [&good, &bad].map(|token| token.split('.').map(str::to_owned).collect::<Vec<_>>());
    let secrets = parts.concat().into_iter().chain(
        [
            BILLING,
            REPORTS,
            stranger,
            "reports.internal",
            "canary",
            "a@example.com",
        ]
        .map(str::to_owned),
    );
    for secret in secrets {
        let line = logs.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_without_tls_where_others_can_listen_are_warned_of() {
    let (database, files) = (Database::new().await, Files::new());
    let keys = files.put_keys(&[Signer::ec().jwk("a")]);
    for (listen, warned) in [("0.0.0.0:0", true), ("127.0.0.1:0", false)] {
        let log = files.path("log");
        let mut command = serve(
            &database,
            &[
                ("CUSTOMER_PROFILE_LISTEN__GRPC", listen),
                ("CUSTOMER_PROFILE_AUTH__MODE", "jwt"),
                ("CUSTOMER_PROFILE_AUTH__JWT__JWKS_FILE", &keys),
                ("CUSTOMER_PROFILE_AUTH__JWT__ISSUER", ISSUER),
                ("CUSTOMER_PROFILE_AUTH__JWT__AUDIENCE", AUDIENCE),
            ],
        );
        let output = std::fs::File::create(&log).unwrap();
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap());
        let mut child = command.stderr(output).spawn().unwrap();
        let said = || std::fs::read_to_string(&log).unwrap();
        until("it serves", async || said().contains("serving gRPC")).await;
        assert_eq!(said().contains("readable on the wire"), warned, "{listen}");
        signal("TERM", child.id());
        tokio::task::spawn_blocking(move || child.wait())
            .await
            .unwrap()
            .unwrap();
    }
}
