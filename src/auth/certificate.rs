//! Callers who showed a certificate when they connected: `auth.mode = "mtls"`.
//!
//! What must stay true: the names come from a certificate whose chain was verified by the code that now reads them; a name
//! is one that is configured, byte by byte, or nobody's: no wildcards, no common names; a certificate that is two callers
//! is none.

use std::{collections::HashMap, fmt, sync::Arc};

use http::HeaderMap;
use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use super::{Caller, Grant, Refusal, Refused};

/// A name in a certificate (a subject alternative name) by which callers are told.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum San {
    /// A SPIFFE id, as it is.
    Spiffe(String),
    /// A DNS name in lower case.
    Dns(String),
}

impl San {
    /// From configuration: `spiffe://trust-domain/path` or `dns:name`; `None` when it is neither, or has a wildcard.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(name) = text.strip_prefix("dns:") {
            let name = name.to_ascii_lowercase();
            let label = |label: &str| {
                let bytes = label.as_bytes();
                (1..=63).contains(&bytes.len())
                    && bytes
                        .iter()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(b))
            };
            let sound = name.len() <= 253 && name.split('.').all(label);
            return sound.then_some(Self::Dns(name));
        }
        let (domain, path) = text.strip_prefix("spiffe://")?.split_once('/')?;
        let part = |part: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain)
        };
        let lower = !domain.bytes().any(|b| b.is_ascii_uppercase());
        let sound = text.len() <= 2_048 && part(domain) && lower && path.split('/').all(part);
        sound.then(|| Self::Spiffe(text.to_owned()))
    }
}

/// The names of others' machines are nobody's business in a log.
impl fmt::Debug for San {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spiffe(_) => "spiffe",
            Self::Dns(_) => "dns",
        })
    }
}

/// What is known of who is at the other end of a connection. Put there once, when it was made.
#[derive(Clone, Debug, Default)]
pub struct Peer(Option<Arc<[San]>>);

impl Peer {
    /// Of a certificate whose chain was verified; `None` when there was none, or it cannot be read.
    #[must_use]
    pub fn of(certificate: Option<&CertificateDer<'_>>) -> Self {
        let Some(certificate) = certificate else {
            return Self(None);
        };
        let names = EndEntityCert::try_from(certificate).map(|read| {
            let uris = read
                .valid_uri_names()
                .map(|uri| San::Spiffe(uri.to_owned()));
            let names = read
                .valid_dns_names()
                .map(|name| San::Dns(name.to_ascii_lowercase()));
            uris.chain(names).collect()
        });
        // One that cannot be read has no names, and is therefore nobody's.
        Self(Some(names.unwrap_or_default()))
    }
}

/// The callers that are configured, by the name in their certificate.
#[derive(Clone, Debug, Default)]
pub struct Callers(HashMap<San, Grant>);

impl Callers {
    /// Of callers with a name each.
    #[must_use]
    pub fn new(callers: impl IntoIterator<Item = (San, Grant)>) -> Self {
        Self(callers.into_iter().collect())
    }

    /// Who calls over a connection.
    ///
    /// # Errors
    /// [`Refusal::Missing`] without a certificate, [`Refusal::Unknown`] when it is nobody's or several callers'; or why the
    /// caller has no business with the tenant.
    pub fn caller(&self, peer: Option<&Peer>, headers: &HeaderMap) -> Result<Caller, Refused> {
        let Some(Peer(Some(names))) = peer else {
            return Err(Refusal::Missing.into());
        };
        let mut known = names.iter().filter_map(|name| self.0.get(name));
        let first = known.next().ok_or(Refusal::Unknown)?;
        if known.any(|other| other.name != first.name) {
            return Err(Refusal::Unknown.into());
        }
        first.caller(headers)
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    use super::*;
    use crate::{auth::Permissions, ids::TenantId};

    fn peer(names: &[&str]) -> Peer {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "shop.internal");
        params.subject_alt_names = names
            .iter()
            .map(|name| match name.strip_prefix("dns:") {
                Some(name) => SanType::DnsName(name.try_into().unwrap()),
                None => SanType::URI((*name).try_into().unwrap()),
            })
            .collect();
        let made = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        Peer::of(Some(made.der()))
    }

    fn callers() -> Callers {
        let grant = |name: &str| Grant {
            name: name.into(),
            tenants: vec![TenantId::default_tenant()],
            permissions: Permissions::ALL,
            department: None,
        };
        let configured = [
            ("spiffe://example.org/billing", "billing"),
            ("dns:Billing.internal", "billing"),
            ("dns:shop.internal", "shop"),
        ];
        Callers::new(configured.map(|(san, name)| (San::parse(san).unwrap(), grant(name))))
    }

    fn name(peer: &Peer) -> Result<String, Refusal> {
        let found = callers().caller(Some(peer), &HeaderMap::new());
        found
            .map(|caller| caller.name.to_string())
            .map_err(|refused| refused.why)
    }

    #[test]
    fn a_caller_is_told_by_a_whole_name_of_its_certificate() {
        for names in [
            vec!["spiffe://example.org/billing"],
            vec!["dns:billing.internal"],
            vec!["dns:BILLING.internal"],
            vec!["dns:other.internal", "spiffe://example.org/billing"],
            vec!["spiffe://example.org/billing", "dns:billing.internal"],
        ] {
            assert_eq!(name(&peer(&names)).as_deref(), Ok("billing"), "{names:?}");
        }
        assert_eq!(name(&peer(&["dns:shop.internal"])).as_deref(), Ok("shop"));
    }

    #[test]
    fn other_names_wildcards_and_common_names_are_nobodys() {
        for names in [
            vec![],
            vec!["spiffe://example.org/billing/"],
            vec!["spiffe://example.org/Billing"],
            vec!["spiffe://example.org/billing/x"],
            vec!["https://example.org/billing"],
            vec!["dns:*.internal"],
            vec!["dns:x.billing.internal"],
            // A URI is no DNS name, whatever it says.
            vec!["billing.internal"],
        ] {
            assert_eq!(name(&peer(&names)), Err(Refusal::Unknown), "{names:?}");
        }
        let garbage = Peer::of(Some(&CertificateDer::from(vec![0x30, 0x00])));
        assert_eq!(name(&garbage), Err(Refusal::Unknown));
    }

    #[test]
    fn a_certificate_of_two_callers_is_refused_and_none_is_missing() {
        let two = peer(&["dns:billing.internal", "dns:shop.internal"]);
        assert_eq!(name(&two), Err(Refusal::Unknown));
        assert_eq!(name(&Peer::of(None)), Err(Refusal::Missing));
        let nothing = callers().caller(None, &HeaderMap::new());
        assert_eq!(nothing.unwrap_err().why, Refusal::Missing);
    }

    #[test]
    fn configured_names_are_exact() {
        for good in [
            "spiffe://example.org/billing",
            "spiffe://a/ns/shop/sa/web-1",
            "dns:billing.internal",
        ] {
            assert!(San::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "billing.internal",
            "dns:",
            "dns:*.internal",
            "dns:a..b",
            "dns:a b",
            "spiffe://example.org",
            "spiffe://example.org/",
            "spiffe://example.org/a//b",
            "spiffe://example.org/../a",
            "spiffe://Example.org/a",
            "spiffe://example.org/*",
            "spiffe:///a",
            "https://example.org/a",
            "cn:billing",
        ] {
            assert_eq!(San::parse(bad), None, "{bad}");
        }
    }
}
