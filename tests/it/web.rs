//! gRPC-Web as browsers speak it, and which pages are kept out.

use customer_profile::proto::v1::{GetProfileResponse, Profile};
use prost::Message;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::harness::{Database, Service, calls::getting, make};

const PAGE: &str = "https://desk.example.com";
const GET: &str = "/customer_profile.v1.ProfileService/GetProfile";

/// An HTTP/1.1 answer.
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The frames of the body, as (flags, content).
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let mut frames = Vec::new();
        let mut rest = self.body.as_slice();
        while let [flags, a, b, c, d, more @ ..] = rest {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).unwrap();
            let (content, after) = more.split_at(length);
            frames.push((*flags, content.to_vec()));
            rest = after;
        }
        frames
    }
}

async fn http(service: &Service, method: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let address = service.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len().to_string();
    let lines = [
        ("host", address),
        ("connection", "close"),
        ("content-length", &length),
    ];
    let lines: String = lines
        .iter()
        .chain(headers)
        .flat_map(|(name, value)| [name, ": ", value, "\r\n"])
        .collect();
    let head = format!("{method} {GET} HTTP/1.1\r\n{lines}\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut answer = Answer {
        status: status.parse().unwrap(),
        headers,
        body: bytes[end + 4..].to_vec(),
    };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunked(&answer.body);
    }
    answer
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
}

fn framed(message: &impl Message) -> Vec<u8> {
    let content = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
    frame.extend(content);
    frame
}

async fn service() -> Service {
    let settings = [("CUSTOMER_PROFILE_WEB__ALLOWED_ORIGINS", PAGE)];
    let service = Service::with(Database::new().await, &settings).await;
    service
        .record_all(vec![make::seen("1", 0, &["email=a@example.com"])])
        .await;
    service
}

async fn get(service: &Service, who: &str, headers: &[(&str, &str)]) -> Answer {
    let kind = ("content-type", "application/grpc-web+proto");
    let headers = [&[kind, ("x-grpc-web", "1")], headers].concat();
    http(service, "POST", &headers, &framed(&getting(who))).await
}

fn profile(answer: &Answer) -> Profile {
    let frames = answer.frames();
    let (flags, content) = &frames[0];
    assert_eq!(*flags, 0);
    let (flags, trailers) = frames.last().unwrap();
    assert_eq!((*flags, frames.len()), (0x80, 2));
    let trailers = std::str::from_utf8(trailers).unwrap();
    assert!(trailers.contains("grpc-status:0"), "{trailers}");
    let message = GetProfileResponse::decode(content.as_slice()).unwrap();
    message.profile.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_allowed_origin_looks_up_a_profile() {
    let service = service().await;
    let answer = get(&service, "email=a@example.com", &[("origin", PAGE)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    let readable = answer.header("access-control-expose-headers").unwrap();
    assert!(readable.contains("grpc-status-details-bin"), "{readable}");
    assert!(profile(&answer).known);
    // A client that is no browser names no origin.
    assert!(profile(&get(&service, "email=a@example.com", &[]).await).known);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_reads_errors_with_their_details() {
    let service = service().await;
    for (who, headers, status) in [
        ("email=b@example.com", vec![("origin", PAGE)], "5"),
        (
            "email=a@example.com",
            vec![("x-tenant-id", "NOT A SLUG")],
            "16",
        ),
    ] {
        let answer = get(&service, who, &headers).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("grpc-status"), Some(status));
        assert!(answer.header("grpc-status-details-bin").is_some());
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_reaches_nothing() {
    let service = service().await;
    for origin in [
        "https://evil.example.com",
        "http://desk.example.com",
        "https://desk.example.com.evil.example.com",
        "https://desk.example.com:8443",
        "null",
        "",
    ] {
        let answer = get(&service, "email=a@example.com", &[("origin", origin)]).await;
        assert_eq!((answer.status, answer.body.len()), (403, 0), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let both = [("origin", PAGE), ("origin", "https://evil.example.com")];
    assert_eq!(
        get(&service, "email=a@example.com", &both).await.status,
        403
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_to_allowed_pages_alone() {
    let service = service().await;
    let preflight = async |origin: &str| {
        let headers = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            (
                "access-control-request-headers",
                "content-type,x-grpc-web,authorization",
            ),
        ];
        http(&service, "OPTIONS", &headers, &[]).await
    };
    let answer = preflight(PAGE).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    let headers = answer.header("access-control-allow-headers").unwrap();
    for name in ["content-type", "x-grpc-web", "authorization", "x-tenant-id"] {
        assert!(headers.contains(name), "{headers}");
    }
    assert_eq!(preflight("https://evil.example.com").await.status, 403);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_call_over_http_1_is_turned_away() {
    let service = service().await;
    for (method, kind, body) in [
        ("GET", "text/html", &b""[..]),
        ("POST", "application/json", b"{}"),
        (
            "POST",
            "application/grpc",
            &framed(&getting("email=a@example.com")),
        ),
        ("POST", "text/plain", b"x"),
    ] {
        let answer = http(&service, method, &[("content-type", kind)], body).await;
        assert!(
            (400..=499).contains(&answer.status),
            "{method} {kind}: {}",
            answer.status
        );
        assert!(answer.frames().is_empty());
    }
    // A body that is no frame.
    let kind = ("content-type", "application/grpc-web+proto");
    for body in [
        &b"x"[..],
        &[0, 0, 0, 0, 9, 1],
        &[0xff; 64],
        &[0, 0xff, 0xff, 0xff, 0xff],
    ] {
        let answer = http(&service, "POST", &[kind], body).await;
        let status = answer.header("grpc-status").map(str::to_owned).or_else(|| {
            let frames = answer.frames();
            let (_, trailers) = frames.last()?;
            let text = std::str::from_utf8(trailers).ok()?;
            Some(
                text.split("grpc-status:")
                    .nth(1)?
                    .split('\r')
                    .next()?
                    .to_owned(),
            )
        });
        assert!(
            !matches!(status.as_deref(), None | Some("0" | "13")),
            "{body:?}: {status:?}"
        );
    }
    assert!(profile(&get(&service, "email=a@example.com", &[]).await).known);
    service.stop().await;
}
