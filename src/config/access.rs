//! Who may call, and how connections are kept from others' eyes.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use crate::{
    auth::{Permissions, San},
    ids::TenantId,
};

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auth {
    /// How callers are known. Default `none`.
    pub mode: AuthMode,
    /// What tokens have to be like.
    pub jwt: Jwt,
    /// `auth.callers.<caller>.*`: who is told by a certificate.
    pub callers: BTreeMap<String, CallerSettings>,
}

/// How callers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthMode {
    /// Not at all: they are believed. Only on addresses that nobody else can reach.
    None,
    /// By a signed token in every call.
    Jwt,
    /// By the certificate of their connection.
    Mtls,
}

/// What tokens have to be like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwt {
    /// The file with the keys that tokens are verified with, a JSON Web Key Set. Needed with [`AuthMode::Jwt`].
    pub jwks_file: Option<PathBuf>,
    /// What `iss` has to be. Needed with [`AuthMode::Jwt`], where it is not empty.
    pub issuer: String,
    /// What `aud` has to be or have. Needed with [`AuthMode::Jwt`], where it is not empty.
    pub audience: String,
    /// How far the clock of who makes tokens may be off. Default 30 s; 0 to 5 min.
    pub leeway: Duration,
    /// The claim with the tenant or tenants. Default `tenant`.
    pub tenant_claim: String,
    /// The claim with the permissions. Default `permissions`.
    pub permissions_claim: String,
    /// The claim with the department. Default `department`.
    pub department_claim: String,
}

/// A caller who is told by a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallerSettings {
    /// The name in its certificate; every caller has one of its own.
    pub san: Option<San>,
    /// The tenants that it may work for, at least one. Default `default`.
    pub tenants: Vec<TenantId>,
    /// What it may do. Default nothing.
    pub permissions: Permissions,
    /// The department that it calls for, a slug of at most 64 bytes. Default none.
    pub department: Option<String>,
}

/// TLS on the address of gRPC.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// The certificate of the service with those between it and the root, PEM. There exactly when the key is.
    pub cert_file: Option<PathBuf>,
    /// Its private key, PEM.
    pub key_file: Option<PathBuf>,
    /// The roots of callers' certificates, PEM. There exactly with [`AuthMode::Mtls`].
    pub client_ca_file: Option<PathBuf>,
}

impl Default for Auth {
    fn default() -> Self {
        Self {
            mode: AuthMode::None,
            jwt: Jwt {
                jwks_file: None,
                issuer: String::new(),
                audience: String::new(),
                leeway: Duration::from_secs(30),
                tenant_claim: "tenant".to_owned(),
                permissions_claim: "permissions".to_owned(),
                department_claim: "department".to_owned(),
            },
            callers: BTreeMap::new(),
        }
    }
}

impl Default for CallerSettings {
    fn default() -> Self {
        Self {
            san: None,
            tenants: vec![TenantId::default_tenant()],
            permissions: Permissions::NONE,
            department: None,
        }
    }
}

/// What of the access settings only makes sense together, as (keys, what is wrong with them).
pub(super) fn contradictions(auth: &Auth, tls: &Tls) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let mut wrong = |keys: &[&str], text: String| {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        found.push((keys, text));
    };
    let has_tls = tls.cert_file.is_some() && tls.key_file.is_some();
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        let text = "tls.cert_file and tls.key_file belong together; one of them is not given";
        wrong(&["tls.cert_file", "tls.key_file"], text.to_owned());
    }
    match auth.mode {
        AuthMode::Jwt => {
            for (key, missing) in [
                ("auth.jwt.jwks_file", auth.jwt.jwks_file.is_none()),
                ("auth.jwt.issuer", auth.jwt.issuer.is_empty()),
                ("auth.jwt.audience", auth.jwt.audience.is_empty()),
            ] {
                if missing {
                    wrong(&["auth.mode"], format!("auth.mode jwt needs {key}"));
                }
            }
        }
        AuthMode::Mtls => {
            if !has_tls || tls.client_ca_file.is_none() {
                let text =
                    "auth.mode mtls needs tls.cert_file, tls.key_file and tls.client_ca_file";
                wrong(&["auth.mode"], text.to_owned());
            }
            if auth.callers.is_empty() {
                let text = "auth.mode mtls needs callers: auth.callers.<caller>.san and so on";
                wrong(&["auth.mode"], text.to_owned());
            }
        }
        AuthMode::None => (),
    }
    if auth.mode != AuthMode::Mtls && tls.client_ca_file.is_some() {
        let text = "tls.client_ca_file would keep nobody out: it is for auth.mode mtls";
        wrong(&["tls.client_ca_file"], text.to_owned());
    }
    let mut named: BTreeMap<&San, &str> = BTreeMap::new();
    for (name, caller) in &auth.callers {
        let Some(san) = &caller.san else {
            let text = format!("the caller {name} needs a san: nobody could be told as it");
            let of = |part: &str| format!("auth.callers.{name}.{part}");
            found.push((
                ["permissions", "tenants", "department"].map(of).into(),
                text,
            ));
            continue;
        };
        if let Some(other) = named.insert(san, name) {
            let text = format!("is the san of the caller {other} too; each has one of its own");
            found.push((vec![format!("auth.callers.{name}.san")], text));
        }
    }
    found
}
