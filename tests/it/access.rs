//! Who may call: real keys, tokens and certificates, over real connections.

mod certificates;
mod commands;
mod connections;
mod rotation;
mod walk;

use std::path::Path;

use customer_profile::cli::client::Credentials;
use tonic::transport::Channel;

use crate::harness::{
    Database, Service,
    credentials::{AUDIENCE, Authority, Files, ISSUER, Pair},
};

/// A service with TLS, its files, and who makes its certificate.
pub struct Guarded {
    pub service: Service,
    pub files: Files,
    pub authority: Authority,
    pub url: String,
}

impl Guarded {
    /// With more settings, on top of TLS.
    async fn with(files: Files, more: &[(&str, &str)]) -> Self {
        let authority = Authority::new("servers");
        let own = authority.issue(&["dns:localhost"]);
        let mut settings = more.to_vec();
        let paths = [
            files.put("tls.crt", &own.certificate),
            files.put("tls.key", &own.key),
        ];
        files.put("ca.crt", authority.root());
        settings.push(("CUSTOMER_PROFILE_TLS__CERT_FILE", &paths[0]));
        settings.push(("CUSTOMER_PROFILE_TLS__KEY_FILE", &paths[1]));
        let service = Service::with(Database::new().await, &settings).await;
        let url = service.url.replace("http://127.0.0.1", "https://localhost");
        Self {
            service,
            files,
            authority,
            url,
        }
    }

    /// One that wants tokens of the keys in `jwks.json`.
    pub async fn by_token(files: Files) -> Self {
        let keys = files.path("jwks.json").to_str().unwrap().to_owned();
        let settings = [
            ("CUSTOMER_PROFILE_AUTH__MODE", "jwt"),
            ("CUSTOMER_PROFILE_AUTH__JWT__JWKS_FILE", keys.as_str()),
            ("CUSTOMER_PROFILE_AUTH__JWT__ISSUER", ISSUER),
            ("CUSTOMER_PROFILE_AUTH__JWT__AUDIENCE", AUDIENCE),
            ("CUSTOMER_PROFILE_AUTH__JWT__LEEWAY_MS", "0"),
        ];
        Self::with(files, &settings).await
    }

    /// One that wants certificates of an authority, and knows two callers.
    pub async fn by_certificate(clients: &Authority) -> Self {
        let files = Files::new();
        let roots = files.put("clients.crt", clients.root());
        let settings = [
            ("CUSTOMER_PROFILE_AUTH__MODE", "mtls"),
            ("CUSTOMER_PROFILE_TLS__CLIENT_CA_FILE", roots.as_str()),
            ("CUSTOMER_PROFILE_AUTH__CALLERS__BILLING__SAN", BILLING),
            (
                "CUSTOMER_PROFILE_AUTH__CALLERS__BILLING__TENANTS",
                "default, shop",
            ),
            (
                "CUSTOMER_PROFILE_AUTH__CALLERS__BILLING__PERMISSIONS",
                "record,read,read_identifiers,steward,decide,administer",
            ),
            ("CUSTOMER_PROFILE_AUTH__CALLERS__REPORTS__SAN", REPORTS),
            (
                "CUSTOMER_PROFILE_AUTH__CALLERS__REPORTS__PERMISSIONS",
                "read",
            ),
        ];
        Self::with(files, &settings).await
    }

    /// A new connection that trusts the service's authority.
    pub fn channel(&self) -> Channel {
        trusting(&self.files.path("ca.crt"), None, &self.url)
    }

    /// The same with a certificate.
    pub fn channel_with(&self, pair: &Pair) -> Channel {
        let files = Files::new();
        files.put("c.crt", &pair.certificate);
        files.put("c.key", &pair.key);
        trusting(&self.files.path("ca.crt"), Some(&files), &self.url)
    }
}

/// A caller of two tenants, and one that may only read.
pub const BILLING: &str = "spiffe://example.org/billing";
pub const REPORTS: &str = "dns:reports.internal";

/// A new connection that trusts what is in a file.
pub fn trusting(roots: &Path, own: Option<&Files>, url: &str) -> Channel {
    let credentials = Credentials {
        ca_file: Some(roots.to_owned()),
        cert_file: own.map(|files| files.path("c.crt")),
        key_file: own.map(|files| files.path("c.key")),
        ..Credentials::default()
    };
    credentials.channel(url).unwrap()
}
