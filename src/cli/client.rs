//! Connecting to a service.

use std::path::PathBuf;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use super::Failure;

/// Where a service listens unless it is told otherwise.
pub const DEFAULT_URL: &str = "http://127.0.0.1:7401";

/// A channel to `http://host:port` or `unix:/path`. It connects when it is first used, and again when it breaks.
///
/// # Errors
/// When the address is none.
pub fn channel(url: &str) -> Result<Channel, Failure> {
    if let Some(path) = url.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        let connector = service_fn(move |_: http::Uri| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        });
        return Ok(Endpoint::from_static("http://unix").connect_with_connector_lazy(connector));
    }
    let endpoint = Endpoint::from_shared(url.to_owned()).map_err(|_| {
        Failure::Call(format!(
            "{url} is no address: expected http://host:port or unix:/path"
        ))
    })?;
    Ok(endpoint.connect_lazy())
}

/// A failed call in one line: its code, its text, and what exactly is wrong.
#[must_use]
pub fn describe(status: &tonic::Status) -> String {
    use tonic_types::StatusExt as _;
    let mut text = format!("{:?}: {}", status.code(), status.message());
    let details = status.get_error_details();
    if let Some(bad) = details.bad_request() {
        for violation in &bad.field_violations {
            text.push_str("\n  ");
            text.push_str(&violation.field);
            text.push_str(": ");
            text.push_str(&violation.description);
        }
    }
    text
}
