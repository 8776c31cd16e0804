//! What the files of TLS become: rustls' configuration.
//!
//! What must stay true: TLS 1.2 and 1.3 with ring and nothing else; a session is never resumed, since a resumed one brings
//! back a certificate that may have ended or be trusted no more; a client's certificate is optional in the handshake, so
//! that probes need none, and whoever asks for more than probes is refused without one.

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};

/// The contents of the files, PEM.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The certificate of the service, then those between it and a root.
    pub certificates: &'a [u8],
    /// Its private key.
    pub key: &'a [u8],
    /// Roots of clients' certificates; `None` asks clients for none.
    pub client_roots: Option<&'a [u8]>,
}

/// Why files cannot be used. Nothing of what is in them is shown.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificates.
    #[error("tls.cert_file holds no certificates in PEM form")]
    Certificates,
    /// No key.
    #[error("tls.key_file holds no private key in PEM form")]
    Key,
    /// No roots.
    #[error("tls.client_ca_file holds no certificates in PEM form that can be roots")]
    ClientRoots,
    /// The certificate and the key cannot be used together.
    #[error("tls.cert_file and tls.key_file do not fit each other: {0}")]
    Mismatch(rustls::Error),
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// HTTP/2 for gRPC, HTTP/1.1 for gRPC-Web.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

impl Files<'_> {
    /// The configuration for accepting connections.
    ///
    /// # Errors
    /// When a file holds something else than it should, or the files do not fit each other.
    pub fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let chain = certificates(self.certificates).ok_or(TlsError::Certificates)?;
        let key = PrivateKeyDer::from_pem_slice(self.key).map_err(|_| TlsError::Key)?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Setup)?;
        let builder = match self.client_roots {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let mut roots = RootCertStore::empty();
                for root in certificates(pem).ok_or(TlsError::ClientRoots)? {
                    roots.add(root).map_err(|_| TlsError::ClientRoots)?;
                }
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .allow_unauthenticated()
                        .build()
                        .map_err(|_| TlsError::ClientRoots)?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(TlsError::Mismatch)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }
}

/// All certificates of a file, at least one.
fn certificates(pem: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn made() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    fn config(certificates: &str, key: &str, roots: Option<&str>) -> Result<(), String> {
        Files {
            certificates: certificates.as_bytes(),
            key: key.as_bytes(),
            client_roots: roots.map(str::as_bytes),
        }
        .config()
        .map(drop)
        .map_err(|error| error.to_string())
    }

    #[test]
    fn files_that_fit_are_taken_and_others_are_named() {
        let ((certificate, key), (other, other_key)) = (made(), made());
        assert_eq!(config(&certificate, &key, None), Ok(()));
        assert_eq!(config(&certificate, &key, Some(&other)), Ok(()));
        for (result, file) in [
            (config("", &key, None), "tls.cert_file"),
            (config(&key, &key, None), "tls.cert_file"),
            (config(&certificate, "", None), "tls.key_file"),
            (config(&certificate, &certificate, None), "tls.key_file"),
            (config(&certificate, &other_key, None), "do not fit"),
            (config(&certificate, &key, Some("")), "tls.client_ca_file"),
            (config(&certificate, &key, Some(&key)), "tls.client_ca_file"),
            (
                config(&certificate[..certificate.len() / 2], &key, None),
                "tls.cert_file",
            ),
        ] {
            let error = result.unwrap_err();
            assert!(error.contains(file), "{error}");
        }
    }
}
