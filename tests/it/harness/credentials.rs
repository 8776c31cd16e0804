//! Credentials that tests make: keys, tokens, certificates, and the files that a service reads.

use std::path::{Path, PathBuf};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, SanType,
};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _},
};
use serde_json::{Value, json};

/// Who makes tokens, and for whom.
pub const ISSUER: &str = "https://id.example.com";
pub const AUDIENCE: &str = "customer-profile";

/// A key that signs tokens.
pub enum Signer {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl Signer {
    pub fn ec() -> Self {
        let (random, form) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let made = EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(form, made.as_ref(), &random).unwrap())
    }

    pub fn ed() -> Self {
        let made = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(made.as_ref()).unwrap())
    }

    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_) => "ES256",
            Self::Ed(_) => "EdDSA",
        }
    }

    pub fn public(&self) -> Vec<u8> {
        match self {
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    /// Its public half in a key set.
    pub fn jwk(&self, kid: &str) -> Value {
        let public = self.public();
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match self {
            Self::Ec(_) => json!({
                "kty": "EC", "crv": "P-256", "kid": kid,
                "x": text(&public[1..33]), "y": text(&public[33..]),
            }),
            Self::Ed(_) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": text(&public)})
            }
        }
    }

    /// A token with a header and claims.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = signed_part(header, claims);
        let signature = match self {
            Self::Ec(pair) => {
                let signature = pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
                URL_SAFE_NO_PAD.encode(signature.as_ref())
            }
            Self::Ed(pair) => URL_SAFE_NO_PAD.encode(pair.sign(signed.as_bytes()).as_ref()),
        };
        format!("{signed}.{signature}")
    }

    /// A token of this key.
    pub fn token(&self, kid: &str, claims: &Value) -> String {
        self.sign(&json!({"alg": self.algorithm(), "kid": kid}), claims)
    }
}

/// Header and claims as they are signed.
pub fn signed_part(header: &Value, claims: &Value) -> String {
    let part = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// A token that is signed by HS256 with some bytes as the secret.
pub fn hmac_token(kid: &str, claims: &Value, secret: &[u8]) -> String {
    let signed = signed_part(&json!({"alg": "HS256", "kid": kid}), claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let tag = hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

/// Seconds since 1970.
pub fn now() -> i64 {
    customer_profile::clock::Clock::system().now().0 / 1_000_000
}

/// Claims of a good token that may do this.
pub fn claims(permissions: &str) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": "billing", "iat": now(), "exp": now() + 600,
        "tenant": "default", "permissions": permissions, "department": "billing",
    })
}

/// Claims with one of them changed.
pub fn with(mut claims: Value, name: &str, value: Value) -> Value {
    claims.as_object_mut().unwrap().insert(name.into(), value);
    claims
}

/// A directory with the files that a service reads.
pub struct Files(tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file in place of another at once.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let (draft, path) = (self.path("draft"), self.path(name));
        std::fs::write(&draft, content).unwrap();
        std::fs::rename(&draft, &path).unwrap();
        shown(&path)
    }

    /// Puts a key set there.
    pub fn put_keys(&self, keys: &[Value]) -> String {
        self.put("jwks.json", json!({"keys": keys}).to_string())
    }
}

fn shown(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Pair {
    pub certificate: String,
    pub key: String,
}

/// Who makes certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its root, PEM.
    pub fn root(&self) -> String {
        self.0.pem()
    }

    /// A certificate with these names, `dns:..` or URIs.
    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_until(names, (2099, 1, 1))
    }

    /// The same, to a given day.
    pub fn issue_until(&self, names: &[&str], (year, month, day): (i32, u8, u8)) -> Pair {
        let mut params = leaf(names);
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(year, month, day);
        let key = KeyPair::generate().unwrap();
        Pair {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A certificate that nobody vouches for.
pub fn self_signed(names: &[&str]) -> Pair {
    let key = KeyPair::generate().unwrap();
    Pair {
        certificate: leaf(names).self_signed(&key).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

fn leaf(names: &[&str]) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.subject_alt_names = names
        .iter()
        .map(|name| match name.strip_prefix("dns:") {
            Some(name) => SanType::DnsName(name.try_into().unwrap()),
            None => SanType::URI((*name).try_into().unwrap()),
        })
        .collect();
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    params
}
