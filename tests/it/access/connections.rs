//! Connections that never become a call.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;

use super::Guarded;
use crate::{
    harness::{
        Database, Service,
        credentials::{Authority, Files, Signer, claims},
        say,
        wait::in_time,
    },
    health::page,
    permissions::call_with,
};

async fn guarded() -> (Guarded, String) {
    let signer = Signer::ed();
    let files = Files::new();
    files.put_keys(&[signer.jwk("a")]);
    let token = format!("Bearer {}", signer.token("a", &claims("read")));
    (Guarded::by_token(files).await, token)
}

fn address(guarded: &Guarded) -> &str {
    guarded.service.url.strip_prefix("http://").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_connections_that_say_nothing_keep_nobody_out() {
    let (guarded, token) = guarded().await;
    let mut silent = Vec::new();
    for _ in 0..1_000 {
        silent.push(TcpStream::connect(address(&guarded)).await.unwrap());
    }
    for _ in 0..5 {
        let begun = Instant::now();
        let said = [("authorization", token.as_str())];
        let outcome = call_with(guarded.channel(), "SearchProfiles", &said);
        in_time("a good client", outcome).await.unwrap();
        let took = begun.elapsed();
        say(format_args!(
            "a good client among 1,000 silent ones: {took:?}"
        ));
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    drop(silent);
    guarded.service.stop().await;
}

/// A TLS record with the beginning of a handshake that knows TLS 1.1 and older only.
fn old_hello() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    let mut handshake = vec![1, 0, 0, u8::try_from(body.len()).unwrap()];
    handshake.extend(body);
    let mut record = vec![22, 3, 1, 0, u8::try_from(handshake.len()).unwrap()];
    record.extend(handshake);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_of_today_is_turned_away_and_disturbs_nobody() {
    let (guarded, token) = guarded().await;
    let living = guarded.channel();
    let said = [("authorization", token.as_str())];
    call_with(living.clone(), "SearchProfiles", &said)
        .await
        .unwrap();
    for sent in [
        old_hello(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        vec![0; 20_000],
    ] {
        let mut stream = TcpStream::connect(address(&guarded)).await.unwrap();
        // The service may have hung up before all was sent.
        let _ = stream.write_all(&sent).await;
        let mut answer = Vec::new();
        let ended = in_time("the connection", stream.read_to_end(&mut answer)).await;
        let alert = answer.first().is_none_or(|kind| *kind == 21);
        assert!(alert && answer.len() < 64, "{ended:?} {answer:?}");
        call_with(living.clone(), "SearchProfiles", &said)
            .await
            .unwrap();
    }
    // A gRPC client without TLS hears nothing that it could take for an answer.
    let plain = customer_profile::cli::client::channel(&guarded.service.url).unwrap();
    let outcome = call_with(plain, "SearchProfiles", &said);
    assert!(in_time("a client without TLS", outcome).await.is_err());
    let (_, metrics) = page(&guarded.service.metrics_url(), "/metrics").await;
    let counted = "customer_profile_tls_handshakes_failed_total{reason=\"protocol\"}";
    assert!(metrics.contains(counted), "{metrics}");
    guarded.service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_has_tls_too_and_agrees_on_http_2() {
    let (authority, files) = (Authority::new("servers"), Files::new());
    let own = authority.issue(&["dns:localhost"]);
    let socket = Service::socket_file("tls.sock");
    let settings = [
        (
            "CUSTOMER_PROFILE_TLS__CERT_FILE",
            files.put("tls.crt", &own.certificate),
        ),
        (
            "CUSTOMER_PROFILE_TLS__KEY_FILE",
            files.put("tls.key", &own.key),
        ),
        (
            "CUSTOMER_PROFILE_LISTEN__GRPC",
            format!("unix:{}", socket.display()),
        ),
    ];
    let settings = settings
        .each_ref()
        .map(|(key, value)| (*key, value.as_str()));
    let service = Service::with(Database::new().await, &settings).await;
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.root().as_bytes()).unwrap();
    roots.add(root).unwrap();
    for (offered, agreed) in [
        (vec!["h2", "http/1.1"], Some("h2")),
        (vec!["http/1.1"], Some("http/1.1")),
        (vec![], None),
    ] {
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = offered.iter().map(|p| p.as_bytes().to_vec()).collect();
        let stream = UnixStream::connect(&socket).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
        let shaken = in_time("the handshake", shaken).await.unwrap();
        let protocol = shaken.get_ref().1.alpn_protocol();
        assert_eq!(protocol, agreed.map(str::as_bytes));
    }
    service.stop().await;
}
