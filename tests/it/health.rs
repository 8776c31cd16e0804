//! Health, reflection and the pages over HTTP.

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use customer_profile::{
    config::Address,
    proto::v1::{GetProfileRequest, ReadOptions},
};

use crate::harness::{
    Database, Service,
    away::OwnCluster,
    calls::getting,
    make,
    service::with_metadata,
    wait::{in_time, until},
};

/// All that health speaks of.
pub const SERVICES: [&str; 7] = [
    "",
    "customer_profile.v1.InteractionService",
    "customer_profile.v1.ProfileService",
    "customer_profile.v1.IdentityService",
    "customer_profile.v1.NextBestActionService",
    "customer_profile.v1.SegmentService",
    "customer_profile.v1.SentimentService",
];

/// Those that serve, without the name of the package.
pub async fn serving(client: &mut HealthClient<Channel>) -> Vec<&'static str> {
    let mut serving = Vec::new();
    for name in SERVICES {
        if status(client, name).await == ServingStatus::Serving {
            serving.push(name.rsplit('.').next().unwrap());
        }
    }
    serving
}

/// Waits until those serve that should, and no others.
async fn serve_alone(client: &mut HealthClient<Channel>, wanted: &[&str]) {
    until("health follows", async || serving(client).await == wanted).await;
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest {
        service: service.into(),
    }
}

async fn status(client: &mut HealthClient<Channel>, service: &str) -> ServingStatus {
    client
        .check(of(service))
        .await
        .unwrap()
        .into_inner()
        .status()
}

/// The status line and the body of a page.
pub async fn page(url: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://"))
        .await
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    let body = answer.split_once("\r\n\r\n").unwrap().1.to_owned();
    (code, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_has_a_health_of_its_own_and_strangers_may_ask() {
    let service = Service::start().await;
    let mut client = HealthClient::new(service.channel());
    for name in SERVICES {
        // Known from the first moment on.
        assert_ne!(status(&mut client, name).await, ServingStatus::Unknown);
        until("it serves", async || {
            status(&mut client, name).await == ServingStatus::Serving
        })
        .await;
    }
    let unknown = client
        .check(of("customer_profile.v1.NoService"))
        .await
        .unwrap_err();
    assert_eq!(unknown.code(), Code::NotFound);
    let stranger = with_metadata(
        of(""),
        &[("x-tenant-id", "NOT A TENANT"), ("x-permissions", "")],
    );
    assert!(client.check(stranger).await.is_ok());
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_go_one_by_one_and_it_stays_ready_while_it_can_answer_from_what_it_kept() {
    let mut cluster = OwnCluster::start("health_parts").await;
    let settings = [("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500")];
    let service = Service::with(cluster.database(), &settings).await;
    let mut client = HealthClient::new(service.channel());
    let url = service.metrics_url();
    let who = "email=a@example.com";
    service.record_one(make::seen("1", 0, &[who])).await;
    service.profile(who).await;
    let all = [
        "",
        "InteractionService",
        "ProfileService",
        "IdentityService",
        "NextBestActionService",
        "SegmentService",
        "SentimentService",
    ];
    serve_alone(&mut client, &all).await;

    let read_only = async |how: &str| {
        let mut connection = cluster.database().connect().await;
        let how = format!("ALTER SYSTEM SET default_transaction_read_only = {how}");
        for statement in [how.as_str(), "SELECT pg_reload_conf()"] {
            let statement = sqlx::AssertSqlSafe(statement.to_owned());
            sqlx::raw_sql(statement)
                .execute(&mut connection)
                .await
                .unwrap();
        }
    };
    read_only("on").await;
    let readers = ["", "ProfileService", "SegmentService", "SentimentService"];
    serve_alone(&mut client, &readers).await;
    service.profile(who).await;
    assert_eq!(page(&url, "/readyz").await.0, 200);
    read_only("off").await;
    serve_alone(&mut client, &all).await;

    cluster.stop().await;
    serve_alone(&mut client, &["", "ProfileService"]).await;
    assert_eq!(page(&url, "/readyz").await.0, 200);
    let old = GetProfileRequest {
        read_options: Some(ReadOptions {
            allow_stale: true,
            ..ReadOptions::default()
        }),
        ..getting(who)
    };
    assert!(service.get(old).await.is_ok(), "what it is ready for");
    cluster.run().await;
    serve_alone(&mut client, &all).await;
    // Begun anew with the database, it has nothing to answer with.
    cluster.stop().await;
    serve_alone(&mut client, &[]).await;
    assert_eq!(page(&url, "/readyz").await.0, 503);
    cluster.run().await;
    serve_alone(&mut client, &all).await;
    let drained = service.stop();
    in_time("the drain", drained).await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_readiness_follow_the_database_also_when_it_hangs() {
    let mut cluster = OwnCluster::start("health").await;
    let settings = [("CUSTOMER_PROFILE_DATABASE__ACQUIRE_TIMEOUT_MS", "500")];
    let service = Service::with(cluster.database(), &settings).await;
    let mut client = HealthClient::new(service.channel());
    let url = service.metrics_url();
    let mut watched = client.watch(of(SERVICES[2])).await.unwrap().into_inner();
    let mut follow = async |wanted: ServingStatus, ready: u16| {
        in_time("the change of health", async {
            loop {
                if watched.message().await.unwrap().unwrap().status() == wanted {
                    break;
                }
            }
        })
        .await;
        until("readiness follows", async || {
            page(&url, "/readyz").await.0 == ready
        })
        .await;
        assert_eq!(
            page(&url, "/livez").await.0,
            200,
            "alive whatever the database does"
        );
        assert_eq!(status(&mut client, SERVICES[2]).await, wanted);
    };
    follow(ServingStatus::Serving, 200).await;
    cluster.stop().await;
    follow(ServingStatus::NotServing, 503).await;
    cluster.run().await;
    follow(ServingStatus::Serving, 200).await;
    cluster.freeze();
    follow(ServingStatus::NotServing, 503).await;
    cluster.thaw();
    follow(ServingStatus::Serving, 200).await;
    drop(watched);
    service.stop().await;
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_answer_and_metrics_count_what_was_recorded() {
    let service = Service::start().await;
    service
        .record_one(make::seen("1", 0, &["email=a@example.com"]))
        .await;
    let url = service.metrics_url();
    assert_eq!(page(&url, "/livez").await, (200, "alive\n".into()));
    until("it is ready", async || page(&url, "/readyz").await.0 == 200).await;
    let (code, body) = page(&url, "/metrics").await;
    assert_eq!(code, 200);
    let recorded = body
        .lines()
        .find(|l| l.contains("interactions_total") && l.contains("\"recorded\""))
        .unwrap();
    // Other tests of this process count too.
    assert!(recorded.rsplit(' ').next().unwrap().parse::<f64>().unwrap() >= 1.0);
    assert!(body.contains("StreamInteractions") || body.contains("RecordInteractions"));
    assert!(!body.contains("example.com"), "no personal data");
    assert_eq!(page(&url, "/else").await.0, 404);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reflection_lists_the_services_in_both_versions() {
    macro_rules! listed {
        ($service:expr, $version:ident) => {{
            use tonic_reflection::pb::$version::{
                ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
                server_reflection_request::MessageRequest,
                server_reflection_response::MessageResponse,
            };
            let request = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let mut client = ServerReflectionClient::new($service.channel());
            let requests = futures_util::stream::iter([request]);
            let answers = client.server_reflection_info(requests).await.unwrap();
            let answer = answers.into_inner().message().await.unwrap().unwrap();
            let Some(MessageResponse::ListServicesResponse(list)) = answer.message_response else {
                panic!("another answer than a list");
            };
            list.service
                .into_iter()
                .map(|s| s.name)
                .collect::<Vec<String>>()
        }};
    }
    let service = Service::start().await;
    for listed in [listed!(service, v1), listed!(service, v1alpha)] {
        for name in &SERVICES[1..] {
            assert!(listed.iter().any(|l| l == name), "{listed:?}");
        }
        assert!(listed.iter().any(|l| l == "grpc.health.v1.Health"));
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_serves_in_place_of_one_that_was_left_and_leaves_none() {
    let path = Service::socket_file("grpc.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let address = format!("unix:{}", path.display());
    let setting = [("CUSTOMER_PROFILE_LISTEN__GRPC", address.as_str())];
    let service = Service::with(Database::new().await, &setting).await;
    assert_eq!(service.settings.listen.grpc, Address::Unix(path.clone()));
    let id = service
        .record_one(make::seen("1", 0, &["email=a@example.com"]))
        .await;
    let profile = service.profile("email=a@example.com").await;
    assert_eq!(profile.profile_id, id);
    service.stop().await;
    assert!(!path.exists());
}
