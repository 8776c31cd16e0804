//! Connecting to a service.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::{
    Request, Status,
    metadata::{AsciiMetadataKey, AsciiMetadataValue, MetadataMap},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{self, Certificate, Channel, ClientTlsConfig, Endpoint},
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
    /// The service to ask, `http://host:port`, `https://host:port` or `unix:/path`.
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

    /// What is shown to the service, and what it has to show.
    #[command(flatten)]
    pub credentials: Credentials,
}

/// What is shown to a service, and what it has to show.
#[derive(Args, Clone, Debug, Default)]
pub struct Credentials {
    /// A file that holds the token to call with.
    #[arg(long, env = "CUSTOMER_PROFILE_TOKEN_FILE", value_name = "FILE")]
    pub token_file: Option<PathBuf>,

    /// The roots of the service's certificate, PEM; for https:// addresses, without it those of the public.
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,

    /// The certificate to connect with, PEM; for https:// addresses.
    #[arg(long, value_name = "FILE", requires = "key_file")]
    pub cert_file: Option<PathBuf>,

    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "cert_file")]
    pub key_file: Option<PathBuf>,

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
    /// When the address or the metadata are malformed, or a file of credentials cannot be read.
    pub fn connect(&self) -> Result<Connection, Failure> {
        Ok(InterceptedService::new(
            self.credentials.channel(&self.to)?,
            self.identity()?,
        ))
    }

    /// What calls say of their caller.
    ///
    /// # Errors
    /// When the metadata are malformed, or the token cannot be read.
    pub fn identity(&self) -> Result<Identity, Failure> {
        let Identity(mut metadata) = self.credentials.identity()?;
        if let Some(tenant) = &self.tenant {
            let value = AsciiMetadataValue::try_from(tenant.as_str())
                .map_err(|_| Failure::Call("the tenant cannot be sent".to_owned()))?;
            metadata.insert(auth::TENANT, value);
        }
        Ok(Identity(metadata))
    }
}

impl Credentials {
    /// A connection to a service, with what calls say of their caller but its tenant.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub fn connect(&self, url: &str) -> Result<Connection, Failure> {
        let (channel, identity) = (self.channel(url)?, self.identity()?);
        Ok(InterceptedService::new(channel, identity))
    }

    fn identity(&self) -> Result<Identity, Failure> {
        let mut metadata = MetadataMap::new();
        let refuse =
            |text: &str| Failure::Call(format!("{text:?} is no metadata: expected name:value"));
        for text in &self.metadata {
            let (name, value) = text.split_once(':').ok_or_else(|| refuse(text))?;
            let name: AsciiMetadataKey = name.trim().parse().map_err(|_| refuse(text))?;
            let value: AsciiMetadataValue = value.trim().parse().map_err(|_| refuse(text))?;
            metadata.append(name, value);
        }
        if let Some(path) = &self.token_file {
            let content = read(path)?;
            let shown = path.display();
            let token = std::str::from_utf8(&content).ok().map(str::trim_end);
            let value = token
                .filter(|token| !token.is_empty())
                .and_then(|token| format!("Bearer {token}").parse().ok());
            let mut value: AsciiMetadataValue =
                value.ok_or_else(|| Failure::Call(format!("{shown}: holds no token")))?;
            value.set_sensitive(true);
            metadata.insert("authorization", value);
        }
        Ok(Identity(metadata))
    }

    /// A channel to `http://host:port`, `https://host:port` or `unix:/path`, which says nothing of the caller but its
    /// certificate.
    ///
    /// # Errors
    /// When the address is none, or a file cannot be read or used.
    pub fn channel(&self, url: &str) -> Result<Channel, Failure> {
        let secure = url.starts_with("https://");
        if !secure && (self.ca_file.is_some() || self.cert_file.is_some()) {
            let text = "--ca-file and --cert-file are for https:// addresses";
            return Err(Failure::Call(format!("{url}: {text}")));
        }
        if !secure {
            return channel(url);
        }
        let mut tls = ClientTlsConfig::new();
        tls = match &self.ca_file {
            Some(path) => tls.ca_certificate(Certificate::from_pem(read(path)?)),
            None => tls.with_enabled_roots(),
        };
        if let (Some(certificate), Some(key)) = (&self.cert_file, &self.key_file) {
            let identity = transport::Identity::from_pem(read(certificate)?, read(key)?);
            tls = tls.identity(identity);
        }
        let endpoint = endpoint(url)?.tls_config(tls).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let cause = cause.unwrap_or_else(|| error.to_string());
            Failure::Call(format!("the certificates cannot be used: {cause}"))
        })?;
        Ok(endpoint.connect_lazy())
    }
}

/// A file of credentials.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path)
        .map_err(|error| Failure::Call(format!("{}: cannot be read: {error}", path.display())))
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
    Ok(endpoint(url)?.connect_lazy())
}

fn endpoint(url: &str) -> Result<Endpoint, Failure> {
    Endpoint::from_shared(url.to_owned()).map_err(|_| {
        Failure::Call(format!(
            "{url} is no address: expected http://host:port, https://host:port or unix:/path"
        ))
    })
}
