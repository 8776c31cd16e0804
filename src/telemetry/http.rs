//! `/metrics`, `/livez` and `/readyz` over HTTP/1, on an address of their own.
//!
//! Being alive means that this answers at all; being ready follows what the service says of itself: not before its database
//! is reached, not while it drains. Neither asks the database, so a probe cannot add load to what is already slow.

use std::{convert::Infallible, io, net::SocketAddr, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::MissedTickBehavior,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::metrics::Metrics;

/// How often observations are folded into buckets.
const UPKEEP: Duration = Duration::from_secs(5);
/// A connection that has not sent its head by then is closed.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take that was under way when the service stopped.
const LAST_ANSWER: Duration = Duration::from_secs(1);
/// Connections served at a time: a few scrapers and probes.
const CONNECTIONS: usize = 64;

/// A server that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    pages: Pages,
}

#[derive(Clone, Debug)]
struct Pages {
    metrics: Metrics,
    ready: watch::Receiver<bool>,
}

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When it cannot be had.
    pub async fn bind(
        address: SocketAddr,
        metrics: Metrics,
        ready: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let pages = Pages { metrics, ready };
        Ok(Self { listener, pages })
    }

    /// The address it has, with the port the system chose for port 0.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Answers until `stop` is cancelled. Cancel it last: until then a draining service says that it is not ready.
    pub async fn serve(self, stop: CancellationToken) {
        let mut upkeep = tokio::time::interval(UPKEEP);
        upkeep.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (tasks, places) = (
            TaskTracker::new(),
            std::sync::Arc::new(Semaphore::new(CONNECTIONS)),
        );
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = upkeep.tick() => self.pages.metrics.upkeep(),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let Ok(place) = places.clone().try_acquire_owned() else { continue };
                        let (pages, stop) = (self.pages.clone(), stop.clone());
                        tasks.spawn(async move {
                            serve_connection(stream, pages, stop).await;
                            drop(place);
                        });
                    }
                    Err(error) => {
                        // Out of file handles, most likely: give others the time to close some.
                        tracing::warn!(%error, "cannot accept a connection on the metrics address");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        tasks.close();
        tasks.wait().await;
    }
}

async fn serve_connection(stream: TcpStream, pages: Pages, stop: CancellationToken) {
    let service = service_fn(move |request| {
        let response = pages.answer(&request);
        async move { Ok::<_, Infallible>(response) }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_ANSWER, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection on the metrics address broke");
    }
}

impl Pages {
    fn answer(&self, request: &Request<Incoming>) -> Response<String> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return page(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match request.uri().path() {
            "/metrics" => page(StatusCode::OK, self.metrics.render()),
            "/livez" => page(StatusCode::OK, "alive\n"),
            "/readyz" if *self.ready.borrow() => page(StatusCode::OK, "ready\n"),
            "/readyz" => page(StatusCode::SERVICE_UNAVAILABLE, "not ready\n"),
            _ => page(StatusCode::NOT_FOUND, "try /metrics, /livez or /readyz\n"),
        }
    }
}

fn page(status: StatusCode, text: impl Into<String>) -> Response<String> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let plain = header::HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn probes_follow_readiness_and_metrics_are_text() {
        let (ready, seen) = watch::channel(false);
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let metrics = Metrics::install().unwrap();
        let server = Server::bind(anywhere, metrics, seen).await.unwrap();
        let address = server.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(stop.clone()));

        let first_line = |answer: String| answer.lines().next().unwrap_or_default().to_owned();
        assert_eq!(first_line(get(address, "/livez").await), "HTTP/1.1 200 OK");
        let not_ready = "HTTP/1.1 503 Service Unavailable";
        assert_eq!(first_line(get(address, "/readyz").await), not_ready);
        ready.send(true).unwrap();
        assert_eq!(first_line(get(address, "/readyz").await), "HTTP/1.1 200 OK");
        assert_eq!(
            first_line(get(address, "/x").await),
            "HTTP/1.1 404 Not Found"
        );
        assert!(
            get(address, "/metrics")
                .await
                .contains("customer_profile_build_info")
        );

        // A connection that is kept open without a request does not hold up the end.
        let _idle = TcpStream::connect(address).await.unwrap();
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(5), serving)
            .await
            .unwrap()
            .unwrap();
    }
}
