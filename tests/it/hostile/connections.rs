//! Connections that are too many, and connections that say nothing.

use std::{
    io::ErrorKind,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use customer_profile::{
    app::connections::{attentive, bounded},
    proto::v1::GetProfileRequest,
    tls,
};
use futures_util::Stream;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::TlsConnector;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Server, server::Connected};

use crate::{
    harness::{
        Database, Service,
        credentials::Authority,
        make,
        wait::{in_time, until},
    },
    health::page,
};

const MOST: usize = 32;
const PATIENCE: Duration = Duration::from_millis(300);

/// How a client of HTTP/2 begins: its preface and empty settings.
const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0whatever";
const PONG: &[u8] = b"\0\0\x08\x06\x01\0\0\0\0whatever";

/// Whether a connection ends, and without having been told anything.
async fn is_closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let mut told = Vec::new();
    match in_time("the connection", stream.read_to_end(&mut told)).await {
        Ok(_) => told.is_empty(),
        Err(error) => {
            [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof].contains(&error.kind())
        }
    }
}

/// Whether the other end answers on a connection of HTTP/2.
async fn answers(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> bool {
    stream.write_all(PING).await.unwrap();
    let mut told = Vec::new();
    while !told.windows(PONG.len()).any(|window| window == PONG) {
        let read = in_time("the answer", stream.read_buf(&mut told)).await;
        if read.is_err() || read.is_ok_and(|length| length == 0) {
            return false;
        }
    }
    true
}

async fn is_served(service: &Service) -> bool {
    let request = GetProfileRequest {
        lookup: make::by("email=nobody@example.com"),
        allow_missing: true,
        ..GetProfileRequest::default()
    };
    service.profiles().get_profile(request).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_connections_the_newest_is_closed_until_an_old_one_leaves() {
    let most = MOST.to_string();
    let settings = [("CUSTOMER_PROFILE_LIMITS__CONNECTIONS", most.as_str())];
    let service = Service::with(Database::new().await, &settings).await;
    let address = service.url.strip_prefix("http://").unwrap();
    let mut open = Vec::new();
    for _ in 0..MOST {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(HELLO).await.unwrap();
        open.push(stream);
    }
    let mut newest = TcpStream::connect(address).await.unwrap();
    assert!(is_closed(&mut newest).await);
    assert!(!is_served(&service).await);
    for stream in &mut open {
        assert!(answers(stream).await, "one that was there is gone");
    }
    let (_, metrics) = page(&service.metrics_url(), "/metrics").await;
    let refused = r#"customer_profile_connections_refused_total{reason="crowded"}"#;
    assert!(metrics.contains(refused), "{metrics}");
    assert!(
        metrics.contains("\ncustomer_profile_connections "),
        "{metrics}"
    );
    drop(open.pop());
    until("there is room", async || is_served(&service).await).await;
    drop(open);
    service.stop().await;
}

/// Serves what comes in, with the keepalive that holds connections that have spoken.
fn serve<S, C>(incoming: S)
where
    S: Stream<Item = std::io::Result<C>> + Send + 'static,
    C: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    C::ConnectInfo: Clone + Send + Sync + 'static,
{
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder()
        .accept_http1(true)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .add_service(health)
        .serve_with_incoming(incoming);
    tokio::spawn(server);
}

async fn listener() -> (TcpListenerStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (TcpListenerStream::new(listener), address)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_is_closed_and_who_spoke_once_may_idle() {
    let (incoming, address) = listener().await;
    serve(attentive(bounded(incoming, MOST), PATIENCE));
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(HELLO).await.unwrap();
    let begun = Instant::now();
    // Neither nothing nor a part of the preface tells what is spoken.
    for said in [&HELLO[..0], &HELLO[..1], &HELLO[..23]] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said).await.unwrap();
        assert!(is_closed(&mut stream).await, "{} bytes", said.len());
    }
    let took = begun.elapsed();
    assert!(took >= 3 * PATIENCE && took < 30 * PATIENCE, "{took:?}");
    assert!(answers(&mut idle).await);
    let mut slow = TcpStream::connect(address).await.unwrap();
    for byte in HELLO.chunks(8) {
        slow.write_all(byte).await.unwrap();
        tokio::time::sleep(PATIENCE / 20).await;
    }
    tokio::time::sleep(2 * PATIENCE).await;
    assert!(answers(&mut slow).await);
    let mut old = TcpStream::connect(address).await.unwrap();
    old.write_all(b"POST / HTTP/1.1\r\n").await.unwrap();
    tokio::time::sleep(2 * PATIENCE).await;
    old.write_all(b"Host: x\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    let mut told = [0; 8];
    in_time("the answer", old.read_exact(&mut told))
        .await
        .unwrap();
    assert_eq!(&told, b"HTTP/1.1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_alone_says_nothing_either() {
    let authority = Authority::new("servers");
    let own = authority.issue(&["dns:localhost"]);
    let files = tls::Files {
        certificates: own.certificate.as_bytes(),
        key: own.key.as_bytes(),
        client_roots: None,
    };
    let (_keep, current) = watch::channel(files.config().unwrap());
    let (incoming, address) = listener().await;
    // Room for one: a connection that was closed gave its place back.
    serve(attentive(
        tls::accept(bounded(incoming, 1), current),
        PATIENCE,
    ));
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.root().as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let connector = TlsConnector::from(Arc::new(config));
    let connect = async || {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        connector.connect(name, stream).await
    };
    let mut silent = connect().await.unwrap();
    assert!(is_closed(&mut silent).await);
    let mut talking = None;
    until("there is room", async || {
        talking = connect().await.ok();
        talking.is_some()
    })
    .await;
    let mut talking = talking.unwrap();
    talking.write_all(HELLO).await.unwrap();
    tokio::time::sleep(2 * PATIENCE).await;
    assert!(answers(&mut talking).await);
}
