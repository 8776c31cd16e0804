//! Connecting to a service.

use std::path::PathBuf;

use clap::Args;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint},
};
use tower::service_fn;

use super::Failure;
use crate::{auth, ids::TenantId};

/// Where a service listens unless it is told otherwise.
pub const DEFAULT_URL: &str = "http://127.0.0.1:7401";

/// A channel whose calls carry what the command line says of the caller.
pub type Connection = InterceptedService<Channel, Identity>;

/// Which service to ask, and as whom: options that every command that calls has.
#[derive(Args, Clone, Debug)]
pub struct Target {
    /// The service to ask, `http://host:port` or `unix:/path`.
    #[arg(
        long,
        env = "CUSTOMER_PROFILE_URL",
        default_value = DEFAULT_URL,
        value_name = "URL"
    )]
    pub to: String,

    /// The tenant.
    #[arg(long, value_parser = tenant)]
    pub tenant: Option<TenantId>,

    /// Metadata to send with each call, as name:value; may be given several times.
    #[arg(short = 'H', long = "metadata", value_name = "NAME:VALUE")]
    pub metadata: Vec<String>,
}

fn tenant(text: &str) -> Result<TenantId, &'static str> {
    TenantId::parse(text).ok_or("must be 1 to 64 of a-z, 0-9, _, - and .")
}

impl Target {
    /// A connection to the service. It is made when it is first used, and again when it breaks.
    ///
    /// # Errors
    /// When the address or the metadata are malformed.
    pub fn connect(&self) -> Result<Connection, Failure> {
        Ok(InterceptedService::new(
            channel(&self.to)?,
            self.identity()?,
        ))
    }

    /// What calls say of their caller.
    ///
    /// # Errors
    /// When the metadata are malformed.
    pub fn identity(&self) -> Result<Identity, Failure> {
        let mut metadata = MetadataMap::new();
        let refuse =
            |text: &str| Failure::Call(format!("{text:?} is no metadata: expected name:value"));
        for text in &self.metadata {
            let (name, value) = text.split_once(':').ok_or_else(|| refuse(text))?;
            let name: AsciiMetadataKey = name.trim().parse().map_err(|_| refuse(text))?;
            let value: AsciiMetadataValue = value.trim().parse().map_err(|_| refuse(text))?;
            metadata.append(name, value);
        }
        if let Some(tenant) = &self.tenant {
            let value = AsciiMetadataValue::try_from(tenant.as_str())
                .map_err(|_| Failure::Call("the tenant cannot be sent".to_owned()))?;
            metadata.insert(auth::TENANT, value);
        }
        Ok(Identity(metadata))
    }
}

/// Adds metadata to every call.
#[derive(Clone, Debug, Default)]
pub struct Identity(MetadataMap);

impl Interceptor for Identity {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        let given = self.0.clone().into_headers();
        let mut headers = std::mem::take(request.metadata_mut()).into_headers();
        headers.extend(given);
        *request.metadata_mut() = MetadataMap::from_headers(headers);
        Ok(request)
    }
}

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
