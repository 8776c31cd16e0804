//! Clients as others would write them, run as they are: `examples/python`, `examples/node` and `examples/web`.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use customer_profile::proto::v1::{GetProfileRequest, Profile};
use tokio::sync::OnceCell;

use crate::{
    access::Guarded,
    harness::{
        Service,
        calls::by_id,
        credentials::{Files, Signer, claims},
        make, skipped,
    },
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The words after the first one of each line that begins with it.
fn said<'a>(lines: &'a [String], first: &str) -> Vec<&'a str> {
    let lines = lines.iter();
    lines
        .filter_map(|line| line.strip_prefix(first)?.strip_prefix(' '))
        .collect()
}

/// Runs a client to its end and gives the lines that it printed.
async fn run(program: PathBuf, arguments: Vec<String>) -> Vec<String> {
    let output: Output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(&program);
        command.args(&arguments).current_dir(root()).output()
    })
    .await
    .unwrap()
    .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let printed = String::from_utf8(output.stdout).unwrap();
    printed.lines().map(str::to_owned).collect()
}

fn address(service: &Service) -> String {
    service.url.strip_prefix("http://").unwrap().to_owned()
}

fn installed(node_example: &str) -> bool {
    let modules = root()
        .join("examples")
        .join(node_example)
        .join("node_modules");
    modules.join("installed.json").exists()
}

/// Builds the page, once for all tests, so that what is generated follows the protocol of today.
async fn build_page() {
    static BUILT: OnceCell<Vec<String>> = OnceCell::const_new();
    let build = ["run", "--prefix", "examples/web", "--silent", "build"];
    let build = || run("npm".into(), build.map(str::to_owned).into());
    BUILT.get_or_init(build).await;
}

/// The profile that a client says it read, looked at from here.
async fn profile(service: &Service, lines: &[String]) -> Profile {
    let [id] = said(lines, "profile")[..] else {
        panic!("{lines:?}")
    };
    let request = GetProfileRequest {
        lookup: by_id(id),
        ..GetProfileRequest::default()
    };
    let profile = service.get(request).await.unwrap();
    assert_eq!(profile.tickets.as_ref().unwrap().open, 1);
    profile
}

#[tokio::test(flavor = "multi_thread")]
async fn python_keeps_a_copy_of_what_is_watched() {
    let python = root().join("target/tools/python/bin/python");
    if !Path::new(&python).exists() {
        return skipped("python's grpcio; scripts/setup.sh --clients installs it");
    }
    let service = Service::start().await;
    let directory = tempfile::tempdir().unwrap();
    let state = directory.path().join("profiles.json");
    for (n, profiles) in [(1, "1"), (2, "2")] {
        let who = format!("customer_id=C-{n}");
        service.record_one(make::seen(&who, 0, &[&who])).await;
        let address = address(&service);
        let arguments = [
            "examples/python/watch.py",
            "--target",
            &address,
            "--until-now",
            "--state",
        ];
        let mut arguments: Vec<String> = arguments.map(str::to_owned).into();
        arguments.push(state.display().to_string());
        let lines = run(python.clone(), arguments).await;
        assert_eq!(said(&lines, "profiles"), [profiles]);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn python_records_reads_and_streams() {
    let python = root().join("target/tools/python/bin/python");
    if !Path::new(&python).exists() {
        return skipped("python's grpcio; scripts/setup.sh --clients installs it");
    }
    let service = Service::start().await;
    let arguments = ["examples/python/client.py", "--target", &address(&service)];
    let lines = run(python, arguments.map(str::to_owned).into()).await;
    let profile = profile(&service, &lines).await;
    assert_eq!(said(&lines, "recorded"), ["2"]);
    assert_eq!(said(&lines, "orders"), ["1 open tickets 1"]);
    assert_eq!(said(&lines, "acknowledged"), ["1", "2", "3"]);
    assert_eq!(said(&lines, "interactions"), ["5"]);
    assert_eq!(said(&lines, "support heard").len(), 1);
    assert_eq!(
        (profile.interactions_total, profile.identifiers_total),
        (5, 3)
    );
    assert_eq!(profile.orders.unwrap().spend[0].minor_units, 12_800);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_records_reads_and_streams() {
    if !installed("node") {
        return skipped("@grpc/grpc-js; scripts/setup.sh --clients installs it");
    }
    let service = Service::start().await;
    let arguments = ["examples/node/client.js", &address(&service)];
    let lines = run("node".into(), arguments.map(str::to_owned).into()).await;
    let profile = profile(&service, &lines).await;
    assert_eq!(said(&lines, "acknowledged"), ["1", "2", "3"]);
    assert_eq!(said(&lines, "interactions"), ["5"]);
    assert_eq!(
        (profile.interactions_total, profile.identifiers_total),
        (5, 3)
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_records_and_reads_over_grpc_web() {
    if !installed("web") {
        return skipped("@connectrpc/connect-web; scripts/setup.sh --clients installs it");
    }
    build_page().await;
    assert!(root().join("examples/web/dist/page.js").exists());
    let service = Service::start().await;
    let arguments = ["examples/web/check.js", &service.url];
    let lines = run("node".into(), arguments.map(str::to_owned).into()).await;
    let profile = profile(&service, &lines).await;
    assert_eq!(said(&lines, "orders"), ["1 open tickets 1"]);
    assert_eq!(said(&lines, "known"), ["false"]);
    assert_eq!(
        (profile.interactions_total, profile.identifiers_total),
        (2, 3)
    );
    service.stop().await;
}

/// A service over TLS that wants tokens, its authority's file and a file with a token for all that the examples do.
async fn guarded() -> (Guarded, [String; 3]) {
    let (files, signer) = (Files::new(), Signer::ec());
    files.put_keys(&[signer.jwk("one")]);
    let token = signer.token("one", &claims("record read read_identifiers read_text"));
    let token = files.put("token", format!("{token}\n"));
    let guarded = Guarded::by_token(files).await;
    let target = guarded.url.strip_prefix("https://").unwrap().to_owned();
    let ca = guarded.files.path("ca.crt").to_str().unwrap().to_owned();
    (guarded, [target, ca, token])
}

#[tokio::test(flavor = "multi_thread")]
async fn python_and_node_come_over_tls_with_a_token() {
    let python = root().join("target/tools/python/bin/python");
    if !python.exists() || !installed("node") {
        return skipped("the example clients; scripts/setup.sh --clients installs what they need");
    }
    let (guarded, [target, ca, token]) = guarded().await;
    let with_python = [
        "examples/python/client.py",
        "--target",
        &target,
        "--ca",
        &ca,
    ];
    let with_token = [&with_python[..], &["--token-file", &token]].concat();
    let arguments = with_token.into_iter().map(str::to_owned).collect();
    let lines = run(python.clone(), arguments).await;
    assert_eq!(said(&lines, "interactions"), ["5"]);
    let arguments = ["examples/node/client.js", &target, &ca, &token];
    let lines = run("node".into(), arguments.map(str::to_owned).into()).await;
    assert_eq!(said(&lines, "interactions"), ["5"]);

    let without = Command::new(python)
        .args(with_python)
        .current_dir(root())
        .output();
    let refused = String::from_utf8(without.unwrap().stderr).unwrap();
    assert!(refused.starts_with("UNAUTHENTICATED"), "{refused}");
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_comes_over_tls_with_a_token() {
    if !installed("web") {
        return skipped("@connectrpc/connect-web; scripts/setup.sh --clients installs it");
    }
    build_page().await;
    let (guarded, [_, ca, token]) = guarded().await;
    // Node's own way to trust an authority, as a browser has its own.
    let arguments = [
        format!("NODE_EXTRA_CA_CERTS={ca}"),
        "node".to_owned(),
        "examples/web/check.js".to_owned(),
        guarded.url.clone(),
        std::fs::read_to_string(token).unwrap().trim().to_owned(),
    ];
    let lines = run("env".into(), arguments.into()).await;
    assert_eq!(said(&lines, "orders"), ["1 open tickets 1"]);
    guarded.service.stop().await;
}
